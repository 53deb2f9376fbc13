"""Every scorer that is built in, by the name that an eval set calls it."""

from __future__ import annotations

import json
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
    from gatekeeper.model.evalset import ScorerSpec

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


def built_in(spec: ScorerSpec) -> Scorer | None:
    """The scorer of valid settings; None where it, or one that it holds, is not built in."""
    if (kind := BUILT_IN.get(spec.scorer)) is None:
        return None
    made = kind.model_validate_json(json.dumps(spec.settings))
    inner = [built_in(one) for one in made.inner]
    known = tuple(one for one in inner if one is not None)
    return made.holding(known) if len(known) == len(inner) else None
