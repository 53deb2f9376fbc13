"""Functions of Python files of the project: looked for without running, and loaded to be run."""

from __future__ import annotations

import ast
import hashlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Final

from gatekeeper.adapters.scorers.plugins import Found
from gatekeeper.errors import InputError, Problem

if TYPE_CHECKING:
    from pathlib import Path

MOST: Final = 1 << 20
"""Bytes of one file."""


def defined(file: Path) -> list[str]:
    """Names of the functions at the top of a file, which is read and not run.

    Raises:
        OSError, SyntaxError, ValueError: It is absent, too large, or not Python.
    """
    tree = ast.parse(_read(file), filename=file.name)
    return [
        one.name for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def load(file: Path, name: str, told: str) -> Found:
    """Run a file of the project; returns one of its functions, with the sha256 of the file.

    Raises:
        InputError: It fails, or has no such function.
    """
    source = _read(file)
    digest = hashlib.sha256(source).hexdigest()
    module = ModuleType(f"gatekeeper_project_{digest}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module  # where dataclasses look for the names of annotations
    try:
        exec(compile(source, str(file), "exec"), module.__dict__)  # noqa: S102 - as asked
        function = getattr(module, name)
    except Exception as error:  # noqa: BLE001 - whatever the project's code does
        what = f"cannot be run: {type(error).__name__}: {error}"
        raise InputError([Problem(what, told)]) from None
    return Found(function, f"{told}:{name} sha256:{digest}")


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        source = opened.read(MOST + 1)
    if len(source) > MOST:
        raise ValueError(f"it has more than {MOST:,} bytes")
    return source
