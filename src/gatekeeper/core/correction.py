"""Many rules on one run: some would seem broken by chance, so failing can be corrected for that.

Passing needs no correction: a release passes only where every rule is met, which errs with at most
the probability of one of them (an intersection-union test).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core.results import with_outcome
from gatekeeper.core.statistics.multiplicity import benjamini_hochberg, holm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.model.policy import Multiplicity, Rule
    from gatekeeper.model.verdict import RuleResult

_METHODS: Final = {"holm": holm, "benjamini_hochberg": benjamini_hochberg}
_NAMES: Final = {"holm": "Holm's", "benjamini_hochberg": "Benjamini and Hochberg's"}


def corrected(
    rules: Sequence[Rule], results: Sequence[RuleResult], method: Multiplicity
) -> list[RuleResult]:
    """Results whose failures hold for all rules together; `results[i]` is that of `rules[i]`.

    Args:
        rules: What was asked.
        results: What was found.
        method: `holm` keeps the chance of any false failure at alpha (Holm 1979, Scandinavian
            Journal of Statistics 6:65-70), `benjamini_hochberg` the share of false ones among
            the failures (Benjamini and Hochberg 1995, JRSS B 57:289-300).
    """
    if method == "none":
        return list(results)
    found = _METHODS[method]([result.p_fail for result in results])
    return [
        _corrected(rule, result, p, method)
        for rule, result, p in zip(rules, results, found, strict=True)
    ]


def _corrected(rule: Rule, result: RuleResult, p: float | None, method: Multiplicity) -> RuleResult:
    if p is None:
        return result
    result = result.model_copy(update={"p_fail": float(f"{p:.6g}")})
    if result.outcome != "fail" or p <= rule.alpha:
        return result
    reason = f"{result.reason}; not a failure by {_NAMES[method]} correction for all rules"
    return with_outcome(rule, result, "inconclusive", "not_after_correction", reason)
