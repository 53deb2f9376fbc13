"""An environment: where a release is active, and what it asks of one."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from gatekeeper.model.base import (
    ApiVersion,
    Digest,
    Frozen,
    Identifier,
    Name,
    RelativePath,
    ShortText,
)
from gatekeeper.model.verdict import Indirect

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _known_scheme(url: str) -> str:
    scheme, _, rest = url.partition(":")
    if scheme in {"s3", "az", "gs", "postgresql"}:
        raise ValueError(f"ledgers at {scheme}: come with a later version; use file:DIRECTORY")
    if scheme != "file" or not rest:
        raise ValueError("not the URL of a ledger; use file:DIRECTORY")
    return url


Duration = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,5}[smhd]$")]
"""A whole number and a unit: `90s`, `30m`, `24h`, `7d`."""
LedgerUrl = Annotated[str, StringConstraints(max_length=4096), AfterValidator(_known_scheme)]


class Terms(Frozen):
    """What an environment asks of a release, as a ledger entry keeps it."""

    accepts_development_keys: bool
    allow_unpinned_models: bool
    verdict_max_age: Duration
    refuses_evidence: tuple[Indirect, ...]
    regions: tuple[Name, ...]
    policy: RelativePath | None
    policy_digest: Digest | None


class Environment(Frozen):
    """What a person writes in `manifests/environments/NAME.yaml`."""

    apiVersion: ApiVersion  # noqa: N815
    kind: Literal["Environment"]
    name: Name
    description: ShortText = ""
    ledger: LedgerUrl | None = None
    """`file:` and a directory; `file:.gatekeeper/ledger/NAME` of the project if absent."""
    accepts_development_keys: bool = False
    """Whether what the keys of `gatekeeper init` signed counts here."""
    allow_unpinned_models: bool = False
    """Whether a release may name hosted models, which cannot be pinned."""
    verdict_max_age: Duration = "24h"
    """How old a verdict may be when a release is promoted on it."""
    refuses_evidence: tuple[Indirect, ...] = ()
    """What a verdict may not rest on: `imported` runs, `cached` answers, a `drifted` machine, or
    rules that were `skipped`."""
    regions: tuple[Name, ...] = ()
    """Where requests are served; a release that must stay in other regions is refused."""
    policy: RelativePath | None = None
    """The gate policy that a verdict must come from; the manifest's own if absent."""
    policy_parameters: dict[Identifier, Annotated[float, Field(ge=-1e12, le=1e12)]] = Field(
        default_factory=dict
    )
    """Values of names that the policy leaves open, as `gatekeeper gate --parameter` gives them."""
    policy_digest: Digest | None = None
    """Pins the policy: another content of the file is refused."""

    @property
    def max_age(self) -> timedelta:
        """`verdict_max_age` as a duration."""
        return duration(self.verdict_max_age)

    @property
    def terms(self) -> Terms:
        """What it asks of a release."""
        return Terms(**{name: getattr(self, name) for name in Terms.model_fields})


def duration(text: Duration) -> timedelta:
    """``24h`` as a duration."""
    return timedelta(seconds=int(text[:-1]) * _SECONDS[text[-1]])
