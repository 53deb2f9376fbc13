"""`gatekeeper bisect` along a real ledger, with a real model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from attributing import evaluated, make_desk, told

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """v1 and then another router are promoted; the prompt that breaks it never was."""
    made = make_desk(tmp_path_factory.mktemp("bisecting"))
    for name in ("v1", "router"):
        words = [f"manifests/{name}.yaml", "--project", str(made)]
        told(["evaluate", *words])
        told(["promote", *words, "--env", "local"])
    return made


def bisected(root: Path, *words: str, code: int = 0) -> dict[str, object]:
    said = told(["bisect", *words, "--env", "local", "--project", str(root), "-o", "json"], code)
    found: dict[str, object] = json.loads(said[said.index("{\n") :])
    return found


def test_the_release_and_its_component_are_named(root: Path) -> None:
    found = bisected(root, "resolved_rate", "--bad", "manifests/both.yaml")
    names = [one["digest"] for one in found["releases"]]
    assert found["code"] == "found"
    assert (found["before"]["digest"], found["found"]["digest"]) == (names[1], names[2])
    assert found["components"]["guilty"] == ["prompt"]
    assert found["components"]["code"] == "only_change"
    assert [probe["moved"] for probe in found["probes"]] == [True, False]
    assert [probe["stored"] for probe in found["probes"]] == [False, True]
    text = told(
        ["bisect", "resolved_rate", "--bad", "manifests/both.yaml", "--env", "local",
         "--project", str(root)]
    )  # fmt: skip
    assert text.startswith("it moved in support-desk@sha256:")
    assert "by prompt" in text.splitlines()[0]
    assert max(map(len, text.splitlines())) <= 80


def test_a_stored_run_of_the_two_is_used(root: Path) -> None:
    run = evaluated(root, "both", code=1)
    found = bisected(root, "resolved_rate", "--bad", "manifests/both.yaml")
    assert found["probes"][0]["run"] == run
    assert found["probes"][0]["stored"]


def test_where_nothing_moved_it_says_so(root: Path) -> None:
    found = bisected(root, "resolved_rate", code=3)
    assert (found["code"], found["found"]) == ("not_moved", None)
    said = told(["bisect", "resolved_rate", "--env", "local", "--project", str(root)], 3)
    assert "it did not move" in said


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["resolved_rat"], 2, "did you mean 'resolved_rate'?"),
        (["energy_per_request"], 2, "holds declared facts"),
        (["instability_tax"], 2, "made of declared facts alone"),
        (["policy_violation_rate"], 2, "names no set"),
        (["resolved_rate", "--good", "manifests/router.yaml", "--bad", "manifests/v1.yaml"], 2,
         "the good release came after the bad one"),
        (["resolved_rate", "--bad", "manifests/v1.yaml"], 3, "only one release"),
    ],
)  # fmt: skip
def test_what_cannot_be_searched_is_refused(
    root: Path, words: list[str], code: int, expected: str
) -> None:
    assert expected in told(["bisect", *words, "--env", "local", "--project", str(root)], code)


def test_an_environment_that_served_nothing_has_no_line(root: Path) -> None:
    prod = root / "manifests/environments/prod.yaml"
    prod.write_text("apiVersion: gatekeeper/v1\nkind: Environment\nname: prod\n")
    said = told(["bisect", "resolved_rate", "--env", "prod", "--project", str(root)], 3)
    assert "nothing was ever promoted here" in said
