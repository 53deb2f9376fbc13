"""What generates text: one module an engine, found by name and imported when it is chosen."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

from gatekeeper.core.wording import did_you_mean
from gatekeeper.errors import UnavailableError, UsageError

if TYPE_CHECKING:
    from gatekeeper.adapters.engines.seat import Seat
    from gatekeeper.model.components import EngineRequirement, Serving
    from gatekeeper.ports import Engine

ENGINES: Final = {
    "embedded": "gatekeeper.adapters.engines.embedded",
    "openai": "gatekeeper.adapters.engines.openai",
    "recorded": "gatekeeper.adapters.engines.recorded",
    "vllm": "gatekeeper.adapters.engines.vllm",
}


class EngineModule(Protocol):
    """What each of these modules offers."""

    def installed(self, serving: Serving) -> str:
        """The version that is ready for use; raises `UnavailableError` saying what is absent."""
        ...

    async def open_engine(self, seat: Seat) -> Engine:
        """The engine for one model, loaded or connected."""
        ...


def choose(serving: Serving, wanted: str | None = None) -> str:
    """The first engine that the release accepts and this machine has.

    Args:
        serving: The serving component of the release.
        wanted: Take this one and no other.

    Raises:
        UsageError: The release does not accept `wanted`.
        UnavailableError: None is here; says for each what is absent.
    """
    accepted = [one for one in serving.engines if wanted in (None, one.name)]
    if not accepted:
        names = [one.name for one in serving.engines]
        raise UsageError(
            f"the release does not accept the engine {wanted!r}{did_you_mean(wanted or '', names)}",
            fix=f"use {', '.join(names)}, or name it under serving.engines and build again",
        )
    reasons, fixes = [], []
    for requirement in accepted:
        try:
            _check(requirement, serving)
        except UnavailableError as error:
            reasons.append(f"{requirement.name}: {error.what}")
            fixes += [error.fix] if error.fix else []
        else:
            return requirement.name
    raise UnavailableError(
        "no engine can serve this release: " + "; ".join(reasons), fix="; or ".join(fixes)
    )


def installed(name: str, serving: Serving) -> str:
    """The version of an engine that is ready for use; raises `UnavailableError` otherwise."""
    return _module(name).installed(serving)


async def open_engine(name: str, seat: Seat) -> Engine:
    """The engine `name` for one model; raises `UnavailableError` when it cannot be had."""
    return await _module(name).open_engine(seat)


def _check(requirement: EngineRequirement, serving: Serving) -> None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    version = _module(requirement.name).installed(serving)
    if requirement.version is None:
        return
    try:
        accepted = SpecifierSet(requirement.version.strip(), prereleases=True)
    except InvalidSpecifier as error:
        raise UnavailableError(f"no version range: {error}") from error
    if version not in accepted:
        raise UnavailableError(f"{version} is installed, {requirement.version} is accepted")


def _module(name: str) -> EngineModule:
    path = ENGINES[name]
    try:
        return cast("EngineModule", import_module(path))
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        raise UnavailableError("is not part of this version of gatekeeper") from None
