"""Problems pinned to the line and column of what they are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.adapters.paths import dot
from gatekeeper.adapters.text import position
from gatekeeper.adapters.tree import Mapping
from gatekeeper.errors import Problem

if TYPE_CHECKING:
    from gatekeeper.adapters.paths import KeyPath
    from gatekeeper.adapters.tree import Node


@dataclass(frozen=True, slots=True)
class Located:
    """A document that problems can be pinned to."""

    root: Node
    text: str
    file: str

    def problem(
        self, path: KeyPath, message: str, accepted: str = "", nearest: str = ""
    ) -> Problem:
        """A problem with the value at `path`, or with the nearest one around it."""
        line, column = position(self.text, self._node(path)[0].offset)
        return Problem(message, self.file, line, column, dot(path), accepted, nearest)

    def key_problem(
        self, path: KeyPath, message: str, accepted: str = "", nearest: str = ""
    ) -> Problem:
        """A problem with the last key of `path` itself."""
        parent = self._node(path[:-1])[0]
        key = parent.key(path[-1]) if isinstance(parent, Mapping) else None
        line, column = position(self.text, (key or parent).offset)
        return Problem(message, self.file, line, column, dot(path), accepted, nearest)

    def node(self, path: KeyPath) -> Node | None:
        """The value at `path`."""
        node, depth = self._node(path)
        return node if depth == len(path) else None

    def refused(self, path: KeyPath) -> bool:
        """Whether something on the way to `path` is known to be wrong."""
        return any(self._node(path[:depth])[0].refused for depth in range(len(path) + 1))

    def _node(self, path: KeyPath) -> tuple[Node, int]:
        node = self.root
        for depth, part in enumerate(path):
            inner = node.child(part)
            if inner is None:
                return node, depth
            node = inner
        return node, len(path)
