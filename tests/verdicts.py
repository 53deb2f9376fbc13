"""Verdicts made by hand, with everything that a rule can say of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gatekeeper.core.places import Place, Places
from gatekeeper.core.plots import BINS, Distribution, Plots, Point, Sketch
from gatekeeper.model.run import RunSource
from gatekeeper.model.verdict import (
    Contribution,
    Inputs,
    Loosened,
    RuleOutcome,
    RuleResult,
    Skip,
    SliceResult,
    Verdict,
)

if TYPE_CHECKING:
    from gatekeeper.model.policy import Severity

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
DECIDED = datetime(2026, 11, 20, 12, 5, tzinfo=UTC)


def rule(name: str, outcome: RuleOutcome, **facts: Any) -> RuleResult:
    """A result; what is not given is that of a share with an upper limit."""
    section, _, word = name.partition(".")
    given = {
        "metric": word.rsplit("_m", 1)[0],
        "test": "min" if word.endswith("_min") else "max",
        "reason": "what was observed",
        "code": "shown" if outcome == "pass" else outcome,
        "unit": "rate",
        "blocks": outcome in {"fail", "error", "inconclusive"},
        **facts,
    }
    return RuleResult(rule=name, section=section, outcome=outcome, **given)


def failing() -> RuleResult:
    """A cost rule that fails, with everything known about it."""
    return rule(
        "cost.usd_per_resolved_request_max_increase",
        "fail",
        metric="usd_per_resolved_request",
        test="max_increase",
        unit="relative",
        estimate=0.413,
        low=0.391,
        high=0.436,
        limit=0.1,
        margin=-0.313,
        n=300,
        clusters=42,
        design_effect=1.8,
        candidate=0.0021,
        baseline=0.0015,
        p=0.9999,
        p_fail=2e-7,
        mde=0.021,
        method="ratio of means, delta method over clusters",
        seed=7,
        code="limit_broken",
        reason="+41.3 % against the baseline on 300 pairs, at least +39.1 % with 95 % confidence; "
        "allowed: at most 10.0 % more",
        look_at="tokens in and out per request, then tiers: prompt, top_k, router",
        owner="finops",
        suspects=("prompt", "router"),
        by="topic",
        slices=(
            SliceResult(value="warranty", outcome="pass", estimate=0.02, low=0.0, high=0.06, n=90),
            SliceResult(value="billing", outcome="fail", estimate=0.61, low=0.5, high=0.72, n=80),
            SliceResult(
                value="returns", outcome="inconclusive", estimate=0.14, low=0.02, high=0.27, n=60
            ),
            SliceResult(value="shipping", outcome="fail", estimate=0.7, low=0.6, high=0.8, n=70),
        ),
        samples=(
            Contribution(
                sample="quality-00012",
                suite="quality",
                candidate=0.0062,
                baseline=0.0014,
                share=0.052,
                request="c1:12:0",
            ),
            Contribution(
                sample="quality-00040",
                suite="quality",
                candidate=0.0055,
                baseline=0.0014,
                share=0.044,
            ),
        ),
    )


def rules() -> tuple[RuleResult, ...]:
    """One rule of every outcome and severity."""
    return (
        rule(
            "security.forbidden_tool_call",
            "pass",
            test="census",
            unit="count",
            estimate=0.0,
            low=0.0,
            high=0.004,
            limit=0.0,
            n=750,
            reason="0 in 750 exposures, which excludes a rate above 0.40 %",
        ),
        rule(
            "security.policy_violation_rate_max",
            "inconclusive",
            estimate=0.0,
            low=0.0,
            high=0.072,
            limit=0.005,
            n=40,
            p=0.82,
            p_fail=1.0,
            mde=0.07,
            n_needed=598,
            code="too_few",
            settle="about 598 samples, if the estimate stays",
            reason="0.0 % on 40 samples, but anything from 0.0 % to 7.2 % is compatible",
        ),
        rule(
            "quality.resolved_rate_min",
            "pass",
            estimate=0.987,
            low=0.97,
            high=0.996,
            limit=0.78,
            n=300,
            p=1e-9,
            mde=0.061,
            by="topic",
            slices=(
                SliceResult(
                    value="billing", outcome="pass", estimate=0.95, low=0.9, high=0.99, n=80
                ),
                SliceResult(
                    value="warranty", outcome="pass", estimate=0.99, low=0.96, high=1.0, n=90
                ),
            ),
            owner="support",
        ),
        rule(
            "quality.groundedness_min",
            "error",
            unit="",
            limit=0.9,
            code="incomplete",
            reason="2 of 300 samples lack what it is made of: scores of the scorer grounded",
            settle="a run whose scorers and pipeline fill it in",
        ),
        rule(
            "quality.false_refusal_rate_max",
            "fail",
            estimate=0.133,
            low=0.102,
            high=0.17,
            limit=0.03,
            n=300,
            severity="warn",
            blocks=False,
            reason="13.3 % on 300 samples, at least 10.2 % with 95 % confidence",
            look_at="refused samples of suite benign",
        ),
        rule(
            "reliability.p95_latency_max_increase",
            "skipped",
            unit="relative",
            reason="skipped",
            skip=Skip(by="ada", reason="the load machine is being repaired"),
        ),
        rule(
            "reliability.retry_amplification_max_increase",
            "not_applicable",
            reason="the environment has no release yet, so there is nothing to compare with",
        ),
        rule(
            "reliability.success_rate_min",
            "pass",
            estimate=0.999,
            low=0.995,
            high=1.0,
            limit=0.99,
            n=1850,
            severity="info",
        ),
        failing(),
    )


def verdict(*found: RuleResult, **facts: Any) -> Verdict:
    """A verdict on some rules; on one of each kind where none is given."""
    given: dict[str, Any] = {
        "outcome": "fail",
        "release": DIGEST,
        "release_name": "support-desk",
        "baseline": OTHER,
        "baseline_name": "support-desk",
        "run": "20261120-120000-000abc",
        "run_digest": "sha256:" + "c" * 64,
        "policy": "sha256:" + "d" * 64,
        "policy_name": "support-desk",
        "rules": found or rules(),
        "decided": DECIDED,
        "ended": DECIDED,
        "sets": {"quality": "sha256:" + "e" * 64},
        "engines": {"desk": "embedded 4.6.1"},
        "inputs": Inputs(changed=("prompt", "router")),
        **facts,
    }
    return Verdict(**given)


def noticed() -> Verdict:
    """A verdict with something to know of every sort."""
    return verdict(
        failing().model_copy(update={"outcome": "pass", "blocks": False, "p": 0.01}),
        outcome="pass",
        source=RunSource(format="inspect", tool="inspect 0.3.285", digest=DIGEST),
        cached_calls=1200,
        drift=("vllm 0.33.1 is not 0.32.0",),
        warnings=("the policy was to be reviewed by 2026-10-01",),
        loosened=(
            Loosened(rule="cost.x_max", what="limit", before="0.1", after="0.5"),
            Loosened(rule="cost.y_max", what="removed", before="0.2", after=""),
        ),
        needs_approval=True,
        inputs=Inputs(limits={"cost.x_max": 0.5}),
    )


def places() -> Places:
    """Where the parts of the verdict stand."""
    manifest, policy = "manifests/support desk.yaml", "gates/support-desk.yaml"
    return Places(
        manifest=Place(manifest),
        policy=Place(policy),
        components={
            "prompt": Place(manifest, 38, 3, "components.prompt"),
            "model": Place(manifest, 44, 3, "components.model"),
        },
        rules={
            "quality.groundedness_min": Place(policy, 12, 5, "sections.quality.groundedness_min")
        },
    )


def plots() -> Plots:
    """Something to draw, of every kind."""
    return Plots(
        distributions=(
            _drawn("latency of a sample", "ms", (10.0, 60.0), 30, 22),
            _drawn("tokens of a sample", "tokens", (40.0, 240.0), 60, 25),
            _drawn("cost of 1,000 samples", "usd", (0.4, 4.0), 55, None),
        ),
        plane=(
            Point("this candidate", "candidate", 0.0021, 0.987, 0.0019, 0.0023, 0.97, 0.996),
            Point("baseline", "baseline", 0.0015, 0.96, 0.0014, 0.0016, 0.936, 0.977),
            Point(
                "run 20261101-090000-111aaa", "earlier", 0.0018, 0.95, 0.0017, 0.0019, 0.93, 0.97
            ),
            Point("run 20261030-090000-222bbb", "earlier", 0.0012, 0.91),
        ),
    )


def severe(severity: Severity) -> RuleResult:
    """The failing rule with another severity."""
    return failing().model_copy(update={"severity": severity, "blocks": severity == "block"})


def _drawn(
    what: str, unit: str, ends: tuple[float, float], middle: int, other: int | None
) -> Distribution:
    candidate = _bell(middle, ends)
    baseline = None if other is None else _bell(other, ends)
    return Distribution(what, unit, "quality", *ends, candidate, baseline)


def _bell(middle: int, ends: tuple[float, float]) -> Sketch:
    counts = tuple(max(0, 40 - (place - middle) ** 2 // 6) for place in range(BINS))
    low, width = ends[0], (ends[1] - ends[0]) / BINS
    return Sketch(sum(counts), counts, low + middle * width, low + (middle + 10) * width)
