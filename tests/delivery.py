"""A project with two built releases, an environment and signed verdicts: ready to be promoted."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builders import make_project, manifest, write, write_manifest
from gatekeeper.adapters.project import Project
from gatekeeper.adapters.signing import KeyringVerifier, sign_statement
from gatekeeper.cli import environments
from gatekeeper.cli.main import run
from gatekeeper.cli.wiring import keys_of, store_of
from gatekeeper.model.statement import VERDICT, Statement
from gatekeeper.model.verdict import RuleResult, Verdict
from gatekeeper.ops.promote import Intent

if TYPE_CHECKING:
    from gatekeeper.model.keyring import Key, KeyRole
    from gatekeeper.ops.site import Site
    from gatekeeper.ports import Signer

POLICY = """\
apiVersion: gatekeeper/v1
kind: GatePolicy
metadata: {name: desk, owner: quality, effective: 2026-01-01, review_by: 2027-01-01}
sections:
  quality: {owner: quality, resolved_rate_min: 0.5}
"""
LOCAL = """\
apiVersion: gatekeeper/v1
kind: Environment
name: local
accepts_development_keys: true
"""
PROD = """\
apiVersion: gatekeeper/v1
kind: Environment
name: prod
"""


@dataclass(frozen=True)
class Delivery:
    """The project and the digests of its releases."""

    root: Path
    v1: str
    v2: str

    @property
    def project(self) -> Project:
        return Project.open(self.root)

    def site(self, environment: str = "local") -> Site:
        return environments.site_of(self.project, environment)

    def signer(self, role: KeyRole = "promote") -> Signer:
        return _signer(role)

    def ledger(self, environment: str = "local") -> Path:
        return self.project.ledger(environment)

    def decide(
        self, about: str, baseline: str | None = None, *, role: KeyRole = "gate", **changes: Any
    ) -> str:
        """Attach a signed verdict, passing unless `changes` say otherwise; returns its digest."""
        verdict = make_verdict(about, baseline, self.policy).model_copy(update=changes)
        statement = Statement.about(about, VERDICT, verdict.model_dump(mode="json"))
        bundle = sign_statement(statement, self.signer(role))
        return store_of(self.project).attach(about, bundle, VERDICT)

    @property
    def policy(self) -> str:
        return environments.policy_digest(self.project, "gates/desk.yaml")


def make_verdict(release: str, baseline: str | None, policy: str) -> Verdict:
    rule = RuleResult(
        rule="quality.resolved_rate_min",
        section="quality",
        outcome="pass",
        estimate=0.9,
        low=0.85,
        limit=0.5,
        n=300,
        reason="resolved 270 of 300",
        code="shown",
        metric="resolved_rate",
        test="min",
    )
    return Verdict(
        outcome="pass",
        release=release,
        baseline=baseline,
        run="run-1",
        run_digest="sha256:" + "1" * 64,
        policy=policy,
        policy_name="desk",
        rules=(rule,),
        decided=datetime.now(UTC),
    )


def failing(verdict_outcome: str) -> dict[str, Any]:
    """Changes that make a verdict anything but passing."""
    rule = make_verdict("sha256:" + "0" * 64, None, "sha256:" + "0" * 64).rules[0]
    rules = (rule.model_copy(update={"outcome": verdict_outcome}),)
    return {"outcome": verdict_outcome, "rules": rules}


def make_delivery(directory: Path) -> Delivery:
    """A copy of the delivery that is made once a process: keys and builds take a second."""
    made = _made()
    root = directory / "project"
    shutil.copytree(made.root, root)
    return Delivery(root.resolve(), made.v1, made.v2)


def intent(**changes: Any) -> Intent:
    """Somebody who wants something now."""
    given = {"actor": "ada", "reason": "", "now": datetime.now(UTC), **changes}
    return Intent(**given)


def revoke(site: Site, key_id: str, *more: Key) -> Site:
    """The site under a keyring in which a key is revoked, and others are added."""
    assert isinstance(site.verifier, KeyringVerifier)
    keyring = site.verifier.keyring
    keys = tuple(
        key.model_copy(update={"revokedAt": datetime.now(UTC), "reason": "lost"})
        if key.id == key_id
        else key
        for key in keyring.keys
    )
    verifier = KeyringVerifier(keyring.model_copy(update={"keys": (*keys, *more)}))
    return replace(site, verifier=verifier)


@cache
def _signer(role: KeyRole) -> Signer:
    """All deliveries of a process have the same keys; each takes a tenth of a second to open."""
    return environments.signer_of(_made().project, role)


@cache
def _made() -> Delivery:
    root = make_project(Path(tempfile.mkdtemp(prefix="delivery-")), keys=True)
    write(root / "gates/desk.yaml", POLICY)
    write(root / "manifests/environments/local.yaml", LOCAL)
    write(root / "manifests/environments/prod.yaml", PROD)
    digests = []
    for version in ("1", "2"):
        content = manifest()
        content["evaluation"] = {"policy": "gates/desk.yaml"}
        content["metadata"]["version"] = version
        content["components"]["retrieval"]["top_k"] = int(version)
        digests.append(_build(root, write_manifest(root, content, f"desk-v{version}")))
    keys_of(Project.open(root)).keyring()
    return Delivery(root, digests[0], digests[1])


def _build(root: Path, path: Path) -> str:
    answer, progress = io.StringIO(), io.StringIO()
    with redirect_stdout(answer), redirect_stderr(progress):
        assert run(["build", str(path), "--project", str(root), "--output", "json"]) == 0
    return str(json.loads(answer.getvalue())["digest"])
