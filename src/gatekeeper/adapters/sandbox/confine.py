"""What a process gives up before it reads a query that somebody else wrote."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from duckdb import DuckDBPyConnection

FILES: Final = 64
"""Descriptors that may be open at once."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a query may use.

    Attributes:
        seconds: By the clock, for all that is asked of one process.
        memory_mb: Of the database; the whole process may map a few times that.
    """

    seconds: float = 30.0
    memory_mb: int = 1024

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def limit_process(limits: Limits) -> None:
    """Give up core files, writing files, memory and time beyond the limits, for good."""
    import resource

    seconds = int(limits.seconds) + 2
    space = (3 * limits.memory_mb + 1024) << 20
    bounds = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: FILES,
        resource.RLIMIT_CPU: seconds,
    }
    if sys.platform == "linux":  # macOS has no limit of the address space that it keeps
        bounds[resource.RLIMIT_AS] = space
    for kind, bound in bounds.items():
        hard = resource.getrlimit(kind)[1]
        least = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(kind, (least, least))


def connect(limits: Limits, paths: Iterable[str]) -> DuckDBPyConnection:
    """An empty database in memory that can read `paths` and nothing else, for good."""
    import duckdb

    connection = duckdb.connect(
        config={
            "threads": 1,  # sums of floats depend on how they are shared out
            "memory_limit": f"{limits.memory_mb}MiB",
            "temp_directory": "",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
            "python_enable_replacements": False,
        }
    )
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # it would be drawn into the answer
    listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection
