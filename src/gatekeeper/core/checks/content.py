"""Checks of what is inside components: schemas, patterns, tools, models, the snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatekeeper.core.checks.finding import Finding, KeyPath, unknown
from gatekeeper.core.checks.unmeetable import unmeetable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatekeeper.model.components import Components, Governance

RE2 = "an RE2 expression: no back-references, no look-around"
HOSTED_ENGINES = frozenset({"openai", "recorded"})


def check(components: Components, governance: Governance) -> Iterator[Finding]:
    """Every finding about the content of single components and the pairs that must agree."""
    yield from _schemas(components)
    yield from _triggers(components)
    yield from _patterns(components)
    yield from _models(components, governance)
    yield from _snapshot(components)


def _schemas(components: Components) -> Iterator[Finding]:
    if components.prompt.output_schema is not None:
        path: KeyPath = ("components", "prompt", "output_schema")
        yield from _schema(components.prompt.output_schema, path)
    for name, tool in components.tools.allow.items():
        yield from _schema(tool.parameters, ("components", "tools", "allow", name, "parameters"))


def _schema(schema: Mapping[str, Any], path: KeyPath) -> Iterator[Finding]:
    fault = schema_fault(schema)
    if fault:
        place, message = fault
        where = f" at {'.'.join(str(step) for step in place)}" if place else ""
        yield Finding(
            "bad-schema",
            path + place,
            f"is not valid JSON Schema{where}: {message}",
            "JSON Schema, draft 2020-12 unless `$schema` says otherwise; no remote `$ref`",
        )
    elif impossible := unmeetable(schema):
        place, message = impossible
        yield Finding(
            "unmeetable-schema",
            path + place,
            f"no answer can meet this schema: {message}",
            "a schema that some answer meets",
        )


def schema_fault(schema: Mapping[str, Any]) -> tuple[KeyPath, str] | None:
    """Why `schema` is not valid JSON Schema, and at which of its keys; None when it is."""
    import jsonschema_rs

    try:
        jsonschema_rs.validator_for(dict(schema), retriever=_no_retrieval)
    except jsonschema_rs.ValidationError as error:
        return tuple(error.instance_path), error.message
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        return (), str(error).splitlines()[0]
    return None


def _no_retrieval(uri: str) -> Any:
    raise ValueError(f"{uri!r} would have to be fetched")


def _triggers(components: Components) -> Iterator[Finding]:
    known = components.tools.guardrail.require_approval_for
    for name, tool in components.tools.allow.items():
        for index, trigger in enumerate(tool.triggers):
            if trigger not in known:
                path = ("components", "tools", "allow", name, "triggers", index)
                yield unknown("unknown-trigger", path, "approval trigger", trigger, known)


def _patterns(components: Components) -> Iterator[Finding]:
    import re2

    options = re2.Options()
    options.log_errors = False
    for stage in ("input", "output", "injection"):
        for index, rule in enumerate(getattr(components.policy, stage)):
            for number, pattern in enumerate(rule.patterns):
                try:
                    re2.compile(pattern, options)
                except re2.error as error:
                    path = ("components", "policy", stage, index, "patterns", number)
                    yield Finding("bad-pattern", path, f"{_re2_reason(error)} in a pattern", RE2)


def _re2_reason(error: Exception) -> str:
    reason = error.args[0] if error.args else "cannot be compiled"
    return reason.decode() if isinstance(reason, bytes) else str(reason)


def _models(components: Components, governance: Governance) -> Iterator[Finding]:
    used = {tier.model for tier in components.router.tiers.values()}
    engines = {engine.name for engine in components.serving.engines}
    for name, model in components.model.models.items():
        path = ("components", "model", "models", name)
        if not model.pinned and not governance.external_model_calls:
            yield Finding(
                "external-model",
                (*path, "source"),
                f"model {name!r} is hosted and cannot be pinned, and this release may not call "
                "hosted models",
                "set governance.external_model_calls to true, or use a model on disk",
            )
        if not model.pinned and not engines & HOSTED_ENGINES:
            yield Finding(
                "engine-for-hosted",
                ("components", "serving", "engines"),
                f"model {name!r} is hosted, but no engine here can call it",
                "accept the engine `openai`",
            )
        if model.role == "generator" and name not in used:
            yield Finding(
                "unused-model",
                path,
                f"no tier uses model {name!r}",
                "name it in a tier, or remove it",
                severity="warning",
            )


def _snapshot(components: Components) -> Iterator[Finding]:
    retrieval = components.retrieval
    path: KeyPath = ("components", "retrieval")
    if retrieval.strategy != "none" and not retrieval.documents:
        yield Finding(
            "empty-snapshot",
            path,
            f"retrieval by {retrieval.strategy} has no documents",
            "a snapshot directory with documents, or `strategy: none`",
        )
    stored, asked = retrieval.snapshot_embedding_model, retrieval.embedding_model
    if stored != asked:
        yield Finding(
            "embedding-mismatch",
            (*path, "embedding_model") if asked else (*path, "snapshot", "embedding_model"),
            f"the snapshot was embedded with {stored or 'no model'}, "
            f"queries are embedded with {asked or 'no model'}",
            "the same model on both sides",
        )
