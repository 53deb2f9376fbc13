"""Canonical bytes and digests: RFC 8785, so that equal content has equal bytes everywhere."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from pydantic import BaseModel


def canonical(value: Any) -> bytes:
    """`value` (JSON types only) as RFC 8785 writes it; raises `InputError` where it cannot."""
    import rfc8785

    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise InputError(
            [Problem(f"cannot be written as canonical JSON: {error}", accepted=_ACCEPTED)]
        ) from error


def canonical_model(value: BaseModel) -> bytes:
    """A frozen type with every default spelled out, so that nothing is left to the reader."""
    return canonical(value.model_dump(mode="json"))


def digest(data: bytes) -> str:
    """``sha256:…`` of some bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def short(value: str) -> str:
    """The first 12 hex digits of a digest: enough for people, never for machines."""
    return value.removeprefix("sha256:")[:12]


_ACCEPTED = "finite numbers, integers within 2**53, valid Unicode"
