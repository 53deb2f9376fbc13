"""What the runtime follows, put together: the ledger of one environment and its releases."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatekeeper.model.moment import rfc3339
from gatekeeper.ops.follow import admit, follow
from gatekeeper.runtime.following import Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from gatekeeper.core.chronicle import Recorded
    from gatekeeper.model.release import Release
    from gatekeeper.ops.site import Site
    from gatekeeper.pipeline.pipeline import Pipeline


class LedgerSource:
    """The follower's `Source` over one environment.

    Args:
        site: Makes the environment's ports anew, so that a revoked key or a changed setting
            counts from the next look on.
        workload: Of a release by digest, as its build record says.
        opened: Materialises a release.
    """

    def __init__(
        self,
        site: Callable[[], Site],
        workload: Callable[[str], str | None],
        opened: Callable[[Release], AbstractAsyncContextManager[Pipeline]],
    ) -> None:
        self._site = site
        self._ledger = site().ledger
        self._workload = workload
        self._opened = opened
        self._known: Recorded | None = None
        self._admitted: dict[str, Release] = {}

    def head(self) -> int:
        """Serial of the last entry, not verified."""
        return self._ledger.head()

    def target(self, serial: int) -> Target:
        """What entry `serial` asks for, verified with everything that it names."""
        if serial == 0:
            return Target("", 0, "", None)
        site = self._site()
        found = follow(site, serial, known=self._known)
        self._known = found
        release = admit(site, found.entry, now=datetime.now(UTC))
        self._admitted = {release.digest: release}
        return self._target(found, release)

    def entry(self, serial: int) -> str:
        """sha256 of the bytes of an entry."""
        return f"sha256:{hashlib.sha256(self._ledger.read(serial)).hexdigest()}"

    def open(self, target: Target) -> AbstractAsyncContextManager[Pipeline]:
        """The release of the target that was verified last."""
        return self._opened(self._admitted[target.release or ""])

    def _target(self, found: Recorded, release: Release) -> Target:
        entry = found.entry
        return Target(
            lineage=entry.lineage,
            serial=entry.serial,
            entry=found.digest,
            release=release.digest,
            since=rfc3339(entry.time),
            workload=self._workload(release.digest),
            facts={
                "action": entry.action,
                "actor": entry.actor,
                "reason": entry.reason,
                "lineage": entry.lineage,
                "entry": found.digest,
                "key": found.key.id,
                "developmentKey": found.key.development,
            },
        )
