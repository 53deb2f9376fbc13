"""Patterns and personal data."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.pii import PersonalData, iban, luhn
from gatekeeper.errors import InputError
from gatekeeper.model.components import PatternRule, Policy
from gatekeeper.pipeline.guardrails import Guardrails, PatternSet

KINDS = ("email", "phone", "iban", "card")


def found(text):
    return [(item.kind, text[item.start : item.end]) for item in PersonalData(KINDS).find(text)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "ada.lovelace+desk@mail.northwind.example"),
        ("phone", "+49 30 1234 5678"),
        ("phone", "+1 (415) 555-0132"),
        ("phone", "030 12345678"),
        ("phone", "(415) 555-0132"),
        ("phone", "415-555-0132"),
        ("iban", "DE89 3704 0044 0532 0130 00"),
        ("iban", "GB82WEST12345698765432"),
        ("card", "4111 1111 1111 1111"),
        ("card", "5500-0000-0000-0004"),
        ("card", "378282246310005"),
    ],
)
def test_personal_data_is_found_and_named(kind, value):
    assert found(f"Write it to {value}, please.") == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "The order 4111 1111 1111 1112 has shipped.",
        "Ticket 8412 was opened on 28 March 2031.",
        "GB83WEST12345698765432 has a wrong check digit.",
        "It weighs 24 kg [1] and costs 199.95.",
        "Ask @northwind or see docs@home.",
        "Part number AB12-3345-998.",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text):
    assert found(text) == []


def test_several_kinds_are_redacted_without_overlap():
    text = "Ada: +49 30 1234 5678, ada@x.example, card 4111111111111111."
    data = PersonalData(KINDS)
    assert data.redact(text, data.find(text)) == "Ada: [phone], [email], card [card]."


def test_only_the_kinds_that_are_asked_for():
    assert PersonalData(("email",)).find("+49 30 1234 5678") == []
    assert PersonalData(()).find("ada@x.example") == []


@given(st.text(alphabet="0123456789", min_size=11, max_size=18))
def test_exactly_one_check_digit_satisfies_luhn(digits):
    assert sum(luhn(digits + str(check)) for check in range(10)) == 1


@given(st.integers(2, 97))
def test_exactly_the_right_iban_check_digits_pass(check):
    account = "370400440532013000"
    assert iban(f"DE{check:02d}{account}") is (check == 89)


@given(st.text(alphabet="0123456789+-() @.abcXYZ\n", max_size=60))
def test_redacted_text_holds_nothing_more_to_redact(text):
    data = PersonalData(KINDS)
    pieces = data.find(text)
    assert all(one.end <= two.start for one, two in pairwise(pieces))
    clean = data.redact(text, pieces)
    assert len(data.find(clean)) <= len(pieces)


def rules(*patterns, action="block"):
    return tuple(
        PatternRule(name=f"r{number}", patterns=(pattern,), action=action)
        for number, pattern in enumerate(patterns)
    )


def test_every_matching_rule_is_found_once_in_order():
    patterns = PatternSet((*rules("a", "b"), PatternRule(name="both", patterns=("a", "b"))))
    assert [rule.name for rule in patterns.matches("b a")] == ["r0", "r1", "both"]
    assert patterns.matches("zzz") == []


def test_unicode_is_matched_and_redacted():
    (rule,) = rules("(?i)gr\u00fc\u00dfe", action="redact")
    patterns = PatternSet((rule,))
    assert patterns.redact("Viele GR\u00dcßE \U0001f600!", rule) == "Viele [redacted] \U0001f600!"


def test_a_pattern_that_is_not_re2_is_an_input_problem():
    with pytest.raises(InputError) as caught:
        Guardrails(Policy(input=rules(r"(?=look)ahead")))
    assert "r0" in str(caught.value)
    assert "RE2" in str(caught.value)


def test_backtracking_cannot_be_provoked():
    patterns = PatternSet(rules(r"(a+)+$"))
    assert patterns.matches("a" * 50_000 + "!") == []
