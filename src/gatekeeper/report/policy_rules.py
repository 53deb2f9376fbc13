"""The rules of a policy as a table, with what some eval sets could show of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.canonical import short
from gatekeeper.core.policy.forms import policy_digest, policy_name
from gatekeeper.report.markup import escape
from gatekeeper.report.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.policy.diff import Given
    from gatekeeper.core.policy.power import Outlook
    from gatekeeper.model.policy import Rule

_HEADS: Final = ("rule", "owner", "severity", "test", "limit", "alpha", "by")
_SEEN: Final = ("samples", "passes from")
_RIGHT: Final = frozenset({4, 5, 7, 8})


def rules_text(policy: Given, found: Sequence[Outlook], *, known: bool) -> str:
    """The policy and a line a rule; what can be shown only where the sets are known."""
    digest = policy_digest(policy.value, policy.parameters)
    name = escape(f"{policy_name(policy.value)}@sha256:{short(digest)}")
    count = f"{len(found)} rule{'' if len(found) == 1 else 's'}"
    heads = (*_HEADS, *(_SEEN if known else ()))
    rows = [(*_cells(one.rule), *(_shown(one) if known else ())) for one in found]
    return "\n".join([f"[bold]{name}[/bold]  {count}", *table(heads, rows, right=_RIGHT)])


def rules_document(
    policy: Given, found: Sequence[Outlook], warnings: Sequence[str], *, known: bool
) -> dict[str, Any]:
    """The same for programs, with every field of every rule."""
    return {
        "policy": policy_name(policy.value),
        "digest": policy_digest(policy.value, policy.parameters),
        "rules": [
            one.rule.model_dump(mode="json")
            | ({"n": one.n, "passes_from": one.passes_from} if known else {})
            for one in found
        ],
        "warnings": list(warnings),
    }


def _cells(rule: Rule) -> tuple[str, ...]:
    limit = f"{rule.exposures:,} clean" if rule.test == "census" else _number(rule.limit)
    if rule.test == "must_pass":
        limit = ", ".join(rule.samples)
    alpha = _number(rule.alpha) if rule.limit is not None and rule.test != "census" else ""
    by = f"{rule.by} ({rule.slices})" if rule.by else ""
    return rule.name, rule.owner, rule.severity, rule.test, limit, alpha, by


def _shown(one: Outlook) -> tuple[str, str]:
    return f"{one.n:,}" if one.n else "", _number(one.passes_from, 4)


def _number(value: float | None, digits: int = 6) -> str:
    return "" if value is None else f"{value:.{digits}g}"
