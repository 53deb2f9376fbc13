"""What an endpoint says of its rate limits, and when the next request may start."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
EPOCH: Final = 1e9
"""A number from here on is a time of day, not a length of time."""
KINDS: Final = ("requests", "tokens")


@dataclass(frozen=True, slots=True)
class Notice:
    """What an endpoint asks for.

    Attributes:
        pause: Seconds in which nothing may be sent.
        interval: Seconds between two requests after that; 0 where it does not say.
    """

    pause: float
    interval: float = 0.0


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds, from `Retry-After` as a number or an HTTP date (RFC 9110, 10.2.3).

    Args:
        headers: Of a response, looked up without regard to case.
        now: Seconds since the epoch.
    """
    if _NUMBER.fullmatch(milliseconds := headers.get("Retry-After-Ms") or ""):
        return float(milliseconds) / 1000
    value = headers.get("Retry-After") or ""
    if _NUMBER.fullmatch(value):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def exhausted(headers: Mapping[str, str], now: float) -> Notice | None:
    """What to do where a limit is used up, by `x-ratelimit-*`; None while something remains.

    The reset is when the *whole* limit is there again. Where the limit is told, one request's share
    of it comes back in the same proportion of that time: that is the pause, and the interval.
    """
    notices = [found for kind in KINDS if (found := _exhausted(headers, kind, now)) is not None]
    return max(notices, key=lambda one: one.pause, default=None)


def _exhausted(headers: Mapping[str, str], kind: str, now: float) -> Notice | None:
    remaining = headers.get(f"x-ratelimit-remaining-{kind}")
    if remaining is None or not _is_used_up(remaining):
        return None
    reset = seconds(headers.get(f"x-ratelimit-reset-{kind}") or "", now)
    if reset is None:
        return None
    limit = headers.get(f"x-ratelimit-limit-{kind}") or ""
    if kind == "requests" and _NUMBER.fullmatch(limit) and float(limit) >= 1:
        share = reset / float(limit)
        return Notice(share, share)
    return Notice(reset)


def _is_used_up(remaining: str) -> bool:
    try:
        return float(remaining) <= 0
    except ValueError:
        return False


def seconds(text: str, now: float) -> float | None:
    """A length of time: `1m30s`, `120ms`, `2.5`, or a time since the epoch; None for others."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        value = float(text)
        return max(0.0, value - now) if value >= EPOCH else value
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * UNITS[unit] for number, unit in parts)


class Pace:
    """When the next request to one endpoint may start. Times are seconds of a steady clock."""

    def __init__(self) -> None:
        self._opens = 0.0
        self._interval = 0.0

    def delay(self, now: float) -> float:
        """Seconds until something may be sent; 0 when it may now."""
        return max(0.0, self._opens - now)

    def started(self, now: float) -> None:
        """Something is being sent: the next waits for its interval."""
        if self._interval:
            self._opens = max(self._opens, now + self._interval)

    def heed(self, notice: Notice, now: float) -> None:
        """The endpoint asks for something; the longer of two pauses holds."""
        self._opens = max(self._opens, now + notice.pause)
        self._interval = notice.interval

    def relax(self) -> None:
        """Something remains of every limit: no interval is needed."""
        self._interval = 0.0
