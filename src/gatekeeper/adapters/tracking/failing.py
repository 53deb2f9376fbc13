"""The failing conversations of a run, the gravest first, with all that was recorded of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from gatekeeper.adapters.failures import FAILED, TALKS, as_row
from gatekeeper.adapters.looking import ARM, SAMPLE, dicts
from gatekeeper.model.record import CallRow, RequestRow, ScoreRow
from gatekeeper.model.tracking import FailingSample, TrackedTurn

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from gatekeeper.model.base import Frozen
    from gatekeeper.model.run import Run

_Row = TypeVar("_Row", bound="Frozen")
_GRAVEST: Final = "faulty DESC, crashed DESC, least"
_PICKED: Final = f"""
CREATE OR REPLACE TEMP TABLE picked AS
SELECT suite, sample, replicate, row_number() OVER (ORDER BY {_GRAVEST}, suite, sample) AS place
FROM talks WHERE arm = 'candidate' AND ({FAILED})
QUALIFY row_number() OVER (PARTITION BY suite, sample ORDER BY {_GRAVEST}, replicate) = 1
ORDER BY place LIMIT $limit
"""  # noqa: S608 - constants only
_REQUESTS: Final = f"""
SELECT place, requests.* FROM requests JOIN picked ON coalesce(requests.suite, '') = picked.suite
  AND {SAMPLE} = picked.sample AND requests.replicate = picked.replicate
WHERE {ARM} = 'candidate' ORDER BY place, turn, time, request_id
"""  # noqa: S608 - constants only


def failing_samples(
    connection: DuckDBPyConnection, run: Run, limit: int
) -> tuple[FailingSample, ...]:
    """At most `limit` samples that the candidate failed, one replicate of each.

    Those whose records show a fault come first, then those of a scorer that crashed, then those
    with a score of zero. All are read in one go: a run can be large.

    Args:
        connection: The tables as `gatekeeper.adapters.tables.open_tables` gives them.
        run: What was run.
        limit: How many samples at most.
    """
    side = {"candidate": run.candidate.digest}
    connection.execute(TALKS, {**side, "scorer": ""})
    connection.execute(_PICKED, {"limit": limit})
    talks: dict[int, list[RequestRow]] = {}
    for found in dicts(connection, _REQUESTS, side):
        talks.setdefault(found.pop("place"), []).append(as_row(RequestRow, found))
    ids = [request.request_id for requests in talks.values() for request in requests]
    calls = _of(connection, CallRow, "calls", "attempt", ids)
    scores = _of(connection, ScoreRow, "scores", "scorer", ids)
    return tuple(
        FailingSample(
            turns=tuple(
                TrackedTurn(request=one, calls=tuple(calls.get(one.request_id, ())))
                for one in requests
            ),
            scores=tuple(score for one in requests for score in scores.get(one.request_id, ())),
        )
        for requests in talks.values()
    )


def _of(
    connection: DuckDBPyConnection, kind: type[_Row], table: str, order: str, ids: list[str]
) -> dict[str, list[_Row]]:
    """The rows of a table that belong to some requests, by request."""
    sql = f"SELECT * FROM {table} WHERE list_contains($ids, request_id) ORDER BY {order}"  # noqa: S608
    rows: dict[str, list[_Row]] = {}
    for found in dicts(connection, sql, {"ids": ids}):
        rows.setdefault(found["request_id"], []).append(as_row(kind, found))
    return rows
