"""What an evaluation would use at most: its own pipeline, with engines that only count.

Every request goes the way that it would go, guardrails, retrieval, routing and budgets included;
each model call is taken for as long as it may be. Some samples stand for all of their set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.layout import Place
from gatekeeper.model.estimate import Estimate
from gatekeeper.ops.converse import ask_once
from gatekeeper.ports import Generation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatekeeper.core.layout import Share
    from gatekeeper.model.components import Sampling
    from gatekeeper.model.record import Arm
    from gatekeeper.ops.evaluation_plan import Crew, Fleet, Plan
    from gatekeeper.pipeline.visit import Served
    from gatekeeper.ports import Message, Tokenizer

SAMPLES: Final = 200
"""Samples of a set that are looked at."""


class CountingEngine:
    """Answers nothing, at the greatest length that was allowed."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """No engine at all."""
        return {"engine": "estimate"}

    async def generate(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        *,
        timeout: float,  # noqa: ARG002 - nothing is waited for
        json_schema: Mapping[str, Any] | None = None,  # noqa: ARG002 - nothing is generated
    ) -> Generation:
        """An empty answer that used everything."""
        return Generation("", self._tokenizer.count(messages), sampling.max_tokens)

    async def close(self) -> None:
        """Nothing."""


async def estimate(plan: Plan, fleet: Fleet) -> tuple[Estimate, ...]:
    """The estimate of every set and arm.

    Args:
        plan: What would be run.
        fleet: Releases whose engines are `CountingEngine`s.
    """
    found: list[Estimate] = []
    crew: Crew = ("candidate", "baseline") if _compares(plan) else ("candidate",)
    async with fleet.open(crew) as open_:
        for number, share in enumerate(plan.layout.shares):
            for arm in share.arms:
                asked = [
                    await ask_once(plan.case(place), open_[arm])
                    for place in _places(number, share, arm)
                ]
                turns = [_turns(plan, place) for place in _places(number, share, arm)]
                found.append(_estimated(share, arm, asked, turns))
    return tuple(found)


def _compares(plan: Plan) -> bool:
    return any("baseline" in share.arms for share in plan.layout.shares)


def _places(number: int, share: Share, arm: Arm) -> Iterator[Place]:
    """Samples spread over the set."""
    step = max(1, len(share.numbers) // SAMPLES)
    for sample in list(share.numbers)[::step][:SAMPLES]:
        yield Place(number, sample, 0, arm)


def _turns(plan: Plan, place: Place) -> int:
    """Messages of the person, at most."""
    sample = plan.case(place).sample
    return 1 + len(sample.then) + (sample.follow_up is not None)


def _estimated(share: Share, arm: Arm, asked: Sequence[Served], turns: Sequence[int]) -> Estimate:
    """Totals of the samples that were looked at, scaled to all."""
    conversations = len(share.numbers) * share.replicates
    scale = conversations / len(asked) if asked else 0.0
    used = [_used(one, count) for one, count in zip(asked, turns, strict=True)]
    inputs, outputs, cost = (round(sum(column) * scale) for column in zip(*used, strict=True))
    return Estimate(
        name=share.name,
        arm=arm,
        conversations=conversations,
        requests=round(sum(turns) * scale),
        looked_at=len(asked),
        input_tokens=inputs,
        output_tokens=outputs,
        nano_usd=cost,
    )


def _used(served: Served, turns: int) -> tuple[int, int, int]:
    """Input tokens, output tokens and nano-USD of a conversation with turns like the first.

    Each turn reads what was said in the turns before it.
    """
    inputs, outputs = _sum(served, "input_tokens"), _sum(served, "output_tokens")
    read_again = turns * (turns - 1) // 2 * (inputs + outputs)
    cost = _sum(served, "nano_usd")
    price = cost / max(1, inputs + outputs)
    return inputs * turns + read_again, outputs * turns, round(cost * turns + read_again * price)


def _sum(served: Served, name: str) -> int:
    return sum(getattr(call, name) or 0 for call in served.calls)
