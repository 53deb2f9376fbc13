"""Every scorer that is built in, by the name that an eval set calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gatekeeper.core.scoring import (
    bounds,
    composition,
    grounds,
    judging,
    likeness,
    matching,
    safety,
    structure,
    tools,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.core.scoring.scorer import Scorer

BUILT_IN: Final[Mapping[str, type[Scorer]]] = {
    one.NAME: one
    for one in (
        matching.Exact,
        matching.Normalised,
        matching.Contains,
        matching.Regex,
        matching.Number,
        structure.Schema,
        structure.JsonFields,
        grounds.Facts,
        grounds.Citations,
        grounds.LexicalSupport,
        likeness.TokenF1,
        likeness.RougeL,
        likeness.ChrF,
        likeness.Similarity,
        safety.Refusal,
        safety.Injection,
        safety.PromptLeak,
        safety.Pii,
        safety.Tenant,
        tools.ForbiddenTools,
        tools.OneTool,
        tools.Trajectory,
        bounds.Latency,
        bounds.Cost,
        composition.All,
        composition.AnyOf,
        composition.Not,
        composition.Weighted,
        judging.Judge,
        judging.Pairwise,
    )
}
