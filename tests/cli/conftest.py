"""A desk to evaluate, and the endpoint that answers for it."""

from __future__ import annotations

import shutil

import pytest

from answering import answer, endpoint
from evaluating import make_desk


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """Two releases: the second has a shorter cap on its answers."""
    return make_desk(tmp_path_factory.mktemp("made"))


@pytest.fixture
def root(made, tmp_path):
    return shutil.copytree(made, tmp_path / "project").resolve()


@pytest.fixture
def serve(monkeypatch):
    def serving(speak=answer):
        context = endpoint(speak)
        monkeypatch.setenv("GATEKEEPER_OPENAI_BASE_URL", context.__enter__())
        contexts.append(context)

    contexts = []
    yield serving
    for context in contexts:
        context.__exit__(None, None, None)
