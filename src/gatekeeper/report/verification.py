"""Whether a verdict follows from the records that it names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.report.markup import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.model.verdict import RuleResult, Verdict

MOST: Final = 20
"""Differences that are told to people."""


def differences(kept: Verdict, derived: Verdict) -> tuple[str, ...]:
    """Every value in which a kept verdict differs from the same derived anew."""
    return tuple(_differences(kept, derived))


def verification_document(kept: Verdict, derived: Verdict) -> dict[str, Any]:
    """The answer as programs read it."""
    found = differences(kept, derived)
    return {
        "verified": not found,
        "run": kept.run,
        "release": kept.release,
        "policy": kept.policy,
        "outcome": kept.outcome,
        "derived_outcome": derived.outcome,
        "rules": len(kept.rules),
        "differences": list(found),
    }


def verification_text(kept: Verdict, derived: Verdict) -> str:
    """The answer for people: that it follows, or what differs."""
    found = differences(kept, derived)
    about = f"run {escape(kept.run)}, policy {escape(kept.policy_name)}"
    if not found:
        return (
            f"[green]✓[/green] the verdict follows from the records: "
            f"{kept.outcome}, {len(kept.rules)} rules, every value the same\n  {about}"
        )
    more = [f"  and {len(found) - MOST} more"] if len(found) > MOST else []
    lines = [f"  {escape(one)}" for one in found[:MOST]]
    return "\n".join(
        ["[red]✗ the verdict does not follow from the records[/red]", f"  {about}", *lines, *more]
    )


def _differences(kept: Verdict, derived: Verdict) -> Iterator[str]:
    before, after = (one.model_dump(mode="json") for one in (kept, derived))
    for key in before:
        if key != "rules" and before[key] != after[key]:
            yield f"{key}: {_told(before[key])} is kept, {_told(after[key])} follows"
    yield from _of_rules(
        {rule.rule: rule for rule in kept.rules}, {rule.rule: rule for rule in derived.rules}
    )


def _of_rules(kept: dict[str, RuleResult], derived: dict[str, RuleResult]) -> Iterator[str]:
    for name in [*kept, *(name for name in derived if name not in kept)]:
        if name not in derived or name not in kept:
            yield f"{name}: only {'kept' if name in kept else 'derived'}"
            continue
        before, after = (one[name].model_dump(mode="json") for one in (kept, derived))
        for key in before:
            if before[key] != after[key]:
                yield f"{name}, {key}: {_told(before[key])} is kept, {_told(after[key])} follows"


def _told(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST * 4 else f"{text[: MOST * 4]}…"
