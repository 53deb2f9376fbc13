"""A mixed release: some components of one release, the rest of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.checks import check
from gatekeeper.core.packing import combine
from gatekeeper.model.base import COMPONENTS
from gatekeeper.model.components import Components

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from gatekeeper.core.checks import PromptSize
    from gatekeeper.core.packing import Packed
    from gatekeeper.model.base import ComponentName
    from gatekeeper.model.oci import Descriptor
    from gatekeeper.model.release import Release

    SizesOf = Callable[[Components], Mapping[str, PromptSize]]
    """Prompt sizes by model; a model whose tokenizer is not known is absent."""


def mixed_components(
    candidate: Release, baseline: Release, taken: Collection[ComponentName]
) -> Components:
    """The components `taken` from the candidate, the others from the baseline."""
    return Components(
        **{
            name: getattr((candidate if name in taken else baseline).components, name)
            for name in COMPONENTS
        }
    )


def faults(
    candidate: Release, baseline: Release, taken: Collection[ComponentName], sizes_of: SizesOf
) -> tuple[str, ...]:
    """Why a mix is no sound release; nothing where a build would accept it.

    It is held to the candidate's governance, as any release that replaces the candidate would be.
    """
    components = mixed_components(candidate, baseline, taken)
    found = check(components, candidate.governance, {})
    if not any(finding.severity == "error" for finding in found):
        found = check(components, candidate.governance, sizes_of(components))
    return tuple(
        f"{'.'.join(map(str, finding.path[1:]))}: {finding.message}"
        for finding in found
        if finding.severity == "error"
    )


def mixed(
    candidate: Release,
    baseline: Release,
    taken: Collection[ComponentName],
    layers: Callable[[str], Mapping[ComponentName, Descriptor]],
) -> Packed:
    """The mix as a release of the candidate's name and governance, nothing of it stored.

    Its layers are those of the two releases, found by digest, so that its own digest is that of a
    build of the same content.
    """
    sides = {True: layers(candidate.digest), False: layers(baseline.digest)}
    return combine(
        candidate.name,
        candidate.governance,
        mixed_components(candidate, baseline, taken),
        {name: sides[name in taken][name] for name in COMPONENTS},
        {},
    )
