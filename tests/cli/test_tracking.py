"""Runs in MLflow: a real server and a real SQLite store, looked at by HTTP as any client would."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builders_runs import Behaviour, describe, make_run
from delivery import Delivery, make_delivery
from evaluating import evaluate
from gatekeeper.adapters.project import Project
from gatekeeper.adapters.runs import read_run
from gatekeeper.adapters.tracking.marks import mark, read
from gatekeeper.adapters.tracking.process import MlflowProcess
from gatekeeper.adapters.tracking.target import Target
from gatekeeper.cli.gates import decide_stored, policy_of
from gatekeeper.cli.kept_verdicts import attach
from gatekeeper.cli.main import run
from gatekeeper.cli.session import Output, Session
from gatekeeper.cli.tracking import told_of, track
from gatekeeper.errors import UsageError
from gatekeeper.model.record import CallRow, RequestRow, ScoreRow
from gatekeeper.model.run import RunRelease
from gatekeeper.model.tracking import FailingSample, Receipt, TrackedTurn
from gatekeeper.ops.track import tracked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatekeeper.model.verdict import Verdict

    Shadow = Callable[[str], None]

SIZES = {"quality": 60, "safety": 20}
FIRST, SECOND = "20261120-120000-aaaaaa", "20261120-130000-bbbbbb"
SETTINGS = ("GATEKEEPER_MLFLOW", "GATEKEEPER_MLFLOW_TRACES", "MLFLOW_TRACKING_URI")


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*SETTINGS, "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)


def add_run(delivery: Delivery, name: str) -> Verdict:
    """A run with two unmet needs and one leak, gated."""
    now = datetime.now(UTC)
    described = describe(
        SIZES,
        id=name,
        candidate=RunRelease(name="desk", digest=delivery.v1),
        baseline=None,
        started=now,
        ended=now,
        engines={"small": {"engine": "embedded", "version": "4.8.5"}},
    )
    directory = delivery.project.runs / name
    make_run(directory, Behaviour(unresolved=2, leaks=1), run=described)
    policy = delivery.root / "gates/desk.yaml"
    verdict = decide_stored(delivery.project, directory, policy_of(delivery.project, policy, {}))
    attach(delivery.project, verdict)
    return verdict


def sync(delivery: Delivery, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    code = run(["runs", "sync", *words, "--project", str(delivery.root), "--output", "json"])
    return code, json.loads(capsys.readouterr().out)["runs"]


@contextmanager
def silent_server() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def shadow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shadow:
    """Put a module in front of MLflow: what is installed here may be something else elsewhere."""

    def put(content: str) -> None:
        (tmp_path / "shadow").mkdir()
        (tmp_path / "shadow/mlflow.py").write_text(content)
        paths = [str(tmp_path / "shadow"), os.environ.get("PYTHONPATH", "")]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))

    return put


# -- when MLflow does not do its part -------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A project with one gated run."""

    delivery: Delivery
    name: str
    verdict: Verdict

    @property
    def directory(self) -> Path:
        return self.delivery.project.runs / self.name

    def track(self, uri: str | None = None) -> None:
        track(Session(self.delivery.root, Output.text), self.directory, self.verdict, uri)


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    return make_delivery(tmp_path_factory.mktemp("project"))


@pytest.fixture
def case(delivery: Delivery, request: pytest.FixtureRequest) -> Case:
    name = f"20261120-120000-{zlib.crc32(request.node.name.encode()):08x}"
    return Case(delivery, name, add_run(delivery, name))


def test_nothing_is_said_where_nothing_is_asked_for(
    case: Case, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    case.track()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("GATEKEEPER_MLFLOW", "off")
    case.track()
    assert capsys.readouterr() == ("", "")
    assert read(case.directory) is None


def test_a_server_that_is_down_is_a_warning_and_a_debt(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    case.track(f"http://someone:hunter22@127.0.0.1:{closed_port()}")
    out, err = capsys.readouterr()
    assert out == ""
    assert "warning: not in MLflow yet: http://***@127.0.0.1:" in err
    assert f"later: gatekeeper runs sync {case.name}" in err
    found = read(case.directory)
    assert found is not None
    assert found.state == "owed"
    assert "refused" in found.why
    assert "hunter22" not in err + found.model_dump_json()


def test_a_server_that_never_answers_is_given_up_on(
    case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()
    with silent_server() as port:
        code, rows = sync(
            case.delivery,
            capsys,
            case.name,
            "--mlflow",
            f"http://127.0.0.1:{port}",
            "--timeout",
            "3",
        )
    assert code == 3
    assert rows[0]["state"] == "failed"
    assert "did not take the run within 3 s" in rows[0]["why"]
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("raise ImportError('No module named mlflow')", "MLflow cannot be loaded"),
        ("__version__ = '2.22.0'", "MLflow 2.22.0 is installed, and 3.10 or later is needed"),
        ("__version__ = '3.9.1'", "MLflow 3.9.1 is installed, and 3.10 or later is needed"),
        ("import os; os.abort()", "MLflow's process ended with -6"),
    ],
)
def test_an_mlflow_that_cannot_be_used_is_a_warning(
    case: Case,
    content: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
    shadow: Shadow,
) -> None:
    shadow(content)
    case.track("sqlite:///never.db")
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err


def test_an_evaluation_stands_whatever_mlflow_does(
    root: Path, capsys: pytest.CaptureFixture[str], serve: Callable[[], None], shadow: Shadow
) -> None:
    serve()
    shadow("raise ImportError('none')")
    code, verdict = evaluate(root, capsys, "manifests/desk-v1.yaml", "--mlflow", "sqlite:///x.db")
    assert (code, verdict["outcome"]) == (0, "pass")
    found = read(Project.open(root).runs / verdict["run"])
    assert found is not None
    assert (found.state, found.receipt) == ("owed", None)


def test_settings_that_make_no_sense_are_a_warning(
    case: Case, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEKEEPER_MLFLOW_TRACES", "many")
    case.track("sqlite:///never.db")
    assert "'many' is no count" in capsys.readouterr().err


def test_a_run_that_is_damaged_is_a_warning(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    (case.directory / "scores.parquet").write_bytes(b"")
    case.track("sqlite:///never.db")
    assert "is not the file that the run was sealed with" in capsys.readouterr().err


def test_sync_wants_to_know_where(delivery: Delivery) -> None:
    with pytest.raises(UsageError, match="no MLflow store is named"):
        run(["runs", "sync", "--project", str(delivery.root)])


def test_sync_of_all_asks_nobody_about_what_was_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    delivery = make_delivery(tmp_path)
    directory = delivery.project.runs / FIRST
    told = told_of(delivery.project, directory, add_run(delivery, FIRST))
    target = Target(f"http://127.0.0.1:{closed_port()}")
    receipt = Receipt(experiment="gatekeeper", id="1", url="http://mlflow/1", traces=3)
    mark(directory, target, told, receipt)
    code, rows = sync(delivery, capsys, "--mlflow", target.uri)
    assert code == 0
    assert rows == [
        {
            "run": FIRST,
            "state": "there",
            "mlflow_run": "1",
            "experiment": "gatekeeper",
            "url": "http://mlflow/1",
            "traces": 3,
        }
    ]


def test_where_the_store_is_down_the_rest_is_not_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shadow: Shadow
) -> None:
    delivery = make_delivery(tmp_path)
    for name in (FIRST, SECOND):
        add_run(delivery, name)
    shadow("raise ImportError('none')")
    code, rows = sync(delivery, capsys, "--mlflow", "sqlite:///never.db")
    assert code == 3
    assert [row["state"] for row in rows] == ["failed", "not_tried"]


# -- when it does ---------------------------------------------------------------------------------


@dataclass
class Server:
    """`mlflow server` over a SQLite store."""

    uri: str
    store: str
    popen: subprocess.Popen[bytes]
    log: Path

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own server
            f"{self.uri}{path}", data, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return json.loads(answer.read())

    def experiment(self) -> str:
        path = "/api/2.0/mlflow/experiments/get-by-name?experiment_name=gatekeeper"
        return self.call(path)["experiment"]["experiment_id"]

    def runs(self, name: str) -> list[Any]:
        query = {
            "experiment_ids": [self.experiment()],
            "filter": f"tags.`gatekeeper.run` = '{name}'",
        }
        return self.call("/api/2.0/mlflow/runs/search", query).get("runs", [])

    def traces(self, run_id: str) -> list[Any]:
        query = {
            "locations": [
                {
                    "type": "MLFLOW_EXPERIMENT",
                    "mlflow_experiment": {"experiment_id": self.experiment()},
                }
            ],
            "filter": f"metadata.`mlflow.sourceRun` = '{run_id}'",
        }
        return self.call("/api/3.0/mlflow/traces/search", query).get("traces", [])

    def spans(self, trace_id: str) -> list[Any]:
        found = self.call(f"/api/3.0/mlflow/traces/batchGet?trace_ids={trace_id}")
        return found["traces"][0]["spans"]


@pytest.fixture(scope="module", autouse=True)
def starting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """MLflow's server takes seconds to start: other tests run in the meantime."""
    directory, port = tmp_path_factory.mktemp("mlflow"), closed_port()
    store = f"sqlite:///{directory}/mlflow.db"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store]
    command += ["--port", str(port), "--workers", "1"]
    quiet = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    log = directory / "server.log"
    with log.open("w") as stream:
        popen = subprocess.Popen(
            command,
            cwd=directory,
            env=os.environ | quiet,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        yield Server(f"http://127.0.0.1:{port}", store, popen, log)
    finally:
        os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()


@pytest.fixture(scope="module")
def server(starting: Server) -> Server:
    until = time.monotonic() + 60
    while starting.popen.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{starting.uri}/health", timeout=5).close()  # noqa: S310
        except OSError:
            time.sleep(0.1)
        else:
            return starting
    pytest.fail(starting.log.read_text()[-2000:])


@dataclass(frozen=True)
class Kept:
    """A project whose first run was sent straight to the store, and the server that shows it."""

    delivery: Delivery
    verdict: Verdict
    server: Server

    @property
    def run(self) -> Any:
        (found,) = self.server.runs(FIRST)
        return found


@pytest.fixture(scope="module")
def kept(server: Server, delivery: Delivery) -> Kept:
    verdict = add_run(delivery, FIRST)
    Case(delivery, FIRST, verdict).track(server.store)
    return Kept(delivery, verdict, server)


def pairs(items: list[Any]) -> dict[str, Any]:
    return {item["key"]: item["value"] for item in items}


def test_a_run_is_there_with_what_decided_it(kept: Kept) -> None:
    assert kept.run["info"]["status"] == "FINISHED"
    params = pairs(kept.run["data"]["params"])
    assert params["release"] == kept.delivery.v1
    assert params["component.prompt"].startswith("sha256:")
    assert params["policy"] == kept.verdict.policy
    assert params["engine.small.version"] == "4.8.5"
    tags = pairs(kept.run["data"]["tags"])
    assert tags["gatekeeper.outcome"] == kept.verdict.outcome
    assert tags["gatekeeper.release"] == kept.delivery.v1


def test_every_rule_is_there_with_its_interval(kept: Kept) -> None:
    metrics = pairs(kept.run["data"]["metrics"])
    (rule,) = (one for one in kept.verdict.rules if one.estimate is not None)
    for name in ("estimate", "low", "high", "limit", "n"):
        if (value := getattr(rule, name)) is not None:
            assert metrics[f"{rule.rule}/{name}"] == pytest.approx(value, abs=1e-12)


def test_eval_sets_are_inputs_with_their_digests(kept: Kept) -> None:
    inputs = kept.run["inputs"]["dataset_inputs"]
    described = read_run(kept.delivery.project.runs / FIRST)
    expected = {(one.name, one.suite, one.digest) for one in described.sets}
    found = {
        (
            one["dataset"]["name"],
            pairs(one["tags"])["mlflow.data.context"],
            json.loads(one["dataset"]["source"])["digest"],
        )
        for one in inputs
    }
    assert found == expected


def test_verdict_and_run_are_artifacts(kept: Kept) -> None:
    place = Path(kept.run["info"]["artifact_uri"].removeprefix("file://"))
    names = {path.name for path in place.iterdir()}
    assert names == {"run.json", "verdict.json", "verdict.md"}
    assert json.loads((place / "verdict.json").read_text())["outcome"] == kept.verdict.outcome
    assert FIRST in (place / "verdict.md").read_text()


def test_failing_samples_are_traces_with_their_scores(kept: Kept) -> None:
    traces = kept.server.traces(kept.run["info"]["run_id"])
    assert len(traces) == 3
    assessed = [trace for trace in traces if trace.get("assessments")]
    scores = {
        one["assessment_name"]: one["feedback"]["value"] for one in assessed[0]["assessments"]
    }
    assert scores == {"pii": 0.0, "tenant": 0.0}
    spans = kept.server.spans(traces[0]["trace_id"])
    assert [span["name"] for span in spans] == ["request", "model small"]
    assert spans[1]["parent_span_id"] == spans[0]["span_id"]


def test_the_guide_shows_what_its_example_prints(kept: Kept) -> None:
    guide = (Path(__file__).parents[2] / "docs/mlflow.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"^```python\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    (expected,) = re.findall(r"^```text\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    store = Path(kept.server.store.removeprefix("sqlite:///"))
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=store.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout == expected


def test_sync_sends_nothing_twice_and_goes_on_where_it_was_cut_off(
    kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first run is all there. Of the second there is what a kill after two steps leaves."""
    server = kept.server
    verdict = add_run(kept.delivery, SECOND)
    tag = {"key": "gatekeeper.run", "value": SECOND}
    begun = {"experiment_id": server.experiment(), "tags": [tag]}
    cut = server.call("/api/2.0/mlflow/runs/create", begun)["run"]["info"]["run_id"]
    older = {"run_id": cut, "key": "policy", "value": "sha256:" + "0" * 64}
    server.call("/api/2.0/mlflow/runs/log-parameter", older)
    code, rows = sync(kept.delivery, capsys, FIRST, SECOND, "--mlflow", server.uri)
    assert code == 0
    assert [row["state"] for row in rows] == ["there", "completed"]
    assert [row["mlflow_run"] for row in rows] == [kept.run["info"]["run_id"], cut]
    (found,) = server.runs(SECOND)
    assert found["info"]["status"] == "FINISHED"
    tags = pairs(found["data"]["tags"])
    assert tags["gatekeeper.policy"] == verdict.policy
    assert len(server.traces(cut)) == 3


def test_a_conversation_shows_its_turns_retrievals_tools_and_crashed_scorers(
    server: Server,
) -> None:
    """Written out here, since no run of the builders has all of it."""
    request = RequestRow(
        request_id="r0",
        time=0,
        lane="offline",
        release="sha256:" + "c" * 64,
        sample_id="s",
        suite="agent",
        status="ok",
        latency_us=None,
        input="Where is it?",
        answer="On its way.",
        sources=("orders.md#1",),
    )
    later = request.model_copy(
        update={"request_id": "r1", "turn": 1, "status": "error", "sources": ()}
    )
    call = CallRow(request_id="r0", attempt=0, model="small", latency_us=2000, outcome="ok")
    tool = call.model_copy(update={"kind": "tool", "model": "order_status", "attempt": None})
    crashed = ScoreRow(request_id="r0", scorer="tone", value=None, error="no such label")
    turns = (TrackedTurn(request=request, calls=(call, tool)), TrackedTurn(request=later))
    told = tracked(
        describe(SIZES, id="talk"),
        None,
        failing=(FailingSample(turns=turns, scores=(crashed,)),),
    )
    receipt = MlflowProcess(Target(server.uri, timeout=120)).send(told)
    (trace,) = server.traces(receipt.id)
    assert trace["state"] == "ERROR"
    (assessed,) = trace["assessments"]
    assert assessed["feedback"]["error"]["error_message"] == "no such label"
    spans = {span["name"]: span for span in server.spans(trace["trace_id"])}
    names = ["conversation", "request", "retrieval", "model small", "tool order_status"]
    assert sorted(spans) == sorted(names)
    began = describe().started.timestamp()
    assert int(spans["conversation"]["start_time_unix_nano"]) == began * 1e9
    assert int(spans["tool order_status"]["end_time_unix_nano"]) == began * 1e9 + 4_000_000
