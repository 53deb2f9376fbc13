"""Which tool wrote a file, by its content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from gatekeeper.adapters.importers.files import document, first_object, head
from gatekeeper.adapters.importers.records import PARQUET
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from pathlib import Path

Format = Literal["records", "inspect", "promptfoo", "lm-eval", "mlflow", "garak", "guidellm"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

_LINE_KEYS: Final[tuple[tuple[Format, frozenset[str]], ...]] = (
    ("garak", frozenset({"entry_type"})),
    ("promptfoo", frozenset({"testIdx", "promptIdx"})),
    ("mlflow", frozenset({"info", "data"})),
    ("records", frozenset({"request_id"})),
)
_DOCUMENT_KEYS: Final[tuple[tuple[Format, frozenset[str]], ...]] = (
    ("inspect", frozenset({"eval", "status"})),
    ("lm-eval", frozenset({"results", "n-samples"})),
    ("promptfoo", frozenset({"evalId", "results"})),
    ("guidellm", frozenset({"benchmarks"})),
    ("mlflow", frozenset({"columns", "data"})),
    ("mlflow", frozenset({"info", "data"})),
    ("records", frozenset({"request_id"})),
)


def detect(path: Path) -> Format:
    """The format of a file; raises `InputError` for one that no known tool writes."""
    start = head(path)
    if start.startswith(b"PK"):
        return "inspect"
    if start == PARQUET:
        return "records"
    found = first_object(path)
    if found is not None:
        return _by_keys(path, found, (*_LINE_KEYS, *_DOCUMENT_KEYS))
    whole = document(path)
    if isinstance(whole, list) and whole and isinstance(whole[0], dict):
        return _by_keys(path, whole[0], _LINE_KEYS[2:3])
    return _by_keys(path, whole, _DOCUMENT_KEYS)


def _by_keys(path: Path, found: Any, known: tuple[tuple[Format, frozenset[str]], ...]) -> Format:
    keys = found.keys() if isinstance(found, dict) else set()
    for name, wanted in known:
        if wanted <= keys:
            return name
    message = "is not the result file of a known tool"
    accepted = f"results of {', '.join(FORMATS)}; say which with --format"
    raise InputError([Problem(message, str(path), accepted=accepted)])
