"""JSON Schema checks that never leave the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema_rs import Validator

MOST = 300
"""Characters of a message; a validator may quote the whole instance."""


def validator(schema: Mapping[str, Any]) -> Validator:
    """A compiled schema; a reference to another document is an error, not a request."""
    import jsonschema_rs

    return jsonschema_rs.validator_for(dict(schema), offline=True)


def problem(compiled: Validator, value: Any) -> str:
    """The first thing wrong with `value`, or nothing."""
    error = next(iter(compiled.iter_errors(value)), None)
    return "" if error is None else error.message[:MOST]
