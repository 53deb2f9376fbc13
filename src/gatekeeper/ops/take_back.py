"""How little of a change has to be taken back for the gate to pass, shown by verdicts."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from gatekeeper.core.attribution.rollbacks import TRIED, Evidence, blame, rollbacks
from gatekeeper.core.metrics.catalogue import METRICS, SEEN
from gatekeeper.core.wording import listed
from gatekeeper.model.policy import RUN_SECTION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from gatekeeper.core.attribution.case import Case
    from gatekeeper.core.attribution.resampling import Values
    from gatekeeper.model.attribution import Rollback, RuleAttribution
    from gatekeeper.model.verdict import RuleResult
    from gatekeeper.ops.attribute import Bench, Plan, Question


async def tried_rollbacks(
    question: Question,
    made: Plan,
    rules: Sequence[RuleAttribution],
    known: Sequence[tuple[Case, Values]],
    bench: Bench,
) -> AsyncIterator[Rollback]:
    """Verdicts of rollbacks, the most promising first, up to the first that passes."""
    if _no_search(question, made):
        return
    seen = Evidence(made.players, made.design, blame(rules, made.players), known)
    for coalition in islice(rollbacks(seen), TRIED):
        found = await bench.decide(made.taken(coalition))
        yield found
        if found.outcome == "pass":
            return


def _no_search(question: Question, made: Plan) -> str:
    """Why no rollback is decided; empty where that makes sense."""
    run, verdict = question.run, question.verdict
    if verdict.outcome == "pass":
        return "the run passes: nothing has to be taken back"
    if not question.advise:
        return "no rollback was looked for, as was asked"
    if len(made.players) == 1:
        only = made.players[0].name
        return (
            f"{only} is the whole change: without it the baseline is left, so keep that, "
            f"or change {only} in another way"
        )
    if run.partial:
        return "part of a run recommends nothing: evaluate all of it, then attribute that run"
    stuck = [rule.rule for rule in verdict.rules if _stuck(rule)]
    if stuck:
        return f"no rollback can pass: {listed(stuck)} would stay as it is"
    return ""


def _stuck(rule: RuleResult) -> bool:
    """What is declared or stated of a release, or is missing, is no other for a mix."""
    known = METRICS.get(rule.metric)
    stated = rule.test == "evidence" and rule.section != RUN_SECTION and rule.metric != SEEN
    declared = known is not None and known.kind == "declared"
    return (stated or declared) and rule.severity == "block" and rule.outcome in {"fail", "error"}


def advice(
    question: Question, made: Plan, tried: Sequence[Rollback], recommended: Rollback | None
) -> str:
    """What to do, in a sentence."""
    why = _no_search(question, made)
    if why:
        return why
    if recommended is None:
        return _nothing_passes(tried)
    rest = [name for name in question.changed if name not in recommended.components]
    return (
        f"take back {listed(recommended.components)}: the gate passes the candidate "
        f"with {listed(rest)} alone"
    )


def _nothing_passes(tried: Sequence[Rollback]) -> str:
    """What to do where no rollback passes: more samples, where none is shown to fail."""
    opened = next((one for one in tried if one.outcome == "inconclusive"), None)
    if opened is not None:
        return (
            f"without {listed(opened.components)} no rule fails, but some are inconclusive: "
            "evaluate on more samples, and attribute that run"
        )
    found = f"{len(tried)} tried" if tried else "each has a rule beyond its limit"
    return f"no rollback of a part of the change passes ({found}): keep the baseline"
