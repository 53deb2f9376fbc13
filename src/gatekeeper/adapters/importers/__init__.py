"""Runs from what other tools recorded: one module a format, all giving the same items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatekeeper.adapters.importers.detect import FORMATS, Format, detect
from gatekeeper.adapters.importers.files import regular

if TYPE_CHECKING:
    from pathlib import Path

    from gatekeeper.adapters.importers.items import Importer

__all__ = ["FORMATS", "Format", "detect", "open_importer", "regular"]


def open_importer(
    name: Format,
    path: Path,
    *,
    cluster: str | None = None,
    task: str | None = None,
    resolved_by: tuple[str, ...] = (),
) -> Importer:
    """The reader of a tool's results; raises `InputError` for a file that the tool did not write.

    Args:
        name: Any format but ``records``, which needs no translation.
        path: The file.
        cluster: Inspect: the key of metadata that groups samples which are not independent.
        task: lm-eval: which task of several.
        resolved_by: Scores that must all be 1 where a need was met.
    """
    from gatekeeper.adapters.importers.garak import GarakReport
    from gatekeeper.adapters.importers.guidellm import GuidellmReport
    from gatekeeper.adapters.importers.inspect_ import InspectLog
    from gatekeeper.adapters.importers.lm_eval import LmEvalResults
    from gatekeeper.adapters.importers.mlflow_ import MlflowResults
    from gatekeeper.adapters.importers.promptfoo import PromptfooResults

    match name:
        case "inspect":
            return InspectLog(path, cluster=cluster, resolved_by=resolved_by)
        case "lm-eval":
            return LmEvalResults(path, task=task, resolved_by=resolved_by)
        case "promptfoo":
            return PromptfooResults(path, resolved_by=resolved_by)
        case "garak":
            return GarakReport(path)
        case "guidellm":
            return GuidellmReport(path)
        case _:
            return MlflowResults(path, resolved_by=resolved_by)
