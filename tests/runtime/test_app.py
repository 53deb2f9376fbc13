"""The service on a real port: what it answers, refuses and says of itself."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from desks import Running, digest_of, serving
from gatekeeper.errors import UnavailableError, UsageError
from gatekeeper.model.envelope import ResponseEnvelope
from gatekeeper.model.record import CallRow, OutcomeRow, RequestRow
from gatekeeper.runtime import app
from gatekeeper.runtime.server import listen

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REQUEST = {"requestId": "r1", "tenantId": "acme", "userId": "u1", "input": "hello"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("desk")) as running:
        yield running


def test_an_envelope_is_answered_with_an_envelope(desk: Running) -> None:
    reply = desk.ask("hello")
    found = ResponseEnvelope.model_validate_json(json.dumps(reply.body))
    assert (reply.status, found.answer, found.serial) == (200, "a: hello", 1)
    assert reply.headers["x-gatekeeper-release"] == found.release == digest_of("a")
    assert reply.headers["x-gatekeeper-serial"] == "1"
    assert reply.headers["x-gatekeeper-status"] == "ok"
    assert reply.headers["x-request-id"] == "r1"


def test_a_refusal_is_an_answer(desk: Running) -> None:
    reply = desk.ask("forbidden")
    assert (reply.status, reply.body["status"]) == (200, "blocked")


def test_an_engine_that_is_down_is_503_with_the_envelope(desk: Running) -> None:
    reply = desk.ask("down")
    assert (reply.status, reply.body["requestId"]) == (503, "r1")


def test_chat_completions(desk: Running) -> None:
    body = {"model": "any", "messages": [{"role": "user", "content": "hello"}]}
    reply = desk.post("/v1/chat/completions", body, x_request_id="r9", x_gatekeeper_tenant="acme")
    assert reply.status == 200
    assert reply.body["object"] == "chat.completion"
    assert reply.body["model"] == f"desk@{digest_of('a')}"
    assert reply.body["choices"][0]["message"]["content"] == "a: hello"
    assert reply.body["usage"]["total_tokens"] == 5
    assert reply.body["gatekeeper"]["release"] == reply.headers["x-gatekeeper-release"]
    assert reply.headers["x-request-id"] == "r9"


def test_a_stream_is_refused(desk: Running) -> None:
    body = {"messages": [{"role": "user", "content": "hello"}], "stream": True}
    reply = desk.post("/v1/chat/completions", body)
    assert (reply.status, reply.body["error"]["type"]) == (400, "invalid_request_error")
    assert "streaming" in reply.body["error"]["message"]


def test_problems_are_located(desk: Running) -> None:
    reply = desk.post("/v1/requests", {**REQUEST, "inputs": "x", "deadlineMs": "5"})
    assert reply.status == 400
    error = reply.body["error"]
    assert error["code"] == "bad-input"
    assert {problem["path"] for problem in error["problems"]} == {"inputs", "deadlineMs"}
    assert error["problems"][-1]["nearest"] == "input"
    syntax = desk.post("/v1/requests", b'{"requestId":\n nope}').body["error"]["problems"][0]
    assert (syntax["line"], syntax["column"]) == (2, 3)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON;charset=UTF-8", 200),
        ("application/json; charset=latin-1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
    ],
)
def test_content_types(desk: Running, kind: str, status: int) -> None:
    reply = desk.post("/v1/requests", REQUEST, content_type=kind)
    assert reply.status == status
    if status != 200:
        assert reply.body["error"]["fix"] == "send application/json in UTF-8"


def test_a_compressed_body_is_refused(desk: Running) -> None:
    assert desk.post("/v1/requests", b"x", content_encoding="gzip").status == 415


def test_a_large_body_is_refused_by_its_declared_length(desk: Running) -> None:
    client = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=5)
    client.putrequest("POST", "/v1/requests")
    client.putheader("content-type", "application/json")
    client.putheader("content-length", str(1 << 40))
    client.endheaders()
    reply = client.getresponse()
    assert reply.status == 413
    assert "larger than" in json.loads(reply.read())["error"]["message"]
    client.close()


def test_a_large_body_is_refused_while_it_comes(desk: Running) -> None:
    client = http.client.HTTPConnection("127.0.0.1", desk.port, timeout=5)
    parts = (b" " * 65536 for _ in range(34))
    client.request(
        "POST", "/v1/requests", parts, {"content-type": "application/json"}, encode_chunked=True
    )
    assert client.getresponse().status == 413
    client.close()


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/", None, 404, "not found"),
        ("/v1/requests", None, 405, "method not allowed"),
        ("/readyz", b"{}", 405, "method not allowed"),
    ],
)
def test_other_paths_and_methods(
    desk: Running, path: str, body: bytes | None, status: int, says: str
) -> None:
    reply = desk.post(path, body) if body else desk.get(path)
    assert reply.status == status
    assert says in reply.body["error"]["message"]


def test_a_bug_is_a_500_and_the_service_goes_on(desk: Running) -> None:
    reply = desk.ask("bug")
    assert (reply.status, reply.body["error"]["message"]) == (500, "a bug: ZeroDivisionError")
    assert desk.ask("hello").status == 200


def test_a_client_that_leaves_is_no_bug(desk: Running, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_connection(("127.0.0.1", desk.port)) as client:
        head = "POST /v1/requests HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        client.sendall(f"{head}content-length: 100\r\n\r\n{{".encode())
        time.sleep(0.1)
    time.sleep(0.1)
    assert desk.ask("hello").status == 200
    assert "Exception" not in caplog.text


def test_too_many_at_once_are_told_to_come_back(
    desk: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "MOST_IN_FLIGHT", 0)
    reply = desk.ask("hello")
    assert (reply.status, reply.headers["retry-after"]) == (503, "1")
    assert reply.body["error"]["code"] == "unavailable"


def test_what_it_says_of_itself(desk: Running) -> None:
    assert desk.get("/healthz").body == {"status": "alive"}
    ready = desk.get("/readyz")
    assert (ready.status, ready.body["ready"], ready.body["problems"]) == (200, True, [])
    found = desk.get("/v1/release").body
    assert (found["release"], found["serial"], found["name"]) == (digest_of("a"), 1, "desk")
    assert found["components"] == {"prompt": digest_of("a")}
    assert (found["since"], found["actor"]) == ("2026-11-21T00:00:00Z", "ann")
    assert (found["lastError"], found["swaps"], found["inFlight"]) == (None, 1, 0)


def test_every_request_is_recorded(tmp_path: Path) -> None:
    with serving(tmp_path) as desk:
        for index in range(20):
            desk.ask("hello", requestId=f"r{index}")
    requests = [row for row in desk.shelf.rows if isinstance(row, RequestRow)]
    calls = [row for row in desk.shelf.rows if isinstance(row, CallRow)]
    assert [row.request_id for row in requests] == [f"r{index}" for index in range(20)]
    assert {(row.lane, row.serial, row.workload) for row in requests} == {("stable", 1, "answers")}
    assert len(calls) == 20


def test_outcomes_are_recorded(tmp_path: Path) -> None:
    with serving(tmp_path) as desk:
        body = {"requestId": "r1", "resolved": True, "dissatisfied": False}
        reply = desk.post("/v1/outcomes", body)
        assert (reply.status, reply.body) == (202, {"requestId": "r1"})
        empty = desk.post("/v1/outcomes", {"requestId": "r1"})
        assert (empty.status, "says nothing" in empty.body["error"]["message"]) == (400, True)
    (row,) = desk.shelf.rows
    assert isinstance(row, OutcomeRow)
    assert (row.request_id, row.source) == ("r1", "feedback")
    assert (row.resolved, row.follow_up, row.dissatisfied) == (True, None, False)


def test_a_full_disk_is_said_and_serving_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path) as desk:
        desk.shelf.full = True
        assert desk.ask("hello").status == 200
        status, problem = desk.problem()
        assert (status, problem["part"], problem["waiting"]) == (200, "records", 2)
        assert "No space left" in problem["what"]
        desk.shelf.full = False
    assert len(desk.shelf.rows) == 2


def test_nothing_promoted_is_not_ready(tmp_path: Path) -> None:
    with serving(tmp_path, "") as desk:
        status, problem = desk.problem()
        assert (status, problem["what"]) == (503, "no release has been promoted")
        assert desk.get("/v1/release").status == 503
        assert desk.get("/healthz").status == 200
        reply = desk.ask("hello")
        assert (reply.status, reply.body["error"]["message"]) == (503, "no release is loaded")
        desk.books.letters = "b"
        desk.until("b")
        assert desk.ask("hello").body["answer"] == "b: hello"


def test_a_bad_head_is_said_while_the_last_good_one_serves(tmp_path: Path) -> None:
    with serving(tmp_path) as desk:
        desk.books.bad = {2}
        desk.books.letters = "ab"
        status, problem = desk.problem()
        assert (status, problem["part"], problem["serial"]) == (200, "ledger", 2)
        assert problem["code"] == "integrity"
        assert "signature" in desk.get("/v1/release").body["lastError"]["what"]
        assert desk.ask("hello").body["answer"] == "a: hello"


def test_a_request_is_served_by_the_release_it_began_with(tmp_path: Path) -> None:
    with serving(tmp_path) as desk:
        found: list[Any] = []
        thread = threading.Thread(target=lambda: found.append(desk.ask("sleep 1.0")))
        thread.start()
        time.sleep(0.2)
        desk.books.letters = "ab"
        desk.until("b")
        assert desk.ask("hello").body["answer"] == "b: hello"
        thread.join()
        assert found[0].body["answer"] == "a: sleep 1.0"
        assert (
            found[0].body["release"] == found[0].headers["x-gatekeeper-release"] == digest_of("a")
        )


def test_stopping_lets_requests_end(tmp_path: Path) -> None:
    found: list[Any] = []
    with serving(tmp_path) as desk:
        thread = threading.Thread(target=lambda: found.append(desk.ask("sleep 0.5")))
        thread.start()
        time.sleep(0.2)
    thread.join()
    assert found[0].status == 200
    assert len(desk.shelf.rows) == 2


def test_a_taken_port_is_told() -> None:
    with (
        listen("127.0.0.1", 0) as first,
        pytest.raises(UnavailableError, match="cannot listen on port"),
    ):
        listen("127.0.0.1", first.getsockname()[1])


@pytest.mark.parametrize("host", ["no such host", "192.0.2.1", "::zz"])
def test_a_host_that_is_not_here_is_told(host: str) -> None:
    with pytest.raises(UsageError, match="cannot listen"):
        listen(host, 0)
