"""The wheel alone is enough: example, model and policies are inside it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel built from this checkout, unpacked where only it can be found."""
    directory = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = directory.glob("*.whl")
    site = directory / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def run(site, *arguments, cwd):
    """gatekeeper from the unpacked wheel."""
    return subprocess.run(
        [sys.executable, "-m", "gatekeeper", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_example_from_an_installed_package_builds(installed, tmp_path):
    made = run(installed, "init", "desk", "--example", "support-desk", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    built = run(installed, "build", "manifests/support-desk-v1.yaml", cwd=tmp_path / "desk")
    assert built.returncode == 0, built.stderr
    assert "sha256:" in built.stdout


def test_wheel_holds_no_training_code_and_no_tests(installed):
    names = {path.relative_to(installed).as_posix() for path in installed.rglob("*")}
    assert "gatekeeper/_example/models/support-desk/model.safetensors" in names
    assert not [name for name in names if "training" in name or "tests/" in name]
