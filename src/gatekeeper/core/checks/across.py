"""Checks across the components of a release: what each part takes for granted about the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gatekeeper.core import templates
from gatekeeper.core.checks import content, routing
from gatekeeper.core.checks.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatekeeper.model.components import Components, Governance

PROMPT_VARIABLES: Final[dict[str, str]] = {
    "input": "what the person asks",
    "chunks": "retrieved chunks, each with `index` (from 1), `text` and `source`",
    "context": "the chunks as numbered lines, or `none`",
    "format": "`text` or `json`",
    "tenant": "who the request is for",
    "tools": "names of the declared tools",
    "history": "earlier messages, each with `role` and `content`",
    "task_class": "what kind of request it is, or an empty string",
}
"""What the pipeline supplies to `prompt.system` and `prompt.template`."""


@dataclass(frozen=True, slots=True)
class PromptSize:
    """Tokens of the prompt of one model before any request: few-shot and chat template included.

    Attributes:
        alone: With no chunk and an empty request.
        framed: With `top_k` empty chunks: what retrieval adds beside the text of the chunks.
    """

    alone: int
    framed: int


def check(
    components: Components, governance: Governance, sizes: Mapping[str, PromptSize]
) -> list[Finding]:
    """Every finding, errors first, then in the order of the components.

    Args:
        components: The eight, pinned.
        governance: Constraints on where requests may go.
        sizes: Prompt sizes by model name; a model without a tokenizer is absent.
    """
    found = [
        *prompt(components),
        *content.check(components, governance),
        *routing.check(components),
        *_window(components, sizes),
        *_amounts(components),
        *_budgets(components, sizes),
    ]
    return sorted(found, key=lambda finding: finding.severity == "warning")


def prompt(components: Components) -> Iterator[Finding]:
    """Templates against what the pipeline supplies; needs nothing but their text."""
    names = frozenset(PROMPT_VARIABLES)
    for field in ("system", "template"):
        for fault in templates.faults(getattr(components.prompt, field), names):
            yield Finding(
                code="prompt-template",
                path=("components", "prompt", field),
                message=f"the template {fault.message}",
                fix="Jinja2 without calls, over: " + ", ".join(sorted(names)),
                nearest=fault.nearest,
                line=fault.line,
            )


def _window(components: Components, sizes: Mapping[str, PromptSize]) -> Iterator[Finding]:
    retrieval, output = components.retrieval, components.serving.sampling.max_tokens
    chunks = retrieval.top_k * retrieval.chunking.max_tokens if retrieval.documents else 0
    for name, model in components.model.models.items():
        path = ("components", "model", "models", name)
        if model.role != "generator":
            continue
        if model.context_length is None:
            yield Finding(
                "context-unknown",
                path,
                f"the context length of {name!r} is not known, so the "
                "prompt cannot be checked against it",
                "add `context_length`",
                severity="warning",
            )
        elif model.pinned and name not in sizes:
            yield Finding(
                "tokenizer-unknown",
                path,
                f"{name!r} has no tokenizer.json, so the prompt cannot be measured",
                "add it to the model's files, or name a `tokenizer`",
                severity="warning",
            )
        elif name in sizes:
            need = sizes[name].framed + chunks + output
            if need > model.context_length:
                yield Finding(
                    "context-overflow",
                    ("components", "retrieval", "top_k") if chunks else path,
                    f"{name!r} has a context of {model.context_length} tokens, but may be given "
                    f"{need}: prompt {sizes[name].framed} + chunks {retrieval.top_k} x "
                    f"{retrieval.chunking.max_tokens if chunks else 0} + output {output}",
                    "a shorter prompt, a smaller top_k, smaller chunks or a smaller max_tokens",
                )


def _amounts(components: Components) -> Iterator[Finding]:
    budgets = components.budgets
    request, day, limits = budgets.per_request, budgets.per_day, budgets.limits
    required: dict[str, dict[tuple[str, str], float | None]] = {
        "daily_budget_by_workload": {("per_day", "usd"): day.usd},
        "per_request_token_cap": {
            ("per_request", "input_tokens"): request.input_tokens,
            ("per_request", "output_tokens"): request.output_tokens,
        },
        "per_task_cost_cap": {("per_request", "usd"): request.usd},
    }
    for limit, amounts in required.items():
        missing = [path for path, amount in amounts.items() if amount is None]
        if getattr(limits, limit) == "required" and missing:
            names = " and ".join(".".join(path) for path in missing)
            yield Finding(
                "budget-missing",
                ("components", "budgets", "limits", limit),
                f"{limit} is required, but no amount is given",
                f"give budgets.{names}, or make it optional",
            )


def _budgets(components: Components, sizes: Mapping[str, PromptSize]) -> Iterator[Finding]:
    budget, retrieval = components.budgets.per_request, components.retrieval
    path = ("components", "budgets", "per_request")
    cap = components.serving.sampling.max_tokens
    if budget.output_tokens is not None and budget.output_tokens < cap:
        yield Finding(
            "budget-below-output",
            (*path, "output_tokens"),
            f"the budget of {budget.output_tokens} output tokens is below the cap of {cap} "
            "(serving.sampling.max_tokens): answers will be cut short",
            f"at least {cap}, or a smaller max_tokens",
            severity="warning",
        )
    if budget.input_tokens is None or not sizes:
        return
    alone = max(size.alone for size in sizes.values())
    chunks = retrieval.top_k * retrieval.chunking.max_tokens if retrieval.documents else 0
    whole = max(size.framed for size in sizes.values()) + chunks
    if budget.input_tokens <= alone:
        yield Finding(
            "budget-below-prompt",
            (*path, "input_tokens"),
            f"the prompt alone is {alone} tokens, the budget {budget.input_tokens}: "
            "every request would be refused",
            f"at least {whole}, or a shorter prompt",
        )
    elif budget.input_tokens < whole:
        yield Finding(
            "budget-below-context",
            (*path, "input_tokens"),
            f"prompt and full context may be {whole} tokens, the budget is {budget.input_tokens}",
            f"at least {whole}; otherwise long requests take the actions on breach",
            severity="warning",
        )
