"""uvicorn around the application: one socket, a graceful end."""

from __future__ import annotations

import errno
import signal
import socket
from typing import TYPE_CHECKING

import uvicorn

from gatekeeper.errors import UnavailableError, UsageError
from gatekeeper.runtime.app import application

if TYPE_CHECKING:
    from gatekeeper.runtime.app import Service

BACKLOG = 2048
KEEP_ALIVE = 75


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    Raises:
        UnavailableError: The port is taken, or not for everybody.
        UsageError: The host is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        what = f"cannot listen on port {port} of {host}: {error.strerror}"
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            fix = "stop the other process, or choose another --port"
            raise UnavailableError(what, fix=fix) from None
        raise UsageError(what, fix="name an address of this machine with --host") from None


def server(service: Service) -> uvicorn.Server:
    """uvicorn, set up for one service."""
    config = uvicorn.Config(
        application(service),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=max(1, round(service.drain_seconds)),
    )
    return uvicorn.Server(config)


def run(service: Service, listener: socket.socket) -> None:
    """Serve until SIGTERM (returns) or SIGINT (raises `KeyboardInterrupt`).

    The listener closes first, requests in flight get `service.drain_seconds`, then the records
    are written.
    """
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises the signal again at the end
    server(service).run(sockets=[listener])
