"""Named models: files by digest, roles, tokenizers, adapters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gatekeeper.model.base import Frozen, Identifier, RelativePath, ShortText, Text
from gatekeeper.model.components.values import Count, Positive

Role = Literal["generator", "embedder", "reranker", "guard", "judge", "draft"]


class FileDigest(Frozen):
    """One file of a model or a snapshot."""

    path: RelativePath
    size: Count
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Adapter(Frozen):
    """A LoRA adapter over a model of the same release."""

    name: Identifier
    files: tuple[FileDigest, ...]


class PinnedModel(Frozen):
    """A named model: every file by digest, or the name of a hosted one (`pinned: false`)."""

    role: Role = "generator"
    pinned: bool = True
    endpoint_model: ShortText | None = None
    """The name that a hosted endpoint knows it by; only where `pinned` is false."""
    files: tuple[FileDigest, ...] = ()
    tokenizer_files: tuple[FileDigest, ...] = ()
    """A tokenizer kept apart from the weights; empty means that it is among `files`."""
    chat_template: Text | None = None
    """Overrides the template in `tokenizer_config.json`."""
    context_length: Positive | None = None
    adapters: tuple[Adapter, ...] = ()


class Model(Frozen):
    """The models of a release by the names that the router uses."""

    models: Annotated[dict[Identifier, PinnedModel], Field(min_length=1)]
