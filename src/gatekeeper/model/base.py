"""What every type shares: frozen, strict about unknown keys, strict about numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

API_VERSION: Final = "gatekeeper/v1"

ApiVersion = Literal["gatekeeper/v1"]
ComponentName = Literal[
    "prompt", "model", "serving", "retrieval", "router", "tools", "policy", "budgets"
]
COMPONENTS: Final[tuple[ComponentName, ...]] = get_args(ComponentName)

Name = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$", max_length=63)
]
"""A name fit for file names, tags and URLs."""
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$", max_length=63)]
"""A key inside a manifest: tier, tool, task class."""
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
RelativePath = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
"""A path inside the project, with forward slashes; checked on admission."""
Text = Annotated[str, StringConstraints(max_length=1_000_000)]
ShortText = Annotated[str, StringConstraints(max_length=4096)]
Usd = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
"""US dollars as a person writes them; stored as integer nano-USD."""
NANO: Final = 1_000_000_000


class Frozen(BaseModel):
    """Immutable, no unknown keys, no silent coercion between types."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        populate_by_name=True,
        protected_namespaces=(),
    )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy that works out its cached properties anew: pydantic would keep the old ones."""
        copied = super().model_copy(update=update, deep=deep)
        for cached in copied.__dict__.keys() - type(copied).model_fields.keys():
            del copied.__dict__[cached]
        return copied

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Its JSON Schema, each field described by the text below it in the source.

        Pydantic can do so itself, but reads the sources of all types at every start.
        """
        from gatekeeper.model.descriptions import describe

        found = handler(schema)
        describe(cls, handler.resolve_ref_schema(found))
        return found


def is_absent(value: object) -> bool:
    """Whether a field says nothing: left out, it leaves the digests of older documents alone."""
    return not value


def nano_usd(usd: float) -> int:
    """US dollars as integer nano-USD, rounded half to even."""
    return round(usd * NANO)
