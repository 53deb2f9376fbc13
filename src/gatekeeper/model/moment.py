"""A moment: UTC, microseconds, written the same way everywhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, PlainSerializer


def utc(moment: datetime) -> datetime:
    """The same moment in UTC."""
    return moment.astimezone(UTC)


def rfc3339(moment: datetime) -> str:
    """``2026-11-20T14:03:05.000250Z``: fixed width, so that text order is time order."""
    return utc(moment).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Moment = Annotated[AwareDatetime, AfterValidator(utc), PlainSerializer(rfc3339, return_type=str)]
"""RFC 3339 with a time zone on the way in, UTC with microseconds on the way out."""
