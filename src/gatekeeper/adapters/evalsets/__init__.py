"""Eval sets on disk: a YAML header and samples that are never held in memory."""

from gatekeeper.adapters.evalsets.opening import LINE_LIMIT, LoadedSet, open_set

__all__ = ["LINE_LIMIT", "LoadedSet", "open_set"]
