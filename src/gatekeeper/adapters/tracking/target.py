"""Where runs are tracked, and how that place may be named in messages."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Final

_CREDENTIALS: Final = re.compile(r"(?<=://)[^/\s]+@")
_QUERY: Final = re.compile(
    r"(?i)([?&;](?:[\w-]*(?:password|passwd|pwd|secret|token|key|sig)[\w-]*)=)[^&;\s'\"]+"
)
_SECRET_VARIABLES: Final = re.compile(r"(?i)(PASSWORD|TOKEN|SECRET|ACCESS_KEY)")
_SHORTEST_SECRET: Final = 6
"""What is shorter would be found inside innocent words."""


@dataclass(frozen=True, slots=True)
class Target:
    """An MLflow store.

    Attributes:
        uri: As MLflow reads it: ``sqlite:///mlflow.db``, ``https://mlflow.example``. It can hold
            a password.
        experiment: The experiment that runs go to.
        timeout: Seconds that one run may take, from the start of MLflow to its end.
    """

    uri: str = field(repr=False)
    experiment: str = "gatekeeper"
    timeout: float = 30.0

    @property
    def shown(self) -> str:
        """The URI without credentials."""
        return redacted(self.uri)


def redacted(text: str) -> str:
    """`text` without credentials: those inside URLs, and values of variables named as secrets."""
    text = _QUERY.sub(r"\1***", _CREDENTIALS.sub("***@", text))
    for name, value in os.environ.items():
        if _SECRET_VARIABLES.search(name) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, "***")
    return text
