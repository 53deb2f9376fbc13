"""Watches: on a real terminal, in a log, and when they fail."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from builders_runs import Behaviour, describe, make_run, rows_of
from gatekeeper.adapters.records import LINES, RunRecords
from gatekeeper.cli import running_estimates
from gatekeeper.cli.running_estimates import Estimator
from gatekeeper.cli.watching import Careful, Course, PlainWatch, watch_for
from gatekeeper.model.policy import Rule

SIZES = {"quality": 40, "safety": 20}
RUN = describe(SIZES)
RULES = (
    Rule(name="quality.resolved", section="quality", metric="resolved_rate", test="min", limit=0.5),
    Rule(
        name="quality.change", section="quality", metric="resolved_rate", test="max_decrease",
        limit=0.5,
    ),
    Rule(name="supply.sbom", section="supply", metric="sbom_attached", test="evidence"),
)  # fmt: skip
SHOW, HIDE = "\x1b[?25h", "\x1b[?25l"
ON_A_TERMINAL = """
import sys, time
from pathlib import Path
from builders_runs import Behaviour, describe, rows_of
from gatekeeper.adapters.records import RunRecords
from gatekeeper.cli.session import show
from gatekeeper.cli.watching import watch_for
from test_watching import RULES, RUN
how, directory = sys.argv[1], Path(sys.argv[2])
watch = watch_for(sys.stderr, run_directory=directory, run=RUN, rules=RULES, ceiling_usd=1.0)
with RunRecords(directory) as records:
    watch.begin({"quality": 80, "safety": 20}, {})
    for rows in rows_of(RUN, Behaviour(errors={"quality": 1})):
        records.write(rows)
        watch.finished(rows[0].suite, rows)
    deadline = time.monotonic() + 30
    while how == "estimate" and not watch._inner._estimator.results:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.4)  # a frame or two
    if how == "note":
        show("[dim]ending after[/dim] those that have begun", error=True)
        time.sleep(0.6)
    if how == "leave":
        raise SystemExit(5)
    if how == "interrupt":
        raise KeyboardInterrupt
    watch.end("all [bold]done[/bold]")
"""


def on_a_terminal(directory, how="end", **variables):
    """What a script that watches writes to a terminal of 80 columns."""
    mine, theirs = pty.openpty()
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parent), *sys.path])
    environment = {
        **os.environ,
        "TERM": "xterm",
        "COLUMNS": "80",
        "LINES": "30",
        "PYTHONPATH": path,
    }
    environment = {**environment, "CI": "", **variables}
    done = subprocess.Popen(
        [sys.executable, "-c", ON_A_TERMINAL, how, str(directory)],
        stderr=theirs, stdin=theirs, env=environment,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    try:
        while data := os.read(mine, 65536):
            seen += data
    except OSError:  # the terminal is gone with its last process
        pass
    os.close(mine)
    done.wait()
    return seen.decode()


def test_a_terminal_sees_bars_estimates_and_gets_its_cursor_back(tmp_path):
    seen = on_a_terminal(tmp_path, "estimate")
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
    assert re.search(r"quality +━+ +80/80 +100 %", plain)
    assert "resolved" in plain
    assert "change" in plain
    assert seen.rindex(SHOW) > seen.rindex(HIDE)
    assert plain.rstrip().endswith("all [bold]done[/bold]")
    assert not list(tmp_path.glob("*watch*"))


@pytest.mark.parametrize("how", ["leave", "interrupt"])
def test_the_cursor_comes_back_even_where_nobody_says_that_it_ended(tmp_path, how):
    seen = on_a_terminal(tmp_path, how)
    assert seen.rindex(SHOW) > seen.rindex(HIDE)


def test_what_is_noted_meanwhile_stands_above_the_view(tmp_path):
    """The view is erased before the note and drawn again after it."""
    seen = on_a_terminal(tmp_path, "note")
    note = seen.index("ending after")
    erased = seen.rindex("\x1b[2K", 0, note)
    assert "━" not in seen[erased:note]
    assert "━" in seen[note:]


def test_no_colour_where_none_is_wanted(tmp_path):
    seen = on_a_terminal(tmp_path, NO_COLOR="1")
    assert "━" in seen
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", seen)


@pytest.mark.parametrize("variables", [{"CI": "true"}, {"TERM": "dumb"}])
def test_a_log_that_looks_like_a_terminal_gets_lines(tmp_path, variables):
    seen = on_a_terminal(tmp_path, **variables)
    assert "\x1b" not in seen
    lines = seen.splitlines()
    assert lines[0] == "evaluate: 100 conversations: quality 80, safety 20"
    assert lines[1] == "evaluate: safety is through: 20 of 20" or "quality" in lines[1]


def test_lines_come_every_few_seconds_and_when_a_suite_is_through():
    stream = io.StringIO()
    watch = PlainWatch(stream, Course(), seconds=0.05)
    watch.begin({"quality": 80, "safety": 30}, {"safety": 10})
    for number, rows in enumerate(rows_of(RUN, Behaviour())):
        watch.finished(rows[0].suite, rows)
        if number == 50:
            time.sleep(0.06)
    watch.end()
    lines = stream.getvalue().splitlines()
    assert lines[0] == (
        "evaluate: 110 conversations, 10 of them finished earlier: quality 80, safety 30"
    )
    assert sum("conversations/s" in line for line in lines) == 1
    assert "evaluate: safety is through: 30 of 30, 10 of them earlier" in lines
    assert lines[-1].startswith("evaluate: 100 conversations in 0:00, spent $")


class Closed(io.StringIO):
    def write(self, _text):
        raise BrokenPipeError


def test_a_watch_that_fails_does_not_fail_the_evaluation():
    watch = watch_for(Closed(), run_directory=Path("nowhere"), run=RUN)
    watch.begin({"quality": 1}, {})
    watch.finished("quality", [])
    watch.end()


def test_a_failure_in_the_middle_ends_the_view_and_only_that():
    told = []

    class Half:
        def begin(self, *_):
            told.append("begin")

        def finished(self, *_):
            told.append("finished")
            raise ZeroDivisionError

        def end(self, *_):
            told.append("end")

    watch = Careful(Half())
    watch.begin({}, {})
    for _ in range(3):
        watch.finished("quality", [])
    watch.end()
    assert told == ["begin", "finished", "end"]


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_estimates_follow_the_records_and_stop_when_they_are_told_to(tmp_path, monkeypatch):
    monkeypatch.setattr(running_estimates, "LEAST_PAUSE", 0.05)
    estimator = Estimator(tmp_path, RUN, RULES)
    with RunRecords(tmp_path) as records:
        estimator.start()
        for rows in rows_of(RUN, Behaviour(unresolved=10)):
            records.write(rows)
        wait_for(lambda: len(estimator.results) == 2 and estimator.results[0].n == 40)
        before = time.monotonic()
        estimator.stop()
    assert time.monotonic() - before < 2
    assert [one.rule for one in estimator.results] == ["quality.resolved", "quality.change"]
    assert estimator.results[0].estimate == 0.75


def test_an_estimator_that_cannot_read_says_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(running_estimates, "LEAST_PAUSE", 0.01)
    make_run(tmp_path, run=RUN, sealed=False)
    (tmp_path / LINES).write_text('{"calls": "many"}\n')
    estimator = Estimator(tmp_path, RUN, RULES)
    estimator.start()
    wait_for(lambda: not estimator._thread.is_alive())
    estimator.stop()
    assert estimator.results == ()


def test_nothing_is_started_where_nothing_can_be_estimated(tmp_path):
    estimator = Estimator(tmp_path, RUN, RULES[2:])
    estimator.start()
    estimator.stop()
    assert estimator.results == ()
