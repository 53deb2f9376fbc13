"""One environment, with everything that is needed to act on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatekeeper.model.environment import Environment
    from gatekeeper.model.release import Release
    from gatekeeper.ports import Ledger, Releases, Verifier


@dataclass(frozen=True, slots=True)
class Site:
    """The ports of one environment.

    Attributes:
        verifier: Over the keyring, already told whether development keys count here.
        policy: Digest of the gate policy that a release (by digest) has to have met here; None
            where neither the environment nor the manifest names one.
        check_models: Raises where the model files of a release are not whole on this machine.
    """

    environment: Environment
    ledger: Ledger
    releases: Releases
    verifier: Verifier
    policy: Callable[[str], str | None]
    check_models: Callable[[Release], None]

    @property
    def name(self) -> str:
        """The environment's name."""
        return self.environment.name
