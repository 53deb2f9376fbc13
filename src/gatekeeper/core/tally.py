"""How far an evaluation is: counted as conversations end, cheap enough for thousands a second."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from gatekeeper.model.record import CallRow, RequestRow, ScoreRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.model.record import Row

WINDOW_SECONDS: Final = 15.0
"""Rates are of this long, so that they follow what happens without trembling."""
_REASONS: Final = 100
"""Reasons that are told apart; engines can put anything into theirs."""


@dataclass(slots=True)
class SuiteTally:
    """One suite: conversations in all, finished before this sitting, and finished in it."""

    total: int
    before: int = 0
    finished: int = 0
    errors: int = 0
    nano_usd: int = 0

    @property
    def done(self) -> int:
        """Conversations that need not be asked any more."""
        return self.before + self.finished

    @property
    def left(self) -> int:
        """Conversations still to come."""
        return max(self.total - self.done, 0)


@dataclass(slots=True)
class Tally:
    """Everything that is counted of one sitting.

    Attributes:
        nano_usd: Paid in this sitting: what came from the response cache is not.
        tokens_in: Prompt tokens, those from a prefix cache included.
        cached: Calls that the response cache answered.
        scorer_errors: Scores that have an error instead of a value.
        reasons: Why conversations ended in an error, the last cause of each in `causes`.
    """

    suites: dict[str, SuiteTally] = field(default_factory=dict)
    nano_usd: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    calls: int = 0
    cached: int = 0
    errors: int = 0
    scorer_errors: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    causes: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, totals: Mapping[str, int], done: Mapping[str, int]) -> Tally:
        """Nothing counted yet."""
        return cls({name: SuiteTally(total, done.get(name, 0)) for name, total in totals.items()})

    def add(self, suite: str, rows: Sequence[Row]) -> None:
        """One conversation has ended."""
        counted = self.suites.get(suite)
        if counted is None:
            counted = self.suites[suite] = SuiteTally(0)
        failed: RequestRow | None = None
        cause = ""
        for row in rows:
            # `isinstance` costs ten times as much with these classes.
            if type(row) is RequestRow:
                failed = row if row.status == "error" else failed
            elif type(row) is CallRow:
                cause = row.error or cause
                self._call(counted, row)
            elif type(row) is ScoreRow and row.error is not None:
                self.scorer_errors += 1
        if failed is not None:
            counted.errors += 1
            self._error(failed.reason or "no reason given", cause)
        counted.finished += 1

    def _call(self, counted: SuiteTally, row: CallRow) -> None:
        self.calls += 1
        if row.from_cache:
            self.cached += 1
            return
        cost = row.nano_usd or 0
        self.nano_usd += cost
        counted.nano_usd += cost
        self.tokens_in += (row.input_tokens or 0) + (row.cached_input_tokens or 0)
        self.tokens_out += row.output_tokens or 0

    def _error(self, reason: str, cause: str) -> None:
        self.errors += 1
        if reason in self.reasons or len(self.reasons) < _REASONS:
            self.reasons[reason] += 1
            self.causes[reason] = cause

    @property
    def finished(self) -> int:
        """Conversations that ended in this sitting."""
        return sum(one.finished for one in self.suites.values())

    @property
    def left(self) -> int:
        """Conversations still to come."""
        return sum(one.left for one in self.suites.values())

    @property
    def worst(self) -> str:
        """The most common reason of errors and the last cause of it; empty without errors."""
        if not self.reasons:
            return ""
        reason = self.reasons.most_common(1)[0][0]
        cause = self.causes[reason]
        return f"{reason}: {cause}" if cause else reason

    def projected(self) -> int | None:
        """nano-USD of this sitting at its end, each suite at its own mean; None before any."""
        finished = self.finished
        if not finished:
            return None
        mean = self.nano_usd / finished
        rest = sum(
            one.left * (one.nano_usd / one.finished if one.finished else mean)
            for one in self.suites.values()
        )
        return self.nano_usd + round(rest)


@dataclass(frozen=True, slots=True)
class Rates:
    """What happens in a second."""

    conversations: float = 0.0
    tokens_in: float = 0.0
    tokens_out: float = 0.0


STILL: Final = Rates()
"""Nothing happens."""


@dataclass(slots=True)
class Pace:
    """Rates over the last seconds, from a look at the tally now and then."""

    seen: deque[tuple[float, int, int, int]] = field(default_factory=deque)

    def look(self, now: float, tally: Tally) -> Rates:
        """The rates at `now` (seconds that never go back); zero until a second look."""
        here = (now, tally.finished, tally.tokens_in, tally.tokens_out)
        self.seen.append(here)
        while len(self.seen) > 2 and now - self.seen[1][0] >= WINDOW_SECONDS:  # noqa: PLR2004
            self.seen.popleft()
        first = self.seen[0]
        span = now - first[0]
        if span <= 0:
            return Rates()
        return Rates(*((new - old) / span for new, old in zip(here[1:], first[1:], strict=True)))


def remaining(tally: Tally, rates: Rates) -> float | None:
    """Seconds to the end at this rate; None where nothing moves."""
    return tally.left / rates.conversations if rates.conversations > 0 else None
