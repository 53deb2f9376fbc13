"""CTranslate2 in this process: float32, deterministic when greedy, batched while it is busy.

The first request starts at once; what arrives while batches are computed forms the next ones. So
a lone request waits for nobody, and batches grow with the load.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.engines.listed import refuse_unlisted
from gatekeeper.adapters.machine import processor
from gatekeeper.errors import EngineError, UnavailableError
from gatekeeper.ports import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Sized
    from pathlib import Path

    import ctranslate2

    from gatekeeper.adapters.engines.seat import Seat
    from gatekeeper.adapters.tokenizer import ChatTokenizer
    from gatekeeper.model.components import Sampling, Serving
    from gatekeeper.ports import Message, ModelFiles

DIRECTORY: Final = "ct2"
COMPUTE_TYPE: Final = "float32"
MAX_BATCH: Final = 8
MAX_WORKERS: Final = 4
SPREAD: Final = 4
"""Tokens by which prompts of one batch may differ in length: CTranslate2 reads what exceeds the
shortest token by token. Measured on a queue of 32 mixed prompts: 1.8 ms a request within 4 tokens,
3.5 ms in order of arrival, 2.2 ms one by one."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request that waits for its batch."""

    tokens: list[str]
    sampling: Sampling
    future: asyncio.Future[Generation]


class EmbeddedEngine:
    """One loaded model.

    Args:
        generator: The model; its computation runs on threads of its own.
        tokenizer: The model's.
        end: Token that ends an answer.
        batch: Most requests in one batch.
        workers: Batches computed at once.
    """

    def __init__(
        self,
        generator: ctranslate2.Generator,
        tokenizer: ChatTokenizer,
        *,
        end: str,
        batch: int = MAX_BATCH,
        workers: int = 1,
    ) -> None:
        self._generator = generator
        self._tokenizer = tokenizer
        self._end = end
        self._batch = batch
        self._idle = workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="embedded")
        self._waiting: deque[Job] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """Engine, version, number format and processor."""
        import ctranslate2

        return {
            "engine": "embedded",
            "version": ctranslate2.__version__,
            "compute_type": COMPUTE_TYPE,
            "cpu": processor(),
        }

    async def generate(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        *,
        timeout: float,
        json_schema: Mapping[str, Any] | None = None,  # noqa: ARG002 - checked by the pipeline
    ) -> Generation:
        """One completion; raises `TimeoutError` when the time is over."""
        if self._closed:
            raise EngineError("the model has been unloaded", retryable=False)
        future: asyncio.Future[Generation] = asyncio.get_running_loop().create_future()
        self._waiting.append(Job(self._tokenizer.encode(messages), sampling, future))
        self._dispatch()
        async with asyncio.timeout(timeout):
            return await future

    async def close(self) -> None:
        """Wait for what runs, refuse what waits, unload the model."""
        self._closed = True
        for job in self._waiting:
            if not job.future.done():
                job.future.set_exception(EngineError("the model is being unloaded"))
        self._waiting.clear()
        await asyncio.gather(*self._running)
        await asyncio.to_thread(self._threads.shutdown)
        self._generator.unload_model()

    def _dispatch(self) -> None:
        while self._idle and self._waiting:
            self._idle -= 1
            task = asyncio.create_task(self._work())
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _work(self) -> None:
        """Compute batches until nobody waits."""
        try:
            # Let the requests that arrived in the same moment join the batch.
            await asyncio.sleep(0)
            while jobs := self._take():
                await self._serve(jobs)
        finally:
            self._idle += 1

    def _take(self) -> list[Job]:
        """The next batch: the oldest request, and others of its length that sample as it does."""
        jobs: list[Job] = []
        others: list[Job] = []
        while self._waiting and len(jobs) < self._batch:
            job = self._waiting.popleft()
            if job.future.done():
                continue
            (jobs if not jobs or _alike(job, jobs[0]) else others).append(job)
        self._waiting.extendleft(reversed(others))
        return jobs

    async def _serve(self, jobs: list[Job]) -> None:
        loop = asyncio.get_running_loop()
        trouble = EngineError("generation was interrupted")
        try:
            results = await loop.run_in_executor(self._threads, self._compute, jobs)
            for job, result in zip(jobs, results, strict=True):
                if not job.future.done():
                    job.future.set_result(result)
        except (RuntimeError, ValueError) as error:
            trouble = EngineError(f"generation failed: {error}")
        finally:
            # Nobody may be left waiting for a batch that is gone.
            for job in jobs:
                if not job.future.done():
                    job.future.set_exception(trouble)

    def _compute(self, jobs: list[Job]) -> list[Generation]:
        sampling = jobs[0].sampling
        results = self._generator.generate_batch(
            [job.tokens for job in jobs],
            end_token=self._end,
            return_end_token=True,
            include_prompt_in_result=False,
            return_scores=True,
            max_length=sampling.max_tokens,
            **_random(sampling),
        )
        return [self._generation(job, found) for job, found in zip(jobs, results, strict=True)]

    def _generation(self, job: Job, found: ctranslate2.GenerationResult) -> Generation:
        tokens = found.sequences[0]
        text = self._tokenizer.decode(found.sequences_ids[0])
        ended = bool(tokens) and tokens[-1] == self._end
        for stop in job.sampling.stop:
            before, hit, _ = text.partition(stop)
            text, ended = before, ended or bool(hit)
        return Generation(
            text=text,
            input_tokens=len(job.tokens),
            output_tokens=len(tokens),
            mean_logprob=found.scores[0] if tokens else None,
            finish_reason="stop" if ended else "length",
        )


def _alike(one: Job, other: Job) -> bool:
    difference = len(one.tokens) - len(other.tokens)
    return one.sampling == other.sampling and abs(difference) <= SPREAD


def installed(serving: Serving) -> str:  # noqa: ARG001 - part of the interface
    """The installed version of CTranslate2."""
    try:
        import ctranslate2
    except ImportError:
        raise UnavailableError(
            "CTranslate2 is not installed", fix="pip install 'gatekeeper[embedded]'"
        ) from None
    return str(ctranslate2.__version__)


async def open_engine(seat: Seat) -> EmbeddedEngine:
    """Load the CTranslate2 conversion of a model, from files that were verified."""
    if seat.files is None or seat.tokenizer is None:
        raise UnavailableError(
            f"the model {seat.name!r} is hosted elsewhere", fix="serve it with --engine openai"
        )
    _refuse_unserved(seat.name, seat.files, seat.adapters)
    refuse_unlisted(seat.name, seat.files, DIRECTORY)
    batch = _positive(seat.serving.engine_args.get("max_batch_size"), MAX_BATCH)
    cores = min(MAX_WORKERS, len(os.sched_getaffinity(0)))
    workers = _positive(seat.serving.engine_args.get("inter_threads"), cores)
    threads = _positive(seat.serving.engine_args.get("intra_threads"), 1)
    generator = await asyncio.to_thread(_load, seat.files.root / DIRECTORY, workers, threads)
    end = seat.tokenizer.end
    return EmbeddedEngine(generator, seat.tokenizer, end=end, batch=batch, workers=workers)


def _load(directory: Path, workers: int, threads: int) -> ctranslate2.Generator:
    import ctranslate2

    try:
        return ctranslate2.Generator(
            str(directory),
            device="cpu",
            compute_type=COMPUTE_TYPE,
            inter_threads=workers,
            intra_threads=threads,
        )
    except (RuntimeError, ValueError) as error:
        raise UnavailableError(f"cannot be loaded: {error}", where=str(directory)) from error


def _refuse_unserved(name: str, files: ModelFiles, adapters: Sized) -> None:
    """CTranslate2 serves its own format, and no adapters."""
    if len(adapters):
        raise UnavailableError(
            f"the model {name!r} has LoRA adapters, which CTranslate2 cannot apply",
            fix="serve it with --engine vllm",
        )
    if not (files.root / DIRECTORY).is_dir():
        raise UnavailableError(
            f"the model {name!r} has no CTranslate2 conversion in {DIRECTORY}/",
            where=str(files.root),
            fix="convert it with ct2-transformers-converter and build the release again",
        )


def _random(sampling: Sampling) -> dict[str, float | int]:
    if sampling.temperature == 0:
        return {"sampling_topk": 1}
    return {
        "sampling_topk": sampling.top_k,
        "sampling_topp": sampling.top_p,
        "sampling_temperature": sampling.temperature,
    }


def _positive(value: object, default: int) -> int:
    return value if type(value) is int and value > 0 else default
