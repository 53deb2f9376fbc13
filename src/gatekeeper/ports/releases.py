"""Where releases and the history of environments are kept, and who signs and checks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.model.keyring import Key, KeyRole
    from gatekeeper.model.release import Release
    from gatekeeper.model.statement import Statement


class Releases(Protocol):
    """Releases and the signed statements about them."""

    def load(self, digest: str) -> Release:
        """A release, every byte of it verified; raises `IntegrityError`."""
        ...

    def referrers(
        self, subject: str, predicate_type: str | None = None
    ) -> Sequence[tuple[str, bytes]]:
        """The statements about `subject`, oldest first: digest and bundle, not yet verified."""
        ...

    def unlisted(self, subject: str, predicate_type: str) -> Sequence[bytes]:
        """Bundles about `subject` that are stored, and that nothing names any more."""
        ...


class Ledger(Protocol):
    """The append-only history of one environment (raw entries, not yet verified)."""

    def head(self) -> int:
        """Serial of the last entry; 0 when there is none."""
        ...

    def read(self, serial: int) -> bytes:
        """Entry `serial` as it was written."""
        ...

    def serials(self) -> Sequence[int]:
        """The serials of all entries, ascending, found by listing: shows what is missing."""
        ...

    def append(self, serial: int, entry: bytes) -> None:
        """Create entry `serial`, or raise `LostRaceError` when it exists."""
        ...


class Signer(Protocol):
    """Signs with the key of one role."""

    @property
    def key_id(self) -> str:
        """sha256 of the public key (SPKI DER), hex."""
        ...

    def sign(self, payload: bytes) -> bytes:
        """ECDSA P-256 over sha256, DER."""
        ...


@dataclass(frozen=True, slots=True)
class Signed:
    """A verified statement and the key that signed it."""

    statement: Statement
    key: Key


class Verifier(Protocol):
    """Says who signed a bundle, and refuses what does not count."""

    def verify(  # noqa: PLR0913 - what is checked is what is named
        self,
        bundle: bytes,
        *,
        role: KeyRole,
        predicate_type: str,
        subject: str | None = None,
        where: str = "",
        lapsed: bool = False,
    ) -> Signed:
        """The statement in a Sigstore bundle, verified.

        Args:
            bundle: The bundle, as it was stored.
            role: What the key has to be allowed to sign.
            predicate_type: What the statement has to be.
            subject: ``sha256:…`` that it has to be about; None where any will do.
            where: What to call the bundle in an error.
            lapsed: Let a key pass that has expired or was revoked, for a caller that weighs
                that itself.

        Raises:
            IntegrityError: Any of it does not hold.
        """
        ...
