"""Build a release: pin, check, pack; then store and sign it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

from gatekeeper import __version__
from gatekeeper.core import checks, dsse, secrets
from gatekeeper.core.checks import PromptSize, check
from gatekeeper.core.packing import Packed, pack
from gatekeeper.core.prompts import conversation
from gatekeeper.errors import InputError
from gatekeeper.model.release import ReleaseRecord
from gatekeeper.model.statement import BUILD, RELEASE_SIGNATURE, Statement
from gatekeeper.ops.pinning import Pinner
from gatekeeper.ports import Content, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from gatekeeper.errors import Problem
    from gatekeeper.model.components import Components, PinnedModel
    from gatekeeper.model.manifest import ReleaseManifest
    from gatekeeper.ops.pinning import Pinned
    from gatekeeper.ports import FoundModel, Signer, Sources, Tokenizer

    TokenizerOf = Callable[[PinnedModel, FoundModel], Tokenizer | None]


class Manifest(Content, Protocol):
    """A manifest as it was read."""

    @property
    def value(self) -> ReleaseManifest:
        """The content."""
        ...

    @property
    def file(self) -> str:
        """As it is shown to people."""
        ...

    @property
    def sha256(self) -> str:
        """Of its bytes, ``sha256:…``."""
        ...


@dataclass(frozen=True, slots=True)
class Built:
    """A release in memory: nothing has been written.

    Attributes:
        warnings: What does not stand in the way, located.
        locations: Where each named model was found.
    """

    packed: Packed
    warnings: tuple[Problem, ...]
    locations: Mapping[str, str]


class Shelf(Protocol):
    """The part of the store that a build needs."""

    def save(self, packed: Packed) -> str:
        """Store a release whole."""
        ...

    def attach_all(self, subject: str, statements: Sequence[tuple[bytes, str]]) -> tuple[str, ...]:
        """Store signed statements beside it."""
        ...

    def forget_damaged(self, subject: str, predicate_types: Collection[str]) -> None:
        """Drop statements of these kinds that cannot be read any more."""
        ...

    def referrers(
        self, subject: str, predicate_type: str | None = None
    ) -> Sequence[tuple[str, bytes]]:
        """The statements about it, oldest first."""
        ...


def build(manifest: Manifest, sources: Sources, tokenizer_of: TokenizerOf) -> Built:
    """Pin, check and pack.

    Args:
        manifest: What to build.
        sources: Reads what it refers to.
        tokenizer_of: Counts tokens as a model does; None where that is not known.

    Raises:
        InputError: With every problem that was found.
    """
    pinner = Pinner(sources, manifest)
    authored, governance = manifest.value, manifest.value.governance
    pinner.problems += [
        manifest.problem(path, secrets.REFUSAL.format(kind), secrets.INSTEAD)
        for path, kind in secrets.within(authored.model_dump(mode="json"))
    ]
    pinned = pinner.pin(authored.components)
    sizes = _sizes(pinned, pinner, tokenizer_of)
    findings = [
        finding
        for finding in check(pinned.components, governance, sizes)
        if not pinner.concerns_failure(finding)
    ]
    errors = [pinner.place(finding) for finding in findings if finding.severity == "error"]
    if pinner.problems or errors:
        raise InputError([*pinner.problems, *errors])
    return Built(
        packed=pack(authored.metadata.name, governance, pinned.components, pinned.documents),
        warnings=tuple(pinner.place(finding) for finding in findings),
        locations={name: found.location for name, found in pinned.models.items()}
        | {
            f"{name}/tokenizer": found.location
            for name, found in pinned.tokenizers.items()
            if found is not pinned.models[name]
        }
        | {place: found.location for place, found in pinner.adapters.items()},
    )


def publish(built: Built, manifest: Manifest, shelf: Shelf, signer: Signer) -> bool:
    """Store a release and sign it; returns whether anything was new.

    A release that this key has signed, with the same record, is left as it is.
    """
    record = ReleaseRecord(
        release=built.packed.release.digest,
        metadata=manifest.value.metadata,
        evaluation=manifest.value.evaluation,
        manifest=manifest.file,
        manifest_digest=manifest.sha256,
        model_locations=dict(built.locations),
        built=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        builder=f"gatekeeper {__version__}",
    )
    return store(built.packed, record, shelf, signer)


def store(packed: Packed, record: ReleaseRecord, shelf: Shelf, signer: Signer) -> bool:
    """Store a release with a record of where it comes from, both signed; see `publish`."""
    digest = shelf.save(packed)
    shelf.forget_damaged(digest, (RELEASE_SIGNATURE, BUILD))
    if _said(shelf, record, signer.key_id):
        return False
    name = packed.release.name
    statements = [
        Statement.about(digest, RELEASE_SIGNATURE, {}, name=name),
        Statement.about(digest, BUILD, record.model_dump(mode="json"), name=name),
    ]
    bundles = [
        (dsse.seal(statement, signer.key_id, signer.sign), statement.predicateType)
        for statement in statements
    ]
    shelf.attach_all(digest, bundles)
    return True


def _said(shelf: Shelf, record: ReleaseRecord, key_id: str) -> bool:
    """Whether this key has signed the release and the newest record says the same."""
    signatures = shelf.referrers(record.release, RELEASE_SIGNATURE)
    builds = shelf.referrers(record.release, BUILD)
    if not signatures or not builds:
        return False
    envelopes = [dsse.parse(bundle) for _, bundle in (signatures[-1], builds[-1])]
    if any(envelope.hint != dsse.hint_of(key_id) for envelope in envelopes):
        return False
    said = Statement.model_validate_json(envelopes[1].payload).predicate
    return {"taken": {}, **said, "built": ""} == {**record.model_dump(mode="json"), "built": ""}


def _sizes(pinned: Pinned, pinner: Pinner, tokenizer_of: TokenizerOf) -> dict[str, PromptSize]:
    """Prompt sizes, as far as the prompt can be rendered and tokenizers are known."""
    if pinner.problems or any(checks.prompt(pinned.components)):
        return {}
    sizes = {}
    for name, model in pinned.components.model.models.items():
        found = pinned.tokenizers[name]
        if model.role != "generator":
            continue
        path = ("components", "model", "models", name)
        tokenizer = pinner.attempt(path, partial(tokenizer_of, model, found), None)
        if tokenizer is None:
            continue
        measure = partial(prompt_size, pinned.components, tokenizer)
        size = pinner.attempt(("components", "prompt", "template"), measure, None)
        if size is not None:
            sizes[name] = size
    return sizes


def prompt_size(components: Components, tokenizer: Tokenizer) -> PromptSize:
    """Tokens of the prompt before any request, as a model counts them."""
    top_k = components.retrieval.top_k if components.retrieval.documents else 0
    return PromptSize(
        alone=_count(components, tokenizer, 0), framed=_count(components, tokenizer, top_k)
    )


def _count(components: Components, tokenizer: Tokenizer, chunks: int) -> int:
    """The most tokens of the prompt over both formats, with `chunks` empty chunks."""
    return max(
        tokenizer.count(
            [Message(role, text) for role, text in conversation(components.prompt, values)]
        )
        for values in (_values(components, chunks, form) for form in ("text", "json"))
    )


def _values(components: Components, chunks: int, form: str) -> dict[str, object]:
    lines = [f"[{index}] " for index in range(1, chunks + 1)]
    return {
        "input": "",
        "chunks": [{"index": index + 1, "text": "", "source": ""} for index in range(chunks)],
        "context": "\n".join(lines) or "none",
        "format": form,
        "tenant": "",
        "tools": list(components.tools.allow),
        "history": (),
        "task_class": "",
    }
