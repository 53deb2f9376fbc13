"""The guide to gate policies, typed in: every command gives the output that is pasted beside it."""

from __future__ import annotations

import json
import os
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from builders import write
from builders_runs import Behaviour, describe, make_run
from delivery import Delivery, make_delivery
from gatekeeper.adapters.policies import read_policy
from gatekeeper.cli import boundary
from gatekeeper.cli.main import run
from gatekeeper.model.run import RunRelease

if TYPE_CHECKING:
    from collections.abc import Iterator

GUIDE = Path(__file__).parents[1] / "docs/policies.md"
SEEDS = Path(__file__).parent / "fixtures/policies"
CONSOLE = re.compile(r"(?<=```console\n)(.*?)(?=```)", re.DOTALL)
FILES = re.compile(r"```yaml\n# (gates/\S+)\n(.*?)```", re.DOTALL)
DIGEST = re.compile(r"(?<=sha256:)[0-9a-f]{12}\b")
SET = """\
apiVersion: gatekeeper/v1
kind: EvalSet
name: desk-{suite}
owner: quality
licence: CC0-1.0
split: held_out
suite: {suite}
file: eval_sets/{suite}.jsonl
scorers: [exact]
"""
TOPICS = ("warranty", "warranty", "shipping", "returns", "refund")
RUNS = {"spring": Behaviour(unresolved=36, follow_ups=50, retries=4)}
RUNS["autumn"] = Behaviour(unresolved=130, follow_ups=84, retries=4)
SIZE = 404


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Delivery:
    """What the guide speaks of: its files, the seeds, two eval sets and two runs."""
    made = make_delivery(tmp_path)
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("GATEKEEPER_ACTOR", "ada")
    for name, text in FILES.findall(GUIDE.read_text()):
        write(made.root / name, text)
    for seed in SEEDS.iterdir():
        write(made.root / "gates" / seed.name, seed.read_text())
    for suite in ("quality", "safety"):
        write(made.root / f"eval_sets/{suite}.yaml", SET.format(suite=suite))
        lines = "\n".join(json.dumps(sample) for sample in samples(suite))
        write(made.root / f"eval_sets/{suite}.jsonl", lines + "\n")
    for name, behaviour in RUNS.items():
        add_run(made, name, behaviour)
    return made


def samples(suite: str) -> Iterator[dict[str, object]]:
    for number in range(SIZE):
        topic = TOPICS[number % len(TOPICS)]
        tags = {"topic": topic} if suite == "quality" else {}
        yield {
            "id": f"{suite}-{number}",
            "input": "?",
            "tags": tags,
            "expect": {"exact": "!"},
        }


def add_run(made: Delivery, name: str, behaviour: Behaviour) -> None:
    now = datetime.now(UTC)
    described = describe(
        {"quality": SIZE},
        candidate=RunRelease(name="desk", digest=made.v1),
        baseline=None,
        started=now,
        ended=now,
    )
    make_run(made.project.runs / name, behaviour, run=described.model_copy(update={"id": name}))


def session(text: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The block as it would look if it were typed here and now."""
    shown: list[str] = []
    for command in re.findall(r"^\$ (.*)$", text, re.MULTILINE):
        capsys.readouterr()
        words = shlex.split(command)[1:]
        code = boundary.guarded(lambda words=words: run(words), words)
        captured = capsys.readouterr()
        shown += [f"$ {command}", (captured.out + captured.err).rstrip()]
        if code:
            shown.append(f"(exit {code})")
    return "\n".join(shown) + "\n"


def test_the_guide_shows_what_happens(
    project: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    text = GUIDE.read_text()
    typed = CONSOLE.sub(lambda block: session(block[0], capsys), text)
    if os.environ.get("GOLDEN"):
        GUIDE.write_text(typed)
        text = typed
    assert DIGEST.sub("DIGEST", typed) == DIGEST.sub("DIGEST", text)
    assert project.root.exists()


def test_the_two_seeds_stand_in_it_as_they_are() -> None:
    text = GUIDE.read_text()
    for seed in SEEDS.iterdir():
        assert seed.read_text() in text


def test_every_line_of_the_seeds_is_explained() -> None:
    explained = "\n".join(line for line in GUIDE.read_text().splitlines() if line.startswith("| `"))
    for word in re.findall(r"[a-z_0-9]{9,}", "".join(one.read_text() for one in SEEDS.iterdir())):
        if word not in {"release_gate", "reliability", "release_promotion"} | NOT_RULES:
            assert word in explained, word


NOT_RULES = {"model_version", "prompt_version", "promote_to_staging", "block_release"}


def test_every_policy_of_the_guide_but_the_wrong_one_is_one(project: Delivery) -> None:
    names = [name for name, _ in FILES.findall(GUIDE.read_text()) if "test" not in name]
    assert len(names) == 4
    for name in names:
        assert read_policy(project.root / name, project.project).value
