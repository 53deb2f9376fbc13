"""Valid manifests, damaged: never a traceback, never a wait, never a project that is changed.

The project has no keys, so that even a manifest that survived its damage cannot be signed.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bad_input.feeding import MAX_SECONDS, PLACES, call, fingerprint
from builders import MANIFEST, make_project

if TYPE_CHECKING:
    from pathlib import Path

    from hypothesis.strategies import DrawFn

QUIET = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
ODD_BYTES = st.sampled_from(
    [
        b"\x00",
        b"\xff",
        b"\t",
        b"\n",
        b"{",
        b"[",
        b"&a ",
        b"*a ",
        b"!x ",
        b"---\n",
        b": ",
        b"- ",
        b"'",
        b"\xef\xbb\xbf",
        b"\xe2\x80\xa8",
        b"..",
        b"<<: ",
        b"? ",
        b"\\",
        b"{{ x",
        b"{% for",
        b"#",
        b"9" * 30,
    ]
)
ODD_VALUES = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        1.5,
        2**60,
        "",
        "no",
        "../..",
        "/etc/passwd",
        ".",
        "{{ secret }}",
        "{% raw",
        "(" * 50,
        "models/tiny",
        "manifests",
        "a\x00b",
        "\u202e",
        "x" * 5000,
        [],
        {},
        [[]],
        {"file": "."},
        {"file": "manifests/desk/docs"},
        {"directory": ".."},
        {"directory": ".gatekeeper"},
        {"$ref": "#"},
    ]
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("mutated"))


@st.composite
def damaged_bytes(draw: DrawFn) -> bytes:
    """The manifest as YAML with a few pieces of it cut out, repeated, or replaced."""
    data = json.dumps(MANIFEST, indent=1).encode() if draw(st.booleans()) else _as_yaml()
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        piece = draw(ODD_BYTES | st.binary(max_size=3) | st.just(data[start:end] * 2))
        data = data[:start] + piece + data[end:]
    return data


@st.composite
def damaged_tree(draw: DrawFn) -> dict[str, Any]:
    """The manifest's content with a few values replaced, removed, or moved to another key."""
    content = copy.deepcopy(MANIFEST)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(_places(content)))
        _damage(draw, content, place)
    return content


def _damage(draw: DrawFn, content: Any, place: tuple[str | int, ...]) -> None:
    *parents, last = place
    for part in parents:
        content = content[part]
    action = draw(st.sampled_from(["replace", "remove", "rename"]))
    if action == "replace":
        content[last] = copy.deepcopy(draw(ODD_VALUES))
    elif action == "remove":
        del content[last]
    elif isinstance(content, dict):
        content[draw(st.sampled_from(["name", "file", "model", "x", "a b", "api_key"]))] = (
            content.pop(last)
        )


def _places(content: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = content.items() if isinstance(content, dict) else enumerate(content)
    found = []
    for key, value in inner:
        found.append((*path, key))
        if isinstance(value, dict | list):
            found += _places(value, (*path, key))
    return found


def _as_yaml() -> bytes:
    import io

    from ruamel.yaml import YAML

    text = io.StringIO()
    YAML().dump(MANIFEST, text)
    return text.getvalue().encode()


def survives(data: bytes, root: Path, capture: pytest.CaptureFixture[str]) -> None:
    path = root / PLACES["manifest"]
    path.write_bytes(data)
    before = fingerprint(root)
    answer = call(["build", str(path), "--project", str(root)], capture)
    assert answer.code in {2, 3}, answer.err
    assert "Traceback" not in answer.err + answer.out
    assert answer.seconds < MAX_SECONDS
    assert fingerprint(root) == before


@QUIET
@given(data=damaged_bytes())
def test_damaged_bytes(data: bytes, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    survives(data, project, capsys)


@QUIET
@given(content=damaged_tree())
def test_damaged_content(
    content: dict[str, Any], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    survives(json.dumps(content).encode(), project, capsys)
