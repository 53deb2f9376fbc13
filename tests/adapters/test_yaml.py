"""Documents read as types: digest, places, choice of type, and all problems at once."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from builders import make_project
from gatekeeper.adapters import yaml
from gatekeeper.adapters.yaml import check, parse, read
from gatekeeper.errors import InputError, UsageError
from gatekeeper.model.base import Frozen, Name, Usd
from gatekeeper.model.components import Example
from gatekeeper.model.manifest import FileRef, ReleaseManifest
from gatekeeper.model.policy import GatePolicy, ReleaseGate, ReleasePromotion
from gatekeeper.model.prices import PriceBook


class Cat(Frozen):
    kind: Literal["cat"]
    lives: Annotated[int, Field(ge=1, le=9)]


class Dog(Frozen):
    kind: Literal["dog"]
    name: Name


class Zoo(Frozen):
    pets: tuple[Annotated[Cat | Dog, Field(discriminator="kind")], ...] = ()
    price: Usd | None = None
    either: tuple[Cat | Dog, ...] = ()
    nested: FileRef | tuple[Dog | FileRef, ...] | None = None
    grid: tuple[tuple[int, str], ...] = ()
    anything: object = None
    by_name: dict[Name, float] = Field(default_factory=dict)
    secret_token: int = 0


def problems(text: str, *types: type) -> list[str]:
    with pytest.raises(InputError) as caught:
        check(parse(text.encode(), "f"), *(types or (Zoo,)))
    return str(caught.value).splitlines()


def test_reads_a_manifest_with_its_digest_and_places(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    path = root / "manifests/desk-v1.yaml"
    document = read(path, ReleaseManifest, root=root)
    assert document.value.metadata.name == "desk"
    assert document.file == "manifests/desk-v1.yaml"
    assert document.sha256 == "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()
    problem = document.problem(("metadata", "owner"), "left the company", "a team", "support")
    assert str(problem) == (
        "manifests/desk-v1.yaml:6:10: metadata.owner: left the company; did you mean 'support'?\n"
        "  accepted: a team"
    )
    absent = document.problem(("metadata", "journey", 0), "is absent")
    assert (absent.line, absent.column, absent.path) == (4, 3, "metadata.journey[0]")


def test_lists_become_tuples_and_whole_numbers_floats() -> None:
    zoo = check(parse(b"{pets: [{kind: cat, lives: 9}], price: 3, grid: [[1, a]]}", "f"), Zoo).value
    assert zoo.pets == (Cat(kind="cat", lives=9),)
    assert isinstance(zoo.price, float)
    assert zoo.grid == ((1, "a"),)


def test_types_without_a_model_can_be_read_too() -> None:
    found = check(parse(b"- {user: a, assistant: b}\n", "f"), tuple[Example, ...])
    assert found.value == (Example(user="a", assistant="b"),)


def test_a_reference_to_a_file_is_not_taken_for_a_schema() -> None:
    text = b"{system: x, template: y, output_schema: {file: a.json}}"
    from gatekeeper.model.manifest import PromptSpec

    assert check(parse(text, "f"), PromptSpec).value.output_schema == FileRef(file="a.json")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{release_gate: {quality: {x_min: 1}}}", ReleaseGate),
        ("{policy: release_promotion, require: [a >= 1]}", ReleasePromotion),
    ],
)
def test_of_several_types_the_keys_decide(text: str, expected: type) -> None:
    types: tuple[type[Frozen], ...] = (GatePolicy, ReleaseGate, ReleasePromotion)
    assert isinstance(check(parse(text.encode(), "f"), *types).value, expected)


def test_of_several_types_the_kind_decides_first() -> None:
    assert isinstance(check(parse(b"{kind: dog, name: rex}", "f"), Cat, Dog).value, Dog)
    assert problems("{kind: cow, lives: 10}", Cat, Dog)[0].startswith("f:1:8: kind: found the text")
    assert problems("- 1", Cat, Dog) == [
        "f:1:1: found a list of 1",
        "  accepted: a mapping with the keys kind and lives",
    ]


def test_another_kind_is_one_problem() -> None:
    text = "{apiVersion: gatekeeper/v1, kind: GatePolicy, a: 1}"
    assert problems(text, PriceBook) == ["f:1:35: kind: is a GatePolicy", "  accepted: PriceBook"]


@pytest.mark.parametrize(
    ("text", "message", "accepted"),
    [
        ("pets: [{kind: cat, lives: 0}]", "pets[0].lives: found the number 0", "from 1 to 9"),
        (
            "pets: [{kind: catt}]",
            "pets[0].kind: found the text \"catt\"; did you mean 'cat'?",
            "cat",
        ),
        ("pets: [{lives: 3}]", "pets[0].kind: missing key 'kind'", "cat or dog"),
        ("pets: [7]", "pets[0]: found the number 7", "a mapping with the keys kind and lives or"),
        ("either: [{kind: cat, lifes: 3}]", "either[0].lifes: unknown key 'lifes'", "kind, lives"),
        ("either: [{kind: dog, name: R}]", 'either[0].name: found the text "R"', "lower-case"),
        ("either: [{}]", "either[0]: found an empty mapping", "kind and name"),
        ("nested: [{fille: x}]", "nested[0].fille: unknown key 'fille'", "the key file"),
        ("nested: {fille: x}", "nested.fille: unknown key 'fille'", "file"),
        ("nested: 3", "nested: found the number 3", "a list, each a mapping with"),
        ("grid: [[1]]", "grid[0][1]: missing key 1", "text"),
        ("grid: [[a, b]]", 'grid[0][0]: found the text "a"', "a whole number"),
        ("by_name: {Big One: 1}", "by_name['Big One']: found the key 'Big One'", "lower-case"),
        ("by_name: {a: true}", "by_name.a: found true", "a number"),
        ("secret_token: abcdef", "secret_token: found a value that is not shown", "a whole"),
        ("price: 'AKIAABCDEFGHIJKLMNOP'", "price: found a value that is not shown", "a number"),
        ("price: {a: 1, b: 2}", "price: found a mapping of 2", "from 0 to"),
        ("price: []", "price: found an empty list", "null"),
    ],
)
def test_one_problem_a_cause(text: str, message: str, accepted: str) -> None:
    lines = problems(text)
    assert len(lines) == 2, lines
    assert message in lines[0]
    assert accepted in lines[1]


def test_problems_of_form_and_of_content_come_together_in_order() -> None:
    lines = problems("price: -1\ngrid: .nan\nprice: 2\nby_name: !x {a: b}\ncolour: blue\n")
    assert [line.split(": ")[0] for line in lines if line.startswith("f:")] == [
        "f:1:8", "f:2:7", "f:3:1", "f:4:10", "f:5:1",
    ]  # fmt: skip


def test_at_most_a_hundred_problems() -> None:
    text = "by_name: {" + ", ".join(f"k{number}: x" for number in range(300)) + "}"
    with pytest.raises(InputError) as caught:
        check(parse(text.encode(), "f"), Zoo)
    assert len(caught.value.problems) == yaml.MAX_PROBLEMS


def test_files_are_read_inside_the_project_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    root = make_project(tmp_path)
    outside = tmp_path / "outside.yaml"
    outside.write_text("{}")
    (root / "link.yaml").symlink_to(outside)
    for path in (outside, Path("outside.yaml"), root / "link.yaml", root / "../outside.yaml"):
        with pytest.raises(UsageError, match="leaves the project"):
            read(path, Zoo, root=root)
    with pytest.raises(UsageError, match="no such file"):
        read(root / "absent.yaml", Zoo, root=root)


def test_oversized_documents_are_refused_by_name(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    (root / "big.yaml").write_text("#" * (yaml.DOCUMENT_LIMIT + 1))
    with pytest.raises(InputError, match=r"^big.yaml: is 524,289 bytes\n  accepted: at most 524"):
        read(root / "big.yaml", Zoo, root=root)
