"""The platform that this process runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.adapters.forges.github import GitHub
from gatekeeper.adapters.forges.gitlab import GitLab
from gatekeeper.adapters.forges.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.adapters.forges.forge import Forge


def forge_for(platform: str, settings: Mapping[str, str]) -> Forge:
    """The platform of that name; for `auto` the one whose environment this is."""
    if platform == "github" or (platform == "auto" and settings.get("GITHUB_ACTIONS") == "true"):
        return GitHub(settings)
    if platform == "gitlab" or (platform == "auto" and settings.get("GITLAB_CI") == "true"):
        return GitLab(settings)
    return Terminal()
