"""Use cases, one a file: they take ports and return values."""
