"""The process that MLflow lives in: an order on standard input, an answer on standard output."""

from __future__ import annotations

import os
import sys
from typing import Final

from gatekeeper.model.base import Frozen
from gatekeeper.model.tracking import Receipt, Tracked

OLDEST: Final = (3, 10)
"""The first version of MLflow known to take traces as they are sent here."""


class Order(Frozen):
    """What to send where. It comes by standard input, since arguments are there for all to see."""

    uri: str
    experiment: str
    tracked: Tracked


class Answer(Frozen):
    """What became of it."""

    receipt: Receipt | None = None
    error: str = ""
    fix: str = ""


def carry_out(order: Order) -> Answer:
    """Send it, and answer whatever happens."""
    try:
        import mlflow

        if tuple(int(part) for part in mlflow.__version__.split(".")[:2]) < OLDEST:
            oldest = ".".join(map(str, OLDEST))
            return Answer(
                error=f"MLflow {mlflow.__version__} is installed, and {oldest} or later is needed",
                fix="pip install 'gatekeeper[mlflow]'",
            )
        from gatekeeper.adapters.tracking.mlflow import MlflowTracker

        tracker = MlflowTracker(order.uri, order.experiment)
        return Answer(receipt=tracker.send(order.tracked))
    except ImportError as error:
        return Answer(
            error=f"MLflow cannot be loaded: {error}", fix="pip install 'gatekeeper[mlflow]'"
        )
    except Exception as error:  # noqa: BLE001 - the boundary of this process
        return Answer(error=str(error) or type(error).__name__)


def main() -> None:
    """One order. What MLflow prints goes to standard error, so that the answer is alone."""
    answers = os.dup(1)
    os.dup2(2, 1)
    order = Order.model_validate_json(sys.stdin.buffer.read())
    with os.fdopen(answers, "wb") as stream:
        stream.write(carry_out(order).model_dump_json().encode())
        stream.flush()
    # MLflow's hooks at exit would wait for queues that hold nothing of ours.
    os._exit(0)


if __name__ == "__main__":
    main()
