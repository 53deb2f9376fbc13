"""The scorers of one eval set with everything that they call on, for as long as a run lasts."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from gatekeeper.adapters import yaml
from gatekeeper.adapters.clock import SystemClock
from gatekeeper.adapters.embedders.endpoint import open_endpoint
from gatekeeper.adapters.embedders.letters import LetterEmbedder
from gatekeeper.adapters.hosts import is_local
from gatekeeper.adapters.judge import ScorersBench
from gatekeeper.adapters.scorers import functions
from gatekeeper.adapters.scorers.checking import check_scorers
from gatekeeper.adapters.scorers.plugins import Plugin, PythonFunction, misfit
from gatekeeper.core.canonical import canonical_model, digest
from gatekeeper.core.scoring.judging import Judge, Pairwise
from gatekeeper.core.scoring.likeness import Endpoint, Similarity
from gatekeeper.core.scoring.panel import Called, Scoring
from gatekeeper.errors import InputError, Problem, RefusedError
from gatekeeper.model.evalset import EvalSet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from gatekeeper.adapters.judge import JudgeModel
    from gatekeeper.adapters.project import Project
    from gatekeeper.core.scoring.scorer import Scorer
    from gatekeeper.model.prices import PriceBook
    from gatekeeper.ports import Clock, Embedder


@asynccontextmanager
async def open_scoring(  # noqa: PLR0913 - everything that scorers may call on, each by its name
    header: EvalSet,
    project: Project,
    *,
    judges: Mapping[str, JudgeModel] | None = None,
    prices: PriceBook | None = None,
    external: bool = False,
    halts: tuple[type[BaseException], ...] = (),
    clock: Clock | None = None,
) -> AsyncIterator[Scoring]:
    """The scorers of an eval set, ready for use.

    Args:
        header: The eval set's; its `python` scorers are files of `project`.
        project: Where such files are.
        judges: Judge models by name.
        prices: The price book; must have every judge that is asked.
        external: Whether texts may be sent to other machines to be embedded.
        halts: Errors that end the run instead of costing a sample its score, such as a spend stop.
        clock: The time.

    Raises:
        InputError: A scorer or its settings are wrong, or its code cannot be run.
        UsageError: A scorer needs a judge that is not there.
        UndecidedError: A judge has no price.
        RefusedError: Texts would leave this machine and may not.
    """
    data = header.model_dump_json(exclude_none=True).encode()
    checked = check_scorers(yaml.check(yaml.parse(data, header.name), EvalSet), project)
    ready = tuple(_loaded(one, project) for one in checked)
    scorers = [inner for one in ready for inner in one.scorer.every()]
    async with AsyncExitStack() as stack:
        embedders: dict[object, Embedder] = {}
        for one in scorers:
            if isinstance(one, Similarity) and one.embedder not in embedders:
                embedders[one.embedder] = await _embedder(one.embedder, stack, external=external)
        bench = ScorersBench(
            clock=clock or SystemClock(),
            judges=judges or {},
            prices=prices,
            price_book=digest(canonical_model(prices)) if prices else None,
            embedders=embedders,
            packages={f"scorer {one.name}": version for one in ready for version in _versions(one)},
        )
        yield Scoring(
            ready, replace(bench, judges=_asked(bench, scorers)), header.resolved_by, halts
        )


def _loaded(one: Called, project: Project) -> Called:
    """The scorer with the functions of the project that it calls."""

    def load(scorer: Scorer) -> Scorer:
        """A scorer ready for use; raises `InputError` where its function takes other settings."""
        if not isinstance(scorer, PythonFunction):
            return scorer
        found = functions.load(project.inside(scorer.file), scorer.function, scorer.file)
        fault, taken = misfit(found.function, scorer.arguments)
        if fault:
            where = f"{scorer.file}: {scorer.function}"
            raise InputError([Problem(fault, where, accepted=", ".join(taken))])
        return scorer.bound(found)

    return Called(one.name, one.scorer.mapped(load))


def _versions(one: Called) -> list[str]:
    found = [inner.version for inner in one.scorer.every() if isinstance(inner, Plugin)]
    return [", ".join(found)] if found else []


def _asked(bench: ScorersBench, scorers: list[Scorer]) -> dict[str, JudgeModel]:
    """The judges that these scorers ask, every one of them there and priced."""
    found = {}
    for one in scorers:
        if isinstance(one, Judge | Pairwise):
            name, judge = bench.judge(one.model)
            found[name] = judge
            if bench.prices is not None:
                bench.prices.cost(name, 0, 0, 0)
    return found


async def _embedder(
    setting: Literal["letters"] | Endpoint, stack: AsyncExitStack, *, external: bool
) -> Embedder:
    if not isinstance(setting, Endpoint):
        return LetterEmbedder()
    if not external and not is_local(setting.url):
        raise RefusedError(
            f"texts would leave for {setting.url}, and external model calls are not allowed",
            where="similarity",
            fix="set governance.external_model_calls and build again, or embed on this machine",
        )
    embedder = open_endpoint(setting)
    stack.push_async_callback(embedder.close)
    return embedder
