"""What was put before the model, made again from the release, where the release is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.core.failing import Seen, asked
from gatekeeper.errors import GatekeeperError

if TYPE_CHECKING:
    from gatekeeper.adapters.project import Project
    from gatekeeper.core.failing import Compared, Talk
    from gatekeeper.model.run import Run
    from gatekeeper.pipeline.preview import Previewer


class Previews:
    """Previewers of the releases of a run, each opened once and only if it is needed."""

    def __init__(self, project: Project, run: Run) -> None:
        self._project = project
        self._imported = run.source is not None
        self._open: dict[str, Previewer | str] = {}

    def of(self, compared: Compared) -> Compared:
        """The same conversations, with what the candidate was shown."""
        from dataclasses import replace

        return replace(compared, candidate=self.with_seen(compared.candidate))

    def with_seen(self, talk: Talk) -> Talk:
        """The same conversation, with what each request put before the model."""
        return talk.with_seen(tuple(self._seen(talk, n) for n in range(len(talk.exchanges))))

    def _seen(self, talk: Talk, number: int) -> Seen:
        row = talk.exchanges[number].request
        previewer = self._previewer(row.release)
        if isinstance(previewer, str):
            return Seen(unknown=previewer)
        try:
            found = previewer.preview(asked(talk, number), row.sources)
        except GatekeeperError as error:
            return Seen(unknown=error.what)
        except ValueError:
            return Seen(unknown="the record does not hold what was asked")
        chunks = tuple((one.source, one.text) for one in found.chunks)
        messages = tuple((one.role, one.content) for one in found.messages)
        return Seen(chunks, messages)

    def _previewer(self, release: str) -> Previewer | str:
        if release not in self._open:
            try:
                self._open[release] = self._opened(release)
            except GatekeeperError as error:
                self._open[release] = f"the release cannot be opened here: {error.what}"
        return self._open[release]

    def _opened(self, release: str) -> Previewer | str:
        from gatekeeper.adapters.assembly import open_previewer
        from gatekeeper.adapters.clock import SystemClock
        from gatekeeper.cli.wiring import models_of, store_of

        store = store_of(self._project)
        if self._imported or not store.has(release):
            why = "the run was imported" if self._imported else "the release is not in the store"
            return f"{why}, so its prompt and chunks are not known here"
        record = store.record(release)
        return open_previewer(
            store.load(release),
            store=store,
            models=models_of(self._project),
            locations=record.model_locations if record else {},
            clock=SystemClock(),
        )
