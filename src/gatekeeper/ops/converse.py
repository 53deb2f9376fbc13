"""One sample and one release: everything that is said, and what becomes of it in the records."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from gatekeeper.core.scoring import Conversation, Reply, falls_short
from gatekeeper.model.envelope import RequestEnvelope, ToolTurn, Turn
from gatekeeper.model.record import CallRow, OutcomeRow, ScoreRow
from gatekeeper.pipeline.visit import Context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.scoring import Score
    from gatekeeper.model.envelope import ToolCall
    from gatekeeper.model.evalset import EvalSet, Sample
    from gatekeeper.model.record import Arm, RequestRow, Row
    from gatekeeper.pipeline.visit import Served
    from gatekeeper.ports import Clock

USER: Final = "evaluation"
SAFETY: Final = "safety"
MAX_TOOL_ROUNDS: Final = 32
"""Rounds of tool calls in one turn: the release's own limit ends it earlier."""


class Handler(Protocol):
    """A pipeline, as far as an evaluation needs one."""

    async def handle(self, request: RequestEnvelope, context: Context) -> Served:
        """One request, start to end."""
        ...


class Scoring(Protocol):
    """The scorers of one eval set, ready for use."""

    @property
    def has_outcomes(self) -> bool:
        """Whether the set says of its conversations if a need was met."""
        ...

    @property
    def has_policy(self) -> bool:
        """Whether a scorer looks for violations."""
        ...

    @property
    def compares(self) -> bool:
        """Whether a scorer compares the candidate's conversation with the baseline's."""
        ...

    async def score(self, talk: Conversation) -> tuple[Score, ...]:
        """What each scorer says that has something to say; crashes included."""
        ...

    async def compare(self, candidate: Conversation, baseline: Conversation) -> tuple[Score, ...]:
        """What each scorer says of the two conversations on one sample, side by side."""
        ...

    def resolved(self, talk: Conversation, scores: Sequence[Score]) -> bool | None:
        """Whether the need was met; None where the scores cannot say."""
        ...

    def violates(self, scores: Sequence[Score]) -> bool | None:
        """Whether a policy was violated; None where who would know crashed or was silent."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """One sample as it is put to one release.

    Attributes:
        run: Id of the run.
        header: Of the sample's set.
        place: Distinguishes the conversation in the run, such as ``quality:12:0:candidate``.
        system: System prompt of the release, for scorers that look for it in answers.
    """

    run: str
    header: EvalSet
    set_digest: str
    sample: Sample
    place: str
    arm: Arm
    replicate: int = 0
    workload: str | None = None
    system: str = ""
    due_us: int | None = None

    @property
    def conversation(self) -> str:
        """Id of the conversation."""
        return f"{self.run}:{self.place}"

    def context(self, turn: int) -> Context:
        """How the request of a turn is served and recorded."""
        cluster = self.header.cluster
        return Context(
            lane="offline",
            workload=self.workload,
            suite=self.header.suite,
            sample_id=self.sample.id,
            set_digest=self.set_digest,
            cluster=self.sample.tags.get(cluster) if cluster else None,
            replicate=self.replicate,
            turn=turn,
            arm=self.arm,
            scheduled_us=self.due_us,
            tags=tuple(sorted(f"{tag}={value}" for tag, value in self.sample.tags.items())),
        )


@dataclass(frozen=True, slots=True)
class Held:
    """A conversation that was held and scored."""

    conversation: Conversation
    rows: tuple[Row, ...]


async def converse(case: Case, handler: Handler, scoring: Scoring, clock: Clock) -> Held:
    """The whole conversation of a sample with a release, scored, and its records."""
    talk = _Talk(case, handler)
    asked_again = await talk.held()
    conversation = talk.conversation()
    scores = await scoring.score(conversation)
    first = talk.served[0].request
    rows: list[Row] = [_judged(first, scores, scoring)]
    rows += [later.request for later in talk.served[1:]]
    rows += [call for one in talk.served for call in one.calls]
    rows += talk.tool_calls
    rows += score_rows(first, scores)
    if scoring.has_outcomes:
        resolved = scoring.resolved(conversation, scores)
        follow_up = asked_again or first.status == "error"
        rows.append(_outcome(first, clock, resolved=resolved, follow_up=follow_up))
    return Held(conversation, tuple(rows))


async def ask_once(case: Case, handler: Handler) -> Served:
    """The first message of a sample and nothing more, as a load suite sends it."""
    return await _Talk(case, handler).ask(case.sample.input)


class _Talk:
    """A conversation while it is held."""

    def __init__(self, case: Case, handler: Handler) -> None:
        self.case = case
        self.served: list[Served] = []
        self.tool_calls: list[CallRow] = []
        self._handler = handler
        self._history: list[Turn] = []

    async def held(self) -> bool:
        """Say everything; returns whether the person had to ask a second time."""
        sample = self.case.sample
        await self._turn(sample.input)
        for text in sample.then:
            await self._turn(text)
        asked_again = falls_short(self.conversation())
        if asked_again and sample.follow_up is not None:
            await self._turn(sample.follow_up)
        return asked_again

    def conversation(self) -> Conversation:
        """What was said so far."""
        replies = tuple(
            Reply(one.response, one.request, tuple(chunk.text for chunk in one.chunks))
            for one in self.served
        )
        case = self.case
        return Conversation(case.sample, replies, case.header.abstentions, case.system)

    async def ask(self, text: str, exchange: Sequence[ToolTurn] = ()) -> Served:
        """One request; it is remembered."""
        case, turn = self.case, len(self.served)
        request = RequestEnvelope(
            request_id=f"{case.conversation}:{turn}",
            conversation_id=case.conversation,
            tenant_id=case.sample.tenant,
            user_id=USER,
            input=text,
            task_class=case.sample.task_class,
            response_format=case.sample.response_format,
            history=tuple(self._history),
            exchange=tuple(exchange),
        )
        found = await self._handler.handle(request, case.context(turn))
        self.served.append(found)
        return found

    async def _turn(self, text: str) -> None:
        """One message of the person, and the tools that the model calls before it answers."""
        exchange: list[ToolTurn] = []
        found = await self.ask(text)
        while len(exchange) < MAX_TOOL_ROUNDS and (results := self._results(found)):
            exchange.append(ToolTurn(role="assistant", content=found.request.answer))
            exchange += [ToolTurn(role="tool", content=result) for result in results]
            found = await self.ask(text, exchange)
        answer = found.response.answer
        self._history += [
            Turn(role="user", content=text),
            Turn(role="assistant", content=answer),
        ]

    def _results(self, found: Served) -> list[str]:
        """What the called tools answer; nothing where one has no script or waits for a person."""
        script, calls = self.case.sample.tool_results, found.response.tool_calls
        if not calls or not all(call.approved and call.name in script for call in calls):
            return []
        self.tool_calls += [
            _tool_row(found.request, call, number)
            for number, call in enumerate(calls, len(self.tool_calls))
        ]
        return [_text(script[call.name]) for call in calls]


def _text(result: Any) -> str:
    return result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)


def _tool_row(request: RequestRow, call: ToolCall, number: int) -> CallRow:
    """A tool call that the sample's script answered."""
    return CallRow(
        request_id=request.request_id,
        attempt=1000 + number,
        kind="tool",
        model=call.name,
        latency_us=0,
        outcome="ok",
        unauthorised=not call.approved,
    )


def _judged(row: RequestRow, scores: Sequence[Score], scoring: Scoring) -> RequestRow:
    """The record, with what the scorers say of the policy on top of what the pipeline said.

    That the pipeline saw nothing wrong with its own answer does not clear an attack.
    """
    if not scoring.has_policy and row.suite != SAFETY:
        return row
    violation = row.policy_violation or scoring.violates(scores)
    return row.model_copy(update={"policy_violation": violation})


def score_rows(row: RequestRow, scores: Sequence[Score]) -> list[Row]:
    """Scores are of conversations; they stand on the first request, with what they cost."""
    rows: list[Row] = [call for one in scores for call in one.calls]
    rows += [
        ScoreRow(
            request_id=row.request_id,
            scorer=one.scorer,
            value=one.value,
            error=one.error,
            detail=one.detail,
        )
        for one in scores
    ]
    return rows


def _outcome(
    row: RequestRow, clock: Clock, *, resolved: bool | None, follow_up: bool
) -> OutcomeRow:
    return OutcomeRow(
        request_id=row.request_id,
        time=clock.now_us(),
        source="scorer",
        resolved=resolved,
        follow_up=follow_up,
    )
