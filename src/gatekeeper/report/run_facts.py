"""What a run was, in named facts: of which release, on what, and for how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.canonical import short
from gatekeeper.model.base import NANO
from gatekeeper.report.watching import usd

if TYPE_CHECKING:
    from gatekeeper.model.run import Run, RunRelease, Spend


def run_facts(run: Run) -> list[tuple[str, str]]:
    """Names and texts; a text is empty where there is nothing to say."""
    options = run.options
    return [
        ("release", _release(run.candidate)),
        ("baseline", _release(run.baseline) if run.baseline else _no_baseline(run)),
        ("sets", asked(run)),
        ("compared", ", ".join(run.baseline_suites)),
        ("ended", f"{run.ended:%Y-%m-%d %H:%M}" if run.ended else ""),
        ("asked for", _options(run)),
        *((f"engine {name}", _pairs(found)) for name, found in run.engines.items()),
        ("seed", str(run.seed)),
        ("determinism", _pairs(run.determinism)),
        ("spend", _spend(run.spend)),
        ("ceiling", _ceiling(options.max_usd, options.max_tokens)),
        ("sittings", _sittings(run)),
        ("prices", short(run.price_book) if run.price_book else "none"),
        *(("drift", one) for one in run.drift),
        *(("contamination", one) for one in run.contamination),
        ("source", _source(run)),
        *(("partial", one) for one in run.partial),
        *(("note", one) for one in run.notes),
        ("sealed", "yes" if run.files else "no: it decides nothing"),
    ]  # fmt: skip


def contest(run: Run) -> str:
    """The candidate, and what it was run against."""
    against = f" against {_release(run.baseline)}" if run.baseline else ", no baseline"
    return _release(run.candidate) + against


def asked(run: Run) -> str:
    """The eval sets, and how much of each."""
    sets = []
    for used in run.sets:
        of = f" of {used.of:,}" if used.of not in (None, used.samples) else ""
        times = f" x {used.replicates}" if used.replicates > 1 else ""
        sets.append(f"{used.name} {used.samples:,}{of}{times}")
    return ", ".join(sets) or "no eval sets"


def _release(release: RunRelease) -> str:
    return f"{release.name}@sha256:{short(release.digest)}"


def _spend(spend: Spend) -> str:
    cached = f", {spend.cached_calls:,} cached calls" if spend.cached_calls else ""
    return f"{usd(spend.nano_usd)}, {spend.tokens:,} tokens{cached}"


def _no_baseline(run: Run) -> str:
    return "none: the environment serves nothing yet" if run.first_release else "none"


def _options(run: Run) -> str:
    options = run.options
    said = {
        "environment": options.environment,
        "engine": options.engine or "",
        "limit": f"{options.limit:,}" if options.limit else "",
        "shard": f"{options.shard.index}/{options.shard.count}" if options.shard else "",
        "against itself": "yes" if options.aa else "",
        "responses": options.responses or "",
        "policy": options.policy or "",
        "drift": "allowed" if options.allow_environment_drift else "",
    }
    return _pairs({name: text for name, text in said.items() if text})


def _ceiling(usd_limit: float | None, tokens: int | None) -> str:
    parts = [usd(round(usd_limit * NANO))] if usd_limit is not None else []
    return ", ".join(parts + ([f"{tokens:,} tokens"] if tokens is not None else []))


def _sittings(run: Run) -> str:
    if run.spend.sittings == 1 and not run.spend.repeated:
        return ""
    return f"{run.spend.sittings}, {run.spend.repeated:,} conversations asked again"


def _source(run: Run) -> str:
    if run.source is None:
        return ""
    tool = f", {run.source.tool}" if run.source.tool else ""
    return f"{run.source.format}{tool}, {short(run.source.digest)}"


def _pairs(found: dict[str, str]) -> str:
    return ", ".join(f"{name} {text}" for name, text in found.items())
