"""What stands between a release and an environment, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gatekeeper.errors import RefusedError

if TYPE_CHECKING:
    from gatekeeper.errors import GatekeeperError
    from gatekeeper.model.keyring import Key
    from gatekeeper.model.ledger import LedgerEntry, Stable
    from gatekeeper.model.release import Release
    from gatekeeper.model.verdict import Verdict

Standing = Literal["stable", "was-stable", "new"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that stands in the way.

    Attributes:
        code: Stable, for programs.
        text: What is wrong, for people.
        refused: True for a definite no; False where it cannot be decided yet.
    """

    code: str
    text: str
    refused: bool
    fix: str = ""

    @classmethod
    def of(cls, code: str, error: GatekeeperError) -> Reason:
        """An error as a reason."""
        text = f"{error.where}: {error.what}" if error.where else error.what
        return cls(code, text, refused=isinstance(error, RefusedError), fix=error.fix)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A verified verdict and where it is."""

    verdict: Verdict
    digest: str
    key: Key


@dataclass(frozen=True, slots=True)
class Admission:
    """The answer.

    Attributes:
        release: None where its content is not sound.
        signatures: Digests of the statements that sign it.
        keys: Who signed them.
        evidence: The verdict that counts, whatever it says; None where there is none.
        notes: What was passed over, and why.
        approvals: Digests of the statements that approve of the verdict's policy.
    """

    digest: str
    release: Release | None = None
    signatures: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    evidence: Evidence | None = None
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()
    approvals: tuple[str, ...] = ()

    @property
    def admitted(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.reasons

    @property
    def exit_code(self) -> int:
        """0 yes, 1 a definite no, 3 not decided."""
        if self.admitted:
            return 0
        return 1 if any(reason.refused for reason in self.reasons) else 3


@dataclass(frozen=True, slots=True)
class Moved:
    """What a promotion or a rollback did.

    Attributes:
        entry: What was written, or would have been; None where nothing had to be or could be.
        written: Whether it was.
        before: The release that was stable until now.
    """

    admission: Admission
    entry: LedgerEntry | None
    written: bool
    before: str | None

    @property
    def unchanged(self) -> bool:
        """Whether the release was stable already."""
        return self.admission.admitted and self.entry is None

    @property
    def exit_code(self) -> int:
        """0 done, 1 a definite no, 3 not decided."""
        return self.admission.exit_code


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer.

    Attributes:
        standing: `stable` is being served; `was-stable` may be rolled back to; `new` may, or may
            not, be promoted.
        earlier: When it was last stable.
    """

    environment: str
    standing: Standing
    admission: Admission
    earlier: Stable | None = None

    @property
    def accepted(self) -> bool:
        """Whether it may be served."""
        return self.admission.admitted
