"""Numbers and outcomes in words: the same in every report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gatekeeper.core.measure import Found
    from gatekeeper.core.observation import LeftOut
    from gatekeeper.model.policy import Rule
    from gatekeeper.model.verdict import RuleOutcome


def percent(share: float) -> str:
    """A share as people read it, with enough digits to tell it from zero and from one."""
    value = share * 100
    digits = 1 if 1 <= value <= 99 or value in (0, 100) else 2  # noqa: PLR2004
    return f"{value:.{digits}f} %"


def number(value: float | None, unit: str) -> str:
    """A value with its unit; a dash where there is none."""
    if value is None:
        return "-"
    return _FORMATS[unit](value)


def narrow(value: float | None, unit: str) -> str:
    """The same for a column of a table: no blanks, and no unit that its row names."""
    return number(value, unit).replace(" ", "").removesuffix("tokens")


def counted(number: int, what: str) -> str:
    """``1 sample``, ``2,000 samples``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'benign'?`` where a known name is near, or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def listed(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(words) < 2:  # noqa: PLR2004 - one or none needs no "and"
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def first_of(words: Sequence[str], most: int) -> str:
    """``a, b``, or ``a, b and 3 more`` where there are more than `most`."""
    more = f" and {len(words) - most:,} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def reason(rule: Rule, estimate: Found, unit: str, outcome: RuleOutcome) -> str:
    """What was observed, how sure it is, and what the limit is."""
    observed = number(estimate.value, unit)
    if estimate.baseline is not None:
        observed += f" against the baseline on {estimate.n:,} pairs"
    elif estimate.n:
        observed += f" on {estimate.n:,} samples"
    if estimate.clusters and estimate.clusters != estimate.n:
        observed += f" in {counted(estimate.clusters, 'cluster')}"
    if estimate.left_out.pairs:
        observed += f" ({estimate.left_out.pairs:,} more left out: {gaps(estimate.left_out)})"
    return f"{observed}, {_bounds(rule, estimate, unit, outcome)}; {_limit(rule, unit)}"


def gaps(left_out: LeftOut) -> str:
    """Why some pairs cannot be compared: ``the baseline failed on 3``."""
    failed, unmeasured = left_out.failed, left_out.unmeasured
    parts = [f"the baseline failed on {failed:,}"] if failed else []
    parts += [f"one side of {unmeasured:,} has nothing to measure"] if unmeasured else []
    return listed(parts)


def _bounds(rule: Rule, estimate: Found, unit: str, outcome: RuleOutcome) -> str:
    low, high = number(estimate.low, unit), number(estimate.high, unit)
    if estimate.low is None and estimate.high is None:
        return "which give no bounds"
    if outcome == "inconclusive":
        return f"but anything from {low} to {high} is compatible with that"
    upper = rule.test.startswith("max") == (outcome == "pass")
    sure = f"with {1 - rule.alpha:.0%} confidence".replace("%", " %")
    if not estimate.n:
        sure = "as the facts are declared"
    return f"at most {high} {sure}" if upper else f"at least {low} {sure}"


def _limit(rule: Rule, unit: str) -> str:
    side = "at most" if rule.test.startswith("max") else "at least"
    change = {"max_increase": " more", "max_decrease": " less", "min_increase": " more"}
    wanted = number(rule.limit, unit).lstrip("+") + change.get(rule.test, "")
    return f"allowed: {side} {wanted}" if side == "at most" else f"needed: {side} {wanted}"


def settle(found: Found) -> str:
    """How many samples would decide it."""
    if found.needed is None:
        return "no sensible number of samples"
    what = "pairs" if found.baseline is not None else "samples"
    told = f"about {found.needed:,} {what} for a chance of 80 %"
    if found.planned is None or found.planned >= found.needed:
        return told
    return f"{told}, {found.planned:,} if the truth is what was observed"


def longer(found: Found) -> str:
    """How long a run would have to be, where requests wait behind each other for too long."""
    what = "pairs" if found.baseline is not None else "requests"
    enough = "" if found.needed is None else f"about {found.needed:,} {what}, or "
    alike = f"up to {found.design_effect:,.0f} {what} in a row say no more than one"
    return (
        f"{enough}a lower rate: {alike}, so this run is too short for how long its queue remembers"
    )


def _plain(value: float) -> str:
    """Four digits that tell, without an exponent where the value is small."""
    shown = f"{value:.4g}"
    if "e-" not in shown:
        return shown
    return f"{value:.{3 - int(shown.partition('e')[2])}f}".rstrip("0")


def _signless(value: float) -> float:
    """Zero instead of minus zero."""
    return value if round(value, 2) else 0.0


_FORMATS: Final[dict[str, Callable[[float], str]]] = {
    "rate": percent,
    "points": lambda value: f"{_signless(value * 100):+.2f} pt",
    "relative": lambda value: f"{_signless(value * 100):+.1f} %",
    "usd": lambda value: f"${_plain(value)}",
    "ms": lambda value: f"{value:,.4g} ms" if value < 1000 else f"{value:,.0f} ms",  # noqa: PLR2004
    "tokens": lambda value: f"{value:,.1f} tokens",
    "per_request": lambda value: f"{value:.3f}",
    "count": lambda value: f"{value:,.0f}" if value == round(value) else f"{value:,.1f}",
    "hours_per_hour": lambda value: f"{value:.3f} h/h",
    "wh": lambda value: f"{_plain(value)} Wh",
    "gco2e": lambda value: f"{_plain(value)} gCO2e",
}
