"""Two runs compared: as text, Markdown and JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.canonical import short
from gatekeeper.core.wording import counted, narrow
from gatekeeper.report.markup import escape, one_line, spelled_out
from gatekeeper.report.tables import fold, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.metric_value import MetricValue
    from gatekeeper.model.run import Run

SHOWN: Final = 20
"""Flips of each kind in the text; the JSON has all of them."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Runs A and B on the samples that both answered.

    Attributes:
        samples: Common samples by suite.
        apart: Why some of the sets could not be compared.
        a: Metrics of A; `b` those of B, `change` the paired differences from A to B.
        broken: Suite and sample of what passed in A and fails in B; `mended` the other way round.
    """

    first: Run
    second: Run
    samples: dict[str, int]
    apart: tuple[str, ...]
    a: Sequence[MetricValue]
    b: Sequence[MetricValue]
    change: Sequence[MetricValue]
    broken: Sequence[tuple[str, str]]
    mended: Sequence[tuple[str, str]]


def apart(first: Run, second: Run) -> tuple[str, ...]:
    """Sets that only one run has, or that changed between them."""
    mine, its = ({used.name: used for used in run.sets} for run in (first, second))
    found = [f"{name}: only in A" for name in mine if name not in its]
    found += [f"{name}: only in B" for name in its if name not in mine]
    found += [
        f"{name}: another set, {short(mine[name].digest)} in A and {short(its[name].digest)} in B"
        for name in mine
        if name in its and mine[name].digest != its[name].digest
    ]
    return tuple(found)


def compared_document(one: Compared) -> dict[str, Any]:
    """The comparison as programs read it."""
    return {
        "a": {"run": one.first.id, "release": one.first.candidate.digest},
        "b": {"run": one.second.id, "release": one.second.candidate.digest},
        "samples": one.samples,
        "apart": list(one.apart),
        "metrics": {
            "a": [asdict(value) for value in one.a],
            "b": [asdict(value) for value in one.b],
            "change": [asdict(value) for value in one.change],
        },
        "broken": [{"suite": suite, "sample_id": sample} for suite, sample in one.broken],
        "mended": [{"suite": suite, "sample_id": sample} for suite, sample in one.mended],
    }


def compared_text(one: Compared, width: int) -> str:
    """The comparison on a screen."""
    lines = [f"[bold]{letter}[/bold]  {escape(_who(run))}" for letter, run in _runs(one)]
    lines += [f"   {escape(line)}" for line in fold(_common(one), width - 3)]
    lines += [
        f"   [yellow]{escape(line)}[/yellow]" for why in one.apart for line in fold(why, width - 3)
    ]
    rows = _rows(one)
    if rows:
        lines += ["", *table(_HEADS, rows, right=frozenset(range(1, 6)))]
    for title, style, found in _flips(one):
        lines += ["", f"[{style}]{counted(len(found), 'sample')} {title}[/{style}]"]
        lines += [f"  {one_line(f'{sample}  {suite}')}" for suite, sample in found[:SHOWN]]
        if len(found) > SHOWN:
            lines.append(f"  [dim]and {len(found) - SHOWN:,} more: --output json has all[/dim]")
    if one.broken:
        suite, sample = one.broken[0]
        show = f"gatekeeper runs show {one.second.id} --sample {sample} --suite {suite}"
        lines += ["", f"look at one: [cyan]{one_line(show)}[/cyan]"]
    return "\n".join(lines)


def compared_markdown(one: Compared) -> str:
    """The comparison for a comment."""
    lines = ["### Runs compared", ""]
    lines += [f"- **{letter}** {_who(run)}" for letter, run in _runs(one)]
    lines += [f"- {_common(one)}", *(f"- {why}" for why in one.apart), ""]
    rows = _rows(one)
    if rows:
        lines += ["| " + " | ".join(_HEADS) + " |", "|---|---:|---:|---:|---:|---:|"]
        lines += ["| " + " | ".join(row) + " |" for row in rows]
    for title, _, found in _flips(one):
        lines += ["", f"<details><summary>{counted(len(found), 'sample')} {title}</summary>", ""]
        lines += [f"- `{spelled_out(sample)}` ({suite})" for suite, sample in found]
        lines += ["", "</details>"]
    return "\n".join([*lines, ""])


_HEADS: Final = ("metric", "A", "B", "change", "between", "n")


def _runs(one: Compared) -> tuple[tuple[str, Run], tuple[str, Run]]:
    return ("A", one.first), ("B", one.second)


def _who(run: Run) -> str:
    return f"{run.id}  {run.candidate.name}@sha256:{short(run.candidate.digest)}"


def _common(one: Compared) -> str:
    if not one.samples:
        return "no sample was answered in both"
    return "both answered " + ", ".join(f"{name} {n:,}" for name, n in one.samples.items())


def _rows(one: Compared) -> list[tuple[str, ...]]:
    first = {value.metric: value for value in one.a}
    change = {value.metric: value for value in one.change}
    rows: list[tuple[str, ...]] = []
    for value in one.b:
        other, moved = first.get(value.metric), change.get(value.metric)
        if other is None or (value.missing and other.missing):
            continue
        rows.append(
            (
                value.metric,
                _own(other),
                _own(value),
                *(_moved(moved) if moved and not moved.missing else ("", "")),
                f"{value.n:,}",
            )
        )
    return rows


def _own(value: MetricValue) -> str:
    return "-" if value.missing else narrow(value.value, value.unit)


def _moved(value: MetricValue) -> tuple[str, str]:
    if value.low is None and value.high is None:
        return narrow(value.value, value.unit), "too few"
    between = f"{narrow(value.low, value.unit)}…{narrow(value.high, value.unit)}"
    return narrow(value.value, value.unit), between


def _flips(one: Compared) -> list[tuple[str, str, Sequence[tuple[str, str]]]]:
    found: list[tuple[str, str, Sequence[tuple[str, str]]]] = [
        ("passed in A and fail in B", "red", one.broken),
        ("failed in A and pass in B", "green", one.mended),
    ]
    return [flip for flip in found if flip[2]]
