"""What is said of every kind of bad eval set, as people read it: one golden file a case."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gatekeeper.adapters.evalsets import ROW_LIMIT
from gatekeeper.errors import GatekeeperError

GOLDEN = Path(__file__).parents[2] / "golden" / "evalsets"
FIXTURES = Path(__file__).parent.parent / "fixtures"
QA = {"input": "question", "expect.exact": "answer"}
GOOD = '{"id": "a", "input": "Hm?", "expect": {"exact": "x"}}\n'

FILES = {
    "missing-field.jsonl": '{"id": "a", "expect": {"exact": "x"}}\n',
    "wrong-type.jsonl": '{"id": "a", "input": 3, "expect": {"exact": ["x"]}}\n',
    "not-utf8.jsonl": GOOD.encode() + b'{"id": "b", "input": "caf\xe9"}\n',
    "byte-order-mark.jsonl": "\ufeff" + GOOD,
    "long-line.jsonl": GOOD + '{"input": "' + "x" * (50 * ROW_LIMIT) + '"}\n',
    "repeated-ids.jsonl": GOOD + GOOD.replace('"a"', '"b"') + GOOD,
    "repeated-key.jsonl": '{"id": "a", "input": "Hm?", "input": "Ha?", "expect": {"exact": "x"}}\n',
    "nan.jsonl": '{"id": "a", "input": "Hm?", "expect": {"json_fields": {"n": NaN}}}\n',
    "infinite.jsonl": '{"id": "a", "input": "Hm?", "expect": {"json_fields": {"n": 1e999}}}\n',
    "half-a-character.jsonl": '{"id": "a", "input": "\\ud800", "expect": {"exact": "x"}}\n',
    "empty.jsonl": "",
    "nothing-expected.jsonl": '{"id": "a", "input": "Hm?"}\n',
    "two-scripts.jsonl": GOOD[:-2] + ', "then": ["And?"], "follow_up": "But?"}\n',
    "ragged.csv": "id,input,expect.exact\na,Hm?\nb,Hm?,x,y\nc,Hm?,x\n",
    "repeated-column.csv": "id,input,input,\na,b,c,d\n",
    "no-header.csv": "What is the warranty of it?,24 months\nHow heavy is it?,3 kg\n",
    "unclosed-quote.csv": 'id,input,expect.exact\na,Hm?,x\nb,"Hm?,x\nc,Hm?,x\n',
    "quote-amid-text.csv": 'id,input,expect.exact\na,"Hm" or ha?,x\n',
    "not-utf8.csv": b"id,input,expect.exact\na,Hm?,x\nb,caf\xe9,x\n",
    "byte-order-mark.csv": "\ufeffid,input,expect.exact\na,Hm?,x\n",
    "wrong-cells.csv": (
        "id,input,expect.abstain,expect.number,expect.tool,expect.contains\n"
        'a,Hm?,maybe,12 kg,look,"[""x"""\nb,Hm?,,,"{""name"": 3}",\n'
    ),
    "misspelt-place.csv": "id,input,expect.exat\na,Hm?,x\n",
    "empty.csv": "",
    "only-names.csv": "id,input,expect.exact\n",
    "no-list.json": '{"rows": [{"id": "a"}], "n": 3}',
    "odd-rows.json": '[{"id": "a", "input": "Hm?", "expect": {"exact": "x"}}, 3]',
    "not-json.json": '[{"id": "a"',
    "unknown-ending.xlsx": "x",
}


def told(desk, **keys):
    with pytest.raises(GatekeeperError) as caught:
        desk.open(**keys)
    assert caught.value.exit_code == (1 if caught.value.code == "integrity" else 2)
    return str(caught.value).replace(str(desk.root), "ROOT") + "\n"


@pytest.mark.parametrize("file", FILES)
def test_a_bad_file(desk, golden, file):
    desk.put(f"sets/{file}", FILES[file])
    golden(GOLDEN / f"{file}.txt", told(desk, file=f"sets/{file}"))
    assert not list((desk.root / ".gatekeeper").rglob("*samples*"))


HEADERS = {
    "column-not-there.csv": ({"fields": {"input": "qestion", "expect.exact": "answer"}}, ""),
    "no-such-place": (
        {"fields": {"imput": "question"}, "defaults": {"expect.exat": "x"}, "values": {"a.b": {}}},
        "",
    ),
    "no-such-column-to-choose-by": ({"fields": QA, "where": {"labl": ["1"]}}, ""),
    "value-without-meaning": (
        {"fields": QA, "values": {"expect.exact": {"24 months": "2 years"}}},
        "",
    ),
    "defaults-that-do-not-fit": (
        {
            "fields": QA,
            "defaults": {"expect.abstain": "maybe", "expect.number.tolerance": -1, "tenant": "a b"},
            "values": {"expect.refusal": {"1": "requird", "0": None}},
        },
        "",
    ),
    "format-of-a-directory": ({"format": "huggingface"}, ""),
    "no-row-has-the-column": (
        {"fields": {"input": "question"}},
        '{"questoin": "Hm?"}\n{"questoin": "Ha?"}\n',
    ),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_header_that_does_not_fit_its_file(desk, golden, case):
    keys, lines = HEADERS[case]
    desk.put("sets/it.csv", "question,answer,label\nHow long?,24 months,1\nHow heavy?,3 kg,0\n")
    desk.put("sets/it.jsonl", lines)
    file = "sets/it.jsonl" if lines else "sets/it.csv"
    golden(GOLDEN / f"{case}.txt", told(desk, file=file, **keys))


def test_parquet_that_was_cut_off(desk, golden):
    path = desk.parquet("sets/it.parquet", "SELECT 'Hm?' AS input FROM range(1000)")
    path.write_bytes(path.read_bytes()[:-20])
    golden(GOLDEN / "cut-off.parquet.txt", told(desk, file="sets/it.parquet"))


def test_parquet_with_columns_of_other_types(desk, golden):
    query = "SELECT 3.5 AS input, DATE '2026-11-01' AS tenant, 'x' AS expect, 'NaN'::DOUBLE AS n"
    desk.parquet("sets/it.parquet", query)
    keys = {"file": "sets/it.parquet", "fields": {"expect.number.value": "n"}}
    golden(GOLDEN / "other-types.parquet.txt", told(desk, **keys))


def test_values_of_parquet_that_json_has_not(desk, golden):
    desk.parquet("sets/it.parquet", "SELECT 'Hm?' AS input, 'NaN'::DOUBLE AS n, 'a b' AS id")
    keys = {"file": "sets/it.parquet", "fields": {"expect.number": "n"}}
    golden(GOLDEN / "nan.parquet.txt", told(desk, **keys))


@pytest.mark.parametrize("case", ["cut-off", "shard-gone", "state-damaged"])
def test_a_saved_data_set_that_is_damaged(desk, golden, case):
    directory = desk.root / "sets/saved"
    shutil.copytree(FIXTURES / "saved_dataset", directory)
    last = directory / "data-00001-of-00002.arrow"
    if case == "cut-off":
        last.write_bytes(last.read_bytes()[:-100])
    elif case == "shard-gone":
        last.unlink()
    else:
        (directory / "state.json").write_text("{}")
    keys = {"file": "sets/saved", "fields": {"input": "question"}, "scorers": ["schema"]}
    golden(GOLDEN / f"saved-{case}.txt", told(desk, **keys))


@pytest.mark.parametrize("case", ["nothing", "shard-gone", "two-places", "format", "no-split"])
def test_a_directory_that_is_not_what_it_should_be(desk, golden, case):
    desk.put("sets/it/README.md", "A data set.")
    keys = {}
    if case == "shard-gone":
        desk.parquet("sets/it/data/test-00001-of-00003.parquet", "SELECT 'Hm?' AS input")
    elif case == "two-places":
        desk.put("sets/it/de/test.jsonl", GOOD)
        desk.put("sets/it/en/test.jsonl", GOOD)
    elif case == "format":
        keys["format"] = "csv"
    elif case == "no-split":
        desk.put("sets/it/train.jsonl", GOOD)
        desk.put("sets/it/tests.jsonl", GOOD)
    golden(GOLDEN / f"directory-{case}.txt", told(desk, file="sets/it", **keys))


def test_links_that_leave_the_project(desk, golden, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "it.jsonl").write_text(GOOD)
    desk.put("sets/dir/README.md", "")
    (desk.root / "sets/it.jsonl").symlink_to(outside / "it.jsonl")
    (desk.root / "sets/dir/test.jsonl").symlink_to(outside / "it.jsonl")
    file, inner = told(desk, file="sets/it.jsonl"), told(desk, file="sets/dir")
    golden(GOLDEN / "links-out.txt", file + inner)


def test_what_is_wrong_in_many_rows_is_told_at_most_a_hundred_times(desk):
    rows = "".join(f"{n},Hm?,maybe\n" for n in range(500))
    desk.put("sets/it.csv", "id,input,expect.abstain\n" + rows)
    assert told(desk, file="sets/it.csv").count("found the text") == 100


def test_repeated_ids_in_two_shards_name_both(desk):
    for shard in ("test-00000-of-00002", "test-00001-of-00002"):
        desk.put(f"sets/it/{shard}.jsonl", GOOD)
    assert "'a' is the id of line 1 of sets/it/test-00000-of-00002.jsonl too" in told(
        desk, file="sets/it"
    )


def test_keys_are_found_twice_however_a_line_is_written(desk):
    twice = [
        '{"id" : "a", "id": "b", "input": "Hm?", "expect": {"exact": "x"}}',
        '{"id": "a", "input": "\\":", "expect": {"exact": "x"}, "expect"\t: {"exact": "y"}}',
        '{"id": "a", "input": "Hm?", "expect": {"exact": "x", "\\u0065xact": "y"}}',
        '{"id": "a", "input": "Hm?", "expect": {"number": {"value": 1, "value": 2}}}',
        '{"id": "a", "input": "Hm?", "tags": {"a": "1", "a": "2"}, "expect": {"exact": "x"}}',
        '{"id": "a", "input": "Hm?", "tool_results": {"a": {"b": 1, "b": 2}}}',
    ]
    for line in twice:
        json.loads(line)
        desk.put("sets/it.jsonl", line + "\n")
        assert "again; it is first in the same line" in told(desk, file="sets/it.jsonl")
