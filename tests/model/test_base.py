"""What every type shares."""

from __future__ import annotations

from functools import cached_property

from gatekeeper.model.base import Frozen


class Square(Frozen):
    side: int

    @cached_property
    def area(self) -> int:
        return self.side**2


def test_a_changed_copy_keeps_nothing_that_was_worked_out_before() -> None:
    square = Square(side=2)
    assert square.area == 4

    assert square.model_copy(update={"side": 3}).area == 9
    assert square.area == 4
