"""Drift on this machine, read without loading an engine."""

from __future__ import annotations

import subprocess
import sys

import pytest

from builders import make_project
from gatekeeper.adapters.environment import check_environment, present
from gatekeeper.errors import EnvironmentDriftError, RefusedError
from releases import rebuilt


@pytest.fixture
def release(tmp_path):
    root = make_project(tmp_path)

    def edit(content):
        content["components"]["serving"] |= {
            "engines": [{"name": "embedded", "version": ">=4"}, {"name": "openai"}],
            "cuda": ">=12.4",
            "driver": ">=550",
        }

    return rebuilt(root, edit).packed.release


def test_what_is_here_is_what_the_engine_will_say_of_itself(release):
    here = present("embedded", release.components.serving)
    assert here["engine"] == "embedded"
    assert here["version"].count(".") == 2
    assert here["cpu"]


def test_a_release_that_asks_for_cuda_may_be_served_without_any(release):
    assert check_environment(release, "embedded") == ()


def test_validated_here_is_no_drift(release):
    here = present("embedded", release.components.serving)
    unknown = {"small": {**here, "compute_type": "int8"}, "other": {"engine": "vllm"}}
    assert check_environment(release, "embedded", unknown) == ()
    assert check_environment(release, "embedded", {"small": here}) == ()


def test_validated_elsewhere_is_refused_and_names_both_sides(release):
    here = present("embedded", release.components.serving)
    there = {**here, "version": "3.0.1", "cpu": "Abacus"}
    with pytest.raises(EnvironmentDriftError) as caught:
        check_environment(release, "embedded", {"small": there})
    said = str(caught.value)
    assert f"with embedded 3.0.1, and {here['version']} is here" in said
    assert f"the processor Abacus, and {here['cpu']} is here" in said
    assert "--allow-environment-drift" in said
    assert isinstance(caught.value, RefusedError)
    assert caught.value.exit_code == 1


def test_drift_that_is_allowed_is_told(release):
    here = present("embedded", release.components.serving)
    there = {"small": {**here, "cpu": "Abacus"}, "other": {"engine": "vllm"}}
    assert check_environment(release, "embedded", there, allow=True) == (
        f"the model 'small' was validated with the processor Abacus, and {here['cpu']} is here",
    )


def test_looking_imports_neither_torch_nor_an_engine():
    script = (
        "import sys; from gatekeeper.adapters.machine import machine; machine();"
        "print({'torch', 'vllm', 'ctranslate2'} & set(sys.modules))"
    )
    made = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert made.stdout == "set()\n"
