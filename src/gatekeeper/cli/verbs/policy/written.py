"""Composition: what a verb of policies found, in the formats that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gatekeeper.cli.reports import Format, Report


def fitting(reports: Sequence[Report], formats: Sequence[Format], what: str) -> Sequence[Report]:
    """The reports; raises `InputError` with each that `what` is not written as."""
    accepted = ", ".join(formats)
    problems = [
        Problem(f"{what} is not written as {one.format}", path="--report", accepted=accepted)
        for one in reports
        if one.format not in formats
    ]
    if problems:
        raise InputError(problems)
    return reports


def write(reports: Sequence[Report], texts: Mapping[Format, Callable[[], str]]) -> None:
    """Write each report whole, or to stderr where it has no path."""
    import sys

    from gatekeeper.adapters import atomic
    from gatekeeper.cli.workflow_commands import harmless

    for report in reports:
        text = texts[report.format]()
        if report.path is None:
            sys.stderr.write(harmless(text))
        else:
            atomic.replace(report.path.resolve(), text.encode())
