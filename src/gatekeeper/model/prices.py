"""The price book: what tokens cost, kept outside the release and named by its digest."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from gatekeeper.errors import UndecidedError
from gatekeeper.model.base import ApiVersion, Frozen, Identifier, Usd

NANO_USD_PER_TOKEN = 1000
"""Nano-USD a token for one US dollar a million tokens."""


def _whole_nano_usd(price: float) -> float:
    nano = Decimal(str(price)) * NANO_USD_PER_TOKEN
    if nano != nano.to_integral_value():
        raise ValueError("must be a multiple of 0.001 USD, so that a token costs whole nano-USD")
    return price


def _as_text(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _calendar_date(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ValueError(f"{value!r} is no day of the calendar") from None


UsdPerMillion = Annotated[Usd, AfterValidator(_whole_nano_usd)]
CalendarDate = Annotated[
    str,
    BeforeValidator(_as_text),
    AfterValidator(_calendar_date),
    Field(json_schema_extra={"format": "date"}),
]
"""``2026-11-01``."""


class ModelPrice(Frozen):
    """Prices of one model by disjoint token class."""

    input_usd_per_million: UsdPerMillion
    cached_input_usd_per_million: UsdPerMillion
    output_usd_per_million: UsdPerMillion


class PriceBook(Frozen):
    """Prices by the names that releases give their models."""

    apiVersion: ApiVersion  # noqa: N815
    kind: Literal["PriceBook"]
    currency: Literal["USD"]
    effective: CalendarDate
    models: Annotated[dict[Identifier, ModelPrice], Field(min_length=1)]

    def cost(
        self, model: str, input_tokens: int, cached_input_tokens: int, output_tokens: int
    ) -> int:
        """Nano-USD of one call.

        Args:
            model: The model's name in the release.
            input_tokens: Prompt tokens that were computed.
            cached_input_tokens: Prompt tokens that were read from a cache.
            output_tokens: Generated tokens.

        Raises:
            UndecidedError: The model has no price; nothing is free by omission.
        """
        price = self.models.get(model)
        if price is None:
            raise UndecidedError(
                f"the price book has no price for the model {model!r}",
                fix=f"add it to the price book; it has {', '.join(sorted(self.models))}",
            )
        return (
            input_tokens * _nano(price.input_usd_per_million)
            + cached_input_tokens * _nano(price.cached_input_usd_per_million)
            + output_tokens * _nano(price.output_usd_per_million)
        )


def _nano(usd_per_million: float) -> int:
    return round(usd_per_million * NANO_USD_PER_TOKEN)
