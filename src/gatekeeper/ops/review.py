"""One manifest of a change: build it, build what it replaces, compare them, evaluate, gate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from gatekeeper.core.refs import RefKind, parse_ref
from gatekeeper.core.review import Answer, Judged
from gatekeeper.errors import GatekeeperError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatekeeper.core.affected import Touched

NO_BASELINE: Final = "none"
"""What a person writes who wants no comparison."""
REPORTS: Final = {
    "text": "verdict.txt",
    "json": "verdict.json",
    "markdown": "verdict.md",
    "junit": "junit.xml",
    "sarif": "verdict.sarif",
    "html": "verdict.html",
}
"""What every verdict is written as, and where."""


class Verbs(Protocol):
    """Verbs of gatekeeper on one project, each in a process of its own."""

    def run(self, *words: str) -> Answer:
        """The answer of one verb."""
        ...

    def text(self, *words: str) -> str:
        """What one verb says to people; empty where it came to no result."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What holds for every manifest of a change.

    Attributes:
        base: The commit that the change is against; empty where nobody said.
        before: Manifests that were there at that commit.
        baseline: What a person named to compare with: a reference, or `NO_BASELINE`.
        serves: The release that the environment serves, where it serves one.
        environment: Its name.
        options: Further words for `evaluate`.
        annotations: Further reports, as `evaluate --report` takes them; ``{}`` is the directory.
        reports: Where reports go, one directory a manifest.
    """

    base: str
    before: frozenset[str]
    baseline: str | None
    serves: str | None
    environment: str
    options: tuple[str, ...]
    annotations: tuple[str, ...]
    reports: Path


class StepError(GatekeeperError):
    """A verb came to no result, so nothing after it was done."""

    code = "step"

    def __init__(self, answer: Answer, what: str) -> None:
        self.answer = answer
        super().__init__(f"{what}: {answer.error}")


def judge(one: Touched, name: str, plan: Plan, verbs: Verbs) -> Judged:
    """One manifest, as far as it comes; what stops it is in the result.

    Args:
        one: The manifest.
        name: Of its directory of reports.
        plan: What holds for all.
        verbs: The project.
    """
    began = Judged(one.manifest, one.because, reports=name)
    try:
        baseline, compared = _baseline(one.manifest, plan, verbs)
        built = _must(verbs.run("build", one.manifest), "it cannot be built")
    except StepError as error:
        return replace(began, exit=error.answer.code, error=error.what)
    release = str(built["digest"])
    if baseline == release:
        same = f"nothing: this is the same release as {compared}, and only what judges it changed"
        baseline, compared = "", same
    known = replace(began, release=release, baseline=baseline, compared=compared)
    return _evaluate(replace(known, difference=_difference(known, verbs)), plan, verbs)


def _baseline(manifest: str, plan: Plan, verbs: Verbs) -> tuple[str, str]:
    """What to compare with, and where it comes from."""
    if plan.baseline == NO_BASELINE:
        return "", "nothing, as it was asked for"
    if plan.baseline is not None:
        if parse_ref(plan.baseline).kind is not RefKind.manifest:
            return plan.baseline, f"{plan.baseline}, as it was asked for"
        built = _must(verbs.run("build", plan.baseline), "the baseline cannot be built")
        return str(built["digest"]), f"{plan.baseline}, as it was asked for"
    if plan.serves is not None:
        return plan.serves, f"what {plan.environment} serves"
    if not plan.base:
        return "", f"nothing: {plan.environment} serves nothing, and no revision was named"
    return _as_it_was(manifest, plan, verbs)


def _as_it_was(manifest: str, plan: Plan, verbs: Verbs) -> tuple[str, str]:
    if manifest not in plan.before:
        return "", "nothing: the manifest is new"
    then = f"the same manifest at {plan.base[:12]}"
    answer = verbs.run("build", manifest, "--at", plan.base)
    return str(_must(answer, f"{then}, its baseline, cannot be built")["digest"]), then


def _difference(known: Judged, verbs: Verbs) -> str:
    if not known.baseline:
        return ""
    return verbs.text("diff", known.baseline, known.release, "--format", "markdown")


def _evaluate(known: Judged, plan: Plan, verbs: Verbs) -> Judged:
    place = plan.reports / known.reports
    formats = [f"{form}={place / file}" for form, file in REPORTS.items()]
    formats += [form.replace("{}", str(place)) for form in plan.annotations]
    words = ["evaluate", known.release, "--env", plan.environment, *plan.options]
    if known.baseline or plan.serves is not None:
        words += ["--baseline", known.baseline or NO_BASELINE]
    for form in formats:
        words += ["--report", form]
    answer = verbs.run(*words)
    if answer.error:
        return replace(known, exit=answer.code, error=f"it was not evaluated: {answer.error}")
    return replace(known, exit=answer.code, verdict=answer.document)


def _must(answer: Answer, what: str) -> Mapping[str, Any]:
    if answer.error:
        raise StepError(answer, what)
    return answer.document
