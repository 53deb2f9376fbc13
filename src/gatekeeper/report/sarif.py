"""A verdict as SARIF 2.1.0: a descriptor a rule, a result for each that did not pass."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from gatekeeper import __version__
from gatekeeper.core.places import Place
from gatekeeper.core.wording import counted
from gatekeeper.report.advice import notices, urgent
from gatekeeper.report.annotations import LONGEST, fingerprint, level, message
from gatekeeper.report.outcomes import blocking
from gatekeeper.report.sarif_rules import LEVELS, descriptor, said
from gatekeeper.report.story import story

if TYPE_CHECKING:
    from gatekeeper.core.places import Places
    from gatekeeper.model.verdict import RuleResult, Verdict

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT: Final = "SRCROOT"
"""What paths start from: the root of the repository."""
MOST: Final = 5000
"""Results: code scanning keeps no more of a run, and refuses one of more than 25,000."""
_NOWHERE: Final = Place("gatekeeper")
"""Where no file is known: code scanning refuses a log with a result that is nowhere."""


def verdict_sarif(verdict: Verdict, places: Places) -> str:
    """The log: one run of one tool, results located where the fault most likely is."""
    order = {rule.rule: number for number, rule in enumerate(verdict.rules)}
    blocks, told = blocking(verdict), urgent(verdict)
    results = [
        _result(rule, verdict, places, order[rule.rule], level(rule, blocks))
        for rule in told[:MOST]
    ]
    run = {
        "tool": {
            "driver": {
                "name": "gatekeeper",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [descriptor(rule) for rule in verdict.rules],
            }
        },
        "automationDetails": {"id": f"gatekeeper/{verdict.release_name or 'release'}/"},
        "invocations": [_invocation(verdict, len(told) - len(results))],
        "originalUriBaseIds": {ROOT: {"description": {"text": "root of the repository"}}},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {
            "outcome": verdict.outcome,
            "release": verdict.release,
            "baseline": verdict.baseline,
            "run": verdict.run,
            "runDigest": verdict.run_digest,
            "policy": verdict.policy,
        },
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=True) + "\n"


def _result(
    rule: RuleResult, verdict: Verdict, places: Places, number: int, loud: str
) -> dict[str, Any]:
    place = places.of(rule) or _NOWHERE
    whole = "\n".join(f"{name}: {text}" if name else text for name, text in story(rule, verdict))
    artifact = {"uri": quote(place.file, errors="replace"), "uriBaseId": ROOT}
    logical = {"name": rule.rule, "fullyQualifiedName": place.path or rule.rule, "kind": "member"}
    return {
        "ruleId": rule.rule,
        "ruleIndex": number,
        "level": LEVELS[loud],
        "message": said(message(rule, verdict), LONGEST),
        "locations": [
            {
                "logicalLocations": [logical],
                "physicalLocation": {
                    "artifactLocation": artifact,
                    "region": {"startLine": place.line, "startColumn": place.column},
                },
            }
        ],
        "partialFingerprints": {"gatekeeperRule/v1": fingerprint(rule, verdict)},
        "properties": {
            "outcome": rule.outcome,
            "code": rule.code,
            "blocks": loud == "block",
            "suspects": list(rule.suspects),
            "told": whole,
        },
    }


def _invocation(verdict: Verdict, left_out: int) -> dict[str, Any]:
    told = [f"{kind}: {text}" for kind, text in notices(verdict)]
    if left_out:
        more = counted(left_out, "more rule")
        told.append(f"{more} did not pass; gatekeeper report {verdict.run} has them all")
    return {
        "executionSuccessful": verdict.outcome != "error",
        "endTimeUtc": f"{verdict.decided:%Y-%m-%dT%H:%M:%SZ}",
        "toolExecutionNotifications": [
            {"level": "warning", "message": said(one, LONGEST)} for one in told
        ],
    }
