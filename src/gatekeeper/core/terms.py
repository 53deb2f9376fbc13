"""By what an environment asks less of a release than it did when one was last promoted there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core.canonical import canonical_model, digest
from gatekeeper.core.policy.diff import NOTHING, Change
from gatekeeper.model.environment import duration
from gatekeeper.model.verdict import Loosened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.core.policy.diff import Direction
    from gatekeeper.model.environment import Terms

_ALLOWING: Final = ("accepts_development_keys", "allow_unpinned_models")
_LISTS: Final = ("refuses_evidence", "regions")
_NAMED: Final = ("policy", "policy_digest")


def terms_digest(terms: Terms) -> str:
    """By which an approval names them."""
    return digest(canonical_model(terms))


def terms_changes(name: str, before: Terms, after: Terms) -> Iterator[Change]:
    """Every difference between what an environment asked and what it asks.

    Another policy is no difference here: what it demands is compared, limit by limit. That none is
    named any more is one, because then each manifest names its own.
    """
    called = f"environment {name}"
    for key in _ALLOWING:
        old, new = getattr(before, key), getattr(after, key)
        if old != new:
            yield Change(called, key, _word(yes=old), _word(yes=new), _less(new > old))
    longer = duration(after.verdict_max_age) > duration(before.verdict_max_age)
    if duration(after.verdict_max_age) != duration(before.verdict_max_age):
        key = "verdict_max_age"
        yield Change(called, key, before.verdict_max_age, after.verdict_max_age, _less(longer))
    for key in _LISTS:
        yield from _members(called, key, getattr(before, key), getattr(after, key))
    for key in _NAMED:
        old, new = getattr(before, key), getattr(after, key)
        if (old is None) != (new is None):
            yield Change(called, key, old or NOTHING, new or NOTHING, _less(new is None))


def terms_eased(name: str, before: Terms, after: Terms) -> tuple[Loosened, ...]:
    """What an environment asks less of than it did."""
    return tuple(
        Loosened(rule=one.rule, what=one.what, before=one.before, after=one.after)
        for one in terms_changes(name, before, after)
        if one.direction == "loosened"
    )


def _members(
    called: str, key: str, before: tuple[str, ...], after: tuple[str, ...]
) -> Iterator[Change]:
    for one in before:
        if one not in after:
            yield Change(called, key, one, NOTHING, "loosened")
    for one in after:
        if one not in before:
            yield Change(called, key, NOTHING, one, "tightened")


def _less(less: bool) -> Direction:  # noqa: FBT001 - it is what is asked
    return "loosened" if less else "tightened"


def _word(*, yes: bool) -> str:
    return "yes" if yes else "no"
