"""A model in vLLM's processes: started, looked at, and ended with everything that it started."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.engines.vllm.arguments import arguments_of
from gatekeeper.adapters.engines.vllm.surroundings import (
    Reaper,
    deaf_to_interruption,
    environment,
)
from gatekeeper.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.adapters.engines.seat import Seat

GRACE: Final = 10.0
"""Seconds that vLLM's processes have to end by themselves."""
COMPONENT: Final = "vllm"


class Usage:
    """What vLLM's scheduler last said of its KV cache; the shape is that of its stat loggers."""

    def __init__(self) -> None:
        self.kv_cache: float | None = None

    def __call__(self, config: object, engine_index: int = 0) -> Usage:  # noqa: ARG002
        """The factory that vLLM asks for."""
        return self

    def record(self, scheduler_stats: Any = None, *_: object, **__: object) -> None:
        """One step of the scheduler."""
        if scheduler_stats is not None:
            self.kv_cache = float(scheduler_stats.kv_cache_usage)

    def log(self) -> None:
        """Nothing is printed."""

    def log_engine_initialized(self) -> None:
        """Nothing is printed."""

    def record_sleep_state(self, *_: object, **__: object) -> None:
        """It never sleeps."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that vLLM serves.

    Attributes:
        core: vLLM's `AsyncLLM`.
        usage: Follows its scheduler.
        pids: Of its processes that we would have to end.
        reaper: Ends them if ours dies first.
        fingerprint: What it runs on.
    """

    core: Any
    usage: Usage
    pids: tuple[int, ...]
    reaper: Reaper
    fingerprint: Mapping[str, str]

    def end(self) -> None:
        """End vLLM's processes; takes up to `GRACE` seconds."""
        try:
            self.core.shutdown(timeout=GRACE)
            # It shuts down again when it is collected, which at exit fails for want of modules.
            self.core.shutdown = lambda *_, **__: None
        finally:
            self.reaper.dismiss()


def load(seat: Seat, root: str) -> Loaded:
    """Start vLLM with a model; takes half a minute, so it is for a thread.

    Raises:
        UsageError: An engine argument is unknown or of the wrong type.
        UnavailableError: vLLM cannot load the model.
    """
    with environment():
        import torch

        gpu = torch.cuda.is_available()
        arguments = arguments_of(seat.serving, gpu=gpu)
        if seat.adapters:
            arguments["enable_lora"] = True
        usage = Usage()
        try:
            core = _start({**arguments, "model": root, "tokenizer": root}, usage)
        except (AssertionError, OSError, RuntimeError, TypeError, ValueError) as error:
            raise UnavailableError(
                f"vLLM cannot load the model {seat.name!r}: {_last_line(error)}",
                where=root,
                fix="see what vLLM wrote above; VLLM_LOGGING_LEVEL=INFO says more",
            ) from error
    pids = _pids(core)
    return Loaded(core, usage, pids, Reaper(pids), _fingerprint(core.vllm_config))


def _start(arguments: Mapping[str, Any], usage: Usage) -> Any:
    from vllm import AsyncEngineArgs
    from vllm.v1.engine.async_llm import AsyncLLM

    prepared = AsyncEngineArgs(
        **arguments,
        disable_log_stats=True,
        trust_remote_code=False,
        use_tqdm_on_load=False,
    )
    with deaf_to_interruption():
        return AsyncLLM.from_engine_args(prepared, stat_loggers=[usage])


def _pids(core: Any) -> tuple[int, ...]:
    """Of the processes that vLLM started; none where something else starts them, as Ray does."""
    manager = core.engine_core.resources.engine_manager
    return tuple(process.pid for process in getattr(manager, "processes", ()))


def _fingerprint(config: Any) -> dict[str, str]:
    """What answers may depend on, from vLLM's own configuration."""
    import torch
    import vllm

    from gatekeeper.adapters.machine import machine

    parallel, model = config.parallel_config, config.model_config
    found = {
        "engine": COMPONENT,
        "version": vllm.__version__,
        "torch": str(torch.__version__),
        "dtype": str(model.dtype).removeprefix("torch."),
        "quantization": str(model.quantization or "none"),
        "kv_cache_dtype": str(config.cache_config.cache_dtype),
        "max_model_len": str(model.max_model_len),
        "tensor_parallel_size": str(parallel.tensor_parallel_size),
        "pipeline_parallel_size": str(parallel.pipeline_parallel_size),
        "prefix_caching": str(bool(config.cache_config.enable_prefix_caching)).lower(),
        "eager": str(bool(model.enforce_eager)).lower(),
    }
    with suppress(AttributeError):
        found["attention_backend"] = config.attention_config.backend.name
    return found | machine().fingerprint()


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1] if lines else 'no reason given'}"
