"""What GitHub's runner would take for its commands, in the log of a job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatekeeper.cli.boundary import guarded
from gatekeeper.cli.session import Output, Session
from gatekeeper.cli.verbs.ci import _say
from gatekeeper.cli.workflow_commands import harmless
from gatekeeper.errors import UndecidedError
from gatekeeper.report.annotations import verdict_github
from gatekeeper.report.junit import verdict_junit
from verdicts import places, rule, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

SAID = "no answer: \n  ::set-output name=outcome::pass\r::error::x ##[set-output name=a]b"


@pytest.fixture(params=["true", ""])
def platform(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("GITHUB_ACTIONS", request.param)
    return str(request.param)


def commands(log: str) -> Iterator[str]:
    """What the runner finds: one syntax at the beginning of a line, the other anywhere."""
    for line in log.replace("\r", "\n").split("\n"):
        if line.lstrip().startswith("::") or "##[" in line:
            yield line


def test_text_is_left_alone_elsewhere_and_reads_the_same_there(platform: str) -> None:
    assert bool(list(commands(harmless(SAID)))) is not bool(platform)
    assert harmless(SAID).replace("\u200b", "") == SAID
    assert harmless("a :: b, C::D and ## [x]") == "a :: b, C::D and ## [x]"


def fail() -> int:
    raise UndecidedError(SAID)


def test_nothing_that_is_told_is_a_command(
    platform: str, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(Path(), Output.text)
    session.emit({}, "[red]" + SAID.replace("[", r"\\[") + "[/red]")
    session.note("[dim]::error::hidden by a tag[/dim]")
    session.progress().finish("hash", SAID)
    guarded(fail, [])
    _say("::group::manifests/a.yaml")
    _say(f"$ gatekeeper build {SAID}")
    told = capsys.readouterr()
    found = list(commands(told.out + told.err))
    assert "::group::manifests/a.yaml" in found
    assert (len(found) == 1) is bool(platform)


def test_reports_hold_no_line_that_a_sample_began() -> None:
    sample = "a\n::error::pwned\x1b[31m\u202e"
    found = verdict(rule("q.x_min", "fail", reason=f"{sample} failed", look_at=sample))
    annotations = verdict_github(found, places()).splitlines()
    assert [line.split("::")[1].split()[0] for line in annotations] == ["error", "notice"]
    for text in (*annotations, verdict_junit(found)):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert not [line for line in verdict_junit(found).splitlines() if line.startswith("::")]
