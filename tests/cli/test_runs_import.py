"""`gatekeeper runs import` on the command line: releases, verdicts, messages."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from delivery import Delivery, make_delivery
from gatekeeper.adapters.importers.archive import Archive
from gatekeeper.cli.main import run
from gatekeeper.cli.wiring import store_of
from gatekeeper.errors import InputError, UsageError
from gatekeeper.model.statement import VERDICT
from importing import FIXTURES, Desk, make_desk

if TYPE_CHECKING:
    from pathlib import Path

EVAL = FIXTURES / "inspect/arithmetic.eval"


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    return make_delivery(tmp_path)


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return make_desk(tmp_path, capsys)


def records(path: Path, count: int = 300, **fields: object) -> Path:
    now = round(datetime.now(UTC).timestamp() * 1e6)
    rows = (
        {"request_id": f"r{n}", "sample_id": f"s{n}", "status": "ok", "time": now, **fields}
        for n in range(count)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def load(delivery: Delivery, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    capsys.readouterr()
    project = ["--project", str(delivery.root), "-o", "json"]
    assert run(["runs", "import", *arguments, *project]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_run_about_a_release_is_gated_and_kept_as_its_evidence(
    delivery: Delivery, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = records(tmp_path / "a.jsonl", resolved=True)
    found = load(delivery, capsys, str(path), "--release", delivery.v1)
    assert found["release"] == delivery.v1
    before = len(store_of(delivery.project).referrers(delivery.v1, VERDICT))
    arguments = ["gate", found["run"], "--policy", "gates/desk.yaml"]
    assert run([*arguments, "--project", str(delivery.root)]) == 0
    shown = capsys.readouterr().out
    assert f"run {found['run']}" in shown
    assert "imported: rests on a run imported from records" in " ".join(shown.split())
    assert len(store_of(delivery.project).referrers(delivery.v1, VERDICT)) == before + 1


def test_two_files_are_compared_by_their_releases(
    delivery: Delivery, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new, old = (records(tmp_path / f"{name}.jsonl", resolved=True) for name in ("new", "old"))
    found = load(
        delivery,
        capsys,
        *(str(new), "--release", delivery.v2),
        *("--baseline-file", str(old), "--baseline", delivery.v1),
    )
    assert (found["release"], found["baseline"]) == (delivery.v2, delivery.v1)


def test_rows_name_their_release_by_digest(
    delivery: Delivery, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = records(tmp_path / "new.jsonl", resolved=True, release=delivery.v2)
    old = records(tmp_path / "old.jsonl", resolved=True, release=delivery.v1)
    both = tmp_path / "both.jsonl"
    both.write_text(
        new.read_text() + old.read_text().replace('"request_id": "r', '"request_id": "b')
    )
    refs = ("--release", delivery.v2, "--baseline", delivery.v1)
    found = load(delivery, capsys, str(both), *refs)
    assert found["sets"][0]["samples"] == 300
    with pytest.raises(InputError, match="rows are about"):
        load(delivery, capsys, str(both), "--release", delivery.v2)


def test_a_verdict_about_no_release_cannot_be_kept(desk: Desk) -> None:
    found = desk.load(EVAL)
    with pytest.raises(UsageError, match="without saying which release") as caught:
        run(["gate", found.id, "--policy", "gate.json", "--project", str(desk.root)])
    assert "--no-record" in caught.value.fix


def test_people_are_told_what_was_imported(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(["runs", "import", str(FIXTURES / "inspect/limit.eval"), "--project", str(desk.root)])
        == 0
    )
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].endswith("imported from inspect 0.3.285")
    assert shown[1:] == [
        "  arithmetic  3 samples, 2 replicates, suite quality",
        "  decides nothing: only 3 of 12 samples: the limit was 3",
        "  of no release: gatekeeper gate --policy FILE --no-record only",
    ]


def test_tools_are_told_apart_by_content(desk: Desk, tmp_path: Path) -> None:
    tools = {
        "inspect/arithmetic.eval": "inspect",
        "inspect/short.json": "inspect",
        "promptfoo/clean.json": "promptfoo",
        "promptfoo/clean.jsonl": "promptfoo",
        "mlflow/traces.jsonl": "mlflow",
        "mlflow/eval_results_table.json": "mlflow",
        "garak/clean.report.jsonl": "garak",
        "guidellm/constant.json": "guidellm",
    }
    for number, (name, tool) in enumerate(tools.items()):
        path = tmp_path / f"{number}.dat"
        shutil.copy(FIXTURES / name, path)
        source = desk.load(path).run.source
        assert source is not None
        assert source.format == tool


def test_a_link_is_followed(desk: Desk, tmp_path: Path) -> None:
    link = tmp_path / "link.eval"
    link.symlink_to(EVAL)
    assert desk.load(link).run.sets[0].samples == 12


def refuse(desk: Desk, path: Path, *arguments: str) -> str:
    with pytest.raises((InputError, UsageError)) as caught:
        run(["runs", "import", str(path), *arguments, "--project", str(desk.root)])
    assert not list((desk.root / ".gatekeeper").glob("runs/*"))
    return str(caught.value).replace(str(path.parent), "DIR")


def test_what_is_no_result_file_is_told(desk: Desk, tmp_path: Path) -> None:
    def made(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    (tmp_path / "away").symlink_to(tmp_path / "nowhere")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    whole = EVAL.read_bytes()
    broken = whole[:9000] + bytes(byte ^ 0xFF for byte in whole[9000:9100]) + whole[9100:]
    report = (FIXTURES / "guidellm/constant.json").read_bytes()
    cases = [
        (tmp_path / "absent", ()),
        (tmp_path / "directory", ()),
        (tmp_path / "away", ()),
        (tmp_path / "pipe", ()),
        (made("cut.eval", whole[: len(whole) // 2]), ()),
        (made("broken.eval", broken), ()),
        (made("empty", b""), ()),
        (made("page.html", b"<html></html>"), ()),
        (made("other.json", b'{"a": 1}'), ()),
        (made("cut.json", report[:500]), ()),
        (made("latin.json", b'{"benchmarks": "\xe9"}'), ()),
        (made("deep.json", b"[" * 200_000), ()),
        (
            made("huge.jsonl", b'{"request_id": "' + b"x" * (17 << 20) + b'"}'),
            ("--format", "records"),
        ),
        (made("wrong.json", report), ("--format", "inspect")),
        (made("wrong.jsonl", report), ("--format", "garak")),
        (made("half.json", b'{"benchmarks": [{"requests": 3}]}'), ()),
        (made("none.json", b'{"columns": ["a"], "data": []}'), ()),
        (made("odd.json", b'{"columns": ["a"], "data": [[1, 2]]}'), ()),
    ]
    told = "\n".join(refuse(desk, path, *arguments) for path, arguments in cases)
    golden = FIXTURES.parent / "golden/refused.txt"
    if os.environ.get("GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(told + "\n")
    assert told + "\n" == golden.read_text()


def test_options_that_do_not_fit_are_refused(delivery: Delivery) -> None:
    arguments = [str(EVAL), "--baseline", delivery.v1, "--project", str(delivery.root)]
    with pytest.raises(UsageError, match="the baseline has no results"):
        run(["runs", "import", *arguments])
    for option in ("--task", "--cluster", "--resolved-by"):
        path = FIXTURES / "garak/clean.report.jsonl"
        with pytest.raises(UsageError, match="means nothing for results of garak"):
            run(["runs", "import", str(path), option, "x", "--project", str(delivery.root)])


def test_runs_show_gives_the_accuracy_and_standard_error_of_inspect(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    found = desk.load(EVAL, "--cluster", "topic")
    assert run(["runs", "show", found.id, "-o", "json", "--project", str(desk.root)]) == 0
    scores = {one["scorer"]: one for one in json.loads(capsys.readouterr().out)["scores"]}
    reported = Archive(EVAL).document("header.json")["results"]["scores"]
    metrics = {one["name"]: one["metrics"] for one in reported}["exactly"]
    ours = scores["exactly"]
    assert ours["mean"] == pytest.approx(metrics["accuracy"]["value"], abs=1e-9)
    assert ours["stderr"] == pytest.approx(metrics["stderr"]["value"], abs=1e-9)
    assert ours["clustered_stderr"] == pytest.approx(metrics["stderr2"]["value"], abs=1e-9)


def test_one_result_twice_is_refused(desk: Desk, tmp_path: Path) -> None:
    log = json.loads((FIXTURES / "inspect/short.json").read_bytes())
    log["samples"].append(log["samples"][0])
    path = tmp_path / "twice.json"
    path.write_text(json.dumps(log))
    assert "sample 'q1' was asked twice as number 1" in refuse(desk, path)
