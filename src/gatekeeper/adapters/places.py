"""Where the components of a release and the rules of a policy stand in the files of the project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.adapters import yaml
from gatekeeper.adapters.files import read_regular
from gatekeeper.adapters.tree import Sequence
from gatekeeper.core.places import Place, Places
from gatekeeper.errors import GatekeeperError
from gatekeeper.model.base import COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gatekeeper.adapters.paths import KeyPath
    from gatekeeper.adapters.project import Project
    from gatekeeper.model.base import ComponentName

_LISTS = ("require", "deny_if")
_TESTS = ("max_increase", "max_decrease", "min_increase", "min", "max")


def places(
    project: Project, manifest: str | None, policy: Path | None, rules: Iterable[str]
) -> Places:
    """What a verdict can point at; what is not there, or cannot be read, is left out.

    Args:
        project: The files' project.
        manifest: Path of the release's manifest from the root of the project.
        policy: The policy's file.
        rules: Names of the rules that were decided.
    """
    root = _root(project.root)
    authored = _source(project.root / manifest, root) if manifest else None
    gates = _source(policy, root) if policy else None
    return Places(
        manifest=Place(authored.file) if authored else None,
        policy=Place(gates.file) if gates else None,
        components=dict(_components(authored)) if authored else {},
        rules={name: _rule(gates, name) for name in rules} if gates else {},
    )


def _root(start: Path) -> Path:
    """The root of the repository, which CI takes paths from; of the project if there is none."""
    found = (one for one in (start, *start.parents) if (one / ".git").exists())
    return next(found, start)


def _source(path: Path, root: Path) -> yaml.Source | None:
    """A document as it is written, whatever is wrong with its content."""
    resolved = path.resolve()
    if not resolved.is_relative_to(root):
        return None
    name = resolved.relative_to(root).as_posix()
    try:
        return yaml.parse(read_regular(resolved, name, yaml.DOCUMENT_LIMIT), name)
    except GatekeeperError:
        return None


def _components(source: yaml.Source) -> Iterator[tuple[ComponentName, Place]]:
    for name in COMPONENTS:
        path = ("components", name)
        if source.located.node(path) is not None:
            yield name, _key(source, path)


def _rule(source: yaml.Source, name: str) -> Place:
    """The line that a rule comes from, or the first of the policy."""
    section, _, word = name.partition(".")
    short: tuple[KeyPath, ...] = (("sections", section, word), ("release_gate", section, word))
    for path in short:
        if source.located.node(path) is not None:
            return _key(source, path)
    for path in (*_long_forms(source, section, word), *_conditions(source, word)):
        return _value(source, path)
    return Place(source.file)


def _long_forms(source: yaml.Source, section: str, word: str) -> Iterator[KeyPath]:
    """Rules of a section that are called so, by their name or by metric and limit."""
    base = ("sections", section, "rules")
    for number, rule in enumerate(_items(source, base)):
        metric = rule.get("metric") if isinstance(rule, dict) else None
        if metric is None:
            continue
        names = {
            rule.get("name") or metric,
            *(f"{metric}_{test}" for test in _TESTS if test in rule),
        }
        if word in names:
            yield (*base, number)


def _conditions(source: yaml.Source, word: str) -> Iterator[KeyPath]:
    """Lines under `require` and `deny_if` whose metric a rule is named after."""
    for name in _LISTS:
        for number, line in enumerate(_items(source, (name,))):
            first = next(iter(line), "") if isinstance(line, dict) else str(line).split("<")[0]
            metric = str(first).split(">")[0].split("=")[0].strip()
            if metric and word in {metric, *(f"{metric}_{test}" for test in _TESTS)}:
                yield (name, number)


def _items(source: yaml.Source, path: KeyPath) -> list[Any]:
    node = source.located.node(path)
    return [item.plain() for item in node.items] if isinstance(node, Sequence) else []


def _key(source: yaml.Source, path: KeyPath) -> Place:
    found = source.located.key_problem(path, "")
    return Place(source.file, found.line, found.column, found.path)


def _value(source: yaml.Source, path: KeyPath) -> Place:
    found = source.located.problem(path, "")
    return Place(source.file, found.line, found.column, found.path)
