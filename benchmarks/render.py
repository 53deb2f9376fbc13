"""A verdict of 200 rules, with slices and samples, in every format that `--report` writes.

Each format is written in turns and the best of each is shown, beside the JSON of the same verdict,
which has everything.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.text import Text

from gatekeeper.core.places import Place, Places
from gatekeeper.core.plots import BINS, Distribution, Plots, Point, Sketch
from gatekeeper.model.verdict import Contribution, Inputs, RuleResult, SliceResult, Verdict
from gatekeeper.report.annotations import verdict_github, verdict_gitlab
from gatekeeper.report.junit import verdict_junit
from gatekeeper.report.page.document import verdict_html
from gatekeeper.report.sarif import verdict_sarif
from gatekeeper.report.verdict import verdict_document, verdict_text
from gatekeeper.report.verdict_markdown import verdict_markdown

if TYPE_CHECKING:
    from collections.abc import Callable

OUTCOMES = ("fail", "pass", "inconclusive", "pass", "error")
SLICES, SAMPLES = 20, 10
TARGET = 1.0
"""Seconds for all formats."""


def rule(number: int) -> RuleResult:
    """One rule with all that a rule can say."""
    outcome = OUTCOMES[number % len(OUTCOMES)]
    return RuleResult(
        rule=f"section_{number // 25}.metric_{number}_max_increase",
        section=f"section_{number // 25}",
        outcome=outcome,
        estimate=None if outcome == "error" else 0.2 + number / 1000,
        low=0.15,
        high=0.3,
        limit=0.1,
        n=300,
        reason="+41.3 % against the baseline on 300 pairs; allowed: at most 10.0 % more",
        code="limit_broken",
        look_at="tokens in and out per request, then tiers: prompt, top_k, router",
        metric=f"metric_{number}",
        test="max_increase",
        unit="relative",
        method="ratio of means, delta method",
        severity="block",
        blocks=outcome != "pass",
        p=0.4,
        p_fail=0.001,
        mde=0.03,
        clusters=40,
        design_effect=1.7,
        by="topic",
        slices=tuple(
            SliceResult(value=f"topic-{at}", outcome="fail", estimate=0.3, low=0.1, high=0.5, n=15)
            for at in range(SLICES)
        ),
        samples=tuple(
            Contribution(sample=f"sample-{at:05}", suite="quality", candidate=2.0, share=0.1)
            for at in range(SAMPLES)
        ),
        suspects=("prompt",),
    )


def verdict(rules: int) -> Verdict:
    """The verdict of so many rules."""
    digest = "sha256:" + "a" * 64
    return Verdict(
        outcome="fail",
        release=digest,
        release_name="desk",
        baseline="sha256:" + "b" * 64,
        run="20261120-120000-000abc",
        run_digest=digest,
        policy=digest,
        rules=tuple(rule(number) for number in range(rules)),
        decided=datetime(2026, 11, 20, tzinfo=UTC),
        inputs=Inputs(changed=("prompt",)),
    )


def plots() -> Plots:
    """Three distributions and a plane of a dozen runs."""
    sketch = Sketch(BINS, (1,) * BINS, 0.4, 0.9)
    drawn = tuple(Distribution(what, "ms", "load", 0, 1, sketch, sketch) for what in "abc")
    plane = tuple(Point(f"run {at}", "earlier", 0.1 + at / 100, 0.9) for at in range(12))
    return Plots(drawn, plane)


def formats() -> dict[str, Callable[[Verdict], str]]:
    """Every format by name; the first is what the others are measured by."""
    place = Place("manifests/desk.yaml", 38, 3, "components.prompt")
    places, drawn = Places(manifest=place, components={"prompt": place}), plots()
    return {
        "json": lambda one: json.dumps(verdict_document(one), indent=2, ensure_ascii=False),
        "text": lambda one: Text.from_markup(verdict_text(one)).plain,
        "markdown": verdict_markdown,
        "junit": verdict_junit,
        "sarif": lambda one: verdict_sarif(one, places),
        "html": lambda one: verdict_html(one, drawn),
        "github": lambda one: verdict_github(one, places),
        "gitlab": lambda one: verdict_gitlab(one, places),
    }


def main() -> None:
    """Write each in turns and print the best."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    one, found = verdict(given.rules), formats()
    best = dict.fromkeys(found, float("inf"))
    size = {}
    for _ in range(given.repeats):
        for name, write in found.items():
            start = time.perf_counter()
            size[name] = len(write(one).encode())
            best[name] = min(best[name], time.perf_counter() - start)
    per_rule = f"{SLICES} slices and {SAMPLES} samples each"
    print(f"{given.rules} rules with {per_rule}, best of {given.repeats}\n")
    print(f"{'format':10} {'ms':>8} {'ratio':>7} {'kB':>8}")
    for name, seconds in best.items():
        ratio = seconds / best["json"]
        print(f"{name:10} {seconds * 1000:8.1f} {ratio:7.2f} {size[name] / 1000:8.0f}")
    total = sum(best.values())
    print(f"{'all':10} {total * 1000:8.1f}   target: under {TARGET:.0f} s")


if __name__ == "__main__":
    main()
