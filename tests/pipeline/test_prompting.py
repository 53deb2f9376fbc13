"""Prompts: what the model reads, and that nothing from outside is ever a template."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from tests.pipeline.desks import desk, request

from gatekeeper.model.envelope import Turn
from gatekeeper.pipeline.cache import cache_key
from gatekeeper.pipeline.prompting import numbered
from gatekeeper.ports import Chunk, Message

TEMPLATED = st.sampled_from(
    ["{{ 7 * 7 }}", "{% for x in y %}", "{{ input.__class__ }}", "{# x #}", "{{", "%}", "\\n"]
)


async def test_system_examples_history_and_request_come_in_that_order():
    made = desk(prompt={"few_shot": [{"user": "Hi", "assistant": "Hello"}]})
    await made.ask(
        "What is the warranty?",
        history=(Turn(role="user", content="One"), Turn(role="assistant", content="Two")),
    )
    messages = made.big.seen[0][0]
    assert messages[:5] == [
        Message("system", "You are a desk. open_ticket, drop_table"),
        Message("user", "Hi"),
        Message("assistant", "Hello"),
        Message("user", "One"),
        Message("assistant", "Two"),
    ]
    assert messages[5].content.startswith("Context:\n[1] The warranty")
    assert messages[5].content.endswith("\nQuestion: What is the warranty?")


async def test_every_promised_variable_is_there():
    template = (
        "{{ input }}|{{ chunks[0].index }}|{{ chunks[0].source }}|{{ chunks[0].text }}|{{ format }}"
        "|{{ tenant }}|{{ tools | join('+') }}|{{ history | length }}|{{ task_class }}"
    )
    made = desk(prompt={"template": template, "system": ""})
    await made.ask("Zentor Prime warranty", task_class="faq", response_format="json")
    (message,) = made.big.seen[0][0][:1]
    assert message.content == (
        "Zentor Prime warranty|1|zentor.md#1|The warranty of the Zentor Prime is 24 months.|json"
        "|northwind|open_ticket+drop_table|0|faq"
    )


def test_no_chunks_are_said_to_be_none():
    assert numbered([]) == "none"
    assert numbered(["a", "b"]) == "[1] a\n[2] b"


@given(st.lists(TEMPLATED | st.text(max_size=20), min_size=1, max_size=3).map(" ".join))
def test_a_chunks_text_is_never_evaluated(text):
    made = desk(chunks=(Chunk("a.md#1", f"warranty {text}"),))
    asyncio.run(made.ask("warranty"))
    assert f"[1] warranty {text}\n" in made.big.seen[0][0][-1].content


@given(st.lists(TEMPLATED | st.text(max_size=20), min_size=1, max_size=3).map(" ".join))
def test_a_question_is_never_evaluated(text):
    made = desk()
    asyncio.run(made.ask(f"q {text}"))
    assert made.big.seen[0][0][-1].content.endswith(f"Question: q {text}")


def test_the_cache_key_depends_on_all_that_the_prompt_does():
    base = request("a")
    keys = {
        cache_key("r1", base, "a"),
        cache_key("r2", base, "a"),
        cache_key("r1", base, "b"),
        cache_key("r1", request("a", tenant_id="t"), "a"),
        cache_key("r1", request("a", response_format="json"), "a"),
        cache_key("r1", request("a", task_class="c"), "a"),
        cache_key("r1", request("a", history=(Turn(role="user", content="x"),)), "a"),
    }
    assert len(keys) == 7
    assert cache_key("r1", request("a", request_id="other", user_id="v"), "a") in keys
