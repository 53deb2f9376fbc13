"""Release and gate tool for LLM systems."""

__version__ = "0.1.0"
