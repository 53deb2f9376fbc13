"""What was decided about runs: the outcomes of the verdicts that releases have as evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatekeeper.adapters.project import Project
    from gatekeeper.adapters.signing import KeyringVerifier
    from gatekeeper.adapters.store import ReleaseStore
    from gatekeeper.model.run import Run
    from gatekeeper.model.verdict import Verdict


class Verdicts:
    """Signed verdicts by release, each read once."""

    def __init__(self, project: Project) -> None:
        from gatekeeper.cli.wiring import store_of

        self._project = project
        self._store: ReleaseStore = store_of(project)
        self._verifier: KeyringVerifier | None = None
        self._known: dict[str, tuple[Verdict, ...]] = {}

    def outcome(self, run: Run) -> str:
        """The outcome of the last verdict on this very run; empty where there is none."""
        found = self.last(run)
        return found.outcome if found else ""

    def last(self, run: Run) -> Verdict | None:
        """The last verdict on this very run; None where there is none."""
        from gatekeeper.core.canonical import canonical_model, digest

        if not run.files:
            return None
        content = digest(canonical_model(run))
        about = self.about(run.candidate.digest)
        return next((one for one in about if one.run_digest == content), None)

    def on_another(self, run: Run) -> Verdict | None:
        """The last verdict on a run of this id that was another when it was decided."""
        from gatekeeper.core.canonical import canonical_model, digest

        content = digest(canonical_model(run))
        about = [one for stored in self._store.list() for one in self.about(stored.digest)]
        found = [one for one in about if one.run == run.id and one.run_digest != content]
        return max(found, key=lambda one: one.decided, default=None)

    def about(self, release: str) -> tuple[Verdict, ...]:
        """Every verdict on a release that the gate signed, newest first."""
        if release not in self._known:
            self._known[release] = tuple(reversed(self._read(release)))
        return self._known[release]

    def _read(self, release: str) -> list[Verdict]:
        from gatekeeper.errors import GatekeeperError
        from gatekeeper.model.statement import VERDICT

        try:
            bundles = self._store.referrers(release, VERDICT)
        except GatekeeperError:  # imported runs are of releases that are not here
            return []
        found = [self._verified(bundle, release) for _, bundle in bundles]
        return [one for one in found if one is not None]

    def _verified(self, bundle: bytes, release: str) -> Verdict | None:
        """A verdict that the gate signed; what does not verify is no verdict."""
        from gatekeeper.core.canonical import canonical
        from gatekeeper.errors import GatekeeperError
        from gatekeeper.model.statement import VERDICT
        from gatekeeper.model.verdict import Verdict

        try:
            signed = self._keys().verify(
                bundle, role="gate", predicate_type=VERDICT, subject=release, lapsed=True
            )
            return Verdict.model_validate_json(canonical(signed.statement.predicate))
        except (GatekeeperError, ValueError):
            return None

    def _keys(self) -> KeyringVerifier:
        from gatekeeper.adapters.signing import KeyringVerifier
        from gatekeeper.cli.wiring import keys_of

        if self._verifier is None:
            self._verifier = KeyringVerifier(keys_of(self._project).keyring())
        return self._verifier
