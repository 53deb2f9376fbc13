"""What is told of a verdict that does not follow from its records."""

from __future__ import annotations

from gatekeeper.report.verification import differences
from verdicts import verdict


def test_values_are_told_as_the_document_writes_them() -> None:
    kept = verdict()
    other = kept.model_copy(update={"baseline": None, "parameters": {"allowed_delta": 0.02}})

    assert kept.baseline is not None
    assert differences(kept, other) == (
        f"baseline: {kept.baseline} is kept, null follows",
        'parameters: {} is kept, {"allowed_delta": 0.02} follows',
    )
