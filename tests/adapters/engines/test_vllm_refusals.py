"""What vLLM is never started for: refused before it is imported."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from tests.adapters.engines.conformance import MODEL, files_of, seat_of

from gatekeeper.adapters.engines import vllm
from gatekeeper.adapters.engines.seat import Seat
from gatekeeper.adapters.tokenizer import ChatTokenizer
from gatekeeper.errors import InputError, IntegrityError, UnavailableError, UsageError
from gatekeeper.model.components import PinnedModel

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def copy(tmp_path) -> Path:
    root = tmp_path / "model"
    shutil.copytree(MODEL, root)
    return root


@pytest.mark.parametrize("name", ["more.safetensors", "params.json", "modeling.py"])
async def test_a_file_that_the_release_does_not_list_is_refused(copy, name):
    seat = seat_of("vllm", copy)
    (copy / name).write_bytes(b"{}")
    with pytest.raises(IntegrityError, match=name.replace(".", r"\.")):
        await vllm.open_engine(seat)


async def test_a_setting_that_the_release_does_not_list_is_refused(copy):
    listed = files_of(copy)
    (copy / "generation_config.json").unlink()
    seat = seat_of("vllm", copy)
    assert set(listed.files) - set(seat.files.files) == {"generation_config.json"}
    (copy / "generation_config.json").write_text('{"repetition_penalty": 9}')
    with pytest.raises(IntegrityError, match=r"generation_config\.json"):
        await vllm.open_engine(seat)


async def test_of_several_adapters_none_is_chosen(copy):
    one = seat_of("vllm", copy)
    adapters = {"polite": one.files, "terse": one.files}
    seat = Seat(one.name, one.model, one.serving, one.files, one.tokenizer, adapters)
    with pytest.raises(UsageError, match="the adapters polite, terse"):
        await vllm.open_engine(seat)


async def test_a_hosted_model_is_not_for_this_engine():
    seat = Seat("desk", PinnedModel(pinned=False), seat_of("vllm").serving)
    with pytest.raises(UnavailableError, match="hosted elsewhere"):
        await vllm.open_engine(seat)


def test_a_model_without_chat_template_is_named(copy):
    (copy / "tokenizer_config.json").write_text("{}")
    with pytest.raises(InputError, match="has no chat template"):
        ChatTokenizer.load(copy)


def test_a_machine_without_vllm_says_so(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(UnavailableError, match="vLLM is not installed"):
        vllm.installed(seat_of("vllm").serving)
