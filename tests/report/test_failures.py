"""How failed samples look, hostile answers included."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.text import Text

from gatekeeper.core.failing import Compared, Exchange, Seen, Talk
from gatekeeper.model.record import CallRow, RequestRow, ScoreRow
from gatekeeper.report.failures import failures_document, failures_text

GOLDEN = Path(__file__).parent.parent / "golden" / "runs"
HOSTILE = "[red]24 months[/red] [link=file:///etc]\x1b[2J\x1b]0;owned\x07\u202e\r\nsecond\\ line [/"


def talk(arm, answer, *, resolved, **changes):
    request = RequestRow(
        request_id=f"{arm}:0",
        time=0,
        lane="offline",
        release="sha256:" + arm[0] * 64,
        sample_id="quality-0007",
        suite="quality",
        status="ok",
        route="standard",
        latency_us=12_345,
        sources=("zentor.md#0",),
        input="What is the warranty of the [bold]Zentor[/bold] Prime, and how long do I have?",
        answer=answer,
        **changes,
    )
    call = CallRow(
        request_id=request.request_id, attempt=1, model="small", latency_us=1, outcome="ok",
        input_tokens=212, output_tokens=24, nano_usd=45_600,
    )  # fmt: skip
    seen = Seen(
        (("zentor.md#0", "The warranty of the Zentor Prime is 24 months. " * 3),),
        (("system", "You are the desk."), ("user", "Context:\n[1] The warranty\nQuestion: What?")),
    )
    value = float(resolved)
    scores = (
        ScoreRow(request_id=request.request_id, scorer="facts", value=value, detail="lacks x"),
    )
    return Talk(arm, (Exchange(request, (call,), seen),), scores, resolved)


def sample():
    baseline = talk("baseline", "It is 24 months, as the documentation says [1].", resolved=True)
    return Compared(talk("candidate", HOSTILE, resolved=False), baseline)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_failing_sample_fits_and_nothing_in_it_acts(width, golden):
    text = failures_text([sample()], 3, width)
    seen = Text.from_markup(text, emoji=False)
    assert max(map(len, seen.plain.splitlines())) <= width
    assert not any(character in seen.plain for character in "\x1b\x07\r\u202e")
    assert "[red]24 months[/red]" in seen.plain.replace("\n", " ")
    assert not any("link" in str(span.style) for span in seen.spans)
    golden(GOLDEN / f"failure-{width}.txt", seen.plain + "\n")


def test_the_record_says_why_a_prompt_is_not_known():
    one = sample()
    unknown = one.candidate.with_seen((Seen(unknown="the run was imported"),))
    plain = Text.from_markup(failures_text([Compared(unknown)], 1, 80)).plain
    assert "prompt     the run was imported" in plain
    assert "sources    zentor.md#0" in plain
    assert "baseline" not in plain
    document = failures_document([Compared(unknown)], 1)
    assert document["samples"][0]["candidate"]["turns"][0]["unknown"] == "the run was imported"
    assert document["samples"][0]["baseline"] is None


def test_programs_get_everything_as_it_was():
    (one,) = failures_document([sample()], 3)["samples"]
    assert one["candidate"]["turns"][0]["request"]["answer"] == HOSTILE
    assert one["candidate"]["turns"][0]["messages"][0]["role"] == "system"
    assert one["failures"] == ["the need was not met", "facts is 0: lacks x"]
    assert one["baseline"]["failures"] == []


def test_nothing_to_show():
    assert "no failing samples" in failures_text([], 0, 80)
    assert failures_text([], 0, 80, named=True) == "no such sample in this run"
