"""A ceiling on what a run may use: set aside before each call, settled after it."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.errors import GatekeeperError
from gatekeeper.model.base import NANO


class CeilingError(GatekeeperError):
    """The next call could break the run's ceiling, so that nothing more is asked."""

    code = "ceiling"


@dataclass(slots=True)
class Ceiling:
    """What one run has used and set aside, over all its sittings.

    Attributes:
        max_nano_usd: None where there is no such ceiling.
        max_tokens: The same for tokens of all classes.
        nano_usd: Used by answers that have come.
        tokens: The same in tokens.
        held_nano_usd: Set aside for answers that are on their way.
        held_tokens: The same in tokens.
    """

    max_nano_usd: int | None = None
    max_tokens: int | None = None
    nano_usd: int = 0
    tokens: int = 0
    held_nano_usd: int = 0
    held_tokens: int = 0

    def fits(self, nano_usd: int, tokens: int) -> bool:
        """Whether a call that uses at most this much may be made."""
        spent = self.nano_usd + self.held_nano_usd + nano_usd
        used = self.tokens + self.held_tokens + tokens
        return _within(spent, self.max_nano_usd) and _within(used, self.max_tokens)

    def reserve(self, nano_usd: int, tokens: int) -> None:
        """Set aside what a call may use at most; raises `CeilingError` where it does not fit."""
        if not self.fits(nano_usd, tokens):
            raise CeilingError(
                f"the run has reached its ceiling: {self._said()}",
                fix="raise --max-usd or --max-tokens, and go on with --resume",
            )
        self.held_nano_usd += nano_usd
        self.held_tokens += tokens

    def settle(self, reserved: tuple[int, int], used: tuple[int, int]) -> None:
        """Replace what was set aside for a call by what it used: (nano-USD, tokens)."""
        self.held_nano_usd -= reserved[0]
        self.held_tokens -= reserved[1]
        self.nano_usd += used[0]
        self.tokens += used[1]

    def _said(self) -> str:
        parts = []
        if self.max_nano_usd is not None:
            used, held = self.nano_usd / NANO, self.held_nano_usd / NANO
            aside = f" and {held:.6f} set aside for answers under way" if self.held_nano_usd else ""
            parts.append(f"{used:.6f} used{aside}, of {self.max_nano_usd / NANO:g} USD")
        if self.max_tokens is not None:
            aside = f" and {self.held_tokens:,} set aside" if self.held_tokens else ""
            parts.append(f"{self.tokens:,} used{aside}, of {self.max_tokens:,} tokens")
        return "; ".join(parts)


def _within(value: int, ceiling: int | None) -> bool:
    return ceiling is None or value <= ceiling
