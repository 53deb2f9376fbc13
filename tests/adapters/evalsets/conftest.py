from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eval_sets import Desk, new_desk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return new_desk(tmp_path)
