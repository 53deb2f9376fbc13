"""What vLLM's processes inherit, shown on processes that anything could start."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gatekeeper.adapters.engines.vllm.surroundings import (
    Reaper,
    deaf_to_interruption,
    environment,
)

BLOCKED = 1 << (signal.SIGINT - 1)
KILLED = """
import subprocess, sys
from gatekeeper.adapters.engines.vllm.surroundings import Reaper
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
reaper = Reaper([child.pid])
print(child.pid, flush=True)
sys.stdin.read()
"""


def mask(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("SigBlk")).split()[1], 16)


def gone(pid: int) -> bool:
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


def until(holds, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def test_variables_are_as_they_were(monkeypatch):
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "DEBUG")
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.delenv("VLLM_LOGGING_STREAM", raising=False)
    before = dict(os.environ)
    with environment():
        assert os.environ["VLLM_LOGGING_LEVEL"] == "DEBUG"
        assert os.environ["VLLM_LOGGING_STREAM"] == "ext://sys.stderr"
        assert os.environ["HF_HUB_OFFLINE"] == "1"
        assert os.environ["VLLM_NO_USAGE_STATS"] == "1"
        os.environ["LD_PRELOAD"] = "libnothing.so"
        del os.environ["VLLM_LOGGING_LEVEL"]
    assert dict(os.environ) == before


def test_variables_are_as_they_were_when_loading_fails():
    before = dict(os.environ)
    with pytest.raises(RuntimeError), environment():
        raise RuntimeError
    assert dict(os.environ) == before


def test_a_process_that_is_started_meanwhile_never_sees_an_interruption():
    spawn = multiprocessing.get_context("spawn")
    with deaf_to_interruption():
        child = spawn.Process(target=time.sleep, args=(60,), daemon=True)
        child.start()
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        assert mask(child.pid) & BLOCKED
        os.kill(child.pid, signal.SIGINT)
        time.sleep(0.2)
        assert child.is_alive()
        os.kill(child.pid, signal.SIGTERM)
        child.join(10)
        assert child.exitcode == -signal.SIGTERM
    finally:
        child.kill()


def test_what_was_started_ends_when_we_are_killed():
    with subprocess.Popen(
        [sys.executable, "-c", KILLED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        child = int(parent.stdout.readline())
        assert not gone(child)
        parent.send_signal(signal.SIGKILL)
    until(lambda: gone(child))


def test_a_reaper_that_is_dismissed_harms_nobody():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        reaper = Reaper([other.pid])
        reaper.dismiss()
        assert gone(reaper._process.pid)
        assert other.poll() is None
        other.kill()


def test_a_reaper_is_not_in_our_group_and_survives_its_signals():
    reaper = Reaper([])
    assert os.getpgid(reaper._process.pid) != os.getpgrp()
    reaper.dismiss()
