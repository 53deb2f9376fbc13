"""Gate decision over 1,000,000 requests against loading the same Parquet with DuckDB alone.

Both in fresh processes, taking turns; the table gives the best of each and the peak of memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

CANDIDATE = "sha256:" + "c" * 64
BASELINE = "sha256:" + "b" * 64
PRICES = "sha256:" + "d" * 64
SHARES = {"quality": 0.30, "safety": 0.15, "structured": 0.05, "benign": 0.05, "load": 0.075}
PAIRED = ("quality", "load")
POLICY = Path(__file__).parent.parent / "tests/fixtures/policies/release_gate.json"
REQUESTS = """
SELECT side || suite || i AS request_id, i AS time, 'offline' AS lane, release, 0 AS serial,
  suite || '-' || i AS sample_id, 'sha256:e' AS set_digest, suite, NULL AS cluster, 0 AS replicate,
  0 AS turn, NULL AS trace_id, NULL AS parent, side || suite || i AS conversation,
  'public' AS tenant, NULL AS product, 'support' AS workload, NULL AS feature, NULL AS journey,
  NULL AS task_class, 'standard' AS route, 'ok' AS status, NULL AS reason, false AS refused,
  CASE WHEN suite = 'safety' THEN false END AS policy_violation,
  CASE WHEN suite = 'structured' THEN true END AS schema_valid,
  ['docs/a.md#1'] AS sources, []::VARCHAR[] AS breach_actions, 0 AS forbidden_tool_calls,
  20000 + (hash(i) % 20000)::BIGINT + (hash(i, side) % 500)::BIGINT AS latency_us,
  CASE WHEN suite = 'load' THEN i * 1000 END AS scheduled_us,
  'What is the warranty of product ' || i || '?' AS input, i || ' months [1]' AS answer
FROM drawn
"""
CALLS = """
SELECT request_id, 1 AS attempt, 'model' AS kind, 'standard' AS tier, 'small' AS model,
  NULL AS adapter, 60 AS input_tokens, 0 AS cached_input_tokens, t AS output_tokens,
  NULL AS time_to_first_token_us, latency_us, 'ok' AS outcome, NULL AS error,
  t * 1000 AS nano_usd, $prices AS price_book
FROM (SELECT *, 20 + (hash(request_id) % 30)::BIGINT AS t FROM requests)
"""
SCORES = """
SELECT request_id, unnest(['pii', 'tenant']) AS scorer, 1.0 AS value, NULL AS error, NULL AS detail
FROM requests WHERE suite = 'safety'
"""
OUTCOMES = """
SELECT request_id, 0 AS time, 'scorer' AS source, hash(sample_id) % 20 > 0 AS resolved,
  hash(sample_id) % 10 = 0 AS follow_up, NULL AS corrected, NULL AS dissatisfied, NULL AS reviewed
FROM requests WHERE suite = 'quality'
"""


def make(directory: Path, size: int) -> None:
    """A sealed run with `size` requests."""
    import duckdb

    from gatekeeper.adapters.columns import TABLES

    counts = {suite: round(share * size) for suite, share in SHARES.items()}
    with duckdb.connect() as connection:
        drawn = " UNION ALL ".join(
            f"SELECT '{suite}' AS suite, '{side}' AS side, '{release}' AS release, i "  # noqa: S608
            f"FROM range({n}) t(i)"
            for suite, n in counts.items()
            for side, release in (("c", CANDIDATE), ("b", BASELINE))
            if side == "c" or suite in PAIRED
        )
        connection.execute(f"CREATE VIEW drawn AS {drawn}")
        queries = (REQUESTS, CALLS, SCORES, OUTCOMES)
        for table, query in zip(TABLES, queries, strict=True):
            columns = ", ".join(f"{name} {kind}" for name, kind in table.columns.items())
            connection.execute(f"CREATE TABLE {table.name} ({columns})")
            values = {"prices": PRICES} if table.name == "calls" else {}
            connection.execute(f"INSERT INTO {table.name} BY NAME {query}", values)
            target = directory / table.sealed
            connection.execute(
                f"COPY {table.name} TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
            )
    seal(directory, "benchmark", counts)


def seal(directory: Path, name: str, counts: dict[str, int]) -> None:
    """Write `run.json` beside tables that hold so many samples of each suite."""
    from gatekeeper.adapters.columns import TABLES
    from gatekeeper.adapters.runs import write_run
    from gatekeeper.adapters.tables import file_digest
    from gatekeeper.model.run import Run, RunRelease, RunSet

    now = datetime.now(UTC)
    run = Run(
        id=name,
        status="complete",
        candidate=RunRelease(name="desk", digest=CANDIDATE),
        baseline=RunRelease(name="desk", digest=BASELINE),
        sets=tuple(
            RunSet(name=suite, suite=suite, digest="sha256:" + "e" * 64, samples=n)
            for suite, n in counts.items()
        ),
        baseline_suites=PAIRED,
        price_book=PRICES,
        started=now - timedelta(minutes=5),
        ended=now,
        files={table.sealed: file_digest(directory / table.sealed) for table in TABLES},
    )
    write_run(directory, run)


def load(directory: Path) -> str:
    """DuckDB alone."""
    import duckdb

    with duckdb.connect() as connection:
        rows = 0
        for path in sorted(directory.glob("*.parquet")):
            connection.execute(f"CREATE TABLE {path.stem} AS FROM read_parquet('{path}')")
            rows += connection.execute(f"SELECT count(*) FROM {path.stem}").fetchone()[0]  # noqa: S608
    return f"{rows:,} rows"


def gate(directory: Path) -> str:
    """The whole decision: digests verified, every rule of the policy decided."""
    from gatekeeper.adapters.metrics import RunMeasurements
    from gatekeeper.adapters.runs import read_run
    from gatekeeper.adapters.tables import open_tables
    from gatekeeper.model.policy import ReleaseGate
    from gatekeeper.ops.gate import decide_run
    from gatekeeper.ops.policy import Policy

    policy = Policy(ReleaseGate.model_validate_json(POLICY.read_bytes()))
    run = read_run(directory)
    with open_tables(directory, run) as connection:
        measurements = RunMeasurements(connection, CANDIDATE, BASELINE)
        verdict = decide_run(run, measurements, policy, decided=datetime.now(UTC))
    return f"{len(verdict.rules)} rules, {verdict.outcome}"


def timed(what: str, directory: Path) -> dict[str, float | str]:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, "--measure", what, "--directory", str(directory)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def measure(what: str, directory: Path) -> None:
    """Inside that process."""
    import duckdb  # noqa: F401 - both need it; its import is not the question

    start, cpu = time.perf_counter(), time.process_time()
    result = {"load": load, "gate": gate}[what](directory)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak, "result": result}))


def main() -> None:
    """Make the run, measure in turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", choices=("load", "gate"))
    parser.add_argument("--directory", type=Path)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure, given.directory)
        return
    with tempfile.TemporaryDirectory() as name:
        make(Path(name), given.size)
        found = {"load": [], "gate": []}
        for _ in range(given.repeats):
            for what, results in found.items():
                results.append(timed(what, Path(name)))
    best = {what: min(results, key=lambda one: one["seconds"]) for what, results in found.items()}
    print(f"{given.size:,} requests, best of {given.repeats}\n")
    print(f"{'':32}{'seconds':>9}{'ratio':>7}{'CPU s':>8}{'ratio':>7}{'peak MB':>9}")
    names = {"load": "DuckDB alone loads the Parquet", "gate": "gate decision"}
    for what, one in best.items():
        wall, cpu = (one[key] / best["load"][key] for key in ("seconds", "cpu"))
        print(
            f"{names[what]:32}{one['seconds']:>9.2f}{wall:>7.2f}"
            f"{one['cpu']:>8.2f}{cpu:>7.2f}{one['peak']:>9.0f}"
        )
        print(f"  {one['result']}")


if __name__ == "__main__":
    main()
