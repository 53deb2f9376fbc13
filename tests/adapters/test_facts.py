"""Files of declared facts: what they say, and everything that is wrong with one at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatekeeper.adapters.facts import read_facts
from gatekeeper.adapters.project import Project
from gatekeeper.core.metrics.catalogue import METRICS
from gatekeeper.errors import InputError
from gatekeeper.model.facts import MEANING

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.model.facts import Facts

HEAD = """\
apiVersion: gatekeeper/v1
kind: Facts
owner: finance
period: {from: 2026-10-01, to: 2026-10-31}
facts:
"""
FACT = "  - {{name: {0}, value: {1}, unit: {2}{3}, source: time sheets, recorded_by: ann}}\n"


def fact(name: str, value: float, unit: str, more: str = "") -> str:
    return FACT.format(name, value, unit, more)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / ".gatekeeper").mkdir()
    return Project.open(tmp_path)


def read(project: Project, *facts: str, head: str = HEAD) -> Facts:
    path = project.root / "facts.yaml"
    path.write_text(head + "".join(facts))
    return read_facts(path, project).value


def problems(project: Project, *facts: str, head: str = HEAD) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(project, *facts, head=head)
    return [str(problem).splitlines()[0] for problem in caught.value.problems]


def test_a_fact_without_ends_is_exact(project: Project) -> None:
    found = read(
        project,
        fact("review_hours", 12.5, "hours"),
        fact("incident_usd", 300, "usd", ", low: 250, high: 400"),
    )
    assert found.values == {"review_hours": 12.5, "incident_usd": 300}
    assert found.lows == {"review_hours": 12.5, "incident_usd": 250}
    assert found.highs == {"review_hours": 12.5, "incident_usd": 400}
    assert (found.period.start, found.period.end) == ("2026-10-01", "2026-10-31")


def test_everything_that_is_wrong_is_said_at_once(project: Project) -> None:
    assert problems(
        project,
        fact("review_hour", 1, "hours"),
        fact("rework_hours", 1, "usd"),
        fact("incident_usd", -1, "usd"),
        fact("rework_usd", 5, "usd", ", low: 6"),
        fact("failure_usd", ".nan", "usd"),
    ) == [
        (
            'facts.yaml:6:12: facts[0].name: found the text "review_hour"; '
            "did you mean 'review_hours'?"
        ),
        "facts.yaml:7:5: facts[1]: rework_hours is in hours, not in usd",
        "facts.yaml:8:33: facts[2].value: found the number -1",
        "facts.yaml:9:5: facts[3]: `low` and `high` must lie around `value`",
        "facts.yaml:10:32: facts[4].value: .nan is not a number that can be compared",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("facts:\n", "facts: []\n", "facts: "),
        ("to: 2026-10-31", "to: 2026-09-30", "period: `to` is before `from`"),
        ("2026-10-31", "2026-10-32", "period.to: "),
        ("owner: finance\n", "", "owner"),
        ("kind: Facts", "kind: Fact", "kind"),
    ],
)
def test_what_surrounds_the_facts_is_checked(
    project: Project, old: str, new: str, said: str
) -> None:
    rows = () if "[]" in new else (fact("review_hours", 1, "hours"),)
    (found,) = problems(project, *rows, head=HEAD.replace(old, new))
    assert said in found


def test_nothing_is_declared_twice(project: Project) -> None:
    row = fact("review_hours", 1, "hours")
    (found,) = problems(project, row, row)
    assert found.endswith("declared twice: review_hours")


def test_every_fact_is_read_by_a_metric_and_every_metric_reads_facts_that_exist() -> None:
    read_by = {
        name for metric in METRICS.values() for formula in metric.formulas for name in formula.names
    }
    assert read_by == set(MEANING)
