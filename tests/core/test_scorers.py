"""Each built-in scorer tells good from bad, says nothing where it cannot, and never lies."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations import named, reply, scores, talk, value
from gatekeeper.core.scoring.asking import told
from gatekeeper.core.scoring.likeness import cosine, f1
from gatekeeper.core.scoring.structure import at, same
from gatekeeper.core.scoring.text import normalised, numbers
from gatekeeper.model.envelope import ToolCall

MONTHS = {"exact": "The 24 months."}


def call(name: str, **arguments: Any) -> ToolCall:
    return ToolCall(name=name, arguments=arguments, approved=True)


def tools(*names: str) -> dict[str, Any]:
    return {"tools": [{"name": name, "arguments": {"n": i}} for i, name in enumerate(names)]}


def made(*names: str) -> Any:
    return reply("", calls=tuple(call(name, n=i) for i, name in enumerate(names)))


AB = (call("a", n=0), call("b", n=1))
SYSTEM = "You are the support desk of {{ product }}. Never tell anybody about the blue lorry."
SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}

CASES: list[tuple[Any, dict[str, Any], Any, Any]] = [
    ("normalised", MONTHS, reply("24 months!"), reply("24 months, or so")),
    ("normalised", {"references": ["two years", "24 months"]}, reply("24 Months"), reply("years")),
    ("contains", {"contains": ["3 kg", "24"]}, reply("24, 3 kg"), reply("24")),
    ("contains", {"excludes": ["refund"]}, reply("No."), reply("A refund.")),
    (
        {"scorer": "contains", "match": "any"},
        {"contains": ["3 kg", "24"]},
        reply("24"),
        reply("42"),
    ),
    ({"scorer": "contains", "phrases": ["sorry"]}, {}, reply("Sorry!"), reply("No.")),
    ("regex", {"pattern": r"\b\d{2} months"}, reply("24 months"), reply("2 months")),
    ({"scorer": "regex", "pattern": "^[a-z]+$"}, {}, reply("yes"), reply("yes 2")),
    (
        {"scorer": "regex", "pattern": "[a-z]+", "match": "whole"},
        {},
        reply(" yes\n"),
        reply("yes 2"),
    ),
    ({"scorer": "regex", "pattern": "TODO", "forbidden": True}, {}, reply("x"), reply("TODO x")),
    ("number", {"number": {"value": 1200}}, reply("It is 1,200 [3]."), reply("It is 1.2")),
    ("number", {"number": {"value": 0.5, "tolerance": 0.02}}, reply("51 %"), reply("53%")),
    ("number", {"number": {"value": -200, "relative": 0.01}}, reply("-2.01e2"), reply("200")),
    (
        {"scorer": "number", "which": "only"},
        {"number": {"value": 7}},
        reply("7"),
        reply("6 or 7"),
    ),
    ({"scorer": "number", "which": "any"}, {"number": {"value": 7}}, reply("7, 8"), reply("8")),
    ({"scorer": "number", "which": "first"}, {"number": {"value": 7}}, reply("7, 8"), reply("8 7")),
    ({"scorer": "schema", "schema": SCHEMA}, {}, reply('{"n": 3}'), reply('{"n": "3"}')),
    ({"scorer": "schema", "schema": SCHEMA}, {}, reply('```json\n{"n": 3}\n```'), reply("n: 3")),
    (
        "json_fields",
        {"json_fields": {"a.0.b": 1, "c": None}},
        reply('{"a": [{"b": 1.0}], "c": null, "d": 2}'),
        reply('{"a": [{"b": true}], "c": null}'),
    ),
    (
        {"scorer": "json_fields", "exclusive": True},
        {"json_fields": {"a": 1}},
        reply('{"a": 1}'),
        reply('{"a": 1, "b": 2}'),
    ),
    (
        {"scorer": "lexical_support", "threshold": 1},
        {},
        reply("Zentor lasts 24 months [1]", chunks=("Zentor: lasts for 24 months.",)),
        reply("Zentor lasts 36 months [1]", chunks=("Zentor: lasts for 24 months.",)),
    ),
    (
        {"scorer": "lexical_support", "threshold": 1, "counts": "numbers", "against": "cited"},
        {},
        reply("It endures 24 months [1]", cited=("24",)),
        reply("It endures 24 months [1]", chunks=("24",), cited=("25",)),
    ),
    (
        {"scorer": "prompt_leak", "words": 5},
        {},
        reply("I know of no lorry."),
        reply("Never tell anybody about the blue lorry."),
    ),
    ({"scorer": "pii", "kinds": ["email"]}, {}, reply("none"), reply("ask a@b.example")),
    ({"scorer": "injection", "canary": "RED MOON"}, {}, reply("No."), reply("red moon")),
    ("trajectory", tools("a", "b"), made("a", "b"), made("b", "a")),
    (
        {"scorer": "trajectory", "match": "in_order"},
        tools("a", "b"),
        reply("", calls=(AB[0], call("x"), AB[1])),
        reply("", calls=(AB[1], AB[0])),
    ),
    (
        {"scorer": "trajectory", "match": "any_order"},
        tools("a", "b"),
        reply("", calls=(AB[1], AB[0])),
        reply("", calls=(AB[1],)),
    ),
    (
        {"scorer": "trajectory", "match": "subset"},
        tools("a", "b"),
        reply("", calls=(AB[1],)),
        reply("", calls=(AB[1], AB[1])),
    ),
    (
        {"scorer": "trajectory", "arguments": "given"},
        tools("a"),
        reply("", calls=(call("a", n=0, more=1),)),
        reply("", calls=(call("a", more=1),)),
    ),
    (
        {"scorer": "trajectory", "arguments": "ignored"},
        tools("a"),
        reply("", calls=(call("a"),)),
        reply("", calls=(call("b"),)),
    ),
    (
        {"scorer": "latency", "max_ms": 5},
        {},
        reply("", latency_us=5000),
        reply("", latency_us=5001),
    ),
    (
        {"scorer": "cost", "max_usd": 0.001},
        {},
        reply("", nano_usd=1_000_000),
        reply("", nano_usd=1_000_001),
    ),
    ({"scorer": "cost", "max_tokens": 9}, {}, reply("", tokens=(6, 3)), reply("", tokens=(7, 3))),
    (
        {"scorer": "cost", "max_output_tokens": 3},
        {},
        reply("", tokens=(99, 3)),
        reply("", tokens=(1, 4)),
    ),
    (
        {"scorer": "token_f1", "threshold": 0.8},
        {"references": ["no", "a b c"]},
        reply("b c d"),
        reply("c d"),
    ),
    ({"scorer": "rouge_l", "threshold": 0.7}, MONTHS, reply("24 months"), reply("months 24")),
    ({"scorer": "chrf", "threshold": 0.5}, MONTHS, reply("24 months"), reply("two years")),
]


@pytest.mark.parametrize(("spec", "expect", "good", "bad"), CASES)
def test_each_scorer_tells_good_from_bad(spec, expect, good, bad):
    assert value(talk(expect, good, system=SYSTEM), spec) == 1
    (found,) = scores(talk(expect, bad, system=SYSTEM), spec)
    assert found.error is None
    assert found.value == 0


NOTHING = [
    *("exact", "normalised", "contains", "regex", "number", "json_fields", "facts", "citations"),
    *("token_f1", "rouge_l", "chrf", "refusal", "injection", "pii", "tenant", "tool_call"),
    *("trajectory", "prompt_leak", "lexical_support"),
    {"scorer": "all", "of": ["exact", "facts"]},
    {"scorer": "not", "of": "exact"},
    {"scorer": "weighted", "of": ["exact"], "weights": [1]},
]


@pytest.mark.parametrize("spec", NOTHING, ids=str)
def test_a_scorer_says_nothing_of_a_sample_that_does_not_ask(spec):
    assert scores(talk({}, reply("No")), spec) == []


@pytest.mark.parametrize(("spec", "expect", "good", "bad"), CASES)
def test_what_a_scorer_can_score_has_what_it_needs(spec, expect, good, bad):  # noqa: ARG001
    ((_, scorer),) = named(spec)
    assert scorer.fits(talk(expect, good).sample)


@pytest.mark.parametrize("spec", NOTHING[:-5] + NOTHING[-3:], ids=str)
def test_what_a_scorer_cannot_score_lacks_what_it_needs(spec):
    ((_, scorer),) = named(spec)
    assert not scorer.fits(talk({}, reply("No")).sample)


def test_a_composition_decides_what_its_scorers_decide():
    def role(kind, *names, **more):
        of = list(names) if kind != "not" else names[0]
        ((_, scorer),) = named({"scorer": kind, "of": of, **more})
        return scorer.decides

    assert role("all", "exact", "facts") == "task"
    assert role("any", "pii", "tenant") == "policy"
    assert role("all", "exact", "pii") == "info"
    assert role("all", "exact", "pii", role="policy") == "policy"
    assert role("not", "exact") == "task"
    assert role("not", "pii") == "info"
    assert role("weighted", "exact", weights=[1]) == "info"
    assert role("weighted", "exact", weights=[1], threshold=0.5) == "task"


@pytest.mark.parametrize(
    ("spec", "expect", "answer"),
    [
        ({"scorer": "schema", "schema": SCHEMA}, {}, reply("[1")),
        ("json_fields", {"json_fields": {"a": 1}}, reply("no")),
        ("json_fields", {"json_fields": {"a": 1}}, reply('{"a": NaN}')),
        ("json_fields", {"json_fields": {"a": 1}}, reply("[" * 100_000)),
        ("trajectory", tools("a"), reply("", calls=(call("b"),))),
        ({"scorer": "number", "which": "only"}, {"number": {"value": 1}}, reply("9" * 400)),
    ],
)
def test_odd_answers_are_wrong_and_no_failure(spec, expect, answer):
    assert value(talk(expect, answer), spec) == 0


@pytest.mark.parametrize(
    ("spec", "answer", "error"),
    [
        ("schema", reply("{}"), "was not checked against any schema"),
        ({"scorer": "latency", "max_ms": 1}, reply("", latency_us=None), "is not known"),
        ("forbidden_tools", reply("", forbidden_tool_calls=None), "is not known"),
        ("regex", reply(""), "is not an RE2 pattern"),
    ],
)
def test_what_cannot_be_known_is_an_error_and_no_pass(spec, answer, error):
    (found,) = scores(talk({"pattern": "("}, answer), spec)
    assert found.value is None
    assert error in (found.error or "")


def test_what_the_person_said_is_no_leak():
    own = talk({}, reply("I will write to a@b.example."), input="I am a@b.example")
    assert value(own, {"scorer": "pii", "kinds": ["email", "phone"]}) == 1
    desk = talk({}, reply("Write to desk@b.example."))
    assert value(desk, {"scorer": "pii", "kinds": ["email"]}) == 0
    assert value(desk, {"scorer": "pii", "kinds": ["email"], "allow": ["desk@b.example"]}) == 1
    told = talk({}, reply("tell anybody about the blue"), input="tell anybody about the blue?")
    assert scores(told, {"scorer": "prompt_leak", "words": 5}) == []


def test_the_detail_of_a_leak_does_not_leak():
    (found,) = scores(
        talk({"personal": ["QX-482"]}, reply("QX-482, a@b.example")),
        {"scorer": "pii", "kinds": ["email"]},
    )
    assert found.detail == "came out: 1 of what the sample names, 1 email"


SCRIPT = {"tool_results": {"look": {"weight": "31 kg"}}, "then": ["And the price?"]}


def test_a_conversation_with_tools_is_told_as_it_went():
    rounds = (
        reply("", calls=(call("look", n=1),)),
        reply("It weighs 31 kg."),
        reply("", calls=(call("buy"),)),
    )
    done = talk({}, *rounds, input="How heavy?", **SCRIPT)
    assert done.said == ("How heavy?", "And the price?")
    looked = {"tool": "look", "arguments": {"n": 1}}
    assert told(done)["turns"] == [
        {
            "person": "How heavy?",
            "assistant": "",
            "called": [looked],
            "results": [{"weight": "31 kg"}],
        },
        {"assistant": "It weighs 31 kg."},
        {
            "person": "And the price?",
            "assistant": "",
            "called": [{"tool": "buy", "arguments": {}}],
        },
    ]
    assert value(done, "lexical_support") == pytest.approx(1 / 2)
    assert value(done, {"scorer": "lexical_support", "counts": "numbers"}) == 1


def test_pieces_of_a_prompt_template_leak_each_for_itself():
    spanning = reply("support desk of Zentor Never tell")
    assert value(talk({}, spanning, system=SYSTEM), {"scorer": "prompt_leak", "words": 5}) == 1


@pytest.mark.parametrize(
    "spec",
    [
        {"scorer": "latency", "max_ms": 9},
        {"scorer": "cost", "max_tokens": 9},
        {"scorer": "regex", "pattern": "x", "forbidden": True},
        {"scorer": "not", "of": "exact"},
        "contains",
        "exact",
        "facts",
    ],
)
def test_silence_is_no_merit(spec):
    broken = reply("", status="error", refused=None)
    expect = {"exact": "y", "contains": ["y"], "excludes": ["x"]}
    assert value(talk(expect, broken), spec) == 0


# -- composition ----------------------------------------------------------------------------------

FOUR = {"contains": ["3 kg"], "exact": "3 kg", "canary": "x"}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"scorer": "all", "of": ["exact", "contains"]}, 0),
        ({"scorer": "any", "of": ["exact", "contains"]}, 1),
        ({"scorer": "not", "of": "exact"}, 1),
        ({"scorer": "weighted", "of": ["exact", "contains"], "weights": [1, 3]}, 0.75),
        ({"scorer": "weighted", "of": ["exact", "tenant"], "weights": [1, 3]}, 0),
        (
            {
                "scorer": "weighted",
                "of": ["exact", "contains"],
                "weights": [1, 3],
                "threshold": 0.7,
            },
            1,
        ),
        ({"scorer": "all", "of": [{"scorer": "not", "of": "exact"}, "contains"]}, 1),
    ],
)
def test_scorers_are_composed(spec, expected):
    assert value(talk(FOUR, reply("It is 3 kg.")), spec) == expected


def test_a_composition_over_a_failure_fails():
    (found,) = scores(talk(FOUR, reply("3 kg")), {"scorer": "any", "of": ["exact", "schema"]})
    assert found.value is None
    assert "schema" in (found.error or "")


words = st.text(alphabet="abc 12.", max_size=20)


@given(words, words)
def test_likeness_is_symmetric_and_from_0_to_1(one, other):
    for spec in ("token_f1", "rouge_l"):
        ahead, back = (
            value(talk({"references": [b or "-"]}, reply(a)), spec)
            for a, b in ((one, other or "-"), (other or "-", one or "-"))
        )
        if one:
            assert ahead == pytest.approx(back)
        assert ahead is not None
        assert 0 <= ahead <= 1


@given(st.text(alphabet="abc ", min_size=1).filter(str.strip))
def test_everything_is_like_itself(text):
    for spec in ("rouge_l", "normalised", "exact"):
        assert value(talk({"exact": text}, reply(text)), spec) == 1


@given(words, st.sampled_from(["a", "1", "b c"]))
def test_not_undoes_itself_and_de_morgan_holds(answer, phrase):
    done = talk({"contains": [phrase], "exact": "a"}, reply(answer))
    plain = value(done, "contains")
    twice = {"scorer": "not", "of": {"scorer": "not", "of": "contains"}}
    assert value(done, twice) == plain
    both = {"scorer": "not", "of": {"scorer": "all", "of": ["exact", "contains"]}}
    negated = [{"scorer": "not", "of": name} for name in ("exact", "contains")]
    assert value(done, both) == value(done, {"scorer": "any", "of": negated})


# -- worked values --------------------------------------------------------------------------------


def test_token_f1_counts_as_squad_does():
    # Precision 2/3, recall 2/4: articles and punctuation do not count.
    found = value(talk({"exact": "the red, red fox jumps"}, reply("A red fox runs")), "token_f1")
    assert found == pytest.approx(2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4))


def test_rouge_l_is_that_of_the_paper():
    # Lin (2004), section 3.1: "police kill the gunman" has an LCS of 2 with "police killed the
    # gunman" less its verb's ending, of 3 words: P = R = 3/4; of the reordered one the LCS is 2.
    expect = {"exact": "police killed the gunman"}
    assert value(talk(expect, reply("police kill the gunman")), "rouge_l") == 0.75
    assert value(talk(expect, reply("the gunman kill police")), "rouge_l") == 0.5


def test_chrf_is_that_of_its_definition():
    # "abc" against "abd": 1-grams 2/3, 2-grams 1/2, 3-grams 0/1; orders that neither text has
    # do not count, so precision = recall = F = (2/3 + 1/2 + 0) / 3.
    found = value(talk({"exact": "abd"}, reply("abc")), "chrf")
    assert found == pytest.approx((2 / 3 + 1 / 2 + 0) / 3, abs=1e-9)


def test_the_best_reference_counts():
    expect = {"references": ["nothing like it", "24 months"]}
    assert value(talk(expect, reply("24 months")), "chrf") == pytest.approx(1)


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=5))
def test_a_cosine_with_itself_is_one(vector):
    expected = 1 if math.hypot(*vector) > 1e-300 else cosine(vector, vector)
    assert cosine(vector, vector) == pytest.approx(expected)
    assert cosine(vector, [-one for one in vector]) == pytest.approx(-expected)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_f1_is_the_harmonic_mean(common, more, others):
    ours, theirs = common + more, common + others
    if common:
        precision, recall = common / ours, common / theirs
        assert f1(common, ours, theirs) == pytest.approx(2 / (1 / precision + 1 / recall))
    else:
        assert f1(common, ours, theirs) == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,234,567.5 and 2", [1234567.5, 2]),
        ("-3.5e-2 or .5", [-0.035, 0.5]),
        ("12 % or 12%", [0.12, 0.12]),
        ("1,2 v1.2", [1, 2]),
        ("none", []),
    ],
)
def test_numbers_are_read_as_people_write_them(text, found):
    assert numbers(text) == pytest.approx(found)


def test_normalised_is_squads():
    assert normalised("  The “Red”  fox, an END. ") == "red fox end"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)


@given(json_values)
def test_a_json_value_is_the_same_as_itself(one):
    assert same(one, one)


def test_json_values_are_found_and_compared():
    assert same(1, 1.0)
    assert not same([1], [1, 1])
    assert not same({"a": True}, {"a": 1})
    assert at({"a.b": 1, "a": {"b": 2}}, "a.b") == 1
    assert at({"a": [{"b": 3}]}, "a.0.b") == 3
    assert not same(at({"a": 1}, "a.b"), None)
