"""Records of a few conversations, and what is measured of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from builders_runs import BASELINE, CANDIDATE, PRICES, describe
from gatekeeper.adapters.metrics import RunMeasurements
from gatekeeper.adapters.records import RunRecords
from gatekeeper.adapters.runs import seal
from gatekeeper.adapters.tables import open_tables
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.model.facts import MEANING, Fact, Facts, Period
from gatekeeper.model.record import CallRow, OutcomeRow, RequestRow, ScoreRow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatekeeper.core.observation import Observation
    from gatekeeper.model.record import Row


def request(sample: str, release: str = CANDIDATE, **changes: Any) -> RequestRow:
    turn, replicate = changes.get("turn", 0), changes.get("replicate", 0)
    row = RequestRow(
        request_id=f"{release[7]}:{sample}:{replicate}:{turn}",
        time=0,
        lane="offline",
        release=release,
        suite="quality",
        sample_id=sample,
        status="ok",
        refused=False,
        latency_us=1000,
    )
    return row.model_copy(update=changes)


def call(asked: RequestRow, **changes: Any) -> CallRow:
    row = CallRow(
        request_id=asked.request_id,
        attempt=0,
        model="small",
        input_tokens=7,
        cached_input_tokens=2,
        output_tokens=3,
        latency_us=5,
        outcome="ok",
        nano_usd=100,
        price_book=PRICES,
    )
    return row.model_copy(update=changes)


def fate(asked: RequestRow, *, resolved: bool | None, follow_up: bool | None = False) -> OutcomeRow:
    return OutcomeRow(
        request_id=asked.request_id,
        time=0,
        source="scorer",
        resolved=resolved,
        follow_up=follow_up,
    )


def score(
    asked: RequestRow, scorer: str, value: float | None, error: str | None = None
) -> ScoreRow:
    return ScoreRow(request_id=asked.request_id, scorer=scorer, value=value, error=error)


def measured(
    directory: Path,
    rows: Iterable[Row],
    baseline: str | None = None,
    facts: Facts | None = None,
) -> RunMeasurements:
    with RunRecords(directory) as records:
        records.write(rows)
    run = seal(directory, describe({}))
    return RunMeasurements(open_tables(directory, run), CANDIDATE, baseline, facts)


def observe(
    directory: Path,
    metric: str,
    rows: Iterable[Row],
    *,
    paired: bool = False,
    facts: Facts | None = None,
) -> Observation:
    found = measured(directory, rows, BASELINE if paired else None, facts)
    return found.observe(METRICS[metric], paired=paired)


def declared_facts(**values: float | tuple[float, float, float]) -> Facts:
    """Facts by name: a value, or its lower end, itself and its upper end."""
    made = []
    for name, value in values.items():
        low, middle, high = value if isinstance(value, tuple) else (None, value, None)
        given: dict[str, Any] = {"name": name, "value": float(middle), "unit": MEANING[name][0]}  # type: ignore[index]
        if low is not None and high is not None:
            given |= {"low": float(low), "high": float(high)}
        made.append(Fact(**given, source="time sheet", recorded_by="finance"))
    return Facts(
        apiVersion="gatekeeper/v1",
        kind="Facts",
        owner="finance",
        period=Period(start="2026-10-01", end="2026-10-31"),
        facts=tuple(made),
    )
