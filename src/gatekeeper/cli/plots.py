"""Composition: what a page draws of a run, and of the runs before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatekeeper.adapters.project import Project
    from gatekeeper.core.plots import Plots, Point
    from gatekeeper.model.record import Arm
    from gatekeeper.model.run import Run

EARLIER: Final = 8
"""Runs before this one that are drawn; each has its tables read."""
_COST, _QUALITY = "usd_per_resolved_request", "resolved_rate"
_SUITE: Final = "quality"


def plots_of(project: Project, directory: Path) -> Plots:
    """The pictures of a run; none where its records are not sealed, or not what was sealed."""
    from gatekeeper.adapters.plots import distributions
    from gatekeeper.adapters.runs import read_run
    from gatekeeper.adapters.tables import open_tables
    from gatekeeper.core.plots import Plots
    from gatekeeper.errors import GatekeeperError

    run = read_run(directory)
    try:
        with open_tables(directory, run) as connection:
            drawn = distributions(connection, run)
        points = [*_sides(directory, run)]
    except GatekeeperError:  # whoever decides has said so
        return Plots()
    if points:
        points += _earlier(project, run)
    return Plots(drawn, tuple(points))


def _sides(directory: Path, run: Run) -> Iterator[Point]:
    """The candidate, and the baseline where it answered the same samples."""
    found = _point(directory, run, "candidate", f"candidate {run.candidate.name}")
    if found is not None:
        yield found
    if run.baseline is not None and _SUITE in run.baseline_suites:
        other = _point(directory, run, "baseline", f"baseline {run.baseline.name}")
        if other is not None:
            yield other


def _earlier(project: Project, run: Run) -> Iterator[Point]:
    """Candidates of earlier runs of releases of that name on the same samples, newest first."""
    from gatekeeper.adapters.runs import RUN_FILE, read_run
    from gatekeeper.errors import GatekeeperError

    left, asked = EARLIER, _asked(run)
    for path in sorted(project.runs.glob(f"*/{RUN_FILE}"), reverse=True):
        try:
            other = read_run(path.parent)
            if not left or other.id >= run.id or not _comparable(other, run, asked):
                continue
            found = _point(path.parent, other, "candidate", f"run {other.id}", earlier=True)
        except GatekeeperError:  # one damaged run does not take the page with it
            continue
        if found is not None:
            left -= 1
            yield found


def _comparable(other: Run, run: Run, asked: list[tuple[str, int]]) -> bool:
    same = other.candidate.name == run.candidate.name and other.candidate != run.baseline
    whole = other.status == "complete" and not other.partial and not other.options.aa
    return bool(other.files) and whole and same and _asked(other) == asked


def _asked(run: Run) -> list[tuple[str, int]]:
    """The sets that cost and quality are measured on, and how much of them."""
    return sorted((one.digest, one.samples) for one in run.sets if one.suite == _SUITE)


def _point(
    directory: Path, run: Run, arm: Arm, label: str, *, earlier: bool = False
) -> Point | None:
    from gatekeeper.adapters.looking import measured, opened
    from gatekeeper.core.plots import Point
    from gatekeeper.ops.measure_run import value_of

    with opened(directory, run) as connection:
        measurements = measured(connection, run, arm)
        cost, quality = (value_of(measurements, name) for name in (_COST, _QUALITY))
    if cost.value is None or quality.value is None:
        return None
    kind = "earlier" if earlier else arm
    bounds = cost.low, cost.high, quality.low, quality.high
    return Point(label, kind, cost.value, quality.value, *bounds)
