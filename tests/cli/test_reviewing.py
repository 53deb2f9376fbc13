"""What `gatekeeper ci` does around the verbs: places, names, policies, files for a platform."""

import json

import pytest

from builders import write
from gatekeeper.adapters.forges.terminal import Terminal
from gatekeeper.adapters.project import Project
from gatekeeper.cli import reviewing, telling
from gatekeeper.cli.main import run
from gatekeeper.cli.reviewing import Wish
from gatekeeper.cli.verbs.policy.changing import change_of
from gatekeeper.core.review import Judged, PolicyChange, Review
from gatekeeper.errors import UsageError
from repositories import commit, git, make_repository


@pytest.fixture
def desk(root):
    make_repository(root)
    return Project.open(root)


def wish(directory, **changes):
    given = {
        "places": (),
        "since": "main",
        "baseline": None,
        "environment": "local",
        "policy": None,
        "parameters": (),
        "options": (),
        "reports": directory / "reports",
    }
    return Wish(**(given | changes))


def found(desk, tmp_path, **changes):
    return reviewing._found(desk, Terminal(), wish(tmp_path, **changes))


def test_what_is_named_is_judged_whether_touched_or_not(desk, tmp_path):
    assert found(desk, tmp_path).touched == ()
    (one,) = found(desk, tmp_path, places=(desk.root / "manifests/desk-v1.yaml",)).touched
    assert (one.manifest, one.because) == ("manifests/desk-v1.yaml", ())
    write(desk.root / "manifests/desk/system.jinja", "Be kind.\n")
    named = found(desk, tmp_path, places=(desk.root / "manifests/desk-v1.yaml",))
    assert [cause.role for cause in named.touched[0].because] == ["prompt.system"]
    assert len(found(desk, tmp_path).touched) == 2


def test_outside_git_what_is_named_is_judged_and_nothing_else_can_be(root, tmp_path):
    project = Project.open(root)
    places = (root / "manifests/desk-v2.yaml",)
    named = found(project, tmp_path, since=None, places=places)
    assert [one.manifest for one in named.touched] == ["manifests/desk-v2.yaml"]
    assert named.base == ""
    with pytest.raises(UsageError, match="is not in a git working tree"):
        found(project, tmp_path, since=None)
    assert reviewing._within(project) == reviewing._head(project) == ""


@pytest.mark.parametrize(
    ("old", "new", "loosened"),
    [
        ("resolved_rate_min: 0.5", "resolved_rate_min: 0.4", [("0.5", "0.4")]),
        ("resolved_rate_min: 0.5", "resolved_rate_min: 0.6", []),
    ],
)
def test_a_policy_that_demands_less_is_told(desk, old, new, loosened):
    path = desk.root / "gates/desk.yaml"
    write(path, path.read_text().replace(old, new))
    base = git(desk.root, "rev-parse", "main")
    change = change_of(desk, base, "gates/desk.yaml", {})
    assert change.unclear == ""
    assert [(one.before, one.after) for one in change.loosened] == loosened


def test_a_policy_that_cannot_be_compared_is_told_too(desk):
    base = git(desk.root, "rev-parse", "main")
    write(desk.root / "gates/new.yaml", (desk.root / "gates/desk.yaml").read_text())
    change = change_of(desk, base, "gates/new.yaml", {})
    assert change == PolicyChange("gates/new.yaml", unclear="it is new")
    write(desk.root / "gates/desk.yaml", "kind: Nonsense\n")
    change = change_of(desk, base, "gates/desk.yaml", {})
    assert "gates/desk.yaml" in change.unclear


def test_reports_need_a_place_of_their_own(tmp_path):
    reviewing._make_place(tmp_path / "a/b")
    reviewing._make_place(tmp_path / "a/b")
    write(tmp_path / "a/b/old.md", "")
    with pytest.raises(UsageError, match="holds something already"):
        reviewing._make_place(tmp_path / "a/b")


def test_a_place_below_the_working_directory_is_named_briefly(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(reviewing.place_of(tmp_path / "reports")) == "reports"
    assert reviewing.place_of(tmp_path.parent / "x") == tmp_path.parent / "x"


def test_no_two_manifests_share_a_directory():
    names = list(reviewing._names(["manifests/a.yaml", "manifests/a-yaml", "manifests/b.yaml"]))
    assert names == ["manifests-a-yaml", "manifests-a-yaml.2", "manifests-b-yaml"]


def test_findings_of_all_manifests_become_one_file(tmp_path):
    telling.combine_code_quality(tmp_path)
    assert list(tmp_path.iterdir()) == []
    for name in ("a", "b"):
        found = [{"check_name": name, "fingerprint": "of one rule of one release name"}]
        write(tmp_path / name / "code-quality.json", json.dumps(found))
    telling.combine_code_quality(tmp_path)
    first = (tmp_path / "code-quality.json").read_text()
    assert [one["check_name"] for one in json.loads(first)] == ["a", "b"]
    assert len({one["fingerprint"] for one in json.loads(first)}) == 2
    telling.combine_code_quality(tmp_path)
    assert (tmp_path / "code-quality.json").read_text() == first


def test_each_manifest_is_an_analysis_of_its_own(tmp_path):
    run_ = {"automationDetails": {"id": "gatekeeper/desk/"}, "results": []}
    path = write(tmp_path / "verdict.sarif", json.dumps({"version": "2.1.0", "runs": [run_]}))
    telling.name_analysis(path, "manifests-a-yaml")
    (one,) = json.loads(path.read_text())["runs"]
    assert one == {"automationDetails": {"id": "gatekeeper/manifests-a-yaml/"}, "results": []}
    telling.name_analysis(tmp_path / "none.sarif", "x")


def test_outputs_are_of_the_manifest_that_decides(tmp_path):
    verdict = {"outcome": "fail", "run": "run-1", "rules": []}
    good = Judged("a.yaml", release="sha256:a", reports="a", verdict={"outcome": "pass"})
    bad = Judged("b.yaml", exit=1, release="sha256:b", reports="b", verdict=verdict)
    told = telling.outputs(Review((good, bad)), tmp_path)
    assert (told["outcome"], told["run"], told["release"]) == ("fail", "run-1", "sha256:b")
    assert told["verdict"] == str(tmp_path / "b/verdict.json")
    assert json.loads(told["manifests"]) == ["a.yaml", "b.yaml"]
    assert telling.outputs(Review(()), tmp_path)["verdict"] == ""


def test_a_state_that_is_there_is_used_and_keeps_its_keys(root, tmp_path):
    assert reviewing.home_of(root, None).root == root
    with pytest.raises(UsageError, match="there is a state with keys of its own"):
        reviewing.home_of(root, tmp_path)


def test_nothing_touched_is_told_and_exits_0(desk, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(desk.root / "README.md", "new\n")
    commit(desk.root, "a readme")
    words = ["ci", "--since", "main", "--project", str(desk.root), "--platform", "none"]
    assert run([*words, "--output", "json"]) == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert (document["outcome"], document["manifests"], document["comment"]) == ("none", [], "")
    assert document["commit"] == git(desk.root, "rev-parse", "HEAD")
    assert (tmp_path / "gatekeeper-reports/comment.md").read_text().startswith("## ⏭️ gatekeeper")


def test_code_scanning_is_left_no_more_logs_than_it_takes(tmp_path):
    judged = []
    for place in range(23):
        write(tmp_path / f"m{place}" / "verdict.sarif", "{}")
        judged.append(Judged(f"m{place}.yaml", exit=0 if place < 5 else 1, reports=f"m{place}"))
    said = []
    telling.set_aside(Review(tuple(judged)), tmp_path, said.append)
    aside = {path.parent.name for path in tmp_path.glob("*/verdict.sarif.json")}
    assert len(list(tmp_path.glob("*/*.sarif"))) == 20
    assert aside == {"m2", "m3", "m4"}  # none of those that fail
    assert said == ["code scanning takes 20 logs; 3 more are called verdict.sarif.json"]
    telling.set_aside(Review(tuple(judged)), tmp_path, said.append)
    assert len(said) == 1
