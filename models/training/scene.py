"""The parts of a sample: facts, what the system message asks for, questions, the exact answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import lexicon as lex


@dataclass(frozen=True)
class Sample:
    """A conversation, the exact answer that it calls for, and the task it belongs to."""

    messages: tuple[dict[str, str], ...]
    expected: str
    task: str


@dataclass(frozen=True)
class Fact:
    """One sentence of documentation: the attribute of a product has a value."""

    product: str
    attribute: str
    value: str
    text: str


@dataclass(frozen=True)
class Setting:
    """What the system message asks for."""

    style: str
    role: str
    signer: str | None
    guarded: bool
    tools: tuple[str, ...]
    text: str

    def sign(self, answer: str) -> str:
        """The answer with the signature that the system message asks for; JSON is never signed."""
        return (
            answer if self.signer is None or self.style == "json" else f"{answer} - {self.signer}"
        )


@dataclass(frozen=True)
class Turn:
    """One question that may follow a context, with its answer.

    ``about`` is the product and attribute asked for, ``second`` another attribute asked for beside
    it; ``source`` is what the answer repeats if that is not a fact.
    """

    question: str
    answer: str
    task: str
    about: tuple[str, str] | None = None
    second: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Group:
    """Independent questions that share everything before them, which makes training cheap."""

    prefix: tuple[dict[str, str], ...]
    context: str | None
    turns: tuple[Turn, ...]
    lines: tuple[Fact | str, ...] = ()

    def user(self, turn: Turn) -> str:
        """The text of the last user message for one of the turns."""
        return (
            turn.question if self.context is None else f"{self.context}\nQuestion: {turn.question}"
        )

    def sample(self, turn: Turn) -> Sample:
        """One of the turns as a sample of its own."""
        return Sample(
            (*self.prefix, {"role": "user", "content": self.user(turn)}), turn.answer, turn.task
        )


@dataclass
class Wish:
    """What a group must be like; ``None`` leaves it to chance."""

    style: str | None = None
    signed: bool | None = None
    guarded: bool | None = None
    tools: int | None = None
    facts: tuple[int, ...] = (1, 2, 3, 3, 4, 4, 5)
    poisoned: bool = False
    history: bool | None = None
    risky: float = 0.4
    kinds: tuple[str, ...] = ()
    weights: dict[str, float] = field(default_factory=lambda: dict(KIND_WEIGHTS))


KIND_WEIGHTS = {"present": 5.0, "absent": 2.2, "compound": 1.0, "request": 1.3, "injection": 1.3}


def answer(
    setting: Setting,
    lines: list[Fact | str],
    product: str,
    attribute: str,
    second: str | None = None,
) -> str:
    """The exact answer to a question about one attribute or two, given the context's lines."""
    numbered = [
        (i, line)
        for i, line in enumerate(lines, start=1)
        if isinstance(line, Fact) and line.product == product
    ]
    asked = [(i, fact) for i, fact in numbered if fact.attribute == attribute]
    if setting.style == "json":
        found = (
            {"answer": asked[0][1].value, "source": asked[0][0]}
            if asked
            else {"answer": None, "source": None}
        )
        return json.dumps(found)
    if not asked:
        return setting.sign(lex.ABSENT)
    if setting.style == "brief":
        return setting.sign(f"{asked[0][1].value} [{asked[0][0]}]")
    ordered = asked + [item for item in numbered if item[1].attribute == second]
    return setting.sign(
        " ".join(f"The {f.attribute} of the {f.product} is {f.value} [{i}]." for i, f in ordered)
    )
