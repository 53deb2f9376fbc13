from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.archive import pack, unpack
from gatekeeper.errors import InputError, IntegrityError

FILES = {"component.json": b"{}", "documents/b.md": b"b\n", "documents/a.md": b""}


def test_what_was_packed_is_unpacked_in_a_fixed_order() -> None:
    data = pack(FILES, first="component.json")
    assert unpack(data, where="layer") == FILES
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == [
        "component.json",
        "documents/a.md",
        "documents/b.md",
    ]
    for member in members:
        assert (member.mode, member.uid, member.gid, member.mtime) == (0o644, 0, 0, 0)
        assert (member.uname, member.gname) == ("", "")


@given(st.dictionaries(st.from_regex(r"[a-z]{1,20}", fullmatch=True), st.binary(), min_size=1))
def test_the_order_of_files_does_not_matter(files: dict[str, bytes]) -> None:
    first = min(files)
    data = pack(files, first=first)
    assert data == pack(dict(reversed(files.items())), first=first)
    assert unpack(data, where="layer") == files


def test_a_path_that_does_not_fit_is_refused_by_name() -> None:
    name = "documents/" + "x" * 200
    with pytest.raises(InputError) as caught:
        pack({"component.json": b"", name: b""}, first="component.json")
    assert caught.value.problems[0].file == name


@pytest.mark.parametrize("length", [0, 100, 512, 700, 1024])
def test_a_cut_archive_is_refused(length: int) -> None:
    data = pack({"component.json": b"x" * 600}, first="component.json")
    with pytest.raises(IntegrityError, match="archive"):
        unpack(data[:length], where="layer")


def test_links_and_repeated_names_are_refused() -> None:
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(IntegrityError, match="no regular file"):
        unpack(_raw(link), where="layer")
    with pytest.raises(IntegrityError, match="twice"):
        unpack(_raw(tarfile.TarInfo("a"), tarfile.TarInfo("a")), where="layer")


def _raw(*members: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for member in members:
            archive.addfile(member)
    return buffer.getvalue()
