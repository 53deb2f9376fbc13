"""Runs in a list, and one run on a screen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.wording import narrow
from gatekeeper.report.markup import escape
from gatekeeper.report.outcomes import MARKS
from gatekeeper.report.run_facts import asked, contest, run_facts
from gatekeeper.report.tables import facts, fold, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.metric_value import MetricValue
    from gatekeeper.model.run import Run

_STATUS: Final = {"complete": "green", "interrupted": "yellow", "running": "cyan"}


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the list.

    Attributes:
        verdict: The outcome of the last verdict on it, or nothing.
        damage: Why it cannot be read; then there is no run.
    """

    id: str
    run: Run | None
    verdict: str = ""
    damage: str = ""


def listed_text(rows: Sequence[Listed], left_out: int = 0, width: int = 80) -> str:
    """What `gatekeeper runs list` says."""
    if not rows:
        return "no runs yet; `gatekeeper evaluate REF` makes one"
    lines = []
    for row in rows:
        if row.run is None:
            lines.append(f"[bold]{escape(row.id)}[/bold]  [red]damaged[/red]")
            lines += [f"  {escape(line)}" for line in fold(row.damage, width - 2)]
            continue
        lines.append(_headline(row.run, row.verdict))
        lines += [f"  {escape(line)}" for line in fold(contest(row.run), width - 2)]
        lines += [f"  [dim]{escape(line)}[/dim]" for line in fold(asked(row.run), width - 2)]
    if left_out:
        lines.append(f"[dim]and {left_out:,} older: --limit {len(rows) + left_out}[/dim]")
    return "\n".join(lines)


def listed_document(rows: Sequence[Listed]) -> dict[str, Any]:
    """The list as programs read it."""
    return {
        "runs": [
            {
                **(row.run.model_dump(mode="json") if row.run else {"id": row.id}),
                "verdict": row.verdict or None,
                "damage": row.damage or None,
            }
            for row in rows
        ]
    }


def merged_text(run: Run, parts: int) -> str:
    """What `gatekeeper runs merge` says."""
    lines = [f"[green]merged {parts} shards[/green] to [bold]{escape(run.id)}[/bold]"]
    lines.append(f"  {escape(asked(run))}")
    lines += [f"  [yellow]partial: {escape(why)}[/yellow]" for why in run.partial]
    return "\n".join([*lines, f"Next: gatekeeper gate {escape(run.id)}"])


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that is told of one run.

    Attributes:
        suites: Requests by side, suite and status.
        scores: Side, suite, scorer, samples, mean, standard error, errors.
        metrics: Of the candidate, and of the baseline where there is one.
        failed: Conversations of the candidate that failed.
    """

    run: Run
    verdict: str
    suites: Sequence[Any]
    scores: Sequence[dict[str, Any]]
    metrics: Sequence[MetricValue]
    baseline_metrics: Sequence[MetricValue] = ()
    failed: int = 0


def shown_document(shown: Shown) -> dict[str, Any]:
    """The run as programs read it."""
    return {
        "run": shown.run.model_dump(mode="json"),
        "verdict": shown.verdict or None,
        "failed": shown.failed,
        "suites": [asdict(one) for one in shown.suites],
        "scores": list(shown.scores),
        "metrics": [asdict(one) for one in shown.metrics],
        "baseline_metrics": [asdict(one) for one in shown.baseline_metrics],
    }


def shown_text(shown: Shown, width: int) -> str:
    """What `gatekeeper runs show` says."""
    run = shown.run
    lines = [_headline(run, shown.verdict), "", *facts(run_facts(run), width), ""]
    lines += ["[bold]suites[/bold]", *_indented(_suites(shown))]
    if shown.scores:
        lines += ["", "[bold]scores[/bold] [dim]mean ± standard error[/dim]"]
        lines += _indented(_scores(shown.scores))
    if shown.metrics:
        lines += ["", "[bold]metrics[/bold] [dim]with one-sided 95 % bounds[/dim]"]
        lines += _indented(_metrics(shown))
        lines += facts(_missing(shown.metrics), width)
    if shown.failed:
        how = f"[cyan]gatekeeper runs show {escape(run.id)} --failures[/cyan]"
        lines += ["", f"{shown.failed:,} samples failed: {how}"]
    return "\n".join(lines)


def _headline(run: Run, verdict: str) -> str:
    style = _STATUS[run.status]
    when = f"{run.started:%Y-%m-%d %H:%M}"
    parts = [f"[bold]{escape(run.id)}[/bold]", when, f"[{style}]{run.status}[/{style}]"]
    if verdict:
        mark, colour = MARKS[verdict]
        parts.append(f"[{colour}]{mark} {verdict}[/{colour}]")
    if run.partial or run.options.shard:
        shard = run.options.shard
        parts.append(
            f"[yellow]{f'shard {shard.index}/{shard.count}' if shard else 'partial'}[/yellow]"
        )
    if run.options.aa:
        parts.append("[cyan]A/A[/cyan]")
    if run.source:
        parts.append("[cyan]imported[/cyan]")
    return "  ".join(parts)


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _suites(shown: Shown) -> list[str]:
    heads = ("", "suite", "samples", "requests", "ok", "degraded", "review", "blocked", "error")
    rows = [
        (
            one.arm,
            one.suite,
            *(
                f"{count:,}" if count else ""
                for count in (
                    one.samples,
                    one.requests,
                    one.ok,
                    one.degraded,
                    one.needs_review,
                    one.blocked,
                    one.error,
                )
            ),
        )
        for one in shown.suites
    ]
    return table(heads, rows, right=frozenset(range(2, 9))) or ["[dim]no requests[/dim]"]


def _scores(scores: Sequence[dict[str, Any]]) -> list[str]:
    heads = ("", "suite", "scorer", "mean", "±", "n", "errors")
    rows = [
        (
            one["arm"],
            one["suite"],
            one["scorer"],
            "-" if one["mean"] is None else f"{one['mean']:.4f}",
            "" if one["stderr"] is None else f"{one['stderr']:.4f}",
            f"{one['n']:,}",
            f"{one['errors']:,}" if one["errors"] else "",
        )
        for one in scores
    ]
    return table(heads, rows, right=frozenset(range(3, 7)))


def _metrics(shown: Shown) -> list[str]:
    baseline = {one.metric: one for one in shown.baseline_metrics}
    rows = []
    for one in shown.metrics:
        if one.missing:
            continue
        other = baseline.get(one.metric)
        against = narrow(other.value, one.unit) if other and not other.missing else ""
        rows.append((one.metric, narrow(one.value, one.unit), _bounds(one), f"{one.n:,}", against))
    heads = ("metric", "value", "between", "n", "baseline")
    return table(heads, rows, right=frozenset(range(1, 5)))


def _missing(metrics: Sequence[MetricValue]) -> list[tuple[str, str]]:
    return [(one.metric, one.missing) for one in metrics if one.missing]


def _bounds(one: MetricValue) -> str:
    if one.unit == "count":
        return f"rate ≤ {narrow(one.high, 'rate')}"
    if one.low is None and one.high is None:
        return "too few"
    return f"{narrow(one.low, one.unit)}…{narrow(one.high, one.unit)}"
