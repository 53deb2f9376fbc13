"""Past runs with what a policy should say of them: the tests of a policy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from gatekeeper.model.base import ApiVersion, Frozen, Identifier, Name, RelativePath, ShortText
from gatekeeper.model.policy import Number
from gatekeeper.model.verdict import Outcome, RuleOutcome

RunReference = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
RuleName = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class PolicyCase(Frozen):
    """One run and what is expected of the policy."""

    run: RunReference
    """Its id, the beginning of it, or the path of its directory."""
    expect: Outcome
    """Of the whole."""
    rules: dict[RuleName, RuleOutcome] = Field(default_factory=dict)
    """Of single rules, by their full names."""
    why: ShortText = ""
    """What is known of that release from elsewhere."""


class PolicyTest(Frozen):
    """What a person writes: a policy and labelled runs."""

    apiVersion: ApiVersion  # noqa: N815
    kind: Literal["PolicyTest"]
    name: Name
    policy: RelativePath
    """The file of the policy, from the root of the project."""
    parameters: dict[Identifier, Number] = Field(default_factory=dict)
    """Values of the names that the policy leaves open."""
    cases: Annotated[tuple[PolicyCase, ...], Field(min_length=1, max_length=1000)]
