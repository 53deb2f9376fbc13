"""How a policy has done: what its rules decided, what was overridden, and what came of it.

A rule that never decides, that is passed over again and again, or that passes releases which are
then rolled back, is not the rule that somebody meant.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING, Final

from gatekeeper.core.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from gatekeeper.model.ledger import LedgerEntry
    from gatekeeper.model.verdict import RuleOutcome, RuleResult, Verdict

WITHIN: Final = timedelta(days=14)
"""A rollback so soon after a promotion says something of the verdict that it rested on."""
FEW: Final = 2
"""From so many times on, something is a habit."""
_RUN: Final = "run"


@dataclass(frozen=True, slots=True)
class Promotion:
    """A release that became stable, on which verdict, and whether it stayed.

    Attributes:
        rolled_back: When it was, where that was soon; None where it stayed.
    """

    environment: str
    entry: LedgerEntry
    verdict: Verdict
    rolled_back: datetime | None = None


@dataclass(frozen=True, slots=True)
class Online:
    """What production says of a rule's metric."""

    estimate: float
    low: float | None
    high: float | None
    n: int
    met: bool | None
    """Whether the rule's limit is met there; None where it is relative."""


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """One rule over time.

    Attributes:
        outcomes: How often each came out.
        overridden: Promotions although it did not pass.
        margins: How far estimates were on the good side of the limit, in its unit.
        promoted: Promotions that it passed.
        rolled_back: Those of them that were rolled back soon.
    """

    rule: str
    unit: str = ""
    outcomes: Mapping[RuleOutcome, int] = field(default_factory=dict)
    overridden: int = 0
    margins: tuple[float, ...] = ()
    promoted: int = 0
    rolled_back: int = 0
    online: Online | None = None

    @property
    def decided(self) -> int:
        """How often it was asked."""
        return sum(self.outcomes.values())

    @property
    def closest(self) -> float | None:
        """The margin that was nearest to the limit."""
        return min(self.margins, key=abs, default=None)

    @property
    def middle(self) -> float | None:
        """The margin in the middle."""
        return median(self.margins) if self.margins else None

    def findings(self) -> Iterator[str]:
        """What somebody who reviews the policy should look at."""
        open_ = self.outcomes.get("inconclusive", 0)
        if open_ >= FEW and open_ * 2 > self.decided:
            yield (
                f"was inconclusive {open_} of {self.decided} times: more samples, or another limit"
            )
        errors = self.outcomes.get("error", 0)
        if errors >= FEW and errors * 2 > self.decided:
            yield f"was an error {errors} of {self.decided} times: nothing measures it"
        if self.overridden:
            count = counted(self.overridden, "promotion")
            yield f"was overridden in {count}: what did the release do then?"
        if self.rolled_back:
            yield (
                f"passed {self.rolled_back} of {self.promoted} promotions that were rolled back"
                " soon after"
            )
        if self.online is not None and self.online.met is False:
            yield "passed before, and its limit is not met by what was served"


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """Everything that was decided in a time, rule by rule."""

    verdicts: int
    policies: Mapping[str, str]
    """Names by digest."""
    promotions: tuple[Promotion, ...]
    rules: tuple[RuleRecord, ...]


def promotions(
    environment: str,
    entries: Sequence[LedgerEntry],
    verdicts: Mapping[str, Verdict],
    within: timedelta = WITHIN,
) -> tuple[Promotion, ...]:
    """The promotions of a ledger whose verdicts are known, each with what came of it.

    Args:
        environment: Whose ledger it is.
        entries: In their order.
        verdicts: By the digests of their statements.
        within: How soon a rollback has to follow to count.
    """
    found = []
    for place, entry in enumerate(entries):
        verdict = verdicts.get(entry.relied_on.verdict or "")
        if entry.action == "promote" and verdict is not None:
            after = entries[place + 1] if place + 1 < len(entries) else None
            gone = after if after and after.action == "rollback" else None
            soon = gone.time if gone and gone.time - entry.time <= within else None
            found.append(Promotion(environment, entry, verdict, soon))
    return tuple(found)


def policy_report(
    verdicts: Sequence[Verdict], promoted: Sequence[Promotion], online: Mapping[str, Online]
) -> PolicyReport:
    """What rules decided, and what came of it.

    Args:
        verdicts: All of the time, oldest first.
        promoted: Promotions of the time.
        online: What production says, by rule.
    """
    records: dict[str, RuleRecord] = {}
    for verdict in verdicts:
        for result in verdict.rules:
            if result.section != _RUN:
                before = records.get(result.rule, RuleRecord(result.rule))
                records[result.rule] = _decided(before, result)
    for promotion in promoted:
        for result in promotion.verdict.rules:
            if result.rule in records:
                records[result.rule] = _promoted(records[result.rule], result, promotion)
    rules = [replace(one, online=online.get(one.rule)) for one in records.values()]
    names = {one.policy: one.policy_name for one in verdicts}
    return PolicyReport(len(verdicts), names, tuple(promoted), tuple(rules))


def _decided(record: RuleRecord, result: RuleResult) -> RuleRecord:
    outcomes = dict(record.outcomes)
    outcomes[result.outcome] = outcomes.get(result.outcome, 0) + 1
    margin = _margin(result)
    margins = record.margins if margin is None else (*record.margins, margin)
    return replace(record, unit=result.unit or record.unit, outcomes=outcomes, margins=margins)


def _promoted(record: RuleRecord, result: RuleResult, promotion: Promotion) -> RuleRecord:
    if result.outcome == "not_applicable":
        return record
    if result.outcome != "pass":
        return replace(record, overridden=record.overridden + 1)
    gone = promotion.rolled_back is not None
    return replace(record, promoted=record.promoted + 1, rolled_back=record.rolled_back + int(gone))


def _margin(result: RuleResult) -> float | None:
    """How far an estimate is on the good side; verdicts of older versions do not say it."""
    if result.margin is not None:
        return result.margin
    if result.estimate is None or result.limit is None or result.test == "census":
        return None
    distance = result.limit - result.estimate
    return distance if result.test.startswith("max") else -distance
