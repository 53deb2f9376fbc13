"""`gatekeeper affected`, on real repositories."""

import json
import shutil

import pytest

from builders import write
from gatekeeper.cli.main import run
from gatekeeper.errors import UsageError
from repositories import commit, git, make_repository


@pytest.fixture
def repository(made, tmp_path):
    """The desk's files, two manifests of them, committed; no state, as in a fresh checkout."""
    root = shutil.copytree(
        made, tmp_path / "project", ignore=shutil.ignore_patterns(".gatekeeper")
    ).resolve()
    make_repository(root)
    return root


def affected(root, capsys, *words):
    assert run(["affected", "--since", "main", "--project", str(root), "-o", "json", *words]) == 0
    return json.loads(capsys.readouterr().out)


def because(document):
    return {
        one["manifest"]: {(c["file"], c["role"]) for c in one["because"]}
        for one in document["manifests"]
    }


@pytest.mark.parametrize(
    ("file", "role"),
    [
        ("manifests/desk/system.jinja", "prompt.system"),
        ("manifests/desk/template.jinja", "prompt.template"),
        ("manifests/desk/answer.json", "prompt.output_schema"),
        ("manifests/desk/docs/tenants/acme/new.md", "retrieval.snapshot"),
        ("models/tiny/config.json", "model.models.small.source"),
        ("eval_sets/quality.yaml", "eval set eval_sets/quality.yaml"),
        ("eval_sets/load.jsonl", "samples of eval_sets/load.yaml"),
        ("gates/desk.yaml", "gate policy"),
        ("gates/prices.yaml", "price book"),
    ],
)
def test_every_file_that_decides_touches_both_manifests(repository, capsys, file, role):
    text = (repository / file).read_text() if (repository / file).exists() else ""
    write(repository / file, text + " ")
    commit(repository, "change")
    document = affected(repository, capsys)
    expected = {f"manifests/desk-v{number}.yaml": {(file, role)} for number in (1, 2)}
    assert because(document) == expected
    assert document["policies"] == ([file] if role == "gate policy" else [])


def test_a_manifest_touches_itself_alone_and_a_readme_nothing(repository, capsys):
    write(repository / "README.md", "new")
    assert affected(repository, capsys)["manifests"] == []
    path = repository / "manifests/desk-v2.yaml"
    path.write_text(path.read_text() + "# a remark\n")
    document = affected(repository, capsys)
    assert because(document) == {
        "manifests/desk-v2.yaml": {(document["manifests"][0]["manifest"], "the manifest")}
    }
    assert document["untouched"] == 1
    assert document["merge_base"] == git(repository, "rev-parse", "main")


def test_deleted_manifests_are_told_and_deleted_references_touch(repository, capsys):
    (repository / "manifests/desk-v2.yaml").unlink()
    (repository / "manifests/desk/system.jinja").unlink()
    document = affected(repository, capsys)
    assert document["deleted"] == ["manifests/desk-v2.yaml"]
    assert list(because(document)) == ["manifests/desk-v1.yaml"]


def test_a_manifest_that_cannot_be_read_is_touched_by_anything(repository, capsys):
    path = repository / "manifests/desk-v2.yaml"
    path.write_text(path.read_text().replace("metadata:", "metadate:"))
    commit(repository, "break it")
    git(repository, "switch", "--quiet", "main")
    git(repository, "merge", "--quiet", "change")
    git(repository, "switch", "--quiet", "-c", "later")
    assert affected(repository, capsys)["manifests"] == []
    write(repository / "README.md", "new")
    found = because(affected(repository, capsys))
    assert found == {
        "manifests/desk-v2.yaml": {("manifests/desk-v2.yaml", "what it refers to cannot be read")}
    }


def test_what_cannot_be_read_or_leaves_the_project_hides_nothing(repository, capsys):
    (repository / "eval_sets/load.yaml").write_text("kind: Nonsense\n")
    (repository / "gates/desk.yaml").unlink()
    (repository / "gates/desk.yaml").symlink_to("/etc/hostname")
    commit(repository, "break a set")
    git(repository, "switch", "--quiet", "main")
    git(repository, "merge", "--quiet", "change")
    git(repository, "switch", "--quiet", "-c", "later")
    write(repository / "README.md", "new")
    found = because(affected(repository, capsys))
    unknown = "what it refers to cannot be read"
    assert found == {
        f"manifests/desk-v{number}.yaml": {(f"manifests/desk-v{number}.yaml", unknown)}
        for number in (1, 2)
    }


def test_a_scorer_inside_another_counts(repository, capsys):
    header = repository / "eval_sets/quality.yaml"
    inner = "{scorer: python, file: scorers/own.py, function: rate}"
    both = f"{{scorer: all, of: [facts, {inner}]}}"
    header.write_text(header.read_text().replace("citations]", f"{both}]"))
    write(repository / "scorers/own.py", "def rate(talk):\n    return 1\n")
    causes = because(affected(repository, capsys))["manifests/desk-v1.yaml"]
    assert ("scorers/own.py", "scorer of eval_sets/quality.yaml") in causes


def test_the_code_of_a_scorer_and_what_a_link_leads_to_count(repository, capsys):
    header = repository / "eval_sets/quality.yaml"
    scorer = "{scorer: python, file: scorers/own.py, function: rate}"
    header.write_text(header.read_text().replace("citations]", f"{scorer}]"))
    write(repository / "scorers/own.py", "def rate(talk):\n    return 1\n")
    (repository / "manifests/desk/system.jinja").unlink()
    write(repository / "shared/system.jinja", "Be brief.\n")
    (repository / "manifests/desk/system.jinja").symlink_to("../../shared/system.jinja")
    commit(repository, "a scorer of our own")
    git(repository, "switch", "--quiet", "main")
    git(repository, "merge", "--quiet", "change")
    git(repository, "switch", "--quiet", "-c", "later")
    write(repository / "scorers/own.py", "def rate(talk):\n    return 0\n")
    write(repository / "shared/system.jinja", "Be kind.\n")
    causes = because(affected(repository, capsys))["manifests/desk-v1.yaml"]
    assert causes == {
        ("scorers/own.py", "scorer of eval_sets/quality.yaml"),
        ("shared/system.jinja", "prompt.system"),
    }


def test_facts_that_a_policy_declares_count(repository, capsys):
    policy = repository / "gates/desk.yaml"
    policy.write_text(policy.read_text().replace("sections:", "facts: facts/q3.yaml\nsections:"))
    commit(repository, "facts")
    git(repository, "switch", "--quiet", "main")
    git(repository, "merge", "--quiet", "change")
    git(repository, "switch", "--quiet", "-c", "later")
    write(repository / "facts/q3.yaml", "hours of review\n")
    document = affected(repository, capsys)
    causes = because(document)["manifests/desk-v1.yaml"]
    assert causes == {("facts/q3.yaml", "facts of gates/desk.yaml")}
    assert document["policies"] == []


def test_the_environment_and_another_policy_count_where_they_are_named(repository, capsys):
    write(repository / "gates/other.yaml", "a policy")
    settings = repository / "manifests/environments/local.yaml"
    settings.write_text(settings.read_text() + "# a remark\n")
    assert affected(repository, capsys)["manifests"] == []
    words = ("--env", "local", "--policy", "gates/other.yaml")
    document = affected(repository, capsys, *words)
    assert because(document)["manifests/desk-v1.yaml"] == {
        ("gates/other.yaml", "gate policy"),
        ("manifests/environments/local.yaml", "environment local"),
    }
    assert document["policies"] == ["gates/other.yaml"]


def test_only_the_named_manifests_are_looked_at(repository, capsys):
    write(repository / "manifests/desk/system.jinja", "Be kind.\n")
    document = affected(repository, capsys, "manifests/desk-v1.yaml")
    assert list(because(document)) == ["manifests/desk-v1.yaml"]
    assert document["untouched"] == 0
    with pytest.raises(UsageError, match="is no release manifest"):
        run(["affected", "gates/desk.yaml", "--since", "main", "--project", str(repository)])


def test_people_read_the_causes_and_that_the_policy_changes_too(repository, capsys):
    write(repository / "manifests/desk/system.jinja", "Be kind.\n")
    write(repository / "gates/desk.yaml", "# other\n")
    for number in range(12):
        write(repository / f"manifests/desk/docs/n{number}.md", "new")
    assert run(["affected", "--since", "main", "--project", str(repository)]) == 0
    printed = capsys.readouterr().out
    assert "2 of 2 manifests touched since" in printed
    assert "prompt.system" in printed
    assert "and 4 more" in printed
    assert "gate policy changed too gates/desk.yaml" in printed
