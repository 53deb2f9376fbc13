"""Finding the conversations of a run that failed, and all that was recorded of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.looking import as_row, dicts, rows_of
from gatekeeper.adapters.sides import ARM, FAULTY, SAMPLE
from gatekeeper.core.failing import Compared, Exchange, Talk
from gatekeeper.core.wording import did_you_mean
from gatekeeper.errors import UsageError
from gatekeeper.model.record import CallRow, OutcomeRow, RequestRow, ScoreRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from duckdb import DuckDBPyConnection

    from gatekeeper.model.run import Run

TALKS: Final = f"""
CREATE OR REPLACE TEMP TABLE talks AS
WITH said AS (
  SELECT request_id, bool_or(error IS NOT NULL) AS crashed, min(value) AS least
  FROM scores WHERE $scorer = '' OR scorer = $scorer GROUP BY request_id
), fate AS (
  SELECT request_id, bool_and(resolved) AS resolved FROM outcomes GROUP BY request_id
)
SELECT {ARM} AS arm, coalesce(suite, '') AS suite, {SAMPLE} AS sample, replicate,
  bool_or(coalesce(crashed, false)) AS crashed, min(least) AS least,
  bool_or({FAULTY} OR fate.resolved IS NOT DISTINCT FROM false) AS faulty
FROM requests LEFT JOIN said USING (request_id) LEFT JOIN fate USING (request_id)
GROUP BY ALL
"""  # noqa: S608 - constants only
FAILED: Final = "crashed OR coalesce(least <= 0, false) OR faulty"
"""SQL over `talks`: the same as `Talk.failures`."""
_FOUND: Final = """
SELECT suite, sample, replicate FROM talks
WHERE arm = 'candidate' AND ($suite = '' OR suite = $suite) AND ($sample = '' OR sample = $sample)
  AND ({condition})
ORDER BY suite, sample, replicate
"""
_EVERY: Final = f"""
SELECT {ARM} AS side, {SAMPLE} AS name, coalesce(suite, '') AS part, replicate AS again, r.*, made
FROM requests r
LEFT JOIN (SELECT request_id, list(c ORDER BY attempt) AS made FROM calls c GROUP BY request_id)
  USING (request_id)
ORDER BY side DESC, part, name, again, turn, time, r.request_id
"""  # noqa: S608 - constants only
_KEYS: Final = ("side", "part", "name", "again")
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which conversations: failed ones, unless a sample is named."""

    suite: str = ""
    scorer: str = ""
    sample: str = ""
    limit: int = 10

    @property
    def condition(self) -> str:
        """SQL over `talks`."""
        if self.sample:
            return "true"
        # Whoever asks about one scorer wants everything that it did not find perfect.
        return "crashed OR coalesce(least < 1, false)" if self.scorer else FAILED


def check_names(connection: DuckDBPyConnection, wanted: Wanted) -> None:
    """Refuse names that nothing in the run has: who misspells one must not read "none failed".

    Raises:
        UsageError: There is no such suite, scorer or sample.
    """
    for what, name, names in (
        ("suite", wanted.suite, "SELECT DISTINCT suite FROM requests"),
        ("scorer", wanted.scorer, "SELECT DISTINCT scorer FROM scores"),
    ):
        known = sorted(row[0] or "" for row in connection.execute(names).fetchall())
        if name and name not in known:
            raise UsageError(
                f"the run has no {what} {name!r}{did_you_mean(name, known)}",
                fix=f"it has {', '.join(filter(None, known)) or 'none'}",
            )
    sample = wanted.sample
    has = f"SELECT 1 FROM requests WHERE {SAMPLE} = ? LIMIT 1"  # noqa: S608 - constants only
    if sample and not connection.execute(has, [sample]).fetchone():
        raise UsageError(f"the run has no sample {sample!r}", fix="look for it in `runs export`")


def failures(
    connection: DuckDBPyConnection, run: Run, wanted: Wanted
) -> tuple[tuple[Compared, ...], int]:
    """The first conversations of the candidate that failed, and how many there are in all."""
    connection.execute(TALKS, {"candidate": run.candidate.digest, "scorer": wanted.scorer})
    found = connection.execute(
        _FOUND.format(condition=wanted.condition), {"suite": wanted.suite, "sample": wanted.sample}
    ).fetchall()
    shown = [_compared(connection, run, *key) for key in found[: wanted.limit]]
    return tuple(shown), len(found)


def talks(connection: DuckDBPyConnection, run: Run) -> Iterator[Talk]:
    """Every conversation of a run with its calls, without its scores, one after the other."""
    cursor = connection.cursor()
    cursor.execute(_EVERY, {"candidate": run.candidate.digest})
    names = [column[0] for column in cursor.description or ()]
    rows = (
        dict(zip(names, row, strict=True))
        for batch in iter(lambda: cursor.fetchmany(_BATCH), [])
        for row in batch
    )
    for (side, *_), members in groupby(rows, key=lambda row: [row.pop(key) for key in _KEYS]):
        exchanges = []
        for row in members:
            calls = tuple(as_row(CallRow, call) for call in row.pop("made") or ())
            exchanges.append(Exchange(as_row(RequestRow, row), calls))
        yield Talk(side, tuple(exchanges))


def _compared(
    connection: DuckDBPyConnection, run: Run, suite: str, sample: str, replicate: int
) -> Compared:
    key = {"candidate": run.candidate.digest, "suite": suite, "sample": sample}
    rows = dicts(
        connection,
        f"SELECT *, {ARM} AS side FROM requests WHERE coalesce(suite, '') = $suite "  # noqa: S608
        f"AND {SAMPLE} = $sample AND replicate = $replicate ORDER BY turn, time, request_id",
        {**key, "replicate": replicate},
    )
    sides: dict[str, list[RequestRow]] = {}
    for row in rows:
        sides.setdefault(row.pop("side"), []).append(as_row(RequestRow, row))
    talks = {side: _talk(connection, side, requests) for side, requests in sides.items()}
    return Compared(talks["candidate"], talks.get("baseline"))


def _talk(connection: DuckDBPyConnection, arm: str, requests: list[RequestRow]) -> Talk:
    calls = rows_of(connection, CallRow, requests)
    scores = rows_of(connection, ScoreRow, requests)
    outcomes = [
        one for found in rows_of(connection, OutcomeRow, requests).values() for one in found
    ]
    return Talk(
        arm,
        tuple(Exchange(one, tuple(calls.get(one.request_id, ()))) for one in requests),
        tuple(score for one in requests for score in scores.get(one.request_id, ())),
        _known(all, (one.resolved for one in outcomes)),
        _known(any, (one.follow_up for one in outcomes)),
    )


def _known(fold: Any, values: Iterable[bool | None]) -> bool | None:
    known = [value for value in values if value is not None]
    return bool(fold(known)) if known else None
