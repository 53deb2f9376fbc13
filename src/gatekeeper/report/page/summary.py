"""The beginning of the page: the outcome, what to do about it, and what to know about it."""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from gatekeeper.report.advice import next_steps, notices, urgent
from gatekeeper.report.outcomes import (
    MARKS,
    against,
    blocking,
    policy_called,
    release_name,
    spoken,
    tally,
)
from gatekeeper.report.page.tags import Html, breakable, join, spaced, tag
from gatekeeper.report.story import story

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.model.verdict import RuleResult, Verdict


def heading(verdict: Verdict, sections: Sequence[tuple[str, str]]) -> Html:
    """What stays in sight: the outcome, about what, and the way to everything else."""
    title = join(mark(verdict.outcome), verdict.outcome.capitalize())
    links = [tag("a", name, href=f"#{anchor}") for anchor, name in sections]
    return tag(
        "header",
        tag(
            "div",
            tag("h1", title, class_=verdict.outcome),
            tag("p", f"{release_name(verdict)}{against(verdict)}"),
            tag("p", tally(verdict.rules)),
            tag("nav", spaced(*links), aria_label="Parts of this page"),
            class_="bar",
        ),
    )


def summary(verdict: Verdict, policy: str = "") -> Html:
    """Every rule that did not pass with its story, then the commands to give.

    `policy` is the file of the policy, where it is known.
    """
    told, blocks = urgent(verdict), blocking(verdict)
    origin = f"Policy {policy_called(verdict)}, run {verdict.run}, decided "
    parts = [
        tag("h2", "What to do" if told else "Every rule passes", id="summary"),
        tag("p", f"{origin}{verdict.decided:%Y-%m-%d %H:%M} UTC."),
    ]
    steps = [
        tag("li", spaced(tag("span", step.purpose), tag("code", step.command)))
        for step in next_steps(verdict, policy)
    ]
    if steps:
        parts.append(tag("ul", *steps, class_="steps"))
    if told:
        cards = [_card(rule, verdict, blocks=rule.rule in blocks) for rule in told]
        parts.append(tag("ul", *cards, class_="told"))
    known = notices(verdict)
    if known:
        pairs = [
            join(tag("dt", kind), *(tag("dd", text) for _, text in texts))
            for kind, texts in groupby(known, key=itemgetter(0))
        ]
        parts.append(tag("div", tag("dl", *pairs), class_="notices"))
    return tag("section", *parts)


def mark(outcome: str) -> Html:
    """The mark of an outcome, read out as its name."""
    return tag("span", f"{MARKS[outcome][0]} ", class_=f"mark {outcome}", aria_hidden="true")


def _card(rule: RuleResult, verdict: Verdict, *, blocks: bool) -> Html:
    pairs = [
        join(tag("dt", label), tag("dd", text)) for label, text in story(rule, verdict) if label
    ]
    said = spoken(rule.outcome) + ("" if blocks else ", does not block")
    head = tag(
        "h3",
        spaced(
            tag("span", mark(rule.outcome), tag("code", breakable(rule.rule))),
            tag("span", said, class_=f"tag {rule.outcome}"),
        ),
    )
    return tag("li", head, tag("p", rule.reason), tag("dl", *pairs), class_=rule.outcome)
