"""What a scorer said in a run, beside what people say of the same conversations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.sides import ARM
from gatekeeper.core.scoring.calibration import Judged
from gatekeeper.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

    from gatekeeper.adapters.labels import Label

_SCORED: Final = f"""
SELECT r.sample_id, r.replicate, s.value, length(r.answer), f.value
FROM scores s JOIN requests r USING (request_id)
  LEFT JOIN scores f ON f.request_id = s.request_id AND f.scorer = $scorer || '.first'
WHERE s.scorer = $scorer AND {ARM} = 'candidate'
  AND r.sample_id IS NOT NULL
ORDER BY ALL
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class Judgements:
    """Conversations that both have judged, and what was left out.

    Attributes:
        failed: Labelled conversations of which the scorer gave an error.
        unlabelled: Scored conversations that nobody has labelled.
        strangers: Labels of conversations that the scorer did not score.
    """

    judged: tuple[Judged, ...]
    failed: int
    unlabelled: int
    strangers: int


def judgements(
    connection: DuckDBPyConnection, release: str, scorer: str, labels: Sequence[Label]
) -> Judgements:
    """The scores of one scorer for one release, beside the labels.

    Raises:
        UsageError: The run has no such scorer, or no labelled conversation that it scored.
    """
    rows = connection.execute(_SCORED, {"scorer": scorer, "candidate": release}).fetchall()
    if not rows:
        raise UsageError(f"the run has no scores of {scorer!r}", fix=_others(connection, release))
    known = {(label.sample_id, label.replicate): label.value for label in labels}
    judged, failed, used = [], 0, set()
    for sample, replicate, score, length, first in rows:
        key = next((k for k in ((sample, replicate), (sample, None)) if k in known), None)
        if key is None:
            continue
        used.add(key)
        if score is None:
            failed += 1
        else:
            judged.append(Judged(score, known[key], length or 0, first))
    if not judged:
        raise UsageError(
            "no labelled sample has a score", fix="sample_id must be the ids of the eval set"
        )
    unlabelled = len(rows) - len(judged) - failed
    return Judgements(tuple(judged), failed, unlabelled, len(known) - len(used))


def _others(connection: DuckDBPyConnection, release: str) -> str:
    found = connection.execute(
        "SELECT DISTINCT scorer FROM scores JOIN requests USING (request_id) "
        "WHERE release = $release ORDER BY ALL",
        {"release": release},
    ).fetchall()
    names = ", ".join(name for (name,) in found)
    return f"it has {names}" if names else "the run was not scored"
