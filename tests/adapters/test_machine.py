"""What this machine would serve with."""

from __future__ import annotations

import sys

import pytest

from gatekeeper.adapters.machine import Machine, machine, read_version

HOPPER = Machine(
    torch="2.13.0+cu128",
    cuda="12.8",
    driver="570.86.15",
    gpus=("NVIDIA H100 80GB HBM3", "NVIDIA H100 80GB HBM3"),
    cpu="Xeon",
)


def test_a_machine_with_cuda_says_what_computes():
    assert HOPPER.fingerprint() == {
        "device": "cuda",
        "device_name": "NVIDIA H100 80GB HBM3",
        "device_count": "2",
        "cuda": "12.8",
        "driver": "570.86.15",
    }


def test_a_gpu_that_torch_was_not_built_for_computes_nothing():
    here = Machine(torch="2.13.0+cpu", cuda=None, driver="570.86.15", gpus=HOPPER.gpus, cpu="Xeon")
    assert here.fingerprint() == {"device": "cpu", "cpu": "Xeon"}


def test_a_build_for_cuda_without_driver_says_so():
    here = Machine(torch="2.13.0", cuda="12.8", driver=None, gpus=(), cpu="Xeon")
    assert here.fingerprint()["driver"] == "none"
    assert here.fingerprint()["device_count"] == "0"


def test_this_machine_is_looked_at_once():
    assert machine() is machine()
    assert machine().cpu
    assert bool(machine().gpus) <= (machine().driver is not None)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("__version__ = '2.13.0+cpu'\n", "2.13.0+cpu"),
        ('x: str\n\n__version__ = version = "0.32.0"\n', "0.32.0"),
        ("# nothing\n", None),
    ],
)
def test_versions_are_read_from_files(tmp_path, monkeypatch, text, version):
    package = tmp_path / "stated"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "version.py").write_text(text)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert read_version("stated", "version.py") == version
    assert read_version("stated", "absent.py") is None
    assert read_version("nowhere_to_be_found", "version.py") is None
