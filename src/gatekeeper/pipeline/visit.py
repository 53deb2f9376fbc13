"""One request on its way through one release: what it is, what it has used, how it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gatekeeper.errors import GatekeeperError

if TYPE_CHECKING:
    from gatekeeper.model.envelope import Citation, RequestEnvelope, ResponseEnvelope, ToolCall
    from gatekeeper.model.record import Arm, CallRow, Lane, RequestRow, Status
    from gatekeeper.ports import Chunk, Clock, Message


@dataclass(frozen=True, slots=True)
class Context:
    """How and why a request is served; every field is copied into its record.

    Attributes:
        lane: Evaluation (`offline`) or one of the ways of serving.
        serial: Ledger entry that made the release active; 0 outside an environment.
        workload: Whose daily budget the request draws on.
        arm: The side of a comparison that it is sent for.
        replicate: Sampled with a seed of its own for each.
        scheduled_us: Load suite: when it was due, relative to the start of the run.
        parent: The request that this one follows or shadows.
        tags: ``tag=value`` of the sample, sorted.
    """

    lane: Lane
    serial: int = 0
    workload: str | None = None
    suite: str | None = None
    sample_id: str | None = None
    set_digest: str | None = None
    cluster: str | None = None
    replicate: int = 0
    turn: int = 0
    arm: Arm | None = None
    scheduled_us: int | None = None
    parent: str | None = None
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Served:
    """What came of a request: the response, its record, and one record for each model call.

    Attributes:
        chunks: What was retrieved for it, as the prompt showed it.
    """

    response: ResponseEnvelope
    request: RequestRow
    calls: tuple[CallRow, ...]
    chunks: tuple[Chunk, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of a request.

    Attributes:
        text: What the person is told.
        raw: What the model said, tool calls included; what the record keeps.
        reason: Why it is not plainly `ok`; a stable code.
        confidence: Mean token probability; 0 where no model spoke or none is known.
        schema_valid: None where no schema applies.
        policy_violation: An output rule matched text that went out all the same.
    """

    text: str
    raw: str = ""
    status: Status = "ok"
    reason: str | None = None
    citations: tuple[Citation, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    confidence: float = 0.0
    resolved: bool = False
    refused: bool | None = False
    schema_valid: bool | None = None
    policy_violation: bool = False


class HaltError(GatekeeperError):
    """The request ends here, with a status, and without what the model may have said.

    Args:
        reason: A stable code, such as `budget_breach`.
        message: What the person is told.
    """

    code = "halted"

    def __init__(
        self, status: Status, reason: str, message: str = "", *, refused: bool | None = False
    ) -> None:
        super().__init__(message or reason)
        self.answer = Answer(message, status=status, reason=reason, refused=refused)


class Deadline:
    """The end of the time that a request may take."""

    def __init__(self, clock: Clock, milliseconds: int) -> None:
        self._clock = clock
        self._end = clock.monotonic_us() + milliseconds * 1000

    def remaining(self) -> float:
        """Seconds left; negative when it has passed."""
        return (self._end - self._clock.monotonic_us()) / 1e6

    def check(self) -> None:
        """Raise `HaltError` when it has passed."""
        if self.remaining() <= 0:
            raise HaltError("blocked", "deadline", "There was not enough time to answer.")


@dataclass(slots=True)
class Visit:
    """Everything that the stages learn about one request.

    Attributes:
        text: The input, after the guardrails.
        chunks: What the prompt may show, best first.
        tier: The tier that answers, or would have.
        exchange: What follows the request: tool calls and their results, then the model's
            earlier attempts and what was wrong with them.
        shortfall: The first reason for which the answer is less than the release intends.
        flags: Rules that matched and only report.
        fell_back: A tier failed, and another was to answer.
        limited: The model would have been asked again if a limit had not forbidden it.
    """

    request: RequestEnvelope
    context: Context
    deadline: Deadline
    time: int
    started: int
    text: str
    chunks: tuple[Chunk, ...] = ()
    tier: str = ""
    exchange: tuple[Message, ...] = ()
    calls: list[CallRow] = field(default_factory=list)
    breach_actions: list[str] = field(default_factory=list)
    shortfall: str | None = None
    flags: list[str] = field(default_factory=list)
    forbidden_tool_calls: int = 0
    retries: int = 0
    loop_depth: int = 0
    fell_back: bool = False
    limited: bool = False

    def fall_short(self, reason: str) -> None:
        """The answer will be less than the release intends."""
        self.shortfall = self.shortfall or reason

    def act(self, action: str) -> None:
        """A breach action was taken."""
        if action not in self.breach_actions:
            self.breach_actions.append(action)

    @property
    def model_calls(self) -> int:
        """Attempts that reached an engine."""
        return sum(call.outcome != "circuit_open" for call in self.calls)
