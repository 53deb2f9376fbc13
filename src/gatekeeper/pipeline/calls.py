"""What a generation says of itself, in the record of its call."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.model.record import CallRow
from gatekeeper.ports import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOLD: Final = tuple(one.name for one in fields(Generation) if one.name in CallRow.model_fields)
"""Tokens, times and the reason of the end have the same names in both."""


def told(made: Generation | None) -> Mapping[str, Any]:
    """Fields of a `CallRow`; none where nothing was generated."""
    return {name: getattr(made, name) for name in _TOLD} if made else {}
