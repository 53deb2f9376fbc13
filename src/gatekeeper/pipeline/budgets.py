"""What a request and a workload may spend, looked at before each generation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gatekeeper.core.canonical import canonical_model, digest
from gatekeeper.model.base import nano_usd

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatekeeper.model.components import Components
    from gatekeeper.model.prices import PriceBook
    from gatekeeper.pipeline.visit import Visit
    from gatekeeper.ports import Message, Tokenizer

DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Reservation:
    """Nano-USD of a workload's budget of one day, set aside."""

    workload: str
    day: int
    amount: int


class SpendMeter:
    """What each workload has spent today (UTC), in nano-USD, reservations included.

    One meter is shared by all releases that serve a workload, so that a swap does not reset it.
    """

    def __init__(self) -> None:
        self._day = -1
        self._spent: defaultdict[str, int] = defaultdict(int)

    def spent(self, workload: str, time_us: int) -> int:
        """What the workload has spent and reserved on the day of `time_us`."""
        self._turn(time_us)
        return self._spent[workload]

    def reserve(
        self, workload: str, time_us: int, amount: int, ceiling: int | None
    ) -> Reservation | None:
        """Set `amount` aside; None when that would break `ceiling`."""
        self._turn(time_us)
        if ceiling is not None and self._spent[workload] + amount > ceiling:
            return None
        self._spent[workload] += amount
        return Reservation(workload, self._day, amount)

    def settle(self, reservation: Reservation, actual: int) -> None:
        """Replace a reservation by what was really spent; yesterday's is forgotten."""
        if reservation.day == self._day:
            self._spent[reservation.workload] += actual - reservation.amount

    def _turn(self, time_us: int) -> None:
        day = time_us // DAY_US
        if day > self._day:
            self._day = day
            self._spent.clear()


@dataclass(frozen=True, slots=True)
class Quote:
    """The most that one generation can use, reserved.

    Attributes:
        max_tokens: What the model may generate.
    """

    input_tokens: int
    max_tokens: int
    reservation: Reservation


class Purse:
    """The budgets of one release."""

    def __init__(
        self,
        components: Components,
        prices: PriceBook,
        tokenizers: Mapping[str, Tokenizer],
        meter: SpendMeter,
    ) -> None:
        self._request = components.budgets.per_request
        self._models = components.model.models
        self._max_tokens = components.serving.sampling.max_tokens
        self._output_ceiling = _output_ceiling(components)
        self._usd = _nano(self._request.usd)
        self._day = _nano(components.budgets.per_day.usd)
        self.cost = prices.cost
        self.price_book = digest(canonical_model(prices))
        self._tokenizers = tokenizers
        self._meter = meter

    def quote(self, visit: Visit, model: str, messages: Sequence[Message]) -> Quote | None:
        """Reserve for one generation; None when that would break a ceiling.

        Tokens are counted only when their upper bound (bytes) does not fit.
        """
        cap = self._output_left(visit)
        if cap < 1 or not self.may_call(visit):
            return None
        for tokens in _sizes(self._tokenizers[model], messages):
            cost = self.cost(model, tokens, 0, cap)
            if not self._fits(visit, model, tokens, cap, cost):
                continue
            if reservation := self._reserve(visit, cost):
                return Quote(tokens, cap, reservation)
        return None

    def bill(self, model: str, tokens: tuple[int, int, int]) -> dict[str, Any]:
        """What a call cost, and what of it, as its record has it.

        Args:
            model: The model's name in the release.
            tokens: Computed, cached and generated.
        """
        computed, cached, _ = tokens
        return {
            "nano_usd": self.cost(model, *tokens),
            "input_nano_usd": self.cost(model, computed, cached, 0),
            "saved_nano_usd": self.cost(model, cached, 0, 0) - self.cost(model, 0, cached, 0),
        }

    def settle(self, quote: Quote, actual: int) -> None:
        """Replace the quote's reservation by what was spent."""
        self._meter.settle(quote.reservation, actual)

    def may_call(self, visit: Visit) -> bool:
        """Whether one more model call is allowed."""
        return self.calls_left(visit) > 0

    def calls_left(self, visit: Visit) -> int:
        """Model calls, retries included, that are still allowed."""
        ceiling = self._request.model_calls
        return 1_000 if ceiling is None else ceiling - visit.model_calls

    def retries_left(self, visit: Visit) -> int:
        """Retries of any kind that are still allowed."""
        ceiling = self._request.retries
        return 1_000 if ceiling is None else ceiling - visit.retries

    def may_ask_again(self, visit: Visit) -> bool:
        """Whether the model may be told what was wrong and try again: once, within the budget."""
        ceiling = self._request.loop_depth
        deepest = 1 if ceiling is None else min(1, ceiling)
        return visit.loop_depth < deepest and self.may_call(visit) and self.retries_left(visit) > 0

    def _fits(self, visit: Visit, model: str, tokens: int, cap: int, cost: int) -> bool:
        known = self._models[model]
        # A hosted model's tokens can only be bounded here; its endpoint checks their number itself.
        context = known.context_length if known.pinned else None
        return (
            _within(_used_input(visit) + tokens, self._request.input_tokens)
            and _within(tokens + cap, context)
            and _within(spent(visit) + cost, self._usd)
        )

    def _reserve(self, visit: Visit, cost: int) -> Reservation | None:
        return self._meter.reserve(visit.context.workload or "", visit.time, cost, self._day)

    def _output_left(self, visit: Visit) -> int:
        if self._output_ceiling is None:
            return self._max_tokens
        used = sum(call.output_tokens or 0 for call in visit.calls)
        return min(self._max_tokens, self._output_ceiling - used)


def spent(visit: Visit) -> int:
    """Nano-USD that the request has cost so far."""
    return sum(call.nano_usd or 0 for call in visit.calls)


def _output_ceiling(components: Components) -> int | None:
    ceiling = components.budgets.per_request.output_tokens
    if not components.tools.allow:
        return ceiling
    reasoning = components.tools.guardrail.defaults.max_reasoning_budget_tokens
    return reasoning if ceiling is None else min(ceiling, reasoning)


def _sizes(tokenizer: Tokenizer, messages: Sequence[Message]) -> Iterator[int]:
    yield tokenizer.bound(messages)
    yield tokenizer.count(messages)


def _within(value: int, ceiling: int | None) -> bool:
    return ceiling is None or value <= ceiling


def _nano(usd: float | None) -> int | None:
    return None if usd is None else nano_usd(usd)


def _used_input(visit: Visit) -> int:
    return sum((call.input_tokens or 0) + (call.cached_input_tokens or 0) for call in visit.calls)
