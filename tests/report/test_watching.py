"""How an evaluation looks while it runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.text import Text

from gatekeeper.core.tally import Rates, SuiteTally, Tally
from gatekeeper.model.verdict import RuleResult
from gatekeeper.report.watching import Moment, last_line, live_lines, plain_line, suite_line, usd

GOLDEN = Path(__file__).parent.parent / "golden" / "watching"


def rule(name, outcome, *numbers, **changes):
    estimate, low, high, limit = numbers
    section, _, metric = name.partition(".")
    values = {"test": "min", "unit": "rate", **changes}
    return RuleResult(
        rule=name, section=section, outcome=outcome, estimate=estimate, low=low, high=high,
        limit=limit, reason="", code="", metric=metric, **values,
    )  # fmt: skip


ESTIMATES = (
    rule("quality.resolved_rate_min", "pass", 0.96, 0.93, 0.98, 0.9, n=1200),
    rule("security.forbidden_tool_call", "inconclusive", 0, None, 0.02, 0, test="census", n=149,
         unit="count"),
    rule("reliability.p95_latency_max_increase", "inconclusive", 0.05, None, None, 0.25, n=37,
         test="max_increase", unit="relative"),
    rule("cost.usd_per_resolved_request_against_the_baseline_max", "fail", 0.00021, 0.0002, 0.00022,
         0.0001, test="max", unit="usd", n=1200),
)  # fmt: skip


def moment(**changes):
    tally = Tally(
        {
            "quality": SuiteTally(600, before=100, finished=300, errors=3, nano_usd=30_000_000),
            "safety": SuiteTally(12_000, finished=40, nano_usd=4_000_000),
            "benign": SuiteTally(4, finished=4),
            "load": SuiteTally(0),
        },
        nano_usd=34_000_000,
        tokens_in=1000,
        tokens_out=100,
        calls=400,
        cached=120,
        errors=3,
        scorer_errors=1,
    )
    tally.reasons["engine_unavailable"] = 3
    tally.causes["engine_unavailable"] = "[red]refused\x1b[2J by\nnobody"
    values = {"rates": Rates(126.3, 8204.0, 911.0), "elapsed": 95.0, "spent": 5_000_000}
    return Moment(
        **{"tally": tally, "ceiling_usd": 2.5, "estimates": ESTIMATES, **values, **changes}
    )


@pytest.mark.parametrize("width", [40, 80, 160])
def test_the_live_view_fits_its_terminal(width, golden):
    seen = [Text.from_markup(line, emoji=False).plain for line in live_lines(moment(), width, 40)]
    assert max(map(len, seen)) <= width
    assert not any("\x1b" in line or "\n" in line for line in seen)
    golden(GOLDEN / f"{width}.txt", "\n".join(line.rstrip() for line in seen) + "\n")


@pytest.mark.parametrize("height", range(4, 20))
def test_the_live_view_is_never_higher_than_its_terminal(height):
    lines = live_lines(moment(), 80, height)
    assert len(lines) <= height
    assert ("more" in lines[-1]) == (height in {11, 12})


def test_errors_are_red_and_there_is_no_word_of_them_where_there_are_none():
    assert any(line.startswith("[red]3 errors") for line in live_lines(moment(), 80, 40))
    calm = moment(tally=Tally({"quality": SuiteTally(5)}), estimates=())
    assert not any("error" in line for line in live_lines(calm, 80, 40))


def test_lines_of_a_log_are_single_and_say_the_same():
    line = plain_line(moment())
    assert "\n" not in line
    assert "\x1b" not in line
    for part in ("quality 400/600", "126 conversations/s", "projected $1.25 of $2.50", "3 errors"):
        assert part in line
    quality = "evaluate: quality is through: 400 of 600, 100 of them earlier, 3 errors"
    assert suite_line(moment(), "quality") == quality


def test_the_last_line_says_what_is_left_and_why_it_ended():
    line = last_line(moment(), "stopped at the ceiling")
    assert line.startswith("evaluate: 344 conversations in 1:35, 12,160 left, spent $0.039")
    assert line.endswith("1 score in error, stopped at the ceiling")


def test_nothing_known_yet_is_told_without_numbers_that_are_not_there():
    fresh = Moment(Tally.of({"quality": 3}, {}), ceiling_usd=1.0)
    assert "- left" in plain_line(fresh)
    assert "projected" not in plain_line(fresh)
    assert "at most $1.00" in plain_line(fresh)


def test_money_is_as_exact_as_it_is_small():
    shown = [usd(nano) for nano in (0, 1, 123_456_000, 1_234_567_000_000)]
    assert shown == ["$0.00", "$1e-09", "$0.1235", "$1,234.57"]
