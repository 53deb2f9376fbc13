"""A model's own tokenizer and chat template, as its files define them."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from pathlib import Path

    import tokenizers
    from jinja2 import Template

    from gatekeeper.ports import Message


class ChatTokenizer:
    """Renders conversations and turns them into tokens.

    Args:
        tokenizer: The fast tokenizer.
        template: Jinja2 in the dialect of Hugging Face, run in a sandbox.
        names: Special tokens that the template may use, such as `bos_token`.
    """

    def __init__(
        self, tokenizer: tokenizers.Tokenizer, template: str, names: Mapping[str, str]
    ) -> None:
        self._tokenizer = tokenizer
        self._template = _compile(template)
        self._names = dict(names)
        self.end = self._names.get("eos_token", "</s>")
        """The token that ends an answer."""
        special = [t.content for t in tokenizer.get_added_tokens_decoder().values() if t.special]
        # Text that spells a special token would become one, and end a message early.
        self._special = re.compile("|".join(map(re.escape, special))) if special else None
        self._overhead = lru_cache(maxsize=256)(self._bytes_of_empty)
        # A budget that counts and an engine that encodes share one pass.
        self._encoded = lru_cache(maxsize=256)(self._encoding_of)

    @classmethod
    def load(
        cls, root: Path, chat_template: str | None = None, *, listed: Container[str] | None = None
    ) -> ChatTokenizer:
        """From `tokenizer.json`, `tokenizer_config.json` and perhaps `chat_template.jinja`.

        Args:
            root: Where the files are.
            chat_template: Overrides the template in the files.
            listed: The files that were verified; others are not looked at.

        Raises:
            InputError: A file is absent or unusable.
        """
        import tokenizers

        config = _config(root) if _counts("tokenizer_config.json", listed) else {}
        own = root / "chat_template.jinja"
        if chat_template is None and _counts(own.name, listed) and own.is_file():
            chat_template = own.read_text(encoding="utf-8")
        template = chat_template or _template(root, config)
        try:
            tokenizer = tokenizers.Tokenizer.from_file(str(root / "tokenizer.json"))
        except Exception as error:  # the binding raises plain Exception
            raise _bad(root / "tokenizer.json", f"is not a tokenizer: {error}") from error
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return cls(tokenizer, template, _names(config))

    def render(self, messages: Sequence[Message]) -> str:
        """The conversation as the model reads it, up to where its answer begins."""
        found = [{"role": m.role, "content": self._plain(m.content)} for m in messages]
        return self._rendered(found)

    def encode(self, messages: Sequence[Message]) -> list[str]:
        """The tokens of the rendered conversation; the template alone adds special ones."""
        tokens: list[str] = self._encoded(tuple(messages)).tokens
        return tokens

    def ids(self, messages: Sequence[Message]) -> list[int]:
        """The same tokens as `encode`, by their numbers in the model's vocabulary."""
        ids: list[int] = self._encoded(tuple(messages)).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of generated tokens, special ones left out."""
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=True)
        return text

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of the rendered conversation, generation prompt included."""
        return len(self._encoded(tuple(messages)))

    def count_text(self, text: str) -> int:
        """Tokens of a bare text."""
        return len(self._encode(text))

    def bound(self, messages: Sequence[Message]) -> int:
        """At least `count`: no token stands for less than a byte."""
        roles = tuple(message.role for message in messages)
        return self._overhead(roles) + sum(len(m.content.encode()) for m in messages)

    def _encode(self, text: str) -> Any:
        return self._tokenizer.encode(text, add_special_tokens=False)

    def _encoding_of(self, messages: tuple[Message, ...]) -> Any:
        return self._encode(self.render(messages))

    def _bytes_of_empty(self, roles: tuple[str, ...]) -> int:
        empty = [{"role": role, "content": ""} for role in roles]
        return len(self._rendered(empty).encode())

    def _rendered(self, messages: list[dict[str, str]]) -> str:
        from jinja2 import TemplateError

        try:
            return self._template.render(
                messages=messages, add_generation_prompt=True, **self._names
            )
        except TemplateError as error:
            problem = Problem(f"the chat template cannot be rendered: {error}")
            raise InputError([problem]) from error

    def _plain(self, content: str) -> str:
        if self._special is None:
            return content
        count = 1
        while count:
            content, count = self._special.subn("", content)
        return content


class ByteTokenizer:
    """An upper bound for a hosted model whose tokenizer is not known: one token a byte."""

    PER_MESSAGE = 16
    """Room for what a chat template adds around one message."""

    def count(self, messages: Sequence[Message]) -> int:
        """Bytes, and room for the template."""
        return self.PER_MESSAGE + sum(
            len(message.content.encode()) + self.PER_MESSAGE for message in messages
        )

    def count_text(self, text: str) -> int:
        """Bytes."""
        return len(text.encode())

    def bound(self, messages: Sequence[Message]) -> int:
        """The same as `count`."""
        return self.count(messages)


def _config(root: Path) -> dict[str, Any]:
    path = root / "tokenizer_config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _bad(path, f"is not readable JSON: {error}") from error
    return config if isinstance(config, dict) else {}


def _counts(name: str, listed: Container[str] | None) -> bool:
    return listed is None or name in listed


def _template(root: Path, config: Mapping[str, Any]) -> str:
    found = config.get("chat_template")
    if isinstance(found, list):
        found = {entry.get("name"): entry.get("template") for entry in found}.get("default")
    if not isinstance(found, str):
        raise _bad(root / "tokenizer_config.json", "has no chat template")
    return found


def _names(config: Mapping[str, Any]) -> dict[str, str]:
    names = {}
    for key in ("bos_token", "eos_token", "pad_token", "unk_token"):
        value = config.get(key)
        value = value.get("content") if isinstance(value, dict) else value
        if isinstance(value, str):
            names[key] = value
    return names


def _compile(template: str) -> Template:
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.globals["raise_exception"] = _raise
    try:
        return environment.from_string(template)
    except TemplateError as error:
        raise InputError([Problem(f"the chat template does not compile: {error}")]) from error


def _raise(message: str) -> NoReturn:
    raise InputError([Problem(f"the chat template refuses the conversation: {message}")])


def _bad(path: Path, what: str) -> InputError:
    return InputError([Problem(what, file=str(path))])
