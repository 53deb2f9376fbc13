from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from gatekeeper.errors import UndecidedError
from gatekeeper.model.prices import PriceBook


def book(**price: Any) -> PriceBook:
    prices = {
        "input_usd_per_million": 0.2,
        "cached_input_usd_per_million": 0.05,
        "output_usd_per_million": 1,
    }
    return PriceBook.model_validate(
        {
            "apiVersion": "gatekeeper/v1",
            "kind": "PriceBook",
            "currency": "USD",
            "effective": date(2026, 11, 1),
            "models": {"small": prices | price},
        }
    )


def test_costs_are_whole_nano_usd_by_token_class() -> None:
    assert book().cost("small", 100, 10, 5) == 100 * 200 + 10 * 50 + 5 * 1000
    assert book(output_usd_per_million=0.001).cost("small", 0, 0, 3) == 3
    assert book().effective == "2026-11-01"


def test_an_unpriced_model_is_not_free() -> None:
    with pytest.raises(UndecidedError, match="no price for the model 'large'") as caught:
        book().cost("large", 1, 1, 1)
    assert "it has small" in caught.value.fix


@pytest.mark.parametrize("price", [0.0001, -1, float("nan"), "1"])
def test_prices_that_cannot_be(price: Any) -> None:
    with pytest.raises(ValidationError):
        book(input_usd_per_million=price)
