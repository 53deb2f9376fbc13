"""A row of gatekeeper's own schema: all that can be known of one request."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, model_validator

from gatekeeper.model.base import Frozen, Identifier, Usd
from gatekeeper.model.evalset import Suite
from gatekeeper.model.record import Status

Key = Annotated[str, Field(min_length=1, max_length=200)]
Micros = Annotated[int, Field(ge=0, le=2**53)]
Tag = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.-]*=", max_length=300)]
Count = Annotated[int, Field(ge=0, le=2**53)]
Score = Annotated[float, Field(allow_inf_nan=False)]


class FlatRecord(Frozen):
    """One request. Only `request_id` and `status` are required; null means not known."""

    request_id: Key
    status: Status
    sample_id: Key | None = None
    """What it asked, so that two releases can be compared; by default the request itself."""
    suite: Suite | None = None
    release: Key | None = None
    """``candidate``, ``baseline``, or the digest of one of them; the candidate by default."""
    conversation: Key | None = None
    turn: Annotated[int, Field(ge=0, le=1000)] | None = None
    replicate: Annotated[int, Field(ge=0, le=1000)] | None = None
    cluster: Key | None = None
    tags: list[Tag] | None = None
    """``tag=value`` of the sample, for slices."""
    time: Micros | None = None
    """Microseconds since the epoch, UTC."""
    reason: str | None = None
    """Why it ended as it did, in one word."""
    resolved: bool | None = None
    follow_up: bool | None = None
    corrected: bool | None = None
    dissatisfied: bool | None = None
    reviewed: bool | None = None
    refused: bool | None = None
    policy_violation: bool | None = None
    schema_valid: bool | None = None
    forbidden_tool_calls: Count | None = None
    breach_actions: list[str] | None = None
    fell_back: bool | None = None
    limited: bool | None = None
    continues: bool | None = None
    latency_us: Micros | None = None
    """Microseconds; in a load suite from when the request was due."""
    scheduled_us: Micros | None = None
    """Load suite: when it was due, in microseconds from the start."""
    time_to_first_token_us: Micros | None = None
    inter_token_us: Micros | None = None
    queue_us: Micros | None = None
    model: Key | None = None
    attempts: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Calls of a model that were made, retries included; 0 where no model was asked."""
    input_tokens: Count | None = None
    """Computed, and not read from a cache."""
    cached_input_tokens: Count | None = None
    """0 where `input_tokens` is given and this is not."""
    output_tokens: Count | None = None
    nano_usd: Count | None = None
    input_nano_usd: Count | None = None
    """Of `nano_usd`, what the prompt cost."""
    saved_nano_usd: Count | None = None
    """What the cached part of the prompt would have cost more."""
    usd: Usd | None = None
    task_class: Key | None = None
    tenant: Key | None = None
    route: Key | None = None
    input: str | None = None
    answer: str | None = None
    scores: dict[Identifier, Score | None] | None = None
    score_errors: dict[Identifier, str] | None = None
    """Scorers that crashed, and why."""
    partial: str | None = None
    """Why the run that this was exported from decides nothing; the imported one does not either."""

    @model_validator(mode="after")
    def _one_price(self) -> FlatRecord:
        if self.usd is not None and self.nano_usd is not None:
            raise ValueError("give `usd` or `nano_usd`, not both")
        return self


COLUMNS: Final = {
    name: kind
    for kind, names in {
        "VARCHAR": (
            "request_id status sample_id suite release conversation cluster reason model "
            "task_class tenant route input answer partial"
        ),
        "BIGINT": (
            "turn replicate time forbidden_tool_calls latency_us scheduled_us "
            "time_to_first_token_us inter_token_us queue_us attempts input_tokens "
            "cached_input_tokens output_tokens nano_usd input_nano_usd saved_nano_usd"
        ),
        "BOOLEAN": (
            "resolved follow_up corrected dissatisfied reviewed refused policy_violation "
            "schema_valid fell_back limited continues"
        ),
        "DOUBLE": "usd",
        "VARCHAR[]": "breach_actions tags",
        "MAP(VARCHAR, DOUBLE)": "scores",
        "MAP(VARCHAR, VARCHAR)": "score_errors",
    }.items()
    for name in names.split()
}
