"""What pydantic says of a document, as problems that a person can act on."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.shapes import Shape, nearest
from gatekeeper.adapters.tree import Mapping, Scalar
from gatekeeper.adapters.values import HIDDEN, shortened, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

    from gatekeeper.adapters.locations import Located
    from gatekeeper.adapters.paths import KeyPath
    from gatekeeper.adapters.tree import Node
    from gatekeeper.errors import Problem

_OWN_WORDS: Final = {"value_error", "assertion_error"}
_KEY_MARK: Final = "[key]"


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
            message, near = f"unknown key {shortened(key.text)!r}", nearest(key.text, shape.names)
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
            fault.path, f"unknown key {shortened(str(key))!r}", accepted, near
        )

    def _key(self, path: KeyPath) -> Problem:
        key, keys = str(path[-1]), self._shape.at(path[:-1]).keys()
        message, near = f"found the key {shortened(key)!r}", keys.nearest(key)
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
        words = shown(node, path)
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
