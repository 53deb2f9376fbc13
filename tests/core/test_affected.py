"""Which manifests a set of changed files touches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.affected import (
    ITSELF,
    POLICY,
    UNKNOWN,
    Authored,
    Cause,
    Reference,
    concerns,
    policies,
    touched,
)

DESK = Authored(
    "manifests/desk.yaml",
    (
        Reference("prompts/desk.jinja", "prompt.system"),
        Reference("docs", "retrieval.snapshot"),
        Reference("gates/desk.yaml", POLICY),
    ),
)
OTHER = Authored("manifests/other.yaml", (Reference("prompts/other.jinja", "prompt.system"),))
PATHS = st.lists(st.sampled_from(["a", "b", "cc"]), min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ("manifests/desk.yaml", Cause("manifests/desk.yaml", ITSELF)),
        ("prompts/desk.jinja", Cause("prompts/desk.jinja", "prompt.system")),
        ("docs/tenants/acme/a.md", Cause("docs/tenants/acme/a.md", "retrieval.snapshot")),
        ("gates/desk.yaml", Cause("gates/desk.yaml", POLICY)),
    ],
)
def test_whatever_a_manifest_refers_to_touches_it_and_no_other(changed, cause):
    (found,) = touched([OTHER, DESK], {changed, "README.md"})
    assert found.manifest == DESK.file
    assert found.because == (cause,)


def test_what_nobody_refers_to_touches_nothing():
    assert touched([DESK, OTHER], {"README.md", "prompts/desk.jinja.orig", "docs2/a.md"}) == ()
    assert touched([DESK], ()) == ()


def test_where_references_are_not_known_any_change_may_concern_the_manifest():
    broken = Authored("manifests/broken.yaml", readable=False)
    (found,) = touched([broken], {"README.md"})
    assert found.because == (Cause(broken.file, UNKNOWN),)
    assert touched([broken], ()) == ()


def test_a_policy_that_changed_is_told_once_however_many_it_decides():
    both = [DESK, Authored("manifests/z.yaml", (Reference("gates/desk.yaml", POLICY),))]
    assert policies(touched(both, {"gates/desk.yaml", "docs/a.md"})) == ("gates/desk.yaml",)
    assert policies(touched(both, {"docs/a.md"})) == ()


@given(PATHS, PATHS)
def test_a_path_concerns_what_it_is_and_what_is_inside_or_around_it(one, other):
    within = (one + "/").startswith(other + "/") or (other + "/").startswith(one + "/")
    assert concerns(one, other) == concerns(other, one) == within


@given(st.sets(PATHS), st.sets(PATHS), PATHS)
def test_more_changes_never_touch_less(some, more, referred):
    manifest = Authored("m.yaml", (Reference(referred, "x"),))
    before = {c for one in touched([manifest], some) for c in one.because}
    after = {c for one in touched([manifest], some | more) for c in one.because}
    assert before <= after
