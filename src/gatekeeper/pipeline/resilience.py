"""One tier's calls: circuit breaker, time limit, and retries with back-off and jitter."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from gatekeeper.errors import EngineError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from purgatory.service._async.circuitbreaker import AsyncCircuitBreaker
    from tenacity import AsyncRetrying, RetryCallState

    from gatekeeper.model.components import Tier
    from gatekeeper.pipeline.visit import Deadline


T = TypeVar("T")


class CircuitOpenError(EngineError):
    """The tier has failed too often in a row and is left alone for a while."""

    code = "circuit-open"


class Resilience:
    """The circuit breakers of one release, one a tier, and the retries around them."""

    def __init__(self) -> None:
        from purgatory import AsyncCircuitBreakerFactory

        # A client that leaves, a request that the engine refuses, or a rate limit that it names,
        # says nothing of its health.
        self._breakers = AsyncCircuitBreakerFactory(
            exclude=[asyncio.CancelledError, (EngineError, _is_well)]
        )

    async def attempt(
        self, name: str, tier: Tier, limit: float, call: Callable[[], Awaitable[T]]
    ) -> T:
        """`call` once, through the tier's breaker, within `limit` seconds.

        Raises:
            CircuitOpenError: Without calling.
            TimeoutError: The limit has passed.
            UnavailableError: As `call` raised it.
        """
        try:
            async with await self._breaker(name, tier), asyncio.timeout(limit):
                return await call()
        except Exception as error:
            if _is_open(error):
                raise CircuitOpenError(
                    f"the circuit of the tier {name!r} is open", retryable=False
                ) from None
            raise

    async def repeat(
        self, tier: Tier, retries: int, deadline: Deadline, attempt: Callable[[], Awaitable[T]]
    ) -> T:
        """`attempt`, and again after a pause while it is worth it and time is left.

        Full jitter: each pause is drawn from zero to an exponentially growing limit, and is at
        least what the engine asked for.
        """
        most = min(tier.retry.attempts, 1 + max(0, retries))
        try:
            return await attempt()
        except (TimeoutError, UnavailableError) as error:
            if most == 1 or not is_retryable(error):
                raise
            failed: list[Exception] = [error]

        async def again() -> T:
            """Raise the failure that there was already; after it, try anew."""
            # Retrying costs more than a whole stage: only who failed once pays for it.
            if failed:
                raise failed.pop()
            return await attempt()

        return await self._retrying(tier, most, deadline)(again)

    @staticmethod
    def _retrying(tier: Tier, most: int, deadline: Deadline) -> AsyncRetrying:
        from tenacity import AsyncRetrying, retry_if_exception, wait_random_exponential

        pause = wait_random_exponential(
            multiplier=tier.retry.backoff_seconds, max=tier.retry.max_backoff_seconds
        )
        return AsyncRetrying(
            retry=retry_if_exception(is_retryable),
            wait=lambda state: max(pause(state), _asked_for(state)),
            stop=lambda state: (
                state.attempt_number >= most or state.upcoming_sleep >= deadline.remaining()
            ),
            sleep=asyncio.sleep,
            reraise=True,
        )

    async def _breaker(self, name: str, tier: Tier) -> AsyncCircuitBreaker:
        policy = tier.circuit_breaker
        return await self._breakers.get_breaker(
            name, threshold=policy.failures, ttl=policy.reset_seconds
        )


def is_retryable(error: BaseException) -> bool:
    """Whether the same call may succeed a moment later."""
    if isinstance(error, EngineError):
        return error.retryable
    return isinstance(error, (TimeoutError, UnavailableError))


def _asked_for(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return (error.retry_after or 0.0) if isinstance(error, EngineError) else 0.0


def _is_well(error: EngineError) -> bool:
    return not error.retryable or error.retry_after is not None


def _is_open(error: Exception) -> bool:
    from purgatory.domain.model import OpenedState

    return isinstance(error, OpenedState)
