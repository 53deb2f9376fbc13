"""An endpoint's errors: as an HTTP status, or as an object where an answer should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from gatekeeper.errors import EngineError

if TYPE_CHECKING:
    from gatekeeper.adapters.engines.openai.redaction import Redaction

RETRYABLE: Final = frozenset((408, 409, 425, 429))
SERVER_ERROR: Final = 500
CROWDED: Final = frozenset((429, 529))
"""These ask for peace even where they do not say for how long: the endpoint is well."""
DISLIKED: Final = frozenset((400, 422, 501))
"""What endpoints answer to a field that they do not know."""


class EndpointRefusedError(EngineError):
    """An HTTP status that is no success.

    Args:
        status: The status.
        complaint: All that the endpoint said, in lower case, to look for names of fields in.
    """

    def __init__(self, what: str, *, status: int, complaint: str, after: float | None) -> None:
        super().__init__(what, retryable=passes(status), retry_after=after)
        self.complaint = complaint if status in DISLIKED else ""


class UsageMissingError(EngineError):
    """An answer without the number of its tokens: it can be neither paid nor bounded."""

    def __init__(self) -> None:
        super().__init__(
            "the response has no usage: how many tokens it took is not known",
            fix="let the endpoint report usage; with streaming, by stream_options.include_usage",
            retryable=False,
        )


def passes(status: int) -> bool:
    """Whether a status is worth another try."""
    return status in RETRYABLE or status >= SERVER_ERROR


def refused(
    status: int, data: bytes, after: float | None, redaction: Redaction
) -> EndpointRefusedError:
    """The error for an HTTP status."""
    said = redaction.quote(data) or "no reason given"
    complaint = redaction(data.decode(errors="replace")).lower()
    if status in CROWDED:
        after = after or 0.0
    return EndpointRefusedError(
        f"HTTP {status}: {said}", status=status, complaint=complaint, after=after
    )


def reported(error: Any, redaction: Redaction) -> EngineError:
    """The error that stands where an answer should be: `{"error": {"message", "code"}}`."""
    found = error if isinstance(error, dict) else {"message": str(error)}
    said = redaction.quote(str(found.get("message") or found).encode(errors="replace"))
    code = found.get("code")
    retryable = passes(code) if isinstance(code, int) else True
    return EngineError(f"the response is an error: {said}", retryable=retryable)
