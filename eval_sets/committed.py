"""Generated files that are committed: written, or checked against what would be written."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def differing(root: Path, owned: str, found: Mapping[str, str]) -> list[str]:
    """Files on disk that are absent, different, or no longer made.

    Args:
        root: What the paths are relative to.
        owned: A directory in which every file is generated.
        found: What each file has to hold, by its path.
    """
    kept = {p.relative_to(root).as_posix() for p in (root / owned).rglob("*") if p.is_file()}
    changed = [
        path
        for path, text in found.items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text
    ]
    return sorted({*changed, *(kept - set(found))})


def carry_out(root: Path, owned: str, found: Mapping[str, str], about: str | None) -> int:
    """The command line of a generator: write what differs, or say so; its exit status."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--check", action="store_true")
    wrong = differing(root, owned, found)
    if parser.parse_args().check:
        print("\n".join(wrong) or "up to date")
        return 1 if wrong else 0
    for path in wrong:
        target = root / path
        if path not in found:
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(found[path], encoding="utf-8")
    print(f"{len(wrong)} files changed")
    return 0
