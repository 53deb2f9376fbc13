"""Is what serves here what a release accepts, and what it was validated on? Both sides, in words.

A release states what it accepts: version ranges of engines, of CUDA and of the NVIDIA driver. A run
states what it was validated on: a fingerprint. A range of CUDA or of the driver binds where CUDA is
what computes; where nothing uses CUDA, its version cannot change an answer. A release that was
validated on CUDA and meets a CPU differs from its fingerprint, whatever its ranges say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatekeeper.model.components import Serving

CUDA: Final = "cuda"
WORDS: Final[Mapping[str, str]] = {
    "attention_backend": "the attention backend",
    "compute_type": "the number format",
    "cpu": "the processor",
    "cuda": "CUDA",
    "device": "the device",
    "device_count": "the number of devices",
    "device_name": "the device's name",
    "driver": "the NVIDIA driver",
    "dtype": "the number format",
    "endpoint": "the endpoint",
    "kv_cache_dtype": "the number format of the KV cache",
    "max_model_len": "the longest sequence",
    "model": "the endpoint's model",
    "quantization": "the quantisation",
    "tensor_parallel_size": "the tensor parallel size",
    "version": "the version",
}
"""What the keys of fingerprints are called."""


def unaccepted(serving: Serving, here: Mapping[str, str]) -> tuple[str, ...]:
    """How what is here lies outside of what a release accepts, a sentence each.

    Args:
        serving: The serving component of the release.
        here: Fingerprint of what serves here, or as much of it as is known before a model is
            loaded: `engine`, `version`, `device`, `cuda`, `driver`.
    """
    return tuple(_unaccepted(serving, here))


def _unaccepted(serving: Serving, here: Mapping[str, str]) -> Iterator[str]:
    engine = here.get("engine", "")
    ranges = [one.version for one in serving.engines if one.name == engine]
    if not ranges:
        accepted = ", ".join(one.name for one in serving.engines)
        yield f"the release accepts the engines {accepted}, and {engine or 'none'} serves here"
    elif (version := here.get("version")) and None not in ranges:
        wanted = " or ".join(str(one) for one in ranges)
        if not any(_within(version, one) for one in ranges):
            yield f"the release accepts {engine} {wanted}, and {version} is here"
    if here.get("device") != CUDA:
        return
    for name, limits in (("CUDA", serving.cuda), ("driver", serving.driver)):
        found = here.get(name.lower(), "none")
        if not _within(found, limits):
            yield f"the release accepts {name} {limits}, and {found} is here"


def differences(
    model: str, validated: Mapping[str, str], here: Mapping[str, str]
) -> tuple[str, ...]:
    """How what serves a model differs from what the release was validated on, a sentence each.

    Only what both sides state is compared: what one of them does not know is no difference.
    Another engine is one difference, and everything else follows from it.
    """
    was, now = validated.get("engine"), here.get("engine")
    if was and now and was != now:
        return (f"the model {model!r} was validated on the engine {was}, and {now} serves it here",)
    common = [key for key in here if key in validated and here[key] != validated[key]]
    return tuple(
        f"the model {model!r} was validated with {_named(key, now)} {validated[key]}, "
        f"and {here[key]} is here"
        for key in sorted(common)
    )


def _named(key: str, engine: str | None) -> str:
    return engine or key if key == "version" else WORDS.get(key, key)


def _within(version: str, wanted: str | None) -> bool:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    if wanted is None:
        return True
    try:
        return SpecifierSet(wanted.strip(), prereleases=True).contains(version)
    except (InvalidSpecifier, InvalidVersion):
        return False
