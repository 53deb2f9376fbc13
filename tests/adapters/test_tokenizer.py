"""Chat tokenizers: counting, bounding, and text that tries to be a template or a special token."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import CHAT_TEMPLATE, SPECIALS, make_model

from gatekeeper.adapters.tokenizer import ByteTokenizer, ChatTokenizer
from gatekeeper.errors import InputError
from gatekeeper.ports import Message


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    root = tmp_path_factory.mktemp("model")
    make_model(root)
    return ChatTokenizer.load(root)


TALK = [Message("system", "Be brief."), Message("user", "Hi")]


def test_the_template_of_the_model_is_used(tokenizer):
    assert tokenizer.render(TALK) == "<s><|system|>Be brief.<|end|><|user|>Hi<|end|><|assistant|>"
    tokens = tokenizer.encode(TALK)
    assert tokens[:2] == ["<s>", "<|system|>"]
    assert tokens.count("<s>") == 1
    assert tokens[-1] == "<|assistant|>"
    assert tokenizer.count(TALK) == len(tokens)
    assert tokenizer.end == "<|end|>"


def test_decoding_leaves_special_tokens_out(tokenizer):
    ids = [2 if token == "<|end|>" else None for token in ("<|end|>",)]
    text = tokenizer._encode("24 months").ids
    assert tokenizer.decode([*text, *ids]) == "24 months"


CONTENT = st.lists(
    st.sampled_from([*SPECIALS, "<|e", "nd|>", "{{ 1 + 1 }}", "caf\u00e9", "\U0001f600", " "])
    | st.text(max_size=6),
    max_size=6,
).map("".join)


@given(st.lists(CONTENT, min_size=1, max_size=3))
def test_content_cannot_spell_a_special_token_nor_be_a_template(tokenizer, contents):
    messages = [Message("user", content) for content in contents]
    tokens = tokenizer.encode(messages)
    assert tokens.count("<|end|>") == len(messages)
    assert tokens.count("<|user|>") == len(messages)
    assert tokens.count("<s>") == tokens.count("<|assistant|>") == 1
    assert "<|system|>" not in tokens


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), CONTENT), max_size=4))
def test_the_bound_is_never_below_the_count(tokenizer, talk):
    messages = [Message(role, content) for role, content in talk]
    assert tokenizer.count(messages) <= tokenizer.bound(messages)
    assert tokenizer.count(messages) <= ByteTokenizer().count(messages)


def test_bare_text_is_counted_without_a_template(tokenizer):
    assert tokenizer.count_text("abc") == 3
    assert tokenizer.count_text("") == 0
    assert ByteTokenizer().count_text("caf\u00e9") == 5


def test_a_given_template_overrides_the_files(tmp_path):
    make_model(tmp_path)
    tokenizer = ChatTokenizer.load(tmp_path, "{% for m in messages %}{{ m.content }}{% endfor %}")
    assert tokenizer.render(TALK) == "Be brief.Hi"


def settings_of(root, **changes):
    path = root / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_template_file_beside_the_tokenizer_counts_if_it_is_listed(tmp_path):
    make_model(tmp_path)
    (tmp_path / "chat_template.jinja").write_text("X")
    assert ChatTokenizer.load(tmp_path).render(TALK) == "X"
    listed = {"tokenizer.json", "tokenizer_config.json"}
    assert ChatTokenizer.load(tmp_path, listed=listed).render(TALK).startswith("<s>")


def test_named_templates_and_token_objects_are_understood(tmp_path):
    make_model(tmp_path)
    templates = [
        {"name": "rag", "template": "no"},
        {"name": "default", "template": "{{ bos_token }}{{ messages[0].content }}"},
    ]
    settings_of(tmp_path, chat_template=templates, bos_token={"content": "<s>"})
    assert ChatTokenizer.load(tmp_path).render(TALK) == "<s>Be brief."


@pytest.mark.parametrize("template", [None, 3, []])
def test_a_model_without_a_template_is_refused(tmp_path, template):
    make_model(tmp_path)
    settings_of(tmp_path, chat_template=template)
    with pytest.raises(InputError) as caught:
        ChatTokenizer.load(tmp_path)
    assert "no chat template" in str(caught.value)


@pytest.mark.parametrize("text", ["{", "\xff"])
def test_unreadable_settings_are_named(tmp_path, text):
    make_model(tmp_path)
    (tmp_path / "tokenizer_config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as caught:
        ChatTokenizer.load(tmp_path)
    assert "tokenizer_config.json" in str(caught.value)


def test_settings_that_are_no_object_or_absent_mean_no_settings(tmp_path):
    make_model(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text("[]")
    assert ChatTokenizer.load(tmp_path, CHAT_TEMPLATE).end == "</s>"
    (tmp_path / "tokenizer_config.json").unlink()
    assert ChatTokenizer.load(tmp_path, CHAT_TEMPLATE).render(TALK).startswith("<s>")


def test_a_broken_tokenizer_is_named(tmp_path):
    make_model(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InputError) as caught:
        ChatTokenizer.load(tmp_path)
    assert "is not a tokenizer" in str(caught.value)


def test_a_template_that_does_not_compile_is_refused(tmp_path):
    make_model(tmp_path)
    with pytest.raises(InputError) as caught:
        ChatTokenizer.load(tmp_path, "{% for %}")
    assert "does not compile" in str(caught.value)


def test_a_template_may_refuse_a_conversation(tmp_path):
    make_model(tmp_path)
    tokenizer = ChatTokenizer.load(tmp_path, "{{ raise_exception('no system role') }}")
    with pytest.raises(InputError) as caught:
        tokenizer.count(TALK)
    assert "no system role" in str(caught.value)


def test_a_template_cannot_reach_python(tmp_path):
    make_model(tmp_path)
    tokenizer = ChatTokenizer.load(tmp_path, "{{ messages.__class__.__mro__ }}")
    with pytest.raises(InputError):
        tokenizer.render(TALK)
