from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from gatekeeper.model.environment import Environment
from gatekeeper.model.moment import Moment, rfc3339


def environment(**changes: Any) -> Environment:
    given = {"apiVersion": "gatekeeper/v1", "kind": "Environment", "name": "prod", **changes}
    return Environment.model_validate(given)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("24h", 86_400), ("7d", 604_800)]
)
def test_how_old_a_verdict_may_be(text: str, seconds: int) -> None:
    assert environment(verdict_max_age=text).max_age == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "24", "0h", "-1h", "1.5h", "24 h", "1w"])
def test_an_age_is_a_number_and_a_unit(text: str) -> None:
    with pytest.raises(ValidationError):
        environment(verdict_max_age=text)


def test_nothing_is_accepted_unless_it_is_said() -> None:
    found = environment()
    assert not found.accepts_development_keys
    assert not found.allow_unpinned_models


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("s3://bucket/prod", "ledgers at s3: come with a later version"),
        ("postgresql://host/db", "ledgers at postgresql: come with a later version"),
        ("https://host", "not the URL of a ledger"),
        ("ledger", "not the URL of a ledger"),
        ("file:", "not the URL of a ledger"),
    ],
)
def test_a_ledger_is_named_by_a_url_that_is_known(url: str, what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        environment(ledger=url)
    assert environment(ledger="file:/srv/ledger").ledger == "file:/srv/ledger"


def test_a_moment_is_utc_with_microseconds() -> None:
    moment = datetime(2026, 11, 20, 15, 3, 5, 250, tzinfo=timezone(timedelta(hours=1)))
    assert rfc3339(moment) == "2026-11-20T14:03:05.000250Z"
    adapter: TypeAdapter[datetime] = TypeAdapter(Moment)
    assert adapter.dump_python(adapter.validate_json('"2026-11-20T15:03:05+01:00"')) == (
        "2026-11-20T14:03:05.000000Z"
    )
    assert adapter.validate_python(moment).tzinfo is UTC
    with pytest.raises(ValidationError):
        adapter.validate_json('"2026-11-20T15:03:05"')
