"""Values that fields of several components have."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

Positive = Annotated[int, Field(gt=0, le=10**9)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
JsonSchema = dict[str, JsonValue]
