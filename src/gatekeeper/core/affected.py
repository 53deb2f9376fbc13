"""Which manifests a set of changed files touches, and which files did it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

ITSELF: Final = "the manifest"
UNKNOWN: Final = "what it refers to cannot be read"
POLICY: Final = "gate policy"


@dataclass(frozen=True, slots=True)
class Reference:
    """A file or directory that decides what a release is, or how it is judged.

    Attributes:
        path: From the project's root, with forward slashes.
        role: What it is for: ``prompt.system``, or `POLICY`.
    """

    path: str
    role: str


@dataclass(frozen=True, slots=True)
class Authored:
    """A manifest and everything that it refers to.

    Attributes:
        file: From the project's root.
        references: Without the manifest itself.
        readable: Whether all of them are known; where not, any change may concern it.
    """

    file: str
    references: tuple[Reference, ...] = ()
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Cause:
    """A changed file and what it is for."""

    file: str
    role: str


@dataclass(frozen=True, slots=True)
class Touched:
    """A manifest whose release, or whose judgement, may have changed; `because` is never empty."""

    manifest: str
    because: tuple[Cause, ...]


def touched(manifests: Iterable[Authored], changed: Collection[str]) -> tuple[Touched, ...]:
    """The manifests that are touched, in order of their names, each with every cause.

    Args:
        manifests: All there are.
        changed: Paths that were added, altered or deleted; a rename is two of them.
    """
    found = ((one.file, _causes(one, sorted(changed))) for one in manifests)
    return tuple(Touched(file, causes) for file, causes in sorted(found) if causes)


def policies(found: Iterable[Touched]) -> tuple[str, ...]:
    """The gate policies among the causes: who changes one with a release says so."""
    return tuple(
        sorted({cause.file for one in found for cause in one.because if cause.role == POLICY})
    )


def _causes(manifest: Authored, changed: list[str]) -> tuple[Cause, ...]:
    references = (Reference(manifest.file, ITSELF), *manifest.references)
    causes = [
        Cause(path, one.role) for one in references for path in changed if concerns(path, one.path)
    ]
    if changed and not causes and not manifest.readable:
        return (Cause(manifest.file, UNKNOWN),)
    return tuple(dict.fromkeys(causes))


def concerns(changed: str, referred: str) -> bool:
    """Whether a changed path is what is referred to, or inside it, or (a submodule) around it."""
    one, other = changed.rstrip("/"), referred.rstrip("/")
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")
