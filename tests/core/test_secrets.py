from __future__ import annotations

import pytest

from gatekeeper.core.secrets import find, within

# Put together here, so that no scanner of this repository takes them for real.
SAMPLES = [
    ("a private key", "-----BEGIN EC " + "PRIVATE KEY-----"),
    ("an AWS access key", "AKIA" + "ABCDEFGH12345678"),
    ("a GitHub token", "ghp_" + "a1" * 18),
    ("a Hugging Face token", "hf_" + "a1" * 16),
    ("a Slack token", "xoxb-" + "1234567890-abc"),
    ("a Google API key", "AIza" + "a1" * 17 + "b"),
    ("an API key", "sk-" + "proj-a1b2c3d4e5f6g7h8i9"),
]


@pytest.mark.parametrize(("kind", "text"), SAMPLES)
def test_is_found_by_kind_and_line(kind: str, text: str) -> None:
    assert find(f"first\nsee {text} here") == [(2, kind)]


@pytest.mark.parametrize(
    "text",
    [
        "risk-assessment-of-the-2024-projects",
        "sk-short",
        "sk-abcdefghijklmnopqrstuvwxyz",
        "AKIA",
        "",
    ],
)
def test_ordinary_words_are_not(text: str) -> None:
    assert find(text) == []


def test_is_found_inside_a_structure() -> None:
    secret = SAMPLES[1][1]
    value = {"a": ["x", {"b": secret}], secret: 1, "n": None}
    assert list(within(value)) == [(("a", 1, "b"), "an AWS access key"), ((), "an AWS access key")]
