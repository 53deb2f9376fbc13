"""A release for people: what it is made of, and what is known about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.canonical import short
from gatekeeper.model.base import COMPONENTS
from gatekeeper.report.markup import escape
from gatekeeper.report.spans import Span, words, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatekeeper.errors import Problem
    from gatekeeper.model.base import ComponentName
    from gatekeeper.model.components import Components, PinnedModel
    from gatekeeper.model.release import Release, ReleaseRecord

MIB = 1 << 20
KIB = 1 << 10


def summary(release: Release, *, width: int = 80) -> str:
    """A line a component (or more, wrapped): name, beginning of its digest, what is in it."""
    lines: list[str] = []
    for name in COMPONENTS:
        spans = [
            Span(f"{name:<9}"),
            Span(f"{short(release.component_digests[name])} ", "dim"),
            *words(_SAYS[name](release.components)),
        ]
        lines += wrap(spans, width, first="  ", rest=" " * 26)
    return "\n".join(lines)


def built(
    release: Release, warnings: Sequence[Problem], *, key: str, new: bool, width: int = 80
) -> str:
    """What `gatekeeper build` says."""
    state = f"built and signed with {key}" if new else f"already built, signed with {key}"
    lines = [
        f"[bold]{escape(release.name)}[/bold]  [green]{state}[/green]",
        release.digest,
        "",
        summary(release, width=width),
    ]
    if warnings:
        lines += ["", *(f"[yellow]warning[/yellow] {escape(problem)}" for problem in warnings)]
    lines += ["", f"Next: gatekeeper evaluate {release.name}@sha256:{short(release.digest)}"]
    return "\n".join(lines)


def shown(
    release: Release,
    record: ReleaseRecord | None,
    statements: Sequence[str],
    *,
    width: int = 80,
) -> str:
    """What `gatekeeper show` says."""
    lines = [f"[bold]{escape(release.name)}[/bold]", release.digest, ""]
    if record:
        lines += [*_facts(record), ""]
    lines += ["components", summary(release, width=width), "", "governance"]
    regions = ", ".join(release.governance.data_residency) or "anywhere"
    calls = "allowed" if release.governance.external_model_calls else "not allowed"
    lines += [f"  served in     {escape(regions)}", f"  hosted models {calls}", "", "statements"]
    lines += [f"  {escape(line)}" for line in statements] or ["  none: it is not signed"]
    return "\n".join(lines)


def listed(rows: Sequence[tuple[str, str, str, str]]) -> str:
    """What `gatekeeper list` says: name, digest, label and time of the build of every release."""
    if not rows:
        return "no releases yet; build one with `gatekeeper build MANIFEST`"
    table = [("release", "digest", "label", "built"), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
    return "\n".join([f"[dim]{lines[0]}[/dim]", *map(escape, lines[1:])])


def _facts(record: ReleaseRecord) -> list[str]:
    metadata = record.metadata
    facts = {
        "label": metadata.version,
        "owner": metadata.owner,
        "workload": metadata.workload,
        "feature": metadata.feature,
        "journey": metadata.journey,
        "manifest": record.manifest,
        "but": ", ".join(f"{name} of sha256:{short(one)}" for name, one in record.taken.items()),
        "built": f"{record.built} by {record.builder}",
    }
    return [f"  {name:<10}{escape(value)}" for name, value in facts.items() if value]


def amount(count: int, noun: str) -> str:
    """A count with its noun: `1 file`, `2 files`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def size(count: int) -> str:
    """Bytes for people."""
    if count >= MIB:
        return f"{count / MIB:,.1f} MiB"
    return f"{count / KIB:.1f} KiB" if count >= KIB else f"{count} B"


def _prompt(components: Components) -> str:
    prompt = components.prompt
    parts = [f"system {len(prompt.system)}, template {len(prompt.template)} characters"]
    if prompt.few_shot:
        parts.append(amount(len(prompt.few_shot), "example"))
    if prompt.output_schema is not None:
        parts.append("output schema")
    return ", ".join(parts)


def _model(components: Components) -> str:
    models = components.model.models.items()
    return "; ".join(f"{name}: {_one_model(model)}" for name, model in sorted(models))


def _one_model(model: PinnedModel) -> str:
    if not model.pinned:
        return f"hosted {model.endpoint_model}, unpinned"
    total = sum(file.size for file in model.files)
    window = f", context {model.context_length}" if model.context_length else ""
    return f"{amount(len(model.files), 'file')}, {size(total)}{window}"


def _serving(components: Components) -> str:
    serving = components.serving
    engines = (f"{engine.name} {engine.version or ''}".strip() for engine in serving.engines)
    return f"{' | '.join(engines)}; at most {amount(serving.sampling.max_tokens, 'token')}"


def _retrieval(components: Components) -> str:
    retrieval = components.retrieval
    if retrieval.strategy == "none":
        return "none"
    total = sum(document.size for document in retrieval.documents)
    return (
        f"{retrieval.strategy}, top {retrieval.top_k} of "
        f"{amount(len(retrieval.documents), 'document')}, {size(total)}"
    )


def _router(components: Components) -> str:
    router = components.router
    return f"{amount(len(router.routes), 'route')} to {amount(len(router.tiers), 'tier')}"


def _tools(components: Components) -> str:
    return ", ".join(sorted(components.tools.allow)) or "none"


def _policy(components: Components) -> str:
    policy = components.policy
    rules = len(policy.input) + len(policy.output) + len(policy.injection)
    kinds = ", ".join(policy.pii.kinds)
    return amount(rules, "rule") + (f", {policy.pii.action} {kinds}" if kinds else "")


def _budgets(components: Components) -> str:
    request, day = components.budgets.per_request, components.budgets.per_day
    parts = []
    if request.input_tokens is not None or request.output_tokens is not None:
        parts.append(
            f"{_ceiling(request.input_tokens)} tokens in, {_ceiling(request.output_tokens)} out"
        )
    if request.usd is not None:
        parts.append(f"{request.usd:g} USD a request")
    if day.usd is not None:
        parts.append(f"{day.usd:g} USD a day")
    return "; ".join(parts) or "none"


def _ceiling(value: int | None) -> str:
    return "any" if value is None else str(value)


_SAYS: dict[ComponentName, Callable[[Components], str]] = {
    "prompt": _prompt,
    "model": _model,
    "serving": _serving,
    "retrieval": _retrieval,
    "router": _router,
    "tools": _tools,
    "policy": _policy,
    "budgets": _budgets,
}
