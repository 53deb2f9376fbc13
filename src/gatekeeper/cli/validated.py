"""Composition: what releases were validated on, against this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.cli.verdicts import Verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatekeeper.adapters.fleet import Entrant
    from gatekeeper.adapters.project import Project
    from gatekeeper.model.run import RunOptions


def drift_of(project: Project, entrants: Sequence[Entrant], options: RunOptions) -> tuple[str, ...]:
    """How this machine differs from what the releases accept and were validated on.

    Raises:
        EnvironmentDriftError: It differs, and that was not allowed.
    """
    from gatekeeper.adapters import engines
    from gatekeeper.adapters.assembly import on_this_machine
    from gatekeeper.adapters.environment import check_environment
    from gatekeeper.adapters.fleet import Terms

    own = Terms(responses=options.responses).engine_args
    found: dict[str, None] = {}
    verdicts = Verdicts(project)
    for one in entrants:
        parts = one.release.components
        serving = on_this_machine(parts.serving, own)
        here = parts.model_copy(update={"serving": serving})
        release = one.release.model_copy(update={"components": here})
        name = engines.choose(serving, options.engine)
        validated = _validated(project, verdicts, one.release.digest, name)
        allow = options.allow_environment_drift
        found |= dict.fromkeys(check_environment(release, name, validated, allow=allow))
    return tuple(found)


def _validated(
    project: Project, verdicts: Verdicts, release: str, engine: str
) -> dict[str, dict[str, str]]:
    """What the newest passing verdict of a release on this engine rests on, by model.

    The processor is left out: CI machines differ in it, and the run records it.
    """
    from gatekeeper.adapters.runs import RUN_FILE, read_run
    from gatekeeper.core.canonical import canonical_model, digest

    for verdict in verdicts.about(release):
        directory = project.runs / verdict.run
        if verdict.outcome != "pass" or not (directory / RUN_FILE).is_file():
            continue
        run = read_run(directory)
        if digest(canonical_model(run)) != verdict.run_digest:
            continue
        served = {
            model: {key: told for key, told in found.items() if key != "cpu"}
            for model, found in run.engines.items()
            if found.get("engine") == engine
        }
        if served:
            return served
    return {}
