"""A verdict as annotations: GitHub's workflow commands, and GitLab's code quality."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from gatekeeper.report.advice import urgent
from gatekeeper.report.columns import cut
from gatekeeper.report.markup import spelled_out
from gatekeeper.report.outcomes import blocking, release_name, spoken, tally
from gatekeeper.report.story import cause

if TYPE_CHECKING:
    from gatekeeper.core.places import Place, Places
    from gatekeeper.model.verdict import RuleResult, Verdict

LONGEST: Final = 10_000
"""Characters of a message: nobody reads more beside a line, and platforms drop far longer ones."""
_COMMANDS: Final = {"block": "error", "warn": "warning", "info": "notice"}
_DATA: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY: Final = {**_DATA, ":": "%3A", ",": "%2C"}


def level(rule: RuleResult, blocks: frozenset[str]) -> str:
    """How loud a rule that did not pass is told: as its severity, and no louder than it acts."""
    if rule.severity == "block" and rule.rule not in blocks:
        return "warn"
    return rule.severity


def message(rule: RuleResult, verdict: Verdict) -> str:
    """What was found, and what most likely did it or would settle it."""
    parts = [f"{spoken(rule.outcome)}: {rule.reason}"]
    if rule.outcome == "fail" and (why := cause(rule, verdict)):
        parts.append(f"most likely: {why}")
    if rule.settle:
        parts.append(f"to settle it: {rule.settle}")
    if rule.look_at:
        parts.append(f"look at: {rule.look_at}")
    return cut(spelled_out("\n".join(parts), keep="\r\n"), LONGEST)


def fingerprint(rule: RuleResult, verdict: Verdict) -> str:
    """The same for the same rule of the same release name in every run, whatever was found."""
    name = verdict.release_name or verdict.release
    return hashlib.sha256(f"{name}\n{rule.rule}".encode("utf-8", "surrogatepass")).hexdigest()


def verdict_github(verdict: Verdict, places: Places) -> str:
    """A workflow command for each rule that did not pass, what blocks first, and one for the whole.

    GitHub shows ten errors and ten warnings of a step.
    """
    blocks = blocking(verdict)
    lines = [
        _command(_COMMANDS[level(rule, blocks)], rule.rule, message(rule, verdict), places.of(rule))
        for rule in urgent(verdict)
    ]
    title = f"Gate: {verdict.outcome}"
    whole = f"{release_name(verdict)}: {tally(verdict.rules)}; run {verdict.run}"
    return "\n".join([*lines, _command("notice", title, whole, None), ""])


def verdict_gitlab(verdict: Verdict, places: Places) -> str:
    """A finding for each rule that did not pass, as GitLab's code quality widget reads them."""
    blocks = blocking(verdict)
    found = []
    for rule in urgent(verdict):
        place = places.of(rule)
        found.append(
            {
                "description": f"{rule.rule} {message(rule, verdict)}".replace("\n", "; "),
                "check_name": rule.rule,
                "fingerprint": fingerprint(rule, verdict),
                "severity": _severity(rule, level(rule, blocks)),
                "location": {
                    "path": place.file if place else "gatekeeper",
                    "lines": {"begin": place.line if place else 1},
                },
            }
        )
    return json.dumps(found, indent=2, ensure_ascii=True) + "\n"


def _severity(rule: RuleResult, loud: str) -> str:
    if loud == "block":
        return "blocker" if rule.outcome == "fail" else "critical"
    return "minor" if loud == "warn" else "info"


def _command(kind: str, title: str, text: str, place: Place | None) -> str:
    where = (
        f"file={_escaped(place.file, _PROPERTY)},line={place.line},col={place.column},"
        if place
        else ""
    )
    told = _escaped(spelled_out(text, keep="\r\n"), _DATA)
    return f"::{kind} {where}title={_escaped(title, _PROPERTY)}::{told}"


def _escaped(text: str, codes: dict[str, str]) -> str:
    return "".join(codes.get(one, one) for one in text)
