"""Everything in figures: all rules, their samples, and what the verdict rests on."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

from gatekeeper.report.advice import urgent
from gatekeeper.report.outcomes import amount, distance, margin, spoken
from gatekeeper.report.page.summary import mark
from gatekeeper.report.page.tags import Html, breakable, join, scrolled, tag
from gatekeeper.report.story import chance, measured, sample_words
from gatekeeper.report.verdict_table import cells, label, p_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.model.verdict import RuleResult, Verdict

_HEADS = ("rule", "observed", "bound", "limit", "margin", "n", "clusters", "p", "detects")


def rules(verdict: Verdict) -> Html:
    """All rules by section, in the order of the policy."""
    bodies: list[Html] = []
    for section, members in groupby(verdict.rules, key=lambda rule: rule.section):
        found = list(members)
        owner = next((f", owned by {rule.owner}" for rule in found if rule.owner), "")
        head = tag("th", f"{section}{owner}", colspan=len(_HEADS), class_="group", scope="rowgroup")
        bodies.append(tag("tbody", tag("tr", head), *map(_row, found)))
    heads = [
        tag("th", name, scope="col", class_="rule" if name == "rule" else "r") for name in _HEADS
    ]
    note = (
        "The bound is one-sided. p is that of the test which shows the rule met, or broken where "
        "it failed. “Detects” is how far inside the limit the truth must be to pass 8 times of 10."
    )
    table = tag("table", tag("thead", tag("tr", *heads)), *bodies)
    return tag(
        "section",
        tag("h2", "All rules", id="rules"),
        tag("p", note),
        scrolled(table, "All rules"),
        *map(_detail, verdict.rules),
    )


def samples(verdict: Verdict) -> Html | None:
    """The samples that count most, for each rule that did not pass."""
    parts = [
        tag(
            "details",
            tag("summary", tag("code", breakable(rule.rule)), f": {len(rule.samples)} samples"),
            tag("ul", *(_sample(rule, place) for place in range(len(rule.samples)))),
        )
        for rule in urgent(verdict)
        if rule.samples
    ]
    if not parts:
        return None
    return tag("section", tag("h2", "Samples that count most", id="samples"), *parts)


def provenance(verdict: Verdict) -> Html:
    """By what digests, policy and facts the decision can be made again."""
    facts = [
        ("release", verdict.release),
        ("baseline", verdict.baseline or ""),
        ("run", verdict.run),
        ("records of the run", verdict.run_digest),
        ("policy", f"{verdict.policy_name} {verdict.policy}".strip()),
        ("parameters", _json(verdict.parameters)),
        ("price book", verdict.price_book or ""),
        *((f"eval set {name}", value) for name, value in sorted(verdict.sets.items())),
        *((f"model {name}", value) for name, value in sorted(verdict.engines.items())),
        ("run ended", f"{verdict.ended:%Y-%m-%d %H:%M:%S} UTC" if verdict.ended else ""),
        ("decided", f"{verdict.decided:%Y-%m-%d %H:%M:%S} UTC"),
    ]
    return tag(
        "section",
        tag("h2", "What it rests on", id="provenance"),
        tag("p", "Every part is named by its sha256; the signed verdict holds the same figures."),
        _facts(facts),
        _folded("The policy as it was applied", verdict.inputs.policy),
        _folded("Declared facts", verdict.inputs.facts),
    )


def _row(rule: RuleResult) -> Html:
    observed, bound, limit, n = cells(rule)
    away = margin(rule)
    off = distance(away, rule.unit) if away is not None and measured(rule) else ""
    sign = "-" if away is not None and away < 0 else ""
    numbers = [
        observed,
        bound,
        limit,
        f"{sign}{off}" if off else "",
        n,
        f"{rule.clusters:,}" if rule.clusters else "",
        p_value(rule),
        distance(rule.mde, rule.unit) if rule.mde is not None else "",
    ]
    name = tag("th", mark(rule.outcome), breakable(label(rule)), scope="row", class_="rule")
    return tag("tr", name, *(tag("td", one, class_="r") for one in numbers))


def _detail(rule: RuleResult) -> Html:
    p = rule.p_fail if rule.outcome == "fail" else rule.p
    facts = [
        ("outcome", f"{spoken(rule.outcome)} ({rule.code})"),
        ("severity", rule.severity),
        ("found", rule.reason),
        ("method", rule.method),
        ("confidence", f"{(1 - rule.alpha) * 100:g} % a side"),
        ("p-value", chance(p) if p is not None else ""),
        ("candidate", amount(rule.candidate, "") if rule.candidate is not None else ""),
        ("baseline", amount(rule.baseline, "") if rule.baseline is not None else ""),
        ("design effect", f"{rule.design_effect:.3g}" if rule.design_effect > 1 else ""),
        ("pairs left out", f"{rule.left_out:,}" if rule.left_out else ""),
        ("samples needed", f"{rule.n_needed:,}" if rule.n_needed is not None else ""),
        ("seed", str(rule.seed) if rule.seed is not None else ""),
        ("to settle it", rule.settle),
        ("look at", rule.look_at),
        ("skipped", f"by {rule.skip.by}: {rule.skip.reason}" if rule.skip else ""),
        ("suspects", ", ".join(rule.suspects)),
        ("owner", rule.owner),
    ]
    summary = tag("summary", join(mark(rule.outcome), tag("code", breakable(rule.rule))))
    return tag("details", summary, _facts(facts))


def _facts(pairs: Sequence[tuple[str, str]]) -> Html:
    return tag("dl", *(join(tag("dt", name), _fact(text)) for name, text in pairs if text))


def _fact(text: str) -> Html:
    """A value; a digest as code, which may be broken anywhere."""
    return tag("dd", tag("code", text) if "sha256:" in text else text)


def _sample(rule: RuleResult, place: int) -> Html:
    one = rule.samples[place]
    request = f", request {one.request}" if one.request else ""
    return tag("li", f"{sample_words(one, rule)}, suite {one.suite}{request}")


def _folded(title: str, value: object) -> Html | None:
    if not value:
        return None
    return tag("details", tag("summary", title), tag("pre", _json(value)))


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
