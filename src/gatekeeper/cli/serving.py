"""What the runtime follows, put together: the ledger of one environment and its releases."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatekeeper.cli.environments import record_of
from gatekeeper.model.moment import rfc3339
from gatekeeper.ops.follow import admit, follow
from gatekeeper.runtime.following import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from gatekeeper.adapters.project import Project
    from gatekeeper.core.chronicle import Recorded
    from gatekeeper.model.release import Release
    from gatekeeper.ops.site import Site
    from gatekeeper.pipeline.pipeline import Pipeline
    from gatekeeper.ports import RecordStore
    from gatekeeper.runtime.app import Service


class LedgerSource:
    """The follower's `Source` over one environment.

    Args:
        site: Makes the environment's ports anew, so that a revoked key or a changed setting
            counts from the next look on.
        opened: Materialises a release.
        facts: What else is known of the environment, such as the version of its keyring.
    """

    def __init__(
        self,
        site: Callable[[], Site],
        opened: Callable[[Site, Release], AbstractAsyncContextManager[Pipeline]],
        facts: Callable[[], Mapping[str, str | int]],
    ) -> None:
        self._site = site
        self._ledger = site().ledger
        self._opened = opened
        self._facts = facts
        self._known: Recorded | None = None
        self._admitted: dict[str, tuple[Site, Release]] = {}

    def head(self) -> int:
        """Serial of the last entry, not verified."""
        return self._ledger.head()

    def target(self, serial: int) -> Target:
        """What entry `serial` asks for, verified with everything that it names."""
        if serial == 0:
            return Target("", 0, "", None)
        site = self._site()
        # What was known may be what was wrong: after a refusal the whole ledger is read again.
        known, self._known = self._known, None
        found = self._known = follow(site, serial, known=known)
        release = admit(site, found.entry, now=datetime.now(UTC))
        record = record_of(site.releases, site.verifier, release.digest)
        self._admitted = {release.digest: (site, release)}
        entry = found.entry
        return Target(
            lineage=entry.lineage,
            serial=entry.serial,
            entry=found.digest,
            release=release.digest,
            since=rfc3339(entry.time),
            workload=record.metadata.workload if record else None,
            facts={**_told(found), **self._facts()},
        )

    def entry(self, serial: int) -> str:
        """sha256 of the bytes of an entry."""
        return f"sha256:{hashlib.sha256(self._ledger.read(serial)).hexdigest()}"

    def open(self, target: Target) -> AbstractAsyncContextManager[Pipeline]:
        """The release of `target`, which was verified last."""
        return self._opened(*self._admitted[target.release or ""])


def _told(found: Recorded) -> Mapping[str, str | int]:
    entry = found.entry
    return {
        "action": entry.action,
        "actor": entry.actor,
        "reason": entry.reason,
        "entry": found.digest,
        "lineage": entry.lineage,
        "key": found.key.id,
        "developmentKey": found.key.development,
    }


def service_of(
    project: Project, environment: str, records: RecordStore, engine: str | None
) -> Service:
    """The service that follows an environment of a project.

    Raises:
        UsageError: There is no such environment.
        InputError: Its settings or the price book are not right.
        IntegrityError: The keyring is not sound.
    """
    from gatekeeper.cli import environments, pipelines
    from gatekeeper.runtime.app import Service
    from gatekeeper.runtime.follower import Follower
    from gatekeeper.runtime.live import Switch
    from gatekeeper.runtime.recording import RecordWriter
    from gatekeeper.runtime.watermark import Watermark

    means = pipelines.means_of(project, rehash=True)
    source = LedgerSource(
        lambda: environments.site_of(project, environment),
        lambda site, release: pipelines.opened(release, means, site.verifier, engine),
        lambda: _keyring(project),
    )
    switch = Switch()
    watermark = Watermark(project.state / "runtime" / f"{environment}.json")
    follower = Follower(source, switch, watermark)
    return Service(environment, switch, follower, RecordWriter(records))


def _keyring(project: Project) -> Mapping[str, str | int]:
    from gatekeeper.cli.wiring import keys_of

    keyring = keys_of(project).keyring()
    return {"keyringVersion": keyring.version, "keyringExpires": rfc3339(keyring.expires)}
