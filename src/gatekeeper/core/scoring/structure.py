"""Scorers of JSON answers: the schema they must meet, the values they must have."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from pydantic import ConfigDict, Field, JsonValue, field_validator

from gatekeeper.core.scoring.scorer import Mark, Role, Scorer, flag

if TYPE_CHECKING:
    from gatekeeper.core.scoring.conversation import Conversation
    from gatekeeper.model.evalset import Sample

_MOST: Final = 200
_ABSENT: Final = object()


class Schema(Scorer):
    """The answer conforms to the release's output schema, or to the one in `schema`."""

    model_config = ConfigDict(populate_by_name=False)

    NAME: ClassVar[str] = "schema"
    NULL: ClassVar[str] = "never; an answer that the pipeline did not check is an error"

    own: Annotated[dict[str, JsonValue] | None, Field(alias="schema")] = None
    """A JSON Schema that every answer must meet, instead of the release's own."""

    @field_validator("own")
    @classmethod
    def _sound(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value is not None:
            _validator(value)
        return value

    @cached_property
    def _compiled(self) -> Any:
        return None if self.own is None else _validator(self.own)

    def mark(self, talk: Conversation) -> Mark | None:
        """1 where every answer conforms.

        Raises:
            ValueError: The release has no schema that an answer was checked against.
        """
        if self._compiled is not None:
            return self._by_own(talk)
        verdicts = [reply.row.schema_valid for reply in talk.replies]
        pairs = zip(verdicts, talk.replies, strict=True)
        if any(verdict is None and reply.answered for verdict, reply in pairs):
            raise ValueError("an answer was not checked against any schema")
        return flag(all(verdicts), "does not meet the release's schema")

    def _by_own(self, talk: Conversation) -> Mark:
        for reply in talk.replies:
            value = parsed(reply.response.answer)
            if value is _ABSENT:
                return flag(good=False, detail="is not JSON")
            error = next(iter(self._compiled.iter_errors(value)), None)
            if error is not None:
                return flag(good=False, detail=error.message[:_MOST])
        return flag(good=True)


class JsonFields(Scorer):
    """Values that the last answer must have, by dotted path: ``{items.0.name: Zentor}``."""

    NAME: ClassVar[str] = "json_fields"
    ROLE: ClassVar[Role] = "task"
    NEEDS: ClassVar[str] = "`json_fields`"
    NULL: ClassVar[str] = "the sample has no `json_fields`"

    exclusive: bool = False
    """Whether the answer may have no key beside those, at its top."""

    def fits(self, sample: Sample) -> bool:
        """Whether values are expected."""
        return bool(sample.expect.json_fields)

    def mark(self, talk: Conversation) -> Mark | None:
        """1 where every value is as expected, numbers compared by value."""
        wanted = talk.expect.json_fields
        if not wanted:
            return None
        value = parsed(talk.answer)
        if value is _ABSENT:
            return flag(good=False, detail="is not JSON")
        other = [path for path, one in wanted.items() if not same(at(value, path), one)]
        strange = self._strange(value, wanted)
        told = "; ".join(filter(None, [_list("differs at", other), _list("also has", strange)]))
        return flag(not other and not strange, told)

    def _strange(self, value: Any, wanted: dict[str, JsonValue]) -> list[str]:
        if not self.exclusive or not isinstance(value, dict):
            return []
        named = {path.partition(".")[0] for path in wanted} | set(wanted)
        return [key for key in value if key not in named]


def _list(word: str, names: list[str]) -> str:
    return f"{word} {', '.join(names)}"[:_MOST] if names else ""


def parsed(answer: str) -> Any:
    """The JSON value of an answer, a code fence around it aside; a marker where it is none."""
    text = answer.strip()
    if text.startswith("```") and text.endswith("```") and "\n" in text:
        text = text.partition("\n")[2].removesuffix("```")
    try:
        return json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        return _ABSENT


def _refused(word: str) -> Any:
    raise ValueError(word)


def at(value: Any, path: str) -> Any:
    """What stands at a dotted path, numbers being places in a list; a marker where nothing does."""
    if isinstance(value, dict) and path in value:
        return value[path]
    head, _, rest = path.partition(".")
    if isinstance(value, list) and head.isdecimal() and int(head) < len(value):
        inner = value[int(head)]
    elif isinstance(value, dict) and head in value:
        inner = value[head]
    else:
        return _ABSENT
    return at(inner, rest) if rest else inner


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: 1 is 1.0, and true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def _validator(schema: dict[str, Any]) -> Any:
    import jsonschema_rs

    try:
        return jsonschema_rs.validator_for(schema, offline=True)
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise ValueError(f"is not a JSON Schema: {str(error).splitlines()[0][:_MOST]}") from None
