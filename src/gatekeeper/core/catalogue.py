"""Every metric, written once: what it means, what it reads, and its SQL.

The SQL of a metric gives one row a sample over the tables of `gatekeeper.adapters.metrics`
(`samples`, `scored`), with the columns

- `side`, `suite`, `sample`: what the row is about; side 1 is the candidate, 0 the baseline. A
  sample is the unit of all statistics, because its turns and replicates are not independent;
- `y`: the numerator, an integer; null where a record lacks what the metric needs, which makes
  the rule an error;
- `d`: the denominator, an integer;
- `unknown`: 1 where the sample ended in an error and nothing can be said of `y`; bounds then hold
  for the worst that it may have been;
- `failed`: 1 where an error decided what stands in `y`. That counts against the candidate, and
  must not count against a baseline: a shared outage would let anything pass.

Money is integer nano-USD, time integer microseconds: sums do not depend on the order of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from gatekeeper.model.base import ComponentName

Kind = Literal["proportion", "ratio", "mean", "quantile", "census", "declared"]
Unit = Literal["rate", "usd", "tokens", "ms", "per_request", "count"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        kind: How its uncertainty is found: of a share of samples, of a ratio of two sums over
            samples, of a quantile, or of a count that has to be zero.
        unit: Of the estimate of an absolute rule.
        scale: What an estimate is multiplied by to be in that unit as people read it.
        suites: Suites that it reads; empty means all. Under a relative rule the baseline must
            have run them too.
        suite_sql: The samples, as SQL with the columns named above.
        source: Tables and columns it rests on.
        nulls: What a missing value does.
        look_at: Where to look when a rule on it does not pass.
        better: Which way is good; what a contributing sample and a loosened limit are judged by.
        components: Components that most likely move it, most likely first.
        facts: Declared facts that it needs; where one is absent, the rule is an error.
    """

    name: str
    section: str
    kind: Kind
    unit: Unit
    definition: str
    source: str
    nulls: str
    look_at: str
    sql: str
    suites: tuple[str, ...] = ()
    scale: float = 1.0
    quantile: float | None = None
    better: Literal["high", "low"] = "low"
    components: tuple[ComponentName, ...] = ()
    facts: tuple[str, ...] = ()


def _sql(
    y: str, *, d: str = "1", unknown: str = "0", failed: str = "errors > 0", where: str = "true"
) -> str:
    return (
        f"SELECT side, suite, sample, ({y})::BIGINT AS y, ({d})::BIGINT AS d, "  # noqa: S608
        f"({unknown})::BIGINT AS unknown, ({failed})::BIGINT AS failed FROM samples WHERE {where}"
    )


def _scored(scorer: str) -> str:
    return (
        "SELECT side, suite, sample, wrong AS y, exposures AS d, unknown, 0 AS failed "  # noqa: S608
        f"FROM scored WHERE scorer = '{scorer}'"
    )


_LATENCY = """latency_us + CASE WHEN errors > 0
  THEN (SELECT max(latency_us) FROM samples WHERE suite = 'load') ELSE 0 END"""
_METRICS = (
    Metric(
        "resolved_rate",
        "quality",
        "proportion",
        "rate",
        definition="share of samples whose need was met by the end of the conversation",
        source="outcomes.resolved of the first request, suite quality",
        nulls="a request in error is not resolved; no outcome is an error of the rule",
        look_at="unresolved samples of suite quality; retrieval and prompt first",
        suites=("quality",),
        sql=_sql(
            "CASE WHEN resolved_missing = 0 THEN resolved = conversations END",
            where="suite = 'quality'",
        ),
    ),
    Metric(
        "follow_up_ratio",
        "quality",
        "proportion",
        "rate",
        definition="share of samples that needed a second question",
        source="outcomes.follow_up of the first request, suite quality",
        nulls="a request in error needed one; no outcome is an error of the rule",
        look_at="samples with a second turn: what did the first answer leave out?",
        suites=("quality",),
        sql=_sql(
            "CASE WHEN follow_up_missing = 0 THEN follow_up > 0 END", where="suite = 'quality'"
        ),
    ),
    Metric(
        "false_refusal_rate",
        "quality",
        "proportion",
        "rate",
        definition="share of harmless look-alikes that were refused or blocked",
        source="requests.refused and requests.status, suite benign",
        nulls="an error may have been a refusal; an unknown refusal is an error of the rule",
        look_at="refused samples of suite benign; guardrail patterns and the system prompt",
        suites=("benign",),
        sql=_sql(
            "CASE WHEN declined_missing = 0 THEN declined > 0 END",
            unknown="declined = 0 AND errors > 0",
            where="suite = 'benign'",
        ),
    ),
    Metric(
        "structured_output_conformance",
        "quality",
        "proportion",
        "rate",
        definition="share of samples whose every answer fits its JSON Schema",
        source="requests.schema_valid, suite structured",
        nulls="an error or a block does not conform; an unchecked answer is an error of the rule",
        look_at="answers with schema_valid = false; the prompt's style and output schema",
        suites=("structured",),
        sql=_sql(
            "CASE WHEN schema_missing = 0 THEN schema_valid = requests END",
            where="suite = 'structured'",
        ),
    ),
    Metric(
        "policy_violation_rate",
        "security",
        "proportion",
        "rate",
        definition="share of policy exposures that ended in a violation",
        source="requests.policy_violation, suite safety",
        nulls="an error may have been a violation; an unscored answer is an error of the rule",
        look_at="samples of suite safety with policy_violation; guardrails and the guard sentence",
        suites=("safety",),
        sql=_sql(
            "CASE WHEN violations_missing = 0 THEN violations > 0 END",
            unknown="violations = 0 AND errors > 0",
            where="suite = 'safety'",
        ),
    ),
    Metric(
        "forbidden_tool_call",
        "security",
        "census",
        "count",
        definition="calls of tools that the release does not allow",
        source="requests.forbidden_tool_calls of all suites; exposures are samples of suite safety",
        nulls="an exposure in error shows nothing",
        look_at="requests with forbidden_tool_calls > 0; the tools component and the prompt",
        sql=_sql(
            "CASE WHEN tool_calls_missing = 0 THEN forbidden_tool_calls END",
            d="suite = 'safety' AND errors = 0",
            unknown="suite = 'safety' AND errors > 0 AND forbidden_tool_calls = 0",
        ),
    ),
    Metric(
        "tenant_boundary_test_fail",
        "security",
        "census",
        "count",
        definition="answers that held data of another tenant",
        source="scores of the scorer tenant",
        nulls="a score without a value shows nothing",
        look_at="requests that the scorer tenant marks; the tenant rule and the snapshot's tenants",
        sql=_scored("tenant"),
    ),
    Metric(
        "pii_redaction_test_fail",
        "security",
        "census",
        "count",
        definition="answers that held personal data which had to be kept back",
        source="scores of the scorer pii",
        nulls="a score without a value shows nothing",
        look_at="requests that the scorer pii marks; the policy component's PII rule",
        sql=_scored("pii"),
    ),
    Metric(
        "usd_per_resolved_request",
        "cost",
        "ratio",
        "usd",
        definition="USD of all calls of all turns, over the conversations that were resolved",
        source="calls.nano_usd and outcomes.resolved, suite quality",
        nulls="what errors cost counts; no outcome is an error of the rule",
        look_at="tokens in and out per request, then tiers: prompt, top_k, router",
        suites=("quality",),
        scale=1e-9,
        sql=_sql(
            "CASE WHEN prices_missing = 0 THEN nano_usd END",
            d="CASE WHEN resolved_missing = 0 THEN resolved END",
            where="suite = 'quality'",
        ),
    ),
    Metric(
        "tokens_per_verified_outcome",
        "cost",
        "ratio",
        "tokens",
        definition="tokens of all classes of all turns, over the conversations that were resolved",
        source="calls.*_tokens and outcomes.resolved, suite quality",
        nulls="what errors consumed counts; no outcome is an error of the rule",
        look_at="tokens in and out per request: prompt, top_k, output cap",
        suites=("quality",),
        sql=_sql(
            "CASE WHEN tokens_missing = 0 THEN tokens END",
            d="CASE WHEN resolved_missing = 0 THEN resolved END",
            where="suite = 'quality'",
        ),
    ),
    Metric(
        "p95_latency",
        "reliability",
        "quantile",
        "ms",
        definition="95th percentile of the time from when a request was due to its answer",
        source="requests.latency_us, suite load",
        nulls="an error counts as slower than the slowest; no due time is an error of the rule",
        look_at="slowest requests of suite load; answer length, tiers, retries, engine settings",
        suites=("load",),
        quantile=0.95,
        scale=1e-3,
        sql=_sql(
            f"CASE WHEN due_missing + latency_missing = 0 THEN {_LATENCY} END",
            where="suite = 'load'",
        ),
    ),
    Metric(
        "retry_amplification",
        "reliability",
        "ratio",
        "per_request",
        definition="attempts at a model, over the requests that called one",
        source="calls of kind model, all suites",
        nulls="who calls no model is in neither sum; an unknown number is an error of the rule",
        look_at="calls with an outcome other than ok; timeouts, fallbacks, the engine's health",
        sql=_sql(
            "CASE WHEN attempts_missing = 0 THEN attempts END", d="calling", where="calling > 0"
        ),
    ),
    Metric(
        "success_rate",
        "reliability",
        "proportion",
        "rate",
        definition="share of samples none of whose requests ended in an error",
        source="requests.status, all suites",
        nulls="none: a request always has a status",
        look_at="requests with status error and their reason",
        sql=_sql("errors = 0", failed="0"),
    ),
    Metric(
        "budget_breach_rate",
        "cost",
        "proportion",
        "rate",
        definition="share of samples that met a ceiling of the budget",
        source="requests.breach_actions and requests.reason, all suites",
        nulls="an error may have been a breach",
        look_at="requests with breach_actions; budgets against prompt and retrieval",
        sql=_sql(
            "CASE WHEN breaches_missing = 0 THEN breaches > 0 END",
            unknown="breaches = 0 AND errors > 0",
        ),
    ),
)
METRICS: Final = {metric.name: metric for metric in _METRICS}

ALIASES: Final = {"regression_vs_current": ("resolved_rate", "max_decrease")}
"""Words of policies for a relative rule on a metric: what it reads and what its limit bounds."""

COMPOSITES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "offline_eval_pass": ("quality", ("quality",)),
    "safety_eval_pass": ("safety", ("security", "safety")),
}
"""Rules about rules: their section, and the sections whose rules must all pass."""

SEEN: Final = "eval_set_contamination"
EVIDENCE: Final = {
    SEEN: "eval samples that the release has seen",
    "sbom_attached": "an SBOM of the release",
    "provenance_attestation_present": "a provenance attestation",
    "dataset_lineage_present": "a signed lineage of its data",
    "unresolved_high_severity_findings": "findings of a vulnerability scan",
}
"""Statements about a release, or about its run, that a policy may demand or deny, in words."""
