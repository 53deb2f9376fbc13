"""Composition: one environment of a project with its ledger, keys and releases."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.cli.wiring import keys_of, models_of, store_of
from gatekeeper.errors import InputError, IntegrityError, UndecidedError, UsageError
from gatekeeper.model.statement import BUILD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.adapters.ledgers.posix import PosixLedger
    from gatekeeper.adapters.project import Project
    from gatekeeper.model.environment import Environment
    from gatekeeper.model.keyring import KeyRole
    from gatekeeper.model.release import Release, ReleaseRecord
    from gatekeeper.ops.promote import Intent
    from gatekeeper.ops.site import Site
    from gatekeeper.ports import Progress, Releases, Signer, Verifier

ACTOR_VARIABLE = "GATEKEEPER_ACTOR"
MAX_TEXT = 4096
"""Of `ShortText`, which the ledger holds."""


def site_of(project: Project, name: str, *, progress: Progress | None = None) -> Site:
    """An environment of a project, ready to be acted on.

    Raises:
        UsageError: There is no such environment.
        InputError: Its settings are not right.
        IntegrityError: The keyring is not sound.
    """
    from gatekeeper.adapters.signing import KeyringVerifier
    from gatekeeper.ops.site import Site

    settings = environment_of(project, name)
    store = store_of(project)
    keyring = keys_of(project).keyring()
    verifier = KeyringVerifier(keyring, settings.accepts_development_keys)

    def check_models(release: Release) -> None:
        """Hash the models of a release where its build record says they are."""
        # Where the files are is a hint: whoever gave it, their digests decide.
        record = record_of(store, KeyringVerifier(keyring), release.digest)
        _check_models(project, release, record.model_locations if record else {}, progress)

    return Site(
        environment=settings,
        ledger=ledger_of(project, settings),
        releases=store,
        verifier=verifier,
        policy=lambda digest: _policy(project, settings, digest, store, verifier),
        check_models=check_models,
    )


def environment_of(project: Project, name: str) -> Environment:
    """The settings of an environment, from `manifests/environments/NAME.yaml`."""
    from gatekeeper.adapters import yaml
    from gatekeeper.model.environment import Environment

    file = project.environment_file(name)
    known = sorted(path.stem for path in file.parent.glob("*.yaml"))
    if name not in known:
        there = f"there are {', '.join(known)}" if known else "there are none"
        raise UsageError(
            f"there is no environment {name!r}",
            where=project.relative(file.parent),
            fix=f"{there}; write {project.relative(file)} to add one",
        )
    document = yaml.read(file, Environment, root=project.root)
    if document.value.name != name:
        message = f"the file of {name} names the environment {document.value.name}"
        raise InputError([document.problem(("name",), message, accepted=name)])
    return document.value


def ledger_of(project: Project, settings: Environment) -> PosixLedger:
    """The ledger that an environment names."""
    from gatekeeper.adapters.ledgers.posix import PosixLedger

    if settings.ledger is None:
        return PosixLedger(project.ledger(settings.name))
    return PosixLedger(project.root / Path(settings.ledger.removeprefix("file:")))


def active(project: Project, name: str) -> str:
    """The digest of the release that is stable in an environment.

    Raises:
        UndecidedError: Nothing was promoted there yet.
    """
    from gatekeeper.ops import ledger

    head = ledger.head(site_of(project, name))
    if head is None:
        raise UndecidedError(
            "nothing was promoted here yet", where=name, fix=f"gatekeeper promote REF --env {name}"
        )
    return head.entry.state.stable.release


def signer_of(project: Project, role: KeyRole) -> Signer:
    """The key of a role that is on this machine."""
    keys = keys_of(project)
    return keys.signer(keys.keyring(), role)


def actor(given: str | None) -> str:
    """Who acts: as given, or as the environment says, or the user of this machine."""
    import getpass

    found = given or os.environ.get(ACTOR_VARIABLE) or getpass.getuser()
    if not found.strip():
        raise UsageError("names nobody", where="--actor", fix="say who acts")
    return kept(found, "--actor")


def intent_of(given: str | None, reason: str, *, dry_run: bool, take_over: bool) -> Intent:
    """Who wants to change an environment now, and why; raises `UsageError` as `kept` does."""
    from datetime import UTC, datetime

    from gatekeeper.ops.promote import Intent

    return Intent(
        actor=actor(given),
        reason=kept(reason, "--reason"),
        now=datetime.now(UTC),
        dry_run=dry_run,
        take_over=take_over,
    )


def kept(text: str, option: str) -> str:
    """Text for the ledger; raises `UsageError` where it could pass for more than one line."""
    if not text.isprintable():
        raise UsageError("holds control characters", where=option, fix="write one line of text")
    if len(text) > MAX_TEXT:
        raise UsageError(
            f"has {len(text):,} characters", where=option, fix=f"use at most {MAX_TEXT:,}"
        )
    return text


def record_of(store: Releases, verifier: Verifier, digest: str) -> ReleaseRecord | None:
    """The newest build record of a release that counts; None where there is none."""
    from gatekeeper.model.release import ReleaseRecord

    for name, bundle in reversed(store.referrers(digest, BUILD)):
        try:
            signed = verifier.verify(
                bundle, role="release", predicate_type=BUILD, subject=digest, where=name
            )
        except IntegrityError:
            continue
        return ReleaseRecord.model_validate_json(json.dumps(signed.statement.predicate))
    return None


def _check_models(
    project: Project,
    release: Release,
    locations: Mapping[str, str],
    progress: Progress | None,
) -> None:
    library = models_of(project, progress=progress)
    for name, model in release.components.model.models.items():
        if not model.pinned:
            continue
        if name not in locations:
            raise UndecidedError(
                f"no build record says where the files of model {name!r} are",
                where=release.reference,
                fix="build the release again, here",
            )
        library.admit(name, model.files, locations[name])


def _policy(
    project: Project, settings: Environment, digest: str, store: Releases, verifier: Verifier
) -> str | None:
    """Digest of the gate policy that a verdict has to come from."""
    record = record_of(store, verifier, digest)
    path = settings.policy or (record.evaluation.policy if record else None)
    if path is None:
        return settings.policy_digest
    found = policy_digest(project, path, settings.policy_parameters)
    if settings.policy_digest not in {None, found}:
        raise UndecidedError(
            f"is {found}, but {settings.name} pins {settings.policy_digest}",
            where=path,
            fix="restore the policy, or pin the new one",
        )
    return found


def policy_digest(
    project: Project, path: str, parameters: Mapping[str, float] | None = None
) -> str:
    """The digest by which a verdict names a policy of the project, with its parameters."""
    from gatekeeper.adapters.policies import read_policy
    from gatekeeper.core.policy import forms

    return forms.policy_digest(read_policy(project.root / path, project).value, parameters or {})
