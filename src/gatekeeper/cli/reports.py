"""`--report FORMAT=PATH`: a verdict as files for people and for the tools around a pipeline."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args

import typer

from gatekeeper.cli.workflow_commands import harmless
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gatekeeper.cli.session import Session
    from gatekeeper.core.places import Places
    from gatekeeper.model.verdict import Verdict

Format = Literal["text", "json", "markdown", "junit", "sarif", "html", "github", "gitlab"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
OPTION: Final = "--report"
STDERR: Final = "-"
_ACCEPTED: Final = f"FORMAT=PATH with a FORMAT of {', '.join(FORMATS)}; the PATH - is stderr"


def report_option(what: str, formats: tuple[Format, ...]) -> Any:
    """`--report` of a verb that writes `what` in some of the formats."""
    help_ = f"Also write {what} as {', '.join(formats)} to a file; - is stderr. Repeatable."
    return typer.Option(OPTION, metavar="FORMAT=PATH", help=help_, show_default=False)


ReportOption = Annotated[list[str] | None, report_option("the verdict", FORMATS)]


@dataclass(frozen=True, slots=True)
class Report:
    """One report that was asked for.

    Attributes:
        path: The file; null is standard error, since stdout is for the answer.
    """

    format: Format
    path: Path | None


@dataclass(frozen=True, slots=True)
class Subject:
    """What reports are about.

    Attributes:
        directory: Of the run.
        policy: The policy's file; null where it is not known.
    """

    verdict: Verdict
    directory: Path
    policy: Path | None


def reports_of(words: Sequence[str], option: str = OPTION) -> tuple[Report, ...]:
    """What an option asks for; raises `InputError` with everything that cannot be written."""
    found = [_read(word, option) for word in words]
    problems = [one for one in found if isinstance(one, Problem)]
    reports = tuple(one for one in found if isinstance(one, Report))
    paths = [one.path.resolve() for one in reports if one.path is not None]
    problems += [
        Problem(f"{path} is to be written twice", path=option, accepted="a file for each report")
        for path in dict.fromkeys(paths)
        if paths.count(path) > 1
    ]
    if problems:
        raise InputError(problems)
    return reports


def write_reports(session: Session, reports: Sequence[Report], subject: Subject) -> None:
    """Write every report, each file whole or not at all; a file that was there is replaced."""
    from gatekeeper.adapters import atomic

    if not reports:
        return
    places = places_of(session, subject)
    for report in reports:
        text = render(session, report.format, subject, places)
        if report.path is not None:
            atomic.replace(report.path.resolve(), text.encode())
        else:
            sys.stderr.write(text if report.format == "github" else harmless(text))
            sys.stderr.flush()


def render(session: Session, format_: Format, subject: Subject, places: Places) -> str:
    """A verdict in a format, as it stands in a file."""
    from gatekeeper.cli.plots import plots_of
    from gatekeeper.report.annotations import verdict_github, verdict_gitlab
    from gatekeeper.report.junit import verdict_junit
    from gatekeeper.report.page.document import verdict_html
    from gatekeeper.report.sarif import verdict_sarif
    from gatekeeper.report.verdict_markdown import verdict_markdown

    verdict, policy = subject.verdict, policy_file(session, subject)
    made: dict[Format, Callable[[], str]] = {
        "text": lambda: _text(verdict, policy),
        "json": lambda: _json(verdict),
        "markdown": lambda: verdict_markdown(verdict, policy),
        "junit": lambda: verdict_junit(verdict),
        "sarif": lambda: verdict_sarif(verdict, places),
        "html": lambda: verdict_html(verdict, plots_of(session.project, subject.directory), policy),
        "github": lambda: verdict_github(verdict, places),
        "gitlab": lambda: verdict_gitlab(verdict, places),
    }
    return made[format_]()


def policy_file(session: Session, subject: Subject) -> str:
    """The policy's file as people name it here; empty where it is not known."""
    if subject.policy is None:
        return ""
    path, root = subject.policy.resolve(), session.project.root.resolve()
    return str(path.relative_to(root) if path.is_relative_to(root) else subject.policy)


def _read(word: str, option: str) -> Report | Problem:
    """One word of the command line, or what is wrong with it."""
    from difflib import get_close_matches

    name, equals, path = word.partition("=")
    format_ = next((one for one in FORMATS if one == name), None)
    if format_ is None:
        near = get_close_matches(name, FORMATS, 1)
        what = f"{name!r} is no format" if equals else f"{word!r} names no format and file"
        return Problem(what, path=option, accepted=_ACCEPTED, nearest=near[0] if near else "")
    if not path:
        return Problem(f"{word!r} names no file", path=option, accepted=_ACCEPTED)
    if path == STDERR:
        return Report(format_, None)
    why = _unwritable(Path(path))
    if why is not None:
        return Problem(f"{path} cannot be written: {why[0]}", path=option, accepted=why[1])
    return Report(format_, Path(path))


def _unwritable(path: Path) -> tuple[str, str] | None:
    """Why a file cannot be written, and what could."""
    try:
        target = path.resolve()
        if target.is_dir():
            return "it is a directory", f"a file, such as {path / 'verdict.txt'}"
        if target.exists() and not target.is_file():
            return "it is no regular file", "a file, or - for stderr"
        if not target.parent.is_dir():
            return f"there is no directory {path.parent}", "a file in a directory that exists"
        if not os.access(target.parent, os.W_OK | os.X_OK):
            return f"the directory {path.parent} allows no new file", "a directory that does"
    except (OSError, RuntimeError, ValueError) as error:  # a circle of links, a NUL in the name
        return str(error), "the path of a file"
    return None


def places_of(session: Session, subject: Subject) -> Places:
    """The lines that a verdict can point at."""
    from gatekeeper.adapters.places import places
    from gatekeeper.cli.wiring import store_of
    from gatekeeper.errors import GatekeeperError

    verdict, project = subject.verdict, session.project
    try:
        record = store_of(project).record(verdict.release)
    except GatekeeperError:  # imported runs are of releases that are not here
        record = None
    policy = subject.policy
    if policy is not None and not policy.exists():
        policy = project.root / policy
    names = [rule.rule for rule in verdict.rules]
    return places(project, record.manifest if record else None, policy, names)


def _text(verdict: Verdict, policy: str) -> str:
    from rich.text import Text

    from gatekeeper.report.verdict import verdict_text

    return Text.from_markup(verdict_text(verdict, policy=policy)).plain + "\n"


def _json(verdict: Verdict) -> str:
    import json

    from gatekeeper.report.verdict import verdict_document

    return json.dumps(verdict_document(verdict), indent=2, ensure_ascii=False) + "\n"
