"""Eval sets on disk: a YAML header and samples that are never held in memory."""

from gatekeeper.adapters.evalsets.loaded import LoadedSet
from gatekeeper.adapters.evalsets.opening import open_set
from gatekeeper.adapters.evalsets.table import ROW_LIMIT

__all__ = ["ROW_LIMIT", "LoadedSet", "open_set"]
