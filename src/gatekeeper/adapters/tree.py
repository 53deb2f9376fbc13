"""A YAML document as a tree of values that know where they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gatekeeper.adapters.scalars import Value


@dataclass(slots=True)
class Node:
    """A value and the offset of its first character.

    Attributes:
        refused: Something was wrong with it already; what else is wrong there is noise.
        size: Values in it, itself included.
        height: Levels below it, itself included.
    """

    offset: int
    refused: bool = False
    size: int = 1
    height: int = 1

    def plain(self) -> Any:
        """As JSON would hold it."""
        raise NotImplementedError

    def measure(self, child: Node) -> None:
        """Count a value that has come to stand in this one."""
        self.size += child.size
        self.height = max(self.height, child.height + 1)

    def child(self, key: str | int) -> Node | None:
        """The value under a key or an index."""


@dataclass(slots=True)
class Scalar(Node):
    """Text, a number, true, false or null."""

    value: Value = None

    def plain(self) -> Value:
        """The value."""
        return self.value


@dataclass(slots=True)
class Key:
    """A key of a mapping, always text."""

    text: str
    offset: int


@dataclass(slots=True)
class Mapping(Node):
    """Keys and values in the order they are written, repeated keys included."""

    pairs: list[tuple[Key, Node]] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """As a dictionary; the first of repeated keys counts."""
        found: dict[str, Any] = {}
        for key, value in self.pairs:
            if key.text not in found:
                found[key.text] = value.plain()
        return found

    def child(self, key: str | int) -> Node | None:
        """The value under a key."""
        return next((value for found, value in self.pairs if found.text == key), None)

    def key(self, text: str | int) -> Key | None:
        """Where a key is written first."""
        return next((found for found, _ in self.pairs if found.text == text), None)


@dataclass(slots=True)
class Sequence(Node):
    """A list."""

    items: list[Node] = field(default_factory=list)

    def plain(self) -> list[Any]:
        """As a list."""
        return [item.plain() for item in self.items]

    def child(self, key: str | int) -> Node | None:
        """The item at an index."""
        return self.items[key] if isinstance(key, int) and key < len(self.items) else None
