"""What SARIF says of every rule of a verdict, whether it passed or not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.metrics.catalogue import EVIDENCE, METRICS
from gatekeeper.report.markdown import code, plain
from gatekeeper.report.markup import spelled_out
from gatekeeper.report.outcomes import amount, upper

if TYPE_CHECKING:
    from gatekeeper.model.verdict import RuleResult

LEVELS: Final = {"block": "error", "warn": "warning", "info": "note"}
_LONGEST: Final = 1024
"""Characters of a description that code scanning takes."""
_CHANGE: Final = {"max_increase": " more", "max_decrease": " less", "min_increase": " more"}
_LINK: Final = re.compile(r"\[([^\[\]]*)\](?=\()")
_GAP: Final = re.compile(r"\{(\d+)\}")


def descriptor(rule: RuleResult) -> dict[str, Any]:
    """The rule itself: what it demands of what, and where to look when it does not pass."""
    look = spelled_out(rule.look_at or "the rule in its policy, and the samples of the run")
    named = f"{code(rule.metric)}: {plain(_definition(rule))}" if rule.metric else ""
    markdown = [named, f"**Demanded:** {plain(_demand(rule))}", f"**Look at:** {plain(look)}"]
    return {
        "id": rule.rule,
        "shortDescription": said(_short(rule)),
        "fullDescription": said(_full(rule)),
        "help": {
            "text": said(f"Look at: {look}")["text"],
            "markdown": "\n\n".join(part for part in markdown if part),
        },
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"tags": [rule.section], "metric": rule.metric, "owner": rule.owner},
    }


def said(text: str, longest: int = _LONGEST) -> dict[str, str]:
    """A message of SARIF that is shown as `text`: nothing in it is a link or to be filled in."""
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return {"text": _GAP.sub(r"{{\1}}", _LINK.sub(r"\\[\1\\]", cut))}


def _short(rule: RuleResult) -> str:
    return f"{rule.metric or rule.rule}: {_demand(rule)}"


def _full(rule: RuleResult) -> str:
    named = ": ".join(part for part in (rule.metric or rule.rule, _definition(rule)) if part)
    return f"{named}. Demanded: {_demand(rule)}."


def _demand(rule: RuleResult) -> str:
    if rule.test == "census":
        return "none at all"
    if rule.limit is None:
        return rule.test.replace("_", " ") or "to be shown"
    side = "at most" if upper(rule) else "at least"
    change = _CHANGE.get(rule.test, "")
    limit = amount(rule.limit, rule.unit)
    return f"{side} {limit.lstrip('+') if change else limit}{change}"


def _definition(rule: RuleResult) -> str:
    metric = METRICS.get(rule.metric)
    return metric.definition if metric else EVIDENCE.get(rule.metric, "")
