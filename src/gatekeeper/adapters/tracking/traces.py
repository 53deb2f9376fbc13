"""Failing samples as MLflow traces: the request, what it retrieved, and each call of a model.

Records have durations and the beginning of the request, so calls are laid end to end behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import mlflow
from mlflow.entities import AssessmentError, AssessmentSource, SpanType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatekeeper.model.record import CallRow, RequestRow, ScoreRow
    from gatekeeper.model.tracking import FailingSample, Tracked, TrackedTurn

SAMPLE_TAG: Final = "gatekeeper.sample"
"""Names the first request of the conversation."""
_PAGE: Final = 100
_US: Final = 1000
"""Nanoseconds in a microsecond."""
_FACTS: Final = (
    "sample_id",
    "suite",
    "cluster",
    "replicate",
    "turn",
    "tenant",
    "route",
    "status",
    "reason",
    "refused",
    "policy_violation",
    "schema_valid",
    "forbidden_tool_calls",
    "breach_actions",
    "conversation",
    "release",
)


class TraceSender:
    """The traces of one MLflow run."""

    def __init__(self, client: Any, experiment: str, run: str) -> None:
        self._client = client
        self._experiment = experiment
        self._run = run

    def send(self, tracked: Tracked) -> None:
        """Send what is not there yet.

        Raises:
            RuntimeError: MLflow took traces without complaint and does not have them.
        """
        there = self._there() if tracked.failing else {}
        for sample in tracked.failing:
            trace, scored = there.get(sample.id) or (self._trace(tracked, sample), frozenset())
            for score in sample.scores:
                if score.scorer not in scored:
                    _assess(trace, score)
        wanted = {sample.id for sample in tracked.failing}
        # A trace that cannot be exported is a line in MLflow's log, and no exception.
        if wanted - there.keys() and (lacking := wanted - self._there().keys()):
            raise RuntimeError(f"MLflow did not keep {len(lacking)} of {len(wanted)} traces")

    def _there(self) -> dict[str, tuple[str, frozenset[str]]]:
        """Traces that arrived earlier, by sample: their id, and the scores that they have."""
        return {
            trace.info.tags[SAMPLE_TAG]: (
                trace.info.trace_id,
                frozenset(one.name for one in trace.info.assessments),
            )
            for trace in self._pages()
            if SAMPLE_TAG in trace.info.tags
        }

    def _pages(self) -> Iterator[Any]:
        token = None
        while True:
            page = self._client.search_traces(
                locations=[self._experiment],
                filter_string=f"metadata.`mlflow.sourceRun` = '{self._run}'",
                max_results=_PAGE,
                page_token=token,
                include_spans=False,
            )
            yield from page
            token = page.token
            if not token:
                return

    def _trace(self, tracked: Tracked, sample: FailingSample) -> str:
        first = sample.turns[0].request
        began = _began(first, tracked)
        root = mlflow.start_span_no_context(
            name="conversation" if len(sample.turns) > 1 else "request",
            span_type=SpanType.CHAIN,
            inputs={"input": first.input},
            attributes=_facts(first),
            tags={SAMPLE_TAG: sample.id, "gatekeeper.run": tracked.run},
            metadata={"mlflow.sourceRun": self._run},
            experiment_id=self._experiment,
            start_time_ns=began,
        )
        ended = began
        for turn in sample.turns:
            start = _began(turn.request, tracked)
            ended = max(ended, _turn(root, turn, start, nested=len(sample.turns) > 1))
        last = sample.turns[-1].request
        root.end(outputs={"answer": last.answer}, status=_status(last), end_time_ns=ended)
        return str(root.trace_id)


def _began(request: RequestRow, tracked: Tracked) -> int:
    """Nanoseconds; records of other tools may not say when, and then it is when the run began."""
    return (request.time or round(tracked.started.timestamp() * 1_000_000)) * _US


def _status(request: RequestRow) -> str:
    return "ERROR" if request.status == "error" else "OK"


def _turn(root: Any, turn: TrackedTurn, began: int, *, nested: bool) -> int:
    """The spans of one request, `nested` where it is one of several; returns their end."""
    request, span = turn.request, root
    if nested:
        span = mlflow.start_span_no_context(
            name="request",
            span_type=SpanType.CHAIN,
            parent_span=root,
            inputs={"input": request.input},
            attributes=_facts(request),
            start_time_ns=began,
        )
    if request.sources:
        _retrieval(span, request, began)
    now = began
    for call in turn.calls:
        now = _call(span, call, now)
    ended = max(now, began + (request.latency_us or 0) * _US)
    if nested:
        span.end(outputs={"answer": request.answer}, status=_status(request), end_time_ns=ended)
    return ended


def _facts(request: RequestRow) -> dict[str, Any]:
    known = request.model_dump(mode="json", include=set(_FACTS), exclude_none=True)
    return {f"gatekeeper.{name}": value for name, value in known.items()}


def _retrieval(root: Any, request: RequestRow, began: int) -> None:
    span = mlflow.start_span_no_context(
        name="retrieval",
        span_type=SpanType.RETRIEVER,
        parent_span=root,
        inputs={"query": request.input},
        start_time_ns=began,
    )
    # Records name chunks, and the snapshot of the release holds their text.
    documents = [{"page_content": "", "metadata": {"doc_uri": one}} for one in request.sources]
    span.end(outputs=documents, end_time_ns=began)


def _call(parent: Any, call: CallRow, began: int) -> int:
    """The span of one call; returns its end."""
    known = call.model_dump(mode="json", exclude={"request_id"}, exclude_none=True)
    span = mlflow.start_span_no_context(
        name=f"{call.kind} {call.model}",
        span_type=SpanType.TOOL if call.kind == "tool" else SpanType.CHAT_MODEL,
        parent_span=parent,
        attributes={f"gatekeeper.{name}": value for name, value in known.items()},
        start_time_ns=began,
    )
    if call.kind == "model" and call.tokens is not None:
        span.set_attribute("mlflow.chat.tokenUsage", _usage(call, call.tokens))
    ended = began + (call.latency_us or 0) * _US
    span.end(
        outputs={"outcome": call.outcome, "error": call.error},
        status="OK" if call.outcome == "ok" else "ERROR",
        end_time_ns=ended,
    )
    return ended


def _usage(call: CallRow, total: int) -> dict[str, int]:
    """Tokens as MLflow adds them up."""
    output = call.output_tokens or 0
    return {"input_tokens": total - output, "output_tokens": output, "total_tokens": total}


def _assess(trace: str, score: ScoreRow) -> None:
    error = None
    if score.value is None:
        error = AssessmentError("SCORER_ERROR", score.error or "it gave no value")
    mlflow.log_feedback(
        trace_id=trace,
        name=score.scorer,
        value=score.value,
        error=error,
        rationale=score.detail,
        source=AssessmentSource(source_type="CODE", source_id=f"gatekeeper/{score.scorer}"),
    )
