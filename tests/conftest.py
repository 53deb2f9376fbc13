"""What every test shares; `pytest --update-golden` writes the golden files anew."""

from __future__ import annotations

import asyncio
import inspect
import signal
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def pytest_configure() -> None:
    """A shell starts background jobs deaf to interruption, and their children inherit it.

    How long an example takes says how busy the machine is, not whether the code is right.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if find_spec("hypothesis"):  # not where real vLLM is
        from hypothesis import settings

        settings.register_profile("patient", deadline=None)
        settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden files anew")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine function on an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with a golden file, or write the file where that is asked for."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), "if it is meant: pytest --update-golden"

    return compare
