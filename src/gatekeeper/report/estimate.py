"""What an evaluation would cost at most, before anything is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.report.markup import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.model.estimate import Estimate

_HEADS: Final = ("", "", "requests", "tokens in", "tokens out", "USD")


def estimate_document(found: Sequence[Estimate]) -> dict[str, Any]:
    """The estimate as programs read it."""
    return {
        "sets": [
            {
                "set": one.name,
                "arm": one.arm,
                "conversations": one.conversations,
                "requests": one.requests,
                "samples_looked_at": one.looked_at,
                "input_tokens": one.input_tokens,
                "output_tokens": one.output_tokens,
                "usd": one.nano_usd / 1e9,
            }
            for one in found
        ],
        "requests": sum(one.requests for one in found),
        "tokens": sum(one.input_tokens + one.output_tokens for one in found),
        "usd": sum(one.nano_usd for one in found) / 1e9,
        "bound": "upper, but for what judges and tool rounds use",
    }


def estimate_text(found: Sequence[Estimate]) -> str:
    """A row a set and arm, and the total."""
    rows = [_HEADS, *map(_row, found), _total(found)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADS))]
    lines = [f"[dim]{_aligned(rows[0], widths)}[/dim]"]
    lines += [escape(_aligned(row, widths)) for row in rows[1:-1]]
    lines.append(f"[bold]{escape(_aligned(rows[-1], widths))}[/bold]")
    note = "At most: every answer as long as it may be, every follow-up asked, nothing remembered."
    return "\n".join([*lines, f"[dim]{note}[/dim]", "[dim]Judges and tools are not counted.[/dim]"])


def _row(one: Estimate) -> tuple[str, ...]:
    return (
        one.name,
        one.arm,
        f"{one.requests:,}",
        f"{one.input_tokens:,}",
        f"{one.output_tokens:,}",
        f"{one.nano_usd / 1e9:.4f}",
    )


def _total(found: Sequence[Estimate]) -> tuple[str, ...]:
    return (
        "in all",
        "",
        f"{sum(one.requests for one in found):,}",
        f"{sum(one.input_tokens for one in found):,}",
        f"{sum(one.output_tokens for one in found):,}",
        f"{sum(one.nano_usd for one in found) / 1e9:.4f}",
    )


def _aligned(row: tuple[str, ...], widths: Sequence[int]) -> str:
    words = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
    numbers = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
    return "  ".join((*words, *numbers)).rstrip()
