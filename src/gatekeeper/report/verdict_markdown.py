"""A verdict for a comment on a pull request or the summary of a step in CI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.report.markdown import code, folded, plain, row
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
from gatekeeper.report.story import (
    cause,
    next_steps,
    notices,
    sample_words,
    slice_words,
    story,
    urgent,
    worst_slices,
)
from gatekeeper.report.verdict import cells, p_value

if TYPE_CHECKING:
    from gatekeeper.model.verdict import RuleResult, Verdict

LIMIT: Final = 60_000
"""Characters; GitHub refuses a comment of more than 65,536, and adds some of its own."""
_OPEN: Final = 20
"""Rules that are told in the open."""
_SAMPLES: Final = 10
_HEADS: Final = ["", "rule", "observed", "bound", "limit", "n", "p", "detects"]


def verdict_markdown(verdict: Verdict) -> str:
    """The outcome, what to do in the open, and everything else under folds.

    What would not fit into a comment is left out, and the last line says so.
    """
    parts = [_open(verdict), _told(verdict), _all(verdict), _slices(verdict), _samples(verdict)]
    text, left_out = "", False
    for lines in (*parts, _provenance(verdict)):
        block = "\n".join(lines) + "\n" if lines else ""
        if len(text) + len(block) > LIMIT:
            left_out = True
        else:
            text += block
    if left_out:
        text += (
            f"\nMore than fits here: {code(f'gatekeeper report {verdict.run}')} shows all of it.\n"
        )
    return text


def _open(verdict: Verdict) -> list[str]:
    mark, _ = MARKS[verdict.outcome]
    told, steps = urgent(verdict), next_steps(verdict)
    origin = f"policy {code(policy_called(verdict))}, run {code(verdict.run)}"
    lines = [
        f"### {mark} Gate: {verdict.outcome}",
        "",
        f"{_who(verdict)}, {origin}",
        "",
        *(f"> **{plain(kind)}** {plain(text)}  " for kind, text in notices(verdict)),
    ]
    if lines[-1]:
        lines.append("")
    blocks = blocking(verdict)
    lines += [_line(rule, verdict, blocks=rule.rule in blocks) for rule in told[:_OPEN]]
    if len(told) > _OPEN:
        lines.append(f"- and {len(told) - _OPEN} more, below")
    if steps:
        lines += ["", "**Next**", ""]
        lines += [f"- {code(step.command)}: {plain(step.purpose)}" for step in steps]
    return [*lines, ""]


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
    line = f"- {mark} {code(rule.rule)} **{spoken(rule.outcome)}**{only}: {plain(rule.reason)}"
    return f"{line}. **{name}:** {plain(why)}" if why else line


def _told(verdict: Verdict) -> list[str]:
    """The whole story of every rule that did not pass."""
    lines: list[str] = []
    for rule in first_to_tell(verdict):
        parts = story(rule, verdict)
        if parts:
            lines += [f"- {MARKS[rule.outcome][0]} {code(rule.rule)} {spoken(rule.outcome)}"]
            lines += [
                f"  - {name}: {plain(text)}" if name else f"  - {plain(text)}"
                for name, text in parts
            ]
    return folded("Why, how sure, and where to look", lines)


def _all(verdict: Verdict) -> list[str]:
    lines = [row(_HEADS), "|---|---|---:|---:|---:|---:|---:|---:|"]
    for rule in verdict.rules:
        detects = distance(rule.mde, rule.unit) if rule.mde is not None else ""
        shown = [*map(plain, cells(rule)), plain(p_value(rule)), plain(detects)]
        lines.append(row([MARKS[rule.outcome][0], code(rule.rule), *shown]))
    return folded(f"All rules: {tally(verdict.rules)}", lines)


def _slices(verdict: Verdict) -> list[str]:
    rules = [rule for rule in first_to_tell(verdict) if rule.slices]
    lines = [
        f"- {code(rule.rule)} by {code(rule.by)}: "
        + plain(", ".join(slice_words(one, rule) for one in worst_slices(rule)))
        for rule in rules
    ]
    return folded("Slices", lines)


def _samples(verdict: Verdict) -> list[str]:
    lines = [
        f"- {code(rule.rule)}: "
        + plain(", ".join(sample_words(one, rule) for one in rule.samples[:_SAMPLES]))
        for rule in urgent(verdict)
        if rule.samples
    ]
    return folded("Samples that count most", lines)


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
    return folded(
        "What it rests on", [f"- {plain(name)}: {code(value)}" for name, value in facts if value]
    )
