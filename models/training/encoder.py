"""Groups of the world as rows of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tokenizer as vocabulary
from looks import Reply, look_at_facts
from rows import Row, Text

if TYPE_CHECKING:
    import world
    from tokenizers import Tokenizer

ROLE_IDS = {
    "system": vocabulary.SYSTEM,
    "user": vocabulary.USER,
    "assistant": vocabulary.ASSISTANT,
}


class Encoder:
    """Groups to rows.

    The question follows its context, so that all questions of a group share the context. An answer
    begins with a space, so that a word has the same token where it is copied from and to.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def row(self, group: world.Group) -> Row:
        """A group as one row, in which each question is a branch of its own."""
        row = Row()
        row.add([vocabulary.BOS], 0, 0)
        system = self._text(group.prefix[0]["content"], row, after=1)
        for message in group.prefix:
            self._add_message(row, message["role"], message["content"])
        context = self._text(group.context or "", row, after=1)
        row.add([vocabulary.USER, *context.ids], len(row.ids), 0)
        places = look_at_facts(row, context, group.lines)
        start = len(row.ids)
        for branch, turn in enumerate(group.turns, start=1):
            lead = "" if group.context is None else "\nQuestion: "
            question = self._text(lead + turn.question, row)
            asked = [*question.ids, vocabulary.END, vocabulary.ASSISTANT]
            row.add(asked, start, branch)
            answer = self._text(" " + turn.answer, row)
            Reply(row, system, context, question, answer, places).look(turn)
            row.add([*answer.ids, vocabulary.END], start + len(asked), branch, answer=True)
        return row

    def _text(self, text: str, row: Row, after: int = 0) -> Text:
        """A text that is about to be added to the row, ``after`` so many tokens."""
        return Text(self.tokenizer, text, len(row.ids) + after)

    def _add_message(self, row: Row, role: str, content: str) -> None:
        answer = role == "assistant"
        text = self._text(" " + content if answer else content, row)
        row.add([ROLE_IDS[role]], len(row.ids), 0)
        row.add([*text.ids, vocabulary.END], len(row.ids), 0, answer=answer)
