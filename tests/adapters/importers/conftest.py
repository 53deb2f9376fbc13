from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from importing import Desk, make_desk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return make_desk(tmp_path, capsys)
