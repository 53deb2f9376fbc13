"""In which release a metric moved, on a screen and as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.core.canonical import short
from gatekeeper.core.wording import number
from gatekeeper.report.contributions import between, rule_text, signed
from gatekeeper.report.markup import escape
from gatekeeper.report.tables import fold, table

if TYPE_CHECKING:
    from gatekeeper.model.bisection import Bisection, Probe
    from gatekeeper.model.run import RunRelease

_HEADS: Final = ("", "release", "change", "between", "n", "run")
_RIGHT: Final = frozenset({2, 3, 4})


def bisection_document(found: Bisection) -> dict[str, Any]:
    """The bisection as programs read it."""
    return found.model_dump(mode="json")


def bisection_text(found: Bisection, width: int) -> str:
    """The release first, then what was compared, then who did it."""
    lines = [*_heading(found, width), ""]
    lines += table(_HEADS, [_row(found, one) for one in _in_order(found)], right=_RIGHT)
    if found.components is not None:
        lines += ["", *rule_text(found.components, width)]
    if found.found and found.before:
        both = f"sha256:{short(found.before.digest)} sha256:{short(found.found.digest)}"
        lines += ["", f"what changed: [cyan]gatekeeper diff {both}[/cyan]"]
    return "\n".join(lines)


def _heading(found: Bisection, width: int) -> list[str]:
    good, bad = (number(value, found.metric_unit) for value in (found.good, found.bad))
    moved = f"{found.metric} in {found.environment}: {good} → {bad}"
    if found.found is None:
        head = f"[bold]it did not move[/bold]  {escape(moved)}"
    else:
        names = "+".join(found.components.guilty) if found.components else ""
        who = f"it moved in {_called(found.found)}{f', by {names}' if names else ''}"
        head = f"[bold]{escape(who)}[/bold]"
        moved = f"{moved}; {len(found.releases)} releases"
    lines = [head]
    told = found.reason if found.found is None else f"{moved}; {found.reason}"
    return lines + [f"  {escape(line)}" for line in fold(told, width - 2)]


def _in_order(found: Bisection) -> list[Probe]:
    """As the releases came, and not as they were looked at."""
    place = {release.digest: number for number, release in enumerate(found.releases)}
    return sorted(found.probes, key=lambda one: place[one.release.digest])


def _row(found: Bisection, one: Probe) -> tuple[str, ...]:
    here = "→" if found.found == one.release else "moved" if one.moved else ""
    return (
        here if one.sure or not found.found else f"{here}?",
        _called(one.release),
        signed(one.change.value, found.unit),
        between(one.change, found.unit),
        f"{one.n:,}",
        "stored" if one.stored else "made now",
    )


def _called(release: RunRelease) -> str:
    return f"{release.name}@sha256:{short(release.digest)}"
