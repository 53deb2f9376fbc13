"""A project whose two releases can be served without a model, and the service as a process."""

from __future__ import annotations

import io
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builders import manifest, write, write_manifest
from delivery import Delivery, intent, make_delivery
from desks import Reply, call
from gatekeeper.cli.main import run
from gatekeeper.ops.promote import promote
from gatekeeper.ops.rollback import rollback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PRICES = """\
apiVersion: gatekeeper/v1
kind: PriceBook
currency: USD
effective: 2026-11-01
models:
  small:
    input_usd_per_million: 0.1
    cached_input_usd_per_million: 0.01
    output_usd_per_million: 0.8
"""
NOWHERE = "http://127.0.0.1:9"


@cache
def _made() -> Delivery:
    """With three entries: v1, then v2, then back to v1. Signing takes a while, so once."""
    root = make_delivery(Path(tempfile.mkdtemp(prefix="stage-"))).root
    write(root / "gates/prices.yaml", PRICES)
    digests = []
    for version in ("1", "2"):
        content = manifest()
        content["evaluation"] = {"policy": "gates/desk.yaml"}
        content["metadata"]["version"] = version
        content["components"]["serving"]["engines"] = [{"name": "openai"}]
        content["components"]["serving"]["engine_args"] = {"base_url": NOWHERE}
        content["components"]["retrieval"]["top_k"] = int(version)
        digests.append(_built(root, write_manifest(root, content, f"desk-v{version}")))
    stage = Delivery(root, digests[0], digests[1])
    _fill(stage)
    return stage


def _fill(stage: Delivery) -> None:
    site, signer = stage.site(), stage.signer()
    stage.decide(stage.v1)
    assert promote(site, stage.v1, intent(), signer).written
    stage.decide(stage.v2, stage.v1)
    assert promote(site, stage.v2, intent(), signer).written
    assert rollback(site, intent(), signer).written


def _built(root: Path, path: Path) -> str:
    answer = io.StringIO()
    with redirect_stdout(answer), redirect_stderr(io.StringIO()):
        assert run(["build", str(path), "--project", str(root), "--output", "json"]) == 0
    return str(json.loads(answer.getvalue())["digest"])


def make_stage(directory: Path, entries: int = 1) -> Delivery:
    """A copy of the project, with so many entries in its ledger: v1, v2, back to v1.

    Requests of the task class `lookup` need no model.
    """
    made = _made()
    root = directory / "stage"
    shutil.copytree(made.root, root)
    stage = Delivery(root.resolve(), made.v1, made.v2)
    for path in sorted(stage.ledger().glob("*.json"))[entries:]:
        path.unlink()
    return stage


def advance(stage: Delivery) -> int:
    """Append the next of the three entries; returns its serial."""
    serial = stage.site().ledger.head() + 1
    name = f"{serial:08d}.json"
    shutil.copy(_made().ledger() / name, stage.ledger() / name)
    return serial


@dataclass(frozen=True)
class Process:
    """`gatekeeper serve` as a process of its own."""

    popen: subprocess.Popen[str]
    port: int
    log: Path

    def get(self, path: str) -> Reply:
        return call(self.port, path)

    def lookup(self, text: str = "How long is the warranty of the Zentor Prime?") -> Reply:
        """A request that is answered by search."""
        body = {"requestId": "r1", "tenantId": "public", "userId": "u1", "input": text}
        return call(self.port, "/v1/requests", {**body, "taskClass": "lookup"})

    def until_serial(self, serial: int) -> dict[str, Any]:
        """Wait until that entry is served."""
        return self._until(lambda ready: ready["serial"] == serial)

    def until_problem(self) -> dict[str, Any]:
        """Wait until something is wrong with the head, and what is wrong has been decided."""
        return self._until(lambda ready: any(p["code"] != "loading" for p in ready["problems"]))

    def _until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.get("/readyz").body
            if holds(found):
                return found
            time.sleep(0.05)
        raise AssertionError(f"{self.get('/readyz').body}\n{self.log.read_text()}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; returns the exit code."""
        self.popen.send_signal(number)
        return self.popen.wait(20)

    @contextmanager
    def held(self) -> Iterator[None]:
        """The process does not run meanwhile."""
        self.popen.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.popen.send_signal(signal.SIGCONT)


@contextmanager
def process(root: Path, *options: str) -> Iterator[Process]:
    """`gatekeeper serve --env local` on a free port; killed at the end if it is still there."""
    log = Path(tempfile.mkdtemp(prefix="serve-")) / "log"
    command = [sys.executable, "-m", "gatekeeper", "serve", "--env", "local", "--port", "0"]
    command += ["--project", str(root), "--output", "json", *options]
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as popen,
    ):
        try:
            yield Process(popen, _port(popen, log), log)
        finally:
            popen.kill()


def _port(popen: subprocess.Popen[str], log: Path) -> int:
    lines = iter(popen.stdout or ())
    document = "".join(takewhile(lambda line: line != "}\n", lines)) + "}"
    try:
        return int(json.loads(document)["url"].rpartition(":")[2])
    except (ValueError, KeyError):
        raise AssertionError(document + log.read_text()) from None
