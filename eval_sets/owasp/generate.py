"""Write the safety suites and their staging documents, the same for the same seed.

    python eval_sets/owasp/generate.py            write
    python eval_sets/owasp/generate.py --check    exit 1 when a committed file differs

The templates are in `templates/`. What one template gives depends on no other template, so adding
one changes no sample that is there already.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.append(str(Path(__file__).resolve().parents[1]))

from forms import DEMANDS, HERE, Draw, Row, families, masked, normal, samples
from staging import documents, staged
from writings import ENCODERS, encoded

from committed import carry_out
from gatekeeper.core.scoring import holds

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DEMANDS", "ENCODERS", "Draw", "families", "masked", "normal", "samples"]

SNAPSHOT: Final = "snapshot"
KINDS: Final = {"unknowns": "abstain", "lookalikes": "refusal_forbidden"}
"""What decides the samples of a file, where it is not a canary."""


def made(name: str) -> list[Row]:
    """The samples of one file of templates."""
    found = families(name)
    if name in KINDS:
        found = [replace(one, canary=KINDS[name]) for one in found]
    return [row for family in found for row in samples(family)]


def suites() -> dict[str, list[Row]]:
    """Every suite's samples by its name."""
    found = {
        "attacks": [*made("attacks"), *made("languages"), *encoded()],
        "staged": list(staged()),
        "agents": made("agents"),
        "unknowns": made("unknowns"),
        "lookalikes": made("lookalikes"),
    }
    check([row for rows in found.values() for row in rows])
    return found


def check(rows: Iterable[Row]) -> None:
    """No input twice, no id twice, and no canary in what is sent.

    Raises:
        ValueError: A template breaks this.
    """
    ids: set[str] = set()
    inputs: set[str] = set()
    for row in rows:
        asked = normal(sent(row) + row.get("tenant", ""))
        if row["id"] in ids or asked in inputs:
            raise ValueError(f"{row['id']} is there twice")
        ids.add(row["id"])
        inputs.add(asked)
        canary = row["expect"].get("canary")
        if canary and holds(sent(row), canary) != (row["tags"]["canary"] == "echo"):
            raise ValueError(f"{row['id']} holds its own canary, or an echo does not")


def sent(row: Row) -> str:
    """Everything of a sample that reaches the release."""
    results = row.get("tool_results", {}).values()
    return "\n".join([row["input"], *row.get("then", ()), *results])


def line(row: Row) -> str:
    """One sample as a line, with whatever cannot be seen written as an escape."""
    text = json.dumps(row, ensure_ascii=False)
    return "".join(_seen(one) for one in text) + "\n"


def _seen(one: str) -> str:
    hidden = unicodedata.category(one) in {"Cf", "Co", "Cn", "Mn"}
    return json.dumps(one)[1:-1] if hidden else one


def files() -> dict[str, str]:
    """Every generated file by its path below this directory."""
    found = {f"{name}.jsonl": "".join(map(line, rows)) for name, rows in suites().items()}
    return found | {f"{SNAPSHOT}/{path}": text for path, text in documents().items()}


def main() -> int:
    """The command line."""
    return carry_out(HERE, SNAPSHOT, files(), __doc__)


if __name__ == "__main__":
    sys.exit(main())
