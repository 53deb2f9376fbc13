"""What a run's directory remembers of its tracking: that it is owed, or where it went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from pydantic import ValidationError

from gatekeeper.adapters import atomic
from gatekeeper.core.canonical import canonical_model, digest
from gatekeeper.model.base import Digest, Frozen
from gatekeeper.model.tracking import Receipt, Tracked

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.adapters.tracking.target import Target

FILE: Final = "mlflow.json"


class Mark(Frozen):
    """State of one run at one store."""

    state: Literal["owed", "sent"]
    store: str
    """The store's URI without credentials, and the experiment."""
    content: Digest
    """sha256 of what was to be sent."""
    receipt: Receipt | None = None
    why: str = ""
    """Why it is still owed."""


def mark(
    directory: Path, target: Target, tracked: Tracked, receipt: Receipt | None, why: str = ""
) -> None:
    """Note that a run was sent, or that it is owed."""
    made = Mark(
        state="owed" if receipt is None else "sent",
        store=_store(target),
        content=_content(tracked),
        receipt=receipt,
        why=why,
    )
    atomic.replace(directory / FILE, canonical_model(made))


def sent(directory: Path, target: Target, tracked: Tracked) -> Receipt | None:
    """Where exactly this went, if it was sent to this store before."""
    found = read(directory)
    if found is None or (found.store, found.content) != (_store(target), _content(tracked)):
        return None
    return found.receipt


def read(directory: Path) -> Mark | None:
    """The mark of a run; None where there is none that can be read."""
    try:
        return Mark.model_validate_json((directory / FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def _store(target: Target) -> str:
    return f"{target.shown} {target.experiment}"


def _content(tracked: Tracked) -> str:
    return digest(tracked.model_dump_json().encode())
