"""A run in MLflow: found by its tag or created, then completed step by step.

Every step can be taken again without effect, so a transfer that was cut off goes on where it was.
Runs in the process of `gatekeeper.adapters.tracking.child`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import mlflow
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from gatekeeper.adapters.tracking.target import redacted
from gatekeeper.adapters.tracking.traces import TraceSender
from gatekeeper.model.tracking import Receipt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from gatekeeper.model.run import RunSet
    from gatekeeper.model.tracking import State, Tracked

RUN_TAG: Final = "gatekeeper.run"
CONTENT_TAG: Final = "gatekeeper.content"
"""Digest of what was sent; set when all of it had arrived."""
_SQLITE: Final = "sqlite:///"
_BATCH: Final = 100
"""Params and tags that one request may hold; metrics may be more."""
_DIGEST_LENGTH: Final = 36


class MlflowTracker:
    """Runs go to one experiment of one store."""

    def __init__(self, uri: str, experiment: str) -> None:
        mlflow.set_tracking_uri(uri)
        self._uri = uri
        self._experiment = experiment
        self._client = mlflow.MlflowClient(tracking_uri=uri)

    def send(self, tracked: Tracked) -> Receipt:
        """Send a run, or what is lacking of it; MLflow's own errors come through."""
        experiment = self._experiment_id()
        content = hashlib.sha256(tracked.model_dump_json().encode()).hexdigest()
        found = self._find(experiment, tracked.run)
        run = found or self._create(experiment, tracked)
        if run.data.tags.get(CONTENT_TAG) == content:
            return self._receipt(run, tracked, "there")
        identity = run.info.run_id
        self._log_values(run, tracked)
        self._client.log_inputs(identity, datasets=[_dataset(one) for one in tracked.sets])
        for name, text in tracked.artifacts.items():
            self._client.log_text(identity, text, name)
        TraceSender(self._client, experiment, identity).send(tracked)
        self._client.set_terminated(identity, "FINISHED", _ms(tracked.ended or tracked.started))
        self._client.set_tag(identity, CONTENT_TAG, content)
        return self._receipt(run, tracked, "completed" if found else "created")

    def _experiment_id(self) -> str:
        found = self._client.get_experiment_by_name(self._experiment)
        if found is None:
            try:
                return str(self._client.create_experiment(self._experiment, self._artifacts()))
            except MlflowException:
                # Another run may have made it in the meantime.
                found = self._client.get_experiment_by_name(self._experiment)
                if found is None:
                    raise
        return str(found.experiment_id)

    def _artifacts(self) -> str | None:
        """Beside a local database, and not wherever the command happens to be run."""
        if not self._uri.startswith(_SQLITE):
            return None
        database = Path(self._uri.removeprefix(_SQLITE).partition("?")[0])
        return (database.resolve().parent / "mlartifacts" / self._experiment).as_uri()

    def _find(self, experiment: str, run: str) -> Any | None:
        found = self._client.search_runs(
            [experiment], f"tags.`{RUN_TAG}` = '{run}'", order_by=["attributes.start_time ASC"]
        )
        return found[0] if found else None

    def _create(self, experiment: str, tracked: Tracked) -> Any:
        # The tag comes with the creation: there is no moment in which the run could not be found.
        return self._client.create_run(
            experiment,
            start_time=_ms(tracked.started),
            tags={RUN_TAG: tracked.run},
            run_name=f"{tracked.release} {tracked.run}",
        )

    def _log_values(self, run: Any, tracked: Tracked) -> None:
        decided = _ms(tracked.decided)
        metrics = [Metric(key, value, decided, 0) for key, value in tracked.metrics.items()]
        # Params cannot be changed: of a second verdict only what is new.
        params = [
            Param(key, value) for key, value in tracked.params.items() if key not in run.data.params
        ]
        tags = [RunTag(key, value) for key, value in tracked.tags.items()]
        for batch in _batches(metrics):
            self._client.log_batch(run.info.run_id, metrics=batch)
        for batch in _batches(params):
            self._client.log_batch(run.info.run_id, params=batch)
        for batch in _batches(tags):
            self._client.log_batch(run.info.run_id, tags=batch)

    def _receipt(self, run: Any, tracked: Tracked, state: State) -> Receipt:
        identity, experiment = run.info.run_id, run.info.experiment_id
        shown = redacted(self._uri)
        url = f"{shown.rstrip('/')}/#/experiments/{experiment}/runs/{identity}"
        return Receipt(
            experiment=self._experiment,
            id=identity,
            url=url if shown.startswith("http") else shown,
            traces=len(tracked.failing),
            state=state,
        )


def _dataset(used: RunSet) -> DatasetInput:
    """An eval set. MLflow's field is too short for a digest, so the source has all of it."""
    source = {"name": used.name, "digest": used.digest, "replicates": used.replicates}
    profile = {"samples": used.samples, "of": used.of or used.samples}
    dataset = Dataset(
        name=used.name,
        digest=used.digest.removeprefix("sha256:")[:_DIGEST_LENGTH],
        source_type="gatekeeper",
        source=json.dumps(source),
        profile=json.dumps(profile),
    )
    tags = [
        InputTag("mlflow.data.context", used.suite),
        InputTag("gatekeeper.digest", used.digest),
    ]
    return DatasetInput(dataset, tags)


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
