"""Where a change is reviewed: GitHub, GitLab, or a terminal. One file each."""

from gatekeeper.adapters.forges.forge import Forge
from gatekeeper.adapters.forges.found import forge_for

__all__ = ["Forge", "forge_for"]
