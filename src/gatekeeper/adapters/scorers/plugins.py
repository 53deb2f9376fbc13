"""Scorers that others write: entry points of installed packages, functions of the project.

A plug-in is a function of a conversation and its settings. It runs in a thread of its own, so that
one that hangs costs a sample its score and not the run its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from pydantic import ConfigDict, Field, JsonValue, PrivateAttr

from gatekeeper.core.scoring.scorer import Mark, Scorer
from gatekeeper.model.base import Identifier, RelativePath

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.core.scoring.conversation import Conversation
    from gatekeeper.core.scoring.scorer import Aids

GROUP: Final = "gatekeeper.scorers"
PATIENCE: Final = 3
"""Times that a plug-in may hang before it is asked no more: each time leaves a thread behind."""
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Plugin(Scorer):
    """A function of an installed package; what stands beside `timeout_s` are its settings."""

    model_config = ConfigDict(extra="allow")

    timeout_s: Seconds = 30.0
    """Seconds that one conversation may take."""

    _function: Callable[..., Any] | None = PrivateAttr(None)
    _version: str = PrivateAttr("")
    _hung: int = PrivateAttr(0)

    @property
    def arguments(self) -> Mapping[str, JsonValue]:
        """What the function is called with beside the conversation."""
        return dict(self.model_extra or {})

    @property
    def version(self) -> str:
        """What it is exactly: package and version, or file and digest."""
        return self._version

    def bound(self, found: Found) -> Plugin:
        """The same, with the function that it calls."""
        made = self.model_copy()
        made._function, made._version = found.function, found.version  # noqa: SLF001 - its own
        return made

    async def rate(self, talk: Conversation, aids: Aids) -> Mark | None:  # noqa: ARG002
        """What the function says; raises whatever it raises, and `TimeoutError` where it hangs."""
        if self._function is None:
            raise RuntimeError("the function was not loaded")
        if self._hung >= PATIENCE:
            raise TimeoutError(f"it hung {self._hung} times and is asked no more")
        call = partial(self._function, talk, **self.arguments)
        waiting = asyncio.timeout(self.timeout_s)
        try:
            async with waiting:
                if inspect.iscoroutinefunction(self._function):
                    return as_mark(await call())
                return as_mark(await in_thread(call))
        except TimeoutError:
            if not waiting.expired():
                raise
            self._hung += 1
            raise TimeoutError(f"it took more than {self.timeout_s:g} s") from None


class PythonFunction(Plugin):
    """A function of a file of the project: the project's own code, run with its rights."""

    model_config = ConfigDict(extra="forbid")

    NAME: ClassVar[str] = "python"
    NULL: ClassVar[str] = "the function returns None"

    file: RelativePath
    """A Python file inside the project."""
    function: Identifier
    """Called with the conversation and the settings."""
    settings: dict[Identifier, JsonValue] = Field(default_factory=dict)
    """Named arguments of the function."""

    @property
    def arguments(self) -> Mapping[str, JsonValue]:
        """What the function is called with beside the conversation."""
        return self.settings


def as_mark(found: Any) -> Mark | None:
    """What a plug-in returned: a number, a number and a reason, or None.

    Raises:
        TypeError: It is something else; what is no number from 0 to 1 is refused later.
    """
    if found is None or isinstance(found, Mark):
        return found
    value, detail = found if isinstance(found, tuple) and len(found) == _PAIR else (found, None)
    if not isinstance(value, int | float) or not (detail is None or isinstance(detail, str)):
        raise TypeError(f"returned {found!r:.100} instead of a number from 0 to 1")
    return Mark(float(value), detail)


_PAIR: Final = 2


async def in_thread(call: Callable[[], Any]) -> Any:
    """The result of a call in a thread that dies with the process, whatever it does."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def work() -> None:
        """Call it in the thread, and settle the future on the loop that awaits it."""
        try:
            settle = partial(_result, future, call())
        except Exception as error:  # noqa: BLE001 - it is raised where it is awaited
            settle = partial(_failure, future, error)
        except BaseException as error:  # noqa: BLE001 - a plug-in ends no process
            settle = partial(_failure, future, RuntimeError(f"it raised {error!r}"))
        with contextlib.suppress(RuntimeError):  # the loop has ended in the meantime
            loop.call_soon_threadsafe(settle)

    threading.Thread(target=work, name="scorer", daemon=True).start()
    return await future


def _result(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)


def _failure(future: asyncio.Future[Any], error: Exception) -> None:
    if isinstance(error, StopIteration):
        error = RuntimeError(f"it raised {error!r}")  # a future cannot hold this one
    if not future.done():
        future.set_exception(error)


@dataclass(frozen=True, slots=True)
class Found:
    """A plug-in's function.

    Attributes:
        version: What it is exactly: package and version, or file and digest.
    """

    function: Callable[..., Any]
    version: str


def installed() -> list[str]:
    """Names of the plug-ins that are installed."""
    return sorted({point.name for point in metadata.entry_points(group=GROUP)})


def load(name: str) -> Found:
    """The plug-in of that name.

    Raises:
        ImportError: There is none, it cannot be loaded, or there are several of the name.
    """
    points = list(metadata.entry_points(group=GROUP, name=name))
    if not points:
        raise ImportError("it is not installed")
    if len({(point.value, _version(point)) for point in points}) > 1:
        packages = ", ".join(sorted(map(_version, points)))
        raise ImportError(f"several packages have a scorer of this name: {packages}")
    try:
        function = points[0].load()
    except Exception as error:  # noqa: BLE001 - whatever the package does when it is imported
        raise ImportError(f"{type(error).__name__}: {error}") from None
    if not callable(function):
        raise ImportError(f"{points[0].value} is no function")  # noqa: TRY004 - as documented
    return Found(function, _version(points[0]))


def _version(point: metadata.EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def misfit(function: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[str, list[str]]:
    """What keeps a function from being called so, and the settings that it has; nothing if fine."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # some that are written in C have none
        return "", []
    taken = [
        name
        for name, one in signature.parameters.items()
        if one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    try:
        signature.bind(None, **arguments)
    except TypeError as error:
        return str(error), taken[1:]
    return "", taken[1:]
