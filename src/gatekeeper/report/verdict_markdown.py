"""A verdict for a comment on a pull request or the summary of a step in CI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.report.advice import next_steps, notices, urgent
from gatekeeper.report.markdown import cell, code, folded, plain, row
from gatekeeper.report.outcomes import (
    MARKS,
    blocking,
    distance,
    first_to_tell,
    named,
    policy_called,
    release_name,
    spoken,
    tally,
)
from gatekeeper.report.story import cause, samples_words, slice_words, story, worst_slices
from gatekeeper.report.verdict_table import cells, p_value

if TYPE_CHECKING:
    from gatekeeper.model.verdict import RuleResult, Verdict

LIMIT: Final = 62_000
"""Characters; GitHub refuses a comment of more than 65,536, and adds some of its own."""
_ROOM: Final = {"open": 15_000, "told": 18_000, "all": 15_000, "slices": 4_000, "samples": 3_000}
"""Characters for the parts; what it all rests on has the rest."""
_CLIP: Final = 600
"""Characters of one text: nobody reads more of it here."""
_SAMPLES: Final = 10
_HEADS: Final = ["", "rule", "observed", "bound", "limit", "n", "p", "detects"]


def verdict_markdown(verdict: Verdict, policy: str = "") -> str:
    """The outcome, what to do in the open, and everything else under folds.

    What would not fit into a comment is left out, and its place says where it is. `policy` is the
    file of the policy, where it is known.
    """
    parts = [
        [*_heading(verdict), *_open(verdict)],
        _next(verdict, policy),
        folded("Why, how sure, and where to look", _told(verdict)),
        folded(f"All rules: {tally(verdict.rules)}", _all(verdict)),
        folded("Slices", _slices(verdict)),
        folded("Samples that count most", _samples(verdict)),
        folded("What it rests on", _provenance(verdict)),
    ]
    return _whole(["\n".join(part) + "\n" for part in parts if part], verdict)


def _whole(parts: list[str], verdict: Verdict) -> str:
    """As many parts as fit, whole; that some do not is said at the end."""
    note = f"Too long for a comment; all of it: {code(f'gatekeeper report {verdict.run}')}\n"
    room = LIMIT - len(note)
    kept = []
    for part in parts:
        if len(part) <= room:
            kept.append(part)
            room -= len(part)
    cut = len(kept) < len(parts)
    return "".join([*kept, note] if cut else kept).rstrip("\n") + "\n"


def _heading(verdict: Verdict) -> list[str]:
    mark, _ = MARKS[verdict.outcome]
    origin = f"policy {code(policy_called(verdict))}, run {code(verdict.run)}"
    known = [f"> **{plain(kind)}** {_said(text)}  " for kind, text in notices(verdict)]
    return [
        f"### {mark} Gate: {verdict.outcome}",
        "",
        f"{_who(verdict)}, {origin}",
        "",
        *_fitting(known, "notices", verdict),
        *([""] if known else []),
    ]


def _open(verdict: Verdict) -> list[str]:
    blocks = blocking(verdict)
    lines = [_line(rule, verdict, blocks=rule.rule in blocks) for rule in urgent(verdict)]
    return [*_fitting(lines, "open", verdict), ""] if lines else []


def _next(verdict: Verdict, policy: str) -> list[str]:
    steps = [
        f"- {code(step.command)}: {plain(step.purpose)}" for step in next_steps(verdict, policy)
    ]
    return ["**Next**", "", *steps, ""] if steps else []


def _fitting(items: list[str], part: str, verdict: Verdict) -> list[str]:
    """As many items as there is room for in a part, and where the others are."""
    room = _ROOM.get(part, 3_000)
    for number, item in enumerate(items):
        room -= len(item) + 1
        if room < 0:
            whole = code(f"gatekeeper report {verdict.run}")
            return [*items[:number], "", f"{len(items) - number} more: {whole}"]
    return items


def _said(text: str) -> str:
    return plain(text if len(text) <= _CLIP else f"{text[: _CLIP - 1]}…")


def _who(verdict: Verdict) -> str:
    name = code(release_name(verdict))
    if verdict.baseline is None:
        return f"{name}, no baseline"
    return f"{name} against {code(named(verdict.baseline_name, verdict.baseline))}"


def _line(rule: RuleResult, verdict: Verdict, *, blocks: bool) -> str:
    mark, _ = MARKS[rule.outcome]
    only = "" if blocks else ", which does not block"
    fails = rule.outcome == "fail"
    why, name = (cause(rule, verdict), "Most likely") if fails else (rule.settle, "To settle it")
    line = f"- {mark} {code(rule.rule)} **{spoken(rule.outcome)}**{only}: {_said(rule.reason)}"
    return f"{line}. **{name}:** {_said(why)}" if why else line


def _told(verdict: Verdict) -> list[str]:
    """The whole story of every rule that did not pass."""
    items: list[str] = []
    for rule in first_to_tell(verdict):
        parts = [
            f"{name}: {_said(text)}" if name else _said(text) for name, text in story(rule, verdict)
        ]
        head = f"- {MARKS[rule.outcome][0]} {code(rule.rule)} {spoken(rule.outcome)}"
        if parts:
            items.append("\n  - ".join([head, *parts]))
    return _fitting(items, "told", verdict)


def _all(verdict: Verdict) -> list[str]:
    rows = []
    for rule in verdict.rules:
        detects = distance(rule.mde, rule.unit) if rule.mde is not None else ""
        shown = [*map(plain, cells(rule)), plain(p_value(rule)), plain(detects)]
        rows.append(row([MARKS[rule.outcome][0], cell(rule.rule), *shown]))
    heads = [row(_HEADS), "|---|---|---:|---:|---:|---:|---:|---:|"]
    return [*heads, *_fitting(rows, "all", verdict)]


def _slices(verdict: Verdict) -> list[str]:
    lines = [
        f"- {code(rule.rule)} by {code(rule.by)}: "
        + _said(", ".join(slice_words(one, rule) for one in worst_slices(rule)))
        for rule in first_to_tell(verdict)
        if rule.slices
    ]
    return _fitting(lines, "slices", verdict)


def _samples(verdict: Verdict) -> list[str]:
    lines = [
        f"- {code(rule.rule)}: " + _said(samples_words(rule.samples[:_SAMPLES], rule))
        for rule in urgent(verdict)
        if rule.samples
    ]
    return _fitting(lines, "samples", verdict)


def _provenance(verdict: Verdict) -> list[str]:
    facts = [
        ("release", verdict.release),
        ("baseline", verdict.baseline or ""),
        ("policy", verdict.policy),
        ("records of the run", verdict.run_digest),
        ("price book", verdict.price_book or ""),
        *((f"eval set {name}", value) for name, value in sorted(verdict.sets.items())),
        *((f"model {name}", value) for name, value in sorted(verdict.engines.items())),
        ("decided", f"{verdict.decided:%Y-%m-%d %H:%M} UTC"),
    ]
    return [f"- {plain(name)}: {code(value)}" for name, value in facts if value]
