"""Composition: the manifests of a change, judged one after the other, and told together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.errors import GatekeeperError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gatekeeper.adapters.forges import Forge
    from gatekeeper.adapters.project import Project
    from gatekeeper.cli.verbs.affected import Affected
    from gatekeeper.core.affected import Touched
    from gatekeeper.core.review import Judged, PolicyChange, Review
    from gatekeeper.ops.review import Plan

    Say = Callable[[str], None]

SINCE = "origin/main"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person or a pipeline asked for.

    Attributes:
        places: Manifests, or directories of them; none where the change decides.
        since: What the change is against; null where the platform says.
        baseline: What to compare with; null where it is to be found.
        policy: The policy that decides; null where the environment or the manifest says.
        parameters: Of the policy, ``NAME=NUMBER``.
        options: Words for `evaluate`, the parameters among them.
        reports: A directory that is not there yet, or is empty.
    """

    places: tuple[Path, ...]
    since: str | None
    baseline: str | None
    environment: str
    policy: Path | None
    parameters: tuple[str, ...]
    options: tuple[str, ...]
    reports: Path


def words(
    engine: str | None, policy: Path | None, parameters: Sequence[str], also: Sequence[str]
) -> tuple[str, ...]:
    """What was asked for, as `evaluate` takes it."""
    found = [] if engine is None else ["--engine", engine]
    found += [] if policy is None else ["--policy", str(policy)]
    for one in parameters:
        found += ["--parameter", one]
    return (*found, *also)


def place_of(reports: Path) -> Path:
    """The directory for reports as commands should name it: briefly, where that is right."""
    whole, here = reports.absolute(), Path.cwd()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole


def home_of(directory: Path, keys: Path | None) -> Project:
    """The project; a checkout that has no state yet gets one."""
    from gatekeeper.adapters.project import Project
    from gatekeeper.adapters.state import create_state

    if (directory / ".gatekeeper").is_dir():
        if keys is not None:
            raise UsageError(
                "there is a state with keys of its own",
                where="--keys",
                fix="leave --keys out, or start from a fresh checkout",
            )
        return Project.open(directory)
    return create_state(directory, keys)


def review(home: Project, forge: Forge, wish: Wish, say: Say) -> Review:
    """Every manifest that is to be judged, judged; reports are written on the way.

    Raises:
        UsageError: What the change is against is not known here, or the reports have no place.
    """
    from gatekeeper.core.review import Review

    _make_place(wish.reports)
    found = _found(home, forge, wish)
    policies = _policies(home, found, wish)
    plan = _plan(home, forge, wish, found)
    names = _names([one.manifest for one in found.touched])
    judged = [
        _judge(home, forge, one, name, plan, say)
        for one, name in zip(found.touched, names, strict=True)
    ]
    return Review(
        judged=tuple(judged),
        base=found.base,
        commit=forge.commit or _head(home),
        deleted=found.deleted,
        policies=policies,
        log=forge.log,
        project=_within(home),
    )


def _make_place(reports: Path) -> None:
    if reports.is_dir() and any(reports.iterdir()):
        raise UsageError(
            "holds something already", where=str(reports), fix="remove it, or name another"
        )
    reports.mkdir(parents=True, exist_ok=True)


def _found(home: Project, forge: Forge, wish: Wish) -> Affected:
    """What is to be judged: what was named, whether it is touched or not, or what is touched."""
    from gatekeeper.adapters.references import manifest_files
    from gatekeeper.cli.verbs.affected import Affected, affected_by
    from gatekeeper.core.affected import Touched

    since = wish.since or forge.since or ("" if wish.places else SINCE)
    if not since:
        named = [Touched(file, ()) for file in manifest_files(home, wish.places)]
        return Affected("", "", len(named), tuple(named), (), ())
    found = affected_by(home, since, wish.places, env=wish.environment, policy=wish.policy)
    if not wish.places:
        return found
    known = {one.manifest: one for one in found.touched}
    files = manifest_files(home, wish.places)
    return replace(found, touched=tuple(known.get(file, Touched(file, ())) for file in files))


def _plan(home: Project, forge: Forge, wish: Wish, found: Affected) -> Plan:
    from gatekeeper.adapters.git import Checkout
    from gatekeeper.ops.review import Plan

    before: frozenset[str] = frozenset()
    if found.base:
        checkout = Checkout.at(home.root)
        files = (one.manifest for one in found.touched)
        before = frozenset(file for file in files if checkout.text(found.base, file))
    return Plan(
        base=found.base,
        before=before,
        baseline=wish.baseline,
        serves=_serves(home, wish.environment),
        environment=wish.environment,
        options=wish.options,
        annotations=forge.annotations,
        reports=wish.reports,
    )


def _policies(home: Project, found: Affected, wish: Wish) -> tuple[PolicyChange, ...]:
    """The gate policies that change, with what they demand less of."""
    from gatekeeper.cli.environments import environment_of
    from gatekeeper.cli.gates import parameters_of
    from gatekeeper.cli.verbs.policy.changing import change_of

    if not found.policies:
        return ()
    settings = environment_of(home, wish.environment)
    parameters = {**settings.policy_parameters, **parameters_of(wish.parameters)}
    return tuple(change_of(home, found.base, file, parameters) for file in found.policies)


def _serves(home: Project, environment: str) -> str | None:
    """The release that an environment serves; None where it serves none yet."""
    from gatekeeper.cli.environments import site_of
    from gatekeeper.ops import ledger

    head = ledger.head(site_of(home, environment))
    return None if head is None else head.entry.state.stable.release


def _judge(home: Project, forge: Forge, one: Touched, name: str, plan: Plan, say: Say) -> Judged:
    from gatekeeper.adapters.verbs import ChildVerbs
    from gatekeeper.cli.telling import name_analysis
    from gatekeeper.ops.review import judge
    from gatekeeper.report.junit import unjudged_junit

    place = plan.reports / name
    place.mkdir()
    say(forge.begin(f"gatekeeper: {one.manifest}"))
    found = judge(one, name, plan, ChildVerbs(home, say))
    say(forge.end())
    name_analysis(place / "verdict.sarif", name)
    say(_read(place / "verdict.txt") or f"{one.manifest}: {found.error}")
    if found.error:
        (place / "junit.xml").write_text(unjudged_junit(found), encoding="utf-8")
    if found.difference:
        (place / "diff.md").write_text(found.difference, encoding="utf-8")
    return replace(found, story=_read(place / "verdict.md"))


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _head(home: Project) -> str:
    """The commit that is checked out; empty outside git."""
    from gatekeeper.adapters.git import Checkout

    try:
        return Checkout.at(home.root).commit("HEAD")
    except GatekeeperError:
        return ""


def _within(home: Project) -> str:
    """The project's directory in its repository; empty at the top of it, and outside git."""
    from gatekeeper.adapters.git import Checkout

    try:
        return Checkout.at(home.root).prefix
    except GatekeeperError:
        return ""


def _names(manifests: Sequence[str]) -> Iterator[str]:
    """A name for the directory of each manifest, no two the same."""
    from gatekeeper.core.review import slug

    seen: dict[str, int] = {}
    for manifest in manifests:
        name = slug(manifest)
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name}.{seen[name]}"
