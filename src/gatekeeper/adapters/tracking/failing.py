"""The failing conversations of a run, the gravest first, with all that was recorded of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.failures import FAILED, TALKS
from gatekeeper.adapters.looking import as_row, dicts, rows_of
from gatekeeper.adapters.sides import ARM, SAMPLE
from gatekeeper.model.record import CallRow, RequestRow, ScoreRow
from gatekeeper.model.tracking import FailingSample, TrackedTurn

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from gatekeeper.model.run import Run

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
    every = [request for requests in talks.values() for request in requests]
    calls = rows_of(connection, CallRow, every)
    scores = rows_of(connection, ScoreRow, every)
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
