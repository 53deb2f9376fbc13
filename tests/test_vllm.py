"""Real vLLM loads the bundled model and says what `embedded` says: `make test-vllm`.

Both run in float32 and greedily, so that every answer has to be the same, to the letter.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gatekeeper.adapters.engines.embedded import open_engine
from gatekeeper.adapters.engines.seat import Seat
from gatekeeper.adapters.tokenizer import ChatTokenizer
from gatekeeper.model.components import EngineRequirement, PinnedModel, Sampling, Serving
from gatekeeper.ports import Message, ModelFiles

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "models/support-desk"
EACH = 4
"""Held-out conversations of each task."""
SEED = 20_261_121
MAX_TOKENS = 160
SETTINGS = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
}

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.filterwarnings("ignore"),
]

Conversation = tuple[dict[str, str], ...]


@pytest.fixture(scope="module")
def conversations() -> list[Conversation]:
    """Prompts that share no name, value or template with the training of the model."""
    sys.path.insert(0, str(ROOT / "models/training"))
    try:
        import world
    finally:
        del sys.path[0]
    return [sample.messages for task in world.TASKS for sample in world.held_out(task, EACH, SEED)]


def by_vllm(conversations: Sequence[Conversation], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What vLLM generates, in this process."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    from vllm import LLM, SamplingParams

    model = LLM(str(MODEL), dtype="float32", enforce_eager=True, max_model_len=512, seed=0)
    greedy = SamplingParams(temperature=0, max_tokens=MAX_TOKENS)
    answers = model.chat([list(messages) for messages in conversations], greedy, use_tqdm=False)
    return [answer.outputs[0] for answer in answers]


async def by_embedded(conversations: Sequence[Conversation]) -> list[str]:
    """What the `embedded` engine generates."""
    names = [path.relative_to(MODEL).as_posix() for path in MODEL.rglob("*") if path.is_file()]
    seat = Seat(
        name="small",
        model=PinnedModel(),
        serving=Serving(engines=(EngineRequirement(name="embedded"),)),
        files=ModelFiles(MODEL, "sha256:" + "0" * 64, dict.fromkeys(names, "")),
        tokenizer=ChatTokenizer.load(MODEL),
    )
    engine = await open_engine(seat)
    greedy = Sampling(temperature=0, max_tokens=MAX_TOKENS)
    try:
        answers = await asyncio.gather(
            *(
                engine.generate([Message(**turn) for turn in messages], greedy, timeout=120)
                for messages in conversations
            )
        )
    finally:
        await engine.close()
    return [answer.text for answer in answers]


def test_the_bundled_model_says_the_same_in_vllm_and_embedded(
    conversations: list[Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(conversations) >= 50
    expected = asyncio.run(by_embedded(conversations))
    assert len(set(expected)) > len(expected) / 4
    found = by_vllm(conversations, monkeypatch)
    assert [answer.text for answer in found] == expected
