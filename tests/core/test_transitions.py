"""The ledger's rules, as examples and as a random walk."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gatekeeper.core import transitions
from gatekeeper.core.transitions import Change, Tip
from gatekeeper.model.ledger import LedgerEntry, Stable, State

START = datetime(2026, 11, 20, tzinfo=UTC)
RELEASES = tuple(f"sha256:{digit * 64}" for digit in "abcd")


def change(release: str, minutes: int = 0) -> Change:
    return Change(release, "desk", "ada", "because", START + timedelta(minutes=minutes))


def digest(entry: LedgerEntry) -> str:
    return "sha256:" + hashlib.sha256(entry.model_dump_json().encode()).hexdigest()


class Book:
    """A ledger in memory that follows the rules."""

    def __init__(self, *moves: str) -> None:
        self.entries: list[LedgerEntry] = []
        for move in moves:
            self.move(move)

    @property
    def tip(self) -> Tip | None:
        return Tip(self.entries[-1], digest(self.entries[-1])) if self.entries else None

    def read(self, serial: int) -> LedgerEntry:
        return self.entries[serial - 1]

    def move(self, text: str, minutes: int = 0) -> LedgerEntry:
        """`a` promotes release a, `<a` rolls back to it."""
        wanted = change(RELEASES["abcd".index(text[-1])], minutes)
        if self.tip is None:
            entry = transitions.first("prod", "0" * 32, wanted)
        else:
            action = "rollback" if text.startswith("<") else "promote"
            if action == "rollback":
                wanted = replace(wanted, promoted=self.promoted(wanted.release))
            entry = transitions.following(self.tip, action, wanted)
        self.entries.append(entry)
        return entry

    def promoted(self, release: str) -> int | None:
        good = transitions.good(self.read, len(self.entries))
        return next((one.promoted for one in good if one.release == release), None)

    @property
    def good(self) -> str:
        good = transitions.good(self.read, len(self.entries))
        return "".join("abcd"[RELEASES.index(one.release)] for one in good)


@pytest.mark.parametrize(
    ("moves", "good"),
    [
        ("a", ""),
        ("a b", "a"),
        ("a b c", "ba"),
        ("a b <a", ""),
        ("a b c <b", "a"),
        ("a b c <b <a", ""),
        ("a b c <a", ""),
        ("a b <a c", "a"),
        ("a b <a b", "a"),
        ("a b c <b d", "ba"),
        ("a b c <b d <b", "a"),
        ("a b <c", "ba"),
        ("b a b <a <b", ""),
    ],
)
def test_good_is_what_was_stable_before_the_current_one_came(moves: str, good: str) -> None:
    assert Book(*moves.split()).good == good


def test_a_clock_that_went_back_does_not_reorder_entries() -> None:
    book = Book("a")
    book.move("b", minutes=10)
    entry = book.move("c", minutes=-10)
    assert entry.time == START + timedelta(minutes=10)


def test_when_a_release_was_last_stable() -> None:
    book = Book("a", "b", "c")
    found = transitions.was_stable(book.read, 3, RELEASES[1])
    assert found is not None
    assert found.since == 2
    assert transitions.was_stable(book.read, 3, RELEASES[3]) is None


def altered(entry: LedgerEntry, **changes: object) -> LedgerEntry:
    return entry.model_copy(update=changes)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"serial": 4}, "serial 4 follows serial 1"),
        ({"previous": RELEASES[0]}, "does not name the previous entry"),
        ({"lineage": "1" * 32}, "another ledger"),
        ({"environment": "local"}, "the environment local"),
        ({"time": START - timedelta(seconds=1)}, "dated before"),
    ],
)
def test_every_way_not_to_follow_is_named(changes: dict[str, object], what: str) -> None:
    book = Book("a")
    entry = altered(transitions.following(book.tip, "promote", change(RELEASES[1])), **changes)
    assert any(what in breach for breach in transitions.breaches(book.tip, entry))


def test_an_entry_that_changes_nothing_is_no_successor() -> None:
    book = Book("a")
    entry = transitions.following(book.tip, "promote", change(RELEASES[0]))
    assert transitions.breaches(book.tip, entry) == (
        "it changes nothing: the same release was stable before",
    )


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"serial": 2}, "the first entry has serial 2"),
        ({"previous": RELEASES[0]}, "names a previous one"),
        ({"action": "rollback"}, "is a rollback"),
    ],
)
def test_a_first_entry_is_checked_too(changes: dict[str, object], what: str) -> None:
    entry = altered(transitions.first("prod", "0" * 32, change(RELEASES[0])), **changes)
    assert any(what in breach for breach in transitions.breaches(None, entry))


@pytest.mark.parametrize(
    ("stable", "what"),
    [
        ({"since": 1, "promoted": 1}, "became stable in entry 1"),
        ({"promoted": 1}, "promoted by entry 1"),
    ],
)
def test_an_entry_says_of_itself_what_is_so(stable: dict[str, int], what: str) -> None:
    book = Book("a")
    entry = transitions.following(book.tip, "promote", change(RELEASES[1]))
    changed = entry.state.stable.model_copy(update=stable)
    entry = altered(entry, state=State(stable=changed))
    assert any(what in breach for breach in transitions.breaches(book.tip, entry))


def test_a_release_cannot_have_been_promoted_after_it_became_stable() -> None:
    with pytest.raises(ValueError, match="promoted by entry 3, stable since entry 2"):
        Stable(release=RELEASES[0], name="desk", since=2, promoted=3)


class Walk(RuleBasedStateMachine):
    """Promote and roll back at random; a stack of good releases says what has to come out."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()
        self.good: list[str] = []

    @rule(name=st.sampled_from("abcd"), minutes=st.integers(-5, 5))
    def promote(self, name: str, minutes: int) -> None:
        if self.good and self.good[-1] == name:
            return
        self.append(name, minutes)
        self.good.append(name)

    @precondition(lambda self: len(self.good) > 1)
    @rule(minutes=st.integers(-5, 5))
    def rollback(self, minutes: int) -> None:
        self.good.pop()
        self.append("<" + self.good[-1], minutes)

    def append(self, move: str, minutes: int) -> None:
        before = self.book.tip
        entry = self.book.move(move, minutes)
        assert transitions.breaches(before, entry) == ()

    @property
    def stable(self) -> str:
        return "abcd"[RELEASES.index(self.book.entries[-1].state.stable.release)]

    @invariant()
    def the_good_releases_are_the_stack_below_its_top(self) -> None:
        if self.good:
            assert self.stable == self.good[-1]
            assert self.book.good == "".join(reversed(self.good[:-1]))

    @invariant()
    def serials_and_times_only_grow(self) -> None:
        serials = [entry.serial for entry in self.book.entries]
        times = [entry.time for entry in self.book.entries]
        assert serials == list(range(1, len(serials) + 1))
        assert times == sorted(times)

    @invariant()
    def every_entry_survives_being_written(self) -> None:
        for entry in self.book.entries[-1:]:
            assert LedgerEntry.model_validate_json(entry.model_dump_json()) == entry


Walk.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestWalk = Walk.TestCase
