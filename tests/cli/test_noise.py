"""`gatekeeper evaluate --aa`: a release against itself."""

from __future__ import annotations

import threading

import pytest

from answering import ABSENT, answer
from evaluating import evaluate, runs
from gatekeeper.adapters.project import Project
from gatekeeper.adapters.runs import read_run
from gatekeeper.cli.main import run
from gatekeeper.cli.wiring import store_of
from gatekeeper.errors import UndecidedError
from gatekeeper.model.statement import VERDICT

REF = "manifests/desk-v1.yaml"


class Fickle:
    """Knows the answer the first time that it is asked about a Zentor, and never again."""

    def __init__(self):
        self.lock, self.asked = threading.Lock(), 0

    def __call__(self, prompt):
        if "the Zentor?" not in prompt.rpartition("Question:")[2]:
            return answer(prompt)
        with self.lock:
            self.asked += 1
            return answer(prompt) if self.asked == 1 else ABSENT


def test_what_flips_is_told_and_decides_nothing(root, capsys, serve):
    serve(Fickle())
    code, noise = evaluate(root, capsys, REF, "--aa", "--set", "quality", "--concurrency", "1")
    assert code == 0
    flips = {one["what"]: (one["pairs"], one["flips"]) for one in noise["flips"]}
    assert flips["answer"] == flips["resolved"] == flips["facts"] == (8, 1)
    assert flips["status"] == (8, 0)
    found = {one["rule"]: one for one in noise["rules"]}
    resolved = found["quality.resolved_rate_min"]
    assert abs(resolved["difference"]) == pytest.approx(1 / 8)
    assert resolved["outcome"] is None
    cost = found["cost.usd_per_resolved_request_max_increase"]
    assert cost["difference"] != 0
    assert cost["outcome"] == "inconclusive"
    stored = read_run(runs(root)[0])
    assert stored.baseline == stored.candidate
    assert stored.spend.cached_calls == 0
    assert not store_of(Project.open(root)).referrers(stored.candidate.digest, VERDICT)
    assert run(["gate", stored.id, "--no-record", "--project", str(root)]) == 3


def test_a_release_that_says_the_same_twice_has_no_noise(root, capsys, serve):
    serve()
    _, noise = evaluate(root, capsys, REF, "--aa", "--set", "quality")
    assert {one["flips"] for one in noise["flips"]} == {0}
    capsys.readouterr()
    assert run(["evaluate", REF, "--aa", "--set", "quality", "--project", str(root)]) == 0
    assert "flips" in capsys.readouterr().out
    assert run(["runs", "list", "--project", str(root)]) == 0
    assert "A/A" in capsys.readouterr().out


def test_nothing_is_known_of_a_release_that_never_answered(root, monkeypatch):
    monkeypatch.setenv("GATEKEEPER_OPENAI_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(UndecidedError, match="every request ended in an error"):
        run(["evaluate", REF, "--aa", "--set", "quality", "--project", str(root)])
