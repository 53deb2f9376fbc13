"""Bisection along a line of releases whose metric is known: what is asked, and what is said."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.model.attribution import Moved
from gatekeeper.model.run import RunRelease
from gatekeeper.ops.bisect import Compared, bisect

if TYPE_CHECKING:
    from gatekeeper.model.bisection import Bisection
    from gatekeeper.model.policy import Rule

METRIC = METRICS["usd_per_resolved_request"]


@dataclass
class Known:
    """Releases with a cost each, known to within `noise`."""

    costs: dict[RunRelease, float]
    noise: float = 0.01
    asked: list[RunRelease] = field(default_factory=list)
    blamed: list[tuple[RunRelease, RunRelease, Rule]] = field(default_factory=list)

    async def compare(self, release: RunRelease, other: RunRelease) -> Compared:
        self.asked.append(release)
        values = self.costs[other], self.costs[release]
        value = values[1] / values[0] - 1
        change = Moved(value=value, low=value - self.noise, high=value + self.noise)
        return Compared(change, values, 100, f"run-{len(self.asked)}", stored=False)

    async def attribute(
        self, release: RunRelease, other: RunRelease, rule: Rule
    ) -> tuple[None, tuple[()]]:
        self.blamed.append((release, other, rule))
        return None, ()


def searched(*costs: float, noise: float = 0.01) -> tuple[Bisection, Known, list[RunRelease]]:
    line = [
        RunRelease(name=f"desk-{number}", digest=f"sha256:{number:064x}")
        for number in range(len(costs))
    ]
    known = Known(dict(zip(line, costs, strict=True)), noise)
    found = asyncio.run(bisect(METRIC, "relative", "prod", line, known))
    return found, known, line


def test_the_release_in_which_it_rose_is_found() -> None:
    found, known, line = searched(10, 10, 10, 10, 14, 14, 14, 14, 14)
    assert (found.code, found.found, found.before) == ("found", line[4], line[3])
    assert known.asked == [line[8], line[4], line[2], line[3]]
    ((release, other, rule),) = known.blamed
    assert (release, other, rule.test) == (line[4], line[3], "max_increase")
    assert found.good == 10
    assert found.bad == 14


def test_a_fall_is_found_too() -> None:
    found, known, line = searched(10, 10, 5, 5)
    assert found.found == line[2]
    assert known.blamed[0][2].test == "max_decrease"
    assert found.probes[0].change.value == -0.5


def test_where_nothing_moved_nobody_is_looked_for() -> None:
    found, known, line = searched(10, 20, 10.05)
    assert (found.code, found.found) == ("not_moved", None)
    assert known.asked == [line[2]]
    assert known.blamed == []
    assert "nothing moved beyond chance" in found.reason


def test_what_is_in_the_middle_is_told() -> None:
    found, _, line = searched(10, 12, 14, noise=0.1)
    assert found.code == "unsure"
    assert [probe.release for probe in found.probes if not probe.sure] == [line[1]]
    assert "sha256:000000000000" in found.reason


def test_two_neighbours_need_one_comparison() -> None:
    found, known, line = searched(10, 14)
    assert (found.found, found.before) == (line[1], line[0])
    assert len(known.asked) == 1
