"""The highest serial served survives restarts and only moves forward."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatekeeper.errors import IntegrityError
from gatekeeper.runtime.following import Mark
from gatekeeper.runtime.watermark import Watermark

if TYPE_CHECKING:
    from pathlib import Path


def test_it_moves_forward_only(tmp_path: Path) -> None:
    mark = Watermark(tmp_path / "runtime" / "prod.json")
    assert mark.read() is None
    for serial in (3, 1, 5, 4):
        mark.advance(Mark("L", serial, f"e{serial}"))
    assert Watermark(mark.path).read() == Mark("L", 5, "e5")
    assert [path.name for path in mark.path.parent.iterdir()] == ["prod.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"lineage": "L"}', '{"lineage":1,"serial":"x"}'])
def test_a_damaged_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prod.json"
    path.write_text(text)
    with pytest.raises(IntegrityError, match="cannot be read") as caught:
        Watermark(path).read()
    assert caught.value.where == str(path)


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "prod.json").mkdir()
    with pytest.raises(OSError, match="directory"):
        Watermark(tmp_path / "prod.json").advance(Mark("L", 1, "e"))


def test_a_rename_that_fails_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = Watermark(tmp_path / "prod.json")
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        mark.advance(Mark("L", 1, "e"))
    assert not list(tmp_path.iterdir())
