"""Gate policies on disk, in any of their forms. JSON is YAML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters import yaml
from gatekeeper.model.policy import AnyPolicy, GatePolicy, ReleaseGate, ReleasePromotion

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic import JsonValue

    from gatekeeper.adapters.project import Project

_FORMS: Final[tuple[type[AnyPolicy], ...]] = (GatePolicy, ReleaseGate, ReleasePromotion)


def read_policy(path: Path, project: Project) -> yaml.Document[AnyPolicy]:
    """The policy in a file of the project; raises `InputError` with everything wrong with it."""
    document = yaml.read(path, *_FORMS, root=project.root)
    if isinstance(document.value, GatePolicy) and document.value.metrics:
        from gatekeeper.adapters.own_metrics import check_own_metrics

        check_own_metrics(document.value, document.problem)
    return document


def policy_at(text: str, file: str) -> AnyPolicy:
    """The policy that a file once held; raises `InputError` with everything wrong with it."""
    return yaml.check(yaml.parse(text.encode(), file), *_FORMS).value


def policy_in(document: Mapping[str, JsonValue], where: str) -> AnyPolicy:
    """The policy that a verdict holds; raises `InputError` where this version cannot read it."""
    return yaml.check(yaml.parse(json.dumps(document).encode(), where), *_FORMS).value
