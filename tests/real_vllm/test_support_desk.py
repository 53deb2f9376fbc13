"""The example's evaluation by three engines: `make test-vllm`.

`embedded`, vLLM in process, and `vllm serve` over HTTP run the same release on the same samples.
Greedy answers agree on at least 99 % of them, and what differs is printed with its cause.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatekeeper.adapters.machine import read_version
from gatekeeper.adapters.project import Project
from gatekeeper.adapters.runs import read_run
from gatekeeper.adapters.tables import open_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MANIFEST = "manifests/support-desk-v1.yaml"
CHANGED = "manifests/both.yaml"
CHANGES = (
    ("brief.jinja", "detailed.jinja"),
    (
        "{task_class: retrieval_fresh}, route_to: mid_tier_rag_model}",
        "{task_class: retrieval_fresh}, route_to: high_capability_model}",
    ),
)
POLICY = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: lean, owner: finops, effective: 2026-11-01}
sections:
  cost: {owner: finops, usd_per_resolved_request_max_increase: 0.1}
"""
AGREEMENT = 0.99
START = 420
"""Seconds that `vllm serve` may take to start on a machine that is busy."""

pytestmark = [pytest.mark.vllm, pytest.mark.filterwarnings("ignore")]

Key = tuple[str, str, int]


@dataclass(frozen=True)
class Evaluated:
    """What one evaluation left behind.

    Attributes:
        answers: By suite, sample and turn.
        calls: Attempts at the model, as they were recorded.
    """

    exit_code: int
    verdict: dict
    answers: Mapping[Key, str]
    calls: list[dict]
    fingerprint: Mapping[str, str]
    seconds: float


def gatekeeper(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gatekeeper", *arguments],
        cwd=root,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("desk") / "desk"
    made = gatekeeper(root.parent, "init", "desk", "--example", "support-desk")
    assert made.returncode == 0, made.stderr
    made = gatekeeper(root, "build", MANIFEST)
    assert made.returncode == 0, made.stderr
    return root


def evaluate(root: Path, engine: str, **environment: str) -> Evaluated:
    project, began = Project.open(root), time.monotonic()
    before = set(project.runs.glob("*"))
    options = ("--engine", engine, "--output", "json")
    made = gatekeeper(root, "evaluate", MANIFEST, *options, **environment)
    seconds = time.monotonic() - began
    assert made.returncode in (0, 1, 3), made.stderr
    assert made.stdout.startswith("{"), made.stdout[:500] + made.stderr
    verdict = json.loads(made.stdout)
    assert "error" not in verdict, made.stderr
    [directory] = set(project.runs.glob("*")) - before
    run = read_run(directory)
    assert run.status == "complete"
    with open_tables(directory, run) as tables:
        rows = tables.execute("SELECT suite, sample_id, turn, answer FROM requests").fetchall()
        found = tables.execute("SELECT * FROM calls WHERE kind = 'model'")
        names = [column[0] for column in found.description]
        calls = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    answers = {(suite, sample, turn): answer for suite, sample, turn, answer in rows}
    assert len(answers) == len(rows)
    [fingerprint] = run.engines.values()
    return Evaluated(made.returncode, verdict, answers, calls, fingerprint, seconds)


@pytest.fixture(scope="module")
def by_embedded(project: Path) -> Evaluated:
    return evaluate(project, "embedded")


@pytest.fixture(scope="module")
def by_vllm(project: Path) -> Evaluated:
    return evaluate(project, "vllm")


@pytest.fixture(scope="module")
def by_openai(project: Path) -> Evaluated:
    with vllm_serve(project / "models/support-desk") as url:
        return evaluate(project, "openai", GATEKEEPER_OPENAI_BASE_URL=url)


@contextmanager
def vllm_serve(model: Path) -> Iterator[str]:
    """`vllm serve` on a free port, with the bundled model under the name that the release uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = model.parent / "vllm-serve.log"
    command = [str(Path(sys.executable).parent / "vllm"), "serve", str(model)]
    command += ["--served-model-name", "desk", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--dtype", "float32", "--enforce-eager", "--max-model-len", "512"]
    settings = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
    settings["PYTHONPATH"] = f"{named(model.parent)}:{os.environ.get('PYTHONPATH', '')}"
    with (
        log.open("w") as out,
        subprocess.Popen(
            command, stdout=out, stderr=out, env={**os.environ, **settings}, start_new_session=True
        ) as server,
    ):
        try:
            _wait(f"http://127.0.0.1:{port}/health", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()


def named(directory: Path) -> Path:
    """Metadata under the name `vllm`: its command asks for them, and the CPU build has another.

    vLLM knows by the version what it was built for.
    """
    version = f"{read_version('vllm', '_version.py')}+cpu"
    made = directory / "named" / f"vllm-{version}.dist-info"
    made.mkdir(parents=True)
    (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}\n")
    return made.parent


def _wait(url: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()[-4000:]
        try:
            urllib.request.urlopen(url, timeout=1)  # noqa: S310 - our own server
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise AssertionError(log.read_text()[-4000:])


def differing(one: Evaluated, other: Evaluated) -> list[Key]:
    """Samples that both were asked in the same words and answered differently.

    A second turn is asked where the first fell short: where only one was, it is no pair.
    """
    return sorted(
        k for k in one.answers.keys() & other.answers.keys() if one.answers[k] != other.answers[k]
    )


def test_every_engine_answers_every_sample(by_embedded, by_vllm, by_openai):
    for one in (by_embedded, by_vllm, by_openai):
        print(one.fingerprint, round(one.seconds, 1), one.verdict["outcome"], one.exit_code)
        assert [call["error"] for call in one.calls if call["outcome"] != "ok"] == []
    firsts = [{k for k in one.answers if k[2] == 0} for one in (by_embedded, by_vllm, by_openai)]
    assert firsts[0] == firsts[1] == firsts[2]
    assert len(firsts[0]) > 2000


@pytest.mark.parametrize("engine", ["vllm", "openai"])
def test_greedy_answers_agree(engine, by_embedded, request):
    other = request.getfixturevalue(f"by_{engine}")
    found = differing(by_embedded, other)
    common = len(by_embedded.answers.keys() & other.answers.keys())
    for key in found:
        print(
            key, "embedded:", repr(by_embedded.answers[key]), f"{engine}:", repr(other.answers[key])
        )
    print(f"{engine}: {common - len(found)} of {common} answers agree with embedded")
    assert 1 - len(found) / common >= AGREEMENT


@pytest.fixture(scope="module")
def bisected(project: Path, by_vllm: Evaluated) -> dict:
    """Where the cost moved: in a release with another prompt and another route, on one engine.

    The baseline was answered by vLLM before; mixes ask what one of the two was asked.
    """
    assert by_vllm.calls
    text = (project / MANIFEST).read_text()
    for old, new in CHANGES:
        assert old in text
        text = text.replace(old, new)
    (project / CHANGED).write_text(text)
    made = gatekeeper(project, "build", CHANGED)
    assert made.returncode == 0, made.stderr
    ends = ("--good", MANIFEST, "--bad", CHANGED, "--env", "local", "--engine", "vllm")
    began = time.monotonic()
    made = gatekeeper(project, "bisect", "usd_per_resolved_request", *ends, "-o", "json")
    print(f"bisect: {time.monotonic() - began:.0f} s\n{made.stderr[-800:]}")
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def test_bisect_names_the_component_on_vllm(bisected: dict) -> None:
    assert bisected["code"] == "found"
    found = bisected["components"]
    assert found["guilty"] == ["prompt"]
    router = next(one for one in found["components"] if one["component"] == "router")
    assert router["moved"] == {"value": 0, "low": 0, "high": 0}
    assert [mix["asked"] for mix in bisected["mixes"]] == [0, 0]


def test_attribute_names_the_same_and_loads_no_engine(project: Path, bisected: dict) -> None:
    """What was evaluated for the bisection is there; the run is named by its directory."""
    kept = project / ".gatekeeper/cache/attribution"
    wanted = bisected["probes"][0]["run"]
    (run,) = [path for path in kept.iterdir() if read_run(path).id == wanted]
    (project / "gates/lean.yaml").write_text(POLICY)
    began = time.monotonic()
    words = (str(run), "--policy", "gates/lean.yaml", "--no-advise", "-o", "json")
    made = gatekeeper(project, "attribute", *words)
    print(f"attribute: {time.monotonic() - began:.0f} s")
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert all(mix["earlier"] for mix in found["mixes"])
    assert found["rules"][0]["guilty"] == ["prompt"]
    assert found["notes"] == []
