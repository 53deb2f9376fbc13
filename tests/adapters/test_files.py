"""Files that a project refers to: read inside the project, refused by name anywhere else."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from gatekeeper.adapters import files
from gatekeeper.adapters.files import read_bytes, read_text, walk
from gatekeeper.adapters.project import Project
from gatekeeper.errors import InputError, UsageError


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    (root / ".gatekeeper").mkdir(parents=True)
    (root / "docs").mkdir()
    return Project.open(root)


def test_reads_text_and_bytes(project: Project) -> None:
    (project.root / "docs" / "a.txt").write_bytes("grüße\r\n\tx\n".encode())
    assert read_text(project, "docs/a.txt") == "grüße\r\n\tx\n"
    assert read_bytes(project, "a.txt", relative_to=project.root / "docs").startswith(b"gr")


def test_follows_a_link_that_stays_inside(project: Project) -> None:
    (project.root / "a.txt").write_text("x")
    (project.root / "docs" / "link").symlink_to("../a.txt")
    assert read_text(project, "docs/link") == "x"
    assert walk(project, "docs") == ("link",)


@pytest.mark.parametrize(
    "path", ["../secret", "/etc/passwd", "docs/../../secret", "out", "loop", "nul\0", "a" * 5000]
)
def test_refuses_paths_that_leave_the_project(project: Project, path: str) -> None:
    (project.root.parent / "secret").write_text("x")
    (project.root / "out").symlink_to(project.root.parent / "secret")
    (project.root / "loop").symlink_to("loop")
    with pytest.raises(UsageError) as caught:
        read_bytes(project, path)
    assert "leaves the project" in str(caught.value) or "too long" in str(caught.value)


def test_never_waits_for_a_pipe_or_opens_what_is_no_file(project: Project) -> None:
    os.mkfifo(project.root / "pipe")
    with pytest.raises(UsageError, match="pipe: is a pipe"):
        read_bytes(project, "pipe")
    with pytest.raises(UsageError, match="docs: is a directory"):
        read_bytes(project, "docs")
    with pytest.raises(UsageError, match="no such file"):
        read_bytes(project, "absent")
    with pytest.raises(UsageError, match="leaves the project"):
        read_bytes(project, "/dev/zero")


def test_says_why_a_file_cannot_be_opened(project: Project) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(project.root)  # the path of a socket is short
        try:
            server.bind("socket")
        finally:
            os.chdir(here)
        with pytest.raises(UsageError, match="cannot be read: No such device or address"):
            read_bytes(project, "socket")


def test_refuses_oversized_files_by_name(project: Project) -> None:
    (project.root / "big").write_bytes(b"x" * 11)
    with pytest.raises(InputError, match=r"^big: is 11 bytes\n  accepted: at most 10 bytes$"):
        read_bytes(project, "big", 10)
    assert len(read_bytes(project, "big", 11)) == 11


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"ok\n\xc3(", "a:2:1: byte 0xc3 is not UTF-8"),
        (b"\xff\xfea\0", "a:1:1: is UTF-16"),
        (b"\xef\xbb\xbfx", "a:1:1: starts with a byte order mark"),
        (b"ab\x00\n\x1b[0m", "a:1:3: control character U\\+0000"),
        (b"ab\n\x1b[0m", "a:2:1: control character U\\+001B"),
        (b"\xed\xa0\x80", "a:1:1: byte 0xed is not UTF-8"),
        (b"x\xef\xbf\xbf", "a:1:2: control character U\\+FFFF"),
    ],
)
def test_refuses_anything_but_clean_utf8(project: Project, data: bytes, message: str) -> None:
    (project.root / "a").write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_text(project, "a")


def test_names_every_control_character_up_to_ten(project: Project) -> None:
    (project.root / "a").write_bytes(b"\x01\n" * 12)
    with pytest.raises(InputError) as caught:
        read_text(project, "a")
    assert [problem.line for problem in caught.value.problems] == list(range(1, 11))


def test_walks_in_a_fixed_order_with_hidden_files(project: Project) -> None:
    for name in ("b/z.md", "b.md", "a/x", ".hidden"):
        path = project.root / "docs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    assert walk(project, "docs") == (".hidden", "a/x", "b.md", "b/z.md")
    assert walk(project, "b", relative_to=project.root / "docs") == ("z.md",)


def test_walk_refuses_every_odd_entry_at_once(project: Project) -> None:
    docs = project.root / "docs"
    os.mkfifo(docs / "pipe")
    (docs / "out").symlink_to("/etc/hostname")
    (docs / "gone").symlink_to("nothing")
    (docs / "directory").symlink_to(".")
    (docs / "bad\x1bname").write_text("x")
    Path(os.fsdecode(os.fsencode(docs) + b"/\xff")).write_text("x")
    with pytest.raises(InputError) as caught:
        walk(project, "docs")
    found = {problem.file: problem.message for problem in caught.value.problems}
    assert found == {
        "docs/pipe": "is a pipe",
        "docs/out": "is a link that leaves the project",
        "docs/gone": "is a link to nothing",
        "docs/directory": "is a link to a directory",
        "'docs/bad\\x1bname'": "has a name that is not clean UTF-8",
        "'docs/\\\\udcff'": "has a name that is not clean UTF-8",
    }
    str(caught.value).encode()


def test_walk_refuses_what_is_no_directory(project: Project) -> None:
    (project.root / "file").write_text("x")
    with pytest.raises(UsageError, match="file: is not a directory"):
        walk(project, "file")
    with pytest.raises(UsageError, match="absent: no such directory"):
        walk(project, "absent")


def test_walk_bounds_the_number_of_files(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILES", 2)
    for name in "abc":
        (project.root / "docs" / name).write_text("x")
    with pytest.raises(InputError, match="docs: more than 2 files"):
        walk(project, "docs")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_walk_says_which_directory_it_may_not_read(project: Project) -> None:
    (project.root / "docs" / "closed").mkdir(mode=0)
    with pytest.raises(UsageError, match="docs/closed"):
        walk(project, "docs")
