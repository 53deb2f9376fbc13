"""Which tier serves a request: the first declared route that holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.pipeline.visit import HaltError

if TYPE_CHECKING:
    from gatekeeper.model.components import Match, Router
    from gatekeeper.model.envelope import RequestEnvelope


def route(router: Router, request: RequestEnvelope) -> str:
    """The name of the tier; raises `HaltError` when no route holds."""
    for candidate in router.routes:
        if _holds(candidate.match, request):
            return candidate.route_to
    raise HaltError("blocked", "no_route", "No part of this service answers such requests.")


def _holds(match: Match, request: RequestEnvelope) -> bool:
    return match.task_class in (None, request.task_class) and match.tenant in (
        None,
        request.tenant_id,
    )
