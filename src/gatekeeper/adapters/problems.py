"""What pydantic says of a document, as problems that a person can act on."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.nodes import Mapping, Node, Scalar, Sequence
from gatekeeper.adapters.paths import dot
from gatekeeper.adapters.shapes import Shape, nearest
from gatekeeper.adapters.text import position
from gatekeeper.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

    from gatekeeper.adapters.paths import KeyPath

MAX_SHOWN: Final = 40
HIDDEN: Final = "a value that is not shown"
_SHAPELESS: Final = {"missing", "extra_forbidden"}
_OWN_WORDS: Final = {"value_error", "assertion_error"}
_KEY_MARK: Final = "[key]"

_SECRET_ANYWHERE: Final = {
    "password", "passwd", "passphrase", "secret", "secrets", "credential", "credentials",
    "authorization", "apikey", "dsn",
}  # fmt: skip
_SECRET_AT_END: Final = {"key", "token", "cookie", "bearer", "auth"}
_WORDS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")
_LOOKS_SECRET = re.compile(
    r"-----BEGIN|\b(sk|pk|rk)[-_]\w{8}|\bgh[oprsu]_\w{8}|\bgithub_pat_|\bglpat-|\bAKIA[0-9A-Z]{8}"
    r"|\bxox[abpr]-|\bhf_\w{8}|\beyJ\w{8}|://[^/\s:@]+:[^/\s@]+@|\b[Bb]earer \S"
)


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


@dataclass(slots=True)
class _Fault:
    """One of pydantic's errors: where in the document, and in which branches of which unions."""

    kind: str
    text: str
    path: KeyPath = ()
    branches: list[tuple[KeyPath, str]] = field(default_factory=list)
    of_key: bool = False
    context: dict[str, Any] = field(default_factory=dict)


def translate(
    errors: list[ErrorDetails], document: Located, schema: dict[str, Any]
) -> list[Problem]:
    """Problems for `errors`, one a cause."""
    faults = [_locate(error, document) for error in errors]
    faults = [f for f in faults if not document.refused(f.path) and not _echo(f, faults)]
    return _without_echoes(list(_Translator(document, Shape.of(schema)).explain(faults)))


def found(node: Node | None, path: KeyPath) -> str:
    """What stands there, shortened; nothing of what may be a secret."""
    if isinstance(node, Mapping):
        return f"a mapping of {len(node.pairs)}" if node.pairs else "an empty mapping"
    if isinstance(node, Sequence):
        return f"a list of {len(node.items)}" if node.items else "an empty list"
    value = node.value if isinstance(node, Scalar) else None
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if _secret(path, str(value)):
        return HIDDEN
    text = json.dumps(value, ensure_ascii=False)
    text = text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 2] + "…" + text[-1]
    return f"the text {text}" if isinstance(value, str) else f"the number {text}"


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _secret(path: KeyPath, value: str) -> bool:
    keys = [
        [word.lower() for word in _WORDS.findall(part)] for part in path if isinstance(part, str)
    ]
    anywhere = any(word in _SECRET_ANYWHERE for words in keys for word in words)
    return (
        anywhere
        or any(w[-1:] and w[-1] in _SECRET_AT_END for w in keys)
        or bool(_LOOKS_SECRET.search(value))
    )


def _locate(error: ErrorDetails, document: Located) -> _Fault:
    """Tell the parts of pydantic's location that are keys from those that name a branch."""
    fault = _Fault(error["type"], error["msg"], context=error.get("ctx", {}))
    node: Node | None = document.root
    last = len(error["loc"]) - 1
    for index, part in enumerate(error["loc"]):
        inner = node.child(part) if node else None
        if inner is not None or (index == last and fault.kind == "missing"):
            fault.path, node = (*fault.path, part), inner
        elif part == _KEY_MARK:
            fault.of_key = True
        else:
            fault.branches.append((fault.path, str(part)))
    return fault


class _Translator:
    def __init__(self, document: Located, shape: Shape) -> None:
        self._document = document
        self._shape = shape

    def explain(self, faults: list[_Fault], depth: int = 0) -> Iterator[Problem]:
        """One problem a fault; faults of the branches of one union become those of the best."""
        unions: dict[KeyPath, dict[str, list[_Fault]]] = defaultdict(lambda: defaultdict(list))
        for fault in faults:
            if len(fault.branches) > depth:
                path, name = fault.branches[depth]
                unions[path][name].append(fault)
            else:
                yield from self._one(fault)
        for path, branches in unions.items():
            yield from self._union(path, branches, depth)

    def _union(
        self, path: KeyPath, branches: dict[str, list[_Fault]], depth: int
    ) -> Iterator[Problem]:
        node = self._document.node(path)
        fitting = [faults for faults in branches.values() if _fits(path, faults, depth)]
        if isinstance(node, Mapping):
            keys = len(node.pairs)
            best = min(fitting, key=lambda faults: _misfit(path, faults), default=[])
            if best and (len(branches) == 1 or _strangers(path, best) < keys):
                yield from self.explain(best, depth + 1)
            elif fitting and keys:
                yield from self._strange_keys(path, node)
            else:
                yield self._value(path)
        elif len(fitting) == 1:
            yield from self.explain(fitting[0], depth + 1)
        else:
            yield self._value(path)

    def _strange_keys(self, path: KeyPath, node: Mapping) -> Iterator[Problem]:
        shape = self._shape.at(path)
        for key, _ in node.pairs:
            message, near = f"unknown key {_short(key.text)!r}", nearest(key.text, shape.names)
            yield self._document.key_problem((*path, key.text), message, shape.describe(), near)

    def _one(self, fault: _Fault) -> Iterator[Problem]:
        path = fault.path
        if fault.kind == "missing":
            accepted = self._shape.at(path).describe()
            yield self._document.problem(path, f"missing key {path[-1]!r}", accepted)
        elif fault.kind == "extra_forbidden":
            yield self._unknown_key(fault)
        elif fault.of_key:
            yield self._key(path)
        elif fault.kind in _OWN_WORDS:
            scalar = isinstance(self._document.node(path), Scalar)
            accepted = self._shape.at(path).describe() if scalar else ""
            yield self._document.problem(path, fault.text.partition(", ")[2], accepted)
        elif fault.kind.startswith("union_tag"):
            yield self._tag(fault)
        else:
            yield self._value(path)

    def _unknown_key(self, fault: _Fault) -> Problem:
        *_, key = fault.path
        parent = self._shape.at(fault.path[:-1])
        for _, name in fault.branches:
            parent = parent.titled(name)
        accepted = ", ".join(parent.names)
        near = nearest(str(key), parent.names)
        return self._document.key_problem(
            fault.path, f"unknown key {_short(str(key))!r}", accepted, near
        )

    def _key(self, path: KeyPath) -> Problem:
        key, keys = str(path[-1]), self._shape.at(path[:-1]).keys()
        message, near = f"found the key {_short(key)!r}", keys.nearest(key)
        return self._document.key_problem(path, message, keys.describe(), near)

    def _tag(self, fault: _Fault) -> Problem:
        key = str(fault.context.get("discriminator", "")).strip("'")
        path = (*fault.path, key)
        shape = self._shape.at(path)
        if self._document.node(path) is None:
            return self._document.problem(path, f"missing key {key!r}", shape.describe())
        return self._value(path)

    def _value(self, path: KeyPath) -> Problem:
        node = self._document.node(path)
        shape = self._shape.at(path)
        value = node.value if isinstance(node, Scalar) else ""
        words = found(node, path)
        near = "" if words == HIDDEN else shape.nearest(value)
        return self._document.problem(path, f"found {words}", shape.describe(), near)


def _echo(fault: _Fault, faults: list[_Fault]) -> bool:
    """Whether a list is called too short only because items of it are wrong."""
    depth = len(fault.path)
    deeper = (f for f in faults if len(f.path) > depth and f.path[:depth] == fault.path)
    return fault.kind == "too_short" and any(deeper)


def _fits(path: KeyPath, faults: list[_Fault], depth: int) -> bool:
    """Whether the value has the form of a branch, whatever is wrong inside."""
    own = [f for f in faults if f.path == path and len(f.branches) == depth + 1]
    return not any(f.kind.endswith("_type") or f.kind == "literal_error" for f in own)


def _strangers(path: KeyPath, faults: list[_Fault]) -> int:
    return sum(f.kind == "extra_forbidden" and f.path[:-1] == path for f in faults)


def _misfit(path: KeyPath, faults: list[_Fault]) -> tuple[int, int]:
    return _strangers(path, faults), len(faults)


def _without_echoes(problems: list[Problem]) -> list[Problem]:
    """Drop a missing key that an unknown key beside it was meant to be."""
    meant = {
        _sibling(p.path, p.nearest) for p in problems if p.nearest and "unknown key" in p.message
    }
    return [p for p in problems if not (p.message.startswith("missing key") and p.path in meant)]


def _sibling(path: str, name: str) -> str:
    parent = path.rpartition(".")[0]
    return f"{parent}.{name}" if parent else name
