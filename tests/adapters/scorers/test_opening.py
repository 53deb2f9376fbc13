from __future__ import annotations

import asyncio
from typing import Any

import pytest

from conversations import reply, talk
from gatekeeper.adapters.project import Project
from gatekeeper.adapters.scorers import open_scoring
from gatekeeper.errors import InputError
from gatekeeper.model.evalset import EvalSet


@pytest.fixture
def project(tmp_path):
    (tmp_path / ".gatekeeper").mkdir()
    return Project.open(tmp_path)


def header(*scorers: Any, **fields: Any) -> EvalSet:
    content = {
        "apiVersion": "gatekeeper/v1",
        "kind": "EvalSet",
        "name": "small",
        "owner": "somebody",
        "licence": "Apache-2.0",
        "split": "held_out",
        "suite": "quality",
        "file": "sets/small.jsonl",
        "scorers": list(scorers),
        **fields,
    }
    return EvalSet.model_validate(content, strict=False)


def scored(project: Project, declared: EvalSet, conversation: Any, **means: Any) -> Any:
    async def run() -> Any:
        async with open_scoring(declared, project, **means) as scoring:
            scores = await scoring.score(conversation)
            return scoring, scores, scoring.resolved(conversation, scores)

    return asyncio.run(run())


def test_the_scorers_of_a_header_score_and_decide(project):
    declared = header("facts", "citations", {"scorer": "regex", "name": "unit", "pattern": "month"})
    answer = reply("24 months [1]", cited=("It is 24 months.",))
    scoring, scores, resolved = scored(project, declared, talk({"contains": ["24 months"]}, answer))
    assert {one.scorer: one.value for one in scores} == {"facts": 1, "citations": 1, "unit": 1}
    assert (scoring.has_outcomes, resolved, scoring.violates(scores)) == (True, True, False)
    assert scoring.fingerprint == {}


def test_what_a_header_gets_wrong_is_told_at_once(project):
    with pytest.raises(InputError) as caught:
        scored(
            project,
            header("facs", {"scorer": "regex", "pattrn": "x"}, {"scorer": "regex", "pattern": "("}),
            talk({}, reply("")),
        )
    told = [str(one).splitlines()[0] for one in caught.value.problems]
    assert len(told) == 4
    assert "there is no scorer 'facs'; did you mean 'facts'?" in told[0]
    assert "scorers[1].pattrn: unknown key 'pattrn'; did you mean 'pattern'?" in told[1]
    assert "scorers[2].pattern: is not an RE2 pattern" in told[2]
    assert "scorers[2]: two scores are called 'regex'" in told[3]
