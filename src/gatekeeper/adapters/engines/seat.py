"""What an engine is asked to serve."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatekeeper.adapters.tokenizer import ChatTokenizer
    from gatekeeper.model.components import PinnedModel, Serving
    from gatekeeper.ports import ModelFiles


@dataclass(frozen=True, slots=True)
class Seat:
    """One named model of a release, and what is known of it on this machine.

    Attributes:
        name: What the release calls the model.
        files: Verified; None for a hosted model.
        tokenizer: None for a hosted model.
        adapters: Its LoRA adapters by name, verified.
    """

    name: str
    model: PinnedModel
    serving: Serving
    files: ModelFiles | None = None
    tokenizer: ChatTokenizer | None = None
    adapters: Mapping[str, ModelFiles] = field(default_factory=dict)
