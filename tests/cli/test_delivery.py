"""The verbs of delivery as a person calls them: text, JSON, exit codes, and every reason."""

from __future__ import annotations

import io
import multiprocessing
import re
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from builders import write
from delivery import Delivery, failing, intent, make_delivery
from gatekeeper.adapters.ledgers.posix import PosixLedger
from gatekeeper.cli.boundary import guarded
from gatekeeper.cli.main import run
from gatekeeper.ops.promote import promote
from typed import Line

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parents[1] / "golden" / "delivery"


@pytest.fixture
def delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Delivery:
    made = make_delivery(tmp_path)
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("GATEKEEPER_ACTOR", "ada")
    return made


@pytest.fixture
def line(capsys: pytest.CaptureFixture[str]) -> Line:
    return Line(capsys)


def lasting(text: str, delivery: Delivery) -> str:
    """Without what differs from one run to the next: times, keys and digests."""
    text = text.replace(str(delivery.root), "PROJECT")
    for name, digest in (("V1", delivery.v1), ("V2", delivery.v2)):
        text = text.replace(digest[7:27], name).replace(digest[7:19], name)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?", "TIME", text)
    text = re.sub(r"(key:? +(?:promote|release|gate)? *|key )[0-9a-f]{12}", r"\1KEY", text)
    return re.sub(r"(statement |sha256:)[0-9a-f]{12}", r"\1DIGEST", text)


def test_the_whole_story(
    delivery: Delivery, line: Line, golden: Callable[[Path, str], None]
) -> None:
    told: list[str] = []

    def tell(*words: str) -> int:
        code = line(*words)
        command = " ".join(word.replace("sha256:", "")[:20] for word in words)
        said = re.sub(r"^hash model files: done\n", "", line.err, flags=re.MULTILINE)
        told.append(f"$ gatekeeper {command}\n{line.out}{said}exit {code}\n")
        return code

    v1, v2 = delivery.v1, delivery.v2
    assert tell("status", "--env", "local") == 0
    assert tell("history", "--env", "local") == 0
    assert tell("rollback", "--env", "local") == 3
    assert tell("promote", v1, "--env", "local") == 3
    delivery.decide(v1)
    assert tell("verify", v1, "--for", "local") == 0
    assert tell("promote", v1, "--env", "local", "--dry-run") == 0
    assert tell("promote", v1, "--env", "local", "--reason", "the first one") == 0
    assert tell("promote", v1, "--env", "local") == 0
    delivery.decide(v2, v1, **failing("fail"))
    assert tell("promote", v2, "--env", "local") == 1
    delivery.decide(v2, v1)
    assert tell("promote", "manifests/desk-v2.yaml", "--env", "local", "--actor", "bob") == 0
    assert tell("rollback", "--env", "local", "--reason", "slow [bold]answers[/bold]") == 0
    assert tell("rollback", "--env", "local") == 3
    assert tell("status", "--env", "local") == 0
    assert tell("history", "--env", "local") == 0
    assert tell("verify", v2, "--for", "local") == 0
    assert tell("verify", v1, "--for", "prod") == 1
    (delivery.ledger() / "00000002.json").write_bytes(b"{}")
    assert tell("history", "--env", "local") == 1
    assert tell("status", "--env", "local") == 1
    golden(GOLDEN / "story.txt", lasting("\n".join(told), delivery))


def test_documents_for_programs(delivery: Delivery, line: Line) -> None:
    v1 = delivery.v1
    found = line.json("status", "--env", "local")
    assert (found["serial"], found["stable"]) == (0, None)
    found = line.json("promote", v1, "--env", "local", code=3)
    assert found["admitted"] is False
    assert [reason["code"] for reason in found["reasons"]] == ["verdict-absent"]
    verdict = delivery.decide(v1)
    found = line.json("verify", v1, "--for", "local")
    assert (found["standing"], found["admitted"]) == ("new", True)
    found = line.json("promote", v1, "--env", "local", "--reason", "r")
    assert (found["release"], found["written"], found["before"]) == (v1, True, None)
    assert found["verdict"]["digest"] == verdict
    assert found["entry"]["serial"] == 1
    assert set(found["entry"]["state"]) == {"stable", "canary", "shadow", "holds", "freeze"}
    found = line.json("status", "--env", "local")
    assert found["stable"]["release"] == v1
    assert set(found["components"]) == {
        "prompt",
        "model",
        "serving",
        "retrieval",
        "router",
        "tools",
        "policy",
        "budgets",
    }
    assert [key["role"] for key in found["keys"]] == ["promote", "release", "gate"]
    found = line.json("history", "--env", "local")
    assert found["verified"] is True
    assert found["entries"][0]["entry"]["actor"] == "ada"


def test_what_is_live_but_not_sound_is_told(delivery: Delivery, line: Line) -> None:
    delivery.decide(delivery.v1)
    promote(delivery.site(), delivery.v1, intent(), delivery.signer())
    delivery.decide(delivery.v2, delivery.v1)
    promote(delivery.site(), delivery.v2, intent(), delivery.signer())
    blobs = delivery.project.store / "blobs/sha256"
    for digest in (delivery.v1, delivery.v2):
        (blobs / digest.removeprefix("sha256:")).unlink()
    assert line("status", "--env", "local") == 1
    assert "problem" in line.out
    assert line("rollback", "--env", "local") == 1
    assert "content" in line.out
    assert delivery.site().ledger.head() == 2


FORGED = "root\n     2  2026-11-20  promote  \x1b[2K"


@pytest.mark.parametrize(
    "words", [("--actor", FORGED), ("--actor", " "), ("--reason", FORGED), ("--reason", "r" * 5000)]
)
def test_what_a_ledger_cannot_keep_is_bad_usage(
    delivery: Delivery, line: Line, words: tuple[str, str]
) -> None:
    delivery.decide(delivery.v1)
    assert line("promote", delivery.v1, "--env", "local", *words) == 2
    assert line("rollback", "--env", "local", *words) == 2
    assert words[0] in line.err
    assert delivery.site().ledger.head() == 0


def test_who_and_why_cannot_pass_for_lines_of_the_history(delivery: Delivery, line: Line) -> None:
    delivery.decide(delivery.v1)
    given = intent(actor=FORGED, reason=FORGED)
    assert promote(delivery.site(), delivery.v1, given, delivery.signer()).written
    for verb in ("history", "status"):
        assert line(verb, "--env", "local") == 0
        assert FORGED not in line.out
        assert "root\\n" in line.out
        assert "\x1b[2K" not in line.out


def test_what_comes_later_says_so(delivery: Delivery, line: Line) -> None:
    assert line("promote", delivery.v1, "--env", "local", "--canary", "25") == 2
    assert "canary lanes come with a later version" in line.err
    assert line("rollback", "--env", "local", "--component", "router") == 2
    assert "one component comes with a later version" in line.err


def test_an_environment_refers_to_what_it_serves(delivery: Delivery, line: Line) -> None:
    assert line("verify", "env:local", "--for", "local") == 3
    assert "nothing was promoted here yet" in line.err
    delivery.decide(delivery.v1)
    promote(delivery.site(), delivery.v1, intent(), delivery.signer())
    assert line.json("verify", "env:local", "--for", "local")["release"] == delivery.v1


def test_a_ledger_elsewhere(delivery: Delivery, line: Line, tmp_path: Path) -> None:
    settings = delivery.root / "manifests/environments/local.yaml"
    settings.write_text(settings.read_text() + f"ledger: file:{tmp_path}/shared\n")
    assert line("history", "--env", "local") == 3
    assert f"mkdir -p {tmp_path}/shared" in line.err
    (tmp_path / "shared").mkdir()
    delivery.decide(delivery.v1)
    assert line("promote", delivery.v1, "--env", "local") == 0
    assert (tmp_path / "shared/00000001.json").is_file()


def test_settings_that_are_wrong_are_located(delivery: Delivery, line: Line) -> None:
    write(
        delivery.root / "manifests/environments/local.yaml",
        "apiVersion: gatekeeper/v1\nkind: Environment\nname: prod\n",
    )
    assert line("status", "--env", "local") == 2
    assert "manifests/environments/local.yaml:3:7" in line.err
    assert line("status", "--env", "nowhere") == 2
    assert "there are local, prod" in line.err


def test_where_the_build_record_is_gone_models_cannot_be_found(
    delivery: Delivery, line: Line
) -> None:
    delivery.decide(delivery.v1)
    index = delivery.project.store / "index.json"
    index.write_text(index.read_text().replace("gatekeeper.dev/build/v1", "x.y/z"))
    found = line.json("promote", delivery.v1, "--env", "local", code=3)
    assert [one["code"] for one in found["reasons"]] == ["models", "policy-unnamed"]


# -- keys -----------------------------------------------------------------------------------------


def test_keys_are_listed_made_and_revoked(
    delivery: Delivery, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GATEKEEPER_KEY_PASSWORD", raising=False)
    keys = line.json("keys", "list")["keys"]
    assert [key["roles"] for key in keys] == [["release"], ["gate"], ["promote"], ["root"]]
    assert all(key["private"] and key["development"] for key in keys)
    assert line("keys", "generate", "--role", "gate") == 2
    assert "GATEKEEPER_KEY_PASSWORD" in line.err
    monkeypatch.setenv("GATEKEEPER_KEY_PASSWORD", "secret")
    made = line.json("keys", "generate", "--role", "gate")
    assert made["version"] == 2
    assert made["development"] is False
    assert (delivery.project.keys / f"gate-{made['id'][:12]}.key").is_file()
    assert line("keys", "show", made["id"][:8]) == 0
    assert "BEGIN PUBLIC KEY" in line.out
    assert line("keys", "revoke", keys[1]["id"][:12], "--reason", "rotated") == 0
    assert line("keys", "list") == 0
    assert "was revoked: rotated" in line.out
    assert line("keys", "renew") == 0
    assert "version 4" in line.out
    assert "secret" not in line.out + line.err


def test_keys_that_are_not_there(delivery: Delivery, line: Line) -> None:
    del delivery
    assert line("keys", "show", "zz") == 2
    assert line("keys", "show", "") == 2


def test_the_last_root_key_stays(delivery: Delivery, line: Line) -> None:
    root = line.json("keys", "list")["keys"][3]["id"]
    assert delivery.project.keys.is_dir()
    assert line("keys", "revoke", root, "--reason", "r") == 2
    assert "last root key" in line.err


def test_real_keys_open_the_way_to_prod(
    delivery: Delivery, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEKEEPER_KEY_PASSWORD", "secret")
    made = {role: line.json("keys", "generate", "--role", role) for role in ("release", "promote")}
    assert line("build", "manifests/desk-v1.yaml") == 0
    found = line.json("verify", delivery.v1, "--for", "prod", code=1)
    assert [one["code"] for one in found["reasons"]] == ["verdict-absent"]
    assert made["promote"]["roles"] == ["promote"]


# -- init -----------------------------------------------------------------------------------------


def test_init_makes_a_project(tmp_path: Path, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = line.json("init", "desk")
    assert found["environments"] == ["local", "prod"]
    assert found["manifests"] == ["manifests/first.yaml"]
    root = tmp_path / "desk"
    assert (root / ".gatekeeper/keys").stat().st_mode & 0o777 == 0o700
    assert [path.name for path in tmp_path.iterdir()] == ["desk"]
    for environment in ("local", "prod"):
        assert line("history", "--env", environment, "--project", "desk") == 0
    assert line("build", "desk/manifests/first.yaml", "--project", "desk") == 2
    assert "models/main" in line.err


def test_the_first_manifest_builds_once_it_has_a_model(
    tmp_path: Path, delivery: Delivery, line: Line
) -> None:
    root = tmp_path / "new"
    assert line("init", str(root)) == 0
    shutil.copytree(delivery.root / "models/tiny", root / "models/main")
    found = line.json("build", "manifests/first.yaml", "--project", str(root))
    assert found["name"] == "first"
    where = ("manifests/first.yaml", "--project", str(root))
    assert line("policy", "check", "gates/first.yaml", "--release", *where) == 0
    assert "3 rules, all of them block" in line.out
    assert line("evaluate", *where, "--dry-run") == 0
    (root / "gates/prices.yaml").unlink()
    assert line("evaluate", *where, "--dry-run") == 2
    assert "gates/prices.yaml: there is no price book" in line.err


def test_init_works_where_other_files_are(
    tmp_path: Path, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "README.md", "mine")
    write(tmp_path / "manifests/other.yaml", "mine")
    assert line("init") == 0
    assert (tmp_path / "manifests/first.yaml").is_file()
    assert (tmp_path / "manifests/other.yaml").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".gatekeeper",
        "README.md",
        "eval_sets",
        "gates",
        "manifests",
    ]


def test_init_starts_from_the_example(tmp_path: Path, line: Line) -> None:
    found = line.json("init", str(tmp_path / "desk"), "--example", "support-desk")
    assert found["manifests"] == [
        f"manifests/support-desk-v{number}.yaml" for number in range(1, 5)
    ]
    assert not [name for name in found["files"] if name.endswith(".py")]
    assert {name.split("/")[0] for name in found["files"]} == {
        "manifests",
        "gates",
        "eval_sets",
        "models",
    }
    for environment in ("local", "prod"):
        assert line("status", "--env", environment, "--project", str(tmp_path / "desk")) == 0
    assert line("init", str(tmp_path / "other"), "--example", "support-desk") == 0
    assert "gates/" in line.out


def test_an_installation_without_the_example_says_so(
    tmp_path: Path, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gatekeeper

    monkeypatch.setattr(gatekeeper, "__file__", str(tmp_path / "a/b/gatekeeper/__init__.py"))
    assert line("init", str(tmp_path / "desk"), "--example", "support-desk") == 3
    assert "the example's files are not installed" in line.err
    assert not (tmp_path / "desk").exists()


def test_where_nothing_can_be_written_init_says_so(tmp_path: Path, line: Line) -> None:
    (tmp_path / "desk").symlink_to(tmp_path / "gone" / "desk")
    assert line("init", str(tmp_path / "desk")) == 3
    assert "the project cannot be written" in line.err


@pytest.mark.parametrize(
    ("prepare", "words", "code", "what"),
    [
        ("manifests/first.yaml", ["init"], 2, "would overwrite manifests/first.yaml"),
        (".gatekeeper/x", ["init"], 2, "there is a gatekeeper project already"),
        ("x", ["init", "--example", "shop"], 2, "there is no example 'shop'"),
        ("x", ["init", "no/such/place"], 2, "no such directory"),
        ("x", ["init", "x/y"], 2, "no such directory"),
    ],
)
def test_init_overwrites_nothing_and_leaves_nothing(  # noqa: PLR0913, PLR0917
    tmp_path: Path,
    line: Line,
    monkeypatch: pytest.MonkeyPatch,
    prepare: str,
    words: list[str],
    code: int,
    what: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / prepare, "mine")
    before = sorted(tmp_path.rglob("*"))
    assert line(*words) == code
    assert what in line.err
    assert sorted(tmp_path.rglob("*")) == before


def test_init_takes_back_what_it_began(
    tmp_path: Path, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something appears in the way after everything was checked."""
    monkeypatch.chdir(tmp_path)
    from gatekeeper.adapters import scaffold

    def appear(directory: Path, files: object) -> None:
        del files
        write(directory / "manifests/first.yaml", "somebody else's")

    monkeypatch.setattr(scaffold, "_refuse_overwriting", appear)
    assert line("init") == 3
    found = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")]
    assert sorted(found) == ["manifests", "manifests/first.yaml"]


# -- many at once ---------------------------------------------------------------------------------


def contend(delivery: Delivery, number: int, barrier: Any, answers: Any) -> None:
    """One promotion, which has decided to write before any other has written."""
    append = PosixLedger.append

    def together(self: PosixLedger, serial: int, entry: bytes) -> None:
        barrier.wait(60)
        append(self, serial, entry)

    PosixLedger.append = together  # type: ignore[method-assign]
    words = ["promote", delivery.v1, "--env", "local", "--actor", f"ci-{number}"]
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        code = guarded(lambda: run(words), words)
    answers.put((f"ci-{number}", code, output.getvalue()))


def test_of_many_promotions_at_once_one_wins_and_the_others_say_who(delivery: Delivery) -> None:
    delivery.decide(delivery.v1)
    context = multiprocessing.get_context("fork")
    barrier, answers = context.Barrier(16), context.Queue()
    writers = [
        context.Process(target=contend, args=(delivery, number, barrier, answers))
        for number in range(16)
    ]
    for writer in writers:
        writer.start()
    found = [answers.get(timeout=90) for _ in writers]
    for writer in writers:
        writer.join()
    winners = [name for name, code, _ in found if code == 0]
    assert len(winners) == 1
    others = [(code, said) for _, code, said in found if code != 0]
    assert {code for code, _ in others} == {3}
    assert all(f"lost the race: {winners[0]} promoted desk@" in said for _, said in others)
    assert delivery.site().ledger.head() == 1
