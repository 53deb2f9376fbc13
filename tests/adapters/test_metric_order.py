"""What is measured does not depend on how the records lie there."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from builders_metrics import declared_facts, score
from builders_runs import BASELINE, CANDIDATE, Behaviour, Case, describe
from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.adapters.records import RunRecords
from gatekeeper.adapters.runs import seal
from gatekeeper.adapters.tables import open_tables
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.model.facts import MEANING
from gatekeeper.model.record import RequestRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatekeeper.model.record import Row

SIZES = {"quality": 40, "safety": 30, "structured": 20, "benign": 20, "load": 30, "agent": 10}
SCORERS = ("facts", "citations", "lexical_support", "injection")
OF_EACH_KIND = (
    "resolved_rate",
    "correctness",
    "usd_per_resolved_request",
    "groundedness",
    "p95_latency",
    "forbidden_tool_call",
    "carbon_per_request",
)
FACTS = declared_facts(**dict.fromkeys(MEANING, 3.0))  # type: ignore[arg-type]


def conversations(replicates: int) -> Iterator[list[Row]]:
    """Clustered samples with replicates, tags, scores and errors, of both releases."""
    shaken = random.Random(replicates)  # noqa: S311 - the same each time
    for release in (CANDIDATE, BASELINE):
        behaviour = Behaviour(errors={"quality": 3, "safety": 2}, tokens=shaken.randint(80, 120))
        for suite, size in SIZES.items():
            for number in range(size):
                for replicate in range(1 if suite == "load" else replicates):
                    case = Case(release, suite, number, behaviour, replicate, size=size)
                    rows = list(case.rows())
                    first = rows[0]
                    assert isinstance(first, RequestRow)
                    rows[0] = first.model_copy(update={"cluster": f"c{number % 7}"})
                    rows += [
                        score(first, scorer, shaken.choice((0.0, 0.25, 1.0))) for scorer in SCORERS
                    ]
                    yield rows


def plain(found: Any) -> Any:
    """An observation as something that can be compared: arrays as lists."""
    if hasattr(found, "tolist"):
        return found.tolist()
    if hasattr(found, "__dataclass_fields__"):
        return {name: plain(getattr(found, name)) for name in found.__dataclass_fields__}
    return found


def seen(measurements: RunMeasurements) -> Iterator[tuple[str, Any]]:
    """All that can be asked of a run."""
    for name in OF_EACH_KIND:
        metric = METRICS[name]
        for paired in (False, True):
            yield name, plain(measurements.observe(metric, paired=paired))
            for value, part in measurements.slices(metric, "part", paired=paired).items():
                yield f"{name} {value}", plain(part)
            yield name, measurements.contributions(metric, paired=paired, limit=9)
    yield "critical", measurements.critical(["part", "part=1", "quality-00003"])
    yield "failures", measurements.failures()


@pytest.mark.parametrize("replicates", [1, 2])
def test_neither_the_order_of_rows_nor_the_number_of_threads_matters(
    tmp_path: Path, replicates: int
) -> None:
    rows = [row for talk in conversations(replicates) for row in talk]
    found = []
    for threads in (1, 4):
        random.Random(threads).shuffle(rows)  # noqa: S311 - an order
        directory = tmp_path / str(threads)
        with RunRecords(directory) as records:
            records.write(rows)
        with open_tables(directory, seal(directory, describe({}))) as connection:
            connection.execute(f"SET threads = {threads}")
            run = RunMeasurements(connection, CANDIDATE, BASELINE, FACTS)
            if threads == 4:
                run.expect([METRICS["success_rate"]])
            found.append(list(seen(run)))
    assert found[0] == found[1]
    assert len(found[0]) > 6 * len(OF_EACH_KIND)
