"""The ledger of an environment as it was read: values, already verified or found wanting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatekeeper.core.transitions import Tip

if TYPE_CHECKING:
    from gatekeeper.model.keyring import Key
    from gatekeeper.model.ledger import LedgerEntry
    from gatekeeper.model.release import Release
    from gatekeeper.model.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Recorded:
    """A verified entry.

    Attributes:
        digest: sha256 of its bytes: what the next entry names.
        key: Who signed it.
        doubt: Why its key does not count any more (revoked); empty as a rule.
    """

    entry: LedgerEntry
    digest: str
    key: Key
    doubt: str = ""

    @property
    def tip(self) -> Tip:
        """What the next entry follows."""
        return Tip(self.entry, self.digest)


@dataclass(frozen=True, slots=True)
class Line:
    """One entry and everything that is wrong with it.

    Attributes:
        recorded: None where it cannot be trusted at all.
        findings: Empty as a rule.
        note: What a reader should know although nothing is wrong.
    """

    serial: int
    recorded: Recorded | None
    findings: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """All entries, first to last."""

    environment: str
    lines: tuple[Line, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with any entry."""
        return not any(line.findings for line in self.lines)


@dataclass(frozen=True, slots=True)
class Status:
    """The state of an environment.

    Attributes:
        head: The last entry; None where nothing was promoted.
        release: None where its content is not sound.
        verdict: What the entry relied on, if it is still there and sound.
        keys: Who signed what: by role.
        problems: What is wrong with what is live.
    """

    environment: str
    head: Recorded | None = None
    release: Release | None = None
    verdict: Verdict | None = None
    keys: tuple[tuple[str, Key], ...] = ()
    problems: tuple[str, ...] = ()
