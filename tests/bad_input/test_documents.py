"""Malformed documents: exit code 2, the golden message, and a project that is as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bad_input.feeding import (
    FIXTURES,
    MAX_SECONDS,
    PLACES,
    Kitchen,
    call,
    fingerprint,
    open_kitchen,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CASES = sorted(path for kind in PLACES for path in (FIXTURES / kind).glob("*.*l"))


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory: pytest.TempPathFactory) -> Kitchen:
    return open_kitchen(tmp_path_factory.mktemp("bad"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.stem}")
def test_is_refused_by_name_and_changes_nothing(
    case: Path,
    kitchen: Kitchen,
    golden: Callable[[Path, str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    kind = case.parent.name
    with kitchen.served(kind, case.read_bytes()):
        before = fingerprint(kitchen.root)
        answer = call(kitchen.command(kind), capsys)
        assert fingerprint(kitchen.root) == before
    golden(case.with_suffix(".txt"), answer.err)
    assert (answer.code, answer.out) == (2, "")
    assert answer.seconds < MAX_SECONDS
    assert "hunter2" not in answer.err


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 60
