"""The choices of the verbs of runs, spelled out to start fast, are those that there are."""

from __future__ import annotations

from typing import get_args

from gatekeeper.adapters.exporting import Flat
from gatekeeper.adapters.importers import FORMATS
from gatekeeper.cli.verbs.runs.export_ import FLAT, Format
from gatekeeper.cli.verbs.runs.import_ import FormatName, SuiteName
from gatekeeper.model.evalset import Suite


def test_every_choice_is_one_and_none_is_missing():
    assert tuple(one.value for one in FormatName) == FORMATS
    assert tuple(one.value for one in SuiteName) == get_args(Suite)
    assert tuple(FLAT.values()) == get_args(Flat)
    assert set(Format) - set(FLAT) == {Format.responses}
