"""Releases under test: who is loaded with whom, and what stands between them and their engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.adapters.engines.test_cached import TOLD, Counting
from tests.adapters.engines.test_metered import PRICES

from builders import make_project
from gatekeeper.adapters.assembly import Means
from gatekeeper.adapters.fleet import Entrant, ReleaseFleet, Terms
from gatekeeper.adapters.project import Project
from gatekeeper.adapters.responses import ResponseCache
from gatekeeper.cli import wiring
from gatekeeper.core.ceiling import Ceiling, CeilingError
from gatekeeper.errors import EnvironmentDriftError
from gatekeeper.model.components import Sampling
from releases import rebuilt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatekeeper.adapters.engines.seat import Seat

SAMPLING = Sampling(max_tokens=5)


class Site:
    """A project with a release, and an engine that counts in place of its own."""

    def __init__(self, directory: Path) -> None:
        self.root = make_project(directory)
        self.engine = Counting()
        self.means = self._means()
        self.cache = ResponseCache(directory / "responses.sqlite")

    def _means(self) -> Means:
        project = Project(self.root.resolve())
        store, library = wiring.store_of(project), wiring.models_of(project)

        async def opened(_: str, seat: Seat) -> Any:
            assert seat.name == "small"
            return self.engine

        return Means(store, library, PRICES, opened=opened)

    def entrant(self, **sampling: Any) -> Entrant:
        built = rebuilt(self.root, lambda c: c["components"]["serving"].update(sampling=sampling))
        self.means.store.save(built.packed)  # type: ignore[attr-defined]
        return Entrant(built.packed.release, built.locations)

    def fleet(self, terms: Terms | None = None, **options: Any) -> ReleaseFleet:
        entrants = {"candidate": self.entrant(max_tokens=5)}
        return ReleaseFleet(entrants, self.means, terms or Terms(cache=self.cache), **options)  # type: ignore[arg-type]

    async def ask(self, fleet: ReleaseFleet) -> bool:
        """Ask through the candidate's engine; whether the cache answered."""
        async with fleet.open(("candidate",)) as pipelines:
            engine = pipelines["candidate"].engines["small"]
            return (await engine.generate(TOLD, SAMPLING, timeout=1)).from_cache


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path)
    yield found
    found.cache.close()


async def test_what_the_cache_answers_costs_nothing_of_the_ceiling(site: Site) -> None:
    ceiling = Ceiling(max_tokens=600)
    fleet = site.fleet(Terms(cache=site.cache, ceiling=ceiling))
    assert await site.ask(fleet) is False
    used = ceiling.tokens
    assert used == 13
    ceiling.tokens = 600
    assert await site.ask(fleet) is True
    assert (ceiling.tokens, ceiling.held_tokens, site.engine.asked) == (600, 0, 1)
    with pytest.raises(CeilingError), fleet.timed():
        await site.ask(fleet)
    assert site.engine.asked == 1


async def test_while_time_is_taken_every_answer_is_made(site: Site) -> None:
    fleet = site.fleet()
    await site.ask(fleet)
    with fleet.timed():
        assert await site.ask(fleet) is False
    assert await site.ask(fleet) is True
    with site.fleet(Terms()).timed():
        assert site.cache.suspended is False


@pytest.mark.parametrize(
    ("engine", "remember_all", "remembered"),
    [
        ("embedded", False, True),
        ("vllm", False, True),
        ("openai", False, False),
        ("openai", True, True),
    ],
)
async def test_answers_of_hosted_models_are_remembered_only_if_asked(
    *, site: Site, engine: str, remember_all: bool, remembered: bool
) -> None:
    site.engine = Counting(engine=engine)
    fleet = site.fleet(Terms(cache=site.cache, remember_all=remember_all))
    await site.ask(fleet)
    assert await site.ask(fleet) is remembered


async def test_what_serves_is_noted_and_may_not_change(site: Site) -> None:
    fleet = site.fleet()
    await site.ask(fleet)
    assert fleet.fingerprints == {"small": site.engine.fingerprint}
    changed = site.fleet(expected={"small": {"engine": "embedded", "version": "0.9"}})
    with pytest.raises(EnvironmentDriftError, match="the run was begun with something else"):
        await site.ask(changed)
    allowed = Terms(allow_drift=True)
    await site.ask(site.fleet(allowed, expected={"small": {"engine": "embedded", "version": "0"}}))


async def test_a_release_without_a_judge_has_none(site: Site) -> None:
    async with site.fleet().judges() as judges:
        assert judges == {}


def test_releases_of_one_engine_are_loaded_together(site: Site) -> None:
    both = {"candidate": site.entrant(max_tokens=5), "baseline": site.entrant(max_tokens=6)}
    assert ReleaseFleet(both, site.means).crews() == (("candidate", "baseline"),)  # type: ignore[arg-type]
