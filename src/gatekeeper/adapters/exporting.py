"""Runs as files for other tools: one flat row a request, joined with all that is known of it."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, Literal

from gatekeeper.adapters.sides import ARM, OWN_CALL
from gatekeeper.adapters.tables import literal
from gatekeeper.errors import UnavailableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from gatekeeper.model.run import Run

Flat = Literal["jsonl", "parquet", "csv"]
_OPTIONS: Final[dict[Flat, str]] = {
    "jsonl": "FORMAT json",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
    "csv": "FORMAT csv, HEADER",
}
FLAT: Final = f"""
WITH used AS (
  SELECT request_id, arg_max(model, coalesce(attempt, 0)) AS model,
    CASE WHEN count(attempt) = count(*) THEN count(*) FILTER (kind = 'model') END AS attempts,
    CASE WHEN count(input_tokens) = count(*) THEN sum(input_tokens)::BIGINT END AS input_tokens,
    CASE WHEN count(cached_input_tokens) = count(*) THEN sum(cached_input_tokens)::BIGINT END
      AS cached_input_tokens,
    CASE WHEN count(output_tokens) = count(*) THEN sum(output_tokens)::BIGINT END AS output_tokens,
    CASE WHEN count(nano_usd) = count(*) THEN sum(nano_usd)::BIGINT END AS nano_usd,
    CASE WHEN count(input_nano_usd) = count(*) FILTER (kind = 'model')
      THEN sum(input_nano_usd)::BIGINT END AS input_nano_usd,
    CASE WHEN count(saved_nano_usd) = count(*) FILTER (kind = 'model')
      THEN sum(saved_nano_usd)::BIGINT END AS saved_nano_usd,
    arg_max(time_to_first_token_us, coalesce(attempt, 0)) AS time_to_first_token_us,
    arg_max(inter_token_us, coalesce(attempt, 0)) AS inter_token_us,
    arg_max(queue_us, coalesce(attempt, 0)) AS queue_us
  FROM calls WHERE {OWN_CALL} GROUP BY request_id
), fate AS (
  SELECT request_id, bool_and(resolved) AS resolved, bool_or(follow_up) AS follow_up,
    bool_or(corrected) AS corrected, bool_or(dissatisfied) AS dissatisfied,
    bool_or(reviewed) AS reviewed
  FROM outcomes GROUP BY request_id
), said AS (
  SELECT request_id,
    map_from_entries(list(struct_pack(k := scorer, v := value) ORDER BY scorer)) AS scores,
    map_from_entries(list(struct_pack(k := scorer, v := error) ORDER BY scorer)
      FILTER (error IS NOT NULL)) AS score_errors
  FROM scores GROUP BY request_id
)
SELECT request_id, status, sample_id, suite, {ARM} AS release, conversation, turn, replicate,
  cluster, tags, time, reason, resolved, follow_up, corrected, dissatisfied, reviewed, refused,
  policy_violation, schema_valid, forbidden_tool_calls, breach_actions, fell_back,
  limited, continues, latency_us, scheduled_us,
  time_to_first_token_us, inter_token_us, queue_us, model,
  CASE WHEN used.request_id IS NULL THEN 0 ELSE attempts END AS attempts, input_tokens,
  cached_input_tokens, output_tokens, nano_usd, input_nano_usd, saved_nano_usd, task_class, tenant,
  route, input, answer,
  {{maps}}, {{partial}} AS partial
FROM requests LEFT JOIN used USING (request_id) LEFT JOIN fate USING (request_id)
  LEFT JOIN said USING (request_id)
ORDER BY suite, sample_id, replicate, release, turn, request_id
"""  # noqa: S608 - constants only
"""The fields that `gatekeeper runs import --format records` reads."""


def export(connection: DuckDBPyConnection, run: Run, kind: Flat, target: Path) -> int:
    """Write the flat rows of a run; returns their number. Nothing is written unless all is.

    Raises:
        UsageError: There cannot be such a file.
        UnavailableError: The disk refuses.
    """
    # CSV knows no maps: there they are JSON in a cell.
    text = kind == "csv"
    maps = ", ".join(
        f"to_json({name}) AS {name}" if text else name for name in ("scores", "score_errors")
    )
    digest = run.candidate.digest
    partial = literal("; ".join(run.partial)) if run.partial else "NULL::VARCHAR"
    sql = FLAT.format(maps=maps, partial=partial).replace("$candidate", f"'{digest}'")
    with placed(target) as temporary:
        copy = f"COPY ({sql}) TO {literal(temporary)} ({_OPTIONS[kind]})"
        row = connection.execute(copy).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def placed(target: Path) -> Iterator[Path]:
    """A file beside `target` that takes its place when all went well."""
    import duckdb

    if target.is_dir() or not target.parent.is_dir():
        raise UsageError(
            "there can be no such file", where=str(target), fix="name a file in a directory"
        )
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        yield temporary
        temporary.replace(target)
    except (OSError, duckdb.IOException) as error:
        reason = str(error).splitlines()[0].replace(str(temporary), str(target))
        raise UnavailableError(
            f"cannot be written: {reason}", where=str(target), fix="free space, or allow it"
        ) from None
    finally:
        with suppress(OSError):
            temporary.unlink()
