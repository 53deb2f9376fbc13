"""Engine arguments of a release, as vLLM gets them."""

from __future__ import annotations

import pytest

from gatekeeper.adapters.engines.vllm.arguments import arguments_of, switched_on
from gatekeeper.errors import UsageError
from gatekeeper.model.components import EngineRequirement, Sampling, Serving


def serving(**engine_args):
    names = (EngineRequirement(name="vllm"),)
    return Serving(engines=names, engine_args=engine_args, sampling=Sampling(seed=7))


def test_without_a_gpu_the_defaults_repeat_themselves_and_load_quickly():
    assert arguments_of(serving(), gpu=False) == {
        "seed": 7,
        "dtype": "float32",
        "enforce_eager": True,
        "kv_cache_memory_bytes": 1 << 30,
    }


def test_with_a_gpu_vllm_decides_what_the_release_does_not():
    given = {"tensor_parallel_size": 2, "quantization": "fp8", "seed": 3}
    assert arguments_of(serving(**given), gpu=True) == given


def test_the_release_decides_before_any_default():
    made = arguments_of(serving(dtype="bfloat16", kv_cache_memory_bytes=1 << 28), gpu=False)
    assert (made["dtype"], made["kv_cache_memory_bytes"]) == ("bfloat16", 1 << 28)


def test_arguments_of_other_engines_are_theirs():
    args = {"inter_threads": 2, "max_batch_size": 8, "base_url": "http://x", "stream": True}
    assert arguments_of(serving(**args, max_model_len=512), gpu=True) == {
        "seed": 7,
        "max_model_len": 512,
    }


def test_every_fault_is_named_at_once_with_the_nearest_name():
    args = {"max_model_length": 512, "dtype": 32, "enforce_eager": 1, "trust_remote_code": True}
    with pytest.raises(UsageError) as caught:
        arguments_of(serving(**args), gpu=False)
    said = str(caught.value)
    assert "max_model_length is not known, did you mean max_model_len?" in said
    assert "dtype is int, not str" in said
    assert "enforce_eager is int, not bool" in said
    assert "trust_remote_code is not known" in said


def test_a_whole_number_is_a_number():
    made = arguments_of(serving(gpu_memory_utilization=1), gpu=True)
    assert made["gpu_memory_utilization"] == 1
    with pytest.raises(UsageError, match="gpu_memory_utilization is bool, not float"):
        arguments_of(serving(gpu_memory_utilization=True), gpu=True)


def test_what_this_engine_does_by_itself_can_be_turned_off():
    assert switched_on(serving(), "logprobs")
    assert not switched_on(serving(logprobs=False), "logprobs")
    assert arguments_of(serving(logprobs=False, structured_output=False), gpu=True) == {"seed": 7}
    with pytest.raises(UsageError, match="logprobs is str, not bool"):
        arguments_of(serving(logprobs="no"), gpu=True)
