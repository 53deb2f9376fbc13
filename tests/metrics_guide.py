"""The guide to metrics, made of the library: what it says is what is measured."""

from __future__ import annotations

import textwrap
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from builders_metrics import declared_facts
from gatekeeper.adapters.metrics import slices
from gatekeeper.adapters.metrics.columns import TYPES
from gatekeeper.core.metrics import formula
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.observation import Declared, Sums
from gatekeeper.model.facts import MEANING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.core.metrics.metric import Metric

SECTIONS: Final = {
    "quality": "whether people get what they came for",
    "security": "what must not happen, and whether it is noticed",
    "cost": "what an outcome costs, and what of it was avoidable",
    "reliability": "whether answers come, how fast, and what it takes",
}
KINDS: Final = {
    "proportion": "share of conversations",
    "ratio": "ratio of two sums over conversations",
    "mean": "mean over conversations",
    "quantile": "quantile over conversations",
    "census": "count that has to be zero",
    "declared": "declared facts alone",
}
TEMPLATE: Final = Path(__file__).parent / "fixtures/metrics.md"
EXAMPLES: Final[dict[str, tuple[str, tuple[int, int], dict[str, float]]]] = {
    "tokens_per_verified_outcome": (
        "1,200 conversations used 640,000 tokens in all, and 1,000 of them were resolved",
        (640_000, 1_000),
        {},
    ),
    "cost_per_verified_change": (
        "12,000 conversations cost 84 USD",
        (84 * 10**9, 12_000),
        {
            "infrastructure_usd": 1200,
            "retrieval_usd": 150,
            "review_hours": 120,
            "review_usd_per_hour": 65,
            "incident_usd": 2400,
            "rework_usd": 900,
            "verified_changes": 42,
        },
    ),
    "verification_tax_ratio": (
        "no records",
        (0, 0),
        {
            "review_hours": 120,
            "rework_hours": 45,
            "remediation_hours": 15,
            "delivery_hours": 900,
        },
    ),
    "cost_per_successful_agent_task": (
        "500 tasks cost 35 USD, and 420 of them succeeded",
        (35 * 10**9, 420),
        {"infrastructure_usd": 60, "escalation_usd": 325},
    ),
    "input_token_share": (
        "calls cost 84 USD in all, 31.5 USD of it for prompts",
        (31_500_000_000, 84 * 10**9),
        {},
    ),
    "instability_tax": (
        "no records",
        (0, 0),
        {"failure_usd": 5200, "baseline_failure_usd": 4100},
    ),
    "saved_prefill_value": (
        (
            "12,000 conversations read 9,000,000 prompt tokens from a cache, at 0.10 USD a million "
            "where computing them costs 0.40 USD"
        ),
        (9_000_000 * 300, 12_000),
        {},
    ),
    "energy_per_request": (
        "12,000 requests used 6,000,000 tokens",
        (6_000_000, 12_000),
        {"energy_joule_per_token": 0.9},
    ),
    "carbon_per_request": (
        "12,000 requests used 6,000,000 tokens",
        (6_000_000, 12_000),
        {
            "energy_joule_per_token": 0.9,
            "grid_gco2e_per_kwh": 350,
            "embodied_gco2e_per_request": 0.02,
        },
    ),
}
"""Of each formula: what the records say, the sums of y and d, and the facts."""

WAYS = ("1 where any meets", "how many meet", "sum of", "largest")
"""How the requests of a trial become one value, by the kinds of columns."""


def guide() -> str:
    """The whole page."""
    parts = {
        "columns": ", ".join(f"`{name}`" for name in slices.COLUMNS),
        "most": f"{slices.MOST:,}",
        "facts": "\n".join(
            f"| `{name}` | {unit} | {what} |" for name, (unit, what) in MEANING.items()
        ),
        "sections": "\n".join(_section(name, what) for name, what in SECTIONS.items()),
        "table": "\n".join(
            f"| `{name}` | {how}: `{' '.join(sql.split())}` |"
            for how, (_, _, columns) in zip(WAYS, TYPES, strict=True)
            for name, sql in columns.items()
        ),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"<{name}>", part)
    return text


def _section(section: str, what: str) -> str:
    metrics = [one for one in METRICS.values() if one.section == section]
    return f"\n## {section.capitalize()}: {what}\n" + "".join(map(_metric, metrics))


def worked(metric: Metric) -> float:
    """The value of a metric's example, by the code that decides."""
    _, (y, d), values = EXAMPLES[metric.name]
    if not metric.formulas:
        return y / d * metric.scale
    facts = declared_facts(**values)
    used = formula.chosen(metric.formulas, facts)
    assert used is not None
    if metric.kind == "declared":
        alone = formula.declared(used, facts)
        assert isinstance(alone, Declared)
        return alone.value
    found: Any = formula.blended(Sums(1, (y, d), ((y * y, y * d), (y * d, d * d))), used, facts)
    return float(Fraction(found.totals[0], found.totals[1])) * metric.scale


def _metric(metric: Metric) -> str:
    return f"\n### {metric.name}\n\n" + "\n".join(_lines(metric)) + "\n"


def _lines(metric: Metric) -> Iterator[str]:
    yield f"{metric.definition[0].upper()}{metric.definition[1:]}.\n"
    yield f"- unit: {metric.unit}; {KINDS[metric.kind]}; {metric.better} is good"
    yield f"- source: {metric.source}"
    yield f"- nulls: {metric.nulls}"
    for one in metric.formulas:
        yield f"- formula: `{one.text(records=bool(metric.sql))}`"
    if metric.components:
        yield f"- moved by: {', '.join(metric.components)}"
    yield f"- where to look: {metric.look_at}"
    if metric.name in EXAMPLES:
        yield f"- example: {_example(metric)}"
    if metric.sql:
        yield f"\n```sql\n{_wrapped(metric.sql)}\n```"


def _example(metric: Metric) -> str:
    records, _, values = EXAMPLES[metric.name]
    facts = ", ".join(f"`{name}` {value:,g}" for name, value in values.items())
    given = "; ".join(filter(None, (records if records != "no records" else "", facts)))
    return f"{given}: {worked(metric):,.6g} {metric.unit}"


def _wrapped(sql: str) -> str:
    return "\n".join(textwrap.wrap(sql, 120, break_long_words=False, break_on_hyphens=False))
