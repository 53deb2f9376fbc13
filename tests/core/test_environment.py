"""Environment drift in words: both sides named, and only where they can matter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.environment import differences, unaccepted
from gatekeeper.model.components import EngineRequirement, Serving

HOPPER = "NVIDIA H100 80GB HBM3"
H100 = {
    "engine": "vllm",
    "version": "0.32.0",
    "torch": "2.13.0+cu128",
    "device": "cuda",
    "device_name": HOPPER,
    "device_count": "1",
    "cuda": "12.8",
    "driver": "570.86.15",
}
CPU = {"engine": "vllm", "version": "0.32.0", "device": "cpu", "cpu": "Xeon"}
words = st.dictionaries(st.sampled_from(sorted(H100)), st.text(max_size=5), max_size=6)


def serving(**fields):
    names = (
        EngineRequirement(name="vllm", version=">=0.32,<0.34"),
        EngineRequirement(name="openai"),
    )
    return Serving(engines=names, **{"cuda": ">=12.4", "driver": ">=550", **fields})


def test_what_lies_within_every_range_is_no_drift():
    assert unaccepted(serving(), H100) == ()
    assert unaccepted(serving(), {**H100, "version": "0.33.1+cu129"}) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": "0.31.2"}, "the release accepts vllm >=0.32,<0.34, and 0.31.2 is here"),
        ({"cuda": "12.1"}, "the release accepts CUDA >=12.4, and 12.1 is here"),
        ({"driver": "535.54"}, "the release accepts driver >=550, and 535.54 is here"),
        ({"driver": "none"}, "the release accepts driver >=550, and none is here"),
        (
            {"engine": "embedded"},
            "the release accepts the engines vllm, openai, and embedded serves here",
        ),
    ],
)
def test_what_lies_outside_a_range_is_named_from_both_sides(change, said):
    assert unaccepted(serving(), {**H100, **change}) == (said,)


def test_everything_is_said_at_once():
    found = unaccepted(serving(), {**H100, "version": "1.0", "cuda": "11.8", "driver": "450.1"})
    assert [one.split()[3] for one in found] == ["vllm", "CUDA", "driver"]


def test_a_range_of_cuda_binds_only_where_cuda_computes():
    assert unaccepted(serving(), CPU) == ()
    assert unaccepted(serving(), {"engine": "openai", "version": "1"}) == ()


def test_a_range_that_is_none_accepts_nothing():
    assert unaccepted(serving(cuda="12.x and up"), H100) == (
        "the release accepts CUDA 12.x and up, and 12.8 is here",
    )


def test_what_it_was_validated_on_is_compared_key_by_key():
    here = {**H100, "version": "0.32.1", "device_name": "NVIDIA H200", "driver": "580.1"}
    assert differences("desk", H100, here) == (
        f"the model 'desk' was validated with the device's name {HOPPER}, and NVIDIA H200 is here",
        "the model 'desk' was validated with the NVIDIA driver 570.86.15, and 580.1 is here",
        "the model 'desk' was validated with vllm 0.32.0, and 0.32.1 is here",
    )


def test_validated_on_a_gpu_and_served_by_a_processor_is_drift():
    assert "the device cuda, and cpu is here" in differences("desk", H100, CPU)[0]


def test_another_engine_is_one_difference():
    here = {"engine": "embedded", "version": "4.8.0"}
    assert differences("desk", H100, here) == (
        "the model 'desk' was validated on the engine vllm, and embedded serves it here",
    )


@given(words, words)
def test_only_what_both_sides_state_can_differ(one, other):
    assert differences("m", one, one) == ()
    found = differences("m", one, other)
    assert len(found) <= len(set(one) & set(other))
    same_engine = one.get("engine") == other.get("engine")
    if same_engine:
        assert len(found) == sum(one[key] != other[key] for key in set(one) & set(other))
