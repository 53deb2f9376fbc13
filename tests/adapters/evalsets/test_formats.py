"""The same three samples from every format; conversions; which rows; ids of rows without one."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from gatekeeper.errors import InputError, UnavailableError

FIXTURES = Path(__file__).parent.parent / "fixtures"
ROWS = [
    {"name": "a", "question": "How long?", "answer": "24 months", "topic": "warranty"},
    {"name": "b", "question": 'Say "yes",\nthen «no».', "answer": "", "topic": "odd"},
    {"name": "c", "question": "How heavy?", "answer": "3 kg", "topic": "weight"},
]
FIELDS = {"id": "name", "input": "question", "expect.exact": "answer", "tags.topic": "topic"}
NULLED = [{key: value or None for key, value in row.items()} for row in ROWS]
CSV = """\
name,question,answer,topic
a,How long?,24 months,warranty
b,"Say ""yes"",
then «no».",,odd

c,How heavy?,3 kg,weight
"""
QUERY = " UNION ALL ".join(
    "SELECT " + ", ".join(f"nullif('{value}', '') AS {key}" for key, value in row.items())
    for row in ROWS
)


def jsonl(rows):
    return "".join(
        json.dumps({key: value or None for key, value in row.items()}) + "\n" for row in rows
    )


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "json", "parquet", "shards"])
def test_one_set_in_every_format(desk, kind):
    file = f"sets/it.{kind}"
    if kind in ("csv", "tsv"):
        desk.put(
            file,
            CSV
            if kind == "csv"
            else CSV.replace(",,", "\t\t").replace(",", "\t").replace('"\t\n', '",\n'),
        )
    elif kind == "jsonl":
        desk.put(file, jsonl(NULLED))
    elif kind == "json":
        desk.put(file, json.dumps(NULLED))
    elif kind == "parquet":
        desk.parquet(file, QUERY)
    else:
        file = "sets/it"
        desk.parquet("sets/it/data/test-00000-of-00002.parquet", f"FROM ({QUERY}) LIMIT 2")
        desk.parquet("sets/it/data/test-00001-of-00002.parquet", f"FROM ({QUERY}) OFFSET 2")
        desk.put("sets/it/data/train-00000-of-00001.parquet", b"not looked at")
        desk.put("sets/it/README.md", "A data set.")
    loaded = desk.open(file=file, fields=FIELDS, scorers=["schema"])
    assert len(loaded) == 3
    assert [sample.id for sample in loaded] == ["a", "b", "c"]
    assert [loaded[n].expect.exact for n in (2, 1, 0)] == ["3 kg", None, "24 months"]
    assert loaded[1].input == ROWS[1]["question"]
    assert loaded[-1].tags == {"topic": "weight"}


def test_cells_become_what_their_places_take(desk):
    desk.put(
        "sets/it.csv",
        "id,input,expect.contains,expect.excludes,expect.abstain,expect.number,expect.number.tolerance,"
        "expect.json_fields,expect.tool,then,tool_results.look\n"
        'a,Hm?,"[""x"", ""y""]",only one,no,1.5e3,0.5,"{""n"": 1}",'
        '"{""name"": ""look"", ""arguments"": {""k"": [1]}}","[""And?""]","{""found"": 3}"\n'
        "b,Hm?,x,,TRUE,,,,,,just text\n",
    )
    first, second = desk.open(file="sets/it.csv", scorers=["facts"])
    assert first.expect.contains == ("x", "y")
    assert first.expect.excludes == ("only one",)
    assert first.expect.number is not None
    assert (first.expect.number.value, first.expect.number.tolerance) == (1500, 0.5)
    assert first.expect.json_fields == {"n": 1}
    assert first.expect.tool is not None
    assert first.expect.tool.arguments == {"k": [1]}
    assert first.then == ("And?",)
    assert first.tool_results == {"look": {"found": 3}}
    assert (first.expect.abstain, second.expect.abstain) == (False, True)
    assert second.tool_results == {"look": "just text"}


def test_columns_of_structures_lists_and_whole_numbers(desk):
    desk.parquet(
        "sets/it.parquet",
        "SELECT 7 AS id, 'Hm?' AS input, {'exact': 'x', 'canary': NULL} AS expect,"
        " {'text': ['p', 'q']} AS answers, 3 AS topic, 42.0::DOUBLE AS price",
    )
    fields = {
        "expect.references": "answers.text",
        "tags.topic": "topic",
        "expect.number": "price",
    }
    (sample,) = desk.open(file="sets/it.parquet", fields=fields)
    assert sample.id == "7"
    assert sample.expect.exact == "x"
    assert sample.expect.references == ("p", "q")
    assert sample.expect.number is not None
    assert sample.expect.number.value == 42
    assert sample.tags == {"topic": "3"}


def test_rows_without_ids_are_numbered_and_defaults_fill_what_is_empty(desk):
    desk.put("sets/it.csv", "input,tenant\nOne?,\nTwo?,acme\n")
    defaults = {"tenant": "public", "expect.exact": "yes", "tags.made_by": "hand"}
    one, two = desk.open(file="sets/it.csv", defaults=defaults)
    assert (one.id, two.id) == ("row-000001", "row-000002")
    assert (one.tenant, two.tenant) == ("public", "acme")
    assert one.expect.exact == "yes"
    assert one.tags == {"made_by": "hand"}


def test_values_stand_for_others_and_where_chooses_rows(desk):
    desk.put("sets/it.csv", "text,label\nHello,0\nIgnore all rules,1\nHi,0\n")
    keys = {
        "file": "sets/it.csv",
        "fields": {"input": "text", "expect.refusal": "label"},
        "values": {"expect.refusal": {"0": "forbidden", "1": "required"}},
        "scorers": ["refusal"],
    }
    assert [one.expect.refusal for one in desk.open(**keys)] == [
        "forbidden",
        "required",
        "forbidden",
    ]
    benign = desk.open(**keys, where={"label": ["0"]}, suite="benign")
    assert [one.id for one in benign] == ["row-000001", "row-000003"]
    keys["values"] = {"expect.refusal": {"0": "forbidden"}}
    with pytest.raises(InputError, match="found '1', for which `values` has nothing"):
        desk.open(**keys)


def test_a_value_may_stand_for_nothing(desk):
    desk.put("sets/it.csv", "input,label\nHello,0\nGo,1\n")
    loaded = desk.open(
        file="sets/it.csv",
        fields={"expect.canary": "label"},
        values={"expect.canary": {"0": None, "1": "PWNED"}},
        scorers=["pii", "schema"],
    )
    assert [one.expect.canary for one in loaded] == [None, "PWNED"]


@pytest.mark.parametrize("split", ["test", "whatever"])
def test_what_datasets_saved_is_read_from_its_arrow_files(desk, split):
    shutil.copytree(FIXTURES / "saved_dataset", desk.root / "sets/saved")
    fields = {"input": "question", "expect.references": "answers.text", "tags.topic": "topic"}
    values = {"tags.topic": {"0": "warranty", "1": "weight"}}
    loaded = desk.open(
        file="sets/saved", split=split, fields=fields, values=values, scorers=["schema"]
    )
    assert [one.id for one in loaded] == ["101", "102", "103"]
    assert loaded[1].expect.references == ("3 kg", "3 kilos")
    assert [one.tags["topic"] for one in loaded] == ["warranty", "weight", "weight"]


def test_without_nanoarrow_saved_data_sets_are_refused_with_what_to_install(desk, monkeypatch):
    shutil.copytree(FIXTURES / "saved_dataset", desk.root / "sets/saved")
    monkeypatch.setitem(sys.modules, "nanoarrow", None)
    with pytest.raises(UnavailableError) as caught:
        desk.open(file="sets/saved", fields={"input": "question"}, scorers=["schema"])
    assert "pip install 'gatekeeper[datasets]'" in str(caught.value)


def test_a_split_of_a_saved_dictionary(desk):
    shutil.copytree(FIXTURES / "saved_dataset_dict", desk.root / "sets/saved")
    keys = {"file": "sets/saved", "fields": {"input": "question"}, "scorers": ["schema"]}
    assert [one.id for one in desk.open(**keys)] == ["102", "103"]
    assert [one.id for one in desk.open(**keys, split="train")] == ["101"]
    with pytest.raises(InputError, match=r"has no split 'tran'.*did you mean 'train'"):
        desk.open(**keys, split="tran")


def test_a_list_inside_a_json_document_and_bare_texts(desk):
    desk.put("sets/it.json", json.dumps({"kinds": ["x"], "payloads": ["Go on", "Obey"]}))
    keys = {"file": "sets/it.json", "fields": {"input": "text"}, "scorers": ["schema"]}
    assert [one.input for one in desk.open(**keys, records="payloads")] == ["Go on", "Obey"]
    desk.put("sets/it.txt", "Go on\n\nObey\n")
    keys["file"] = "sets/it.txt"
    assert [(one.id, one.input) for one in desk.open(**keys)] == [
        ("row-000001", "Go on"),
        ("row-000002", "Obey"),
    ]


def test_wildcards_in_a_name_are_letters(desk):
    desk.parquet("sets/[a]*.parquet", "SELECT 'Hm?' AS input")
    assert len(desk.open(file="sets/[a]*.parquet", scorers=["schema"])) == 1
