"""A verdict as JUnit XML: a suite a section, a case a rule, as Jenkins and GitLab read it."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from gatekeeper.report.advice import notices
from gatekeeper.report.markup import spelled_out
from gatekeeper.report.outcomes import blocking, release_name, spoken
from gatekeeper.report.story import story

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gatekeeper.core.review import Judged
    from gatekeeper.model.verdict import RuleResult, Verdict

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no place for, escaped or not."""
_ATTACHING: Final = ("[[ATTACHMENT", "[ [ATTACHMENT")
"""Jenkins and GitLab would take what follows for a file to keep with the report."""
_COUNTED: Final = {"failure": "failures", "error": "errors"}
"""The root element has no place for those that were skipped."""


def verdict_junit(verdict: Verdict) -> str:
    """The document, with the digests that the verdict rests on as properties of each suite.

    A rule that fails is a failure; one that could not be decided is an error; one that was skipped,
    does not apply or only informs is skipped. What does not block passes, and says what it found.
    """
    blocks = blocking(verdict)
    kinds = {rule.rule: _kind(rule, blocks) for rule in verdict.rules}
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    counts = _counts(kinds.values(), _COUNTED)
    lines.append(f"<testsuites{_named(f'gate {release_name(verdict)}')}{counts}>")
    for number, (section, members) in enumerate(groupby(verdict.rules, lambda rule: rule.section)):
        rules = list(members)
        found = [kinds[rule.rule] for rule in rules]
        when = f' timestamp="{verdict.decided:%Y-%m-%dT%H:%M:%S}"'
        counts = _counts(found, {**_COUNTED, "skipped": "skipped"})
        lines.append(f'  <testsuite{_named(section)} id="{number}"{counts}{when}>')
        lines += _properties(verdict)
        for rule in rules:
            lines += _case(rule, verdict, kinds[rule.rule])
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>", ""])


def unjudged_junit(one: Judged) -> str:
    """A manifest that never got a verdict, for tools that count tests."""
    name, what = _quoted(one.manifest), _quoted(one.error.partition("\n")[0])
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<testsuites name="gatekeeper" tests="1" failures="0" errors="1">\n'
        f'  <testsuite name={name} tests="1" failures="0" errors="1" skipped="0">\n'
        f'    <testcase name="verdict" classname={name}>\n'
        f"      <error message={what}>{_text(one.error)}</error>\n"
        "    </testcase>\n  </testsuite>\n</testsuites>\n"
    )


def _kind(rule: RuleResult, blocks: frozenset[str]) -> str:
    """The element that tells the outcome; empty for a case that passes."""
    if rule.outcome in {"skipped", "not_applicable"} or rule.severity == "info":
        return "skipped"
    if rule.rule not in blocks:
        return ""
    return "failure" if rule.outcome == "fail" else "error"


def _case(rule: RuleResult, verdict: Verdict, kind: str) -> Iterator[str]:
    yield f'    <testcase{_named(rule.rule)} classname={_quoted(_class(rule))} time="0">'
    told = "\n".join(
        spelled_out(f"{name}: {text}" if name else text, "\u00a0")
        for name, text in story(rule, verdict)
    )
    if kind == "skipped":
        why = _why_skipped(rule)
        yield f"      <skipped message={_quoted(why)}>{_text(why)}</skipped>"
    elif kind:
        facts = f"message={_quoted(rule.reason)} type={_quoted(rule.code)}"
        yield f"      <{kind} {facts}>{_text(told)}</{kind}>"
    elif rule.outcome == "pass":
        yield f"      <system-out>{_text(rule.reason)}</system-out>"
    else:
        said = f"{spoken(rule.outcome)}, which does not block: {rule.reason}\n{told}"
        yield f"      <system-out>{_text(said)}</system-out>"
    yield "    </testcase>"


def _class(rule: RuleResult) -> str:
    return f"gatekeeper.{rule.section}"


def _why_skipped(rule: RuleResult) -> str:
    if rule.skip is not None:
        return f"skipped by {rule.skip.by}: {rule.skip.reason}"
    if rule.severity == "info" and rule.outcome != "not_applicable":
        return f"informs only: {spoken(rule.outcome)}, {rule.reason}"
    return rule.reason


def _properties(verdict: Verdict) -> Iterator[str]:
    facts = [
        ("outcome", verdict.outcome),
        ("release", verdict.release),
        ("baseline", verdict.baseline or ""),
        ("run", verdict.run),
        ("run_digest", verdict.run_digest),
        ("policy", verdict.policy),
        ("policy_name", verdict.policy_name),
        ("price_book", verdict.price_book or ""),
        *((f"set.{name}", value) for name, value in sorted(verdict.sets.items())),
        *((f"engine.{name}", value) for name, value in sorted(verdict.engines.items())),
        *(
            (f"notice.{number}", f"{kind}: {text}")
            for number, (kind, text) in enumerate(notices(verdict))
        ),
    ]
    yield "    <properties>"
    for name, value in facts:
        if value:
            yield f"      <property{_named(name)} value={_quoted(value)}/>"
    yield "    </properties>"


def _counts(kinds: Iterable[str], counted: Mapping[str, str]) -> str:
    found = Counter(kinds)
    counts = {"tests": found.total()} | {plural: found[kind] for kind, plural in counted.items()}
    return "".join(f' {name}="{count}"' for name, count in counts.items()) + ' time="0"'


def _named(name: str) -> str:
    return f" name={_quoted(name)}"


def _quoted(text: str) -> str:
    return quoteattr(_allowed(text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _text(text: str) -> str:
    return escape(_allowed(text), {"\r": "&#13;"})


def _allowed(text: str) -> str:
    return spelled_out(_FORBIDDEN.sub("", text), keep="\t\n\r\u00a0").replace(*_ATTACHING)
