"""What a REF on the command line means, before anything is looked up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from gatekeeper.errors import UsageError

FORMS = (
    "a manifest path (manifests/NAME.yaml), NAME@sha256:…, sha256:…, "
    "the first 4 or more digits of a digest, env:NAME, or a release's name"
)
MIN_PREFIX = 4
_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")
_NAMED = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)@(?P<digest>sha256:[0-9a-f]{4,64})$")
_PREFIX = re.compile(rf"^(sha256:)?(?P<hex>[0-9a-f]{{{MIN_PREFIX},64}})$")
_NAME = re.compile(r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$")


class RefKind(Enum):
    """How a release can be named."""

    manifest = "manifest"
    environment = "environment"
    digest = "digest"
    prefix = "prefix"
    name = "name"


@dataclass(frozen=True, slots=True)
class Ref:
    """A REF, taken apart.

    Attributes:
        value: The path, the environment, the digest (``sha256:…``, whole or its beginning), or
            the name. A short word of hex digits is a `prefix` that may turn out to be a name.
        name: The name that must go with the digest, if one was given.
    """

    kind: RefKind
    value: str
    name: str | None = None


def parse_ref(text: str) -> Ref:
    """Take a REF apart; raises `UsageError` for what cannot be one."""
    if text.endswith((".yaml", ".yml")):
        return Ref(RefKind.manifest, text)
    if text.startswith("env:") and _NAME.match(text[4:]):
        return Ref(RefKind.environment, text[4:])
    if _DIGEST.match(text):
        return Ref(RefKind.digest, text)
    if named := _NAMED.match(text):
        kind = RefKind.digest if _DIGEST.match(named["digest"]) else RefKind.prefix
        return Ref(kind, named["digest"], named["name"])
    if prefix := _PREFIX.match(text):
        return Ref(RefKind.prefix, f"sha256:{prefix['hex']}")
    if _NAME.match(text):
        return Ref(RefKind.name, text)
    raise UsageError(f"{text!r} does not name a release", fix=f"use {FORMS}")
