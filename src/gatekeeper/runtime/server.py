"""uvicorn around the application: one socket, a graceful end."""

from __future__ import annotations

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
        UsageError: The host or the port does not exist.
        UnavailableError: The port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (socket.gaierror, OverflowError) as error:
        raise UsageError(f"cannot listen on {host} port {port}: {error}") from None
    except OSError as error:
        raise UnavailableError(
            f"cannot listen on port {port}: {error.strerror}",
            where=host,
            fix="stop the other process, or choose another --port",
        ) from None


def run(service: Service, listener: socket.socket) -> None:
    """Serve until SIGTERM (returns) or SIGINT (raises `KeyboardInterrupt`).

    The listener closes first, requests in flight get `service.drain_seconds`, then the records
    are written.
    """
    signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn raises the signal again at the end
    config = uvicorn.Config(
        application(service),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=max(1, round(service.drain_seconds)),
    )
    uvicorn.Server(config).run(sockets=[listener])
