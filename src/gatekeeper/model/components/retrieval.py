"""A snapshot of documents, and how it is cut and searched."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gatekeeper.model.base import Frozen, Identifier, RelativePath, ShortText
from gatekeeper.model.components.values import Count, Positive


class Document(Frozen):
    """One file of the snapshot. A document of a tenant is seen by that tenant only."""

    path: RelativePath
    size: Count
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    tenant: Identifier | None = None


class Chunking(Frozen):
    """How documents become chunks: one a paragraph, or one a line; never above `max_tokens`."""

    by: Literal["paragraph", "line"] = "paragraph"
    max_tokens: Positive = 128


class Retrieval(Frozen):
    """The knowledge that a request can see."""

    strategy: Literal["bm25", "none"] = "bm25"
    documents: tuple[Document, ...] = ()
    chunking: Chunking = Chunking()
    top_k: Annotated[int, Field(ge=0, le=1000)] = 4
    embedding_model: ShortText | None = None
    """What queries are embedded with."""
    snapshot_embedding_model: ShortText | None = None
    """What the snapshot says its chunks were embedded with."""
