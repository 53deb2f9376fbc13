"""Engine arguments of a release as vLLM's: those that are allowed, each of its type."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.model.components import Serving

PASSED_ON: Final[Mapping[str, type]] = {
    "async_scheduling": bool,
    "attention_backend": str,
    "block_size": int,
    "cpu_offload_gb": float,
    "disable_cascade_attn": bool,
    "disable_custom_all_reduce": bool,
    "disable_sliding_window": bool,
    "distributed_executor_backend": str,
    "dtype": str,
    "enable_chunked_prefill": bool,
    "enable_expert_parallel": bool,
    "enable_lora": bool,
    "enable_prefix_caching": bool,
    "enforce_eager": bool,
    "fully_sharded_loras": bool,
    "gpu_memory_utilization": float,
    "kv_cache_dtype": str,
    "kv_cache_memory_bytes": int,
    "load_format": str,
    "long_prefill_token_threshold": int,
    "max_cpu_loras": int,
    "max_lora_rank": int,
    "max_loras": int,
    "max_model_len": int,
    "max_num_batched_tokens": int,
    "max_num_seqs": int,
    "num_gpu_blocks_override": int,
    "pipeline_parallel_size": int,
    "quantization": str,
    "scheduling_policy": str,
    "seed": int,
    "tensor_parallel_size": int,
}
"""What goes to vLLM under its own name. Nothing here runs code from the model's directory or
fetches anything, so that what was verified is what is served."""
OWN: Final[Mapping[str, type]] = {"logprobs": bool, "structured_output": bool}
"""What this engine understands itself; both are on unless a release turns them off."""
OTHERS: Final = frozenset(
    (
        "base_url",
        "inter_threads",
        "intra_threads",
        "max_batch_size",
        "max_concurrency",
        "stream",
    )
)
"""Arguments of other engines, which a release may name beside ours."""
KV_CACHE_BYTES: Final = 1 << 30
"""Of memory for the KV cache where there is no GPU; vLLM would take half of the machine's."""


def arguments_of(serving: Serving, *, gpu: bool) -> dict[str, Any]:
    """What `AsyncEngineArgs` is called with, beside the model.

    Without a GPU, float32 and no compilation are the defaults: answers that can be repeated, and
    a model that is loaded in seconds.

    Raises:
        UsageError: An argument is not known or not of its type; it names every such.
    """
    given = serving.engine_args
    faults = [fault for name, value in given.items() if (fault := _fault(name, value))]
    if faults:
        raise UsageError(
            "vLLM cannot be given these engine arguments: " + "; ".join(faults),
            where="components.serving.engine_args",
            fix="correct them in the manifest and build the release again",
        )
    defaults: dict[str, Any] = {"seed": serving.sampling.seed}
    if not gpu:
        defaults |= {
            "dtype": "float32",
            "enforce_eager": True,
            "kv_cache_memory_bytes": KV_CACHE_BYTES,
        }
    return defaults | {name: value for name, value in given.items() if name in PASSED_ON}


def switched_on(serving: Serving, name: str) -> bool:
    """Whether one of `OWN` is on."""
    return serving.engine_args.get(name, True) is not False


def _fault(name: str, value: object) -> str:
    if name in OTHERS:
        return ""
    wanted = PASSED_ON.get(name) or OWN.get(name)
    if wanted is None:
        close = get_close_matches(name, [*PASSED_ON, *OWN, *OTHERS], n=1)
        return f"{name} is not known" + (f", did you mean {close[0]}?" if close else "")
    if _is(value, wanted):
        return ""
    return f"{name} is {type(value).__name__}, not {wanted.__name__}"


def _is(value: object, wanted: type) -> bool:
    if wanted is float:
        return type(value) in (int, float)
    return type(value) is wanted
