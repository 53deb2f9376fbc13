"""What a manifest refers to: absent, outside, of the wrong kind, or not what it should be."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from bad_input.feeding import FIXTURES, MAX_SECONDS, call, fingerprint
from builders import make_project, manifest, write_manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Change = "Callable[[Path, dict[str, Any]], None]"


def prompt(key: str, file: str) -> Change:
    def change(_: Path, components: dict[str, Any]) -> None:
        components["prompt"][key] = {"file": file}

    return change


def with_file(name: str, data: bytes, change: Change) -> Change:
    def both(root: Path, components: dict[str, Any]) -> None:
        (root / name).write_bytes(data)
        change(root, components)

    return both


def with_link(name: str, target: str, change: Change) -> Change:
    def both(root: Path, components: dict[str, Any]) -> None:
        (root / name).symlink_to(target)
        change(root, components)

    return both


def snapshot(directory: str) -> Change:
    def change(_: Path, components: dict[str, Any]) -> None:
        components["retrieval"]["snapshot"]["directory"] = directory

    return change


def model(**source: str) -> Change:
    def change(_: Path, components: dict[str, Any]) -> None:
        components["model"]["models"]["small"]["source"] = source

    return change


def with_pipe(name: str, change: Change) -> Change:
    def both(root: Path, components: dict[str, Any]) -> None:
        os.mkfifo(root / name)
        change(root, components)

    return both


def guardrail(text: str) -> Change:
    def change(root: Path, components: dict[str, Any]) -> None:
        (root / "manifests/guardrail.yaml").write_text(text)
        components["tools"]["guardrail"] = {"file": "manifests/guardrail.yaml"}

    return change


def several(root: Path, components: dict[str, Any]) -> None:
    prompt("system", "absent.jinja")(root, components)
    prompt("template", "../outside.jinja")(root, components)
    snapshot("manifests/absent")(root, components)


DOCS = "manifests/desk/docs"
CASES: dict[str, Change] = {
    "prompt_absent": prompt("system", "manifests/desk/absent.jinja"),
    "prompt_outside": prompt("system", "../system.jinja"),
    "prompt_absolute": prompt("system", "/etc/hostname"),
    "prompt_behind_a_link": with_link("link", "/etc/hostname", prompt("system", "link")),
    "prompt_behind_a_circle": with_link("loop", "loop", prompt("system", "loop")),
    "prompt_is_a_directory": prompt("system", "manifests/desk"),
    "prompt_is_a_pipe": with_pipe("pipe", prompt("system", "pipe")),
    "prompt_is_latin_1": with_file("latin", "Büro".encode("latin-1"), prompt("system", "latin")),
    "prompt_with_escape": with_file("escape", b"red \x1b[31m", prompt("system", "escape")),
    "prompt_too_large": with_file("large", b"x" * 1_100_000, prompt("system", "large")),
    "schema_is_not_json": with_file(
        "s.json", b'{"type": "object"', prompt("output_schema", "s.json")
    ),
    "schema_is_a_list": with_file("s.json", b'["object"]', prompt("output_schema", "s.json")),
    "few_shot_misspelt": with_file(
        "f.yaml", b"- {user: a, asistant: b}\n", prompt("few_shot", "f.yaml")
    ),
    "guardrail_misspelt": guardrail("policy: agent_execution\ndefaults: {network_egres: deny}\n"),
    "guardrail_of_wrong_type": guardrail("- deny\n"),
    "snapshot_absent": snapshot("manifests/absent"),
    "snapshot_outside": snapshot(".."),
    "snapshot_is_a_file": snapshot("manifests/desk/system.jinja"),
    "snapshot_with_a_pipe": with_pipe(f"{DOCS}/pipe", snapshot(DOCS)),
    "snapshot_with_a_link_outside": with_link(f"{DOCS}/out.md", "/etc/hostname", snapshot(DOCS)),
    "snapshot_with_a_binary": with_file(f"{DOCS}/a.pdf", b"%PDF\xff\xfe", snapshot(DOCS)),
    "model_absent": model(directory="models/absent"),
    "model_outside": model(directory="../models"),
    "model_not_in_any_cache": model(repo="org/model", revision="0" * 40),
    "several_at_once": several,
}


@pytest.mark.parametrize("name", CASES)
def test_is_refused_where_the_manifest_names_it(
    name: str,
    tmp_path: Path,
    golden: Callable[[Path, str], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    root = make_project(tmp_path)
    content = manifest()
    CASES[name](root, content["components"])
    path = write_manifest(root, content)
    before = fingerprint(root)
    answer = call(["build", str(path), "--project", str(root)], capsys)
    golden(FIXTURES / "references" / f"{name}.txt", answer.err.replace(str(tmp_path), "TMP"))
    assert (answer.code, answer.out) == (2, "")
    assert fingerprint(root) == before
    assert answer.seconds < MAX_SECONDS
