"""A ceiling: what is used, what is set aside, and what it says when it is reached."""

from __future__ import annotations

import pytest

from gatekeeper.core.ceiling import Ceiling, CeilingError


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
