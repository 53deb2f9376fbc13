"""What the report of an A/A run concludes."""

from __future__ import annotations

from gatekeeper.model.noise import Noise, RuleNoise
from gatekeeper.report.noise import noise_text


def conclusion(**outcomes: str | None) -> str:
    rules = tuple(RuleNoise(rule=name, metric="m", outcome=out) for name, out in outcomes.items())
    digest = f"sha256:{'0' * 64}"
    noise = Noise(
        release=digest, release_name="desk", run="r", flips=(), rules=rules, determinism={}
    )
    return noise_text(noise).rpartition("\n\n")[2]


def test_what_had_no_samples_is_not_called_noisy() -> None:
    said = conclusion(cost="inconclusive", latency="fail", safety="error", resolved=None)
    noisy, _, blind = said.partition("Without samples")
    assert "cost" in noisy
    assert "latency" in noisy
    assert "safety" not in noisy
    assert "resolved" not in said
    assert blind.split()[-1] == "safety"


def test_all_that_compares_and_passes_is_said_to() -> None:
    assert conclusion(cost="pass", resolved=None).startswith("Every rule that compares")
    said = conclusion(cost="pass", safety="error")
    assert "would have passed" in said
    assert said.endswith("  safety")


def test_nothing_is_praised_where_nothing_was_compared() -> None:
    assert "passed" not in conclusion(safety="error")
