"""YAML text into a small tree that knows where everything stands, within fixed bounds.

The tree is made from the parser's events, so that repeated keys are seen, aliases are counted
before they are expanded, and reading stops at the bound instead of after it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from gatekeeper.adapters import routing
from gatekeeper.adapters.paths import dot
from gatekeeper.adapters.scalars import Refused, resolve
from gatekeeper.adapters.text import faults, position
from gatekeeper.adapters.tree import Key, Mapping, Node, Scalar, Sequence
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NODES: Final = 10_000
"""Values in a document, every alias expanded."""
MAX_DEPTH: Final = 64

_SECOND_COLON: Final = "a second `: ` in one line"
_TIGHT: Final = re.compile(r"\s*[\w.-]+(:)[^\s:/]")
"""A line such as ``owner:security``; ``http://host`` is none."""
_SYNTAX: Final = (
    ("'\\t' that cannot start", "a tab as indentation", "spaces"),
    ("cannot start any token", "a character that YAML reserves", "the text in quotes"),
    ("mapping values are not allowed", _SECOND_COLON, "the text in quotes"),
    ("expected <block end>", "out of line with what is above it", "the indentation of its peers"),
    ("'<document start>'", "out of line with what is above it", "the indentation of its peers"),
    ("could not find expected ':'", "neither `key: value` nor a list item", "`key: value`"),
    ("expected ',' or", "a bracket that is not closed", "a comma or the closing bracket"),
    ("unknown escape", "a backslash that starts no escape", "the text in single quotes"),
    ("end of stream", "a quotation that does not end", "a closing quotation mark"),
)


def compose(text: str, file: str) -> tuple[Node, list[Problem]]:
    """The one document in `text` and everything wrong with its form.

    Raises:
        InputError: There is no tree: bad syntax, no document, several, or one beyond the bounds.
    """
    composer = _Composer(text, file)
    return composer.document(), composer.problems


class _Composer:
    def __init__(self, text: str, file: str) -> None:
        self.problems: list[Problem] = []
        self._text = text
        self._file = file
        self._events = self._parse()
        self._anchors: dict[str, Node | None] = {}
        self._count = 0
        self._last = 0
        self._path: list[str | int] = []

    def document(self) -> Node:
        """The root of the one document; faults of form are collected beside it."""
        next(self._events)
        start = next(self._events)
        if start.crepr == "-STR":
            self._stop("is empty", 0, "one YAML document")
        if start.version not in {None, (1, 2)} or start.tags:
            self._add("a YAML directive", 0, "YAML 1.2 without directives")
        root = self._node(next(self._events))
        next(self._events)
        end = next(self._events)
        if end.crepr != "-STR":
            self._stop("a second document", end.start_mark.index, "one YAML document a file")
        return root

    def _parse(self) -> Iterator[Any]:
        """Events; a fault of syntax ends the reading."""
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError

        try:
            for event in YAML(typ="safe", pure=True).parse(self._text):
                self._last = event.end_mark.index
                yield event
        except MarkedYAMLError as error:
            message, accepted = _words(str(error.problem))
            mark = error.problem_mark or error.context_mark
            offset = mark.index if mark else 0
            if message == _SECOND_COLON and (found := _tight_colon(self._text, offset)) is not None:
                message, accepted, offset = "no space after the colon", "`key: value`", found
            self._stop(message, offset, accepted)
        except (YAMLError, ValueError, OverflowError):  # chr() of a number that is too large
            self._stop("an escape that is no character", self._last, "characters of Unicode")

    def _node(self, event: Any) -> Node:
        self._bound(event, 1, 1)
        if event.crepr == "=ALI":
            return self._alias(event)
        if event.anchor:
            self._anchors[event.anchor] = None
        node = self._content(event)
        if event.anchor:
            self._anchors[event.anchor] = node
        if event.tag is not None:
            node.refused = True
            self._add(f"a YAML tag, {event.tag[:40]!r}", node.offset, "a value without a tag")
        return node

    def _content(self, event: Any) -> Node:
        offset = event.start_mark.index
        if event.crepr == "+MAP":
            return self._mapping(Mapping(offset))
        if event.crepr == "+SEQ":
            return self._sequence(Sequence(offset))
        return self._scalar(event, offset)

    def _alias(self, event: Any) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            inside = event.anchor in self._anchors
            message = "refers to itself" if inside else "refers to no anchor above it"
            self._add(f"alias *{event.anchor} {message}", event.start_mark.index, "a known anchor")
            return Scalar(event.start_mark.index, refused=True)
        self._bound(event, node.size, node.height)
        return node

    def _bound(self, event: Any, size: int, height: int) -> None:
        self._count += size
        offset = event.start_mark.index
        alias = f" when *{event.anchor} is expanded" if event.crepr == "=ALI" else ""
        if self._count > MAX_NODES:
            self._stop(f"more than {MAX_NODES:,} values{alias}", offset, f"at most {MAX_NODES:,}")
        if len(self._path) + height > MAX_DEPTH:
            self._stop(f"nested too deeply{alias}", offset, f"at most {MAX_DEPTH} levels")

    def _sequence(self, node: Sequence) -> Sequence:
        while (event := next(self._events)).crepr != "-SEQ":
            self._path.append(len(node.items))
            child = self._node(event)
            self._path.pop()
            node.items.append(child)
            node.measure(child)
        return node

    def _mapping(self, node: Mapping) -> Mapping:
        while (event := next(self._events)).crepr != "-MAP":
            key = self._key(event)
            self._path.append(key.text if key else event.start_mark.index)
            child = self._node(next(self._events))
            self._path.pop()
            if key:
                node.pairs.append((key, child))
                node.measure(child)
        self._check_keys(node)
        return node

    def _key(self, event: Any) -> Key | None:
        """A key; none where it is refused, and its value is then left out."""
        node = self._node(event)
        offset = event.start_mark.index
        if not isinstance(node, Scalar) or event.crepr == "=ALI" or not event.value:
            self._add("a key that is not text", offset, "text")
        elif event.value == "<<" and event.style is None:
            self._add("a merge key", offset, "the keys themselves: YAML 1.2 has no merge")
        elif not node.refused:
            return Key(str(node.value) if event.style else event.value, offset)
        return None

    def _check_keys(self, node: Mapping) -> None:
        if routing.recognise([key.text for key, _ in node.pairs]):
            node.refused = True
            pairs = [(key.text, value.plain()) for key, value in node.pairs]
            self._add(routing.MESSAGE, node.offset, routing.list_form(pairs))
            return
        first: dict[str, Key] = {}
        for key, _ in node.pairs:
            before = first.setdefault(key.text, key)
            if before is not key:
                lines = {position(self._text, offset)[0] for offset in (before.offset, key.offset)}
                place = "in the same line" if len(lines) == 1 else f"on line {min(lines)}"
                message = f"key {key.text[:40]!r} again; it is first {place}"
                self._add(message, key.offset, "each key once", key.text)

    def _scalar(self, event: Any, offset: int) -> Scalar:
        text = event.value
        if event.style is None and event.implicit[0] and event.tag is None:
            value = resolve(text)
            if isinstance(value, Refused):
                self._add(value.message, offset, value.accepted)
                return Scalar(offset, refused=True)
            return Scalar(offset, value=value)
        try:  # an escape may have made half of a character, or a control character
            text = text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._add("half of a surrogate pair", offset, "whole characters")
            return Scalar(offset, refused=True)
        if fault := next(iter(faults(text, "")), None):
            self._add(fault.message, offset, fault.accepted)
            return Scalar(offset, refused=True)
        return Scalar(offset, value=text)

    def _add(self, message: str, offset: int, accepted: str, *path: str) -> None:
        line, column = position(self._text, offset)
        dotted = dot((*self._path, *path))
        problem = Problem(message, self._file, line, column, dotted, accepted)
        self.problems.append(problem)

    def _stop(self, message: str, offset: int, accepted: str) -> NoReturn:
        self._add(message, offset, accepted)
        raise InputError(self.problems)


def _tight_colon(text: str, offset: int) -> int | None:
    """Where the line above lacks the space after its key's colon, so that both are one text."""
    start = text.rfind("\n", 0, offset) + 1
    above = text.rfind("\n", 0, start - 1) + 1 if start else 0
    found = _TIGHT.match(text, above, start)
    return found.start(1) if found else None


def _words(problem: str) -> tuple[str, str]:
    """What the parser found and what would be accepted, in people's words."""
    for part, message, accepted in _SYNTAX:
        if part in problem:
            return message, accepted
    return f"YAML syntax: {problem}", "YAML 1.2"
