"""The whole page."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import TYPE_CHECKING

from gatekeeper import __version__
from gatekeeper.report.outcomes import release_name
from gatekeeper.report.page import tables
from gatekeeper.report.page.densities import densities
from gatekeeper.report.page.forest import forest
from gatekeeper.report.page.heat import heat
from gatekeeper.report.page.plane import plane
from gatekeeper.report.page.summary import heading, summary
from gatekeeper.report.page.tags import Html, tag

if TYPE_CHECKING:
    from gatekeeper.core.plots import Plots
    from gatekeeper.model.verdict import Verdict


def verdict_html(verdict: Verdict, plots: Plots, policy: str = "") -> str:
    """One file that needs no other: no script, no request, and a policy that allows none.

    Args:
        verdict: What was decided.
        plots: What is drawn beside the rules; may be empty.
        policy: The file of its policy, where it is known.
    """
    parts = [
        ("summary", "What to do", summary(verdict, policy)),
        ("limits", "Limits", forest(verdict)),
        ("slices", "Slices", heat(verdict)),
        ("distributions", "Distributions", densities(plots.distributions)),
        ("plane", "Cost and quality", plane(plots.plane)),
        ("samples", "Samples", tables.samples(verdict)),
        ("rules", "All rules", tables.rules(verdict)),
        ("provenance", "What it rests on", tables.provenance(verdict)),
    ]
    shown = [(anchor, name, part) for anchor, name, part in parts if part is not None]
    body = tag(
        "body",
        heading(verdict, [(anchor, name) for anchor, name, _ in shown]),
        tag("main", *(part for _, _, part in shown), _footer(verdict)),
    )
    return f"<!doctype html>\n{tag('html', _head(verdict), body, lang='en')}\n"


def _head(verdict: Verdict) -> Html:
    style = resources.files("gatekeeper.report.page").joinpath("style.css").read_text("utf-8")
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    rules = (
        f"default-src 'none'; style-src 'sha256-{allowed}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=rules),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"{verdict.outcome}: {release_name(verdict)}"),
        tag("link", rel="icon", href="data:,"),
        tag("style", Html(style)),
    )


def _footer(verdict: Verdict) -> Html:
    again = tag("code", f"gatekeeper gate {verdict.run} --verify")
    return tag(
        "footer",
        tag(
            "p", f"Made by gatekeeper {__version__}. ", again, " derives it again from the records."
        ),
    )
