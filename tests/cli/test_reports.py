"""`--report FORMAT=PATH`: every format at once, and everything wrong with them before any work."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from builders_runs import Behaviour, describe, make_run
from delivery import Delivery, make_delivery
from gatekeeper.cli.main import run
from gatekeeper.cli.plots import plots_of
from gatekeeper.cli.reports import FORMATS, reports_of
from gatekeeper.cli.wiring import store_of
from gatekeeper.errors import InputError, IntegrityError, UndecidedError, UsageError
from gatekeeper.model.run import RunRelease
from gatekeeper.model.statement import VERDICT

RUN = "20261120-120000-abcdef"
GATE = ("gate", RUN, "--policy", "gates/desk.yaml", "--no-record", "--project")


@pytest.fixture
def delivery(tmp_path: Path) -> Delivery:
    from datetime import UTC, datetime

    made, now = make_delivery(tmp_path), datetime.now(UTC)
    described = describe(
        {"quality": 100},
        candidate=RunRelease(name="desk", digest=made.v1),
        baseline=None,
        started=now,
        ended=now,
    )
    make_run(made.project.runs / RUN, Behaviour(unresolved=80), run=described)
    return made


def test_one_run_of_the_gate_writes_every_format(delivery: Delivery, tmp_path: Path) -> None:
    words = [word for name in FORMATS for word in ("--report", f"{name}={tmp_path / name}")]
    assert run([*GATE, str(delivery.root), *words]) == 1
    written = {name: (tmp_path / name).read_text(encoding="utf-8") for name in FORMATS}
    assert written["text"].startswith("✗ FAIL")
    assert json.loads(written["json"])["outcome"] == "fail"
    assert written["html"].startswith("<!doctype html>")
    assert written["markdown"].startswith("### ✗ Gate: fail")
    assert ET.fromstring(written["junit"]).get("failures") == "1"
    [result] = json.loads(written["sarif"])["runs"][0]["results"]
    [finding] = json.loads(written["gitlab"])
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == finding["location"]["path"] == "gates/desk.yaml"
    line = place["region"]["startLine"]
    policy = (delivery.root / "gates/desk.yaml").read_text(encoding="utf-8").splitlines()
    assert "resolved_rate_min" in policy[line - 1]
    assert f"::error file=gates/desk.yaml,line={line}," in written["github"]


def test_a_report_on_stderr_leaves_stdout_to_the_document(
    delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--output", "json", "--report", "github=-", "--report", "text=-")
    assert run([*GATE, str(delivery.root), *words]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["outcome"] == "fail"
    assert "::error file=" in told.err
    assert "✗ FAIL" in told.err


def test_everything_wrong_with_the_reports_is_said_at_once(
    delivery: Delivery, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    words = [
        "markdwn=a.md",
        "junit",
        "text=",
        f"json={tmp_path}",
        f"sarif={tmp_path}/absent/x.sarif",
        f"gitlab={tmp_path}/pipe",
        f"text={tmp_path}/same",
        f"json={tmp_path}/./same",
    ]
    before = len(list(store_of(delivery.project).referrers(delivery.v1, VERDICT)))
    arguments = [word for one in words for word in ("--report", one)]
    with pytest.raises(InputError) as caught:
        run(["gate", "no-such-run", "--project", str(delivery.root), *arguments])
    told = str(caught.value)
    assert len(caught.value.problems) == 7
    assert "did you mean 'markdown'?" in told
    assert told.count(", ".join(FORMATS)) == 3
    assert "it is a directory" in told
    assert f"there is no directory {tmp_path}/absent" in told
    assert "it is no regular file" in told
    assert "is to be written twice" in told
    assert len(list(store_of(delivery.project).referrers(delivery.v1, VERDICT))) == before


def test_a_report_replaces_what_a_link_points_at(delivery: Delivery, tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("old.txt")
    assert run([*GATE, str(delivery.root), "--report", f"text={tmp_path / 'link.txt'}"]) == 1
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "old.txt").read_text(encoding="utf-8").startswith("✗ FAIL")


def test_a_run_that_cannot_be_decided_is_reported(delivery: Delivery, tmp_path: Path) -> None:
    policy = delivery.root / "gates/own.yaml"
    policy.write_text('{"release_gate": {"cost": {"usd_per_resolved_request_max_increase": 0.1}}}')
    junit = tmp_path / "junit.xml"
    words = ("--policy", "gates/own.yaml", "--no-record", "--report", f"junit={junit}")
    assert run(["gate", RUN, "--project", str(delivery.root), *words]) == 3
    [case] = ET.fromstring(junit.read_text(encoding="utf-8")).iter("testcase")
    assert case.find("error") is not None


@pytest.mark.parametrize("name", FORMATS)
def test_records_that_were_touched_are_reported_as_an_error(
    delivery: Delivery, tmp_path: Path, name: str
) -> None:
    (delivery.project.runs / RUN / "calls.parquet").write_bytes(b"x")
    with pytest.raises(IntegrityError):
        run([*GATE, str(delivery.root), "--report", f"{name}={tmp_path / 'told'}"])
    told = " ".join((tmp_path / "told").read_text(encoding="utf-8").split())
    assert "is not the file that the run was sealed with" in told
    assert "run.readable" in told.replace("<wbr>", "").replace(" ! readable", "run.readable")


def test_bad_input_writes_no_report(delivery: Delivery, tmp_path: Path) -> None:
    (delivery.root / "gates/own.yaml").write_text('{"release_gate": {"cost": {"nothing_max": 1}}}')
    words = ("--policy", "gates/own.yaml", "--report", f"text={tmp_path / 'told'}")
    with pytest.raises(InputError):
        run(["gate", RUN, "--project", str(delivery.root), *words])
    assert not (tmp_path / "told").exists()


@pytest.mark.parametrize("flag", ["--dry-run", "--aa"])
def test_what_decides_nothing_has_no_report(flag: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="decides nothing"):
        run(["evaluate", "x", flag, "--report", f"text={tmp_path / 'x'}"])


def test_no_report_is_no_problem() -> None:
    assert reports_of([]) == ()


# -- gatekeeper report ----------------------------------------------------------------------------


def report(delivery: Delivery, *words: str) -> int:
    return run(["report", RUN, "--project", str(delivery.root), *words])


def test_a_stored_run_is_one_page(
    delivery: Delivery, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*GATE[:4], "--project", str(delivery.root)]) == 1
    capsys.readouterr()
    page = tmp_path / "page.html"
    assert report(delivery, "--to", str(page), "--output", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"run": RUN, "format": "html", "file": str(page)}
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "quality.resolved_rate_min".replace(".", ".<wbr>").replace("_", "_<wbr>") in text
    assert 'id="plane"' in text
    assert 'id="distributions"' in text


def test_any_format_can_go_to_stdout(
    delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*GATE[:4], "--project", str(delivery.root)]) == 1
    capsys.readouterr()
    assert report(delivery, "--format", "junit", "--to", "-") == 0
    assert ET.fromstring(capsys.readouterr().out).tag == "testsuites"


def test_the_file_is_named_after_the_run(
    delivery: Delivery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run([*GATE[:4], "--project", str(delivery.root)]) == 1
    monkeypatch.chdir(tmp_path)
    assert report(delivery, "--format", "sarif") == 0
    assert json.loads((tmp_path / f"{RUN}.sarif").read_text())["version"] == "2.1.0"


def test_a_run_that_nobody_decided_has_no_report(delivery: Delivery) -> None:
    with pytest.raises(UndecidedError, match="no signed verdict"):
        report(delivery)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--format", "htm"), "did you mean 'html'"),
        (("--to", "-", "--output", "json"), "stdout cannot be both"),
    ],
)
def test_what_cannot_be_reported_is_refused(
    delivery: Delivery, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        report(delivery, *words)


def test_what_cannot_be_written_is_the_fault_of_the_option_that_named_it(
    delivery: Delivery, tmp_path: Path
) -> None:
    assert run([*GATE[:4], "--project", str(delivery.root)]) == 1
    with pytest.raises(InputError, match=r"^--to: .* cannot be written: it is a directory"):
        report(delivery, "--to", str(tmp_path))


def test_a_verdict_by_another_policy_points_at_that_policy(
    delivery: Delivery, capsys: pytest.CaptureFixture[str]
) -> None:
    stricter = (delivery.root / "gates/desk.yaml").read_text(encoding="utf-8")
    (delivery.root / "gates/stricter.yaml").write_text(
        stricter.replace("name: desk", "name: stricter")
    )
    words = ("gate", RUN, "--policy", "gates/stricter.yaml", "--project", str(delivery.root))
    assert run([*words]) == 1
    capsys.readouterr()
    assert report(delivery, "--format", "github", "--to", "-") == 0
    assert "file=gates/stricter.yaml,line=" in capsys.readouterr().out
    (delivery.root / "gates/stricter.yaml").unlink()
    assert report(delivery, "--format", "github", "--to", "-") == 0
    assert "gates/" not in capsys.readouterr().out


def test_earlier_runs_over_the_same_samples_are_in_the_plane(delivery: Delivery) -> None:
    from datetime import UTC, datetime

    now, other = datetime.now(UTC), RunRelease(name="desk", digest="sha256:" + "5" * 64)
    for number, (sizes, release) in enumerate(
        [({"quality": 100}, other), ({"quality": 90}, other)], start=1
    ):
        described = describe(
            sizes, id=f"2026111{number}-120000-000aaa", candidate=release, baseline=None,
            started=now, ended=now,
        )  # fmt: skip
        make_run(delivery.project.runs / described.id, Behaviour(), run=described)
    (delivery.project.runs / "20261113-120000-000aaa").mkdir()
    (delivery.project.runs / "20261113-120000-000aaa/run.json").write_text("{")
    plots = plots_of(delivery.project, delivery.project.runs / RUN)
    assert [(one.kind, one.label) for one in plots.plane] == [
        ("candidate", "candidate desk"),
        ("earlier", "run 20261111-120000-000aaa"),
    ]
    assert plots.plane[0].quality == 0.2
    assert plots.plane[1].quality == 0.88


def test_both_sides_of_a_comparison_are_in_the_plane(delivery: Delivery) -> None:
    described = describe({"quality": 100}, id="20261114-120000-000aaa")
    make_run(delivery.project.runs / described.id, Behaviour(), run=described)
    plots = plots_of(delivery.project, delivery.project.runs / described.id)
    assert [one.kind for one in plots.plane] == ["candidate", "baseline"]
    assert all(one.cost_low is not None and one.quality_low is not None for one in plots.plane)


def test_a_run_without_quality_has_no_plane(delivery: Delivery) -> None:
    described = describe({"load": 60}, id="20261115-120000-000aaa")
    make_run(delivery.project.runs / described.id, Behaviour(), run=described)
    plots = plots_of(delivery.project, delivery.project.runs / described.id)
    assert plots.plane == ()
    assert {one.suite for one in plots.distributions} == {"load"}


def test_a_release_that_is_not_here_is_told_by_its_policy(
    delivery: Delivery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    absent = RunRelease(name="desk", digest="sha256:" + "7" * 64)
    described = describe({"quality": 100}, id="20261116-120000-000aaa", candidate=absent)
    make_run(delivery.project.runs / described.id, Behaviour(unresolved=80), run=described)
    words = ("--policy", "gates/desk.yaml", "--no-record", "--report", "gitlab=found.json")
    code = run(["gate", described.id, "--project", str(delivery.root), *words])
    assert code in {1, 3}  # it is as old as the test
    paths = {one["location"]["path"] for one in json.loads(Path("found.json").read_text())}
    assert paths == {"gates/desk.yaml"}
