"""Policies as verdicts hold them: plain JSON, read again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gatekeeper.model.policy import GatePolicy, ReleaseGate, ReleasePromotion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from gatekeeper.model.policy import AnyPolicy


def policy_from(document: Mapping[str, JsonValue]) -> AnyPolicy:
    """The policy in a signed document; raises `ValueError` where this version cannot read it."""
    form: type[AnyPolicy] = GatePolicy
    if "release_gate" in document:
        form = ReleaseGate
    elif "policy" in document:
        form = ReleasePromotion
    return form.model_validate_json(json.dumps(document))
