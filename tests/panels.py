"""The scorers of a set, ready, for tests of what happens around them: they ask nobody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gatekeeper.core.scoring.catalogue import BUILT_IN
from gatekeeper.core.scoring.panel import Called, Scoring

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.core.scoring.scorer import Aids, Scorer
    from gatekeeper.model.evalset import EvalSet, ScorerSpec
    from gatekeeper.model.record import CallRow


class Alone:
    """A bench with nothing on it."""

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """Nothing."""
        return {}

    def aids(self, request_id: str, scorer: str, calls: list[CallRow]) -> Aids:  # noqa: ARG002
        """Raises `ValueError` when asked anything."""
        return _Nobody()


class _Nobody:
    async def ask(self, *_: object, **__: object) -> str:
        raise ValueError("there is no judge model here")

    async def embed(self, *_: object) -> Sequence[Sequence[float]]:
        raise ValueError("there is no embedder here")


def panel(specs: Sequence[ScorerSpec]) -> Scoring:
    """Built-in scorers with their settings, for conversations that are scored here and now."""
    return Scoring(tuple(Called(one.called, _made(one)) for one in specs), Alone())


def scoring_of(header: EvalSet) -> Scoring:
    """The built-in scorers of a set."""
    return panel(header.scorers or ())


def _made(spec: ScorerSpec) -> Scorer:
    scorer = BUILT_IN[spec.scorer].model_validate_json(json.dumps(spec.settings))
    return scorer.holding(tuple(map(_made, scorer.inner)))
