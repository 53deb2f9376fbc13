"""One line of a policy into one rule, or the reason why it is none."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from gatekeeper.core.catalogue import ALIASES, COMPOSITES, EVIDENCE, METRICS, SEEN
from gatekeeper.core.measure import RELATIVE
from gatekeeper.model.policy import Rule

if TYPE_CHECKING:
    from gatekeeper.core.catalogue import Metric
    from gatekeeper.errors import Problem
    from gatekeeper.model.policy import PolicyDefaults, RuleSpec, Test

KeyPath = tuple[str | int, ...]
SUPPLY_CHAIN: Final = "supply_chain"
FINDINGS: Final = frozenset({"unresolved_high_severity_findings", SEEN})
"""Evidence that is bad where it is true; all other evidence is good where it is true."""
_ACCEPTED: Final = "a metric, or evidence under `require` and `deny_if`"


class Locate(Protocol):
    """Makes a problem with the value at a key path, at its line and column where known."""

    def __call__(
        self, key_path: KeyPath, message: str, accepted: str = "", nearest: str = "", /
    ) -> Problem:
        """The problem."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """What a line of a policy says, before anything is known of it.

    Attributes:
        path: Where it stands.
        section: The section it stands in, or "" where the metric decides.
        word: A metric, another name for one, or a piece of evidence.
        test: How the limit bounds it; None for a bare word.
        spec: The long form, where it was written so.
    """

    path: KeyPath
    section: str
    word: str
    test: Test | None
    limit: float = 0.0
    spec: RuleSpec | None = None


@dataclass
class Rules:
    """Rules made so far, and problems met."""

    locate: Locate
    defaults: PolicyDefaults
    made: list[Rule] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, path: KeyPath, message: str, accepted: str = "", nearest: str = "") -> None:
        """Note a problem."""
        self.problems.append(self.locate(path, message, accepted, nearest))

    def add(self, line: Line) -> None:
        """The rule of a metric line."""
        metric = METRICS.get(ALIASES.get(line.word, (line.word, ""))[0])
        if metric is None:
            self._unknown(line)
        elif (message := _unfit(line, metric)) is not None:
            self.refuse(line.path, *message)
        else:
            self._keep(line, **_metric_rule(line, metric))

    def flag(self, line: Line, *, wanted: bool) -> None:
        """The rule of a bare word that has to be true, or has to be false."""
        if line.word not in {*METRICS, *ALIASES, *EVIDENCE, *COMPOSITES}:
            self._unknown(line)
        elif wanted is not _good(line.word):
            message = f"{line.word!r} is {'good' if _good(line.word) else 'bad'} where it is true"
            self.refuse(line.path, message, "the word under the other list")
        elif line.word in COMPOSITES:
            section = COMPOSITES[line.word][0]
            self._keep(line, section=section, metric=line.word, test="all_pass")
        elif line.word in EVIDENCE:
            self._keep(line, section=SUPPLY_CHAIN, metric=line.word, test="evidence")
        else:
            self.add(line)

    def _keep(self, line: Line, **rule: object) -> None:
        section = str(rule["section"])
        suffix = f"_{line.test}" if line.test else ""
        name = line.spec.name if line.spec and line.spec.name else f"{line.word}{suffix}"
        if any(other.name == f"{section}.{name}" for other in self.made):
            self.refuse(line.path, f"the rule {section}.{name} is there twice", "each rule once")
            return
        own = {"alpha", "exposures", "severity"}
        written = line.spec.model_dump(include=own, exclude_none=True) if line.spec else {}
        given = self.defaults.model_dump(include=own) | written
        self.made.append(Rule.model_validate({"name": f"{section}.{name}", **given, **rule}))

    def _unknown(self, line: Line) -> None:
        known = [*METRICS, *ALIASES, *EVIDENCE, *COMPOSITES]
        near = difflib.get_close_matches(line.word, known, 1)
        self.refuse(
            line.path, f"there is no metric {line.word!r}", _ACCEPTED, near[0] if near else ""
        )


def _good(word: str) -> bool:
    return word in COMPOSITES or (word in EVIDENCE and word not in FINDINGS)


def _unfit(line: Line, metric: Metric) -> tuple[str, str] | None:
    """Why a limit cannot be on a metric, and what can."""
    if line.word in ALIASES and line.test != "max":
        return f"{line.word!r} takes an upper limit", f"{line.word} <= number"
    if metric.kind == "census" and (line.test not in {None, "max"} or line.limit != 0):
        return f"{line.word!r} counts what must not occur", f"{line.word}: 0"
    if line.test is None and metric.kind != "census":
        return f"nothing says how {line.word!r} is limited", f"{line.word}_min or {line.word}_max"
    return _unfit_rate(line) if metric.kind == "proportion" else None


def _unfit_rate(line: Line) -> tuple[str, str] | None:
    lowest = -1.0 if line.test in RELATIVE else 0.0
    if not lowest <= line.limit <= 1:
        return f"{line.limit:g} is no limit of a rate", f"{lowest:g} to 1"
    if line.test == "min" and line.limit == 1:
        return "no sample can show a rate of 1", "a limit below 1, such as 0.99"
    return None


def _metric_rule(line: Line, metric: Metric) -> dict[str, object]:
    """Metric, test and limit; a limit of zero on a share or a count is a census."""
    rule: dict[str, object] = {"section": line.section or metric.section, "metric": metric.name}
    if line.word in ALIASES:
        return rule | {"test": ALIASES[line.word][1], "limit": line.limit}
    zero = metric.kind == "proportion" and line.test == "max" and line.limit == 0
    if metric.kind == "census" or zero:
        return rule | {"test": "census", "limit": 0.0}
    return rule | {"test": line.test, "limit": line.limit}
