from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from conversations import reply, talk
from gatekeeper.adapters.scorers import open_scoring
from gatekeeper.errors import InputError, RefusedError, UsageError
from scoring_sets import header, project_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gatekeeper.adapters.project import Project
    from gatekeeper.model.evalset import EvalSet


@pytest.fixture
def project(tmp_path):
    return project_at(tmp_path)


@contextmanager
def embeddings(serve: Callable[[str | None, Any], tuple[int, bytes]]) -> Iterator[str]:
    """The address of a real endpoint that answers as `serve` says."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, data = serve(self.headers.get("Authorization"), body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


def scored(project: Project, declared: EvalSet, conversation: Any, **means: Any) -> Any:
    async def run() -> Any:
        async with open_scoring(declared, project, **means) as scoring:
            scores = await scoring.score(conversation)
            return scoring, scores, scoring.resolved(conversation, scores)

    return asyncio.run(run())


def test_the_scorers_of_a_header_score_and_decide(project):
    declared = header("facts", "citations", {"scorer": "regex", "name": "unit", "pattern": "month"})
    answer = reply("24 months [1]", cited=("It is 24 months.",))
    scoring, scores, resolved = scored(project, declared, talk({"contains": ["24 months"]}, answer))
    assert {one.scorer: one.value for one in scores} == {"facts": 1, "citations": 1, "unit": 1}
    assert (scoring.has_outcomes, resolved, scoring.violates(scores)) == (True, True, None)
    assert scoring.fingerprint == {}


def test_what_a_header_gets_wrong_is_told_at_once(project):
    with pytest.raises(InputError) as caught:
        scored(
            project,
            header("facs", {"scorer": "regex", "pattrn": "x"}, {"scorer": "regex", "pattern": "("}),
            talk({}, reply("")),
        )
    told = [str(one).splitlines()[0] for one in caught.value.problems]
    assert len(told) == 4
    assert "there is no scorer 'facs'; did you mean 'facts'?" in told[0]
    assert "scorers[1].pattrn: unknown key 'pattrn'; did you mean 'pattern'?" in told[1]
    assert "scorers[2].pattern: is not an RE2 pattern" in told[2]
    assert "scorers[2]: two scores are called 'regex'" in told[3]


def test_what_decides_can_be_said_in_the_header(project):
    answer = talk({"contains": ["24"], "exact": "24"}, reply("24 months"))
    _, _, resolved = scored(project, header("facts", "exact"), answer)
    assert resolved is False
    _, _, resolved = scored(project, header("facts", "exact", resolved_by=["facts"]), answer)
    assert resolved is True
    informing = {"scorer": "exact", "role": "info"}
    _, _, resolved = scored(project, header("facts", informing), answer)
    assert resolved is True
    breaking = {"scorer": "exact", "role": "policy"}
    scoring, scores, _ = scored(project, header("facts", breaking), answer)
    assert (scoring.has_policy, scoring.violates(scores)) == (True, True)


def test_a_set_that_judges_no_task_has_no_outcome(project):
    scoring, _, resolved = scored(project, header("refusal"), talk({}, reply("24")))
    assert (scoring.has_outcomes, resolved) == (False, None)


def test_a_failed_request_and_a_failed_scorer_resolve_nothing(project):
    failed = talk({"exact": "24"}, reply("24", status="error", refused=None))
    assert scored(project, header("exact"), failed)[2] is False
    broken = {"scorer": "schema", "role": "task"}
    assert scored(project, header(broken), talk({}, reply("{}")))[2] is None
    both = talk({"exact": "24"}, reply("no"))
    assert scored(project, header("exact", broken), both)[2] is False


def test_resolved_by_names_scores_of_the_set(project):
    with pytest.raises(InputError) as caught:
        scored(project, header("facts", resolved_by=["fact"]), talk({}, reply("")))
    assert "the set has no score 'fact'; did you mean 'facts'?" in str(caught.value)


LETTERS = {"scorer": "similarity", "embedder": "letters"}


def test_letters_know_spelling(project):
    def likeness(answer: str) -> float:
        _, scores, _ = scored(project, header(LETTERS), talk({"exact": "It lasts"}, reply(answer)))
        return scores[0].value

    assert likeness("it LASTS") == pytest.approx(1)
    assert likeness("it lasted") > likeness("no way") >= 0
    scoring, _, _ = scored(project, header(LETTERS), talk({"exact": "x"}, reply("x")))
    assert scoring.fingerprint == {"embedder letters": "1"}


def embedder(url: str, **more: Any) -> dict[str, Any]:
    return {"scorer": "similarity", "embedder": {"url": url, "model": "tiny", **more}}


def test_texts_do_not_leave_unless_they_may(project):
    answer = talk({"exact": "x"}, reply("x"))
    with pytest.raises(RefusedError, match="external model calls are not allowed"):
        scored(project, header(embedder("https://api.example/v1")), answer)
    with pytest.raises(UsageError, match="NO_SUCH_KEY is not set"):
        scored(project, header(embedder("http://127.0.0.1:9/v1", key_env="NO_SUCH_KEY")), answer)


def vectors(texts: list[str]) -> bytes:
    rows = [{"index": i, "embedding": [len(text), 1]} for i, text in enumerate(texts)]
    return json.dumps({"data": rows[::-1]}).encode()


def test_an_endpoint_embeds(project, monkeypatch):
    monkeypatch.setenv("TINY_KEY", "k-1")
    seen: list[tuple[str | None, Any]] = []

    def serve(key: str | None, body: Any) -> tuple[int, bytes]:
        seen.append((key, body["model"]))
        return (503, b"") if len(seen) == 1 else (200, vectors(body["input"]))

    with embeddings(serve) as url:
        declared = header(embedder(url, key_env="TINY_KEY"))
        _, scores, _ = scored(project, declared, talk({"exact": "four"}, reply("also")))
    assert scores[0].value == pytest.approx(1)
    assert seen == [("Bearer k-1", "tiny")] * 2


@pytest.mark.parametrize(
    ("status", "data", "message"),
    [
        (200, b"<html>", "does not answer with embeddings"),
        (200, b'{"data": []}', "gave 0 vectors for 2 texts"),
        (200, b'{"data": [{"index": 0, "embedding": ["x"]}]}', "does not answer with"),
        (401, b"", "answers with status 401"),
    ],
)
def test_an_endpoint_that_gives_something_else_is_an_error(project, status, data, message):
    with embeddings(lambda *_: (status, data)) as url:
        declared = header(embedder(url))
        _, (found,), _ = scored(project, declared, talk({"exact": "four"}, reply("also")))
    assert found.value is None
    assert message in found.error


def test_an_endpoint_that_is_not_there_is_an_error(project):
    answer = talk({"exact": "four"}, reply("also"))
    _, (found,), _ = scored(project, header(embedder("http://127.0.0.1:9/v1")), answer)
    assert "no answer" in found.error
