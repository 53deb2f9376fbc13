"""`gatekeeper serve`: answer requests with what an environment's ledger says is stable."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.options import EnvironmentOption
from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session
from gatekeeper.errors import UsageError


def serve(
    env: EnvironmentOption,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65_535, help="0 takes any free one.")
    ] = 8080,
    engine: Annotated[
        str | None,
        typer.Option("--engine", help="By default the first that the release accepts and is here."),
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option("--records", help="Where records go.", show_default=".gatekeeper/records/ENV"),
    ] = None,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Serve an environment: follow its ledger, swap releases whole, write records.

    Runs until SIGTERM (exit code 0) or Ctrl-C (130). `/readyz` says whether a verified release is
    served, and everything that is wrong.
    """
    try:
        from gatekeeper.runtime import server
    except ModuleNotFoundError as error:
        raise UsageError(
            f"serving needs the package {error.name}", fix="pip install 'gatekeeper[runtime]'"
        ) from None
    from gatekeeper.adapters.records import RotatingRecords
    from gatekeeper.cli.serving import service_of

    session = Session(project, output)
    store = RotatingRecords(records or session.project.state / "records" / env)
    service = service_of(session.project, env, store, engine)
    listener = server.listen(host, port)
    url = _url(host, listener.getsockname()[1])
    _log_to_stderr()
    session.emit({"environment": env, "url": url}, f"serving [bold]{env}[/bold] on {url}")
    sys.stdout.flush()
    try:
        server.run(service, listener)
    finally:
        store.close()


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _log_to_stderr() -> None:
    layout = "%(asctime)s %(levelname)s %(message)s"
    logging.basicConfig(level=logging.INFO, format=layout, stream=sys.stderr)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
