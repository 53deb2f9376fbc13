"""Kill `evaluate` again and again, go on with it each time, and look at what it comes to.

    python tests/crash/resume.py                     2,000 samples, 50 kills, every kind of run
    python tests/crash/resume.py --kind recorded --samples 200 --kills 10

Kinds: `embedded` and `recorded` compute every answer again, `cached` remembers those of `embedded`.
The records must be those of a run that nobody killed, but for times; nothing that was finished may
be lost, doubled or paid twice, and what was cut off must be counted.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.journal import STARTED
from gatekeeper.adapters.records import LINES, whole_lines
from gatekeeper.adapters.runs import read_run
from gatekeeper.adapters.tables import open_tables
from gatekeeper.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gatekeeper.model.run import Run

KINDS: Final = ("embedded", "cached", "recorded")
CONCURRENCY: Final = 8
TENANTS: Final = ("public", "acme", "globex")
REFS: Final = {kind: f"manifests/{kind}.yaml" for kind in ("embedded", "recorded")}
RESPONSES: Final = "responses.jsonl"
TABLES: Final = ("requests", "calls", "scores", "outcomes")
SEALING: Final = (".requests", "requests", "calls", ".scores", "outcomes", "sealed")
TIMES: Final = {
    "requests": "time, latency_us, scheduled_us",
    "calls": "latency_us, time_to_first_token_us, queue_us, inter_token_us, kv_cache_usage",
    "scores": "",
    "outcomes": "time",
}
HEADER: Final = """\
apiVersion: gatekeeper/v1
kind: EvalSet
name: kills
owner: product-quality
licence: Apache-2.0
split: held_out
suite: quality
cluster: topic
file: eval_sets/kills.jsonl
abstentions: [The documentation does not say]
scorers: [facts, citations, tool_call]
"""


def make_project(root: Path, samples: int) -> Path:
    """The bundled example with a set of so many different samples, and two releases to ask."""
    _tell(["init", str(root), "--example", "support-desk"])
    rows = list(_samples(root, samples))
    (root / "eval_sets/kills.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (root / "eval_sets/kills.yaml").write_text(HEADER)
    text = (root / "manifests/support-desk-v1.yaml").read_text()
    before, _, after = text.partition("  sets:\n")
    rest = after[after.index("  policy:") :]
    text = f"{before}  sets: [eval_sets/kills.yaml]\n{rest}"
    engine = '- {name: embedded, version: ">=4.6,<5"}'
    assert engine in text
    for name, path in REFS.items():
        own = engine if name == "embedded" else "- {name: recorded}"
        (root / path).write_text(text.replace(engine, own))
        _tell(["build", path, "--project", str(root)])
    return root


def _samples(root: Path, count: int) -> Iterator[dict[str, Any]]:
    lines = (root / "eval_sets/quality.jsonl").read_text().splitlines()
    known = [row for row in map(json.loads, lines) if row.get("task_class") != "deterministic"]
    for number in range(count):
        row = dict(known[number % len(known)])
        row["id"] += f"-{number}"
        row["input"] += f" Case {number}."
        if "follow_up" in row:
            row["follow_up"] += f" Case {number}."
        row["tenant"] = TENANTS[number % len(TENANTS)]
        yield row


def _tell(arguments: Sequence[str]) -> None:
    with redirect_stdout(sys.stderr):
        assert run(list(arguments)) == 0, arguments


@dataclass(frozen=True)
class Moment:
    """When to kill: `delay` seconds after the start, `lines` records later, or in `sealing`."""

    delay: float = 0.0
    lines: int = 0
    sealing: str = ""

    def __str__(self) -> str:
        where = f"record {self.lines}" if self.lines else f"{self.delay:.2f} s"
        return f"sealing, {self.sealing}" if self.sealing else where


def moments(kills: int, samples: int, start_up: float) -> list[Moment]:
    """A tenth while it starts up, an eighth while it is sealed, the others spread over it."""
    last = min(len(SEALING), max(1, kills // 8))
    early = max(1, kills // 10)
    middle = kills - last - early
    found = [Moment(lines=1 + number * samples // (middle + 1)) for number in range(middle)]
    rng = random.Random(kills)  # noqa: S311 - moments
    for number in range(early):
        place = 0 if number < 2 else rng.randrange(len(found))
        found.insert(place, Moment(delay=start_up * (number + 1) / (early + 1)))
    sealing = [SEALING[-1 - number] for number in range(last)]
    return found + [Moment(sealing=name) for name in reversed(sealing)]


@dataclass
class Told:
    """What was seen of one run that was killed."""

    kills: int = 0
    missed: list[str] = field(default_factory=list)
    """Moments at which the process had come to its end already."""
    cut_off: int = 0
    """Conversations that had begun and were not recorded, over all kills."""
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Bench:
    """One kind of run in one project."""

    def __init__(self, root: Path, kind: str) -> None:
        self.root = root
        self.kind = kind
        name = "recorded" if kind == "recorded" else "embedded"
        words = [REFS[name], "--engine", name, "--env", "local"]
        words += ["--cache" if kind == "cached" else "--no-cache"]
        words += ["--responses", str(root / RESPONSES)] if kind == "recorded" else []
        self.words = words
        self.told = Told()
        self.start_up = 0.0
        self._before = set(self._runs())
        self._kept = b""

    # -- one sitting -------------------------------------------------------------------------------

    def sit(self, words: Sequence[str], moment: Moment | None = None) -> bool:
        """One process, killed at a moment; whether it was."""
        command = [sys.executable, "-m", "gatekeeper", "evaluate", *words]
        command += ["--concurrency", str(CONCURRENCY), "--project", str(self.root)]
        with (self.root / "said.txt").open("w") as said:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
            came = self._reached(process, moment or Moment(lines=1))
            if came and moment:
                process.send_signal(signal.SIGKILL)
            process.wait()
        return process.returncode == -signal.SIGKILL

    def _reached(self, process: subprocess.Popen[bytes], moment: Moment) -> bool:
        """Wait for the moment; False where the process ends before it."""
        began, real = time.monotonic(), time.time_ns()
        come = self._condition(moment, began, real)
        while process.poll() is None:
            if come():
                self.start_up = self.start_up or time.monotonic() - began
                return True
            time.sleep(0.001)
        return False

    def _condition(self, moment: Moment, began: float, real: int) -> Callable[[], bool]:
        if moment.sealing == "sealed":
            return lambda: (found := self.directory) is not None and bool(read_run(found).files)
        if moment.sealing:
            return lambda: self._written(moment.sealing, real)
        if moment.lines:
            return lambda: self.lines >= moment.lines
        return lambda: time.monotonic() - began >= moment.delay

    def _written(self, table: str, since: int) -> bool:
        if self.directory is None:
            return False
        path = self.directory / f"{table}.parquet"
        return path.exists() and path.stat().st_mtime_ns > since

    def _runs(self) -> list[Path]:
        return [path.parent for path in (self.root / ".gatekeeper/runs").glob("*/run.json")]

    @property
    def directory(self) -> Path | None:
        """Of the run under test, once `run.json` is there."""
        found = [path for path in self._runs() if path not in self._before]
        assert len(found) < 2, found
        return found[0] if found else None

    @property
    def lines(self) -> int:
        """Conversations recorded so far."""
        path = (self.directory or self.root) / LINES
        return path.read_bytes().count(b"\n") if path.exists() else 0

    # -- a whole run -------------------------------------------------------------------------------

    def whole(self) -> Path:
        """The run that nobody kills."""
        self.sit(self.words)
        return self._end()

    def killed(self, plan: Sequence[Moment]) -> Path:
        """The run that is killed at every moment of a plan, and gone on with."""
        began = time.monotonic()
        for moment in plan:
            if self.sit(self._next(), moment):
                self.told.kills += 1
            else:
                self.told.missed.append(str(moment))
            self._judge(moment)
        if self.directory is None or not read_run(self.directory).files:
            self.sit(self._next())
        self.told.seconds = time.monotonic() - began
        return self._end()

    def _next(self) -> list[str]:
        return self.words if self.directory is None else ["--resume", self.directory.name]

    def _end(self) -> Path:
        found = self.directory
        said = (self.root / "said.txt").read_text()
        assert found is not None, said
        assert read_run(found).files, said
        self._before.add(found)
        return found

    def _judge(self, moment: Moment) -> None:
        """What was recorded before a kill is there after it, to the byte."""
        if self.directory is None or read_run(self.directory).files:
            return
        path = self.directory / LINES
        whole = path.read_bytes()[: whole_lines(path)]
        if not whole.startswith(self._kept):
            self.told.faults.append(f"{moment}: records that were there are gone")
        self._kept = whole
        begun = self.directory / STARTED
        if begun.exists():
            self.told.cut_off = begun.read_bytes().count(b"\n") - whole.count(b"\n")


# -- what it has come to --------------------------------------------------------------------------


def differences(one: Path, other: Path, *, cached: bool) -> list[str]:
    """How two sealed runs differ, but for times and their own names."""
    runs = read_run(one), read_run(other)
    found = [f"run.json: {key}" for key in _described(runs[0], runs[1])]
    with open_tables(one, runs[0]) as first, open_tables(other, runs[1]) as second:
        for table in TABLES:
            rows = [
                tables.execute(_rows(table, each.id, cached=cached)).fetchall()
                for tables, each in zip((first, second), runs, strict=True)
            ]
            if rows[0] != rows[1]:
                odd = sum(a != b for a, b in zip(*rows, strict=False))
                found.append(f"{table}: {len(rows[0])} and {len(rows[1])} rows, {odd} differ")
    return found


def _described(one: Run, other: Run) -> list[str]:
    own = {"id", "started", "ended", "spend", "files"}
    first, second = one.model_dump(exclude=own), other.model_dump(exclude=own)
    return [key for key, value in first.items() if second[key] != value]


def _rows(table: str, name: str, *, cached: bool) -> str:
    left_out = TIMES[table] + (", from_cache" if cached and table == "calls" else "")
    own = ["request_id", *(["conversation"] if table == "requests" else [])]
    told = ", ".join(f"replace({column}, '{name}', '') AS {column}" for column in own)
    exclude = f"EXCLUDE ({left_out})" if left_out else ""
    return f"SELECT * {exclude} REPLACE ({told}) FROM {table} ORDER BY ALL"  # noqa: S608


def faults(bench: Bench, whole: Path, killed: Path, samples: int) -> list[str]:
    """Everything that is wrong with a run that was killed."""
    told, cached = bench.told, bench.kind == "cached"
    found = [*told.faults, *differences(whole, killed, cached=cached)]
    one, other = read_run(whole).spend, read_run(killed).spend
    if not cached and (one.nano_usd, one.tokens) != (other.nano_usd, other.tokens):
        found.append(f"paid {other.nano_usd} for what costs {one.nano_usd}")
    if cached and other.nano_usd > one.nano_usd:
        found.append(f"paid {other.nano_usd} although answers are remembered: {one.nano_usd}")
    if other.repeated != told.cut_off:
        found.append(f"{other.repeated} counted as repeated, {told.cut_off} were cut off")
    if other.repeated > CONCURRENCY * told.kills:
        found.append(f"{other.repeated} repeated by {told.kills} kills")
    if not 1 < other.sittings <= told.kills + len(told.missed) + 1:
        found.append(f"{other.sittings} sittings of {told.kills} kills")
    if [used.samples for used in read_run(killed).sets] != [samples]:
        found.append("another number of samples")
    left = {path.name for path in killed.iterdir()} - {
        "run.json",
        *(f"{t}.parquet" for t in TABLES),
    }
    if left - {LINES, STARTED, "lock"}:
        found.append(f"{sorted(left)} left behind")
    return found


def bench_of(root: Path, kind: str, samples: int, kills: int) -> tuple[Told, Run, list[str]]:
    """One kind of run, whole and killed; returns what was seen, the run, and what is wrong."""
    if kind == "recorded":
        export(root)
    cache = root / ".gatekeeper/cache/responses.sqlite"
    bench = Bench(root, kind)
    cache.unlink(missing_ok=True)
    whole = bench.whole()
    cache.unlink(missing_ok=True)
    killed = bench.killed(moments(kills, samples, bench.start_up))
    return bench.told, read_run(killed), faults(bench, whole, killed, samples)


def export(root: Path) -> None:
    """What the model answered in the oldest run, as the engine `recorded` reads it."""
    if not (root / RESPONSES).exists():
        oldest = min((root / ".gatekeeper/runs").glob("*/run.json")).parent.name
        words = ["--format", "responses", "--to", str(root / RESPONSES), "--project", str(root)]
        _tell(["runs", "export", oldest, *words])


def report(kind: str, seen: Told, found: Run, wrong: Sequence[str]) -> str:
    """What was seen, for people."""
    spend, samples = found.spend, found.sets[0].samples
    late = f": {', '.join(seen.missed)}" if seen.missed else ""
    told = (
        f"{kind:<9} {samples} samples, {seen.kills} kills ({len(seen.missed)} came too late{late}),"
        f" {seen.seconds:.0f} s: {spend.sittings} sittings, {spend.repeated} repeated,"
        f" {spend.nano_usd} nano-USD, {spend.tokens} tokens, {spend.cached_calls} from the cache;"
        f" faults {len(wrong)}"
    )
    return "\n".join([told, *(f"  {fault}" for fault in wrong)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=50, help="of each kind of run")
    parser.add_argument("--kind", choices=KINDS, action="append", help="by default all of them")
    given = parser.parse_args()
    count = 0
    with tempfile.TemporaryDirectory() as directory:
        root = make_project(Path(directory) / "project", given.samples)
        for kind in given.kind or KINDS:
            if kind == "recorded" and not (root / ".gatekeeper/runs").is_dir():
                Bench(root, "embedded").whole()
            seen, found, wrong = bench_of(root, kind, given.samples, given.kills)
            sys.stdout.write(report(kind, seen, found, wrong) + "\n")
            sys.stdout.flush()
            count += len(wrong)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
