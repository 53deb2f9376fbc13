"""What people said of samples: JSON Lines or CSV with sample, label and perhaps replicate."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.adapters.files import read_regular
from gatekeeper.adapters.text import decode
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMIT: Final = 64 << 20
"""Bytes of a file of labels."""
MOST: Final = 100
ACCEPTED: Final = "a number from 0 to 1, true or false"
_WORDS: Final = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}


@dataclass(frozen=True, slots=True)
class Label:
    """What a person says of one conversation.

    Attributes:
        replicate: None where it is of all replicates.
        value: From 0 (bad, or the baseline is better) to 1 (good, or the candidate is better).
    """

    sample_id: str
    replicate: int | None
    value: float


def read_labels(path: Path) -> list[Label]:
    """The labels in a file, by its name CSV with a heading or JSON Lines.

    Raises:
        UsageError: It is absent.
        InputError: Everything wrong with it, at once.
    """
    text = decode(read_regular(path.resolve(), str(path), LIMIT), str(path))
    found: dict[tuple[str, int | None], Label] = {}
    problems: list[Problem] = []
    for line, row in (_csv if path.suffix.lower() == ".csv" else _lines)(text, str(path), problems):
        try:
            label = _label(row)
        except ValueError as error:
            problems.append(Problem(str(error), str(path), line, 1, accepted=_KEYS))
            continue
        if found.setdefault((label.sample_id, label.replicate), label) is not label:
            message = f"{label.sample_id!r} has a label already"
            problems.append(Problem(message, str(path), line, 1, accepted="one label each"))
    if not found and not problems:
        problems.append(Problem("has no labels", str(path), accepted=_KEYS))
    if problems:
        raise InputError(problems[:MOST])
    return list(found.values())


_KEYS: Final = f"sample_id, label ({ACCEPTED}) and, if wanted, replicate"


def _csv(text: str, file: str, problems: list[Problem]) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    try:
        for row in reader:
            yield reader.line_num, {key: value for key, value in row.items() if value != ""}
    except csv.Error as error:
        problems.append(Problem(f"is not CSV: {error}", file, reader.line_num, 1))


def _lines(text: str, file: str, problems: list[Problem]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except json.JSONDecodeError as error:
            problems.append(Problem(f"is not JSON: {error.msg}", file, number, error.colno))
        except RecursionError:
            problems.append(Problem("is nested too deeply", file, number, 1))


def _label(row: Any) -> Label:
    if not isinstance(row, dict):
        raise ValueError("is no object")  # noqa: TRY004 - it is the value that is wrong
    sample = row.get("sample_id")
    if not isinstance(sample, str) or not sample:
        raise ValueError("has no sample_id")
    if "label" not in row:
        raise ValueError("has no label")
    return Label(sample, _replicate(row.get("replicate")), _value(row["label"]))


def _replicate(found: Any) -> int | None:
    if found is None:
        return None
    if isinstance(found, str) and found.isdecimal():
        return int(found)
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise ValueError(f"found the replicate {found!r:.50}")
    return found


def _value(found: Any) -> float:
    try:
        value = _WORDS[found.lower()] if str(found).lower() in _WORDS else float(found)
    except (TypeError, ValueError, AttributeError):
        value = float(found) if isinstance(found, bool) else -1.0
    if not 0 <= value <= 1:
        raise ValueError(f"found the label {found!r:.50}")
    return value
