"""Runs that end early, and go on: by Ctrl-C, by a ceiling, by kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from answering import answer
from builders import write
from evaluating import SET, evaluate, runs
from gatekeeper.adapters.records import LINES, read_heads
from gatekeeper.adapters.runs import read_run
from gatekeeper.adapters.tables import open_tables
from gatekeeper.cli.main import run
from gatekeeper.errors import EnvironmentDriftError, StoppedError, UndecidedError, UsageError

REF = "manifests/desk-v1.yaml"
MANY = 60
KEPT = """
SELECT * EXCLUDE (request_id, time, latency_us, conversation, scheduled_us) FROM requests
ORDER BY ALL
"""
SCORED = "SELECT scorer, value, count(*) FROM scores GROUP BY ALL ORDER BY ALL"
FATE = "SELECT resolved, follow_up, count(*) FROM outcomes GROUP BY ALL ORDER BY ALL"


@pytest.fixture
def many(root):
    """The desk with a set that takes a while."""
    rows = [
        {
            "id": f"s{i}",
            "input": f"What is the warranty of the {('Zentor', 'Velar', 'Kaldex')[i % 3]}?",
            "expect": {"contains": [f"{(2, 3, 4)[i % 3]} months"]},
        }
        for i in range(MANY)
    ]
    write(root / "eval_sets/quality.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    write(root / "eval_sets/quality.yaml", SET)
    return root


def slowly(prompt):
    time.sleep(0.02)
    return answer(prompt)


class Meddler:
    """Answers, and does something once, in the course of one of the answers."""

    def __init__(self, number, act):
        self.number, self.act, self.asked = number, act, 0
        self.lock = threading.Lock()

    def __call__(self, prompt):
        with self.lock:
            self.asked += 1
            mine = self.asked == self.number
        if mine:
            self.act()
        return answer(prompt)


def press_ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.2)


def content(directory):
    found = read_run(directory)
    with open_tables(directory, found) as tables:
        return [tables.execute(sql).fetchall() for sql in (KEPT, SCORED, FATE)]


def go_on(root, capsys, *words):
    return evaluate(root, capsys, "--resume", runs(root)[0].name, *words)


def whole(root):
    """What is asked of a run that has come to its end: each sample once."""
    found = read_run(runs(root)[0])
    assert (found.status, found.partial) == ("complete", ())
    with open_tables(runs(root)[0], found) as tables:
        counted = tables.execute(
            "SELECT count(*), count(DISTINCT sample_id) FROM requests WHERE suite = 'quality'"
        ).fetchone()
    assert counted == (MANY, MANY)
    assert sorted(path.suffix for path in runs(root)[0].iterdir()) == [".json"] + 4 * [".parquet"]
    return found


def test_ctrl_c_lets_what_has_begun_end_and_the_run_goes_on_later(many, capsys, serve):
    serve(Meddler(10, press_ctrl_c))
    with pytest.raises(StoppedError, match="interrupted after the conversations") as caught:
        run(["evaluate", REF, "--concurrency", "1", "--project", str(many)])
    assert caught.value.exit_code == 130
    (directory,) = runs(many)
    assert caught.value.fix == f"go on with `gatekeeper evaluate --resume {directory.name}`"
    found = read_run(directory)
    assert (found.status, found.files) == ("interrupted", {})
    done = [head.key for head in read_heads(directory / LINES)]
    assert len(done) == 10
    with pytest.raises(UndecidedError, match="never finished") as undecided:
        run(["gate", directory.name, "--project", str(many)])
    assert f"evaluate --resume {directory.name}" in undecided.value.fix
    code, verdict = go_on(many, capsys)
    assert (code, verdict["run"]) == (0, directory.name)
    assert read_run(directory).options.concurrency == 1
    assert (whole(many).spend.sittings, whole(many).spend.repeated) == (2, 0)


def test_a_second_ctrl_c_ends_at_once(many, serve):
    def press_twice():
        press_ctrl_c()
        press_ctrl_c()
        time.sleep(3)

    serve(Meddler(5, press_twice))
    began = time.monotonic()
    with pytest.raises(StoppedError, match="interrupted at once"):
        run(["evaluate", REF, "--concurrency", "1", "--project", str(many)])
    assert time.monotonic() - began < 20
    found = read_run(runs(many)[0])
    assert found.status == "interrupted"
    assert len(list(read_heads(runs(many)[0] / LINES))) == 4


def test_a_ceiling_stops_before_it_is_broken_and_a_higher_one_goes_on(many, capsys, serve):
    serve()
    with pytest.raises(UndecidedError, match="the run has reached its ceiling") as caught:
        run(["evaluate", REF, "--max-tokens", "3000", "--project", str(many)])
    assert "--resume" in caught.value.fix
    assert caught.value.fix.startswith("raise --max-usd or --max-tokens to go on")
    assert r"\n" not in capsys.readouterr().err
    found = read_run(runs(many)[0])
    assert (found.status, 0 < found.spend.tokens <= 3000) == ("interrupted", True)
    code, _ = go_on(many, capsys, "--max-tokens", "1000000")
    assert code == 0
    spend = whole(many).spend
    assert spend.tokens > 3000
    assert spend.sittings == 2


def test_what_a_ceiling_cut_off_was_paid_and_counts_when_the_run_goes_on(many, serve):
    path = many / "eval_sets/quality.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    talks = [{**row, "then": ["And the Velar?", "And the Kaldex?"]} for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in talks))
    serve()
    ceiling = ["--max-tokens", "6000", "--project", str(many)]
    with pytest.raises(UndecidedError, match="the run has reached its ceiling"):
        run(["evaluate", REF, *ceiling])
    first = read_run(runs(many)[0]).spend
    assert first.unrecorded_tokens > 0
    assert first.tokens + first.unrecorded_tokens <= 6000
    with pytest.raises(UndecidedError, match="the run has reached its ceiling"):
        run(["evaluate", "--resume", runs(many)[0].name, *ceiling])
    second = read_run(runs(many)[0]).spend
    assert second.unrecorded_tokens >= first.unrecorded_tokens
    assert second.tokens + second.unrecorded_tokens <= 6000


def test_dollars_are_a_ceiling_too(many, serve):
    serve()
    with pytest.raises(UndecidedError, match=r"of 0\.0001 USD"):
        run(["evaluate", REF, "--max-usd", "0.0001", "--project", str(many)])
    assert read_run(runs(many)[0]).spend.nano_usd <= 100_000


def test_a_kill_at_any_moment_loses_doubles_and_repays_nothing(many, capsys, serve):
    """Killed eight times on the way; the last sitting ends it."""
    serve(slowly)
    command = [sys.executable, "-m", "gatekeeper", "evaluate", "--project", str(many)]
    words, asked = [REF, "--concurrency", "3"], 0
    for number in range(8):
        process = subprocess.Popen(
            [*command, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and process.poll() is None:
            if asked_so_far(many) >= asked + 5:
                break
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        asked = asked_so_far(many)
        words = ["--resume", runs(many)[0].name, "--concurrency", "3"]
        assert len(runs(many)) == 1, number
    code, _ = go_on(many, capsys)
    assert code == 0
    spend = whole(many).spend
    assert spend.sittings >= 3
    assert spend.repeated <= 3 * (spend.sittings - 1)
    killed = content(runs(many)[0])
    _, _ = evaluate(many, capsys, REF)
    assert content(runs(many)[1]) == killed


def asked_so_far(root):
    written = root.glob(f".gatekeeper/runs/*/{LINES}")
    return sum(path.read_bytes().count(b"\n") for path in written)


def test_two_processes_cannot_write_one_run(many, capsys, serve):
    caught = []

    def meddle():
        name = runs(many)[0].name
        done = subprocess.run(
            [sys.executable, "-m", "gatekeeper", "evaluate", "--resume", name, "--project", many],
            capture_output=True,
            text=True,
            check=False,
        )
        caught.append((done.returncode, done.stderr))

    serve(Meddler(5, meddle))
    code, _ = evaluate(many, capsys, REF, "--concurrency", "1")
    assert code == 0
    ((other, said),) = caught
    assert other == 3
    assert "another process is running this evaluation" in said
    whole(many)


def test_what_cannot_be_gone_on_with_is_refused(many, capsys, serve):
    serve()
    evaluate(many, capsys, REF)
    name = runs(many)[0].name
    with pytest.raises(UsageError, match="has come to its end"):
        run(["evaluate", "--resume", name, "--project", str(many)])
    with pytest.raises(UsageError, match="no such run"):
        run(["evaluate", "--resume", "nothing", "--project", str(many)])
    words = ["evaluate", REF, "--resume", name, "--set", "quality", "--limit", "3"]
    with pytest.raises(UsageError, match="REF, --set, --limit cannot be given"):
        run([*words, "--project", str(many)])
    fixed = ["--env", "local", "--seed", "0", "--no-cache", "--allow-environment-drift"]
    with pytest.raises(UsageError, match="--env, --seed, --cache, --allow-environment-drift"):
        run(["evaluate", "--resume", name, *fixed, "--project", str(many)])
    with pytest.raises(UsageError, match="name a release"):
        run(["evaluate", "--project", str(many)])


def test_a_set_that_has_changed_makes_another_run(many, serve):
    serve()
    with pytest.raises(UndecidedError):
        run(["evaluate", REF, "--max-tokens", "3000", "--project", str(many)])
    path = many / "eval_sets/quality.jsonl"
    path.write_text(path.read_text().replace("s59", "s60"))
    with pytest.raises(UsageError, match="its eval sets have changed"):
        run(["evaluate", "--resume", runs(many)[0].name, "--project", str(many)])


def killed(root, asked, words):
    """A run whose process was killed once some conversations had been recorded."""
    command = [sys.executable, "-m", "gatekeeper", "evaluate", REF, "--project", str(root), *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None and asked_so_far(root) < asked:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 0 < asked_so_far(root) < MANY
    return runs(root)[0].name


def test_what_served_a_run_is_known_however_it_ended(many, serve):
    serve(slowly)
    name = killed(many, 5, ["--concurrency", "2"])
    assert read_run(runs(many)[0]).engines["small"]["engine"] == "openai"
    run_file = runs(many)[0] / "run.json"
    other = run_file.read_text().replace('"engine":"openai"', '"engine":"embedded"')
    run_file.write_text(other)
    with pytest.raises(EnvironmentDriftError, match="the run was begun with something else"):
        run(["evaluate", "--resume", name, "--project", str(many)])
    assert read_run(runs(many)[0]).engines["small"]["engine"] == "embedded"


def test_a_run_that_is_cut_off_says_what_was_spent_so_far(many, serve):
    def press_twice():
        press_ctrl_c()
        press_ctrl_c()
        time.sleep(2)

    serve(Meddler(5, press_twice))
    with pytest.raises(StoppedError, match="interrupted at once"):
        run(["evaluate", REF, "--concurrency", "1", "--project", str(many)])
    assert read_run(runs(many)[0]).spend.tokens > 0


@pytest.mark.parametrize(
    "change",
    [
        ("gates/prices.yaml", "output_usd_per_million: 1", "output_usd_per_million: 2", "price"),
        ("gates/desk.yaml", "resolved_request_max_increase", "resolved_request_max", "suites"),
        (".gatekeeper/runs/*/run.json", '"gatekeeper":"', '"gatekeeper":"9', "gatekeeper has"),
    ],
)
def test_nothing_that_decides_a_run_may_change_under_it(many, capsys, serve, change):
    file, old, new, said = change
    serve()
    evaluate(many, capsys, "manifests/desk-v2.yaml")
    run(["promote", "manifests/desk-v2.yaml", "--env", "local", "--project", str(many)])
    with pytest.raises(UndecidedError):
        run(["evaluate", REF, "--max-tokens", "3000", "--project", str(many)])
    (name,) = [path.name for path in runs(many) if read_run(path).status == "interrupted"]
    for path in many.glob(file):
        path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UsageError, match=said):
        run(["evaluate", "--resume", name, "--project", str(many)])


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0", "-1/2", "1/2/3"])
def test_a_shard_is_a_part_of_a_whole(root, text):
    with pytest.raises(UsageError, match="is no part of a run"):
        run(["evaluate", REF, "--shard", text, "--project", str(root)])


def test_part_of_a_run_never_passes(many, capsys, serve):
    serve()
    for words, why in (
        (("--limit", "20"), "--limit 20: not every sample was asked"),
        (("--shard", "2/3"), "shard 2 of 3: merge the shards"),
    ):
        code, verdict = evaluate(many, capsys, REF, *words)
        assert (code, verdict["outcome"]) == (3, "error")
        assert why in verdict["rules"][0]["reason"]
        found = read_run(runs(many)[-1])
        assert {one.samples for one in found.sets if one.suite == "quality"} == {20}
        assert {one.of for one in found.sets if one.suite == "quality"} == {MANY}


def test_a_dry_run_asks_nothing_and_bounds_what_the_run_uses(many, capsys, serve, monkeypatch):
    monkeypatch.setenv("GATEKEEPER_OPENAI_BASE_URL", "http://127.0.0.1:9")
    code, found = evaluate(many, capsys, REF, "--dry-run")
    assert code == 0
    assert not any((many / ".gatekeeper/runs").glob("*"))
    serve()
    evaluate(many, capsys, REF)
    spend = whole(many).spend
    assert found["tokens"] >= spend.tokens > 0
    assert found["usd"] * 1e9 >= spend.nano_usd
    assert found["requests"] == MANY + 8


def test_part_of_a_run_stays_part_of_one_when_it_is_exported_and_imported(
    many, capsys, serve, tmp_path
):
    serve()
    evaluate(many, capsys, REF, "--limit", "20")
    target, project = tmp_path / "part.jsonl", ("--project", str(many))
    assert run(["runs", "export", runs(many)[0].name, "--to", str(target), *project]) == 0
    assert run(["runs", "import", str(target), "--release", REF, *project]) == 0
    imported = read_run(runs(many)[-1])
    assert imported.source is not None
    assert imported.partial == ("--limit 20: not every sample was asked",)
    assert run(["gate", imported.id, *project]) == 3
