"""The newest keyring that this machine has seen, so that nobody can give it an older one."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters import atomic
from gatekeeper.core.canonical import digest
from gatekeeper.errors import IntegrityError, UnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.model.keyring import Keyring

FILE: Final = "keyring.json"
SEEN: Final = "keyring-seen.json"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is remembered of a keyring.

    Attributes:
        sha256: Of the file.
        roots: Ids of the keys that may sign the next version.
    """

    version: int
    sha256: str
    roots: tuple[str, ...]

    @classmethod
    def read(cls, state: Path) -> Seen | None:
        """What is remembered in a state directory; None where nothing is.

        Raises:
            IntegrityError: The note is damaged.
            UnavailableError: It cannot be read.
        """
        try:
            found = json.loads((state / SEEN).read_bytes())
            return cls(int(found["version"]), str(found["sha256"]), tuple(found["roots"]))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UnavailableError(
                f"cannot be read: {error.strerror}", where=f"{state.name}/{SEEN}"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"the note of the newest keyring seen is damaged ({error})",
                where=f"{state.name}/{SEEN}",
                fix="compare the keyring with its source, then remove this file",
            ) from None

    def refuse_older(self, keyring: Keyring, data: bytes, root: str) -> None:
        """Refuse a keyring that cannot have come after this one.

        Args:
            keyring: That was read.
            data: Its file.
            root: Id of the key that signed it.

        Raises:
            IntegrityError: It is older, another of the same version, or not signed by a root key
                of this one.
        """
        if keyring.version < self.version:
            raise IntegrityError(
                f"the keyring is version {keyring.version}, but version {self.version} was seen"
                " here",
                where=FILE,
                fix="restore the newer keyring: an older one may hold keys that were revoked since",
            )
        if keyring.version == self.version and digest(data) != self.sha256:
            raise IntegrityError(
                f"this is another keyring of version {self.version} than the one seen here",
                where=FILE,
                fix="restore the one that was seen, or have its owner publish the next version",
            )
        if keyring.version > self.version and root not in self.roots:
            raise IntegrityError(
                f"version {keyring.version} of the keyring is signed by key {root[:12]}, which was"
                f" no root key in version {self.version}",
                where=FILE,
                fix="have it signed by a root key of the version before",
            )


def remember(state: Path, keyring: Keyring, data: bytes) -> None:
    """Keep which keyring was seen, and who may sign the next one."""
    roots = [key.id for key in keyring.holding("root") if key.revokedAt is None]
    seen = {"version": keyring.version, "sha256": digest(data), "roots": roots}
    # A machine that may only read (a runtime with a mounted project) keeps what it was given.
    with suppress(UnavailableError):
        atomic.replace(state / SEEN, json.dumps(seen).encode())
