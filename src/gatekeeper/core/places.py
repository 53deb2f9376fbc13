"""Where in the files that people wrote the things stand that a verdict speaks of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.model.base import ComponentName
    from gatekeeper.model.verdict import RuleResult


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file.

    Attributes:
        file: Path with forward slashes from the root of the repository.
        path: Dotted path of the key that stands there; empty for the file as a whole.
    """

    file: str
    line: int = 1
    column: int = 1
    path: str = ""


@dataclass(frozen=True, slots=True)
class Places:
    """What is known of the manifest of a release and of the policy that decided it.

    Attributes:
        manifest: Its first line; null where the release has no manifest here.
        components: The key of each component in the manifest.
        rules: The line of the policy that each rule comes from.
    """

    manifest: Place | None = None
    policy: Place | None = None
    components: Mapping[ComponentName, Place] = field(default_factory=dict)
    rules: Mapping[str, Place] = field(default_factory=dict)

    def of(self, rule: RuleResult) -> Place | None:
        """The line most likely responsible for what a rule found.

        That is the component which most likely moved its metric, else the rule in the policy, else
        the manifest.
        """
        suspect = next((one for one in rule.suspects if one in self.components), None)
        if suspect is not None:
            return self.components[suspect]
        return self.rules.get(rule.rule) or self.manifest or self.policy
