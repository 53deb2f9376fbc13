"""A desk in a repository, the change of it that is judged, and the endpoint that answers."""

from __future__ import annotations

import shutil

import pytest

from answering import answer, endpoint
from builders import write
from evaluating import make_desk
from forges import GitHubHandler, GitLabHandler, forge_server
from repositories import commit, git, make_repository

POLICY = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: desk, owner: quality, effective: 2026-01-01}
sections:
  quality: {owner: quality, resolved_rate_min: 0.5}
"""


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A desk with a state, so that its keys are made once; git ignores the state."""
    root = make_desk(tmp_path_factory.mktemp("made"))
    (root / "manifests/desk-v2.yaml").unlink()
    write(root / "gates/desk.yaml", POLICY)
    make_repository(root)
    return root


@pytest.fixture
def desk(made, tmp_path):
    return shutil.copytree(made, tmp_path / "desk").resolve()


@pytest.fixture
def base(desk):
    return git(desk, "rev-parse", "main")


@pytest.fixture
def kinder(desk):
    """A change of the prompt that does no harm; the commit."""
    write(desk / "manifests/desk/system.jinja", "You are the desk of Northwind. Be kind.\n")
    return commit(desk, "be kind")


@pytest.fixture
def broken(desk):
    """A change that cannot be built."""
    write(desk / "manifests/desk/system.jinja", "You are {{ nobody_knows }}.\n")
    return commit(desk, "break it")


@pytest.fixture
def model():
    """An endpoint of the model, as the environment names it."""
    with endpoint(answer) as address:
        yield {"GATEKEEPER_OPENAI_BASE_URL": address}


@pytest.fixture
def evasive_model():
    """An endpoint of a model that answers nothing."""
    with endpoint(lambda _: "I would rather not say.") as address:
        yield {"GATEKEEPER_OPENAI_BASE_URL": address}


@pytest.fixture
def github():
    with forge_server(GitHubHandler) as server:
        yield server


@pytest.fixture
def gitlab():
    with forge_server(GitLabHandler) as server:
        yield server
