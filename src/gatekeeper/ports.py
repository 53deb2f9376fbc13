"""The seats that adapters fill. Small, structural, and free of third-party names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from gatekeeper.errors import Problem
    from gatekeeper.model.components import FileDigest, Sampling
    from gatekeeper.model.keyring import Key, KeyRole
    from gatekeeper.model.manifest import ModelSource
    from gatekeeper.model.record import Row
    from gatekeeper.model.release import Release
    from gatekeeper.model.statement import Statement
    from gatekeeper.model.tracking import Receipt, Tracked


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message as the model sees it."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Generation:
    """What an engine made of one prompt.

    Attributes:
        text: The answer, stop token excluded.
        input_tokens: Prompt tokens computed.
        cached_input_tokens: Prompt tokens read from a prefix cache.
        output_tokens: Tokens generated, the stop token included.
        mean_logprob: Mean natural log-probability of the generated tokens, if known.
        time_to_first_token_us: Null where the engine does not stream.
        finish_reason: ``stop`` or ``length``.
        queue_us: Time that the request waited inside the engine, if known.
        inter_token_us: Mean time between two tokens after the first, if known.
        kv_cache_usage: Share of the engine's KV cache in use when the answer ended, if known.
        from_cache: It was read from the response cache: nothing was computed or paid.
    """

    text: str
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0
    mean_logprob: float | None = None
    time_to_first_token_us: int | None = None
    finish_reason: str = "stop"
    queue_us: int | None = None
    inter_token_us: int | None = None
    kv_cache_usage: float | None = None
    from_cache: bool = False


class Engine(Protocol):
    """Generates text with one named model of a release."""

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """Engine name, version, and whatever else the validation depends on."""
        ...

    async def generate(
        self,
        messages: Sequence[Message],
        sampling: Sampling,
        *,
        timeout: float,
        json_schema: Mapping[str, Any] | None = None,
    ) -> Generation:
        """One completion; raises `EngineError`, or `TimeoutError` when the time is over."""
        ...

    async def close(self) -> None:
        """Free the model or the connections."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """What the vectors depend on: name and version, model and host."""
        ...

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector for each text, all of one length; raises `EngineError`."""
        ...

    async def close(self) -> None:
        """Free the model or the connections."""
        ...


class Tokenizer(Protocol):
    """Counts tokens as the model does, chat template included."""

    def count(self, messages: Sequence[Message]) -> int:
        """Tokens of the rendered conversation, generation prompt included."""
        ...

    def count_text(self, text: str) -> int:
        """Tokens of a bare text."""
        ...

    def bound(self, messages: Sequence[Message]) -> int:
        """At least `count`, for next to nothing: the bytes of the rendered conversation."""
        ...


@dataclass(frozen=True, slots=True)
class Chunk:
    """A retrieved piece of a document: ``source`` is ``path#n``."""

    source: str
    text: str
    tenant: str | None = None
    score: float = 0.0


class Retriever(Protocol):
    """Finds chunks of one snapshot."""

    def search(self, query: str, *, top_k: int, tenant: str | None) -> Sequence[Chunk]:
        """At most `top_k` chunks that `tenant` may see, best first, ties by source."""
        ...


class Cache(Protocol):
    """Responses by key, forgetting the oldest."""

    def get(self, key: str) -> Any | None:
        """The value, or None when absent or expired."""
        ...

    def put(self, key: str, value: Any) -> None:
        """Keep it for the time to live."""
        ...


class Clock(Protocol):
    """Time, so that tests and replays can choose it."""

    def now_us(self) -> int:
        """Microseconds since the epoch, UTC."""
        ...

    def monotonic_us(self) -> int:
        """Microseconds that never go back."""
        ...


class RecordStore(Protocol):
    """Takes rows and makes them durable."""

    def write(self, rows: Iterable[Row]) -> None:
        """Append rows, in order."""
        ...


class Releases(Protocol):
    """Releases and the signed statements about them."""

    def load(self, digest: str) -> Release:
        """A release, every byte of it verified; raises `IntegrityError`."""
        ...

    def referrers(
        self, subject: str, predicate_type: str | None = None
    ) -> Sequence[tuple[str, bytes]]:
        """The statements about `subject`, oldest first: digest and bundle, not yet verified."""
        ...


class Ledger(Protocol):
    """The append-only history of one environment (raw entries, not yet verified)."""

    def head(self) -> int:
        """Serial of the last entry; 0 when there is none."""
        ...

    def read(self, serial: int) -> bytes:
        """Entry `serial` as it was written."""
        ...

    def serials(self) -> Sequence[int]:
        """The serials of all entries, ascending, found by listing: shows what is missing."""
        ...

    def append(self, serial: int, entry: bytes) -> None:
        """Create entry `serial`, or raise `LostRaceError` when it exists."""
        ...


class Signer(Protocol):
    """Signs with the key of one role."""

    @property
    def key_id(self) -> str:
        """sha256 of the public key (SPKI DER), hex."""
        ...

    def sign(self, payload: bytes) -> bytes:
        """ECDSA P-256 over sha256, DER."""
        ...


@dataclass(frozen=True, slots=True)
class Signed:
    """A verified statement and the key that signed it."""

    statement: Statement
    key: Key


class Verifier(Protocol):
    """Says who signed a bundle, and refuses what does not count."""

    def verify(  # noqa: PLR0913 - what is checked is what is named
        self,
        bundle: bytes,
        *,
        role: KeyRole,
        predicate_type: str,
        subject: str | None = None,
        where: str = "",
        lapsed: bool = False,
    ) -> Signed:
        """The statement in a Sigstore bundle, verified.

        Args:
            bundle: The bundle, as it was stored.
            role: What the key has to be allowed to sign.
            predicate_type: What the statement has to be.
            subject: ``sha256:…`` that it has to be about; None where any will do.
            where: What to call the bundle in an error.
            lapsed: Let a key pass that has expired or was revoked, for a caller that weighs
                that itself.

        Raises:
            IntegrityError: Any of it does not hold.
        """
        ...


class Progress(Protocol):
    """Told how far a long operation is; the silent one is the default."""

    def start(self, task: str, total: int | None = None) -> None:
        """A task begins."""
        ...

    def advance(self, task: str, count: int = 1) -> None:
        """Some of it is done."""
        ...

    def finish(self, task: str, note: str = "") -> None:
        """It has ended."""
        ...


@dataclass(frozen=True, slots=True)
class Silent:
    """Progress that nobody watches."""

    def start(self, task: str, total: int | None = None) -> None:
        """Nothing."""

    def advance(self, task: str, count: int = 1) -> None:
        """Nothing."""

    def finish(self, task: str, note: str = "") -> None:
        """Nothing."""


class Watch(Protocol):
    """Told how an evaluation goes, conversation by conversation."""

    def begin(self, totals: Mapping[str, int], done: Mapping[str, int]) -> None:
        """Conversations by suite, all releases and replicates: in all, and finished earlier."""
        ...

    def finished(self, suite: str, rows: Sequence[Row]) -> None:
        """One conversation has ended; `rows` are what was recorded of it."""
        ...

    def end(self, note: str = "") -> None:
        """Nothing more will come: the run is over or was interrupted."""
        ...


class Tracker(Protocol):
    """Keeps runs where a team compares its experiments."""

    def send(self, tracked: Tracked) -> Receipt:
        """Send a run, or what is lacking of it: sent twice, it is there once.

        Raises:
            UnavailableError: The tracker is absent, refuses, or takes too long.
        """
        ...


@dataclass(frozen=True, slots=True)
class FoundModel:
    """What a model source of a manifest turned out to be on this machine.

    Attributes:
        location: Where it is, for a release's build record: a directory of the project,
            ``hf:REPO@REVISION`` or ``endpoint:NAME``.
        root: Its directory; None for a hosted model.
        files: Every file that is part of it, by path.
        config: `config.json`, or nothing.
    """

    location: str
    root: Path | None = None
    files: tuple[FileDigest, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)


class Content(Protocol):
    """An authored file: what is in it, and where."""

    @property
    def value(self) -> Any:
        """The content, checked against a type."""
        ...

    def problem(
        self,
        key_path: tuple[str | int, ...],
        message: str,
        accepted: str = "",
        nearest: str = "",
    ) -> Problem:
        """A problem with the value at `key_path`, at its line and column."""
        ...


class Sources(Protocol):
    """What a manifest refers to, read safely; errors are `UsageError` or `InputError`."""

    def text(self, file: str) -> str:
        """A text file of the project."""
        ...

    def value(self, file: str, kind: Any) -> Content:
        """A YAML or JSON file of the project, as a type."""
        ...

    def snapshot(self, directory: str) -> Mapping[str, bytes]:
        """The documents below a directory of the project, by path."""
        ...

    def model(self, source: ModelSource) -> FoundModel:
        """A model, every file hashed."""
        ...


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model on this machine: verified files under `root`."""

    root: Path
    digest: str
    files: Mapping[str, str] = field(default_factory=dict)
    """Relative path to sha256."""
