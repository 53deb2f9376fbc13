"""Malformed documents: exit code 2, the golden message, and a project that is as it was."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from tests.bad_input.feeding import FIXTURES, MAX_SECONDS, PLACES, feed, fingerprint
from tests.builders import make_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CASES = sorted(path for kind in PLACES for path in (FIXTURES / kind).glob("*.yaml"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_project(tmp_path_factory.mktemp("bad"))
    for place in PLACES.values():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
    return root


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.stem}")
def test_is_refused_by_name_and_changes_nothing(
    case: Path,
    project: Path,
    golden: Callable[[Path, str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    kind = case.parent.name
    shutil.copy(case, project / PLACES[kind])
    before = fingerprint(project)
    answer = feed(kind, project, capsys)
    assert (answer.code, answer.out) == (2, "")
    assert fingerprint(project) == before
    assert answer.seconds < MAX_SECONDS
    assert "hunter2" not in answer.err
    golden(case.with_suffix(".txt"), answer.err)


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 60
