"""Nothing that is said of a store gives its credentials away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.adapters.tracking.target import Target, redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:hunter2@mlflow.example/x", "https://***@mlflow.example/x"),
        ("postgresql://me:p%40ss@db/ml", "postgresql://***@db/ml"),
        ("https://h/x?api_token=abc&run=1", "https://h/x?api_token=***&run=1"),
        ("postgresql://h/db?password=abc", "postgresql://h/db?password=***"),
        ("sqlite:///mlflow.db", "sqlite:///mlflow.db"),
        ("mail to user@example.org", "mail to user@example.org"),
    ],
)
def test_credentials_are_left_out(text: str, shown: str) -> None:
    assert redacted(text) == shown


@given(st.text("abcdefghXYZ0189:%._~@-", min_size=1), st.sampled_from(["https", "mysql+pymysql"]))
def test_no_password_survives(password: str, scheme: str) -> None:
    assert redacted(f"failed: {scheme}://u:<{password}>@host/db").endswith("://***@host/db")


def test_secrets_of_the_environment_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "long-secret-value")
    monkeypatch.setenv("SHORT_TOKEN", "a")
    assert redacted("a header with long-secret-value") == "a header with ***"


def test_a_target_does_not_show_its_uri_by_accident() -> None:
    assert "hunter2" not in repr(Target("https://user:hunter2@mlflow.example"))
