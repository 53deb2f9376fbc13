"""The release manifest: what a person writes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gatekeeper.model.base import (
    ApiVersion,
    ComponentName,
    Frozen,
    Identifier,
    Name,
    RelativePath,
    ShortText,
    Text,
)
from gatekeeper.model.components import (
    AgentGuardrail,
    Budgets,
    Chunking,
    Example,
    Governance,
    JsonSchema,
    Policy,
    Positive,
    Role,
    Router,
    Serving,
)


class FileRef(Frozen):
    """The content of a file of the project, at the time of the build."""

    file: RelativePath


SchemaOrFile = Annotated[FileRef | JsonSchema, Field(union_mode="left_to_right")]
"""A mapping with nothing but `file` is a reference: no JSON Schema looks like that."""


class DirectoryRef(Frozen):
    """A directory of the project."""

    directory: RelativePath


class HuggingFaceRef(Frozen):
    """A repository revision already on disk, in the Hugging Face cache or `path`."""

    repo: Annotated[str, StringConstraints(pattern=r"^[\w.-]+(/[\w.-]+)?$", max_length=200)]
    revision: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
    """A full commit hash: a branch or a tag can move."""


class OciRef(Frozen):
    """A model artifact in an OCI registry or image layout, by digest."""

    oci: Annotated[str, StringConstraints(pattern=r"^[^\s@]+@sha256:[0-9a-f]{64}$")]


class EndpointRef(Frozen):
    """A hosted model. It cannot be pinned."""

    endpoint: ShortText


ModelSource = DirectoryRef | HuggingFaceRef | OciRef | EndpointRef


class AdapterSpec(Frozen):
    """A LoRA adapter and where its files are."""

    name: Identifier
    source: DirectoryRef | HuggingFaceRef | OciRef


class ModelEntry(Frozen):
    """One named model and where it is."""

    role: Role = "generator"
    source: ModelSource
    tokenizer: DirectoryRef | HuggingFaceRef | None = None
    chat_template: Text | FileRef | None = None
    context_length: Positive | None = None
    """Read from `config.json` where it is not given."""
    adapters: tuple[AdapterSpec, ...] = ()


class ModelSpec(Frozen):
    """The models of the release."""

    models: Annotated[dict[Identifier, ModelEntry], Field(min_length=1)]


class PromptSpec(Frozen):
    """Prompt texts, inline or in files."""

    system: Text | FileRef = ""
    template: Text | FileRef
    few_shot: tuple[Example, ...] | FileRef = ()
    output_schema: SchemaOrFile | None = None


class SnapshotSpec(Frozen):
    """A directory of documents. A sub-directory `tenants/NAME/` belongs to that tenant."""

    directory: RelativePath
    embedding_model: ShortText | None = None


class RetrievalSpec(Frozen):
    """Retrieval settings over a snapshot."""

    strategy: Literal["bm25", "none"] = "bm25"
    snapshot: SnapshotSpec | None = None
    chunking: Chunking = Chunking()
    top_k: Annotated[int, Field(ge=0, le=1000)] = 4
    embedding_model: ShortText | None = None


class ToolsSpec(Frozen):
    """Tools, with the guardrail inline or in a file of its own."""

    allow: dict[Identifier, ToolSpec] = Field(default_factory=dict)
    guardrail: AgentGuardrail | FileRef = AgentGuardrail()


class ToolSpec(Frozen):
    """A tool, with its argument schema inline or in a file."""

    description: ShortText = ""
    parameters: SchemaOrFile
    triggers: tuple[Identifier, ...] = ()


class ComponentSpecs(Frozen):
    """The eight components, as authored."""

    prompt: PromptSpec
    model: ModelSpec
    serving: Serving
    retrieval: RetrievalSpec = RetrievalSpec(strategy="none", top_k=0)
    router: Router
    tools: ToolsSpec = ToolsSpec()
    policy: Policy = Policy()
    budgets: Budgets = Budgets()


class Metadata(Frozen):
    """Who and what for. Never part of the release's identity, except `name`."""

    name: Name
    version: ShortText = ""
    """A label for people; the digest is the version."""
    owner: ShortText
    workload: Identifier
    feature: ShortText = ""
    journey: ShortText = ""
    teams: dict[ComponentName, ShortText] = Field(default_factory=dict)
    labels: dict[Identifier, ShortText] = Field(default_factory=dict)


class Evaluation(Frozen):
    """What this release is to be judged by; references, not identity."""

    sets: tuple[RelativePath, ...] = ()
    policy: RelativePath | None = None


class ReleaseManifest(Frozen):
    """The whole assembly, as a person edits it."""

    apiVersion: ApiVersion  # noqa: N815
    kind: Literal["ReleaseManifest"]
    metadata: Metadata
    governance: Governance = Governance()
    evaluation: Evaluation = Evaluation()
    components: ComponentSpecs


ToolsSpec.model_rebuild()
