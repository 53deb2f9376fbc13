"""Where tokens should look, read off how a sample was made: supervision for some attention heads.

A value looks at its product and its attribute. The token before an answer looks at what is asked
and at the source of the answer. The token before each repeated token looks at the original. The end
of a sentence looks at the next fact to tell, or nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import world
from rows import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rows import Row, Text

NOWHERE = [0]  # the first token of the row: what an answer without a source looks at
JSON = ' {"answer": "'
TOOL = " <tool>"


@dataclass(frozen=True)
class Place:
    """Where a fact stands in the context: its number, and the tokens of its parts."""

    number: int
    mark: list[int]
    attribute: list[int]
    product: list[int]
    value: list[int]


Places = dict[tuple[str, str], Place]  # by product and attribute


def look_at_facts(row: Row, context: Text, lines: Iterable[world.Fact | str]) -> Places:
    """Let each value of the context look at its product and attribute; where the facts are."""
    places, at = {}, len("Context:")
    for number, line in enumerate(lines, start=1):
        text = line if isinstance(line, str) else line.text
        mark = context.span(f"\n[{number}]", at)[:1]
        at += len("\n[1] ")
        if isinstance(line, world.Fact):
            value = context.span(line.value, at + text.rfind(line.value))
            attribute, product = context.span(line.attribute, at), context.span(line.product, at)
            row.look(Purpose.ATTRIBUTE, value[0], attribute)
            row.look(Purpose.PRODUCT, value[0], product)
            places[line.product, line.attribute] = Place(number, mark, attribute, product, value)
        at += len(text)
    return places


@dataclass(frozen=True)
class Reply:
    """One answer of a row, and the texts before it that it may repeat."""

    row: Row
    system: Text
    context: Text
    question: Text
    answer: Text
    places: Places

    @property
    def asked(self) -> int:
        """Index of the token that predicts the first one of the answer."""
        return self.answer.first - 1

    def look(self, turn: world.Turn) -> None:
        """Let the answer look at what is asked, at its source and at what it repeats."""
        source = NOWHERE
        if turn.about is not None:
            source = self._at_fact(turn.about, turn.second)
        elif turn.source is not None:
            source = self._at_words(turn.source)
        self.row.look(Purpose.SOURCE, self.asked, source[:1])
        self._at_signer()
        self._at_argument()

    def _at_fact(self, about: tuple[str, str], second: str | None) -> list[int]:
        product, attribute = (self.question.span(part) for part in about)
        self.row.look(Purpose.ATTRIBUTE, self.asked, attribute)
        self.row.look(Purpose.PRODUCT, self.asked, product)
        place = self.places.get(about)
        if place is None:
            return NOWHERE
        text = self.answer.text
        if text.startswith(JSON):
            self._copy_value(place, len(JSON), attribute, product)
        elif text.startswith(" The ") and " of the " in text:
            self._copy_sentences(about, second)
        else:
            self._copy_value(place, 0, attribute, product)
            self._copy_mark(place, 0)
        return place.value

    def _at_words(self, words: str) -> list[int]:
        spans = (text.span(words) for text in (self.question, self.context, self.system))
        source = next((span for span in spans if span), NOWHERE)
        self._copy(words, 0, source)
        return source

    def _at_signer(self) -> None:
        text, system = self.answer.text, self.system.text
        name = text.rpartition(" - ")[2]
        if name != text:
            signer = self.system.span(name, max(0, system.rfind(" as ")))
            self._copy(name, len(text) - len(name), signer)

    def _at_argument(self) -> None:
        text = self.answer.text
        parts = text.split('"')  # <tool>name {"argument": "item"}</tool>
        if text.startswith(TOOL) and len(parts) > 4:
            self._copy(parts[3], text.find(f'"{parts[3]}') + 1, self.question.span(parts[3]))

    def _copy(self, part: str, start: int, source: list[int]) -> list[int]:
        """Copy ``part`` of the answer token by token, if it has the same tokens there."""
        span = self.answer.span(part, start)
        if len(span) == len(source):
            self._copy_tokens(span, source)
        return span

    def _copy_tokens(self, span: list[int], source: list[int]) -> None:
        for to, origin in zip(span, source, strict=False):
            self.row.look(Purpose.COPY, to - 1, [origin])

    def _copy_value(
        self, place: Place, start: int, attribute: list[int], product: list[int]
    ) -> None:
        """The value of a fact; if it does not open the answer, choose the fact before it again."""
        span = self.answer.following(start, len(place.value))
        self._copy_tokens(span, place.value)
        before = span[0] - 1
        if before != self.asked:
            self.row.look(Purpose.ATTRIBUTE, before, attribute)
            self.row.look(Purpose.PRODUCT, before, product)
            self.row.look(Purpose.SOURCE, before, place.value[:1])

    def _copy_mark(self, place: Place, start: int) -> int:
        """The number of a fact; the index of its token."""
        mark = self.answer.span(f"[{place.number}]", start)[0]
        self.row.look(Purpose.COPY, mark - 1, place.mark)
        return mark

    def _copy_sentences(self, about: tuple[str, str], second: str | None) -> None:
        """A detailed answer: a sentence for each attribute that was asked for and is known."""
        asked = (about, (about[0], second))
        told = [(key, self.places[key]) for key in asked if key in self.places]
        following = [*(place.mark for _, place in told[1:]), NOWHERE]
        text, at = self.answer.text, 0
        for ((product, attribute), place), after in zip(told, following, strict=True):
            attribute_span = self._copy(attribute, at, place.attribute)
            product_span = self._copy(product, text.find(" of the ", at), place.product)
            at = text.find(" is ", at) + len(" is ")
            self._copy_value(place, at, attribute_span, product_span)
            stop = self._copy_mark(place, at) + 1
            self.row.look(Purpose.NEXT, stop, after)
            self.row.look(Purpose.PRODUCT, stop, self.question.span(about[0]))
            self.row.look(Purpose.ATTRIBUTE, stop, self.question.span(second or about[1]))
            at = text.find(f"[{place.number}]", at) + len("[1]")
