"""A scorer beside people, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.report.markup import escape

if TYPE_CHECKING:
    from gatekeeper.core.scoring.calibration import Calibration, Kappa, Share, Trend

_SIGNIFICANT = 0.05


def calibration_text(scorer: str, found: Calibration) -> str:
    """Every figure in a line of its own, with its interval at confidence 0.95."""
    lines = [
        f"[bold]{escape(scorer)}[/bold] beside people, {found.n} conversations",
        f"  agreement      {_share(found.agreement)}",
        f"  Cohen's kappa  {_kappa(found.kappa)}",
        f"  sensitivity    {_share(found.sensitivity)}  of what people call good",
        f"  specificity    {_share(found.specificity)}  of what people call bad",
        f"  length         {_trend(found.length)}",
    ]
    if found.consistent.n:
        lines += [
            f"  position       {_share(found.consistent)}  pairs judged alike in both orders",
            f"                 {_share(found.first_place)}  of the others: the first place won",
        ]
    elif found.sensitivity.n and found.specificity.n:
        good, bad = found.sensitivity, found.specificity
        lines += [
            f"  of a rule      {_counts(good, bad)}",
            "                 where its metric counts what is good, such as correctness",
            f"                 {_counts(bad, good)}",
            "                 where it counts what is bad, such as pii_leak_rate",
        ]
    return "\n".join(lines)


def _counts(events: Share, others: Share) -> str:
    """The `calibration` of a rule whose metric counts events."""
    return (
        f"calibration: {{true_events: {events.count}, missed_events: {events.n - events.count}, "
        f"true_others: {others.count}, false_events: {others.n - others.count}}}"
    )


def _share(found: Share) -> str:
    if found.value is None or found.low is None or found.high is None:
        return "none to count"
    return f"{found.value:.3f}  ({found.low:.3f} to {found.high:.3f})  {found.count} of {found.n}"


def _kappa(found: Kappa) -> str:
    if found.value is None or found.low is None or found.high is None:
        return "not defined: everything has the same verdict"
    return f"{found.value:.3f}  ({found.low:.3f} to {found.high:.3f})"


def _trend(found: Trend) -> str:
    if found.rho is None or found.p_value is None:
        return "not defined: too few conversations, or nothing that differs"
    words = "scores longer answers higher" if found.rho > 0 else "scores longer answers lower"
    told = f"{words} than people do" if found.p_value < _SIGNIFICANT else "no bias shown"
    return f"rho {found.rho:+.3f}, p = {found.p_value:.3g}: {told}"
