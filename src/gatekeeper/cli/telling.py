"""Telling a review: the comment, files that platforms take, and values for later steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.errors import GatekeeperError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gatekeeper.adapters.forges import Forge
    from gatekeeper.core.review import Review

RUNS: Final = 20
"""Logs that code scanning takes in one upload."""


def tell(
    found: Review, forge: Forge, reports: Path, *, comment: bool, say: Callable[[str], None]
) -> str:
    """Everything that is told once all is judged; returns the address of the comment."""
    from gatekeeper.report.review import comment as written

    text = written(found, forge.longest)
    (reports / "comment.md").write_text(text, encoding="utf-8")
    combine_code_quality(reports)
    set_aside(found, reports, say)
    forge.publish(text, outputs(found, reports))
    if not comment:
        return ""
    try:
        key = found.project or "."
        # A change that touches nothing (any more) has something to say only where it once had.
        if found.judged or found.deleted or forge.known_comment(key):
            return forge.comment(text, key)
    except GatekeeperError as error:
        say(f"no comment: {error}")
    return ""


def outputs(found: Review, reports: Path) -> dict[str, str]:
    """What later steps of a job can use: of the manifest that decides, and of all."""
    import json

    one = found.worst
    return {
        "outcome": found.outcome,
        "run": one.run if one else "",
        "release": one.release if one else "",
        "verdict": str(reports / one.reports / "verdict.json") if one and one.verdict else "",
        "reports": str(reports),
        "manifests": json.dumps([judged.manifest for judged in found.judged]),
    }


def marked_up(text: str) -> str:
    """Plain text for a stream that takes markup."""
    from gatekeeper.report.markup import escape

    return escape(text)


def name_analysis(sarif: Path, name: str) -> None:
    """Code scanning keeps one analysis a name: two manifests may build releases of one name."""
    import json

    if sarif.is_file():
        found = json.loads(sarif.read_text(encoding="utf-8"))
        for one in found["runs"]:
            one["automationDetails"] = {"id": f"gatekeeper/{name}/"}
        sarif.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def set_aside(found: Review, reports: Path, say: Callable[[str], None]) -> None:
    """Code scanning refuses an upload of too many logs whole: the gravest keep their name."""
    logs = [reports / one.reports / "verdict.sarif" for one in found.gravest_first if one.reports]
    left = [log for log in logs if log.is_file()][RUNS:]
    for log in left:
        log.rename(log.with_suffix(".sarif.json"))
    if left:
        say(f"code scanning takes {RUNS} logs; {len(left)} more are called verdict.sarif.json")


def combine_code_quality(reports: Path) -> None:
    """GitLab takes one file of findings a job, and of two with one fingerprint only the first."""
    import hashlib
    import json

    files = sorted(reports.glob("*/code-quality.json"))
    whole = []
    for file in files:
        for one in json.loads(file.read_text(encoding="utf-8")):
            name = f"{file.parent.name}\n{one['fingerprint']}"
            whole.append({**one, "fingerprint": hashlib.sha256(name.encode()).hexdigest()})
    if files:
        (reports / "code-quality.json").write_text(json.dumps(whole, indent=1), encoding="utf-8")
