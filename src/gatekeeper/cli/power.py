"""Composition: what the eval sets of a run could show of a policy's rules."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gatekeeper.core.policy.power import PlannedSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gatekeeper.adapters.evalsets import LoadedSet
    from gatekeeper.cli.session import Session
    from gatekeeper.core.layout import Layout
    from gatekeeper.core.policy.power import Outlook
    from gatekeeper.core.scoring.scorer import Scorer
    from gatekeeper.model.evalset import EvalSet
    from gatekeeper.ops.policy import Policy


def foreseen(policy: Policy, sets: Iterable[PlannedSet]) -> tuple[Outlook, ...]:
    """What sets can show of each rule of a policy."""
    from gatekeeper.core.policy.power import outlooks
    from gatekeeper.model.record import RequestRow

    columns = frozenset(RequestRow.model_fields)
    return outlooks(policy.rules, policy.metrics, tuple(sets), columns)


def planned_set(
    found: LoadedSet, numbers: Sequence[int] | None = None, *, inside: bool = True
) -> PlannedSet:
    """What is known of an eval set, or of the samples of it that are asked.

    Args:
        found: The set.
        numbers: The samples that are asked; all where it is None.
        inside: Whether ids and tags are wanted, for which every sample is read.
    """
    tags: dict[str, Counter[str]] = {}
    ids = []
    asked = range(len(found)) if numbers is None else numbers
    header = found.header
    scorers = _scorers(header)
    scored: Counter[str] = Counter()
    for sample in (found[number] for number in asked if inside):
        scored.update(name for name, scorer in scorers.items() if scorer.fits(sample))
        ids.append(sample.id)
        for tag, value in sample.tags.items():
            tags.setdefault(tag, Counter())[value] += 1
    size = len(asked) * header.replicates
    fits = {name: scored[name] * header.replicates for name in scorers} if inside else None
    return PlannedSet(header.name, header.suite, size, frozenset(ids), tags, fits)


def _scorers(header: EvalSet) -> dict[str, Scorer]:
    """Those that are built in, by the name of their scores."""
    from gatekeeper.core.scoring.catalogue import built_in

    made = {spec.called: built_in(spec) for spec in header.scorers or ()}
    return {name: scorer for name, scorer in made.items() if scorer is not None}


def doubtful(policy: Policy, sets: Sequence[LoadedSet], layout: Layout) -> tuple[str, ...]:
    """What the sets of a run, as far as they are asked, cannot show of a policy's rules."""
    from gatekeeper.core.policy.power import doubts

    inside = any(rule.by or rule.samples or rule.test == "census" for rule in policy.rules)
    pairs = zip(sets, layout.shares, strict=True)
    known = [planned_set(found, share.numbers, inside=inside) for found, share in pairs]
    return doubts(foreseen(policy, known))


def warn(session: Session, warnings: Iterable[str]) -> None:
    """Tell people, on stderr, what they should know and what decides nothing."""
    from gatekeeper.report.markup import escape_line
    from gatekeeper.report.tables import fold

    for text in warnings:
        first, *more = fold(text, session.width - len("warning  "))
        session.note(f"[yellow]warning[/yellow]  {escape_line(first)}")
        for line in more:
            session.note(f"         {escape_line(line)}")
