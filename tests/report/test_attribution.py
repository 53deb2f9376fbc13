"""What people read of an attribution: the guilty one on top, in 80 columns, and nothing hidden."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from rich.text import Text

from gatekeeper.model.attribution import Attribution
from gatekeeper.model.bisection import Bisection
from gatekeeper.report.attribution import attribution_document, attribution_text
from gatekeeper.report.bisection import bisection_text

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN: Final = Path(__file__).parent.parent / "golden" / "attribution"
A, B, C = ("sha256:" + letter * 64 for letter in "abc")
DESK = {"name": "desk", "digest": A}
BEFORE = {"name": "desk", "digest": B}


def moved(value: float, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high}


def share(name: str, value: float, low: float, high: float, **ways: float) -> dict[str, Any]:
    return {
        "component": name,
        "components": tuple(name.split("+")),
        "moved": moved(value, low, high),
        "alone": moved(ways.get("alone", value)),
        "last": moved(ways.get("last", value)),
    }


COST: dict[str, Any] = {
    "rule": "cost.usd_per_resolved_request_max_increase",
    "section": "cost",
    "metric": "usd_per_resolved_request",
    "test": "max_increase",
    "limit": 0.1,
    "outcome": "fail",
    "unit": "relative",
    "code": "named",
    "reason": "prompt explains 90 % of the +40.0 % that went the wrong way",
    "guilty": ("prompt",),
    "baseline": 2e-5,
    "candidate": 2.8e-5,
    "metric_unit": "usd",
    "change": moved(0.4, 0.3, 0.5),
    "components": (
        share("prompt", 0.36, 0.3, 0.42, alone=0.3, last=0.42),
        share("model+router", 0.04, -0.01, 0.09),
    ),
    "interactions": ({"components": ("prompt", "model+router"), "moved": moved(0.12, 0.05, 0.2)},),
    "suites": ("quality",),
    "samples": 404,
    "units": 25,
}
CALLS: dict[str, Any] = {
    **COST,
    "rule": "security.forbidden_tool_call",
    "metric": "forbidden_tool_call",
    "test": "census",
    "outcome": "inconclusive",
    "unit": "count",
    "metric_unit": "count",
    "code": "not_the_change",
    "reason": "no component moved it",
    "guilty": (),
    "baseline": 0.0,
    "candidate": 0.0,
    "change": moved(0, 0, 0),
    "components": (share("prompt", 0, 0, 0), share("model+router", 0, 0, 0)),
    "interactions": (),
    "suites": ("benign", "quality"),
}


def document(**changes: Any) -> Attribution:
    values: dict[str, Any] = {
        "run": "20261126-120000-abc123",
        "candidate": DESK,
        "baseline": BEFORE,
        "policy": C,
        "policy_name": "desk",
        "outcome": "fail",
        "changed": ("prompt", "model", "router"),
        "coupled": (
            {"components": ("model", "router"), "reasons": ("router.tiers: no model 'second'",)},
        ),
        "method": "exact",
        "seed": 7,
        "replicates": 2000,
        "confidence": 0.95,
        "rules": (CALLS, COST),
        "mixes": (
            {
                "release": DESK, "components": ("prompt",), "run": "r", "suites": ("quality",),
                "conversations": 404, "asked": 1, "reused": 403, "earlier": True,
            },
        ),
        "advice": "keep the baseline",
        **changes,
    }  # fmt: skip
    return Attribution.model_validate(values)


def rollback(**changes: Any) -> dict[str, Any]:
    return {
        "components": ("prompt",), "release": {"name": "desk", "digest": C}, "outcome": "pass",
        "run": "r", "rules": {"cost.usd_per_resolved_request_max_increase": "pass"}, **changes,
    }  # fmt: skip


def test_the_guilty_one_comes_first_and_everything_fits() -> None:
    text = attribution_text(document(), 80)
    assert "[bold]it is prompt[/bold]" in text
    assert text.index("usd_per_resolved") < text.index("forbidden_tool_call")
    rows = [line.split() for line in text.splitlines()]
    assert ["→", "prompt", "+36.0%", "+30.0%…+42.0%", "+30.0%", "-42.0%"] in rows
    assert ["model+router", "+4.0%", "-1.0%…+9.0%", "+4.0%", "-4.0%"] in rows
    assert "; 404 samples in 25 clusters" in " ".join(text.split())
    assert "of benign and quality" in " ".join(text.split())
    assert "prompt and model+router together: +12.0% (+5.0%…+20.0%)" in text
    assert "model and router only go together: router.tiers: no model 'second'" in text
    assert "1 mixed release evaluated: 403 answers reused, 1 call of models made" in text


def test_what_did_not_move_has_no_table() -> None:
    text = attribution_text(document(rules=(CALLS,)), 80)
    assert "no component moved it" in text
    assert "moved it by" not in text
    assert "no component can be named" in text


def test_a_rollback_that_fails_says_by_which_rules() -> None:
    bad = rollback(outcome="inconclusive", rules={"a.x": "inconclusive", "b.y": "pass"})
    text = attribution_text(document(rollbacks=(bad,)), 80)
    assert f"? desk@sha256:{'c' * 12}  prompt as before: inconclusive" in text
    assert "inconclusive: x" in text


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (rollback(), "gatekeeper attribute 20261126-120000-abc123 --build"),
        (rollback(kept=True), f"gatekeeper promote sha256:{'c' * 12} --env ENV"),
    ],
)
def test_what_to_type_next(one: dict[str, Any], expected: str) -> None:
    assert expected in attribution_text(document(recommended=one, rollbacks=(one,)), 80)


def test_the_next_command_is_judged_by_the_same_policy() -> None:
    one = rollback()
    found = document(recommended=one, rollbacks=(one,))
    text = attribution_text(found, 80, ["--policy", "gates/lean.yaml"])
    assert "abc123 --policy gates/lean.yaml --build" in text


@pytest.mark.parametrize(
    ("method", "expected"),
    [("one_change", "no mixed release"), ("sampled", "each component at each place twice")],
)
def test_how_it_was_found_is_told(method: str, expected: str) -> None:
    text = attribution_text(document(method=method), 200)
    assert expected in text


def test_the_document_is_the_whole_of_it() -> None:
    found = document(notes=("a note",))
    assert Attribution.model_validate(attribution_document(found), strict=False) == found
    assert "a note" in attribution_text(found, 80)


def test_a_bisection_marks_what_it_is_not_sure_of() -> None:
    probe = {"release": DESK, "moved": True, "sure": False, "change": moved(0.2, 0.1, 0.3),
             "n": 404, "run": "r", "stored": True}  # fmt: skip
    found = Bisection.model_validate({
        "metric": "usd_per_resolved_request", "unit": "relative", "environment": "prod",
        "code": "unsure", "reason": "the nearest guess", "releases": (BEFORE, DESK),
        "good": 2e-5, "bad": 2.4e-5, "metric_unit": "usd", "probes": (probe,),
        "found": DESK, "before": BEFORE, "components": COST,
    })  # fmt: skip
    text = bisection_text(found, 80)
    assert f"it moved in desk@sha256:{'a' * 12}, by prompt" in text
    assert "→?  desk@sha256:" in text
    assert f"gatekeeper diff sha256:{'b' * 12} sha256:{'a' * 12}" in text


MUST: dict[str, Any] = {
    **CALLS,
    "rule": "quality.must_pass",
    "section": "quality",
    "metric": "must_pass",
    "test": "must_pass",
    "outcome": "fail",
    "code": "named",
    "reason": "of 15 critical samples that fail, 12 pass without prompt, 1 pass without prompt and "
    "model+router (each alone makes them fail), 1 pass without prompt or without model+router "
    "(it takes all of them to fail) and 1 failed before the change, too",
    "guilty": ("prompt",),
    "baseline": 1.0,
    "candidate": 15.0,
    "change": moved(14, 6, 24),
    "components": (share("prompt", 13, 6, 22), share("model+router", 1, 0, 4, alone=0, last=1)),
    "critical": (
        *(
            {"sample": f"vip-{number:02}", "suite": "quality", "before": False,
             "cures": (("prompt",),)}
            for number in range(12)
        ),
        {"sample": "vip-20", "suite": "quality", "before": False,
         "cures": (("prompt", "model+router"),)},
        {"sample": "vip-21", "suite": "quality", "before": False,
         "cures": (("prompt",), ("model+router",))},
        {"sample": "vip-22", "suite": "quality", "before": True},
    ),
    "suites": ("quality",), "samples": 40, "units": 40,
}  # fmt: skip
BLENDED: dict[str, Any] = {
    **COST,
    "rule": "cost.cost_per_verified_change_max",
    "metric": "cost_per_verified_change",
    "test": "max",
    "unit": "usd",
    "reason": "prompt explains 90 % of the +$0.00040 that went the wrong way; it was beyond its "
    "limit before the change, too",
    "facts": ("review_hours", "review_usd_per_hour", "verified_changes"),
    "interactions": (),
    "components": (
        share("prompt", 0.00036, 0.0003, 0.00042), share("model+router", 0, 0, 0),
    ),
}  # fmt: skip
SLICED: dict[str, Any] = {
    **COST,
    "rule": "cost.usd_per_resolved_request_max_by_topic",
    "test": "max",
    "outcome": "inconclusive",
    "by": "topic",
    "slices": ("billing", "locks", "lamps", "refunds"),
}
TAX: dict[str, Any] = {
    "rule": "cost.instability_tax_max", "section": "cost", "metric": "instability_tax",
    "test": "max", "limit": 1.0, "outcome": "fail", "code": "unmeasured",
    "reason": "it is made of declared facts alone (failure_usd and baseline_failure_usd): they are "
    "of the release as a whole, and no evaluation tells whose part they are, so no component can "
    "be named",
}  # fmt: skip
AGAIN: dict[str, Any] = {**COST, "rule": "cost.usd_per_resolved_request_max", "test": "max"}


@pytest.mark.parametrize("width", [80, 160])
def test_golden(width: int, golden: Callable[[Path, str], None]) -> None:
    one = rollback()
    found = document(
        rules=(CALLS, COST, AGAIN, MUST, BLENDED, SLICED, TAX),
        rollbacks=(rollback(outcome="fail", rules={"cost.x": "fail"}), one),
        recommended=one,
        notes=("part of a run: --limit 18: not every sample was asked",),
    )
    shown = Text.from_markup(attribution_text(found, width), emoji=False).plain + "\n"
    assert max(map(len, shown.splitlines())) <= width
    golden(GOLDEN / f"every-{width}.txt", shown)


def test_what_is_said_of_one_metric_twice_is_shown_once() -> None:
    text = attribution_text(document(rules=(COST, AGAIN)), 80)
    assert text.count("added alone") == 1
    assert "the same as cost.usd_per_resolved_request_max_increase" in text


def test_half_of_an_occurrence_is_not_nothing() -> None:
    halves = (share("prompt", 11.5, 4, 20), share("model+router", 0.5, 0, 1.5))
    text = attribution_text(document(rules=({**MUST, "components": halves},)), 80)
    rows = [line.split() for line in text.splitlines()]
    assert ["→", "prompt", "+11.5", "+4…+20", "+11.5", "-11.5"] in rows
    assert ["model+router", "+0.5", "0…+1.5", "+0.5", "-0.5"] in rows


def test_who_moved_nothing_takes_no_row() -> None:
    text = attribution_text(document(rules=(BLENDED,)), 80)
    assert "model+router: not one answer made a difference" in text
    assert "exactly" not in text
