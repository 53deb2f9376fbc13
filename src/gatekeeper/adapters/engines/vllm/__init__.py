"""vLLM in this process's care: its engine core runs in processes of its own (`AsyncLLM`, V1)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.engines.listed import refuse_unlisted
from gatekeeper.adapters.engines.vllm.arguments import switched_on
from gatekeeper.adapters.engines.vllm.engine import VllmEngine
from gatekeeper.adapters.engines.vllm.loading import load
from gatekeeper.adapters.machine import read_version
from gatekeeper.errors import UnavailableError, UsageError
from gatekeeper.model.components import Sampling
from gatekeeper.ports import Message

if TYPE_CHECKING:
    from gatekeeper.adapters.engines.seat import Seat
    from gatekeeper.adapters.engines.vllm.loading import Loaded
    from gatekeeper.model.components import Serving

WARM_UP_SECONDS: Final = 600.0
ANYTHING: Final = {"type": "object"}
WARM_UP: Final = (Message("user", "Hello"),)


def installed(serving: Serving) -> str:  # noqa: ARG001 - part of the interface
    """The installed version of vLLM, found without importing it."""
    found = read_version("vllm", "_version.py")
    if found is None:
        raise UnavailableError("vLLM is not installed", fix="pip install 'gatekeeper[vllm]'")
    return found


async def open_engine(seat: Seat) -> VllmEngine:
    """Load a model into vLLM, from files that were verified, and let it generate.

    The first request of a process compiles and allocates for seconds, and so does the first that
    is held to a schema. No request of a release should pay for that out of its time limit.

    Raises:
        IntegrityError: Files lie beside the verified ones that vLLM could read.
        UnavailableError: vLLM cannot load the model.
        UsageError: An engine argument is unknown, or no rule chooses between adapters.
    """
    if seat.files is None or seat.tokenizer is None:
        raise UnavailableError(
            f"the model {seat.name!r} is hosted elsewhere", fix="serve it with --engine openai"
        )
    refuse_unlisted(seat.name, seat.files)
    adapter = _adapter(seat)
    loading = asyncio.ensure_future(asyncio.to_thread(load, seat, str(seat.files.root)))
    try:
        loaded = await asyncio.shield(loading)
    except asyncio.CancelledError:
        # The thread cannot be stopped; what it leaves behind can.
        loading.add_done_callback(_end)
        raise
    guided = switched_on(seat.serving, "structured_output")
    engine = VllmEngine(
        loaded,
        seat.tokenizer,
        logprobs=switched_on(seat.serving, "logprobs"),
        guided=guided,
        adapter=adapter,
    )
    try:
        for schema in (None, ANYTHING) if guided else (None,):
            await engine.generate(
                WARM_UP, Sampling(max_tokens=2), timeout=WARM_UP_SECONDS, json_schema=schema
            )
    except BaseException:
        await engine.close()
        raise
    return engine


def _end(loading: asyncio.Future[Loaded]) -> None:
    if not loading.cancelled() and loading.exception() is None:
        loading.result().end()


def _adapter(seat: Seat) -> Any:
    """The adapter, as vLLM names it, that every request goes through."""
    if not seat.adapters:
        return None
    if len(seat.adapters) > 1:
        raise UsageError(
            f"the model {seat.name!r} has the adapters {', '.join(seat.adapters)}, and nothing "
            "says which one a request goes through",
            fix="give each its own named model, with one adapter",
        )
    from vllm.lora.request import LoRARequest

    [(name, files)] = seat.adapters.items()
    refuse_unlisted(f"{seat.name}/{name}", files)
    return LoRARequest(name, 1, str(files.root))
