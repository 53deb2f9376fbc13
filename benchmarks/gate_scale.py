"""A gate of 25 rules over 1 to 50 million requests, beside pandas and scipy doing the same job.

    python benchmarks/gate_scale.py --sizes 1000000 10000000 --pandas /path/to/python

Each measurement is a process of its own over the same sealed run; the table gives the best of the
repeats and the peak of memory. `--pandas` names a Python that has pandas, pyarrow and scipy.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gate import BASELINE, CANDIDATE, PAIRED, PRICES, seal

if TYPE_CHECKING:
    from collections.abc import Sequence

RUN = "20261126-120000-000abc"
SHARES = {"quality": 0.30, "safety": 0.15, "structured": 0.05, "benign": 0.05, "load": 0.075}
"""Of the requests, for one release; the baseline runs `PAIRED` too, so that they sum up to 1."""
RULES = {
    "quality": {
        "resolved_rate_min": 0.9,
        "resolved_rate_max_decrease": 0.01,
        "follow_up_ratio_max": 0.15,
        "follow_up_ratio_max_increase": 0.01,
        "structured_output_conformance_min": 0.99,
        "false_refusal_rate_max": 0.02,
    },
    "security": {
        "policy_violation_rate_max": 0.005,
        "forbidden_tool_call": 0,
        "tenant_boundary_test_fail": 0,
        "pii_redaction_test_fail": 0,
    },
    "cost": {
        "usd_per_resolved_request_max": 0.001,
        "usd_per_resolved_request_max_increase": 0.05,
        "tokens_per_verified_outcome_max": 200,
        "tokens_per_verified_outcome_max_increase": 0.05,
        "budget_breach_rate_max": 0.01,
        "input_token_share_max": 0.9,
    },
    "reliability": {
        "success_rate_min": 0.99,
        "retry_amplification_max": 1.05,
        "degraded_rate_max": 0.01,
        "p50_latency_max": 40,
        "p95_ttft_max": 60,
        "p95_latency_max": 60,
        "p95_latency_max_increase": 0.05,
        "p99_latency_max": 60,
        "p99_latency_max_increase": 0.05,
    },
}
REQUESTS = f"""
SELECT '{RUN}:' || suite || ':' || i || ':0:' || arm || ':0' AS request_id, i AS time,
  'offline' AS lane, release, 0 AS serial, suite || '-' || lpad(i::VARCHAR, 8, '0') AS sample_id,
  'sha256:e' AS set_digest, suite, NULL AS cluster, 0 AS replicate, 0 AS turn, arm,
  '{RUN}:' || suite || ':' || i || ':0:' || arm AS conversation, 'public' AS tenant,
  'support' AS workload, 'standard' AS route,
  CASE WHEN hash(i, arm, 1) % 1000 = 0 THEN 'error' ELSE 'ok' END AS status,
  CASE WHEN hash(i, arm, 1) % 1000 = 0 THEN 'timeout' END AS reason,
  hash(i, arm, 2) % 200 = 0 AS refused,
  CASE WHEN suite = 'safety' THEN hash(i, arm, 3) % 1000 = 0 END AS policy_violation,
  CASE WHEN suite = 'structured' THEN hash(i, arm, 4) % 500 > 0 END AS schema_valid,
  ['docs/a.md#1'] AS sources, []::VARCHAR[] AS breach_actions, 0 AS forbidden_tool_calls,
  20000 + (hash(i) % 20000)::BIGINT + (hash(i, arm) % 500)::BIGINT AS latency_us,
  CASE WHEN suite = 'load' THEN i * 1000 END AS scheduled_us,
  'What is the warranty of product ' || i || '?' AS input,
  md5(conversation) || ' ' || md5(conversation || '1') || ' ' || md5(conversation || '2') AS answer
FROM drawn
"""  # noqa: S608 - constants only
CALLS = f"""
SELECT request_id, 1 + n AS attempt, 'model' AS kind, 'standard' AS tier, 'small' AS model,
  60 AS input_tokens, 0 AS cached_input_tokens, t AS output_tokens,
  latency_us - 5000 AS time_to_first_token_us, latency_us, 'ok' AS outcome,
  (60 + 4 * t) * 1000 AS nano_usd, 60000 AS input_nano_usd, 0 AS saved_nano_usd,
  '{PRICES}' AS price_book
FROM (
  SELECT *, 20 + (hash(request_id, n) % 30)::BIGINT AS t
  FROM requests, range(1 + (hash(request_id) % 50 = 0)::INT) r(n)
)
"""  # noqa: S608 - constants only
SCORES = """
SELECT request_id, unnest(['pii', 'tenant']) AS scorer, 1.0 AS value
FROM requests WHERE suite = 'safety'
"""
OUTCOMES = """
SELECT request_id, 0 AS time, 'scorer' AS source, hash(sample_id) % 20 > 0 AS resolved,
  hash(sample_id) % 10 = 0 AS follow_up
FROM requests WHERE suite = 'quality'
"""


def make(directory: Path, size: int) -> None:
    """A sealed run with `size` requests, written as a run is sealed."""
    import duckdb

    from gatekeeper.adapters.columns import TABLES

    counts = {suite: round(share * size) for suite, share in SHARES.items()}
    drawn = " UNION ALL ".join(
        f"SELECT '{suite}' AS suite, '{arm}' AS arm, '{release}' AS release, i "  # noqa: S608
        f"FROM range({n}) t(i)"
        for suite, n in counts.items()
        for arm, release in (("candidate", CANDIDATE), ("baseline", BASELINE))
        if arm == "candidate" or suite in PAIRED
    )
    with duckdb.connect(config={"memory_limit": "4GB"}) as connection:
        connection.execute(f"CREATE VIEW drawn AS {drawn}")
        for table, query in zip(TABLES, (REQUESTS, CALLS, SCORES, OUTCOMES), strict=True):
            target = directory / table.sealed
            made = {row[0] for row in connection.execute(f"DESCRIBE {query}").fetchall()}
            columns = ", ".join(
                f"{name if name in made else 'NULL'}::{kind} AS {name}"
                for name, kind in table.columns.items()
            )
            connection.execute(
                f"COPY (SELECT {columns} FROM ({query})) TO '{target}' "  # noqa: S608
                "(FORMAT parquet, COMPRESSION zstd)"
            )
            connection.execute(f"CREATE VIEW {table.name} AS FROM read_parquet('{target}')")
    seal(directory, RUN, counts)


def policy() -> dict[str, object]:
    """The policy of the 25 rules."""
    return {
        "apiVersion": "gatekeeper/v1",
        "kind": "GatePolicy",
        "metadata": {"name": "scale", "owner": "bench", "effective": "2026-11-01"},
        "sections": RULES,
    }


def gate(directory: Path) -> dict[str, list[float]]:
    """The whole decision: digests verified, every rule decided; bounds by rule."""
    from gatekeeper.adapters.metrics import RunMeasurements
    from gatekeeper.adapters.runs import read_run
    from gatekeeper.adapters.tables import open_tables
    from gatekeeper.model.policy import GatePolicy
    from gatekeeper.ops.gate import decide_run
    from gatekeeper.ops.policy import Policy

    run = read_run(directory)
    with open_tables(directory, run) as connection:
        measurements = RunMeasurements(connection, CANDIDATE, BASELINE, None, directory)
        applied = Policy(GatePolicy.model_validate_json(json.dumps(policy())))
        verdict = decide_run(run, measurements, applied, decided=datetime.now(UTC))
    errors = [f"{one.rule}: {one.reason}" for one in verdict.rules if one.outcome == "error"]
    if errors:
        raise SystemExit("\n".join(errors))
    return {one.rule: [one.estimate, one.low, one.high] for one in verdict.rules}


def timed(command: Sequence[str], directory: Path) -> dict[str, object]:
    """One measurement in a process of its own."""
    python, script, *options = command
    command = [python, script, "--measure", str(directory), *options]
    found = filter(None, (str(Path(__file__).parent), os.environ.get("PYTHONPATH")))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(found)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout)


def report(work, directory: Path) -> None:  # noqa: ANN001 - either job
    """Inside that process: the job, how long it took, and the most memory it had."""
    start, cpu = time.perf_counter(), time.process_time()
    result = work(directory)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak, "result": result}))


def best(found: list[dict[str, object]]) -> dict[str, object]:
    """The quickest, with the largest memory of all."""
    quickest = min(found, key=lambda one: one["seconds"])
    return {**quickest, "peak": max(one["peak"] for one in found)}


def compare(size: int, directory: Path, given: argparse.Namespace) -> None:
    """Make a run of one size and print what each takes."""
    jobs = {"gatekeeper": (sys.executable, __file__)}
    if given.pandas and size <= given.most_pandas:
        beside = given.pandas, str(Path(__file__).parent / "beside/gate_pandas.py")
        jobs["pandas and scipy"] = beside
        if size <= given.most_bootstraps:
            jobs[" with bootstraps"] = (*beside, "--bootstrap")
    results = {name: [] for name in jobs}
    for _ in range(given.repeats):
        for name, command in jobs.items():
            results[name].append(timed(command, directory))
    found = {name: best(one) for name, one in results.items()}
    for name, one in found.items():
        ratio = one["seconds"] / found["gatekeeper"]["seconds"]
        print(
            f"{size:>12,}  {name:18}{one['seconds']:>9.2f}{one['cpu']:>9.2f}"
            f"{ratio:>8.1f}{one['peak']:>10.0f}  {len(one['result'])} rules",
            flush=True,
        )
    ours, *others = found.values()
    if others:
        widest = max(gap(ours, other) for other in others)
        print(f"{'':12}  widest gap of an estimate: {widest:.1e}", flush=True)


def gap(one: dict, other: dict) -> float:
    """How far apart the two say that a metric is, at most, relative to what it is."""
    pairs = [(value[0], other["result"][rule][0]) for rule, value in one["result"].items()]
    return max(abs(a - b) / max(abs(a), 1e-12) if a != b else 0.0 for a, b in pairs)


def main() -> None:
    """Make the runs, measure in turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--pandas", help="a Python with pandas, pyarrow and scipy")
    parser.add_argument("--most-pandas", type=int, default=10_000_000)
    parser.add_argument("--most-bootstraps", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="where runs are kept and found again")
    parser.add_argument("--measure", type=Path)
    given = parser.parse_args()
    if given.measure:
        report(gate, given.measure)
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, best of {given.repeats}\n")
    print(f"{'requests':>12}  {'':18}{'seconds':>9}{'CPU s':>9}{'ratio':>8}{'peak MB':>10}")
    with tempfile.TemporaryDirectory() as scratch:
        for size in given.sizes:
            directory = (given.keep or Path(scratch)) / str(size)
            if not (directory / "run.json").exists():
                directory.mkdir(parents=True)
                make(directory, size)
            compare(size, directory, given)


if __name__ == "__main__":
    main()
