"""The bundled example with v1 and v4 built and promoted, ready to be swapped back and forth."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from delivery import intent, make_verdict
from gatekeeper.adapters.project import Project
from gatekeeper.adapters.signing import sign_statement
from gatekeeper.cli import environments, pipelines
from gatekeeper.cli.main import run
from gatekeeper.cli.wiring import store_of
from gatekeeper.model.envelope import RequestEnvelope
from gatekeeper.model.statement import VERDICT, Statement
from gatekeeper.ops.promote import promote
from gatekeeper.ops.rollback import rollback
from gatekeeper.pipeline.pipeline import Context

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gatekeeper.ops.site import Site
    from gatekeeper.ports import Signer


@dataclass
class Example:
    """The project in `root`, its environment `local`, and who may change that."""

    root: Path
    v1: str
    v4: str
    site: Site
    signer: Signer
    entries: dict[int, str] = field(default_factory=dict)
    """The release of each ledger entry."""

    def release_of(self, serial: int) -> str:
        return self.entries[serial]

    def answers(
        self, requests: Sequence[Mapping[str, Any]], engine: str
    ) -> list[list[dict[str, Any]]]:
        """What v1 and what v4 answer to each request, alone, offline and one at a time."""
        return [asyncio.run(self._answers(one, requests, engine)) for one in (self.v1, self.v4)]

    async def _answers(
        self, digest: str, requests: Sequence[Mapping[str, Any]], engine: str
    ) -> list[dict[str, Any]]:
        project = Project.open(self.root)
        release = store_of(project).load(digest)
        means = pipelines.means_of(project)
        found = []
        async with pipelines.opened(release, means, self.site.verifier, engine) as pipeline:
            for request in requests:
                envelope = RequestEnvelope.model_validate_json(json.dumps(request))
                served = await pipeline.handle(envelope, Context(lane="offline"))
                found.append(json.loads(served.response.model_dump_json()))
        return found

    def swap(self) -> int:
        """Roll back to the release that is not stable now; returns the new serial."""
        head = max(self.entries)
        other = self.v1 if self.entries[head] == self.v4 else self.v4
        # A response may show the new serial before this call returns.
        self.entries[head + 1] = other
        moved = rollback(self.site, intent(), self.signer, to=other)
        assert moved.written
        return head + 1


def make_example(directory: Path) -> Example:
    """A new project with the example; v1 promoted, then v4."""
    root = directory / "example"
    _gatekeeper("init", str(root), "--example", "support-desk")
    digests = [
        json.loads(
            _gatekeeper(
                "build",
                f"{root}/manifests/support-desk-{version}.yaml",
                "--project",
                str(root),
                "--output",
                "json",
            )
        )["digest"]
        for version in ("v1", "v4")
    ]
    project = Project.open(root)
    site = environments.site_of(project, "local")
    example = Example(root, *digests, site, environments.signer_of(project, "promote"))
    judge = environments.signer_of(project, "gate")
    baseline = None
    for serial, digest in enumerate(digests, 1):
        verdict = make_verdict(digest, baseline, site.policy(digest) or "")
        statement = Statement.about(digest, VERDICT, verdict.model_dump(mode="json"))
        store_of(project).attach(digest, sign_statement(statement, judge), VERDICT)
        assert promote(site, digest, intent(), example.signer).written
        example.entries[serial] = baseline = digest
    return example


def _gatekeeper(*arguments: str) -> str:
    answer = io.StringIO()
    with redirect_stdout(answer), redirect_stderr(io.StringIO()):
        assert run(list(arguments)) == 0
    return answer.getvalue()
