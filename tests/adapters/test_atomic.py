from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.adapters.atomic import locked, replace
from gatekeeper.errors import UnavailableError


def test_a_file_is_replaced_whole_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "below" / "file"
    replace(path, b"one")
    replace(path, b"two", mode=0o600)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_nothing_is_left_where_it_fails(tmp_path: Path) -> None:
    (tmp_path / "taken" / "inner").mkdir(parents=True)
    with pytest.raises(UnavailableError) as caught:
        replace(tmp_path / "taken", b"x")
    assert str(tmp_path / "taken") in str(caught.value)
    assert list(tmp_path.iterdir()) == [tmp_path / "taken"]


def test_a_directory_that_cannot_be_made_is_named() -> None:
    with pytest.raises(UnavailableError, match="cannot be written"):
        replace(Path("/proc/nothing/file"), b"x")


def test_the_lock_is_given_back(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path / "below" / ".lock"):
            assert (tmp_path / "below" / ".lock").exists()
