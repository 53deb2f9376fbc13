"""A set that was checked is not checked again; what is remembered is not trusted blindly."""

from __future__ import annotations

import hashlib
import json
import os
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.adapters import yaml
from gatekeeper.adapters.evalsets.line import _exactly, sample_of
from gatekeeper.adapters.evalsets.source import Part, Source, find, steady
from gatekeeper.errors import InputError, IntegrityError, UnavailableError
from gatekeeper.model.evalset import EvalSet

CSV = "id,input,expect.exact\n" + "".join(f"s{n},Hm?,x{n}\n" for n in range(20))
LINES = "".join(
    json.dumps({"id": f"s{n}", "input": "Hm?", "expect": {"exact": f"x{n}"}}) + "\n"
    for n in range(20)
)


@pytest.fixture(params=["csv", "jsonl"])
def file(request, desk):
    desk.put(f"sets/it.{request.param}", CSV if request.param == "csv" else LINES)
    return f"sets/it.{request.param}"


def memory(desk):
    (found,) = (desk.root / ".gatekeeper/cache/sets").iterdir()
    return found


def answers(loaded):
    return [one.expect.exact for one in loaded]


def test_a_set_that_was_checked_is_opened_from_what_is_known(desk, file):
    first = desk.open(file=file)
    kept = (memory(desk) / "offsets").read_bytes()[:-8]
    note = json.loads((memory(desk) / "set.json").read_bytes())
    note["offsets"] = f"sha256:{hashlib.sha256(kept).hexdigest()}"
    (memory(desk) / "offsets").write_bytes(kept)
    (memory(desk) / "set.json").write_text(json.dumps(note))
    again = desk.open(file=file)
    assert again.digest == first.digest
    assert len(again) == len(first) - 1  # a lie that is consistent is believed: nothing was read


@pytest.mark.parametrize("name", ["offsets", "set.json", "samples.jsonl"])
@pytest.mark.parametrize("damage", ["edited", "cut", "gone"])
def test_a_memory_that_was_touched_is_not_believed(desk, file, name, damage):
    before = answers(desk.open(file=file))
    path = memory(desk) / name
    if not path.exists():
        assert file.endswith("jsonl")
        return
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-9] if damage == "cut" else data.replace(b"x1", b"y1") + b"[")
    assert answers(desk.open(file=file)) == before


def test_another_header_or_another_file_is_checked_again(desk, file):
    first = desk.open(file=file).digest
    assert desk.open(file=file, owner="another").digest != first
    with pytest.raises(InputError, match="has no 'topic'"):
        desk.open(file=file, cluster="topic")
    text = (desk.root / file).read_text()
    desk.put(file, text.replace("x7", "z7"))
    changed = desk.open(file=file)
    assert changed.digest != first
    assert answers(changed)[7] == "z7"


def test_what_a_header_had_before_is_forgotten_but_not_taken_from_who_uses_it(desk, file):
    before = desk.open(file=file)
    first = memory(desk)
    desk.open(file=file, owner="another")
    assert memory(desk) != first
    assert len(answers(before)) == 20


def test_a_set_in_use_may_not_change(desk, file):
    loaded = desk.open(file=file)
    loaded.lines.__getitem__(3)
    path = desk.root / file if file.endswith("jsonl") else memory(desk) / "samples.jsonl"
    os.utime(path, ns=(time.time_ns(), time.time_ns() + 10**9))
    with pytest.raises(IntegrityError, match="was changed while the eval set was in use"):
        loaded[3]


def test_a_file_that_is_written_to_while_it_is_read_is_refused(desk, file):
    source = find(desk.project, yaml.read(desk.header(file=file), EvalSet, root=desk.root))
    with pytest.raises(IntegrityError, match="changed while it was being read"), steady(source):
        os.utime(desk.root / file)


def test_a_directory_is_known_by_all_of_its_files(desk):
    desk.put("sets/it/test-00000-of-00002.csv", CSV)
    second = CSV.replace("\ns", "\nt")
    desk.put("sets/it/test-00001-of-00002.csv", second)
    first = desk.open(file="sets/it")
    assert len(first) == 40
    desk.put("sets/it/README.md", "Words change nothing.")
    assert desk.open(file="sets/it").digest == first.digest
    desk.put("sets/it/test-00001-of-00002.csv", second.replace("x3", "y3"))
    assert desk.open(file="sets/it").digest != first.digest
    with pytest.raises(IntegrityError, match="set sha256: sha256:"):
        desk.open(file="sets/it", sha256=f"sha256:{'0' * 64}")


def test_what_is_kept_of_a_sample_does_not_grow_with_it(desk):
    row = {"input": "Hm? " * 400, "expect": {"exact": "x"}}
    lines = "".join(json.dumps({"id": f"s{n}", **row}) + "\n" for n in range(4000))
    desk.put("sets/it.jsonl", lines)
    desk.put("sets/few.jsonl", lines[:2000].partition("\n")[0])
    desk.open(file="sets/few.jsonl")  # imports
    tracemalloc.start()
    loaded = desk.open(file="sets/it.jsonl")
    assert sum(1 for _ in loaded) == 4000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(lines) > 6_000_000
    assert peak < 3_000_000  # two buffers of a megabyte, and twenty-four bytes a sample


def test_a_place_that_cannot_be_written_is_told(desk, file):
    desk.put(".gatekeeper/cache/sets", "in the way")
    with pytest.raises(UnavailableError, match="cannot be written"):
        desk.open(file=file)


def test_many_sets_are_opened_at_once_without_harm(desk, file):
    loaded = desk.open(file=file)
    both = [(one.id, other.id) for one, other in zip(loaded, loaded, strict=True)]
    assert both == [(f"s{n}", f"s{n}") for n in range(20)]


class Pairs(list):
    """An object whose keys may be there twice."""


TEXT = st.text(st.sampled_from('ab":\\{} é\u2028'), min_size=1, max_size=6)
KEYS = st.sampled_from(["id", "input", "expect", "tags", "then", "exact", "number", "value", "a"])
VALUES = st.recursive(
    TEXT | st.sampled_from([1, 1.5, True, None]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.lists(st.tuples(KEYS, inner), max_size=3).map(Pairs)
    ),
    max_leaves=6,
)


def written(value, space):
    if isinstance(value, Pairs):
        inner = ",".join(f"{json.dumps(k)}{space}:{written(v, space)}" for k, v in value)
        return "{" + inner + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(one, space) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


EXPECT = st.fixed_dictionaries(
    {}, optional={"exact": TEXT, "contains": st.lists(TEXT, max_size=2), "json_fields": VALUES}
).map(lambda found: Pairs(found.items()))
EXTRA = st.lists(
    st.tuples(st.just("input"), TEXT)
    | st.tuples(st.just("tags"), st.lists(st.tuples(st.just("a"), TEXT), max_size=2).map(Pairs))
    | st.tuples(KEYS, VALUES),
    max_size=2,
)


@given(TEXT, EXPECT, EXTRA, st.sampled_from(["", " ", "\t", "  "]))
def test_the_fast_way_and_the_exact_way_agree_on_every_line(text, expect, extra, space):
    pairs = Pairs([("id", "a"), ("input", text), ("expect", expect), *extra])
    line = written(pairs, space).encode() + b"\n"
    assert outcome(sample_of, line) == outcome(_exactly, line)


def outcome(way, line):
    try:
        return way(line, "it.jsonl")
    except InputError as error:
        return str(error)


def test_the_parts_of_a_source_have_names_for_people(desk):
    desk.put("sets/it/test.csv", CSV)
    source = find(desk.project, yaml.read(desk.header(file="sets/it"), EvalSet, root=desk.root))
    path = desk.root / "sets/it/test.csv"
    assert source == Source("sets/it", "csv", (Part("sets/it/test.csv", path),))
