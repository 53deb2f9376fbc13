from __future__ import annotations

from typing import get_args

import pytest

from gatekeeper.core.metrics.metric import Unit
from gatekeeper.core.wording import did_you_mean, first_of, listed, number, percent


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0.0 %"),
        (1, "100.0 %"),
        (0.005, "0.50 %"),
        (0.9901, "99.01 %"),
        (0.78, "78.0 %"),
    ],
)
def test_a_share_has_the_digits_that_matter(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "rate", "-"),
        (0.076, "points", "+7.60 pt"),
        (-0.00001, "points", "+0.00 pt"),
        (0.412, "relative", "+41.2 %"),
        (-0.05, "relative", "-5.0 %"),
        (0.0000123, "usd", "$0.0000123"),
        (12.345, "ms", "12.35 ms"),
        (12345.6, "ms", "12,346 ms"),
        (1234.56, "tokens", "1,234.6 tokens"),
        (1.2345, "per_request", "1.234"),
        (3, "count", "3"),
        (0.15, "hours_per_hour", "0.150 h/h"),
        (0.034, "wh", "0.034 Wh"),
        (12, "gco2e", "12 gCO2e"),
    ],
)
def test_numbers_have_units(value: float | None, unit: str, text: str) -> None:
    assert number(value, unit) == text


def test_words_in_a_row() -> None:
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_a_name_that_is_near_is_offered() -> None:
    assert did_you_mean("benin", ["quality", "benign"]) == "; did you mean 'benign'?"
    assert did_you_mean("benin", ["quality"]) == ""


def test_every_unit_of_a_metric_can_be_told() -> None:
    assert all(number(1.0, unit) for unit in get_args(Unit))


def test_of_many_words_the_first_stand_and_the_rest_are_counted() -> None:
    assert first_of(["a", "b"], 2) == "a, b"
    assert first_of(["a", "b", "c"], 2) == "a, b and 1 more"
    assert first_of(["a"] * 2_001, 1) == "a and 2,000 more"
    assert not first_of([], 3)
