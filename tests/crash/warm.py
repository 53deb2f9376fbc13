"""A process that has imported everything, and forks one command line at a time.

Reads lines of JSON, ``[OUTPUT, ARGUMENT, ...]``, from stdin. For each it forks, says the process id
of the child, and after the child has ended, how. The child stops itself first, so that a tracer can
be attached.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys

from gatekeeper.cli.main import main

PR_SET_PTRACER = 0x59616D61
PTRACER_ANY = -1


def child(output: str, arguments: list[str]) -> None:
    """Become one invocation of the command line."""
    # Where Yama restricts ptrace, the tracer is no ancestor of ours and has to be allowed.
    ctypes.CDLL(None).prctl(PR_SET_PTRACER, ctypes.c_ulong(PTRACER_ANY), 0, 0, 0)
    stdin = os.open(os.devnull, os.O_RDONLY)
    handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for target, source in ((0, stdin), (1, handle), (2, handle)):
        os.dup2(source, target)
    sys.argv = ["gatekeeper", *arguments]
    os.kill(os.getpid(), signal.SIGSTOP)
    main()


def preload() -> None:
    """Import what the verbs import when they run."""
    import gatekeeper.adapters.policies
    import gatekeeper.adapters.scaffold
    import gatekeeper.cli.environments
    import gatekeeper.ops.rollback
    import gatekeeper.report.promotion  # noqa: F401


def serve() -> None:
    """Until stdin ends."""
    for line in iter(sys.stdin.readline, ""):
        output, *arguments = json.loads(line)
        pid = os.fork()
        if pid == 0:
            child(output, arguments)
        print(pid, flush=True)  # noqa: T201
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


if __name__ == "__main__":
    preload()
    serve()
