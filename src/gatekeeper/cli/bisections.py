"""Composition: what a bisection is asked: a metric, and a line of releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.cli.environments import site_of
from gatekeeper.cli.wiring import resolve_ref, store_of
from gatekeeper.core.attribution.case import Case
from gatekeeper.core.bisecting import any_change
from gatekeeper.core.wording import did_you_mean
from gatekeeper.errors import IntegrityError, UndecidedError, UsageError
from gatekeeper.model.run import RunRelease

if TYPE_CHECKING:
    from gatekeeper.cli.session import Session
    from gatekeeper.core.metrics.metric import Metric


def metric_of(name: str) -> Metric:
    """A metric of the library that records show; raises `UsageError`."""
    from gatekeeper.core.metrics.catalogue import METRICS

    found = METRICS.get(name)
    if found is None:
        raise UsageError(
            f"there is no metric {name!r}{did_you_mean(name, METRICS)}",
            fix=f"there are {', '.join(METRICS)}",
        )
    if found.kind == "declared":
        raise UsageError(
            "is made of declared facts alone, which no release moves",
            where=name,
            fix="name another metric",
        )
    if found.formulas:
        raise UsageError(
            "holds declared facts, which only a policy names",
            where=name,
            fix="name a metric of requests alone; `gatekeeper attribute RUN` shares this one out",
        )
    return found


def unit_of(metric: Metric) -> str:
    """What changes of a metric are told in."""
    return Case(any_change(metric), metric, "fail").unit


def line_of(
    session: Session, environment: str, good: str | None, bad: str | None
) -> tuple[RunRelease, ...]:
    """The releases of an environment between two; raises `UndecidedError` where there is one."""
    from gatekeeper.core import bisecting

    ends = [_named(session, ref) if ref else None for ref in (good, bad)]
    served = _history(session, environment)
    if not served and None in ends:
        raise UndecidedError(
            "nothing was ever promoted here, so there is no line of releases to go along",
            where=environment,
            fix="name both ends with --good REF and --bad REF",
        )
    found = bisecting.line_of(served, ends[0], ends[1])
    if not found:
        raise UsageError("the good release came after the bad one", fix="exchange the two")
    if len(found) == 1:
        raise UndecidedError(
            "there is only one release to look at",
            where=environment,
            fix="name others with --good REF and --bad REF",
        )
    return found


def _named(session: Session, ref: str) -> RunRelease:
    digest = resolve_ref(session, ref)
    return RunRelease(name=store_of(session.project).load(digest).name, digest=digest)


def _history(session: Session, environment: str) -> list[RunRelease]:
    """Who was stable, oldest first, every entry verified."""
    from gatekeeper.ops.history import history

    found = history(site_of(session.project, environment))
    if not found.sound:
        raise IntegrityError(
            "the history is not sound, so nothing can be found along it",
            where=environment,
            fix=f"see `gatekeeper history --env {environment}`",
        )
    stable = [line.recorded.entry.state.stable for line in found.lines if line.recorded]
    return [RunRelease(name=one.name, digest=one.release) for one in stable]
