"""The whole that parts of a run make: what it says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.canonical import canonical_model, digest, short
from gatekeeper.core.mergeable import PROCESSOR, in_order, unmergeable
from gatekeeper.errors import InputError
from gatekeeper.model.run import Run, RunOptions, RunSet, Spend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.mergeable import Part

SHARD: Final = "shard"
"""The word in the reason for which a shard is partial."""


def merged(parts: Sequence[Part]) -> Run:
    """What `run.json` says of the whole; its tables are still to be written.

    The id follows from the parts, and the evidence is as old as the oldest of them.

    Raises:
        InputError: Every reason why these are not the parts of one run.
    """
    if problems := unmergeable(parts):
        raise InputError(problems)
    ordered = in_order(parts)
    runs = [part.run for part in ordered]
    first = runs[0]
    started = min(run.started for run in runs)
    identity = digest("\n".join(digest(canonical_model(run)) for run in runs).encode())
    return first.model_copy(
        update={
            "id": f"{started:%Y%m%d-%H%M%S}-{short(identity)[:6]}",
            "sets": tuple(_whole(runs, used) for used in first.sets),
            "options": _options(runs),
            "engines": _engines(runs),
            "determinism": _joined(runs),
            "drift": _union(run.drift for run in runs),
            "contamination": _union(run.contamination for run in runs),
            "started": started,
            "ended": min(run.ended for run in runs if run.ended is not None),
            "spend": _spend(runs),
            "partial": _still_partial(runs),
            "files": {},
            "notes": (*_union(run.notes for run in runs), _origin(runs)),
        }
    )


def _engines(runs: Sequence[Run]) -> dict[str, dict[str, str]]:
    """The fingerprints, with every processor that took part."""
    whole = {model: dict(found) for model, found in runs[0].engines.items()}
    for model, found in whole.items():
        if PROCESSOR in found:
            several = dict.fromkeys(run.engines[model].get(PROCESSOR, "") for run in runs)
            found[PROCESSOR] = " | ".join(filter(None, several))
    return whole


def _whole(runs: Sequence[Run], used: RunSet) -> RunSet:
    total = sum(one.samples for run in runs for one in run.sets if one.name == used.name)
    of = used.of if used.of is not None and total < used.of else None
    return used.model_copy(update={"samples": total, "of": of})


def _still_partial(runs: Sequence[Run]) -> tuple[str, ...]:
    """What makes a part partial beside being a shard makes the whole partial too."""
    return _union([why for why in run.partial if SHARD not in why] for run in runs)


def _options(runs: Sequence[Run]) -> RunOptions:
    """The options of the parts, with their ceilings added up."""
    usd = [run.options.max_usd for run in runs]
    tokens = [run.options.max_tokens for run in runs]
    return runs[0].options.model_copy(
        update={
            "shard": None,
            "max_usd": None if None in usd else sum(one for one in usd if one is not None),
            "max_tokens": None if None in tokens else sum(n for n in tokens if n is not None),
            "allow_environment_drift": any(run.options.allow_environment_drift for run in runs),
        }
    )


def _spend(runs: Sequence[Run]) -> Spend:
    return Spend(
        **{name: sum(getattr(run.spend, name) for run in runs) for name in Spend.model_fields}
    )


def _joined(runs: Sequence[Run]) -> dict[str, str]:
    """Every fact about repeatability; where the parts differ, all that they say."""
    names = dict.fromkeys(name for run in runs for name in run.determinism)
    said = {name: _union([run.determinism.get(name, "")] for run in runs) for name in names}
    return {name: " | ".join(values) for name, values in said.items()}


def _union(lists: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for found in lists for one in found))


def _origin(runs: Sequence[Run]) -> str:
    parts = ", ".join(
        f"{run.id} (shard {run.options.shard.index}/{run.options.shard.count})"
        for run in runs
        if run.options.shard is not None
    )
    return f"merged from {parts}"
