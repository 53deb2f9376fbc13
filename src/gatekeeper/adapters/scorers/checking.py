"""The scorers of a header: found by name, settings checked, everything wrong at its place."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gatekeeper.adapters.locations import Located
from gatekeeper.adapters.paths import dot
from gatekeeper.adapters.problems import translate
from gatekeeper.adapters.scorers import functions, plugins
from gatekeeper.adapters.scorers.plugins import Plugin, PythonFunction
from gatekeeper.adapters.shapes import nearest
from gatekeeper.core.scoring.catalogue import BUILT_IN
from gatekeeper.core.scoring.panel import Called
from gatekeeper.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.adapters import yaml
    from gatekeeper.adapters.paths import KeyPath
    from gatekeeper.adapters.project import Project
    from gatekeeper.core.scoring.scorer import Scorer
    from gatekeeper.errors import Problem
    from gatekeeper.model.evalset import EvalSet, ScorerSpec


def check_scorers(document: yaml.Document[EvalSet], project: Project) -> tuple[Called, ...]:
    """The scorers that a header names, settings and all; nothing of the project is run yet.

    Raises:
        InputError: There is no such scorer, a setting is wrong, two have the same name, or
            `resolved_by` names none of them.
    """
    checker = _Checker(document, project)
    header = document.value
    found = [
        Called(spec.called, scorer)
        for number, spec in enumerate(header.scorers or ())
        if (scorer := checker.scorer(spec, ("scorers", number))) is not None
    ]
    checker.problems += _names(document)
    if checker.problems:
        raise InputError(checker.problems)
    return tuple(found)


def names() -> list[str]:
    """Every scorer that there is, plug-ins included."""
    return sorted({*BUILT_IN, PythonFunction.NAME, *plugins.installed()})


def _names(document: yaml.Document[EvalSet]) -> Iterator[Problem]:
    called = [spec.called for spec in document.value.scorers or ()]
    for number, name in enumerate(called):
        if name in called[:number]:
            yield document.problem(
                ("scorers", number), f"two scores are called {name!r}", "a `name` of its own"
            )
    for number, name in enumerate(document.value.resolved_by or ()):
        if name not in called:
            place = ("resolved_by", number)
            message = f"the set has no score {name!r}"
            yield document.problem(place, message, ", ".join(called), nearest(name, called))


class _Checker:
    def __init__(self, document: yaml.Document[EvalSet], project: Project) -> None:
        self._document = document
        self._project = project
        self.problems: list[Problem] = []

    def scorer(self, spec: ScorerSpec, path: KeyPath) -> Scorer | None:
        """The scorer that stands at `path`; None where something is wrong with it."""
        if (kind := self._kind(spec, path)) is None:
            return None
        made = self._made(kind, spec, path)
        if isinstance(made, PythonFunction):
            made = self._in_project(made, path)
        elif isinstance(made, Plugin):
            made = self._installed(made, spec.scorer, path)
        if made is None:
            return None
        many = isinstance(spec.settings.get("of"), list)
        inner = [
            self.scorer(one, (*path, "of", number) if many else (*path, "of"))
            for number, one in enumerate(made.inner)
        ]
        whole = tuple(one for one in inner if one is not None)
        self._refuse_comparisons(whole, path)
        return made.holding(whole) if len(whole) == len(inner) else None

    def _kind(self, spec: ScorerSpec, path: KeyPath) -> type[Scorer] | None:
        if spec.scorer in BUILT_IN:
            return BUILT_IN[spec.scorer]
        if spec.scorer == PythonFunction.NAME:
            return PythonFunction
        known = names()
        if spec.scorer in known:
            return Plugin
        message, near = f"there is no scorer {spec.scorer!r}", nearest(spec.scorer, known)
        self._add(path, message, ", ".join(known), near)
        return None

    def _made(self, kind: type[Scorer], spec: ScorerSpec, path: KeyPath) -> Scorer | None:
        from pydantic import ValidationError

        try:
            return kind.model_validate_json(json.dumps(spec.settings))
        except ValidationError as error:
            located = self._document.located
            place = Located(located.node(path) or located.root, located.text, located.file)
            details = error.errors(include_url=False, include_input=False)
            for problem in translate(details, place, _schema(kind)):
                inner = ".".join(filter(None, [dot(path), problem.path])).replace(".[", "[")
                self.problems.append(replace(problem, path=inner))
            return None

    def _installed(self, made: Plugin, name: str, path: KeyPath) -> Plugin | None:
        """The plug-in with its function, where that takes such settings."""
        try:
            found = plugins.load(name)
        except ImportError as error:
            self._add(path, f"the scorer {name!r} cannot be loaded: {error}")
            return None
        fault, taken = plugins.misfit(found.function, made.arguments)
        if fault:
            self._add(path, fault, ", ".join([*taken, "name", "role", "timeout_s"]))
        return None if fault else made.bound(found)

    def _in_project(self, made: PythonFunction, path: KeyPath) -> PythonFunction | None:
        """Itself, where its file is in the project and has such a function."""
        try:
            file = self._project.inside(made.file)
            defined = functions.defined(file)
        except UsageError as error:
            self._add((*path, "file"), error.what)
            return None
        except (OSError, SyntaxError, ValueError) as error:
            self._add((*path, "file"), f"cannot be read as Python: {error}")
            return None
        if made.function in defined:
            return made
        message = f"{made.file} has no function {made.function!r}"
        near = nearest(made.function, defined)
        self._add((*path, "function"), message, ", ".join(defined), near)
        return None

    def _refuse_comparisons(self, inner: tuple[Scorer, ...], path: KeyPath) -> None:
        for one in inner:
            if one.COMPARES:
                self._add(path, f"{one.NAME!r} compares two answers and cannot be composed")

    def _add(self, path: KeyPath, message: str, accepted: str = "", near: str = "") -> None:
        self.problems.append(self._document.problem(path, message, accepted, near))


def _schema(kind: type[Scorer]) -> dict[str, Any]:
    """The JSON Schema of a scorer's settings, with the keys that every scorer has."""
    schema = kind.model_json_schema()
    text = {"type": "string"}
    return {**schema, "properties": {"scorer": text, "name": text, **schema["properties"]}}
