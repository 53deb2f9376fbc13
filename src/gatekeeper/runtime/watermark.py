"""The highest ledger entry served, kept across restarts."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

from gatekeeper.errors import IntegrityError
from gatekeeper.runtime.following import Mark


class Watermark:
    """A small file that only ever moves forward; servers of one project may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Mark | None:
        """The mark, or None before the first release was served.

        Raises:
            IntegrityError: The file is damaged, so that the highest serial is not known.
        """
        try:
            found = json.loads(self.path.read_bytes())
            return Mark(str(found["lineage"]), int(found["serial"]), str(found["entry"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                f"the highest serial served cannot be read ({error})",
                where=str(self.path),
                fix="compare `gatekeeper history` with what was served; then remove this file",
            ) from None

    def advance(self, mark: Mark) -> None:
        """Remember `mark`, unless a higher one is remembered; raises `OSError`."""
        known = self.read()
        if known is not None and known.serial >= mark.serial:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".served-", dir=self.path.parent)
        try:
            with os.fdopen(handle, "w") as file:
                json.dump(asdict(mark), file)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
