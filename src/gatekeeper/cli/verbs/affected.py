"""`gatekeeper affected`: which manifests the changes since a revision touch, and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gatekeeper.cli.session import HERE, Output, OutputOption, ProjectOption, Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gatekeeper.adapters.project import Project
    from gatekeeper.core.affected import Reference, Touched


MOST_CAUSES = 10
"""Of one manifest, for people."""


@dataclass(frozen=True, slots=True)
class Affected:
    """What the changes since a merge base touch.

    Attributes:
        since: The revision that was named.
        base: The commit at which this checkout and `since` parted.
        of: How many manifests there are.
        deleted: Manifests that were there and are not any more.
        policies: Gate policies that changed, of manifests that are touched.
    """

    since: str
    base: str
    of: int
    touched: tuple[Touched, ...]
    deleted: tuple[str, ...]
    policies: tuple[str, ...]


def affected(
    places: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help="Manifests, or directories of manifests; by default manifests/.",
            show_default=False,
        ),
    ] = None,
    since: Annotated[
        str, typer.Option("--since", help="A branch, tag or commit that the changes are against.")
    ] = "origin/main",
    env: Annotated[
        str | None, typer.Option("--env", help="The settings of this environment count too.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="This policy decides, not the manifests'.")
    ] = None,
    output: OutputOption = Output.text,
    project: ProjectOption = HERE,
) -> None:
    """List the manifests that changes touch, with the files that did it.

    A manifest is touched when it, or anything it refers to, differs from the merge base with
    --since: prompts, schemas, snapshots, models, guardrails, eval sets and their samples, scorers
    of the project, the gate policy, the price book. Exits 0 whether or not there are any.
    """
    session = Session(project, output)
    home = _home(project)
    found = affected_by(home, since, places or (), env=env, policy=policy)
    session.emit(document(found), _text(found))


def affected_by(
    project: Project,
    since: str,
    places: Sequence[Path] = (),
    *,
    env: str | None = None,
    policy: Path | None = None,
) -> Affected:
    """What the changes since the merge base with `since` touch; raises `UsageError`."""
    from gatekeeper.adapters.git import Checkout
    from gatekeeper.adapters.references import authored, is_manifest, manifest_files
    from gatekeeper.core.affected import policies, touched

    checkout = Checkout.at(project.root)
    base = checkout.merge_base(since)
    changed = checkout.changed(base)
    also = tuple(_shared(project, env, policy))
    manifests = [authored(project, file, also) for file in manifest_files(project, places)]
    found = touched(manifests, changed)
    gone = (path for path in changed if not (project.root / path).exists())
    deleted = tuple(sorted(path for path in gone if is_manifest(checkout.text(base, path))))
    return Affected(since, base, len(manifests), found, deleted, policies(found))


def document(found: Affected) -> dict[str, Any]:
    """The same as programs read it."""
    return {
        "since": found.since,
        "merge_base": found.base,
        "manifests": [asdict(one) for one in found.touched],
        "untouched": found.of - len(found.touched),
        "deleted": list(found.deleted),
        "policies": list(found.policies),
    }


def _shared(project: Project, env: str | None, policy: Path | None) -> Iterator[Reference]:
    """What decides about every manifest of a project."""
    from gatekeeper.adapters.references import of_policy
    from gatekeeper.cli.environments import environment_of
    from gatekeeper.cli.pipelines import PRICES
    from gatekeeper.core.affected import Reference

    yield Reference(PRICES, "price book")
    if env is not None:
        yield Reference(project.relative(project.environment_file(env)), f"environment {env}")
        settings = environment_of(project, env)
        if settings.policy:
            yield from of_policy(project, settings.policy)
    if policy is not None:
        path = policy if policy.exists() or policy.is_absolute() else project.root / policy
        yield from of_policy(project, project.relative(path))


def _home(directory: Path) -> Project:
    """The project, or the checkout of one that has no state yet: nothing here needs any."""
    from gatekeeper.adapters.project import Project
    from gatekeeper.adapters.references import MANIFESTS

    root = directory.resolve()
    return Project(root) if (root / MANIFESTS).is_dir() else Project.open(directory)


def _text(found: Affected) -> str:
    from gatekeeper.report.markup import escape

    count = f"{len(found.touched)} of {found.of} manifests touched"
    lines = [
        f"[bold]{count}[/bold] since {found.base[:12]}, the merge base with {escape(found.since)}"
    ]
    for one in found.touched:
        lines += [f"[bold]{escape(one.manifest)}[/bold]", *_causes(one)]
    lines += [f"[yellow]deleted[/yellow] {escape(file)}" for file in found.deleted]
    lines += [f"[yellow]gate policy changed too[/yellow] {escape(file)}" for file in found.policies]
    return "\n".join(lines)


def _causes(one: Touched) -> Iterator[str]:
    from gatekeeper.report.markup import escape

    shown = one.because[:MOST_CAUSES]
    width = max(len(cause.role) for cause in shown)
    for cause in shown:
        yield f"  {escape(cause.role.ljust(width))}  {escape(cause.file)}"
    if len(one.because) > len(shown):
        yield f"  and {len(one.because) - len(shown)} more"
