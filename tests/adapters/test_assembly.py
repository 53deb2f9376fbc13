"""From a built release to answers: the example's first release, in a project of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.adapters.engines.test_openai import Endpoint, served

from gatekeeper.adapters.assembly import Means, open_pipeline
from gatekeeper.adapters.hashing import FileHasher
from gatekeeper.adapters.models import ModelLibrary
from gatekeeper.adapters.project import Project
from gatekeeper.adapters.sources import ProjectSources
from gatekeeper.adapters.store import ReleaseStore
from gatekeeper.cli.pipelines import prices_of
from gatekeeper.cli.wiring import read_manifest, tokenizer_of
from gatekeeper.errors import IntegrityError, RefusedError, UsageError
from gatekeeper.model.envelope import RequestEnvelope
from gatekeeper.ops.build import build
from gatekeeper.pipeline.pipeline import Context

ROOT = Path(__file__).parents[2]


class Home:
    """A project with the example in it."""

    def __init__(self, root: Path) -> None:
        for name in ("manifests", "gates"):
            shutil.copytree(ROOT / name, root / name)
        shutil.copytree(ROOT / "models" / "support-desk", root / "models" / "support-desk")
        (root / ".gatekeeper").mkdir()
        self.project = Project.open(root)
        library = ModelLibrary(self.project, FileHasher(self.project.cache / "files.jsonl"))
        self.store = ReleaseStore(self.project.store)
        self.means = Means(self.store, library, prices_of(self.project))

    def build(self, name: str):
        document = read_manifest(self.project, self.project.root / f"manifests/{name}.yaml")
        built = build(document, ProjectSources(self.project, self.means.models), tokenizer_of)
        self.store.save(built.packed)
        return self.store.load(built.packed.release.digest), built.locations


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def request(text, **fields):
    return RequestEnvelope(
        request_id="r", user_id="u", input=text, **{"tenant_id": "public", **fields}
    )


def questions(count):
    lines = (ROOT / "eval_sets/quality.jsonl").read_text().splitlines()[:count]
    samples = [json.loads(line) for line in lines]
    return [(sample["input"], sample["expect"]["contains"]) for sample in samples]


async def test_a_release_answers_from_its_snapshot_with_its_model(home):
    release, locations = home.build("support-desk-v1")
    async with open_pipeline(release, means=home.means, locations=locations) as pipeline:
        assert pipeline.engines["desk"].fingerprint["engine"] == "embedded"
        made = [
            (await pipeline.handle(request(text), Context(lane="offline")), expected)
            for text, expected in questions(10)
        ]
    right = [
        one.response
        for one, expected in made
        if all(part in one.response.answer for part in expected)
    ]
    assert len(right) >= 8
    for response in right:
        assert (response.status, response.release) == ("ok", release.digest)
        assert response.quality_signals.resolved
        assert response.citations[0].source.partition("#")[0].endswith(".md")
    assert all(one.calls[0].input_tokens > 50 for one, _ in made)


async def test_releases_with_the_same_weights_and_serving_share_an_engine(home):
    one, places = home.build("support-desk-v1")
    two, _ = home.build("support-desk-v4")
    async with open_pipeline(one, means=home.means, locations=places) as first:
        async with open_pipeline(two, means=home.means, locations=places) as second:
            shared = one.component_digests["serving"] == two.component_digests["serving"]
            assert (first.engines["desk"] is second.engines["desk"]) is shared
        served = await first.handle(request("Hello?"), Context(lane="offline"))
        assert served.request.status != "error"
    assert len(home.means.pool) == 0


async def test_an_altered_model_is_never_loaded(home):
    release, locations = home.build("support-desk-v1")
    weights = home.project.root / "models/support-desk/ct2/model.bin"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"ct2/model\.bin"):
        async with open_pipeline(release, means=home.means, locations=locations):
            pass


async def test_an_engine_that_is_not_accepted_is_bad_usage(home):
    release, locations = home.build("support-desk-v1")
    with pytest.raises(UsageError):
        async with open_pipeline(release, means=home.means, locations=locations, engine="recorded"):
            pass


def hosted(release, **governance):
    parts = release.components
    model = parts.model.models["desk"].model_copy(
        update={"pinned": False, "endpoint_model": "desk-1", "files": ()}
    )
    # Without a tokenizer a byte counts as a token.
    ceilings = parts.budgets.per_request.model_copy(update={"input_tokens": 2000})
    budgets = parts.budgets.model_copy(update={"per_request": ceilings})
    models = parts.model.model_copy(update={"models": {"desk": model}})
    changed = parts.model_copy(update={"model": models, "budgets": budgets})
    rules = release.governance.model_copy(update=governance)
    return release.model_copy(update={"components": changed, "governance": rules})


async def test_a_hosted_model_needs_permission(home, monkeypatch):
    monkeypatch.setenv("GATEKEEPER_OPENAI_BASE_URL", "http://127.0.0.1:9")
    release, _ = home.build("support-desk-v1")
    with pytest.raises(RefusedError, match="hosted model"):
        async with open_pipeline(hosted(release), means=home.means, locations={}):
            pass
    allowed = hosted(release, external_model_calls=True)
    async with open_pipeline(allowed, means=home.means, locations={}, engine="openai") as pipeline:
        served = await pipeline.handle(request("Hello?"), Context(lane="offline"))
    assert (served.request.status, served.request.reason) == ("error", "engine_unavailable")


async def test_requests_leave_this_machine_only_with_permission(home, monkeypatch):
    release, locations = home.build("support-desk-v1")
    allowed = release.model_copy(
        update={"governance": release.governance.model_copy(update={"external_model_calls": True})}
    )
    for address in ("https://models.example.com", "http://10.1.2.3:8000"):
        monkeypatch.setenv("GATEKEEPER_OPENAI_BASE_URL", address)
        given = {"means": home.means, "locations": locations, "engine": "openai"}
        with pytest.raises(RefusedError, match="requests would leave"):
            async with open_pipeline(release, **given):
                pass
        async with open_pipeline(allowed, **given):
            pass
    for address in ("http://localhost:9", "http://[::1]:9"):
        monkeypatch.setenv("GATEKEEPER_OPENAI_BASE_URL", address)
        async with open_pipeline(release, **given):
            pass


async def test_a_hosted_model_answers_over_http(home, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    release, _ = home.build("support-desk-v1")
    allowed = hosted(release, external_model_calls=True)
    endpoint = Endpoint()
    async with (
        served(endpoint, monkeypatch),
        open_pipeline(allowed, means=home.means, locations={}, engine="openai") as pipeline,
    ):
        made = await pipeline.handle(
            request("What is the price of the Novvex Max 3302?"), Context(lane="offline")
        )
    assert (made.response.status, made.response.answer) == ("ok", "24 months [1]")
    assert made.response.citations[0].source == made.request.sources[0]
    (call,) = made.calls
    assert (call.input_tokens, call.cached_input_tokens, call.output_tokens) == (30, 10, 5)
    assert endpoint.asked[0]["messages"][0]["role"] == "system"
