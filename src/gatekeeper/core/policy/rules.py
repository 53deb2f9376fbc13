"""One line of a policy into one rule, or every reason why it is none."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from gatekeeper.core.metrics.catalogue import ALIASES, COMPOSITES, EVIDENCE, METRICS, SEEN
from gatekeeper.core.policy.contradictions import Placed, clashes
from gatekeeper.core.policy.fitness import RESAMPLED, faults, is_census
from gatekeeper.model.policy import Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.core.metrics.metric import Metric
    from gatekeeper.errors import Problem
    from gatekeeper.model.policy import PolicyDefaults, RuleSpec, Test

KeyPath = tuple[str | int, ...]
SUPPLY_CHAIN: Final = "supply_chain"
FINDINGS: Final = frozenset({"unresolved_high_severity_findings", SEEN})
"""Evidence that is bad where it is true; all other evidence is good where it is true."""
MUST_PASS: Final = "must_pass"
_ACCEPTED: Final = "a metric, or evidence under `require` and `deny_if`"
_OWN: Final = {
    "alpha",
    "exposures",
    "severity",
    "by",
    "slices",
    "min_effect",
    "detect",
    "method",
    "calibration",
    "on_missing",
    "on_inconclusive",
    "skippable",
}
"""What the long form of a rule says about it beside its metric and its limit."""


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
        path: Where it stands; of a long form, where its metric does.
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
    owner: str = ""

    @property
    def name(self) -> str:
        """How the rule is called in its section."""
        if self.spec and self.spec.name:
            return self.spec.name
        slices = f"_by_{self.spec.by}" if self.spec and self.spec.by else ""
        return f"{self.word}_{self.test}{slices}" if self.test else self.word

    def at(self, key: str) -> KeyPath:
        """Where a key of the line stands; "" is its limit."""
        return (*self.path[:-1], key or str(self.test)) if self.spec else self.path


@dataclass
class Rules:
    """Rules made so far, and problems met.

    Attributes:
        metrics: Every metric that a line may name.
        owner: Who answers for rules whose section names nobody.
    """

    locate: Locate
    defaults: PolicyDefaults
    metrics: Mapping[str, Metric] = field(default_factory=lambda: METRICS)
    owner: str = ""
    placed: list[Placed] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def made(self) -> tuple[Rule, ...]:
        """The rules, in the order of their lines."""
        return tuple(one.rule for one in self.placed)

    def refuse(self, path: KeyPath, message: str, accepted: str = "", nearest: str = "") -> None:
        """Note a problem."""
        self.problems.append(self.locate(path, message, accepted, nearest))

    def add(self, line: Line) -> None:
        """The rule of a metric line."""
        metric = self.metrics.get(ALIASES.get(line.word, (line.word, ""))[0])
        if metric is None:
            self._unknown(line)
            return
        found = list(faults(line, metric))
        for key, message, accepted in found:
            self.refuse(line.at(key), message, accepted)
        if not found:
            self._keep(line, **_metric_rule(line, metric))

    def flag(self, line: Line, *, wanted: bool) -> None:
        """The rule of a bare word that has to be true, or has to be false."""
        if line.word not in {*self.metrics, *ALIASES, *EVIDENCE, *COMPOSITES}:
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

    def demand(self, line: Line, samples: tuple[str, ...]) -> None:
        """The rule that some samples pass in every replicate."""
        for number, sample in enumerate(samples):
            if sample in samples[:number]:
                self.refuse((*line.path, number), f"{sample!r} is there twice", "each sample once")
        self._keep(line, section=line.section, metric=MUST_PASS, test=MUST_PASS, samples=samples)

    def compare(self) -> None:
        """Note the rules that do not go together."""
        for clash in clashes(self.placed):
            first = self.locate(clash.first.path, "")
            place = f"on line {first.line}" if first.line else f"at {first.path}"
            self.refuse(clash.second.path, f"{clash.message}, {place}", clash.accepted)

    def _keep(self, line: Line, **rule: object) -> None:
        name = f"{rule['section']}.{line.name}"
        if any(other.name == name for other in self.made):
            self.refuse(line.path, f"the rule {name} is there twice", "each rule once")
            return
        written = line.spec.model_dump(include=_OWN, exclude_none=True) if line.spec else {}
        given = self.defaults.model_dump(include=_OWN - {"method"})
        made = Rule.model_validate(
            {"name": name, "owner": line.owner or self.owner, **given, **written, **rule}
        )
        metric = self.metrics.get(made.metric)
        if made.method is None and metric is not None and metric.kind in RESAMPLED:
            made = made.model_copy(update={"method": self.defaults.method})
        self.placed.append(Placed(made, line.at("")))

    def _unknown(self, line: Line) -> None:
        known = [*self.metrics, *ALIASES, *EVIDENCE, *COMPOSITES]
        near = difflib.get_close_matches(line.word, known, 3)
        more = f"; also near: {', '.join(near[1:])}" if near[1:] else ""
        self.refuse(
            line.path,
            f"there is no metric {line.word!r}",
            _ACCEPTED + more,
            near[0] if near else "",
        )


def _good(word: str) -> bool:
    return word in COMPOSITES or (word in EVIDENCE and word not in FINDINGS)


def _metric_rule(line: Line, metric: Metric) -> dict[str, object]:
    """Metric, test and limit; a limit of zero on a share or a count is a census."""
    rule: dict[str, object] = {"section": line.section or metric.section, "metric": metric.name}
    if line.word in ALIASES:
        return rule | {"test": ALIASES[line.word][1], "limit": line.limit}
    if is_census(line, metric):
        return rule | {"test": "census", "limit": 0.0}
    return rule | {"test": line.test, "limit": line.limit}
