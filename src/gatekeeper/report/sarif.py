"""A verdict as SARIF 2.1.0: a descriptor a rule, a result for each that did not pass."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from gatekeeper import __version__
from gatekeeper.report.advice import notices, urgent
from gatekeeper.report.annotations import fingerprint, level, message
from gatekeeper.report.outcomes import blocking
from gatekeeper.report.story import story

if TYPE_CHECKING:
    from gatekeeper.core.places import Place, Places
    from gatekeeper.model.verdict import RuleResult, Verdict

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT: Final = "SRCROOT"
"""What paths start from: the root of the repository."""
_LEVELS: Final = {"block": "error", "warn": "warning", "info": "note"}


def verdict_sarif(verdict: Verdict, places: Places) -> str:
    """The log: one run of one tool, results located where the fault most likely is."""
    order = {rule.rule: number for number, rule in enumerate(verdict.rules)}
    blocks = blocking(verdict)
    results = [
        _result(rule, verdict, places, order[rule.rule], level(rule, blocks))
        for rule in urgent(verdict)
    ]
    run = {
        "tool": {
            "driver": {
                "name": "gatekeeper",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_descriptor(rule) for rule in verdict.rules],
            }
        },
        "automationDetails": {"id": f"gatekeeper/{verdict.release_name or 'release'}/"},
        "invocations": [_invocation(verdict)],
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


def _descriptor(rule: RuleResult) -> dict[str, Any]:
    limit = "" if rule.limit is None else f" {rule.limit:g}"
    told = f"{rule.metric} {rule.test.replace('_', ' ')}{limit}"
    found: dict[str, Any] = {
        "id": rule.rule,
        "name": rule.rule,
        "shortDescription": {"text": told},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": [rule.section], "metric": rule.metric, "owner": rule.owner},
    }
    if rule.look_at:
        found["help"] = {"text": f"Look at {rule.look_at}"}
    return found


def _result(
    rule: RuleResult, verdict: Verdict, places: Places, number: int, loud: str
) -> dict[str, Any]:
    place = places.of(rule)
    whole = "\n".join(f"{name}: {text}" if name else text for name, text in story(rule, verdict))
    location: dict[str, Any] = {
        "logicalLocations": [
            {"name": rule.rule, "fullyQualifiedName": _logical(rule, place), "kind": "member"}
        ]
    }
    if place is not None:
        location["physicalLocation"] = {
            "artifactLocation": {"uri": quote(place.file, errors="replace"), "uriBaseId": ROOT},
            "region": {"startLine": place.line, "startColumn": place.column},
        }
    return {
        "ruleId": rule.rule,
        "ruleIndex": number,
        "level": _LEVELS[loud],
        "message": {"text": message(rule, verdict)},
        "locations": [location],
        "partialFingerprints": {"gatekeeperRule/v1": fingerprint(rule, verdict)},
        "properties": {
            "outcome": rule.outcome,
            "code": rule.code,
            "blocks": loud == "block",
            "suspects": list(rule.suspects),
            "told": whole,
        },
    }


def _logical(rule: RuleResult, place: Place | None) -> str:
    return place.path if place is not None and place.path else rule.rule


def _invocation(verdict: Verdict) -> dict[str, Any]:
    told = [
        {"level": "warning", "message": {"text": f"{kind}: {text}"}}
        for kind, text in notices(verdict)
    ]
    return {
        "executionSuccessful": verdict.outcome != "error",
        "endTimeUtc": f"{verdict.decided:%Y-%m-%dT%H:%M:%SZ}",
        "toolExecutionNotifications": told,
    }
