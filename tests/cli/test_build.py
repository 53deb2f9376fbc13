"""build, show, list and diff, as a person or a pipeline runs them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from builders import make_project, manifest, write, write_manifest
from gatekeeper.cli.boundary import guarded
from gatekeeper.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("template"), keys=True)


@pytest.fixture
def root(template: Path, tmp_path: Path) -> Path:
    import shutil

    return shutil.copytree(template, tmp_path / "project")


@pytest.fixture
def gatekeeper(root: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        words = [*arguments, "--project", str(root)]
        capsys.readouterr()
        code = guarded(lambda: run(words), words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def json_of(call: tuple[int, str, str]) -> Any:
    code, out, err = call
    assert code == 0, err
    return json.loads(out)


def second(root: Path) -> None:
    """A second release of the same name, with another budget."""
    content = manifest()
    content["metadata"]["version"] = "2"
    content["components"]["budgets"]["per_day"]["usd"] = 10
    write_manifest(root, content, "desk-v2")


def test_build_show_list_diff(root: Path, gatekeeper: Run) -> None:
    code, out, _ = gatekeeper("build", "manifests/desk-v1.yaml")
    assert code == 0
    assert "built and signed with development key" in out
    assert "small: 4 files, 7.7 KiB, context 2048" in out
    code, out, _ = gatekeeper("build", "manifests/desk-v1.yaml")
    assert "already built, signed with development key" in out

    code, out, _ = gatekeeper("show", "desk")
    assert code == 0
    for word in ("support-platform", "bm25, top 3 of 3 documents", "served in     anywhere"):
        assert word in out
    assert "https://sigstore.dev/cosign/sign/v1" in out

    second(root)
    assert gatekeeper("build", "manifests/desk-v2.yaml")[0] == 0
    code, out, _ = gatekeeper("list")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == ["release", "digest", "label", "built"]
    assert [line.split()[2] for line in lines[1:]] == ["1", "2"]

    code, out, _ = gatekeeper("diff", "manifests/desk-v1.yaml", "manifests/desk-v2.yaml")
    assert code == 0
    assert "per_day.usd 5 -> 10 (+100.0 %)" in out
    code, out, _ = gatekeeper(
        "diff", "manifests/desk-v1.yaml", "manifests/desk-v2.yaml", "--format", "markdown"
    )
    assert "| `per_day.usd` | `5` | `10` | +100.0 % |" in out


def test_for_programs(root: Path, gatekeeper: Run) -> None:
    document = json_of(gatekeeper("build", "manifests/desk-v1.yaml", "-o", "json"))
    assert list(document) == ["name", "digest", "components", "manifest", "warnings"]
    assert len(document["components"]) == 8
    assert document["warnings"] == []
    shown = json_of(gatekeeper("show", document["digest"][:16], "--output", "json"))
    assert shown["digest"] == document["digest"]
    assert shown["component_digests"] == document["components"]
    assert shown["record"]["manifest"] == "manifests/desk-v1.yaml"
    assert len(shown["statements"]) == 2
    listed = json_of(gatekeeper("list", "--output", "json"))
    assert [found["digest"] for found in listed["releases"]] == [document["digest"]]
    second(root)
    other = json_of(gatekeeper("build", "manifests/desk-v2.yaml", "-o", "json"))
    found = json_of(gatekeeper("diff", document["digest"], other["digest"], "-o", "json"))
    assert found["class"] == "routing"
    assert found["gates"]["sections"] == ["quality", "reliability", "cost"]
    assert found["changed"] == {
        "budgets": {
            "old": document["components"]["budgets"],
            "new": other["components"]["budgets"],
            "changes": [
                {"path": "per_day.usd", "kind": "changed", "old": 5.0, "new": 10.0, "relative": 1.0}
            ],
        }
    }


def test_every_kind_of_change_is_for_programs_too(root: Path, gatekeeper: Run) -> None:
    first = json_of(gatekeeper("build", "manifests/desk-v1.yaml", "-o", "json"))["digest"]
    content = manifest()
    router = content["components"]["router"]
    router["tiers"]["quick"] = router["tiers"].pop("standard")
    router["tiers"]["search"]["fallback"] = router["routes"][1]["route_to"] = "quick"
    router["routes"].append({"match": {"tenant": "a"}, "route_to": "quick"})
    router["routes"].reverse()
    router["routes"][:2] = [router["routes"][0], router["routes"][2]]
    router["routes"][2:] = [{"route_to": "quick"}]
    write(root / "manifests/desk/system.jinja", "Answer.\n")
    write(root / "manifests/desk/docs/velar.md", "Other.\n")
    write_manifest(root, content)
    new = json_of(gatekeeper("build", "manifests/desk-v1.yaml", "-o", "json"))["digest"]
    there = json_of(gatekeeper("diff", first, new, "-o", "json"))["changed"]
    back = json_of(gatekeeper("diff", new, first, "-o", "json"))["changed"]
    assert there["prompt"]["changes"][0]["words"][0] == {
        "operation": "removed",
        "words": ["You", "are", "the", "support", "desk", "of", "Northwind.", "Answer", "briefly."],
    }
    files = there["retrieval"]["changes"][0]
    assert (files["kind"], files["files"][0]["file"]) == ("files", "velar.md")
    kinds = [change["kind"] for change in there["router"]["changes"]]
    assert set(kinds) == {"added", "changed", "renamed"}
    assert "removed" in [change["kind"] for change in back["router"]["changes"]]


def test_nothing_is_written_where_a_check_fails(root: Path, gatekeeper: Run) -> None:
    write(root / "manifests/desk/template.jinja", "{{ inputs }}")
    code, out, err = gatekeeper("build", "manifests/desk-v1.yaml", "-o", "json")
    assert code == 2
    [problem] = json.loads(out)["error"]["problems"]
    assert (problem["file"], problem["line"]) == ("manifests/desk/template.jinja", 1)
    assert (problem["nearest"], problem["code"]) == ("input", "prompt-template")
    assert "did you mean 'input'?" in err
    assert not list((root / ".gatekeeper/store").iterdir())


def test_without_a_key_nothing_is_stored(root: Path, gatekeeper: Run) -> None:
    (root / ".gatekeeper/keys/release.key").unlink()
    code, _, err = gatekeeper("build", "manifests/desk-v1.yaml")
    assert code == 1
    assert "no current private key for the role release" in err
    assert not list((root / ".gatekeeper/store").iterdir())


def test_warnings_are_told_and_do_not_stop(root: Path, gatekeeper: Run) -> None:
    content = manifest()
    content["components"]["router"]["tiers"]["spare"] = {"model": "small"}
    write_manifest(root, content)
    code, out, _ = gatekeeper("build", "manifests/desk-v1.yaml")
    assert code == 0
    assert "warning manifests/desk-v1.yaml:" in out
    assert "no route and no fallback leads to tier 'spare'" in out


def test_rehash_reads_every_file(gatekeeper: Run) -> None:
    time.sleep(0.05)  # a file that was written a moment ago is not remembered
    gatekeeper("build", "manifests/desk-v1.yaml")
    assert "hash model files" not in gatekeeper("build", "manifests/desk-v1.yaml")[2]
    code, _, err = gatekeeper("build", "manifests/desk-v1.yaml", "--rehash")
    assert code == 0
    assert "hash model files" in err


def test_what_a_ref_may_be(root: Path, gatekeeper: Run) -> None:
    code, _, err = gatekeeper("show", "manifests/desk-v1.yaml")
    assert code == 2
    assert "has not been built" in err
    assert "gatekeeper build manifests/desk-v1.yaml" in err
    digest = json_of(gatekeeper("build", "manifests/desk-v1.yaml", "-o", "json"))["digest"]
    for ref in ("manifests/desk-v1.yaml", str(root / "manifests/desk-v1.yaml"), digest[7:15]):
        assert json_of(gatekeeper("show", ref, "-o", "json"))["digest"] == digest
    assert gatekeeper("show", "env:nowhere")[0] == 2
    code, _, err = gatekeeper("show", "nobody")
    assert code == 2
    assert "no release 'nobody' in the store, which holds desk" in err


def test_an_empty_list_says_what_to_do(gatekeeper: Run) -> None:
    assert gatekeeper("list")[1].startswith("no releases yet; build one with")


def test_a_damaged_release_is_listed_but_not_shown(root: Path, gatekeeper: Run) -> None:
    document = json_of(gatekeeper("build", "manifests/desk-v1.yaml", "-o", "json"))
    blobs = root / ".gatekeeper/store/blobs/sha256"
    path = blobs / document["components"]["prompt"].removeprefix("sha256:")
    path.write_bytes(path.read_bytes()[:-1])
    code, _, err = gatekeeper("show", "desk")
    assert code == 1
    assert document["components"]["prompt"] in err
    assert gatekeeper("diff", "desk", "desk")[0] == 1
    shown = json_of(gatekeeper("list", "-o", "json"))["releases"]
    assert [found["label"] for found in shown] == ["1"]
    for path in blobs.iterdir():
        path.write_bytes(b"")
    shown = json_of(gatekeeper("list", "-o", "json"))["releases"]
    assert [(found["name"], found["label"]) for found in shown] == [("desk", "")]
    assert "built and signed" in gatekeeper("build", "manifests/desk-v1.yaml")[1]
    assert len(json_of(gatekeeper("show", "desk", "-o", "json"))["statements"]) == 2
