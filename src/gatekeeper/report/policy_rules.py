"""The rules of a policy as a table, with what some eval sets could show of them."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.canonical import short
from gatekeeper.core.policy.forms import policy_digest, policy_name
from gatekeeper.core.wording import counted
from gatekeeper.report.markup import escape, escape_line, spelled_out
from gatekeeper.report.tables import aligned, name_room, set_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.policy.diff import Given
    from gatekeeper.core.policy.power import Outlook
    from gatekeeper.core.policy.weakness import Weakness
    from gatekeeper.model.policy import Rule

WIDTH: Final = 80
_HEADS: Final = ("", "limit", "severity", "alpha", "by", "samples", "passes from")
_RIGHT: Final = frozenset({3, 5, 6})
_NAMES: Final = 24
"""Characters of what must pass; the rest is counted."""


def rules_text(policy: Given, found: Sequence[Outlook], *, known: bool, width: int = WIDTH) -> str:
    """The policy and a line a rule; what can be shown only where the sets are known.

    What is the same for all rules is said once. A name for which there is no room stands alone,
    above the rest of its line.
    """
    sections = list(dict.fromkeys(one.rule.section for one in found))
    found = sorted(found, key=lambda one: sections.index(one.rule.section))
    rows = [(_name(one.rule), *_cells(one.rule), *_shown(one, known=known)) for one in found]
    same = _same([one.rule for one in found])
    kept = [place for place in range(1, len(_HEADS)) if any(row[place] for row in rows)]
    kept = [place for place in kept if _HEADS[place] not in same]
    sizes = {place: max(len(row[place]) for row in (_HEADS, *rows)) for place in kept}
    longest = max((len(row[0]) for row in rows), default=0)
    room = name_room(longest, list(sizes.values()), width - 1)
    digest = policy_digest(policy.value, policy.parameters)
    name = escape(f"{policy_name(policy.value)}@sha256:{short(digest)}")
    told = ", ".join([counted(len(found), "rule"), *same.values()])
    (head,) = aligned("", set_out(_HEADS, sizes, _RIGHT), room)
    lines = [f"[bold]{name}[/bold]  {told}", f"[dim] {escape(head)}[/dim]"]
    for (section, owner), members in groupby(
        zip(found, rows, strict=True), key=lambda pair: (pair[0].rule.section, pair[0].rule.owner)
    ):
        owned = f"  [dim]owner: {escape_line(owner)}[/dim]" if owner else ""
        lines.append(f"[bold]{escape_line(section)}[/bold]{owned}")
        for _, row in members:
            shown = aligned(row[0], set_out(row, sizes, _RIGHT), room)
            lines += [f" {escape_line(line)}" for line in shown]
    return "\n".join(lines)


def rules_document(
    policy: Given, found: Sequence[Outlook], weak: Sequence[Weakness], *, known: bool
) -> dict[str, Any]:
    """The same for programs, with every field of every rule."""
    return {
        "policy": policy_name(policy.value),
        "digest": policy_digest(policy.value, policy.parameters),
        "rules": [
            one.rule.model_dump(mode="json") | (_foreseen(one) if known else {}) for one in found
        ],
        "warnings": [f"{one.rule}: {one.text}" for one in weak],
        "findings": [asdict(one) for one in weak],
    }


def _foreseen(one: Outlook) -> dict[str, Any]:
    return {"n": one.n, "n_at_most": one.at_most, "passes_from": one.passes_from}


def _name(rule: Rule) -> str:
    return spelled_out(rule.name.removeprefix(f"{rule.section}."))


def _same(rules: Sequence[Rule]) -> dict[str, str]:
    """Columns in which all rules are alike, in words."""
    severities = {rule.severity for rule in rules}
    alphas = {_alpha(rule) for rule in rules} - {""}
    found = {}
    if len(severities) == 1:
        found["severity"] = {"block": "all of them block", "warn": "all of them warn"}.get(
            min(severities), "all of them inform"
        )
    if len(alphas) == 1:
        found["alpha"] = f"alpha {min(alphas)}"
    return found


def _cells(rule: Rule) -> tuple[str, ...]:
    limit = f"{rule.exposures:,} clean" if rule.test == "census" else _number(rule.limit)
    if rule.test == "must_pass":
        limit = _critical(rule.samples)
    by = spelled_out(f"{rule.by} ({rule.slices})") if rule.by else ""
    test = "" if rule.test == "must_pass" else f"{rule.test} "
    return spelled_out(f"{test}{limit}".rstrip()), rule.severity, _alpha(rule), by


def _critical(names: Sequence[str]) -> str:
    """As many names as there is room for."""
    whole = ", ".join(names)
    if len(whole) <= _NAMES or len(names) == 1:
        return whole
    return f"{names[0]}, and {len(names) - 1} more"


def _alpha(rule: Rule) -> str:
    return _number(rule.alpha) if rule.limit is not None and rule.test != "census" else ""


def _shown(one: Outlook, *, known: bool) -> tuple[str, str]:
    if not known:
        return "", ""
    samples = f"{'≤' if one.at_most else ''}{one.n:,}"
    return samples if one.n or one.rule.test == "census" else "", _number(one.passes_from, 4)


def _number(value: float | None, digits: int = 6) -> str:
    return "" if value is None else f"{value:.{digits}g}"
