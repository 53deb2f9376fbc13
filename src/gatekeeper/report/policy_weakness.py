"""What is weak about a policy, as lines for people and as SARIF."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from gatekeeper import __version__
from gatekeeper.core.places import Place
from gatekeeper.report.markup import escape_line
from gatekeeper.report.sarif import ROOT, SCHEMA
from gatekeeper.report.sarif_rules import said
from gatekeeper.report.tables import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatekeeper.core.places import Places
    from gatekeeper.core.policy.weakness import Weakness

WIDTH: Final = 80
_INDENT: Final = " " * 9


def weakness_text(found: Sequence[Weakness], width: int = WIDTH) -> Iterator[str]:
    """A paragraph each: the rule, what is weak about it, the code, and what to write instead."""
    room = width - len(_INDENT)
    for one in found:
        first, *more = fold(f"{one.rule}: {one.text} ({one.code})", room)
        yield f"[yellow]warning[/yellow]  {escape_line(first)}"
        for line in (*more, *fold(f"instead: {one.fix}", room)):
            yield f"{_INDENT}{escape_line(line)}"


def weakness_sarif(found: Sequence[Weakness], places: Places) -> str:
    """A log of SARIF 2.1.0: a rule for each code, a result for each finding at its line."""
    codes = sorted({one.code for one in found})
    driver = {
        "name": "gatekeeper",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_descriptor(code, found) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": "gatekeeper/policy-check/"},
        "originalUriBaseIds": {ROOT: {"description": {"text": "root of the repository"}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, places, codes.index(one.code)) for one in found],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _descriptor(code: str, found: Sequence[Weakness]) -> dict[str, Any]:
    one = next(one for one in found if one.code == code)
    return {
        "id": code,
        "shortDescription": said(code.replace("-", " ")),
        "help": said(f"Instead: {one.fix}"),
        "defaultConfiguration": {"level": "warning"},
    }


def _result(one: Weakness, places: Places, number: int) -> dict[str, Any]:
    place = places.rules.get(one.rule) or places.policy or Place("gatekeeper")
    return {
        "ruleId": one.code,
        "ruleIndex": number,
        "level": "warning",
        "message": said(f"{one.rule}: {one.text}. Instead: {one.fix}"),
        "locations": [
            {
                "logicalLocations": [{"name": one.rule, "kind": "member"}],
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(place.file), "uriBaseId": ROOT},
                    "region": {"startLine": place.line, "startColumn": place.column},
                },
            }
        ],
    }
