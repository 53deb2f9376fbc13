"""Composition: which samples a run asks, of whom, and which of them the release has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.cli.wiring import store_of
from gatekeeper.core.wording import did_you_mean
from gatekeeper.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.adapters.evalsets import LoadedSet
    from gatekeeper.adapters.fleet import Entrant
    from gatekeeper.adapters.project import Project
    from gatekeeper.core.layout import Layout
    from gatekeeper.model.evalset import Suite
    from gatekeeper.model.record import Arm
    from gatekeeper.model.run import RunOptions


def sets_of(project: Project, paths: Sequence[str], words: Sequence[str]) -> tuple[LoadedSet, ...]:
    """The eval sets in `paths`, once each of the words is a name, suite or file of theirs.

    Raises:
        UsageError: There is no eval set, none of that name, or a name stands for two.
        InputError: A header or a sample is not what it should be.
    """
    from gatekeeper.adapters.evalsets import open_set

    sets = [open_set(project, project.root / path) for path in paths]
    if not sets:
        raise UsageError(
            "no eval set is named",
            fix="list some under `evaluation.sets` in the manifest and build again",
        )
    if len({one.header.name for one in sets}) < len(sets):
        raise UsageError("two eval sets have the same name", fix="give each a name of its own")
    for name in words:
        if not any(_called(one, name) for one in sets):
            names = [one.header.name for one in sets]
            meant = did_you_mean(name, [*names, *(one.header.suite for one in sets)])
            raise UsageError(
                f"there is no eval set {name!r}{meant}",
                fix=f"`evaluation.sets` of the manifest names {', '.join(names)}",
            )
    return tuple(sets)


def chosen(one: LoadedSet, words: Sequence[str]) -> bool:
    """Whether a set is meant by any of the words, or there are none."""
    return not words or any(_called(one, word) for word in words)


def _called(one: LoadedSet, name: str) -> bool:
    return name in (one.header.name, one.header.suite, one.header.file)


def left_out(named: Sequence[LoadedSet], kept: Sequence[LoadedSet]) -> tuple[str, ...]:
    """Sets without which a suite is only part of what the manifest means by it.

    A rule about a suite that was left out altogether decides nothing; a rule about half of one
    would, and whoever runs it could choose the easier half.
    """
    names, suites = {one.header.name for one in kept}, {one.header.suite for one in kept}
    left = (one.header for one in named if one.header.name not in names)
    return tuple(header.name for header in left if header.suite in suites)


def unasked(named: Sequence[LoadedSet], kept: Sequence[LoadedSet]) -> tuple[str, ...]:
    """Sets of suites that were left out altogether: rules over all suites do not miss them."""
    suites = {one.header.suite for one in kept}
    return tuple(one.header.name for one in named if one.header.suite not in suites)


def layout_of(
    sets: Sequence[LoadedSet], compared: Sequence[Suite], options: RunOptions, seed: int
) -> Layout:
    """Which samples are asked of whom."""
    from gatekeeper.core.layout import Layout, Share

    def share(one: LoadedSet) -> Share:
        """Which samples of a set are asked, how often, and of which releases."""
        arms: tuple[Arm, ...] = ("candidate",)
        if one.header.suite in compared:
            arms = ("candidate", "baseline")
        numbers = _numbers(one, options, seed)
        return Share(one.header.name, numbers, one.header.replicates, arms)

    return Layout([share(one) for one in sets])


def _numbers(one: LoadedSet, options: RunOptions, seed: int) -> Sequence[int]:
    from gatekeeper.core.sampling import sharded, stratified

    numbers: Sequence[int] = range(len(one))
    if options.limit is not None and options.limit < len(one):
        tag = one.header.strata or one.header.cluster
        groups = [one[number].tags.get(tag) if tag else None for number in numbers]
        numbers = stratified(groups, options.limit, seed)
    part = options.shard
    return sharded(numbers, part.index, part.count) if part else numbers


def contamination_of(
    project: Project, candidate: Entrant, sets: Sequence[LoadedSet]
) -> tuple[str, ...]:
    """The samples that the prompt or the documents of a release already hold, in sentences."""
    from gatekeeper.core.contamination import contaminated, sentences

    stored = store_of(project).documents(candidate.release)
    documents = {path: data.decode(errors="replace") for path, data in stored.items()}
    return sentences(contaminated(candidate.release, documents, sets))
