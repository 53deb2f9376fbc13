"""Failed samples: what was asked, what the model read, what it said, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.report.markup import escape, escape_line, one_line
from gatekeeper.report.tables import beside, facts, fold
from gatekeeper.report.watching import usd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.core.failing import Compared, Exchange, Talk
    from gatekeeper.model.record import CallRow

NAMES: Final = 9
"""Columns for what stands before each text."""
ROOM_FOR_TWO: Final = 72
"""Columns from which two answers stand beside each other."""


def failures_text(found: Sequence[Compared], total: int, width: int, *, named: bool = False) -> str:
    """What `gatekeeper runs show --failures` says.

    Args:
        found: The conversations that are shown.
        total: How many there are.
        width: Columns.
        named: They were asked for by name, failed or not.
    """
    if not found:
        return "no such sample in this run" if named else "[green]no failing samples[/green]"
    lines: list[str] = []
    for one in found:
        lines += [*_sample(one, width), ""]
    if named:
        return "\n".join(lines[:-1])
    shown = f"{len(found):,} of " if len(found) < total else ""
    more = f": --limit {total} shows all" if shown else ""
    return "\n".join([*lines, f"{shown}{total:,} failing samples{more}"])


def failures_document(found: Sequence[Compared], total: int) -> dict[str, Any]:
    """The same for programs."""
    return {"total": total, "samples": [_document(one) for one in found]}


def _document(one: Compared) -> dict[str, Any]:
    first = one.candidate.first
    return {
        "suite": first.suite,
        "sample_id": first.sample_id,
        "replicate": first.replicate,
        "failures": list(one.candidate.failures),
        "candidate": _talk_document(one.candidate),
        "baseline": _talk_document(one.baseline) if one.baseline else None,
    }


def _talk_document(talk: Talk) -> dict[str, Any]:
    return {
        "release": talk.first.release,
        "resolved": talk.resolved,
        "follow_up": talk.follow_up,
        "failures": list(talk.failures),
        "scores": [score.model_dump(mode="json") for score in talk.scores],
        "turns": [
            {
                "request": one.request.model_dump(mode="json"),
                "calls": [call.model_dump(mode="json") for call in one.calls],
                "chunks": [{"source": name, "text": text} for name, text in one.seen.chunks],
                "messages": [{"role": role, "content": text} for role, text in one.seen.messages],
                "unknown": one.seen.unknown or None,
            }
            for one in talk.exchanges
        ],
    }


def _sample(one: Compared, width: int) -> list[str]:
    first, failures = one.candidate.first, one.candidate.failures
    mark = "[red]✗[/red]" if failures else "[green]✓[/green]"
    name = one_line(first.sample_id or first.request_id)
    times = f", replicate {first.replicate}" if first.replicate else ""
    lines = [f"{mark} [bold]{name}[/bold]  {one_line(first.suite or '')}{times}"]
    for why in failures:
        lines += [f"    [red]{escape(line)}[/red]" for line in fold(why, width - 4)]
    for number, exchange in enumerate(one.candidate.exchanges):
        lines += _exchange(one, number, exchange, width)
    return [*lines, *facts([("scores", _scores(one.candidate))], width, NAMES)]


def _exchange(one: Compared, number: int, exchange: Exchange, width: int) -> list[str]:
    request, seen = exchange.request, exchange.seen
    turn = f" {number + 1}" if len(one.candidate.exchanges) > 1 else ""
    pairs = [(f"asked{turn}", request.input)]
    if seen.unknown:
        pairs.append(("prompt", seen.unknown))
        pairs.append(("sources", ", ".join(request.sources)))
    pairs += [(f"chunk {n}", f"{name}: {text}") for n, (name, text) in enumerate(seen.chunks, 1)]
    pairs += list(seen.messages)
    lines = facts(pairs, width, NAMES)
    lines += _answers(one, number, exchange, width)
    calls = "; ".join(_call(call) for call in exchange.calls)
    return [*lines, *facts([("state", _state(exchange)), ("calls", calls)], width, NAMES)]


def _answers(one: Compared, number: int, exchange: Exchange, width: int) -> list[str]:
    """The answer, and the baseline's beside it where it gave one to the same turn."""
    answer = exchange.request.answer or "(nothing)"
    if one.baseline is None or number >= len(one.baseline.exchanges):
        return facts([("answer", answer)], width, NAMES)
    other = one.baseline.exchanges[number].request.answer or "(nothing)"
    verdict = "failed too" if one.baseline.failures else "did not fail"
    if width < ROOM_FOR_TWO:
        return facts([("answer", answer), ("baseline", f"({verdict}) {other}")], width, NAMES)
    half = (width - 2 - 3) // 2
    left = ["candidate", *fold(answer, half)]
    right = [f"baseline, which {verdict}", *fold(other, half)]
    heads, *rest = beside(left, right, width - 2)
    return [f"  [dim]{escape(heads)}[/dim]", *(f"  {escape_line(line)}" for line in rest)]


def _state(exchange: Exchange) -> str:
    request = exchange.request
    said = [request.status, request.reason or "", f"by {request.route}" if request.route else ""]
    if request.refused:
        said.append("refused")
    if request.latency_us is not None:
        said.append(f"{request.latency_us / 1000:,.0f} ms")
    return ", ".join(word for word in said if word)


def _call(call: CallRow) -> str:
    count = "?" if call.tokens is None else f"{call.tokens:,}"
    cost = "no price" if call.nano_usd is None else usd(call.nano_usd)
    outcome = "" if call.outcome == "ok" else f", {call.outcome}"
    error = f": {call.error}" if call.error else ""
    cached = ", cached" if call.from_cache else ""
    return f"{call.model}, {count} tokens, {cost}{cached}{outcome}{error}"


def _scores(talk: Talk) -> str:
    said = []
    for score in talk.scores:
        value = "error" if score.value is None else f"{score.value:g}"
        why = score.error or score.detail
        said.append(f"{score.scorer} {value}" + (f" ({why})" if why else ""))
    if talk.resolved is not None:
        said.append("resolved" if talk.resolved else "not resolved")
    return "; ".join(said)
