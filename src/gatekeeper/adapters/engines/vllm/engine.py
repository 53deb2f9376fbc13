"""vLLM as an engine: requests at once meet its continuous batching and its prefix cache."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.engines.vllm.guidance import guided as held_to
from gatekeeper.errors import EngineError
from gatekeeper.ports import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.adapters.engines.vllm.loading import Loaded
    from gatekeeper.adapters.tokenizer import ChatTokenizer
    from gatekeeper.model.components import Sampling
    from gatekeeper.ports import Message


class VllmEngine:
    """One model that vLLM has loaded, for one event loop.

    Args:
        loaded: The model.
        tokenizer: The model's own: what it counts is what vLLM is sent.
        logprobs: Ask for the probability of each generated token.
        guided: Hold answers to the release's JSON Schema while they are generated.
        adapter: vLLM's `LoRARequest` of the model's adapter, if it has one.
    """

    def __init__(
        self,
        loaded: Loaded,
        tokenizer: ChatTokenizer,
        *,
        logprobs: bool = True,
        guided: bool = True,
        adapter: Any = None,
    ) -> None:
        self._loaded: Loaded | None = loaded
        # What a schema does to an answer is as much a part of it as vLLM's version.
        held = "after an optional blank" if guided else "off"
        self._fingerprint = {**loaded.fingerprint, "structured_output": held}
        self._usage = loaded.usage
        self._tokenizer = tokenizer
        self._logprobs = logprobs
        self._guided = guided
        self._adapter = adapter
        self._names = map(str, count())
        self._running: set[str] = set()
        self._closing: asyncio.Future[None] | None = None

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """vLLM, torch, CUDA, driver, device, and the settings that answers depend on."""
        return self._fingerprint

    async def generate(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        *,
        timeout: float,
        json_schema: Mapping[str, Any] | None = None,
    ) -> Generation:
        """One completion; raises `EngineError`, or `TimeoutError` when the time is over.

        A request that runs out of time or is cancelled is withdrawn from vLLM too.
        """
        ids = self._tokenizer.ids(messages)
        parameters = self._parameters(sampling, json_schema)
        async with asyncio.timeout(timeout):
            output = await self._final(ids, parameters)
        return self._generation(output, len(ids), sampling)

    async def close(self) -> None:
        """Withdraw what runs and end vLLM's processes; a second call waits for the first."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        from vllm.v1.engine.exceptions import EngineDeadError

        loaded, self._loaded = self._loaded, None
        if loaded is None:
            return
        with suppress(EngineDeadError):
            await loaded.core.abort(list(self._running))
        await asyncio.to_thread(loaded.end)

    async def _final(self, ids: Sequence[int], parameters: Any) -> Any:
        from vllm.exceptions import VLLMClientError
        from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

        if self._loaded is None:
            raise EngineError("the model has been unloaded", retryable=False)
        name, final = next(self._names), None
        prompt = {"type": "token", "prompt_token_ids": list(ids)}
        self._running.add(name)
        try:
            async for output in self._loaded.core.generate(
                prompt, parameters, name, lora_request=self._adapter
            ):
                final = output
        except EngineDeadError as error:
            raise EngineError("vLLM's engine has died", retryable=False) from error
        except (VLLMClientError, ValueError) as error:
            what = f"vLLM refuses the request: {_why(error)}"
            raise EngineError(what, retryable=False) from error
        except EngineGenerateError as error:
            raise EngineError(f"vLLM failed: {_why(error)}") from error
        finally:
            self._running.discard(name)
        return final

    def _parameters(self, sampling: Sampling, schema: Mapping[str, Any] | None) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        held = held_to(schema) if schema is not None and self._guided else None
        return SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            max_tokens=sampling.max_tokens,
            # A seed makes a generator for the request, and greedy decoding draws nothing.
            seed=sampling.seed if sampling.temperature else None,
            stop=list(sampling.stop),
            logprobs=0 if self._logprobs else None,
            # The text is decoded once, at the end, by the release's tokenizer.
            detokenize=bool(sampling.stop),
            structured_outputs=held,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )

    def _generation(self, output: Any, prompt: int, sampling: Sampling) -> Generation:
        made = output.outputs[0] if output else None
        if made is None or made.finish_reason not in ("stop", "length"):
            raise EngineError("vLLM withdrew the request", retryable=self._closing is None)
        text = self._tokenizer.decode(made.token_ids)
        for stop in sampling.stop:
            text = text.partition(stop)[0]
        cached = output.num_cached_tokens or 0
        return Generation(
            text=text,
            input_tokens=prompt - cached,
            cached_input_tokens=cached,
            output_tokens=len(made.token_ids),
            mean_logprob=_mean(made.cumulative_logprob, len(made.token_ids)),
            finish_reason=made.finish_reason,
            kv_cache_usage=self._usage.kv_cache,
            **_times(output.metrics, len(made.token_ids)),
        )


def _why(error: Exception) -> str:
    cause = error.__cause__
    return f"{error}" if cause is None else f"{error} ({cause})"


def _mean(total: float | None, tokens: int) -> float | None:
    return total / tokens if total is not None and tokens else None


def _times(metrics: Any, tokens: int) -> dict[str, Any]:
    """Microseconds, from what vLLM says of one request; nothing where it says nothing."""
    if metrics is None or not metrics.first_token_ts:
        return {}
    between = metrics.last_token_ts - metrics.first_token_ts
    return {
        "time_to_first_token_us": _us(metrics.first_token_latency),
        "queue_us": _us(metrics.scheduled_ts - metrics.queued_ts),
        "inter_token_us": _us(between / (tokens - 1)) if tokens > 1 else None,
    }


def _us(seconds: float) -> int:
    return max(0, round(seconds * 1e6))
