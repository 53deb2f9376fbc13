"""What a policy demands more of and less of than another, as text and for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.canonical import short
from gatekeeper.core.policy.forms import policy_digest, policy_name
from gatekeeper.model.policy import GatePolicy
from gatekeeper.report.markdown import code, plain
from gatekeeper.report.markup import escape
from gatekeeper.report.tables import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.policy.diff import Change, Direction, Given

_INDENT: Final = "  "
_HEADS: Final[tuple[tuple[Direction, str, str], ...]] = (
    ("loosened", "demands less", "red"),
    ("either", "may demand less", "yellow"),
    ("tightened", "demands more", "green"),
    ("none", "decides nothing else", "dim"),
)


def diff_text(
    before: Given, after: Given, found: Sequence[Change], width: int | None = None
) -> str:
    """Both policies, then what is demanded less, more, and otherwise; `width` as of `table`."""
    lines = [f"from  {_named(before)}", f"to    {_named(after)}"]
    if not found:
        return "\n".join([*lines, "[bold]no difference[/bold]: they demand the same"])
    return "\n".join([*lines, *changes_text(found, width)])


def changes_text(found: Sequence[Change], width: int | None = None) -> list[str]:
    """One line a change, under what it does."""
    lines = []
    room = None if width is None else width - len(_INDENT)
    for direction, head, style in _HEADS:
        rows = [(one.rule, one.what, _between(one)) for one in found if one.direction == direction]
        if rows:
            lines.append(f"[{style}]{head}[/{style}]")
            told = table(("", "", ""), rows, width=room)[1:]
            lines += [f"{_INDENT}{line}" for line in told]
    return lines


def diff_markdown(before: Given, after: Given, found: Sequence[Change]) -> str:
    """A section of a comment on a pull request: what is demanded less comes first."""
    lines = ["", f"#### Gate policy: {code(_identified(before))} → {code(_identified(after))}", ""]
    for direction, head, _ in _HEADS:
        lines += [
            f"- {head}: {code(one.rule)} {plain(f'{one.what} {_between(one)}')}"
            for one in found
            if one.direction == direction
        ]
    return "\n".join([*lines, ""])


def _between(change: Change) -> str:
    if change.what == "added":
        return change.after
    return change.before if change.what == "removed" else f"{change.before} -> {change.after}"


def diff_document(before: Given, after: Given, found: Sequence[Change]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "old": _identity(before),
        "new": _identity(after),
        "changes": [asdict(one) for one in found],
    }


def _identity(policy: Given) -> dict[str, Any]:
    return {
        "name": policy_name(policy.value),
        "version": _version(policy),
        "digest": policy_digest(policy.value, policy.parameters),
    }


def _named(policy: Given) -> str:
    return escape(_identified(policy))


def _identified(policy: Given) -> str:
    identity = _identity(policy)
    version = f" {identity['version']}" if identity["version"] else ""
    return f"{identity['name']}{version}@sha256:{short(identity['digest'])}"


def _version(policy: Given) -> str | None:
    value = policy.value
    return value.metadata.version if isinstance(value, GatePolicy) else None
