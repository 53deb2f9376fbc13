"""Ledger entries: each holds the full state that it brings about."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from gatekeeper.model.base import Digest, Frozen, Name, ShortText, is_absent
from gatekeeper.model.environment import Terms
from gatekeeper.model.moment import Moment

SCHEMA: Final = 1

Action = Literal["promote", "rollback"]
Serial = Annotated[int, Field(ge=1, le=99_999_999)]
Lineage = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class Stable(Frozen):
    """The release that serves everybody.

    Attributes:
        since: The entry that made it so.
        promoted: The entry that first brought it; earlier than `since` after a rollback. What was
            stable before that entry is what the next rollback returns to.
    """

    release: Digest
    name: Name
    since: Serial
    promoted: Serial

    @model_validator(mode="after")
    def _in_order(self) -> Stable:
        if self.promoted > self.since:
            raise ValueError(f"promoted by entry {self.promoted}, stable since entry {self.since}")
        return self


class State(Frozen):
    """What is active after an entry.

    Lanes that this version cannot create are always empty. They are written all the same, and an
    entry that fills one is refused here instead of being half understood.
    """

    stable: Stable
    canary: None = None
    shadow: None = None
    holds: tuple[()] = ()
    freeze: None = None


class ReliedOn(Frozen):
    """What the decision rested on, by digest, so that absent evidence is noticed later."""

    verdict: Digest | None = None
    evidence: tuple[Digest, ...] = ()
    policy: Digest | None = None


class LedgerEntry(Frozen):
    """One change of one environment.

    Attributes:
        lineage: Random, chosen by the first entry: tells one ledger from another.
        previous: sha256 of the bytes of the entry before; null in the first.
        time: As the writer's clock said; never before the previous entry's.
        terms: What the environment asked of a release when one was last promoted here.
    """

    schema_version: Literal[1] = SCHEMA
    environment: Name
    lineage: Lineage
    serial: Serial
    previous: Digest | None
    action: Action
    actor: ShortText
    reason: ShortText = ""
    time: Moment
    state: State
    relied_on: ReliedOn = ReliedOn()
    terms: Terms | None = Field(default=None, exclude_if=is_absent)
