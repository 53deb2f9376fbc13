"""`gatekeeper evaluate`, against a real endpoint over HTTP."""

from __future__ import annotations

import json
import re
import resource
import shutil
import signal

import pytest

from answering import ABSENT
from builders import write
from evaluating import LOAD, LOCAL, POLICY, SET, evaluate, runs, samples
from gatekeeper.adapters.project import Project
from gatekeeper.adapters.runs import read_run, write_run
from gatekeeper.adapters.signing import KeyringVerifier
from gatekeeper.cli.boundary import guarded
from gatekeeper.cli.main import run
from gatekeeper.cli.wiring import keys_of, store_of
from gatekeeper.errors import EnvironmentDriftError, InputError, UnavailableError, UsageError
from gatekeeper.model.statement import VERDICT


def rules(verdict):
    return {rule["rule"]: rule["outcome"] for rule in verdict["rules"]}


def test_the_first_release_is_compared_with_nothing_and_its_verdict_is_signed(root, capsys, serve):
    serve()
    code, verdict = evaluate(root, capsys, "manifests/desk-v1.yaml")
    assert (code, verdict["outcome"], verdict["baseline"]) == (0, "pass", None)
    assert rules(verdict) == {
        "quality.resolved_rate_min": "pass",
        "cost.usd_per_resolved_request_max_increase": "not_applicable",
    }
    project = Project.open(root)
    ((name, bundle),) = store_of(project).referrers(verdict["release"], VERDICT)
    verifier = KeyringVerifier(keys_of(project).keyring())
    signed = verifier.verify(
        bundle, role="gate", predicate_type=VERDICT, subject=verdict["release"], where=name
    )
    assert signed.statement.predicate["run"] == verdict["run"]


def test_the_run_says_what_it_rests_on(root, capsys, serve):
    serve()
    _, verdict = evaluate(root, capsys, "manifests/desk-v1.yaml", "--seed", "11")
    stored = json.loads((runs(root)[0] / "run.json").read_text())
    assert stored["id"] == verdict["run"]
    assert (stored["status"], stored["seed"], stored["first_release"]) == ("complete", 11, True)
    assert [(one["suite"], one["samples"]) for one in stored["sets"]] == [
        ("quality", 8),
        ("load", 8),
    ]
    assert stored["engines"]["small"]["engine"] == "openai"
    assert stored["price_book"].startswith("sha256:")
    assert set(stored["files"]) == {f"{t}.parquet" for t in TABLES}


TABLES = ("requests", "calls", "scores", "outcomes")


def test_a_later_release_is_compared_with_what_the_environment_serves(root, capsys, serve):
    serve()
    _, first = evaluate(root, capsys, "manifests/desk-v1.yaml")
    assert run(["promote", "manifests/desk-v1.yaml", "--env", "local", "--project", str(root)]) == 0
    _, second = evaluate(root, capsys, "manifests/desk-v2.yaml")
    assert second["baseline"] == first["release"]
    compared = second["rules"][-1]
    assert compared["rule"] == "cost.usd_per_resolved_request_max_increase"
    assert (compared["n"], compared["estimate"]) == (8, 0)
    with pytest.raises(UsageError, match="is what it would be compared with"):
        run(["evaluate", "manifests/desk-v1.yaml", "--project", str(root)])
    code, alone = evaluate(root, capsys, "manifests/desk-v1.yaml", "--baseline", "none")
    assert (code, alone["baseline"]) == (3, None)
    assert rules(alone)[compared["rule"]] == "error"
    _, again = evaluate(
        root, capsys, "manifests/desk-v1.yaml", "--baseline", "manifests/desk-v2.yaml"
    )
    assert again["baseline"] == second["release"]


def test_a_release_that_answers_nothing_fails(root, capsys, serve):
    serve(lambda _: ABSENT)
    code, verdict = evaluate(root, capsys, "manifests/desk-v1.yaml")
    assert (code, verdict["outcome"]) == (1, "fail")


def test_a_run_in_which_every_request_fails_is_never_a_pass(root, capsys, monkeypatch):
    monkeypatch.setenv("GATEKEEPER_OPENAI_BASE_URL", "http://127.0.0.1:9")
    code, verdict = evaluate(root, capsys, "manifests/desk-v1.yaml", "--set", "quality")
    assert (code, verdict["outcome"]) == (3, "error")
    assert {rule["code"] for rule in verdict["rules"]} == {"all_errors"}
    assert "cannot be reached: connection refused" in verdict["rules"][0]["reason"]


def test_what_search_answers_does_not_hide_that_no_model_did(root, capsys, monkeypatch):
    path = root / "eval_sets/quality.jsonl"
    searched = {
        "id": "x",
        "input": "Zentor?",
        "task_class": "lookup",
        "expect": {"contains": ["2"]},
    }
    searched["expect"] = {"contains": ["2 months"]}
    path.write_text(path.read_text() + json.dumps(searched) + "\n")
    monkeypatch.setenv("GATEKEEPER_OPENAI_BASE_URL", "http://127.0.0.1:9")
    code, verdict = evaluate(root, capsys, "manifests/desk-v1.yaml", "--set", "quality")
    assert (code, verdict["outcome"]) == (3, "error")
    assert "no model answered: 8 of 9 requests" in verdict["rules"][0]["reason"]


def test_the_policy_of_the_environment_decides(root, capsys, serve):
    serve()
    text = "policy: release_promotion\nrequire: [success_rate >= floor]\n"
    write(root / "gates/strict.yaml", text)
    settings = "policy: gates/strict.yaml\npolicy_parameters: {floor: 0.25}\n"
    write(root / "manifests/environments/local.yaml", LOCAL + settings)
    promote = ["promote", "manifests/desk-v1.yaml", "--env", "local", "--project", str(root)]
    by_hand = ("--policy", str(root / "gates/desk.yaml"))
    _, other = evaluate(root, capsys, "manifests/desk-v1.yaml", *by_hand)
    written = json.loads((root / ".gatekeeper/runs" / other["run"] / "run.json").read_bytes())
    assert written["options"]["policy"] == "gates/desk.yaml"  # a run may be read elsewhere
    assert run(promote) == 3
    fix = f"gate {other['run']} --policy gates/strict.yaml --parameter floor=0.25 decides again"
    assert fix in " ".join(capsys.readouterr().out.split())
    _, verdict = evaluate(root, capsys, "manifests/desk-v1.yaml")
    assert (verdict["outcome"], verdict["parameters"]) == ("pass", {"floor": 0.25})
    assert run(promote) == 0


def test_a_file_where_the_command_is_run_is_not_the_policy_of_the_environment(
    root, capsys, serve, tmp_path, monkeypatch
):
    serve()
    write(root / "manifests/environments/local.yaml", LOCAL + "policy: gates/desk.yaml\n")
    impossible = "policy: release_promotion\nrequire: [success_rate >= 1]\n"
    write(tmp_path / "elsewhere/gates/desk.yaml", impossible)
    monkeypatch.chdir(tmp_path / "elsewhere")
    _, verdict = evaluate(root, capsys, "manifests/desk-v1.yaml")
    assert verdict["policy_name"] == "desk"


def test_another_machine_than_a_release_was_validated_on_is_refused_or_recorded(
    root, capsys, serve, monkeypatch
):
    serve()
    ref = ["manifests/desk-v1.yaml", "--set", "quality"]
    assert evaluate(root, capsys, *ref)[0] == 0
    monkeypatch.setattr("gatekeeper.adapters.engines.openai.API_VERSION", "2")
    words = ["evaluate", *ref, "--project", str(root)]
    with pytest.raises(EnvironmentDriftError, match="validated with openai 1, and 2 is here"):
        run(words)
    assert run([*words, "--allow-environment-drift"]) == 0
    here, there = runs(root)
    assert (len(read_run(here).drift), len(read_run(there).drift)) == (0, 1)
    shutil.rmtree(there)
    altered = {"small": {"engine": "openai", "version": "9"}}
    write_run(here, read_run(here).model_copy(update={"engines": altered}))
    assert run(words) == 0, "a run that was altered since its verdict vouches for nothing"


def test_only_what_is_named_is_run(root, capsys, serve):
    serve()
    evaluate(root, capsys, "manifests/desk-v1.yaml", "--set", "desk-load")
    stored = json.loads((runs(root)[0] / "run.json").read_text())
    assert [one["name"] for one in stored["sets"]] == ["desk-load"]
    assert stored["unasked"] == ["desk-quality"]
    with pytest.raises(UsageError, match="there is no eval set 'spped'"):
        run(["evaluate", "manifests/desk-v1.yaml", "--set", "spped", "--project", str(root)])


def test_no_promotion_rests_on_a_run_without_a_suite_of_the_manifest(root, capsys, serve):
    serve()
    desk = "manifests/desk-v1.yaml"
    code, verdict = evaluate(root, capsys, desk, "--set", "desk-quality")
    assert (code, verdict["outcome"], verdict["unasked"]) == (0, "pass", ["desk-load"])
    told = "no promotion rests on this: of the manifest not run: eval set desk-load"
    assert told in verdict["warnings"]
    words = ["promote", verdict["release"], "--env", "local", "--project", str(root)]
    assert guarded(lambda: run(words), words) == 3
    said = " ".join(capsys.readouterr().out.split())
    assert "its run did without eval sets that its manifest names: desk-load" in said
    assert ", without --set" in said
    assert evaluate(root, capsys, desk)[1]["unasked"] == []
    assert guarded(lambda: run(words), words) == 0


FACTS = """\
apiVersion: gatekeeper/v1
kind: Facts
owner: delivery
period: {from: 2026-07-01, to: 2026-09-30}
facts:
""" + "".join(
    f"  - {{name: {name}_hours, value: {value}, unit: hours, source: sheets, recorded_by: ada}}\n"
    for name, value in {"review": 40, "rework": 10, "remediation": 10, "delivery": 400}.items()
)


def test_facts_are_given_for_a_run_as_for_a_decision(root, capsys, serve):
    serve()
    desk, policy = "manifests/desk-v1.yaml", root / "gates/desk.yaml"
    policy.write_text(policy.read_text() + "  hours: {verification_tax_ratio_max: 0.2}\n")
    write(root / "facts/wrong.yaml", FACTS.replace("unit: hours", "unit: usd"))
    with pytest.raises(InputError, match="is in hours, not in usd"):
        run(["evaluate", desk, "--facts", "facts/wrong.yaml", "--project", str(root)])
    assert not runs(root)
    write(root / "facts/q3.yaml", FACTS)
    code, verdict = evaluate(root, capsys, desk, "--facts", "facts/q3.yaml")
    assert (code, verdict["inputs"]["facts_given"]) == (0, True)
    assert rules(verdict)["hours.verification_tax_ratio_max"] == "pass"
    again = ["gate", verdict["run"], "--project", str(root), "--output", "json"]
    assert run(again) == 0
    assert json.loads(capsys.readouterr().out)["inputs"]["facts"] == verdict["inputs"]["facts"]
    with pytest.raises(UsageError, match="--facts cannot be given with --resume"):
        run(["evaluate", "--resume", verdict["run"], "--facts", "x", "--project", str(root)])


def test_a_disk_that_refuses_ends_the_run_with_one_plain_error(root, serve):
    serve()
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, kept[1]))
    try:
        with pytest.raises(UnavailableError, match="records cannot be written") as caught:
            run(["evaluate", "manifests/desk-v1.yaml", "--project", str(root)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
        signal.signal(signal.SIGXFSZ, handler)
    stored = json.loads((runs(root)[0] / "run.json").read_text())
    assert stored["status"] == "interrupted"
    assert caught.value.fix.endswith(
        f"; then go on with `gatekeeper evaluate --resume {stored['id']}`"
    )


def test_a_release_without_eval_sets_cannot_be_evaluated(root):
    path = root / "manifests/desk-v1.yaml"
    path.write_text(re.sub(r"(?m)^  sets:\n(  - .*\n)+", "", path.read_text()))
    assert run(["build", "manifests/desk-v1.yaml", "--project", str(root)]) == 0
    with pytest.raises(UsageError, match="no eval set is named") as caught:
        run(["evaluate", "manifests/desk-v1.yaml", "--project", str(root)])
    assert caught.value.fix.endswith("and build again")


def test_what_is_wrong_is_said_before_any_request_is_sent(root):
    def problem(message, error=UsageError):
        with pytest.raises(error, match=message):
            run(["evaluate", "manifests/desk-v1.yaml", "--project", str(root)])
        assert not any((root / ".gatekeeper/runs").glob("*"))

    quality = root / "eval_sets/quality.jsonl"
    kept = quality.read_text()
    quality.write_text(kept + '{"id": "x"}\n')
    problem("missing key 'input'", InputError)
    quality.write_text(kept)
    (root / "gates/desk.yaml").write_text(POLICY.replace("resolved_rate", "resolvd_rate"))
    problem("there is no metric 'resolvd_rate'", InputError)
    (root / "gates/desk.yaml").write_text(POLICY)
    (root / "eval_sets/load.yaml").write_text(LOAD.replace("desk-load", "desk-quality"))
    problem("two eval sets have the same name")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "qualty"], "there is no eval set 'qualty'; did you mean 'quality'?"),
        (["--engine", "opnai"], "engine 'opnai'; did you mean 'openai'?"),
        (["--responses", "nothing.jsonl"], "nothing.jsonl: no such file"),
        (["--responses", "x", "--engine", "openai"], "'openai' does not answer from a file"),
        (["--responses", "gates/desk.yaml"], "does not accept the engine 'recorded'"),
        (["--shard", "5/4"], "--shard: '5/4' is no part of a run"),
    ],
)
def test_a_name_that_is_wrong_is_said_before_anything_is_asked(root, monkeypatch, words, said):
    monkeypatch.chdir(root)
    monkeypatch.setenv("GATEKEEPER_OPENAI_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(UsageError) as caught:
        run(["evaluate", "manifests/desk-v1.yaml", *words])
    assert said in str(caught.value)
    assert not runs(root)


HARD = SET.replace("desk-quality", "desk-hard").replace("quality.jsonl", "hard.jsonl")


def test_the_easier_half_of_a_suite_decides_nothing(root, capsys, serve):
    serve()
    hard = [{**one, "id": f"hard-{one['id']}"} for one in samples()]
    write(root / "eval_sets/hard.yaml", HARD)
    write(root / "eval_sets/hard.jsonl", "\n".join(map(json.dumps, hard)) + "\n")
    path = root / "manifests/desk-v1.yaml"
    path.write_text(path.read_text().replace("load.yaml", "hard.yaml"))
    assert run(["build", str(path), "--project", str(root)]) == 0
    code, verdict = evaluate(root, capsys, "manifests/desk-v1.yaml", "--set", "desk-quality")
    assert (code, verdict["outcome"]) == (3, "error")
    assert "--set: desk-hard was not asked" in verdict["rules"][0]["reason"]
    code, verdict = evaluate(root, capsys, "manifests/desk-v1.yaml", "--set", "quality")
    assert (code, verdict["outcome"]) == (0, "pass")
    assert set(verdict["sets"]) == {"desk-quality", "desk-hard"}


@pytest.mark.parametrize("ceiling", ["inf", "nan", "1e300", "-1"])
def test_a_ceiling_is_a_sum_of_money(root, capsys, ceiling):
    words = ["evaluate", "manifests/desk-v1.yaml", "--max-usd", ceiling, "--project", str(root)]
    assert guarded(lambda: run(words), words) == 2
    assert "Invalid value for '--max-usd'" in capsys.readouterr().err
    assert not runs(root)


def test_samples_that_the_release_has_seen_are_in_the_run(root, capsys, serve):
    serve()
    words = ("manifests/desk-v1.yaml", "--set", "quality")
    evaluate(root, capsys, *words)
    assert read_run(runs(root)[0]).contamination == ()
    documents = root / "manifests/desk/docs/all.md"
    seen = "What is the warranty of the Velar? 3 months.\n"
    documents.write_text(documents.read_text() + seen)
    assert run(["build", "manifests/desk-v1.yaml", "--project", str(root)]) == 0
    evaluate(root, capsys, *words)
    (sentence,) = read_run(runs(root)[1]).contamination
    assert "velar" in sentence
    assert "all.md" in sentence
