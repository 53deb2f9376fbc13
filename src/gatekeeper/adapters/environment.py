"""Environment drift: what a release accepts and was validated on, against this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.adapters import engines
from gatekeeper.adapters.machine import machine
from gatekeeper.core.environment import differences, unaccepted
from gatekeeper.errors import EnvironmentDriftError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.model.components import Serving
    from gatekeeper.model.release import Release


def check_environment(
    release: Release,
    engine: str,
    validated: Mapping[str, Mapping[str, str]] | None = None,
    *,
    allow: bool = False,
) -> tuple[str, ...]:
    """How this machine differs from what a release accepts and was validated on.

    For before anything is loaded: it reads versions and the driver, and imports no engine.

    Args:
        release: The release.
        engine: The engine that is to serve it.
        validated: Fingerprints of an earlier run that counts, by model; None where there is none.
        allow: Return what is found, for the run to record, where it would be an error.

    Raises:
        EnvironmentDriftError: There is drift, and it is not allowed.
        UnavailableError: The engine is not installed.
    """
    serving = release.components.serving
    here = present(engine, serving)
    found = unaccepted(serving, here)
    for model in _generators(release):
        found += differences(model, (validated or {}).get(model, {}), here)
    if found and not allow:
        raise EnvironmentDriftError(
            "this is not the environment of the release: " + "; ".join(found),
            where=release.reference,
            fix="serve it as it was validated, or record the difference with "
            "--allow-environment-drift",
        )
    return found


def present(engine: str, serving: Serving) -> dict[str, str]:
    """What an engine's fingerprint will say, as far as it is known before a model is loaded."""
    here = {"engine": engine, "version": engines.installed(engine, serving)}
    if engine == "vllm":
        return here | {"torch": machine().torch or "none"} | machine().fingerprint()
    return here | ({"cpu": machine().cpu} if engine == "embedded" else {})


def _generators(release: Release) -> dict[str, None]:
    tiers = release.components.router.tiers.values()
    return dict.fromkeys(tier.model for tier in tiers if tier.model)
