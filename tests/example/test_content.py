"""The bundled example: generated, distinct, and unknown to the model's training."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import zlib
from pathlib import Path

import pytest

from gatekeeper.adapters import yaml
from gatekeeper.adapters.evalsets import open_set
from gatekeeper.adapters.project import Project
from gatekeeper.model.manifest import ReleaseManifest
from gatekeeper.model.policy import GatePolicy
from gatekeeper.model.prices import PriceBook

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Project(ROOT)
SUITES = ("quality", "structured", "safety", "benign", "load")
VERSIONS = ("v1", "v2", "v3", "v4")


@pytest.fixture(scope="module")
def generator():
    sys.path[:0] = [str(ROOT / "eval_sets"), str(ROOT / "models/training")]
    try:
        spec = importlib.util.spec_from_file_location("generate", ROOT / "eval_sets/generate.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.path[:2]


@pytest.fixture(scope="module")
def sets():
    return {suite: open_set(PROJECT, ROOT / f"eval_sets/{suite}.yaml") for suite in SUITES}


def samples(loaded):
    return [loaded[number] for number in range(len(loaded))]


def manifest(version):
    path = ROOT / f"manifests/support-desk-{version}.yaml"
    return yaml.read(path, ReleaseManifest, root=ROOT).value


def snapshot(edition):
    root = ROOT / f"manifests/support-desk/snapshots/{edition}"
    return {p.relative_to(root).as_posix(): p.read_text() for p in root.rglob("*.md")}


def test_there_are_enough_samples(sets):
    least = {"quality": 300, "structured": 300, "safety": 750, "benign": 300, "load": 200}
    assert all(len(sets[suite]) >= least[suite] for suite in SUITES)
    kinds = [sample.tags["attack"] for sample in samples(sets["safety"])]
    assert {kind: kinds.count(kind) >= 100 for kind in set(kinds)} == {
        "direct_injection": True,
        "indirect_injection": True,
        "personal_data": True,
        "forbidden_tool": True,
        "tenant_boundary": True,
    }


def test_no_two_inputs_are_equal_after_normalisation(sets):
    inputs = [
        " ".join(re.findall(r"\w+", sample.input.casefold()))
        for suite in SUITES
        for sample in samples(sets[suite])
    ]
    assert len(set(inputs)) == len(inputs)


def test_names_and_values_are_of_the_half_that_training_never_sees(generator, sets):
    def held_out(salt, word):
        return zlib.crc32((salt + word).encode()) % 6 == 0

    made = generator.corpus(generator.SEED)
    facts = [fact for topic in made.topics for fact in (*topic.facts, *topic.gaps)]
    facts += [fact for private in made.tenants.values() for fact in private]
    assert all(held_out("name", fact.product.split()[0]) for fact in facts)
    assert all(held_out("value", fact.value) for fact in facts)
    assert all(held_out("name", contact.person) for contact in made.contacts)
    canaries = {sample.expect.canary for sample in samples(sets["safety"])} - {None}
    direct = canaries - {poison.canary for poison in made.poisons}
    role = {f"You are the support desk of {generator.COMPANY}"}
    assert all(held_out("payload", canary) for canary in direct - role)


def test_sentences_are_of_templates_that_training_never_sees(generator, sets):
    lex = generator.lex

    def templates(pair):
        forms = set(pair[1]) - set(pair[0])
        plain = [re.escape(form).replace(r"\ a\ ", r"\ an?\ ") for form in forms]
        return [re.compile(re.sub(r"\\{\w\\}", ".+", form)) for form in plain]

    asked = templates(lex.QUESTIONS) + templates(lex.COMPOUND_QUESTIONS)
    asked += templates(lex.REQUEST_FRAMES) + templates(lex.OPENINGS)
    for suite in SUITES:
        for sample in samples(sets[suite]):
            assert any(form.match(sample.input) for form in asked), sample.input
    told = templates(lex.FACTS)
    for path, text in snapshot("v2").items():
        if path.startswith(("products/", "tenants/")):
            assert all(any(form.match(line) for form in told) for line in text.splitlines()[2:])


def test_the_documentation_holds_what_the_sets_expect(generator, sets):
    first, second = ("\n".join(snapshot(edition).values()) for edition in ("v1", "v2"))
    for suite in ("quality", "structured", "benign"):
        for sample in samples(sets[suite]):
            assert all(fact in second for fact in sample.expect.contains)
    made = generator.corpus(generator.SEED)
    gaps = [fact for topic in made.topics for fact in generator.gaps_asked(topic)]
    assert all(fact.text in second and fact.text not in first for fact in gaps)
    assert 0.08 < len(gaps) / len(sets["quality"]) < 0.12


def test_the_second_edition_adds_to_the_first_and_takes_nothing_away():
    first, second = snapshot("v1"), snapshot("v2")
    assert set(first) < set(second)
    assert all(text in second[path] for path, text in first.items() if path != "about.md")
    assert first["about.md"] != second["about.md"]


def test_private_documents_and_personal_data_are_where_they_belong(sets):
    documents = snapshot("v1")
    shared = "\n".join(text for path, text in documents.items() if not path.startswith("tenants/"))
    for sample in samples(sets["safety"]):
        for secret in sample.expect.secrets:
            assert not re.search(rf"\b{re.escape(secret)}\b", shared)
            assert secret not in "".join(
                text for p, text in documents.items() if p.startswith(f"tenants/{sample.tenant}/")
            )
        assert all(data in documents["contacts.md"] for data in sample.expect.personal)


def test_each_version_changes_what_it_says_it_changes():
    def components(version):
        return manifest(version).components.model_dump(mode="json")

    def changed(version):
        one, other = components("v1"), components(version)
        return {name for name in one if one[name] != other[name]}

    assert changed("v2") == {"prompt"}
    assert changed("v3") == {"policy"}
    assert changed("v4") == {"prompt", "retrieval", "router"}
    tiers = [set(components(version)["router"]["tiers"]) for version in ("v1", "v4")]
    assert not tiers[0] & tiers[1]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_component_is_written_out(version):
    content = yaml.read(
        ROOT / f"manifests/support-desk-{version}.yaml", ReleaseManifest, root=ROOT
    ).value
    assert content.components.model_fields_set == set(type(content.components).model_fields)


def test_policy_and_prices_are_valid_and_price_every_model():
    yaml.read(ROOT / "gates/support-desk.yaml", GatePolicy, root=ROOT)
    prices = yaml.read(ROOT / "gates/prices.yaml", PriceBook, root=ROOT).value
    for version in VERSIONS:
        assert set(manifest(version).components.model.models) <= set(prices.models)


def test_the_committed_files_are_what_the_generator_makes(generator, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    assert generator.main() == 0
    assert capsys.readouterr().out == "up to date\n"


@pytest.mark.usefixtures("generator")
def test_account_and_card_numbers_have_their_check_digits():
    corpus = sys.modules["corpus"]
    assert corpus.iban("370400440532013000") == "DE89370400440532013000"
    assert corpus.card("453201511283036") == "4532015112830366"


def test_rows_are_json_lines_without_nulls():
    for suite in SUITES:
        for line in (ROOT / f"eval_sets/{suite}.jsonl").read_text().splitlines():
            assert None not in json.loads(line).values()
