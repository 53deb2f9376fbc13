"""The rules of following a ledger, for every combination of what is live and what is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.errors import IntegrityError
from gatekeeper.runtime.following import Mark, Step, Target, decide


def target(serial: int, release: str | None = "v1", entry: str = "", lineage: str = "L") -> Target:
    return Target(lineage, serial, entry or f"entry-{serial}", release)


def test_the_first_release_is_opened() -> None:
    assert decide(target(1), live=None, mark=None, anchor=None) is Step.open


def test_an_empty_ledger_waits() -> None:
    assert decide(target(0, None), live=None, mark=None, anchor=None) is Step.wait


def test_the_same_head_is_kept() -> None:
    head = target(3)
    assert decide(head, live=head, mark=head.mark, anchor="entry-3") is Step.keep


def test_the_same_release_under_a_newer_entry_is_restated() -> None:
    old, new = target(3), target(4)
    assert decide(new, live=old, mark=old.mark, anchor="entry-3") is Step.restate


def test_another_release_is_opened() -> None:
    old, new = target(3), target(4, "v4")
    assert decide(new, live=old, mark=old.mark, anchor="entry-3") is Step.open


def test_a_restart_opens_the_head_it_served() -> None:
    head = target(3)
    assert decide(head, live=None, mark=head.mark, anchor="entry-3") is Step.open


@pytest.mark.parametrize(
    ("head", "anchor", "says"),
    [
        (target(2), None, "went back"),
        (Target("", 0, "", None), None, "went back"),
        (target(9, lineage="M"), "entry-3", "another ledger"),
        (target(3, entry="forged"), "forged", "history was rewritten"),
        (target(9), "forged", "history was rewritten"),
        (target(9), None, "history was rewritten"),
    ],
)
def test_a_ledger_that_is_not_the_one_served_is_refused(
    head: Target, anchor: str | None, says: str
) -> None:
    with pytest.raises(IntegrityError, match=says) as caught:
        decide(head, live=None, mark=Mark("L", 3, "entry-3"), anchor=anchor)
    assert caught.value.fix


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from(["v1", "v4", None]))))
def test_what_is_served_never_goes_back(heads: list[tuple[int, str | None]]) -> None:
    live: Target | None = None
    for serial, release in heads:
        head = target(serial, release)
        mark = live.mark if live else None
        try:
            step = decide(head, live=live, mark=mark, anchor=mark and mark.entry)
        except IntegrityError:
            assert live is not None
            assert serial < live.serial
            continue
        assert live is None or serial >= live.serial
        if step in {Step.open, Step.restate}:
            assert release is not None
            live = head
