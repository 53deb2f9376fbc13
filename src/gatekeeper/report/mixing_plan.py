"""What an attribution would evaluate, on a screen and as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.report.tables import fold, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.model.estimate import Estimate


def plan_document(found: Sequence[tuple[str, Sequence[Estimate]]]) -> dict[str, Any]:
    """What would be evaluated, as programs read it."""
    mixes = [{"mix": name, **_sum(estimates)} for name, estimates in found]
    return {
        "mixes": mixes,
        **{key: sum(one[key] for one in mixes) for key in ("requests", "tokens", "usd")},
        "bound": "upper: nothing remembered, and without what a rollback's own verdict takes",
    }


def plan_text(found: Sequence[tuple[str, Sequence[Estimate]]], width: int) -> str:
    """A row a mix, and what it would use at most."""
    if not found:
        return "One component changed: no mixed release has to be evaluated."
    document = plan_document(found)
    rows = [
        (one["mix"], f"{one['requests']:,}", f"{one['tokens']:,}", f"{one['usd']:.4f}")
        for one in [*document["mixes"], {**document, "mix": "in all"}]
    ]
    lines = table(("mix", "requests", "tokens", "USD"), rows, right=frozenset({1, 2, 3}))
    note = (
        "At most: every answer as long as it may be, nothing remembered. Rollbacks that are "
        "decided afterwards come on top."
    )
    return "\n".join([*lines, *(f"[dim]{line}[/dim]" for line in fold(note, width))])


def _sum(estimates: Sequence[Estimate]) -> dict[str, Any]:
    return {
        "requests": sum(one.requests for one in estimates),
        "tokens": sum(one.input_tokens + one.output_tokens for one in estimates),
        "usd": sum(one.nano_usd for one in estimates) / 1e9,
    }
