from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.canonical import canonical, canonical_model, digest, short
from gatekeeper.errors import InputError
from gatekeeper.model.components import Sampling

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.text(), JSON))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert canonical(value) == canonical(dict(reversed(value.items())))


def test_known_bytes() -> None:
    assert canonical({"b": 1.0, "a": ["é", None, True]}) == '{"a":["é",null,true],"b":1}'.encode()
    assert digest(b"") == "sha256:" + "e3b0c44298fc1c149afbf4c8996fb924" + (
        "27ae41e4649b934ca495991b7852b855"
    )
    assert short(digest(b"")) == "e3b0c44298fc"


@pytest.mark.parametrize("value", [2**60, float("nan"), float("inf"), "\ud800"])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(InputError) as caught:
        canonical({"value": value})
    assert "canonical JSON" in caught.value.problems[0].message


def test_defaults_are_spelled_out() -> None:
    assert canonical_model(Sampling()) == canonical_model(Sampling(max_tokens=256))
    assert b'"temperature":0' in canonical_model(Sampling())
