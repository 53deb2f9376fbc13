"""MLflow in a process of its own: slow to start, apt to wait for minutes, and never ours to join.

A child can be killed when its time is over, and whatever MLflow does to logging, warnings, standard
output and the end of a process stays there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from gatekeeper.adapters.tracking.child import Answer, Order
from gatekeeper.adapters.tracking.target import redacted
from gatekeeper.errors import UnavailableError

if TYPE_CHECKING:
    from gatekeeper.adapters.tracking.target import Target
    from gatekeeper.model.tracking import Receipt, Tracked

_CHILD: Final = "gatekeeper.adapters.tracking.child"
_ALWAYS: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false",
    "MLFLOW_ENABLE_OTLP_EXPORTER": "false",
    "MLFLOW_TRACE_SAMPLING_RATIO": "1.0",
    "GIT_PYTHON_REFRESH": "quiet",
}
_UNLESS_SET: Final = {
    # MLflow's own defaults wait for four minutes where nothing listens.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
}
_WHOLE: Final = 400


class MlflowProcess:
    """Sends runs to MLflow, each within the time that the target allows."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def send(self, tracked: Tracked) -> Receipt:
        """Send a run, or what MLflow lacks of it.

        Raises:
            UnavailableError: MLflow is absent, refuses, or takes too long. What it has of the run
                by then is found again by the next try.
        """
        target = self._target
        order = Order(uri=target.uri, experiment=target.experiment, tracked=tracked)
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", _CHILD],
                input=order.model_dump_json().encode(),
                capture_output=True,
                timeout=target.timeout,
                env={**_UNLESS_SET, **os.environ, **_ALWAYS},
                start_new_session=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            what = f"did not take the run within {target.timeout:g} s"
            fix = "see whether it answers; `gatekeeper runs sync --timeout` waits for longer"
            raise UnavailableError(what, where=target.shown, fix=fix) from None
        return self._receipt(done)

    def _receipt(self, done: subprocess.CompletedProcess[bytes]) -> Receipt:
        try:
            answer = Answer.model_validate_json(done.stdout)
        except ValidationError:
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            answer = Answer(error=f"MLflow's process ended with {done.returncode}: {''.join(last)}")
        if answer.receipt is None:
            what = redacted(" ".join(answer.error.split()))[:_WHOLE]
            raise UnavailableError(what, where=self._target.shown, fix=answer.fix)
        return answer.receipt
