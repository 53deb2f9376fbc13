"""`gatekeeper diff`: what changed between two releases, and which gates follow."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

if TYPE_CHECKING:
    from gatekeeper.adapters.project import Project
    from gatekeeper.core.diff import Change, ReleaseDiff
    from gatekeeper.core.policy.diff import Change as Differing
    from gatekeeper.ops.policy import Policy


class Form(StrEnum):
    """How the difference is written for people."""

    text = "text"
    markdown = "markdown"


def diff(
    old: Annotated[str, typer.Argument(help="The release to compare with.")],
    new: Annotated[str, typer.Argument(help="The release that is new.")],
    form: Annotated[
        Form, typer.Option("--format", help="text for a terminal, markdown for a pull request.")
    ] = Form.text,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """Show what changed between two releases, by how much, and which gates follow.

    Exits 0 whether or not they differ: this looks, it does not judge.
    """
    from gatekeeper.cli import wiring
    from gatekeeper.core.diff import compare
    from gatekeeper.report import diff as report
    from gatekeeper.report.diff_markdown import markdown
    from gatekeeper.report.markup import escape

    session = Session(project, output)
    store = wiring.store_of(session.project)
    first, second = (store.load(wiring.resolve_ref(session, ref)) for ref in (old, new))
    found = compare(first, second, store.documents(first), store.documents(second))
    gates = _gates(session.project, first.digest, second.digest)
    if form is Form.markdown:
        text = escape((markdown(found) + _markdown(gates)).rstrip("\n"))
    else:
        text = report.text(found, width=session.width) + _text(gates)
    session.emit(document(found) | {"gate_policy": _document(gates)}, text)


@dataclass(frozen=True, slots=True)
class _Gates:
    """The policies that decided two releases last, and how they differ."""

    before: Policy
    after: Policy
    changes: tuple[Differing, ...]


def _gates(project: Project, old: str, new: str) -> _Gates | None:
    """None where one of the policies is not known, or both are the same."""
    from gatekeeper.cli.verdicts import Verdicts
    from gatekeeper.core.policy.diff import differences
    from gatekeeper.errors import InputError
    from gatekeeper.ops.demands import decided_by

    verdicts = Verdicts(project)
    held = [[one for one in verdicts.about(name) if one.inputs.policy] for name in (old, new)]
    if not all(held) or held[0][0].policy == held[1][0].policy:
        return None
    try:
        before, after = (decided_by(found[0]) for found in held)
        return _Gates(before, after, differences(before, after))
    except (InputError, ValueError):  # a policy of another version, which names what is not here
        return None


def _text(gates: _Gates | None) -> str:
    from gatekeeper.report.policy_diff import diff_text

    if gates is None:
        return ""
    lines = diff_text(gates.before, gates.after, gates.changes).split("\n")
    return "\n\n[bold]gate policy[/bold]\n" + "\n".join(f"  {line}" for line in lines)


def _markdown(gates: _Gates | None) -> str:
    from gatekeeper.report.policy_diff import diff_markdown

    return diff_markdown(gates.before, gates.after, gates.changes) if gates else ""


def _document(gates: _Gates | None) -> dict[str, Any] | None:
    from gatekeeper.report.policy_diff import diff_document

    return diff_document(gates.before, gates.after, gates.changes) if gates else None


def document(found: ReleaseDiff) -> dict[str, Any]:
    """The difference as programs read it."""
    return {
        "old": {"name": found.old.name, "digest": found.old.digest},
        "new": {"name": found.new.name, "digest": found.new.digest},
        "class": found.change_class,
        "gates": {
            "sections": list(found.demand.sections),
            "suites": list(found.demand.suites),
            "reason": found.demand.reason,
        },
        "unchanged": list(found.unchanged),
        "changed": {
            part.name: {
                "old": part.old_digest or None,
                "new": part.new_digest or None,
                "changes": [_change(change) for change in part.changes],
            }
            for part in found.parts
        },
    }


def _change(change: Change) -> dict[str, Any]:
    from gatekeeper.core.diff import FilesChange, RenameChange, TextChange
    from gatekeeper.report.diff import key

    content: dict[str, Any] = {"path": key(change.path)}
    if isinstance(change, FilesChange):
        return content | {"kind": "files", "files": [asdict(file) for file in change.files]}
    if isinstance(change, RenameChange):
        return content | {"kind": "renamed", "old": change.old}
    content |= _sides(change.old, change.new)
    if isinstance(change, TextChange):
        content["words"] = [asdict(piece) for piece in change.pieces]
    elif change.relative is not None:
        content["relative"] = change.relative
    return content


def _sides(old: Any, new: Any) -> dict[str, Any]:
    from gatekeeper.core.trees import ABSENT

    if old is ABSENT:
        return {"kind": "added", "new": new}
    return (
        {"kind": "removed", "old": old}
        if new is ABSENT
        else {
            "kind": "changed",
            "old": old,
            "new": new,
        }
    )
