"""Whatever is not JSON, where JSON was asked for, is no answer that fits the schema."""

from __future__ import annotations

import pytest
from tests.pipeline.desks import desk


@pytest.mark.parametrize(
    "said", ['<tool>open_ticket {"item": "Zentor"}</tool>', "<tool>open_ticket {}</tool>"]
)
async def test_a_tool_call_does_not_conform(said):
    served = await desk(says=[said, said]).ask("a ticket please", response_format="json")
    assert served.request.schema_valid is False
    served = await desk(says=[said, said]).ask("a ticket please")
    assert served.request.schema_valid is None


async def test_a_request_that_stops_at_a_ceiling_does_not_conform():
    broken = '{"answer": '
    budgets = {"per_request": {"model_calls": 1}}
    made = desk(says=[broken, broken], budgets=budgets)
    served = await made.ask("Zentor warranty", response_format="json")
    assert served.request.schema_valid is False
