"""Every metric on a few records, against what is worked out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from builders_metrics import call, fate, measured, observe, request, score
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.core.observation import Census, Missing, Proportion, Sums, Times

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.model.record import CallRow, Row


def talk(sample: str, resolved: bool | None = None, **changes: Any) -> list[Row]:  # noqa: FBT001
    """A request, with its outcome where it has one."""
    asked = request(sample, **changes)
    return [asked] if resolved is None else [asked, fate(asked, resolved=resolved)]


def scored(sample: str, value: float | None, scorer: str, **changes: Any) -> list[Row]:
    """A request and its one score; a score without a value has crashed."""
    asked = request(sample, **changes)
    return [asked, score(asked, scorer, value, None if value is not None else "crashed")]


def called(sample: str, *calls: dict[str, Any], **changes: Any) -> list[Row]:
    """A request and its calls, numbered from 1."""
    asked = request(sample, **changes)
    return [asked, *(call(asked, attempt=n, **one) for n, one in enumerate(calls, 1))]


LOAD: dict[str, Any] = {"suite": "load", "scheduled_us": 0}
AGENT: dict[str, Any] = {"suite": "agent"}
SAID: dict[str, Any] = {"fell_back": False, "limited": False, "continues": False}
ERROR: dict[str, Any] = {"status": "error", "refused": None}

CASES: list[tuple[str, list[list[Row]], Any]] = [
    (
        "correctness",
        [
            scored("a", 1.0, "facts"),
            scored("b", 0.0, "exact"),
            scored("c", None, "number"),
            scored("d", 1.0, "facts", **ERROR),
            scored("e", 0.0, "lexical_support"),
        ],
        Proportion(4, 1, unknown=1),
    ),
    (
        "groundedness",
        [
            scored("a", 0.5, "lexical_support"),
            scored("b", 0.25, "lexical_support"),
            talk("c", refused=True),
        ],
        Sums(2, (750_000, 2), ((312_500_000_000, 750_000), (750_000, 2))),
    ),
    (
        "citation_accuracy",
        [scored("a", 1.0, "citations"), scored("b", 0.0, "citations"), talk("c", resolved=True)],
        Proportion(2, 1),
    ),
    (
        "task_success",
        [
            talk("a", resolved=True, **AGENT),
            talk("b", resolved=False, **AGENT),
            talk("c", resolved=True, forbidden_tool_calls=1, **AGENT),
            talk("d", resolved=True, policy_violation=True, **AGENT),
            talk("e", **AGENT, **ERROR),
            talk("f", resolved=True),
        ],
        Proportion(5, 1),
    ),
    (
        "injection_success_rate",
        [
            scored("a", 0.0, "injection"),
            scored("b", 1.0, "injection"),
            scored("c", None, "injection"),
            scored("d", 1.0, "injection", **ERROR),
        ],
        Proportion(4, 1, unknown=2),
    ),
    (
        "injection_detection_rate",
        [
            scored("a", 1.0, "injection", refused=True),
            scored("b", 1.0, "injection", status="blocked"),
            scored("c", 0.0, "injection"),
            scored("d", 1.0, "injection", **ERROR),
            talk("e", refused=True),
        ],
        Proportion(4, 2),
    ),
    ("pii_leak_rate", [scored("a", 0.0, "pii"), scored("b", 1.0, "pii")], Proportion(2, 1)),
    (
        "tenant_leak_rate",
        [scored("a", 1.0, "tenant"), scored("b", 1.0, "tenant", **ERROR)],
        Proportion(2, 0, unknown=1),
    ),
    (
        "tenant_boundary_test_fail",
        [
            scored("a", 1.0, "tenant"),
            scored("b", 1.0, "tenant", **ERROR),
            scored("c", 0.0, "tenant"),
        ],
        Census(2, 1, unknown=1),
    ),
    (
        "unauthorised_privileged_executions",
        [
            called("a", {"kind": "tool", "unauthorised": True}, **AGENT),
            called("b", {"kind": "tool", "unauthorised": False}, **AGENT),
            talk("c", suite="safety"),
            talk("d", suite="safety", **ERROR),
            called("e", {"kind": "tool", "unauthorised": True}),
        ],
        Census(3, 2, unknown=1),
    ),
    (
        "input_token_share",
        [
            called("a", {"nano_usd": 100, "input_nano_usd": 40}),
            called("b", {"nano_usd": 60, "input_nano_usd": 20}, {"kind": "tool", "nano_usd": 40}),
        ],
        Sums(2, (60, 200), ((2000, 6000), (6000, 20_000)), tied=False),
    ),
    (
        "saved_prefill_value",
        [called("a", {"saved_nano_usd": 7}), called("b", {"saved_nano_usd": 3}), talk("c")],
        Sums(3, (10, 3), ((58, 10), (10, 3))),
    ),
    (
        "p50_latency",
        [talk("a", latency_us=5, **LOAD), talk("b", latency_us=9, **LOAD | {"scheduled_us": 3})],
        [5, 9],
    ),
    (
        "p99_ttft",
        [
            called(
                "a",
                {"outcome": "timeout", "latency_us": 50},
                {"latency_us": 30, "time_to_first_token_us": 10},
                latency_us=100,
                **LOAD,
            ),
            talk("b", latency_us=20, **LOAD | {"scheduled_us": 1}),
        ],
        [80, 20],
    ),
    (
        "p95_itl",
        [
            called("a", {"inter_token_us": 4}, **LOAD),
            called("b", {"output_tokens": 1}, **LOAD),
            called("c", {"inter_token_us": 6}, **LOAD, status="error"),
        ],
        [4, 12],
    ),
    (
        "token_amplification",
        [
            called("a", {"output_tokens": 1}, {"output_tokens": 11}, **SAID),
            called("a", {"output_tokens": 1}, turn=1, **SAID | {"continues": True}),
            called("b", {"outcome": "error", "output_tokens": 0}, {"output_tokens": 1}, **SAID),
            talk("c"),
        ],
        Sums(2, (59, 20), ((1961, 590), (590, 200))),
    ),
    (
        "fallback_rate",
        [talk("a", fell_back=True), talk("b", fell_back=False), talk("c", fell_back=True, turn=1)],
        Proportion(3, 2),
    ),
    (
        "degraded_rate",
        [talk("a", status="degraded"), talk("b"), talk("c", status="error")],
        Proportion(3, 1, unknown=1),
    ),
    ("loop_limit_rate", [talk("a", limited=True), talk("b", limited=False)], Proportion(2, 1)),
]


@pytest.mark.parametrize(("metric", "talks", "expected"), CASES, ids=[one[0] for one in CASES])
def test_a_metric_is_what_it_says(
    tmp_path: Path, metric: str, talks: list[list[Row]], expected: Any
) -> None:
    found = observe(tmp_path, metric, [row for rows in talks for row in rows])
    if isinstance(expected, list):
        assert isinstance(found, Times)
        assert found.candidate.tolist() == expected
    else:
        assert found == expected


def unsaid(**changes: Any) -> CallRow:
    return call(request("a"), **changes)


UNKNOWN: list[tuple[str, list[Row]]] = [
    ("correctness", []),
    ("groundedness", scored("a", None, "lexical_support")),
    ("task_success", talk("a", **AGENT)),
    ("injection_detection_rate", scored("a", 1.0, "injection", refused=None)),
    ("unauthorised_privileged_executions", called("a", {"kind": "tool"}, **AGENT)),
    ("unauthorised_privileged_executions", talk("a", forbidden_tool_calls=None, **AGENT)),
    ("input_token_share", [request("a"), unsaid()]),
    ("saved_prefill_value", [request("a"), unsaid()]),
    ("p95_ttft", called("a", {}, **LOAD)),
    ("p95_itl", called("a", {}, **LOAD)),
    ("p95_latency", talk("a", suite="load")),
    ("token_amplification", [request("a"), unsaid()]),
    ("fallback_rate", talk("a")),
    ("loop_limit_rate", talk("a")),
    ("budget_breach_rate", talk("a", breach_actions=None)),
]


@pytest.mark.parametrize(("metric", "rows"), UNKNOWN, ids=[one[0] for one in UNKNOWN])
def test_what_is_not_known_is_never_a_number(tmp_path: Path, metric: str, rows: list[Row]) -> None:
    found = observe(tmp_path, metric, rows)
    if rows:
        assert isinstance(found, Missing)
        assert found.code == "incomplete"
    else:
        assert found == Proportion(0, 0)


def test_a_side_that_is_silent_is_taken_both_ways(tmp_path: Path) -> None:
    rows: list[Row] = []
    told = {"a": (1.0, 1.0), "b": (1.0, None), "c": (None, 1.0), "d": (None, None)}
    for sample, sides in told.items():
        for release, value in zip(("c", "b"), sides, strict=True):
            asked = request(sample, "sha256:" + release * 64)
            rows.append(asked)
            if value is not None:
                rows.append(score(asked, "citations", value))
    found: Any = measured(tmp_path, rows, "sha256:" + "b" * 64).observe(
        METRICS["citation_accuracy"], paired=True
    )
    assert (found.high.n, found.candidate.events, found.baseline.events) == (3, 2, 2)
    assert (found.high.candidate_only, found.high.baseline_only) == (1, 0)
    assert (found.low.candidate_only, found.low.baseline_only) == (0, 1)


@pytest.mark.parametrize(
    ("metric", "of_request", "of_call"),
    [
        ("p95_latency", {"latency_us": -1}, {}),
        ("p95_ttft", {}, {"latency_us": 9000, "time_to_first_token_us": 5}),
        ("p95_itl", {}, {"inter_token_us": -1}),
        ("usd_per_resolved_request", {}, {"nano_usd": -1}),
    ],
)
def test_nothing_takes_or_costs_less_than_nothing(
    tmp_path: Path, metric: str, of_request: dict[str, Any], of_call: dict[str, Any]
) -> None:
    rows: list[Row] = []
    for number in range(8):
        bad = number == 0
        suite = {"suite": "quality"} if metric.startswith("usd") else {"suite": "load"}
        changes = {**suite, "scheduled_us": number, "latency_us": 1000 + number}
        asked = request(f"s{number}", **{**changes, **(of_request if bad else {})})
        good = {"latency_us": 100, "time_to_first_token_us": 50, "inter_token_us": 6}
        rows += [asked, call(asked, **{**good, **(of_call if bad else {})})]
        rows += [fate(asked, resolved=True)]
    found = observe(tmp_path, metric, rows)
    assert isinstance(found, Missing)
    assert found.reason.startswith("1 of 8 samples lack")
