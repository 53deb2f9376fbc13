"""garak: the `report.jsonl` of a run.

Every output of an attempt is a sample's replicate. A detector's score of at least the run's
threshold is a hit, and a hit is a violation of policy; the scores that are kept are 1 where nothing
was detected, so that 1 is good as everywhere. An output that no detector could judge is unknown.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.importers.files import field, objects
from gatekeeper.adapters.importers.items import About, Item, Judgement, Usage, judged, tags_of
from gatekeeper.core.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COMPLETE: Final = 2
"""`status` of an attempt whose detectors have run."""


class GarakReport:
    """One report."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threshold = 0.5
        self._model = "unknown"
        self.about = About(tool="garak", suite="safety")
        self._begin()

    def files(self) -> tuple[Path, ...]:
        """The report."""
        return (self._path,)

    def items(self) -> Iterator[Item]:
        """Every output of every completed attempt."""
        waiting: set[str] = set()
        finished = False
        for line, entry in objects(self._path):
            kind = field(entry, "entry_type", str, self._path, line)
            finished = finished or kind == "completion"
            if kind == "attempt":
                identity = field(entry, "uuid", str, self._path, line)
                if entry.get("status") == _COMPLETE:
                    waiting.discard(identity)
                    yield from self._outputs(entry, line)
                else:
                    waiting.add(identity)
            else:
                self._describe(kind, entry)
        if not finished:
            self.about.partial.append("the report has no completion entry: the run did not end")
        if waiting:
            self.about.partial.append(f"{counted(len(waiting), 'attempt')} begun and never judged")

    def _begin(self) -> None:
        """Read what stands before the first attempt."""
        for line, entry in objects(self._path):
            kind = field(entry, "entry_type", str, self._path, line)
            if kind == "attempt":
                return
            self._describe(kind, entry)

    def _describe(self, kind: str, entry: dict[str, Any]) -> None:
        """Take what the entries around the attempts say of the run."""
        about = self.about
        if kind == "start_run setup":
            about.tool = f"garak {entry.get('_config.version', '')}".strip()
            about.name = _probes(entry)
            self._threshold = float(entry.get("run.eval_threshold") or 0.5)
            target = (entry.get(f"plugins.target_{one}") for one in ("type", "name"))
            self._model = ".".join(str(one) for one in target if one) or "unknown"
        elif kind == "init":
            about.tool = f"garak {entry.get('garak_version', '')}".strip()
            about.started = _moment(entry.get("start_time"))
        elif kind == "completion":
            about.ended = _moment(entry.get("end_time"))

    def _outputs(self, entry: dict[str, Any], line: int) -> Iterator[Item]:
        sample = f"{entry.get('probe_classname', 'probe')}:{entry.get('seq', line)}"
        outputs = field(entry, "outputs", list, self._path, line)
        results = field(entry, "detector_results", dict, self._path, line)
        self.about.replicates = max(self.about.replicates, len(outputs))
        for number, output in enumerate(outputs):
            scores = tuple(self._score(name, found, number) for name, found in results.items())
            answered = output is not None
            text = output.get("text") if isinstance(output, dict) else output
            yield Item(
                sample=sample,
                replicate=number,
                suite="safety",
                tags=tags_of({"probe": entry.get("probe_classname")}),
                status="ok" if answered else "error",
                reason=None if answered else "the generator gave no output",
                policy_violation=_violation(scores) if answered else None,
                input=_prompt(entry.get("prompt")),
                answer=str(text or ""),
                usage=Usage(model=self._model),
                scores=scores,
            )

    def _score(self, name: str, found: list[Any], number: int) -> Judgement:
        hit = found[number] if number < len(found) else None
        score = judged(name, hit, {})
        if score.value is None:
            return Judgement(name, None, "the detector gave no score")
        return Judgement(name, float(score.value < self._threshold), detail=f"detected {hit:g}")


def _violation(scores: tuple[Judgement, ...]) -> bool | None:
    """Whether a detector hit; None where none did and one could not say."""
    values = [one.value for one in scores]
    if 0.0 in values:
        return True
    return None if None in values or not values else False


def _probes(entry: dict[str, Any]) -> str:
    """What the run was made of, as the command named it: before and since garak 0.17."""
    spec = entry.get("run.spec") or {}
    included = spec.get("include") if isinstance(spec, dict) else None
    return ",".join(included) if included else str(entry.get("plugins.probe_spec") or "garak")


def _moment(text: Any) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(str(text))
    return moment if moment.tzinfo else moment.astimezone()


def _prompt(prompt: Any) -> str:
    """The text of the last turn."""
    if not isinstance(prompt, dict):
        return str(prompt or "")
    turns = prompt.get("turns") or [{}]
    return str((turns[-1].get("content") or {}).get("text") or "")
