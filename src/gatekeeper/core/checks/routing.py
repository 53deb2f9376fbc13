"""Checks of the router: every route leads to a tier that can answer, and every way ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.checks.finding import Finding, KeyPath, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatekeeper.model.components import Components, Match, Router, Tier

ROUTER: KeyPath = ("components", "router")


def check(components: Components) -> Iterator[Finding]:
    """Every finding about routes, tiers and fallbacks."""
    router = components.router
    yield from _routes(router)
    yield from _unreachable(router)
    for name, tier in router.tiers.items():
        yield from _tier(name, tier, components)
    yield from _cycles(router.tiers)
    yield from _unused(router)


def _routes(router: Router) -> Iterator[Finding]:
    for index, route in enumerate(router.routes):
        if route.route_to not in router.tiers:
            path = (*ROUTER, "routes", index, "route_to")
            yield unknown("unknown-tier", path, "tier", route.route_to, router.tiers)
    if all(_conditions(route.match) for route in router.routes):
        yield Finding(
            "no-default-route",
            (*ROUTER, "routes"),
            "no route takes the requests that match none of them",
            "end with a route without `match`",
        )


def _unreachable(router: Router) -> Iterator[Finding]:
    for index, route in enumerate(router.routes):
        wanted = _conditions(route.match)
        for earlier in range(index):
            taken = _conditions(router.routes[earlier].match)
            if taken.items() <= wanted.items():
                yield Finding(
                    "unreachable-route",
                    (*ROUTER, "routes", index),
                    f"route {index + 1} is never taken: route {earlier + 1} takes "
                    + ("every request" if not taken else "the same requests first"),
                    "put it before that route, or remove it",
                )
                break


def _conditions(match: Match) -> dict[str, str]:
    return {key: value for key, value in match.model_dump().items() if value is not None}


def _tier(name: str, tier: Tier, components: Components) -> Iterator[Finding]:
    path = (*ROUTER, "tiers", name)
    models = components.model.models
    if tier.fallback is not None and tier.fallback not in components.router.tiers:
        yield unknown(
            "unknown-tier", (*path, "fallback"), "tier", tier.fallback, components.router.tiers
        )
    if tier.kind == "search":
        yield from _search(path, tier, components)
    elif tier.model is None:
        yield Finding(
            "tier-without-model",
            path,
            f"tier {name!r} generates, but names no model",
            "`model:` with one of: " + ", ".join(sorted(models)),
        )
    elif tier.model not in models:
        yield unknown("unknown-model", (*path, "model"), "model", tier.model, models)
    elif models[tier.model].role != "generator":
        yield Finding(
            "wrong-role",
            (*path, "model"),
            f"model {tier.model!r} has the role {models[tier.model].role!r}, and cannot answer",
            "a model whose role is `generator`",
        )


def _search(path: KeyPath, tier: Tier, components: Components) -> Iterator[Finding]:
    if tier.model is not None:
        yield Finding(
            "search-with-model",
            (*path, "model"),
            "a tier of kind `search` calls no model",
            "remove `model`, or make it `kind: model`",
        )
    if components.retrieval.strategy == "none":
        yield Finding(
            "search-without-retrieval",
            (*path, "kind"),
            "the tier answers from retrieval, which this release does not have",
            "give `retrieval` a strategy and a snapshot",
        )


def _cycles(tiers: Mapping[str, Tier]) -> Iterator[Finding]:
    reported: set[str] = set()
    for start in tiers:
        way = [start]
        while (step := tiers[way[-1]].fallback) in tiers and step is not None:
            if step in way:
                cycle = way[way.index(step) :]
                if not reported & set(cycle):
                    yield _cycle(cycle)
                reported.update(cycle)
                break
            way.append(step)


def _cycle(cycle: list[str]) -> Finding:
    first = min(cycle)
    turned = cycle[cycle.index(first) :] + cycle[: cycle.index(first)]
    return Finding(
        "fallback-cycle",
        (*ROUTER, "tiers", first, "fallback"),
        "fallbacks go round in a circle: " + " -> ".join([*turned, first]),
        "let the last tier have no fallback",
    )


def _unused(router: Router) -> Iterator[Finding]:
    used: set[str] = set()
    todo = [route.route_to for route in router.routes]
    while todo:
        name = todo.pop()
        if name in router.tiers and name not in used:
            used.add(name)
            fallback = router.tiers[name].fallback
            todo += [fallback] if fallback else []
    for name in router.tiers:
        if name not in used:
            yield Finding(
                "unused-tier",
                (*ROUTER, "tiers", name),
                f"no route and no fallback leads to tier {name!r}",
                "route to it, or remove it",
                severity="warning",
            )
