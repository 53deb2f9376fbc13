"""The engine arguments that this engine understands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.core.concurrency import MOST
from gatekeeper.errors import UnavailableError

if TYPE_CHECKING:
    from gatekeeper.model.components import Serving

_FIX: Final = "correct components.serving.engine_args in the manifest and build the release again"


@dataclass(frozen=True, slots=True)
class Options:
    """How the endpoint is asked.

    Attributes:
        stream: Ask for the answer piece by piece, so that the time to the first token is known.
        logprobs: Ask how probable each token was: a router's confidence.
        structured_output: Ask the endpoint to hold the answer to the release's JSON Schema.
        max_concurrency: Requests to the endpoint that may be under way at most.
    """

    stream: bool = True
    logprobs: bool = True
    structured_output: bool = False
    max_concurrency: int = MOST

    @classmethod
    def of(cls, serving: Serving) -> Options:
        """Those of a release; raises `UnavailableError` when one has a wrong type."""
        args = serving.engine_args
        switches = {}
        for name in ("stream", "logprobs", "structured_output"):
            value = args.get(name, getattr(cls(), name))
            if not isinstance(value, bool):
                raise UnavailableError(
                    f"{name} is {value!r}; accepted are true and false", fix=_FIX
                )
            switches[name] = value
        most = args.get("max_concurrency", MOST)
        if type(most) is not int or most < 1:
            raise UnavailableError(
                f"max_concurrency is {most!r}; accepted are numbers from 1", fix=_FIX
            )
        return cls(**switches, max_concurrency=most)
