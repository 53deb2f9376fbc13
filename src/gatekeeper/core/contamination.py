"""Eval samples that a release has seen: in its prompt, its examples, or its documents.

An answer is meant to be read from the documents, so finding it there says nothing. What counts is
the question: found as good as whole, or a run of thirteen of its words (which Brown et al. 2020,
appendix C, count too). It weighs more where the expected answer follows it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from gatekeeper.core.phrases import GRAM, PhraseIndex, words
from gatekeeper.core.wording import counted, first_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gatekeeper.core.phrases import Stretch
    from gatekeeper.model.components import Prompt
    from gatekeeper.model.evalset import EvalSet, Sample
    from gatekeeper.model.release import Release

LONG: Final = 13
"""Words in a row that are no coincidence."""
NEARLY: Final = 0.9
"""Share of a question of fewer than `LONG` words that has to be there in one run.

Less would find the facts that are asked for: half of a short question names its subject.
"""
BESIDE: Final = 100
"""Words after the question among which its answer counts as beside it."""
NAMED: Final = 5
"""Samples that a sentence names."""


class Samples(Protocol):
    """An eval set: its header, and its samples one at a time."""

    @property
    def header(self) -> EvalSet:
        """What is declared of all samples."""
        ...

    def __iter__(self) -> Iterator[Sample]: ...


@dataclass(frozen=True, slots=True)
class Contamination:
    """A sample that the release has seen.

    Attributes:
        set: Name of the eval set.
        sample: Id of the sample.
        where: ``system prompt``, ``few-shot example 3`` or the path of a document.
        words: Words in a row that are there.
        share: Share of the question's words that this is, from 0 to 1.
        answer: Whether the expected answer follows it.
    """

    set: str
    sample: str
    where: str
    words: int
    share: float
    answer: bool


@dataclass(frozen=True, slots=True)
class _Held:
    """What a release holds: texts with names, and whole questions of its examples."""

    names: tuple[str, ...]
    index: PhraseIndex
    questions: Mapping[tuple[str, ...], str]


def contaminated(
    release: Release, documents: Mapping[str, str], sets: Iterable[Samples]
) -> tuple[Contamination, ...]:
    """Every sample that the release has seen, in the order of the sets.

    Args:
        release: Its prompt is searched.
        documents: The text of each document of its snapshot, by path.
        sets: Read once, a sample at a time.
    """
    held = _held(release.components.prompt, documents)
    if held.index.empty and not held.questions:
        return ()
    return tuple(
        found
        for one in sets
        for sample in one
        if (found := _judged(held, one.header.name, sample)) is not None
    )


def sentences(found: Sequence[Contamination]) -> tuple[str, ...]:
    """A sentence for each set and place, naming a few samples."""
    groups: dict[tuple[str, str], list[Contamination]] = defaultdict(list)
    for one in found:
        groups[one.set, one.where].append(one)
    return tuple(_sentence(name, where, group) for (name, where), group in groups.items())


def _sentence(name: str, where: str, group: Sequence[Contamination]) -> str:
    answers = sum(one.answer for one in group)
    least = min(one.share for one in group)
    beside = f", {answers:,} with the answer beside it" if answers else ""
    return (
        f"{name}: {counted(len(group), 'sample')} found in {where} (at least {least:.0%} of the"
        f" question{beside}): {first_of([one.sample for one in group], NAMED)}"
    )


def _held(prompt: Prompt, documents: Mapping[str, str]) -> _Held:
    texts = {"system prompt": prompt.system, "prompt template": prompt.template}
    questions = {}
    for number, example in enumerate(prompt.few_shot, start=1):
        name = f"few-shot example {number}"
        texts[name] = f"{example.user}\n{example.assistant}"
        questions[tuple(words(example.user))] = name
    texts |= documents
    return _Held(tuple(texts), PhraseIndex(texts.values()), questions)


def _judged(held: _Held, name: str, sample: Sample) -> Contamination | None:
    """What is found of a sample where most of it is found; None where too little is."""
    asked = words(sample.input)
    numbers = held.index.numbered(asked)
    least = min(LONG, math.ceil(NEARLY * len(asked)))
    if least < GRAM:
        where = held.questions.get(tuple(asked))
        found = Contamination(name, sample.id, where or "", len(asked), 1.0, answer=False)
        return found if where else None
    runs = list(held.index.stretches(numbers, least))
    if not runs:
        return None
    judged = [(_answered(held.index, run, sample), run) for run in runs]
    answer, best = max(judged, key=lambda one: (one[1].length, one[0]))
    share = best.length / len(asked)
    return Contamination(name, sample.id, held.names[best.text], best.length, share, answer=answer)


def _answered(index: PhraseIndex, run: Stretch, sample: Sample) -> bool:
    """Whether an expected answer stands among the words that follow the question."""
    expect = sample.expect
    answers = [expect.exact or "", *expect.contains[:1], *expect.references]
    following = index.after(run, BESIDE)
    return any(_holds(following, index.numbered(words(one))) for one in answers)


def _holds(following: Sequence[int], answer: Sequence[int]) -> bool:
    size = len(answer)
    wanted = list(answer)
    return bool(size) and any(
        list(following[start : start + size]) == wanted
        for start in range(len(following) - size + 1)
    )
