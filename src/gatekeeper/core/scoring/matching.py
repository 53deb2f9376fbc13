"""Scorers that compare the last answer with what the sample expects, letter, word or number."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator

from gatekeeper.core.scoring.scorer import FAILED, Mark, Role, Scorer, flag
from gatekeeper.core.scoring.text import holds, normalised, numbers, unmarked, words
from gatekeeper.model.evalset import ExpectedNumber, Phrases, SampleText

if TYPE_CHECKING:
    from gatekeeper.core.scoring.conversation import Conversation
    from gatekeeper.model.evalset import Sample


class Exact(Scorer):
    """The whole answer, without regard to case, spacing and punctuation around words."""

    NAME: ClassVar[str] = "exact"
    ROLE: ClassVar[Role] = "task"
    NEEDS: ClassVar[str] = "`exact`"
    NULL: ClassVar[str] = "the sample has no `exact`"

    def fits(self, sample: Sample) -> bool:
        """Whether there is an answer to compare with."""
        return sample.expect.exact is not None

    def mark(self, talk: Conversation) -> Mark | None:
        """1 where the words are the same, in the same order."""
        if talk.expect.exact is None:
            return None
        return flag(words(talk.answer) == words(talk.expect.exact))


class Normalised(Scorer):
    """The whole answer as SQuAD compares: case, spacing, punctuation and articles aside."""

    NAME: ClassVar[str] = "normalised"
    ROLE: ClassVar[Role] = "task"
    NEEDS: ClassVar[str] = "`exact` or `references`"
    NULL: ClassVar[str] = "the sample has neither `exact` nor `references`"

    def fits(self, sample: Sample) -> bool:
        """Whether there is an answer to compare with."""
        return bool(references(sample))

    def mark(self, talk: Conversation) -> Mark | None:
        """1 where the answer equals one of the good ones."""
        wanted = references(talk.sample)
        if not wanted or talk.failed:
            return FAILED if wanted else None
        return flag(normalised(talk.answer) in map(normalised, wanted))


class Contains(Scorer):
    """Phrases that the answer must hold as whole words: all of them, or any."""

    NAME: ClassVar[str] = "contains"
    ROLE: ClassVar[Role] = "task"
    NEEDS: ClassVar[str] = "`contains` or `excludes`, unless `phrases` is set"
    NULL: ClassVar[str] = "there is no phrase to look for"

    match: Literal["all", "any"] = "all"
    """Whether every phrase must be there, or one is enough."""
    phrases: Phrases = ()
    """Look for these in every sample, instead of what the sample expects."""

    def fits(self, sample: Sample) -> bool:
        """Whether there is something to look for, or to be without."""
        return bool(self.phrases or sample.expect.contains or sample.expect.excludes)

    def mark(self, talk: Conversation) -> Mark | None:
        """1 where what must be there is, and what must not be there is not."""
        if not self.fits(talk.sample):
            return None
        if talk.failed:
            return FAILED
        wanted = self.phrases or talk.expect.contains
        missing = [phrase for phrase in wanted if not holds(talk.answer, phrase)]
        excluded = [claim for claim in talk.expect.excludes if holds(talk.answer, claim)]
        enough = not missing or (self.match == "any" and len(missing) < len(wanted))
        return flag(enough and not excluded, _lacks(missing if not enough else [], excluded))


def _lacks(missing: list[str], excluded: list[str]) -> str:
    parts = [("lacks ", missing), ("holds ", excluded)]
    return "; ".join(word + ", ".join(map(repr, found)) for word, found in parts if found)


class Regex(Scorer):
    """A pattern (RE2) that must occur in the answer, or may not."""

    NAME: ClassVar[str] = "regex"
    ROLE: ClassVar[Role] = "task"
    NEEDS: ClassVar[str] = "`pattern`, unless the setting is there"
    NULL: ClassVar[str] = "there is no pattern"

    pattern: SampleText | None = None
    """Look for this in every sample, instead of what the sample expects."""
    match: Literal["search", "whole"] = "search"
    """Whether it may occur anywhere or must be the whole answer, spaces around it aside."""
    forbidden: bool = False
    """It may not occur."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            _compiled(value)
        return value

    @cached_property
    def _own(self) -> Any:
        return None if self.pattern is None else _compiled(self.pattern)

    def fits(self, sample: Sample) -> bool:
        """Whether there is a pattern."""
        return self.pattern is not None or sample.expect.pattern is not None

    def mark(self, talk: Conversation) -> Mark | None:
        """1 where the pattern occurs, as asked; raises `ValueError` where it is no pattern."""
        wanted = talk.expect.pattern
        if self._own is None and wanted is None:
            return None
        if talk.failed:
            return FAILED
        pattern = self._own or _compiled(wanted or "")
        look = pattern.fullmatch if self.match == "whole" else pattern.search
        found = look(talk.answer.strip()) is not None
        return flag(found != self.forbidden, f"{'has' if found else 'lacks'} the pattern")


def _compiled(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        told = error.args[0]
        reason = told.decode(errors="replace") if isinstance(told, bytes) else str(told)
        raise ValueError(f"is not an RE2 pattern: {reason}") from None


class Number(Scorer):
    """A number that the answer must state, give or take a tolerance."""

    NAME: ClassVar[str] = "number"
    ROLE: ClassVar[Role] = "task"
    NEEDS: ClassVar[str] = "`number`"
    NULL: ClassVar[str] = "the sample has no `number`"

    which: Literal["last", "first", "any", "only"] = "last"
    """Which number of the answer counts; `only` refuses an answer with several."""
    tolerance: Annotated[float, Field(ge=0, le=1e300)] = 0.0
    """Allowed where the sample does not say."""
    relative: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Allowed share of the value where the sample does not say."""

    def fits(self, sample: Sample) -> bool:
        """Whether a number is expected."""
        return sample.expect.number is not None

    def mark(self, talk: Conversation) -> Mark | None:
        """1 where the number is within the wider of both tolerances."""
        if (wanted := talk.expect.number) is None:
            return None
        found = numbers(unmarked(talk.answer))
        counted = (
            found if self.which == "any" else found[:1] if self.which == "first" else found[-1:]
        )
        alone = self.which != "only" or len(found) == 1
        good = alone and any(self._near(one, wanted) for one in counted)
        return flag(good, f"found {', '.join(f'{one:g}' for one in found[:10]) or 'no number'}")

    def _near(self, found: float, wanted: ExpectedNumber) -> bool:
        tolerance = wanted.tolerance or self.tolerance
        relative = wanted.relative or self.relative
        return abs(found - wanted.value) <= max(tolerance, relative * abs(wanted.value))


def references(sample: Sample) -> tuple[str, ...]:
    """The good answers of a sample."""
    expect = sample.expect
    return expect.references or (() if expect.exact is None else (expect.exact,))
