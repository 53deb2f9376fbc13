"""Late facts about an answer, as they come in over the wire."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from gatekeeper.model.envelope import Id, Wire
from gatekeeper.model.record import OutcomeRow


class Feedback(Wire):
    """What is known of one request; null means not known, and not everything may be null."""

    request_id: Id
    resolved: bool | None = None
    follow_up: bool | None = None
    corrected: bool | None = None
    dissatisfied: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.resolved, self.follow_up, self.corrected, self.dissatisfied) == (None,) * 4:
            raise ValueError("says nothing: give resolved, followUp, corrected or dissatisfied")
        return self

    def row(self, time_us: int) -> OutcomeRow:
        """As the record keeps it."""
        return OutcomeRow(time=time_us, source="feedback", **self.model_dump(by_alias=False))
