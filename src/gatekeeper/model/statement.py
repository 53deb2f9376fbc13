"""in-toto Statement v1: what is said (`predicate`) about which content (`subject`)."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, JsonValue

from gatekeeper.model.base import Frozen

RELEASE_SIGNATURE: Final = "https://sigstore.dev/cosign/sign/v1"
BUILD: Final = "https://gatekeeper.dev/build/v1"
VERDICT: Final = "https://gatekeeper.dev/verdict/v1"
POLICY_APPROVAL: Final = "https://gatekeeper.dev/policy-approval/v1"
LEDGER_ENTRY: Final = "https://gatekeeper.dev/ledger-entry/v1"
KEYRING: Final = "https://gatekeeper.dev/keyring/v1"

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"


class Subject(Frozen):
    """Content by digest: algorithm to hexadecimal value."""

    # Other tools' statements carry fields that mean nothing here.
    model_config = ConfigDict(extra="ignore")

    name: str = ""
    digest: Annotated[dict[str, str], Field(min_length=1)]


class Statement(Frozen):
    """One signed claim."""

    model_config = ConfigDict(extra="ignore", serialize_by_alias=True)

    type_: Literal["https://in-toto.io/Statement/v1"] = Field(STATEMENT_TYPE, alias="_type")
    subject: Annotated[tuple[Subject, ...], Field(min_length=1)]
    predicateType: str  # noqa: N815
    predicate: dict[str, JsonValue] = Field(default_factory=dict)

    @classmethod
    def about(
        cls, digest: str, predicate_type: str, predicate: dict[str, Any], *, name: str = ""
    ) -> Statement:
        """A statement with one subject.

        Args:
            digest: ``sha256:…`` of the subject.
            predicate_type: URI that says how to read the predicate.
            predicate: JSON values only.
            name: What people call the subject.
        """
        algorithm, _, value = digest.partition(":")
        subject = Subject(name=name, digest={algorithm: value})
        return cls(subject=(subject,), predicateType=predicate_type, predicate=predicate)

    def concerns(self, digest: str) -> bool:
        """Whether ``sha256:…`` is one of the subjects."""
        algorithm, _, value = digest.partition(":")
        return any(subject.digest.get(algorithm) == value for subject in self.subject)
