"""What a resumption and a million samples cost: time and memory of whole processes.

    python benchmarks/resume.py [--finished 200000] [--samples 1000000]

1. A run of `--finished` samples, all but one recorded, is gone on with: seconds from the start of
   the process to the sealed run and its verdict, and the part of it that comes before the first
   request.
2. `--samples` samples of 1 kB are asked of the engine `recorded`: peak memory of the process at a
   tenth of the samples and at all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SET = """\
apiVersion: gatekeeper/v1
kind: EvalSet
name: many
owner: benchmarks
licence: Apache-2.0
split: held_out
suite: quality
file: eval_sets/many.jsonl
scorers: [facts]
"""
POLICY = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: many, owner: benchmarks, effective: 2026-01-01}
sections:
  quality: {owner: benchmarks, resolved_rate_min: 0.5}
"""
MANIFEST = """\
apiVersion: gatekeeper/v1
kind: ReleaseManifest
metadata: {name: many, owner: benchmarks, workload: answers}
governance: {external_model_calls: true}
evaluation: {sets: [eval_sets/many.yaml], policy: gates/many.yaml}
components:
  prompt: {template: "{{ input }}"}
  model: {models: {desk: {source: {endpoint: desk-1}}}}
  serving:
    engines: [{name: recorded}]
    sampling: {max_tokens: 16}
  router: {routes: [{route_to: all}], tiers: {all: {model: desk}}}
"""
FILLER = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor " * 12


def project(directory: Path, count: int) -> Path:
    """A project with `count` samples of 1 kB and an answer recorded for each."""
    run(["init", str(directory), "--example", "support-desk"])
    (directory / "eval_sets/many.yaml").write_text(SET)
    (directory / "gates/many.yaml").write_text(POLICY)
    (directory / "manifests/many.yaml").write_text(MANIFEST)
    with (
        (directory / "eval_sets/many.jsonl").open("w") as samples,
        (directory / "responses.jsonl").open("w") as responses,
    ):
        for number in range(count):
            text = f"{number} {FILLER}"
            expect = {"contains": [f"answer {number}"]}
            samples.write(json.dumps({"id": f"s{number}", "input": text, "expect": expect}) + "\n")
            asked = {"model": "desk", "messages": [{"role": "user", "content": text}]}
            said = {"text": f"answer {number}", "input_tokens": 200, "output_tokens": 3}
            responses.write(json.dumps({**asked, **said}) + "\n")
    run(["build", "manifests/many.yaml", "--project", str(directory)])
    return directory


def run(words: list[str], *, check: bool = True) -> float:
    """`gatekeeper`, and the seconds that it took."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "gatekeeper", *words], check=False, capture_output=True, text=True
    )
    if check and done.returncode:
        raise SystemExit(done.stderr or done.stdout)
    return time.monotonic() - began


def peak_of(words: list[str]) -> tuple[float, float, int]:
    """Seconds until the evaluation begins, seconds in all, and peak memory (MB)."""
    before, begun = time.monotonic(), 0.0
    child = subprocess.Popen(
        [sys.executable, "-m", "gatekeeper", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    for line in child.stderr or ():
        begun = begun or (time.monotonic() - before if b"conversations" in line else 0.0)
    _, _, used = os.wait4(child.pid, 0)
    return begun, time.monotonic() - before, used.ru_maxrss // 1024


def cut_off(root: Path) -> Path:
    """The one run of the project as a kill leaves it: the last conversation is missing."""
    from gatekeeper.adapters.records import LINES, RunRecords
    from gatekeeper.adapters.runs import read_run, write_run
    from gatekeeper.model.record import OutcomeRow, RequestRow, ScoreRow

    (directory,) = (root / ".gatekeeper/runs").iterdir()
    found = read_run(directory)
    with RunRecords(directory) as records:
        have = (directory / LINES).read_bytes().count(b"\n") if (directory / LINES).exists() else 0
        for number in range(have, found.sets[0].samples - 1):
            name = f"{found.id}:many:{number}:0:candidate:0"
            row = RequestRow(
                request_id=name, time=0, lane="offline", release=found.candidate.digest,
                sample_id=f"s{number}", suite="quality", arm="candidate", conversation=name,
                status="ok", refused=False, latency_us=1, input=FILLER, answer=f"answer {number}",
            )  # fmt: skip
            score = ScoreRow(request_id=name, scorer="facts", value=1.0)
            fate = OutcomeRow(
                request_id=name, time=0, source="scorer", resolved=True, follow_up=False
            )
            records.write([row, score, fate], key=f"many/{number}/0/candidate")
    write_run(directory, found.model_copy(update={"status": "running", "files": {}}))
    return directory


def resumed(finished: int) -> None:
    """Time to go on with a run that is all but done."""
    with tempfile.TemporaryDirectory() as scratch:
        root = project(Path(scratch) / "p", finished)
        given = ["--responses", str(root / "responses.jsonl"), "--project", str(root)]
        run(["evaluate", "manifests/many.yaml", *given, "--max-tokens", "0"], check=False)
        directory = cut_off(root)
        words = ["evaluate", "--resume", directory.name, "--max-tokens", "100000000"]
        begun, whole, peak = peak_of([*words, "--project", str(root)])
        print(
            f"resume of {finished:,} finished samples: {begun:.2f} s until the engine is opened, "
            f"{whole:.2f} s to the verdict (the file of responses indexed, the run sealed and "
            f"gated), {peak} MB"
        )


def grown(samples: int) -> None:
    """Peak memory at a tenth of the samples and at all of them."""
    for count in (samples // 10, samples):
        with tempfile.TemporaryDirectory() as scratch:
            root = project(Path(scratch) / "p", count)
            given = ["--responses", str(root / "responses.jsonl"), "--project", str(root)]
            _, seconds, peak = peak_of(["evaluate", "manifests/many.yaml", *given])
            rate = count / seconds
            print(f"{count:,} samples of 1 kB: {seconds:.0f} s, {rate:.0f} a second, {peak} MB")


def main() -> None:
    """Both, by default."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--finished", type=int, default=200_000)
    parser.add_argument("--samples", type=int, default=1_000_000)
    chosen = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if chosen.finished:
        resumed(chosen.finished)
    if chosen.samples:
        grown(chosen.samples)


if __name__ == "__main__":
    main()
