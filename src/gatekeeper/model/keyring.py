"""Who may sign what: public keys, their roles, their validity and their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from gatekeeper.model.base import Frozen, ShortText
from gatekeeper.model.moment import Moment

if TYPE_CHECKING:
    from datetime import datetime

KeyRole = Literal["release", "gate", "promote", "root"]
"""`root` signs the keyring; the others sign releases, verdicts and ledger entries."""
ROLES: tuple[KeyRole, ...] = ("release", "gate", "promote", "root")
KeyId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Key(Frozen):
    """One public key.

    Attributes:
        id: sha256 of the SPKI DER, hexadecimal.
        spki: The public key: SPKI DER in base64.
        revokedAt: From then on nothing that it signed counts.
        development: Made by `gatekeeper init`, without a password; refused where it matters.
    """

    id: KeyId
    spki: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=1000)]
    roles: Annotated[tuple[KeyRole, ...], Field(min_length=1)]
    notBefore: Moment  # noqa: N815
    notAfter: Moment  # noqa: N815
    revokedAt: Moment | None = None  # noqa: N815
    reason: ShortText | None = None
    development: bool = False

    def refusal(self, at: datetime) -> str:
        """Why what it signed at that moment does not count; empty when it does.

        A revoked key could have signed at any time and written any date, so the date does not help.
        """
        if self.revokedAt is not None:
            why = f": {self.reason}" if self.reason else ""
            return f"key {self.id[:12]} was revoked{why}"
        if at < self.notBefore:
            return f"key {self.id[:12]} is not valid before {self.notBefore:%Y-%m-%d}"
        if at > self.notAfter:
            return f"key {self.id[:12]} was valid until {self.notAfter:%Y-%m-%d}"
        return ""


class Keyring(Frozen):
    """All keys of a project. Only a higher version replaces it."""

    version: Annotated[int, Field(ge=1)]
    expires: Moment
    keys: tuple[Key, ...]

    @model_validator(mode="after")
    def _one_key_an_id(self) -> Keyring:
        ids = [key.id for key in self.keys]
        if len(ids) != len(set(ids)):
            raise ValueError("a key is listed twice")
        return self

    def holding(self, role: KeyRole) -> tuple[Key, ...]:
        """Keys of a role, revoked and expired ones too."""
        return tuple(key for key in self.keys if role in key.roles)

    def find(self, key_id: str) -> Key | None:
        """The key with that id, if listed."""
        return next((key for key in self.keys if key.id == key_id), None)
