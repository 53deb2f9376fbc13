"""`gatekeeper runs`, on runs that were really made."""

from __future__ import annotations

import json
import re
import shutil

import pytest

import evaluating
from answering import answer, endpoint
from builders import make_project, manifest, write, write_manifest
from builders_runs import Behaviour, describe, make_run
from delivery import make_verdict
from evaluating import LOCAL, PRICES
from gatekeeper.adapters.project import Project
from gatekeeper.adapters.runs import read_run
from gatekeeper.adapters.signing import sign_statement
from gatekeeper.cli.environments import signer_of
from gatekeeper.cli.main import run
from gatekeeper.cli.wiring import store_of
from gatekeeper.core.canonical import canonical_model, digest
from gatekeeper.errors import InputError, UsageError
from gatekeeper.model.statement import VERDICT, Statement
from shards import make_shards

NAMES = evaluating.NAMES[:6]
POLICY = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: desk, owner: quality, effective: 2026-01-01}
sections:
  quality: {owner: quality, resolved_rate_min: 0.1, resolved_rate_max_decrease: 0.9}
"""
SET = evaluating.SET.replace("[facts, citations]", "[facts]")
HOSTILE = "[red]It is\x1b[2J[/red] one month."


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """A project with two evaluated releases, and the prompts that its endpoint was sent."""
    root = make_project(tmp_path_factory.mktemp("made"), keys=True)
    facts = "\n".join(f"The warranty of the {n} is {i + 2} months." for i, n in enumerate(NAMES))
    write(root / "manifests/desk/docs/all.md", facts + "\n")
    write(root / "manifests/environments/local.yaml", LOCAL)
    write(root / "gates/prices.yaml", PRICES)
    write(root / "gates/desk.yaml", POLICY)
    write(root / "eval_sets/quality.yaml", SET)
    samples = [
        {
            "id": name.lower(),
            "input": f"What is the warranty of the {name}?",
            "expect": {"contains": [f"{number + 2} months"]},
            "follow_up": f"The warranty of the {name}?",
        }
        for number, name in enumerate(NAMES)
    ]
    write(root / "eval_sets/quality.jsonl", "\n".join(map(json.dumps, samples)) + "\n")
    content = manifest()
    components = content["components"]
    components["serving"]["engines"] = [{"name": "openai"}]
    components["retrieval"]["chunking"] = {"by": "line", "max_tokens": 100}
    components["policy"]["pii"] = {"kinds": []}
    content["evaluation"] = {"sets": ["eval_sets/quality.yaml"], "policy": "gates/desk.yaml"}
    write(root / "manifests/desk/system.jinja", "You are the desk of Northwind. Be brief.\n")
    prompts = []

    def speak(prompt):
        prompts.append(prompt)
        return (
            HOSTILE if "Question: What is the warranty of the Velar" in prompt else answer(prompt)
        )

    with endpoint(speak) as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GATEKEEPER_OPENAI_BASE_URL", address)
        for version, limit in (("desk-v1", 64), ("desk-v2", 32)):
            components["serving"]["sampling"] = {"max_tokens": limit}
            write_manifest(root, content, version)
            path = f"manifests/{version}.yaml"
            assert run(["build", path, "--project", str(root)]) == 0
            base = ["--baseline", "manifests/desk-v1.yaml"] if version == "desk-v2" else []
            run(["evaluate", path, "--project", str(root), *base])
    return root, prompts


@pytest.fixture
def root(evaluated, tmp_path):
    return shutil.copytree(evaluated[0], tmp_path / "project").resolve()


@pytest.fixture
def prompts(evaluated):
    return evaluated[1]


@pytest.fixture
def ask(root, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    def asked(*words, text=False):
        capsys.readouterr()
        output = [] if text else ["--output", "json"]
        assert run(["runs", *words, "--project", str(root), *output]) == 0
        found = capsys.readouterr().out
        return found if text else json.loads(found)

    return asked


def ids(ask):
    return [one["id"] for one in ask("list")["runs"]]


def test_the_list_is_newest_first_with_what_was_decided(ask, root):
    second, first = ask("list")["runs"]
    assert (second["baseline"]["digest"], first["baseline"]) == (first["candidate"]["digest"], None)
    assert {first["status"], second["status"]} == {"complete"}
    assert first["verdict"] in {"pass", "inconclusive", "fail"}
    assert ids(ask) == [second["id"], first["id"]]
    only = ask("list", "--release", second["candidate"]["digest"])["runs"]
    assert [one["id"] for one in only] == [second["id"]]
    assert [one["id"] for one in ask("list", "--limit", "1")["runs"]] == [second["id"]]
    assert "and 1 older" in ask("list", "--limit", "1", text=True)
    (Project.open(root).runs / first["id"] / "run.json").write_text("{}")
    text = ask("list", text=True)
    assert second["id"] in text
    assert "damaged" in text
    assert max(map(len, text.splitlines())) <= 80


def test_only_what_the_gate_signed_about_this_very_run_is_its_verdict(ask, root):
    project = Project.open(root)
    directory = project.runs / ids(ask)[0]
    old = read_run(directory)
    changed = old.model_copy(update={"notes": ("another run",)})
    (directory / "run.json").write_bytes(canonical_model(changed))
    content = digest(canonical_model(changed))
    verdict = make_verdict(old.candidate.digest, None, "sha256:" + "1" * 64)
    verdict = verdict.model_copy(update={"run_digest": content})
    statement = Statement.about(verdict.release, VERDICT, verdict.model_dump(mode="json"))
    assert ask("list")["runs"][0]["verdict"] is None
    for role, outcome in (("release", None), ("gate", "pass")):
        bundle = sign_statement(statement, signer_of(project, role))
        store_of(project).attach(verdict.release, bundle, VERDICT)
        assert ask("list")["runs"][0]["verdict"] == outcome


def test_a_run_is_shown_with_its_counts_scores_and_metrics(ask):
    name = ids(ask)[0]
    shown = ask("show", name)
    assert [(one["arm"], one["suite"], one["samples"]) for one in shown["suites"]] == [
        ("candidate", "quality", 6),
        ("baseline", "quality", 6),
    ]
    (facts, _) = shown["scores"]
    assert (facts["arm"], facts["scorer"], facts["n"]) == ("candidate", "facts", 6)
    assert facts["mean"] == pytest.approx(5 / 6)
    rate = next(one for one in shown["metrics"] if one["metric"] == "resolved_rate")
    assert rate["value"] == pytest.approx(5 / 6)
    assert shown["failed"] == 1
    text = ask("show", name, text=True)
    for words in ("1 samples failed", "desk@sha256:", "resolved_rate", "sealed"):
        assert words in text


def test_a_failing_sample_is_shown_with_the_prompt_that_was_really_sent(ask, prompts):
    document = ask("show", ids(ask)[0], "--failures")
    (one,) = document["samples"]
    assert (document["total"], one["sample_id"]) == (1, "velar")
    first, second = one["candidate"]["turns"]
    assert first["request"]["answer"] == HOSTILE
    for turn in (first, second):
        assert turn["messages"][-1]["content"] in prompts
        assert turn["messages"][0]["content"].startswith("You are the desk of Northwind.")
        assert [chunk["source"] for chunk in turn["chunks"]] == turn["request"]["sources"]
    assert [m["role"] for m in second["messages"]] == ["system", "user", "assistant", "user"]
    assert second["messages"][2]["content"] == HOSTILE
    assert one["baseline"]["turns"][0]["request"]["answer"] == HOSTILE


def test_a_hostile_answer_does_nothing_to_the_terminal(ask):
    text = ask("show", ids(ask)[0], "--failures", text=True)
    assert "[red]It is\\x1b[2J[/red] one month." in re.sub(r" *│.*", "", text)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_every_prompt_made_again_was_sent(ask, prompts, tmp_path):
    for name in ids(ask):
        target = tmp_path / name
        said = ask("export", name, "--format", "responses", "--to", str(target))
        lines = [json.loads(line) for line in target.read_text().splitlines()]
        assert said["rows"] == len(lines) > 0
        assert said["left_out"] == 0
        assert {line["messages"][-1]["content"] for line in lines} <= set(prompts)
        assert {line["model"] for line in lines} == {"small"}


def test_without_the_release_the_records_still_tell(ask, root):
    name = ids(ask)[0]
    shutil.rmtree(root / ".gatekeeper/store/blobs")
    (one,) = ask("show", name, "--failures")["samples"]
    turn = one["candidate"]["turns"][0]
    assert turn["messages"] == []
    assert "so its prompt and chunks are not known here" in turn["unknown"]
    assert turn["request"]["answer"] == HOSTILE


def test_one_sample_can_be_looked_at_though_it_did_not_fail(ask):
    name = ids(ask)[0]
    (one,) = ask("show", name, "--sample", "zentor")["samples"]
    assert one["failures"] == []
    with pytest.raises(UsageError, match="the run has no sample 'nobody'"):
        ask("show", name, "--sample", "nobody")


def test_a_misspelt_name_is_not_an_absence_of_failures(ask):
    name = ids(ask)[0]
    with pytest.raises(UsageError, match="no suite 'qualty'; did you mean 'quality'") as caught:
        ask("show", name, "--failures", "--suite", "qualty")
    assert "quality" in caught.value.fix
    with pytest.raises(UsageError, match="no scorer 'fcts'; did you mean 'facts'"):
        ask("show", name, "--scorer", "fcts")


def test_two_runs_are_compared(ask, tmp_path):
    second, first = ids(ask)
    found = ask("compare", first, second, "--markdown", str(tmp_path / "out.md"))
    assert found["samples"] == {"quality": 6}
    assert (found["broken"], found["mended"], found["apart"]) == ([], [], [])
    change = next(one for one in found["metrics"]["change"] if one["metric"] == "resolved_rate")
    assert change["value"] == 0
    text = ask("compare", first, second, text=True)
    assert "both answered quality 6" in text
    assert "| resolved_rate | 83.3% | 83.3% | +0.00pt |" in (tmp_path / "out.md").read_text()


def test_samples_that_changed_are_listed_for_people_and_pull_requests(ask, root, tmp_path):
    for name, unresolved in (("a", 1), ("b", 40)):
        changed = describe({"quality": 60}, id=name, baseline=None)
        make_run(Project.open(root).runs / name, Behaviour(unresolved=unresolved), run=changed)
    found = ask("compare", "a", "b", "--markdown", str(tmp_path / "out.md"))
    assert len(found["broken"]) == 39
    text = ask("compare", "a", "b", text=True)
    assert "39 samples passed in A and fail in B" in text
    assert "and 19 more" in text
    assert "gatekeeper runs show b --sample quality-000" in text
    assert "39 samples passed in A and fail in B</summary>" in (tmp_path / "out.md").read_text()


def test_an_export_is_a_line_a_request(ask, tmp_path):
    target = tmp_path / "out.jsonl"
    said = ask("export", ids(ask)[0], "--to", str(target))
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert said["rows"] == len(rows) == 14
    assert {row["sample_id"] for row in rows} == {name.lower() for name in NAMES}


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_what_was_exported_can_be_imported_and_says_the_same(ask, tmp_path, kind):
    name = ids(ask)[0]
    before, target = ask("show", name), tmp_path / "out"
    ask("export", name, "--format", kind, "--to", str(target))
    sides = [before["run"][side]["digest"] for side in ("candidate", "baseline")]
    made = ask("import", str(target), "--release", sides[0], "--baseline", sides[1])
    after = ask("show", made["run"])
    for part in ("metrics", "baseline_metrics", "scores", "suites", "failed"):
        assert after[part] == before[part], part


def test_an_export_is_what_its_name_ends_in(ask, tmp_path):
    heads = {"csv": b"request_id,", "parquet": b"PAR1", "jsonl": b'{"request_id"', "txt": b'{"req'}
    for ending, head in heads.items():
        target = tmp_path / f"out.{ending}"
        ask("export", ids(ask)[0], "--to", str(target))
        assert target.read_bytes().startswith(head), ending
    ask("export", ids(ask)[0], "--to", str(target), "--format", "csv")
    assert target.read_bytes().startswith(heads["csv"])


def test_shards_are_merged_and_then_gated(ask, root, tmp_path, capsys):
    shards = [str(path) for path in make_shards(tmp_path, 3)]
    whole = ask("merge", *shards)
    assert ask("merge", *shards[::-1]) == whole
    assert whole["run"] in ids(ask)
    gated = run(["gate", whole["run"], "--policy", "gates/desk.yaml", "--project", str(root),
                 "--no-record", "--output", "json"])  # fmt: skip
    rules = {one["rule"]: one["outcome"] for one in json.loads(capsys.readouterr().out)["rules"]}
    assert gated == 0, rules
    assert set(rules.values()) == {"pass"}
    with pytest.raises(InputError, match="missing: 2 of 3"):
        ask("merge", shards[0], shards[2])


def test_what_is_not_there_is_said(ask):
    for words in (["show", "nothing"], ["compare", "x", "y"], ["export", "x", "--to", "y"]):
        with pytest.raises(UsageError, match="no such run"):
            ask(*words)
