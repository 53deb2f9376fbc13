"""The outcome of a policy's tests, for people, for programs and as JUnit XML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape as xml
from xml.sax.saxutils import quoteattr

from gatekeeper.report.markup import escape_line, spelled_out
from gatekeeper.report.tables import fold, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatekeeper.core.policy.trial import Trial

_INDENT: Final = " " * 6
_HEADS: Final = ("", "run", "expected", "found", "why")


def trials_text(name: str, trials: Sequence[Trial], width: int) -> str:
    """A line a case; under one that came out otherwise, the rules that made it so."""
    good = sum(one.as_expected for one in trials)
    style = "green" if good == len(trials) else "red"
    head = f"[{style}]{good} of {len(trials)} cases as expected[/{style}]  [bold]{name}[/bold]"
    first, *lines = table(_HEADS, [_row(one) for one in trials])
    told = [first]
    for trial, line in zip(trials, lines, strict=True):
        told.append(line)
        told += [f"{_INDENT}[dim]{escape_line(text)}[/dim]" for text in _why(trial, width)]
    return "\n".join([head, *told])


def plain_text(name: str, trials: Sequence[Trial], width: int) -> str:
    """The same without markup, for a file."""
    good = sum(one.as_expected for one in trials)
    lines = [f"{good} of {len(trials)} cases as expected: {name}"]
    for trial in trials:
        lines.append("  ".join(cell for cell in _row(trial) if cell))
        lines += [f"{_INDENT}{text}" for text in _why(trial, width)]
    return "\n".join([*lines, ""])


def trials_document(name: str, trials: Sequence[Trial]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "test": name,
        "as_expected": all(one.as_expected for one in trials),
        "cases": [
            {
                "run": one.verdict.run,
                "expected": one.case.expect,
                "found": one.verdict.outcome,
                "as_expected": one.as_expected,
                "why": one.case.why,
                "differing": [
                    {
                        "rule": rule.rule,
                        "expected": rule.expected,
                        "found": rule.found.outcome if rule.found else None,
                    }
                    for rule in one.differing
                ],
                "deciding": [rule.rule for rule in one.deciding],
            }
            for one in trials
        ],
    }


def trials_junit(name: str, trials: Sequence[Trial]) -> str:
    """A suite with a case a run; what came out otherwise is a failure."""
    failures = sum(not one.as_expected for one in trials)
    counts = f'tests="{len(trials)}" failures="{failures}" errors="0" skipped="0" time="0"'
    named = f"name={quoteattr(spelled_out(name))}"
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {named} {counts}>"]
    lines.append(f"  <testsuite {named} {counts}>")
    for trial in trials:
        case = f"name={quoteattr(trial.verdict.run)} classname={quoteattr(f'policy.{name}')}"
        message = f"expected {trial.case.expect}, found {trial.verdict.outcome}"
        lines.append(f'    <testcase {case} time="0">')
        if not trial.as_expected:
            told = xml(spelled_out("\n".join(_why(trial, 100)), keep="\n"))
            lines.append(f"      <failure message={quoteattr(message)}>{told}</failure>")
        lines.append("    </testcase>")
    return "\n".join([*lines, "  </testsuite>", "</testsuites>", ""])


def _row(trial: Trial) -> tuple[str, ...]:
    mark = "✓" if trial.as_expected else "✗"
    return mark, trial.verdict.run, trial.case.expect, trial.verdict.outcome, trial.case.why


def _why(trial: Trial, width: int) -> Iterator[str]:
    """What made a case come out otherwise."""
    if trial.as_expected:
        return
    for one in trial.differing:
        found = f"{one.found.outcome}: {one.found.reason}" if one.found else "not decided"
        yield from fold(f"{one.rule}: expected {one.expected}, found {found}", width - len(_INDENT))
    if trial.verdict.outcome != trial.case.expect:
        told = {one.rule for one in trial.differing}
        for rule in (one for one in trial.deciding if one.rule not in told):
            text = f"{rule.rule} is {rule.outcome}: {rule.reason}"
            yield from fold(text, width - len(_INDENT))
        if not trial.deciding:
            yield "every rule passes"
