"""Composition: releases that mix the components of two, made of layers that the store holds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gatekeeper.core.attribution.players import in_order
from gatekeeper.core.wording import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gatekeeper.adapters.assembly import Means
    from gatekeeper.adapters.fleet import Entrant
    from gatekeeper.cli.session import Session
    from gatekeeper.core.checks import PromptSize
    from gatekeeper.core.packing import Packed
    from gatekeeper.model.components import Components, PinnedModel
    from gatekeeper.ops.attribute import Taken
    from gatekeeper.ports import Tokenizer


@dataclass(slots=True, kw_only=True)
class Mixer:
    """The mixes of a candidate and a baseline; nothing of them is stored."""

    session: Session
    candidate: Entrant
    baseline: Entrant
    means: Means
    _mixed: dict[Taken, Packed] = field(default_factory=dict)

    @property
    def changed(self) -> Taken:
        """Components that differ."""
        from gatekeeper.core.attribution.players import changed

        one, other = self.candidate.release, self.baseline.release
        return frozenset(changed(one.component_digests, other.component_digests))

    def faults(self, taken: Taken) -> Sequence[str]:
        """Why a mix is no sound release; nothing where it is one."""
        from gatekeeper.core.mixing import faults

        return faults(self.candidate.release, self.baseline.release, taken, self._sizes)

    def _sizes(self, components: Components) -> dict[str, PromptSize]:
        from gatekeeper.ops.build import prompt_size

        own = components.model == self.candidate.release.components.model
        locations = (self.candidate if own else self.baseline).locations
        found = {}
        for name, model in components.model.models.items():
            tokenizer = self._tokenizer(name, model, locations)
            if model.role == "generator" and tokenizer is not None:
                found[name] = prompt_size(components, tokenizer)
        return found

    def _tokenizer(
        self, name: str, model: PinnedModel, locations: Mapping[str, str]
    ) -> Tokenizer | None:
        from gatekeeper.adapters.tokenizer import ChatTokenizer

        place = locations.get(f"{name}/tokenizer", locations.get(name))
        if not model.pinned or place is None:
            return None
        root = self.means.models.root(place)
        if not (root / "tokenizer.json").is_file():
            return None
        return ChatTokenizer.load(root, model.chat_template)

    def packed(self, taken: Taken) -> Packed:
        """A mix as a release that could be stored."""
        from gatekeeper.cli.wiring import store_of
        from gatekeeper.core.mixing import mixed

        if taken not in self._mixed:
            layers = store_of(self.session.project).layers
            one, other = self.candidate.release, self.baseline.release
            self._mixed[taken] = mixed(one, other, taken, layers)
        return self._mixed[taken]

    def entrant(self, taken: Taken) -> Entrant:
        """A mix that takes part; nothing taken is the baseline itself."""
        if not taken:
            return self.baseline
        locations = (self.candidate if self._own_model(taken) else self.baseline).locations
        return replace(self.candidate, release=self.packed(taken).release, locations=locations)

    def _own_model(self, taken: Taken) -> bool:
        return "model" in taken or "model" not in self.changed

    def told(self, taken: Taken) -> str:
        """What people call a mix."""
        if not taken:
            return "the baseline, on suites that the run did not ask it"
        rest = in_order(self.changed - taken)
        if len(taken) > len(rest):
            return f"the candidate without {listed(rest)}"
        return f"the baseline with {listed(in_order(taken))}"
