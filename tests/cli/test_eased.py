"""A release that passes by easier samples, lower prices or other facts than the one before it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builders import write
from builders_runs import Behaviour, describe, make_run
from delivery import Delivery, make_delivery
from gatekeeper.adapters.runs import read_run
from gatekeeper.core.asking import asked_of
from gatekeeper.core.canonical import digest
from gatekeeper.model.evalset import EvalSet, Expectation, Sample
from gatekeeper.model.prices import ModelPrice
from gatekeeper.model.run import RunRelease
from typed import Line

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatekeeper.model.asked import Asked
    from gatekeeper.model.run import Run

GOLDEN = Path(__file__).parents[1] / "golden" / "policy"
FILE = "gates/desk.yaml"
POLICY = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: desk, owner: quality, effective: 2026-01-01}
facts: facts/now.yaml
sections:
  quality: {owner: product, resolved_rate_min: 0.6}
  cost: {owner: finops, verification_tax_ratio_max: 0.5, usd_per_resolved_request_max: 1}
"""
FACTS = """\
apiVersion: gatekeeper/v1
kind: Facts
owner: delivery
period: {from: 2026-07-01, to: 2026-09-30}
facts:
"""
SIZE = 60
HEADER = {
    "apiVersion": "gatekeeper/v1",
    "kind": "EvalSet",
    "name": "quality",
    "owner": "quality",
    "licence": "CC0-1.0",
    "split": "held_out",
    "suite": "quality",
    "file": "eval_sets/quality.jsonl",
    "scorers": ["exact"],
}


class Desk(Line):
    """The command line in a project."""

    def __init__(self, delivery: Delivery, capsys: pytest.CaptureFixture[str]) -> None:
        super().__init__(capsys)
        self.delivery = delivery

    def gate(self, name: str, *words: str, code: int = 0) -> dict[str, Any]:
        return self.json("gate", name, "--policy", FILE, *words, code=code)


@pytest.fixture
def line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    """The first release is stable, decided by a set of sixty samples."""
    made = make_delivery(tmp_path)
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("GATEKEEPER_ACTOR", "ada")
    write(made.root / FILE, POLICY)
    declare(made, review=40)
    add(made, "first", made.v1, None)
    found = Desk(made, capsys)
    assert found.gate("first")["loosened"] == []
    assert found("promote", made.v1, "--env", "local") == 0
    return found


def declare(made: Delivery, **hours: int) -> None:
    given = {"rework": 10, "remediation": 10, "delivery": 400, **hours}
    write(
        made.root / "facts/now.yaml",
        FACTS
        + "".join(
            f"  - {{name: {name}_hours, value: {value}, unit: hours, source: s, recorded_by: a}}\n"
            for name, value in given.items()
        ),
    )


def asked(size: int = SIZE, **header: Any) -> Asked:
    content = HEADER | header
    expect = Expectation(exact="!")
    samples = [Sample(id=f"quality-{n:05}", input="?", expect=expect) for n in range(size)]
    read = EvalSet.model_validate_json(json.dumps(content))
    return asked_of(read, digest(f"{size} {header}".encode()), samples, size)


def add(  # noqa: PLR0913
    made: Delivery,
    name: str,
    about: str,
    baseline: str | None,
    *,
    what: Asked | None = None,
    output: float = 4.0,
    code: str = "",
    how: Behaviour = Behaviour(unresolved=3),  # noqa: B008 - frozen
) -> None:
    now = datetime.now(UTC)
    what = what or asked()
    described: Run = describe(
        {"quality": what.samples},
        candidate=RunRelease(name="desk", digest=about),
        baseline=RunRelease(name="desk", digest=baseline) if baseline else None,
        started=now,
        ended=now,
    )
    price = ModelPrice(
        input_usd_per_million=1.0, cached_input_usd_per_million=0.1, output_usd_per_million=output
    )
    (used,) = described.sets
    sets = (used.model_copy(update={"asked": what, "digest": what.digest}),)
    engines = {"scorers": {"scorer polite": code}} if code else {}
    changes = {"id": name, "sets": sets, "prices": {"small": price}, "engines": engines}
    described = described.model_copy(update=changes)
    make_run(made.project.runs / name, how, run=described)


def second(line: Desk, **changes: Any) -> dict[str, Any]:
    add(line.delivery, "second", line.delivery.v2, line.delivery.v1, **changes)
    return line.gate("second")


def loosened(found: dict[str, Any]) -> list[tuple[str, ...]]:
    return [(one["rule"], one["what"], one["before"], one["after"]) for one in found["loosened"]]


def test_a_set_that_grows_a_little_needs_nobody(line: Desk) -> None:
    found = second(line, what=asked(66))
    assert (found["loosened"], found["needs_approval"]) == ([], False)
    assert line("promote", line.delivery.v2, "--env", "local") == 0, line.out


def test_a_set_that_easy_samples_dilute_needs_somebody(line: Desk) -> None:
    found = second(line, what=asked(600), how=Behaviour(unresolved=30))
    assert (found["outcome"], found["needs_approval"]) == ("pass", True)
    assert loosened(found) == [("suite quality", "samples", "60", "600")]
    assert line("promote", line.delivery.v2, "--env", "local") == 1
    assert "suite quality samples 60 -> 600" in " ".join(line.out.split())


def test_samples_that_are_gone_need_somebody(line: Desk) -> None:
    v2 = line.delivery.v2
    found = second(line, what=asked(50))
    assert loosened(found) == [("eval set quality", "samples", "60", "50 of them")]
    assert found["needs_approval"] is True
    assert line("promote", v2, "--env", "local") == 1
    assert "policy-loosened" in line.out
    assert "eval set quality samples 60 -> 50 of them" in " ".join(line.out.split())
    words = ("policy", "approve", FILE, "--release", v2, "--reason", "ten were wrong")
    assert loosened(line.json(*words)["approval"]) == loosened(found)
    assert line("promote", v2, "--env", "local") == 0, line.out
    assert line("gate", "second", "--verify") == 0, line.out
    add(line.delivery, "third", line.delivery.v1, v2, what=asked(50))
    assert line.gate("third")["loosened"] == []


def test_an_approval_is_of_these_samples_and_no_others(line: Desk) -> None:
    v2 = line.delivery.v2
    second(line, what=asked(50))
    words = ("policy", "approve", FILE, "--release", v2, "--reason", "ten were wrong")
    assert line(*words) == 0
    add(line.delivery, "third", v2, line.delivery.v1, what=asked(40))
    assert line.gate("third")["needs_approval"] is True
    assert line("promote", v2, "--env", "local") == 1
    assert "60 -> 40 of them" in " ".join(line.out.split())


def test_a_verdict_that_was_not_decided_beside_those_samples_has_to_be(line: Desk) -> None:
    add(line.delivery, "second", line.delivery.v2, line.delivery.v1, what=asked(50))
    assert line.gate("second", "--env", "prod")["loosened"] == []
    assert line("promote", line.delivery.v2, "--env", "local") == 3
    assert "verdict-before" in line.out
    assert "it has other eval sets, prices or facts" in " ".join(line.out.split())


def test_samples_that_are_judged_otherwise_need_somebody(
    line: Desk, golden: Callable[[Path, str], None]
) -> None:
    found = second(line, what=asked(scorers=["contains"]))
    assert [one[:2] for one in loosened(found)] == [("eval set quality", "scorers")]
    assert found["needs_approval"] is True
    assert line("gate", "second", "--policy", FILE) == 0
    told = [line.out]
    assert line("promote", line.delivery.v2, "--env", "local") == 1
    text = re.sub(r"[0-9a-f]{12}", "DIGEST", "\n".join([*told, line.out]))
    golden(GOLDEN / "eased.txt", text)


def test_a_set_that_a_run_did_without_is_told_once(line: Line) -> None:
    now = datetime.now(UTC)
    described = describe(
        {"safety": SIZE},
        candidate=RunRelease(name="desk", digest=line.delivery.v2),
        baseline=RunRelease(name="desk", digest=line.delivery.v1),
        started=now,
        ended=now,
        unasked=("quality",),
    )
    described = described.model_copy(update={"id": "second"})
    make_run(line.delivery.project.runs / "second", Behaviour(), run=described)
    found = line.gate("second", code=3)
    assert found["loosened"] == []
    told = "no promotion rests on this: of the manifest not run: eval set quality"
    assert told in found["warnings"]


def test_other_code_of_a_scorer_of_the_project_needs_somebody(line: Line) -> None:
    plug = asked(scorers=[{"scorer": "python", "name": "polite"}])
    v1, v2 = line.delivery.v1, line.delivery.v2
    for name, about, before, code in (
        ("second", v2, v1, "polite.py sha256:1"),
        ("third", v2, v1, "polite.py sha256:1"),
        ("fourth", v1, v2, "polite.py sha256:2"),
    ):
        if name == "third":
            words = ("policy", "approve", FILE, "--release", v2, "--reason", "a better scorer")
            assert line(*words) == 0, line.err
            assert line("promote", v2, "--env", "local") == 0, line.out
            continue
        add(line.delivery, name, about, before, what=plug, code=code)
        found = line.gate(name)
    changed = ("eval set quality", "scorer polite", "polite.py sha256:1", "polite.py sha256:2")
    assert loosened(found) == [changed]
    assert found["needs_approval"] is True


def test_a_release_that_does_not_pass_needs_nobody_yet(line: Desk) -> None:
    add(line.delivery, "second", line.delivery.v2, line.delivery.v1, what=asked(4))
    found = line.gate("second", code=3)
    assert (len(found["loosened"]), found["needs_approval"]) == (1, False)


def test_lower_prices_need_somebody(line: Desk) -> None:
    found = second(line, output=2.0)
    assert loosened(found) == [("price of small", "output_usd_per_million", "4", "2")]
    assert found["needs_approval"] is True
    add(line.delivery, "third", line.delivery.v2, line.delivery.v1, output=5.0)
    assert line.gate("third")["loosened"] == []


def test_a_price_of_a_model_that_is_named_anew_is_told(line: Desk) -> None:
    assert second(line)["warnings"] == []
    directory = line.delivery.project.runs / "second"
    run = read_run(directory)
    renamed = {"small": run.prices["small"], "tiny": run.prices["small"]}
    other = run.model_copy(update={"id": "third", "prices": renamed})
    write(directory / "run.json", other.model_dump_json())
    directory.rename(directory.with_name("third"))
    told = "nothing that was decided before priced the model tiny"
    assert line.gate("third")["warnings"] == [told]


def test_other_facts_need_somebody_only_where_the_release_passes_by_them(line: Desk) -> None:
    declare(line.delivery, review=20)
    assert second(line)["loosened"] == []
    assert line("promote", line.delivery.v2, "--env", "local", "--dry-run") == 0, line.out


OWN = """\
metrics:
  tokens_per_hour:
    kind: ratio
    definition: tokens over hours of review
    sql: |
      SELECT sample, sum(output_tokens) AS y,
        (SELECT value FROM facts WHERE name = 'review_hours') AS d
      FROM calls GROUP BY sample
sections:
  other: {tokens_per_hour_max: 4}
"""


def test_facts_by_which_alone_a_release_passes_need_somebody(line: Desk) -> None:
    v1, v2 = line.delivery.v1, line.delivery.v2
    write(line.delivery.root / FILE, POLICY.replace("sections:\n", OWN))
    second(line)
    assert line("promote", v2, "--env", "local") == 0, line.out
    declare(line.delivery, review=160)
    add(line.delivery, "third", v1, v2, how=Behaviour(unresolved=3, tokens=300))
    found = line.gate("third")
    assert loosened(found) == [("facts", "review_hours", "40", "160")]
    assert found["needs_approval"] is True
    assert line("promote", v1, "--env", "local") == 1
    assert "facts review_hours 40 -> 160" in " ".join(line.out.split())
    words = ("policy", "approve", FILE, "--release", v1, "--reason", "twice the people")
    assert line(*words) == 0, line.err
    assert line("promote", v1, "--env", "local") == 0, line.out
    assert line("gate", "third", "--verify") == 0, line.out


SAMPLES = "".join(
    json.dumps({"id": f"quality-{number:05}", "input": "?", "expect": {"exact": "!"}}) + "\n"
    for number in range(50)
)
BOOK = """\
apiVersion: gatekeeper/v1
kind: PriceBook
currency: USD
effective: 2026-11-01
models:
  small: {input_usd_per_million: 0.5, cached_input_usd_per_million: 0.1, output_usd_per_million: 5}
"""


def test_a_policy_is_compared_with_the_eval_sets_of_today(line: Desk) -> None:
    root = line.delivery.root
    write(root / "eval_sets/quality.yaml", json.dumps(HEADER))
    write(root / "eval_sets/quality.jsonl", SAMPLES)
    declare(line.delivery, review=20)
    words = ("policy", "diff", "env:local", FILE)
    found = line.json(*words, "--set", "eval_sets/quality.yaml")
    told = [("eval set quality", "samples", "loosened"), ("facts", "review_hours", "either")]
    assert [(one["rule"], one["what"], one["direction"]) for one in found["changes"]] == told
    write(root / "gates/prices.yaml", BOOK)
    found = line.json(*words, "--set", "eval_sets/quality.yaml")
    assert [(one["what"], one["direction"]) for one in found["changes"][1:3]] == [
        ("input_usd_per_million", "loosened"),
        ("output_usd_per_million", "tightened"),
    ]
    assert line(*words) == 0
    assert "may demand less\n  facts  review_hours  40 -> 20" in line.out
