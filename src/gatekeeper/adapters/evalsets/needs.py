"""What scorers need of a sample, and the refusal of scorers that do not exist."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from gatekeeper.core.scoring import SCORERS
from gatekeeper.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatekeeper.adapters import yaml
    from gatekeeper.model.evalset import EvalSet, Expectation, Sample

NEEDS: Final[dict[str, Callable[[Expectation], bool]]] = {
    "exact": lambda expect: expect.exact is not None,
    "facts": lambda expect: bool(expect.contains) or expect.abstain,
    "citations": lambda expect: bool(expect.contains),
    "refusal": lambda expect: expect.refusal is not None,
    "injection": lambda expect: expect.canary is not None,
    "pii": lambda expect: bool(expect.personal),
    "tool_call": lambda expect: expect.tool is not None,
    "tenant": lambda expect: bool(expect.secrets),
}
"""What a scorer needs a sample to expect; the others need nothing."""


def refuse_unknown_scorers(document: yaml.Document[EvalSet]) -> None:
    """Raises `InputError` for every scorer of a header that there is not."""
    known = sorted(SCORERS)
    problems = [
        document.problem(
            ("scorers", number),
            f"there is no scorer {spec.scorer!r}",
            ", ".join(known),
            next(iter(difflib.get_close_matches(spec.scorer, known, 1)), ""),
        )
        for number, spec in enumerate(document.value.scorers or ())
        if spec.scorer not in SCORERS
    ]
    if problems:
        raise InputError(problems)


def scorable(header: EvalSet, sample: Sample) -> bool:
    """Whether the sample holds what at least one of the set's scorers needs."""
    return not header.scorers or any(scores(one.scorer, sample) for one in header.scorers)


def scores(name: str, sample: Sample) -> bool:
    """Whether the sample holds what the scorer needs."""
    needs = NEEDS.get(name)
    return needs is None or needs(sample.expect)
