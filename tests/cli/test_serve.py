"""`gatekeeper serve` as people run it: a process, a real ledger, real damage."""

from __future__ import annotations

import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import damage
from desks import call
from gatekeeper.cli.main import run
from gatekeeper.errors import UnavailableError, UsageError
from stages import advance, make_stage, process
from written import written

if TYPE_CHECKING:
    from pathlib import Path

    from delivery import Delivery


@pytest.fixture
def stage(tmp_path: Path) -> Delivery:
    return make_stage(tmp_path)


def rows(stage: Delivery) -> list[dict[str, Any]]:
    return written(stage.project.state / "records" / "local")


def test_it_follows_the_ledger_and_ends_cleanly(tmp_path: Path) -> None:
    stage = make_stage(tmp_path, 0)
    with process(stage.root) as service:
        assert service.until_problem()["problems"][0]["what"] == "no release has been promoted"
        assert service.lookup().status == 503
        for release in (stage.v1, stage.v2, stage.v1):
            service.until_serial(advance(stage))
            reply = service.lookup()
            assert (reply.status, reply.body["release"]) == (200, release)
        found = service.get("/v1/release").body
        assert (found["action"], found["actor"], found["keyringVersion"]) == ("rollback", "ada", 1)
        assert service.stop() == 0
    assert [row["serial"] for row in rows(stage)] == [1, 2, 3]
    assert {row["workload"] for row in rows(stage)} == {"support_answers"}


def test_a_bad_head_is_refused_and_the_old_release_goes_on(stage: Delivery) -> None:
    with process(stage.root) as service:
        service.until_serial(1)
        with service.held():
            advance(stage)
            damage.unsigned_entry(stage)
        found = service.until_problem()
        assert (found["ready"], found["serial"], found["release"]) == (True, 1, stage.v1)
        assert found["problems"][0]["code"] == "integrity"
        assert service.lookup().body["release"] == stage.v1
        assert service.get("/v1/release").body["refusedHeads"] == 1
        assert service.log.read_text().count("refused: ") == 1


def test_a_ledger_that_goes_back_is_refused_by_this_process_and_the_next(tmp_path: Path) -> None:
    stage = make_stage(tmp_path, 2)
    with process(stage.root) as service:
        service.until_serial(2)
        (stage.ledger() / "00000002.json").unlink()
        found = service.until_problem()
        assert "went back" in found["problems"][0]["what"]
        assert found["serial"] == 2
    with process(stage.root) as service:
        found = service.until_problem()
        assert (found["ready"], found["serial"]) == (False, None)
        assert "went back" in found["problems"][0]["what"]


def test_after_a_kill_under_a_bad_head_the_last_good_entry_is_served(stage: Delivery) -> None:
    with process(stage.root) as service:
        service.until_serial(1)
        assert service.lookup().status == 200
        time.sleep(0.2)
        assert service.stop(signal.SIGKILL) == -signal.SIGKILL
    assert len(rows(stage)) == 1
    advance(stage)
    damage.unsigned_entry(stage)
    with process(stage.root) as service:
        found = service.until_serial(1)
        assert found["problems"][0]["code"] == "integrity"
        assert service.lookup().body["release"] == stage.v1


def test_two_services_follow_one_ledger(stage: Delivery) -> None:
    with process(stage.root) as one, process(stage.root) as other:
        one.until_serial(1)
        other.until_serial(1)
        advance(stage)
        assert one.until_serial(2)["release"] == other.until_serial(2)["release"] == stage.v2


def test_two_services_need_two_ports(stage: Delivery) -> None:
    with process(stage.root) as service:
        command = ["serve", "--env", "local", "--project", str(stage.root)]
        with pytest.raises(UnavailableError, match="cannot listen on port"):
            run([*command, "--port", str(service.port)])


def test_an_environment_that_is_not_there_is_told(stage: Delivery) -> None:
    with pytest.raises(UsageError, match="there is no environment 'moon'"):
        run(["serve", "--env", "moon", "--project", str(stage.root)])


def test_a_package_that_is_missing_is_named(
    stage: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "gatekeeper.runtime.server", raising=False)
    monkeypatch.delattr("gatekeeper.runtime.server", raising=False)
    with pytest.raises(UsageError, match="needs the package uvicorn") as caught:
        run(["serve", "--env", "local", "--project", str(stage.root)])
    assert "gatekeeper[runtime]" in caught.value.fix


def test_requests_in_flight_end_before_the_process_does(stage: Delivery) -> None:
    statuses: list[int] = []
    with process(stage.root) as service:
        service.until_serial(1)

        def ask() -> None:
            try:
                while True:
                    statuses.append(service.lookup().status)
            except OSError:
                return

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        assert service.stop() == 0
        for thread in threads:
            thread.join()
    assert set(statuses) == {200}
    assert len(rows(stage)) == len(statuses)


def test_interruption_exits_130(stage: Delivery) -> None:
    with process(stage.root) as service:
        service.get("/healthz")
        assert service.stop(signal.SIGINT) == 130


def test_an_engine_that_is_down_is_503(stage: Delivery) -> None:
    with process(stage.root) as service:
        service.until_serial(1)
        body = {"messages": [{"role": "user", "content": "How much?"}]}
        reply = call(service.port, "/v1/chat/completions", body)
        assert reply.status == 503
        assert reply.body["gatekeeper"]["release"] == stage.v1
