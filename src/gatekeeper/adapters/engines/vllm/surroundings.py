"""What vLLM's processes inherit from ours while they are started, and nothing after that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

QUIET: Final = {
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
}
"""Set unless somebody has set them: stdout is for our own documents."""
PRIVATE: Final = {
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
}
"""Always set: nothing is reported, and nothing is fetched."""
REAPER: Final = """
import os, signal, sys
sys.stdin.buffer.read()
for pid in map(int, sys.argv[1:]):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""


@contextmanager
def environment() -> Iterator[None]:
    """Environment variables for vLLM; all are as they were when it ends, vLLM's own too."""
    before = dict(os.environ)
    os.environ.update({**QUIET, **before, **PRIVATE})
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def deaf_to_interruption() -> Iterator[None]:
    """Let the processes that this thread starts never see SIGINT.

    A Ctrl-C goes to every process of the terminal's group, and vLLM's would end at once, while the
    requests in flight are to be finished. A blocked signal stays blocked in a process's children,
    whatever handlers they install. SIGTERM still ends them.
    """
    from multiprocessing import resource_tracker

    # Starting it later would lift the block: it sets this thread's mask for its own purposes.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Reaper:
    """Ends vLLM's processes when ours is gone without having closed them.

    vLLM's core does not notice that its parent was killed, and would keep the model in memory. A
    small process of our own waits for the end of a pipe that dies with us.
    """

    def __init__(self, pids: Sequence[int]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this program, with numbers
            [sys.executable, "-I", "-S", "-c", REAPER, *map(str, pids)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        """The processes have ended: let it go before their numbers belong to others."""
        self._process.kill()
        self._process.communicate()
