from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.words import MAX_TOKENS, Piece, compare, counts, lines_changed

TEXTS = st.lists(st.sampled_from(["a", "b", "c", "\n", "d"]), max_size=30).map(" ".join)


def test_a_replaced_word() -> None:
    pieces = compare("Answer briefly. Sign.", "Answer in detail. Sign.")
    assert pieces == (
        Piece("same", ("Answer",)),
        Piece("removed", ("briefly.",)),
        Piece("added", ("in", "detail.")),
        Piece("same", ("Sign.",)),
    )
    assert counts(pieces) == (2, 1)


def test_blanks_alone_make_no_difference_but_line_breaks_do() -> None:
    assert compare("a  b", " a b ") == (Piece("same", ("a", "b")),)
    assert compare("a b", "a\nb")[1] == Piece("added", ("\n",))
    assert counts(compare("a b", "a\nb")) == (0, 0)
    assert compare("", "") == ()


@given(TEXTS, TEXTS)
def test_the_pieces_make_both_texts(old: str, new: str) -> None:
    pieces = compare(old, new)
    for side, text in (("removed", old), ("added", new)):
        kept = [w for piece in pieces if piece.operation in ("same", side) for w in piece.words]
        assert [word for word in kept if word != "\n"] == text.split()


def test_long_texts_with_one_change_are_compared_word_by_word() -> None:
    old = "one two\n" * MAX_TOKENS
    pieces = compare(old + "three", old + "four")
    assert [piece.operation for piece in pieces] == ["same", "removed", "added"]
    assert pieces[1:] == (Piece("removed", ("three",)), Piece("added", ("four",)))


def test_long_texts_with_many_changes_are_compared_by_line() -> None:
    lines = [f"line {number} of many" for number in range(MAX_TOKENS)]
    pieces = compare("\n".join(lines), "\n".join(["begin", *lines[1:-1], "end"]))
    assert pieces[0] == Piece("removed", ("line 0 of many",))
    assert pieces[-1] == Piece("added", ("end",))


def test_lines_changed() -> None:
    assert lines_changed(b"a\nb\n", b"a\nc\nd\n") == (2, 1)
