"""What a release differs from itself by, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.canonical import short
from gatekeeper.core.wording import number, percent
from gatekeeper.report.markup import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.model.noise import Flips, Noise, RuleNoise

_FLIPPED: Final = ("flips", "", "pairs", "share", "with the same answer")
_RULES: Final = ("what each rule would see", "difference", "from", "to", "n", "")


def noise_document(noise: Noise) -> dict[str, Any]:
    """The report as programs read it."""
    return noise.model_dump(mode="json")


def noise_text(noise: Noise) -> str:
    """Flips first, then the rules; a rule that would have blocked stands out."""
    head = f"[bold]A/A[/bold]  {escape(noise.release_name)}@sha256:{short(noise.release)} twice"
    lines = [head, f"  [dim]run {escape(noise.run)}[/dim]", ""]
    lines += _table([_FLIPPED, *map(_flip_cells, noise.flips)])
    lines += ["", *_table([_RULES, *map(_rule_cells, noise.rules)]), ""]
    return "\n".join([*lines, *_conclusion(noise.rules)])


def _conclusion(rules: Sequence[RuleNoise]) -> list[str]:
    """Which rules would have stopped the release, and which saw nothing of it."""
    blocked = [rule.rule for rule in rules if rule.outcome in {"fail", "inconclusive"}]
    blind = [rule.rule for rule in rules if rule.outcome == "error"]
    compared = any(rule.outcome == "pass" for rule in rules)
    lines = []
    if blocked:
        lines.append(
            "[yellow]Would not let the release pass against itself: the limit is within the noise,"
        )
        lines.append("or the samples are too few.[/yellow]")
        lines += [f"  {escape(name)}" for name in blocked]
    elif compared:
        lines.append("Every rule that compares and had samples would have passed.")
    if blind:
        lines.append("Without samples here, so that nothing is known of their noise:")
        lines += [f"  {escape(name)}" for name in blind]
    return lines


def _flip_cells(one: Flips) -> tuple[str, ...]:
    share = percent(one.flips / one.pairs).replace(" ", "")
    odd = f"{one.same_answer_flips} of {one.same_answer:,}" if one.what != "answer" else ""
    return (one.what, str(one.flips), f"{one.pairs:,}", share, odd)


def _rule_cells(rule: RuleNoise) -> tuple[str, ...]:
    name = rule.rule
    if rule.difference is None:
        return (name, rule.outcome or "error", "", "", "", "")
    cells = (number(value, rule.unit).replace(" ", "") for value in _values(rule))
    return (name, *cells, f"{rule.n:,}", rule.outcome or "")


def _values(rule: RuleNoise) -> tuple[float | None, ...]:
    return rule.difference, rule.low, rule.high


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = []
    for place, row in enumerate(rows):
        first, *rest = (
            cell.ljust(width) if not number_ else cell.rjust(width)
            for number_, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        text = escape("  ".join((first, *rest)).rstrip())
        lines.append(f"[dim]{text}[/dim]" if place == 0 else text)
    return lines
