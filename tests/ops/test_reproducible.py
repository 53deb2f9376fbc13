"""Identity is content: the same anywhere, and different for one byte."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from builders import make_project, manifest, write_manifest
from gatekeeper.model.base import COMPONENTS
from releases import built, rebuilt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def shuffled(value: Any, seed: int) -> Any:
    """The same content with the keys of every mapping in another order."""
    if isinstance(value, dict):
        keys = sorted(value)
        random.Random(seed).shuffle(keys)  # noqa: S311
        return {key: shuffled(value[key], seed + 1) for key in keys}
    return [shuffled(item, seed) for item in value] if isinstance(value, list) else value


def test_another_place_time_user_and_order_give_the_same_digests(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    first = built(root).packed.release
    other = tmp_path / "elsewhere" / "copy"
    shutil.copytree(root, other, ignore=shutil.ignore_patterns("cache"))
    for index, path in enumerate(sorted(other.rglob("*"))):
        os.utime(path, (10**9 + index, 10**9 + index))
        if path.is_file():
            path.chmod(0o600)
    write_manifest(other, shuffled(manifest(), 7))
    manifest_path = other / "manifests/desk-v1.yaml"
    manifest_path.write_text("# A comment.\n" + manifest_path.read_text() + "\n\n")
    code = (
        "import os, sys; os.umask(0o077)\n"
        "from pathlib import Path\nfrom releases import built\n"
        "release = built(Path(sys.argv[1])).packed.release\n"
        "import json; print(json.dumps([release.digest, release.component_digests]))"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": "tests",
        "USER": "somebody",
        "LOGNAME": "somebody",
        "HOME": str(tmp_path),
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "4711",
    }
    done = subprocess.run(
        [sys.executable, "-c", code, str(other)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [first.digest, first.component_digests]


def _edit(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def edit(content: dict[str, Any]) -> None:
        for step in path[:-1]:
            content = content.setdefault(step, {})
        content[path[-1]] = value

    return edit


def _one_byte(root: Path, file: str) -> None:
    path = root / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


FILES = {
    "prompt": "manifests/desk/system.jinja",
    "model": "models/tiny/model.safetensors",
    "retrieval": "manifests/desk/docs/velar.md",
}
EDITS = {
    "serving": _edit("components", "serving", "sampling", "max_tokens", value=65),
    "router": _edit("components", "router", "tiers", "standard", "timeout_seconds", value=11),
    "tools": _edit(
        "components", "tools", "allow", "open_ticket", "description", value="Open a ticket!"
    ),
    "policy": _edit("components", "policy", "pii", "action", value="block"),
    "budgets": _edit("components", "budgets", "per_day", "usd", value=6),
}


@pytest.mark.parametrize("component", COMPONENTS)
def test_one_byte_changes_its_component_the_release_and_no_other(
    tmp_path: Path, component: str
) -> None:
    root = make_project(tmp_path)
    before = built(root).packed.release
    if component in FILES:
        _one_byte(root, FILES[component])
        after = built(root).packed.release
    else:
        after = rebuilt(root, EDITS[component]).packed.release
    changed = [
        name
        for name in COMPONENTS
        if before.component_digests[name] != after.component_digests[name]
    ]
    assert changed == [component]
    assert before.digest != after.digest


@pytest.mark.parametrize(
    ("edit", "same"),
    [
        (_edit("metadata", "owner", value="others"), True),
        (_edit("metadata", "version", value="2"), True),
        (_edit("metadata", "labels", value={"a": "b"}), True),
        (_edit("metadata", "teams", value={}), True),
        (_edit("evaluation", "policy", value="gates/x.yaml"), True),
        (_edit("metadata", "name", value="other"), False),
        (_edit("governance", "data_residency", value=["eu"]), False),
    ],
)
def test_labels_are_not_identity_but_name_and_governance_are(
    tmp_path: Path, edit: Callable[[dict[str, Any]], None], *, same: bool
) -> None:
    root = make_project(tmp_path)
    before = built(root).packed.release
    after = rebuilt(root, edit).packed.release
    assert (before.digest == after.digest) is same
    assert before.component_digests == after.component_digests


def test_a_renamed_model_file_or_document_is_another(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    before = built(root).packed.release
    weights = root / "models/tiny/model.safetensors"
    weights.rename(weights.with_name("weights.safetensors"))
    (root / "manifests/desk/docs/velar.md").rename(root / "manifests/desk/docs/other.md")
    after = built(root).packed.release
    changed = {
        name
        for name in COMPONENTS
        if before.component_digests[name] != after.component_digests[name]
    }
    assert changed == {"model", "retrieval"}
