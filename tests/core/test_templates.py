from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.prompts import conversation
from gatekeeper.core.templates import faults, render
from gatekeeper.errors import InputError
from gatekeeper.model.components import Example, Prompt

NAMES = frozenset({"input", "context", "chunks", "tools"})


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "{{ input }} and {{ context | trim }}",
        "{% for chunk in chunks %}[{{ chunk.index }}] {{ chunk['text'] }}\n{% endfor %}",
        "{% if tools and not input == 'x' %}{{ tools | join(', ') }}{% else %}none{% endif %}",
        "{{ 'a' ~ input if chunks | length > 1 else context[0:3] }}",
        "{# a comment #}{{ 1 + 2 - 3 }}",
    ],
)
def test_templates_that_are_fine(text: str) -> None:
    assert faults(text, NAMES) == []


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a\n{{ inptu }}", 2, "uses 'inptu', which the pipeline does not supply"),
        ("{{ input", 1, "does not parse"),
        ("\n\n{% if %}", 3, "does not parse"),
        ("{{ input | shout }}", 1, "does not parse: no filter named 'shout'"),
        ("{% set x = 1 %}", 1, "uses `set`"),
        ("{{ input.upper() }}", 1, "uses a call"),
        ("{{ range(9) }}", 1, "uses a call"),
        ("{{ 'a' * 9 }}", 1, "uses `*`"),
        ("{{ 2 ** 9 }}", 1, "uses `**`"),
        ("{{ 'a%d' % 9 }}", 1, "uses `%`"),
        ("{% macro m() %}{% endmacro %}", 1, "uses `macro`"),
        ("{% include 'x' %}", 1, "uses `include`"),
        ("{% extends 'x' %}", 1, "uses `extends`"),
        ("{% for a in chunks %}{% for b in a %}{% endfor %}{% endfor %}", 1, "a loop inside"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", 1, "nested too deeply"),
    ],
)
def test_templates_that_are_not(text: str, line: int, message: str) -> None:
    found = faults(text, NAMES)
    assert any(fault.line == line and message in fault.message for fault in found), found


def test_the_nearest_variable_is_named() -> None:
    assert faults("{{ inptu }}", NAMES)[0].nearest == "input"


@given(st.text(alphabet="{}%#| ainput\n()[]'\"*.+-", max_size=40))
def test_any_text_is_judged(text: str) -> None:
    assert isinstance(faults(text, NAMES), list)


def test_values_are_never_templates() -> None:
    assert render("{{ input }}", {"input": "{{ context }}"}) == "{{ context }}"


@pytest.mark.parametrize(
    "text", ["{{ chunks[0].nothing.more }}", "{{ context }}", "{{ input - 1 }}"]
)
def test_a_template_that_fails_on_its_values_is_an_input_error(text: str) -> None:
    with pytest.raises(InputError, match="cannot be rendered"):
        render(text, {"input": "x", "chunks": [{"index": 1}]})


def test_a_conversation_has_its_messages_in_order() -> None:
    prompt = Prompt(
        system="{% if input == 'hi' %} Be kind. {% endif %}\n",
        template="Q: {{ input }}",
        few_shot=(Example(user="a", assistant="b"),),
    )
    assert conversation(prompt, {"input": "hi"}, [("user", "before")]) == [
        ("system", "Be kind."),
        ("user", "a"),
        ("assistant", "b"),
        ("user", "before"),
        ("user", "Q: hi"),
    ]
    assert conversation(prompt, {"input": "no"})[0] == ("user", "a")
