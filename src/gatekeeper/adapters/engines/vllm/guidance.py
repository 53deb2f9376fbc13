"""A JSON Schema as vLLM's guided decoding is given it."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

BLANK: Final = r"[ \n]?"
"""What may stand before the first brace. Many vocabularies hold a blank and a brace as one token,
and a model that learnt to begin with it says something else entirely when only the bare brace is
let through: of the example's 480 JSON answers, a forced bare brace changed 452."""


def guided(schema: Mapping[str, Any]) -> Any:
    """Parameters that hold an answer to a schema, and let it begin with a blank.

    A schema that only vLLM's other grammars know goes to them as it is, without the blank.
    """
    from vllm.sampling_params import StructuredOutputsParams

    made = _tag(json.dumps(schema))
    if made is None:
        return StructuredOutputsParams(json=dict(schema))
    return StructuredOutputsParams(structural_tag=made)


@lru_cache(maxsize=64)
def _tag(schema: str) -> str | None:
    """The schema behind an optional blank, as xgrammar's structural tag, if xgrammar takes it."""
    import xgrammar
    from vllm.v1.structured_output.backend_xgrammar import has_xgrammar_unsupported_json_features

    plain = json.loads(schema)
    if has_xgrammar_unsupported_json_features(plain):
        return None
    elements = [
        {"type": "regex", "pattern": BLANK},
        {"type": "json_schema", "json_schema": plain},
    ]
    form = {"type": "sequence", "elements": elements}
    made = json.dumps({"type": "structural_tag", "format": form})
    try:
        xgrammar.Grammar.from_structural_tag(made)
    except RuntimeError:
        return None
    return made
