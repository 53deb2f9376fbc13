"""Pin what a manifest refers to: every file becomes its content or its digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from gatekeeper.core import secrets
from gatekeeper.errors import InputError, Problem, UsageError
from gatekeeper.model.components import (
    Adapter,
    AgentGuardrail,
    Components,
    Document,
    Example,
    JsonSchema,
    Model,
    PinnedModel,
    Prompt,
    Retrieval,
    Tool,
    Tools,
)
from gatekeeper.model.manifest import EndpointRef, FileRef
from gatekeeper.ports import FoundModel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gatekeeper.core.checks.finding import Finding, KeyPath
    from gatekeeper.model.manifest import (
        AdapterSpec,
        ComponentSpecs,
        ModelEntry,
        ModelSource,
        PromptSpec,
        RetrievalSpec,
        ToolsSpec,
    )
    from gatekeeper.ports import Content, Sources

T = TypeVar("T")
D = TypeVar("D")
PROMPT: KeyPath = ("components", "prompt")
MODELS: KeyPath = ("components", "model", "models")
TENANTS = "tenants/"


@dataclass(frozen=True, slots=True)
class Pinned:
    """Components by content and digest, with what was found on the way."""

    components: Components
    documents: Mapping[str, bytes]
    models: Mapping[str, FoundModel]
    tokenizers: Mapping[str, FoundModel]
    """Where each model's tokenizer is, most often with the model."""


@dataclass
class Pinner:
    """Pins one manifest, and keeps every problem instead of stopping at the first."""

    sources: Sources
    manifest: Content
    problems: list[Problem] = field(default_factory=list)
    failed: list[KeyPath] = field(default_factory=list)
    texts: dict[KeyPath, str] = field(default_factory=dict)
    """Which file the text of a key came from."""
    contents: dict[KeyPath, Content] = field(default_factory=dict)
    """Which file the structure of a key came from."""
    adapters: dict[str, FoundModel] = field(default_factory=dict)
    """LoRA adapters by `MODEL/adapters/NAME`."""

    def pin(self, specs: ComponentSpecs) -> Pinned:
        """Everything that `specs` refers to; what could not be read is left empty."""
        documents = self._documents(specs.retrieval)
        models = {name: self._found(name, entry) for name, entry in specs.model.models.items()}
        tokenizers = {
            name: self._tokenizer(name, entry, models[name])
            for name, entry in specs.model.models.items()
        }
        components = Components(
            prompt=self._prompt(specs.prompt),
            model=Model(
                models={
                    name: self._model(name, entry, models[name], tokenizers[name])
                    for name, entry in specs.model.models.items()
                }
            ),
            serving=specs.serving,
            retrieval=_retrieval(specs.retrieval, documents),
            router=specs.router,
            tools=self._tools(specs.tools),
            policy=specs.policy,
            budgets=specs.budgets,
        )
        return Pinned(components, documents, models, tokenizers)

    def attempt(self, path: KeyPath, read: Callable[[], T], default: D) -> T | D:
        """What `read` gives; `default` where it fails, which is kept as a problem at `path`."""
        try:
            return read()
        except InputError as error:
            self.problems += [
                problem
                if problem.file
                else self.manifest.problem(path, problem.message, problem.accepted)
                for problem in error.problems
            ]
        except UsageError as error:
            where = f"{error.where}: " if error.where else ""
            self.problems.append(self.manifest.problem(path, where + error.what, error.fix))
        self.failed.append(path)
        return default

    def place(self, finding: Finding) -> Problem:
        """A finding as a problem: in the file that its content came from, or in the manifest."""
        return replace(self._placed(finding), code=finding.code)

    def _placed(self, finding: Finding) -> Problem:
        message, path = finding.message, finding.path
        if path in self.texts:
            name = ".".join(str(step) for step in path)
            place = (self.texts[path], finding.line or 1, 1, name)
            return Problem(message, *place, finding.fix, finding.nearest)
        for length in range(len(path), 0, -1):
            if path[:length] in self.contents:
                content = self.contents[path[:length]]
                return content.problem(path[length:], message, finding.fix, finding.nearest)
        if finding.line > 1:
            message += f" (line {finding.line} of the text)"
        return self.manifest.problem(path, message, finding.fix, finding.nearest)

    def concerns_failure(self, finding: Finding) -> bool:
        """Whether it only repeats that something could not be read."""
        return any(
            path[: len(finding.path)] == finding.path or finding.path[: len(path)] == path
            for path in self.failed
        )

    def _text(self, path: KeyPath, value: str | FileRef) -> str:
        if not isinstance(value, FileRef):
            return value
        text = self.attempt((*path, "file"), lambda: self.sources.text(value.file), None)
        if text is None:
            return ""
        self.texts[path] = value.file
        self._refuse_secrets(value.file, text)
        return text

    def _value(self, path: KeyPath, value: Any, kind: Any, default: Any) -> Any:
        if not isinstance(value, FileRef):
            return value
        content = self.attempt((*path, "file"), lambda: self.sources.value(value.file, kind), None)
        if content is None:
            return default
        self.contents[path] = content
        self.problems += [
            content.problem(inner, secrets.REFUSAL.format(kind), secrets.INSTEAD)
            for inner, kind in secrets.within(_plain(content.value))
        ]
        return content.value

    def _refuse_secrets(self, file: str, text: str) -> None:
        for line, kind in secrets.find(text):
            refusal = secrets.REFUSAL.format(kind)
            self.problems.append(Problem(refusal, file, line, 1, accepted=secrets.INSTEAD))

    def _prompt(self, spec: PromptSpec) -> Prompt:
        return Prompt(
            system=self._text((*PROMPT, "system"), spec.system),
            template=self._text((*PROMPT, "template"), spec.template),
            few_shot=self._value((*PROMPT, "few_shot"), spec.few_shot, tuple[Example, ...], ()),
            output_schema=self._value(
                (*PROMPT, "output_schema"), spec.output_schema, JsonSchema, None
            ),
        )

    def _found(self, name: str, entry: ModelEntry) -> FoundModel:
        return self._source((*MODELS, name, "source"), entry.source)

    def _source(self, path: KeyPath, source: ModelSource) -> FoundModel:
        return self.attempt(path, lambda: self.sources.model(source), FoundModel(""))

    def _tokenizer(self, name: str, entry: ModelEntry, model: FoundModel) -> FoundModel:
        if entry.tokenizer is None:
            return model
        return self._source((*MODELS, name, "tokenizer"), entry.tokenizer)

    def _model(
        self, name: str, entry: ModelEntry, found: FoundModel, tokenizer: FoundModel
    ) -> PinnedModel:
        path = (*MODELS, name)
        hosted = entry.source.endpoint if isinstance(entry.source, EndpointRef) else None
        length = found.config.get("max_position_embeddings")
        return PinnedModel(
            role=entry.role,
            pinned=hosted is None,
            endpoint_model=hosted,
            files=found.files,
            tokenizer_files=tokenizer.files if entry.tokenizer else (),
            chat_template=self._text((*path, "chat_template"), entry.chat_template)
            if entry.chat_template is not None
            else None,
            context_length=entry.context_length or (length if isinstance(length, int) else None),
            adapters=tuple(
                Adapter(
                    name=adapter.name,
                    files=self._adapter(name, index, adapter).files,
                )
                for index, adapter in enumerate(entry.adapters)
            ),
        )

    def _adapter(self, name: str, index: int, spec: AdapterSpec) -> FoundModel:
        found = self._source((*MODELS, name, "adapters", index, "source"), spec.source)
        self.adapters[f"{name}/adapters/{spec.name}"] = found
        return found

    def _documents(self, spec: RetrievalSpec) -> Mapping[str, bytes]:
        if spec.snapshot is None:
            return {}
        directory = spec.snapshot.directory
        path = ("components", "retrieval", "snapshot", "directory")
        documents = self.attempt(path, lambda: self.sources.snapshot(directory), {})
        for name, data in documents.items():
            self._refuse_secrets(f"{directory}/{name}", data.decode())
        return documents

    def _tools(self, spec: ToolsSpec) -> Tools:
        path: KeyPath = ("components", "tools")
        allow = {
            name: Tool(
                description=tool.description,
                parameters=self._value(
                    (*path, "allow", name, "parameters"), tool.parameters, JsonSchema, {}
                ),
                triggers=tool.triggers,
            )
            for name, tool in spec.allow.items()
        }
        guardrail = self._value(
            (*path, "guardrail"), spec.guardrail, AgentGuardrail, AgentGuardrail()
        )
        return Tools(allow=allow, guardrail=guardrail)


def _retrieval(spec: RetrievalSpec, documents: Mapping[str, bytes]) -> Retrieval:
    return Retrieval(
        strategy=spec.strategy,
        documents=tuple(_document(path, documents[path]) for path in sorted(documents)),
        chunking=spec.chunking,
        top_k=spec.top_k,
        embedding_model=spec.embedding_model,
        snapshot_embedding_model=spec.snapshot.embedding_model if spec.snapshot else None,
    )


def _document(path: str, data: bytes) -> Document:
    tenant = None
    if path.startswith(TENANTS) and path.count("/") > 1:
        tenant = path.split("/")[1]
    return Document(
        path=path, size=len(data), sha256=hashlib.sha256(data).hexdigest(), tenant=tenant
    )


def _plain(value: Any) -> Any:
    """As JSON holds it."""
    return TypeAdapter(type(value)).dump_python(value, mode="json")
