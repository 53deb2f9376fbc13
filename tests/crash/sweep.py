"""Kill `promote` and `rollback` at every system call, and look at what is left.

    python tests/crash/sweep.py            every call, both verbs, from a warm process
    python tests/crash/sweep.py --cold 20  20 calls a verb, each from a new process

A signal is injected on entry to the n-th call of a name, so that the call does not happen: "after"
a call is "before" the one that follows it.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from delivery import Delivery, intent, make_delivery
from gatekeeper.ops.history import history
from gatekeeper.ops.promote import promote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CALL = re.compile(r"^(?:\d+\s+)?([a-z_0-9]+)\((.*)")
WARM = Path(__file__).with_name("warm.py")


@dataclass(frozen=True)
class Point:
    """The n-th call of a name, and its place among all calls."""

    name: str
    count: int
    index: int


@dataclass
class Outcome:
    """What was found after the kills."""

    points: int = 0
    old: int = 0
    new: int = 0
    survived: list[str] = field(default_factory=list)
    """Calls that were not made this time: how often memory is asked for is not the same twice."""
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Warm:
    """The forking process; see `warm.py`."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(WARM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, arguments: Sequence[str], output: Path, strace: Sequence[str]) -> int:
        """One command line under strace; returns its exit code, negative for a signal."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(output), *arguments]) + "\n")
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline())
        self._stopped(pid)
        tracer = subprocess.Popen(
            ["strace", "-p", str(pid), *strace], stderr=subprocess.PIPE, text=True
        )
        assert tracer.stderr is not None
        attached = tracer.stderr.readline()
        assert "attached" in attached, attached
        subprocess.run(["kill", "-CONT", str(pid)], check=True)
        status = int(self.process.stdout.readline())
        tracer.communicate()
        return status

    @staticmethod
    def _stopped(pid: int) -> None:
        """Wait until the child has stopped itself."""
        for _ in range(2000):
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T":
                return
            time.sleep(0.002)
        raise AssertionError("the child did not stop")

    def close(self) -> None:
        self.process.communicate()


class Cold:
    """Every command line is a process of its own, traced from its start."""

    def run(self, arguments: Sequence[str], output: Path, strace: Sequence[str]) -> int:
        with output.open("w") as file:
            found = subprocess.run(
                ["strace", *strace, sys.executable, "-m", "gatekeeper", *arguments],
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            )
        return found.returncode

    def close(self) -> None:
        """Nothing to end."""


@dataclass
class Bench:
    """One verb on one project, whose state is put back after every kill."""

    delivery: Delivery
    arguments: list[str]
    before: int
    scratch: Path

    def __post_init__(self) -> None:
        shutil.copytree(self.delivery.ledger(), self.scratch / "ledger")

    def restore(self) -> None:
        shutil.rmtree(self.delivery.ledger())
        shutil.copytree(self.scratch / "ledger", self.delivery.ledger())

    def points(self, runner: Warm | Cold) -> list[Point]:
        """Every call from the first that names the ledger until the exit."""
        trace = self.scratch / "trace"
        output = self.scratch / "output"
        assert runner.run(self.arguments, output, ["-o", str(trace)]) == 0, output.read_text()
        self.restore()
        found: list[Point] = []
        counts: Counter[str] = Counter()
        started = False
        for line in trace.read_text(errors="replace").splitlines():
            call = CALL.match(line)
            if call is None:
                continue
            counts[call[1]] += 1
            started = started or str(self.delivery.ledger()) in call[2]
            if started:
                found.append(Point(call[1], counts[call[1]], len(found)))
        return found

    def kill(self, runner: Warm | Cold, point: Point, outcome: Outcome) -> None:
        """Kill at a point and judge what is left."""
        inject = f"inject={point.name}:signal=KILL:when={point.count}"
        strace = ["-e", f"trace={point.name}", "-e", inject, "-o", "/dev/null"]
        status = runner.run(self.arguments, self.scratch / "output", strace)
        outcome.points += 1
        if status not in {-signal.SIGKILL, 128 + signal.SIGKILL}:
            outcome.survived.append(point.name)
        fault = self.judge(outcome)
        if fault:
            outcome.faults.append(f"{point.name} #{point.count} (call {point.index}): {fault}")
        self.restore()

    def judge(self, outcome: Outcome) -> str:
        """What is wrong with the ledger; empty when it is the old or the new one, whole."""
        site = self.delivery.site()
        head = site.ledger.head()
        if head == self.before:
            outcome.old += 1
        elif head == self.before + 1:
            outcome.new += 1
        else:
            return f"the head is {head}"
        found = history(site)
        return "" if found.sound else str([line.findings for line in found.lines])


def benches(directory: Path) -> Iterator[tuple[str, Bench]]:
    """A first promotion, a second one, and a rollback."""
    delivery = make_delivery(directory)
    delivery.decide(delivery.v1)
    delivery.decide(delivery.v2, delivery.v1)
    common = ["--env", "local", "--project", str(delivery.root)]
    promote(delivery.site(), delivery.v1, intent(), delivery.signer())
    yield "promote", _bench(delivery, directory / "p", ["promote", delivery.v2, *common], 1)
    promote(delivery.site(), delivery.v2, intent(), delivery.signer())
    yield "rollback", _bench(delivery, directory / "r", ["rollback", *common], 2)


def _bench(delivery: Delivery, scratch: Path, arguments: list[str], before: int) -> Bench:
    scratch.mkdir()
    return Bench(delivery, arguments, before, scratch)


def chosen(points: Sequence[Point], sample: int | None) -> list[Point]:
    """All points, or about `sample`, with every one around the commit among them."""
    if sample is None:
        return list(points)
    commit = next(point.index for point in points if point.name in {"link", "linkat"})
    near = [point for point in points if abs(point.index - commit) <= sample // 4]
    rest = [point for point in points if point not in near]
    step = max(1, len(rest) // max(1, sample - len(near)))
    return sorted({*near, *rest[::step]}, key=lambda point: point.index)


def sweep(bench: Bench, runner: Warm | Cold, sample: int | None) -> tuple[Outcome, int]:
    """Kill at the chosen points; returns what was found and how many points there are."""
    points = bench.points(runner)
    outcome = Outcome()
    start = time.monotonic()
    for point in chosen(points, sample):
        bench.kill(runner, point, outcome)
    outcome.seconds = time.monotonic() - start
    return outcome, len(points)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, help="about so many calls a verb")
    parser.add_argument("--verb", choices=["promote", "rollback"], help="one of the two")
    parser.add_argument("--cold", type=int, help="about so many calls a verb, new processes")
    given = parser.parse_args()
    runner: Warm | Cold = Cold() if given.cold else Warm()
    faults = 0
    with tempfile.TemporaryDirectory() as directory:
        for verb, bench in benches(Path(directory)):
            if given.verb not in {None, verb}:
                continue
            found, total = sweep(bench, runner, given.cold or given.sample)
            say(
                f"{verb:<9} {found.points} of {total} calls, {found.seconds:.0f} s: head old"
                f" {found.old}, new {found.new}, not killed {len(found.survived)}"
                f" {sorted(set(found.survived)) or ''}; faults {len(found.faults)}"
            )
            for fault in found.faults:
                say("  " + fault)
            faults += len(found.faults)
    runner.close()
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
