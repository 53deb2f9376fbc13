from __future__ import annotations

import hashlib
import json
import os
import tracemalloc

import pytest

from gatekeeper.adapters.evalsets import ROW_LIMIT, open_set
from gatekeeper.adapters.project import Project
from gatekeeper.errors import InputError, IntegrityError, UsageError

HEADER = """\
apiVersion: gatekeeper/v1
kind: EvalSet
name: small
owner: somebody
licence: Apache-2.0
split: held_out
suite: quality
cluster: topic
file: sets/small.jsonl
scorers: [facts]
"""


def sample(name="s1", **fields):
    row = {"id": name, "input": "How long?", "expect": {"contains": ["24 months"]}}
    return {**row, "tags": {"topic": "a"}, **fields}


@pytest.fixture
def project(tmp_path):
    (tmp_path / ".gatekeeper").mkdir()
    (tmp_path / "sets").mkdir()
    return Project.open(tmp_path)


def write(project, *rows, header=HEADER):
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    (project.root / "sets/small.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    path = project.root / "sets/small.yaml"
    path.write_text(header)
    return path


def problems(project, *rows, header=HEADER):
    with pytest.raises(InputError) as caught:
        open_set(project, write(project, *rows, header=header))
    return [str(problem).splitlines()[0] for problem in caught.value.problems]


@pytest.mark.parametrize("key", ["cluster", "strata"])
def test_a_sample_without_the_tag_that_groups_it_is_refused(project, key):
    header = HEADER.replace("cluster: topic", f"{key}: level")
    (found,) = problems(project, sample("a", tags={"level": "1"}), sample("b"), header=header)
    assert found.endswith("tags: has no 'level'")


def test_samples_are_read_by_number(project):
    loaded = open_set(project, write(project, sample("a"), b"", sample("b"), sample("c")))
    assert [loaded[i].id for i in (2, 0, 1)] == ["c", "a", "b"]
    assert len(loaded) == 3


def test_the_digest_covers_header_and_samples(project):
    first = open_set(project, write(project, sample("a"))).digest
    assert open_set(project, write(project, sample("a"))).digest == first
    assert open_set(project, write(project, sample("b"))).digest != first
    changed = HEADER.replace("somebody", "somebody-else")
    assert open_set(project, write(project, sample("a"), header=changed)).digest != first
    commented = "# a comment is no change\n" + HEADER
    assert open_set(project, write(project, sample("a"), header=commented)).digest == first


def test_a_file_that_is_not_the_one_named_is_refused(project):
    path = write(project, sample("a"))
    digest = hashlib.sha256((project.root / "sets/small.jsonl").read_bytes()).hexdigest()
    path.write_text(f"{HEADER}sha256: sha256:{digest}\n")
    assert len(open_set(project, path)) == 1
    path.write_text(f"{HEADER}sha256: sha256:{'0' * 64}\n")
    with pytest.raises(IntegrityError, match="is not the file that sets/small"):
        open_set(project, path)


def test_all_problems_are_told_at_once_and_where(project):
    found = problems(
        project,
        sample("a"),
        sample("a"),
        b'{"id": "c", "input": ',
        sample("d", input=3),
        {"id": "e", "tags": {"topic": "a"}, "expect": {"contains": ["x"]}},
        sample("f", tags={}),
        sample("g", expect={}),
        sample("h", expected={}),
        b'{"id": "i", "id": "j", "input": "x"}',
        b'["k"]',
    )
    assert found[:7] + found[8:] == [
        "sets/small.jsonl:2:1: id: 'a' is the id of line 1 too",
        "sets/small.jsonl:3:22: is not JSON: Expecting value",
        "sets/small.jsonl:4:22: input: found the number 3",
        "sets/small.jsonl:5:1: input: missing key 'input'",
        "sets/small.jsonl:6:1: tags: has no 'topic'",
        "sets/small.jsonl:7:1: expect: gives the set's scorers nothing to score",
        "sets/small.jsonl:8:98: expected: unknown key 'expected'; did you mean 'expect'?",
        "sets/small.jsonl:10:1: found a list of 1",
    ]
    assert found[7].startswith("sets/small.jsonl:9:13: ")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"id": "a", "input": "caf\xe9"}', "byte 0xe9 is not UTF-8"),
        (b'{"id": "a", "input": "x\x00"}', "control character U+0000"),
        (b'{"id": "a", "input": "x", "tags": {"topic": NaN}}', "NaN"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_clean_json_is_named(project, line, message):
    (found,) = problems(project, line)
    assert message in found


def test_a_line_beyond_the_limit_is_refused_without_reading_it_whole(project):
    path = write(project, sample("a"), b'"' + b"x" * (50 * ROW_LIMIT) + b'"')
    tracemalloc.start()
    with pytest.raises(InputError, match="longer line than a sample may be"):
        open_set(project, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * ROW_LIMIT


def test_an_empty_file_has_no_samples(project):
    assert problems(project, b"") == ["sets/small.jsonl: has no samples"]


def test_at_most_a_hundred_problems_are_told(project):
    assert len(problems(project, *[b"{"] * 500)) == 100


def test_the_file_must_be_there_and_regular(project):
    path = write(project)
    (project.root / "sets/small.jsonl").unlink()
    with pytest.raises(UsageError, match="no such file"):
        open_set(project, path)
    os.mkfifo(project.root / "sets/small.jsonl")
    with pytest.raises(UsageError, match="no such file"):
        open_set(project, path)
    path.write_text(HEADER.replace("sets/small.jsonl", "../outside.jsonl"))
    with pytest.raises(UsageError, match="leaves the project"):
        open_set(project, path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("scorers: [facts]\n", "", "`scorers` must name at least one scorer"),
        ("suite: quality", "suite: load", "`load` belongs to the suite `load`"),
        ("suite: quality", "suite: qualty", "did you mean 'quality'?"),
        ("[facts]", "[fact]", "did you mean 'facts'?"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(project, old, new, message):
    assert any(message in found for found in problems(project, header=HEADER.replace(old, new)))
