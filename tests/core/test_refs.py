from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.refs import Ref, RefKind, parse_ref
from gatekeeper.errors import UsageError

WHOLE = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("manifests/desk-v1.yaml", Ref(RefKind.manifest, "manifests/desk-v1.yaml")),
        ("desk.yml", Ref(RefKind.manifest, "desk.yml")),
        ("env:prod", Ref(RefKind.environment, "prod")),
        (WHOLE, Ref(RefKind.digest, WHOLE)),
        (f"desk@{WHOLE}", Ref(RefKind.digest, WHOLE, "desk")),
        ("desk@sha256:abcd", Ref(RefKind.prefix, "sha256:abcd", "desk")),
        ("abcd", Ref(RefKind.prefix, "sha256:abcd")),
        ("sha256:abcd12", Ref(RefKind.prefix, "sha256:abcd12")),
        ("support-desk", Ref(RefKind.name, "support-desk")),
        ("abc", Ref(RefKind.name, "abc")),
    ],
)
def test_forms(text: str, expected: Ref) -> None:
    assert parse_ref(text) == expected


@pytest.mark.parametrize(
    "text", ["", "env:", "env:Prod!", "Desk", "a@b", "desk@sha256:", "sha256:xyz", "../x", "a b"]
)
def test_what_is_no_ref_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_ref(text)
    assert "env:NAME" in caught.value.fix


@given(st.text())
def test_any_text_is_a_ref_or_refused(text: str) -> None:
    with suppress(UsageError):
        assert parse_ref(text).value
