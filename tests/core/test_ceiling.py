"""A ceiling: what is used, what is set aside, and what it says when it is reached."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.ceiling import Ceiling, CeilingError

AMOUNTS = st.integers(0, 1000)
LIMITS = st.none() | AMOUNTS


def counted(ceiling: Ceiling) -> list[int]:
    """Used and set aside: nano-USD, then tokens."""
    return [ceiling.nano_usd + ceiling.held_nano_usd, ceiling.tokens + ceiling.held_tokens]


@settings(deadline=None)
@given(LIMITS, LIMITS, st.data())
def test_what_is_used_and_set_aside_is_never_more_than_the_ceiling(
    usd: int | None, tokens: int | None, data: st.DataObject
) -> None:
    """Calls in any order of beginning and ending, each using at most what was set aside for it."""
    ceiling, used = Ceiling(usd, tokens), [0, 0]
    under_way: list[tuple[int, int]] = []
    for _ in range(data.draw(st.integers(0, 30))):
        if under_way and data.draw(st.booleans()):
            reserved = under_way.pop(data.draw(st.integers(0, len(under_way) - 1)))
            actual = data.draw(st.integers(0, reserved[0])), data.draw(st.integers(0, reserved[1]))
            ceiling.settle(reserved, actual)
            used = [one + other for one, other in zip(used, actual, strict=True)]
        else:
            wanted = data.draw(AMOUNTS), data.draw(AMOUNTS)
            before, fits = counted(ceiling), ceiling.fits(*wanted)
            try:
                ceiling.reserve(*wanted)
            except CeilingError:
                assert not fits
                assert counted(ceiling) == before
            else:
                assert fits
                under_way.append(wanted)
        aside = [sum(call[part] for call in under_way) for part in (0, 1)]
        assert [ceiling.nano_usd, ceiling.tokens] == used
        assert counted(ceiling) == [one + other for one, other in zip(used, aside, strict=True)]
        for count, most in zip(counted(ceiling), (usd, tokens), strict=True):
            assert most is None or count <= most


def test_what_earlier_sittings_used_counts() -> None:
    ceiling = Ceiling(max_nano_usd=100, nano_usd=90)
    ceiling.reserve(10, 10**9)
    with pytest.raises(CeilingError) as caught:
        ceiling.reserve(1, 0)
    assert "--resume" in caught.value.fix
    assert caught.value.exit_code == 3


def test_what_is_set_aside_counts_until_it_is_settled() -> None:
    ceiling = Ceiling(max_nano_usd=100, max_tokens=1000)
    ceiling.reserve(60, 10)
    assert not ceiling.fits(41, 1)
    ceiling.settle((60, 10), (20, 5))
    assert (ceiling.nano_usd, ceiling.tokens) == (20, 5)
    assert (ceiling.held_nano_usd, ceiling.held_tokens) == (0, 0)
    assert ceiling.fits(80, 995)
    assert not ceiling.fits(80, 996)


def test_it_tells_what_is_used_from_what_is_only_set_aside() -> None:
    ceiling = Ceiling(max_nano_usd=2_000_000, max_tokens=10_000, nano_usd=284_800, tokens=2043)
    ceiling.reserve(1_677_200, 4_000)
    with pytest.raises(CeilingError) as caught:
        ceiling.reserve(100_000, 10)
    assert caught.value.what == (
        "the run has reached its ceiling: 0.000285 used and 0.001677 set aside for answers under "
        "way, of 0.002 USD; 2,043 used and 4,000 set aside, of 10,000 tokens"
    )
