"""Build of large weights against `sha256sum`, and a rebuild against a plain walk with stat.

    python benchmarks/build.py --size 2GB

Everything is measured in one run on the same files, so the ratios can be compared between
machines; the times cannot. The files were just written and are in the page cache.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9}
REPEATS = 5


def main() -> None:
    """Make the files, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="200MB", help="of all weights, such as 2GB")
    parser.add_argument("--files", type=int, default=4, help="number of weight files")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    size = int(arguments.size[:-2]) * UNITS[arguments.size[-2:].upper()]
    directory = Path(tempfile.mkdtemp(prefix="gatekeeper-benchmark-"))
    try:
        rows = measure(make(directory, size, arguments.files))
    finally:
        shutil.rmtree(directory)
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        table(rows, f"{arguments.size} in {arguments.files} files, {os.cpu_count()} cores")


def make(directory: Path, size: int, count: int) -> Path:
    """A project whose model has `size` bytes of weights in `count` files."""
    from builders import make_project

    root = make_project(directory, keys=True)
    part = size // count
    for number in range(count):
        with (root / f"models/tiny/part-{number:02}.safetensors").open("wb") as file:
            for start in range(0, part, 1 << 24):
                file.write(os.urandom(min(1 << 24, part - start)))
    return root


def measure(root: Path) -> list[dict[str, float | str]]:
    """Seconds of every way, and the ratios."""
    from gatekeeper.adapters.project import Project
    from gatekeeper.cli import wiring
    from gatekeeper.ops.build import publish

    project = Project(root.resolve())
    model = root / "models/tiny"

    def build(*, rehash: bool = False) -> None:
        document = wiring.read_manifest(project, root / "manifests/desk-v1.yaml")
        models = wiring.models_of(project, rehash=rehash)
        built = wiring.build_in_memory(project, document, models)
        publish(built, document, wiring.store_of(project), wiring.release_signer(project)[0])

    def hash_in_a_row() -> None:
        subprocess.run(
            ["sha256sum", *sorted(str(path) for path in model.iterdir())],
            stdout=subprocess.DEVNULL,
            check=True,
        )

    def stat_walk() -> None:
        for path, _, names in os.walk(model):
            for name in names:
                os.stat(os.path.join(path, name))  # noqa: PTH116, PTH118 - as plain as it gets

    def restat() -> None:
        wiring.models_of(project).files(model.resolve())

    build()  # imports, keys and caches are warm from here on
    time.sleep(0.1)
    pair = [("build, hashing everything", lambda: build(rehash=True)), ("sha256sum", hash_in_a_row)]
    first = alternate(pair, 3)
    again = alternate([("rebuild, nothing changed", build)], REPEATS)
    files = alternate([("model files of a rebuild", restat), ("os.walk with stat", stat_walk)], 20)
    whole, plain = first.values()
    model_only, walk = files.values()
    command = cold(root)
    return [
        {"what": name, "seconds": seconds, "ratio": ratio}
        for (name, seconds), ratio in zip(
            [*first.items(), *again.items(), *files.items(), ("gatekeeper build, cold", command)],
            [whole / plain, 1.0, "", model_only / walk, 1.0, ""],
            strict=True,
        )
    ]


def alternate(ways: list[tuple[str, Callable[[], None]]], repeats: int) -> dict[str, float]:
    """The shortest time of each way; the ways take turns, so that noise meets all of them."""
    best = dict.fromkeys((name for name, _ in ways), float("inf"))
    for _ in range(repeats):
        for name, way in ways:
            start = time.perf_counter()
            way()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def cold(root: Path) -> float:
    """A rebuild as a person runs it: a new process."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "gatekeeper", "build", "manifests/desk-v1.yaml"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    return time.perf_counter() - start


def table(rows: list[dict[str, float | str]], title: str) -> None:
    """Print the rows."""
    print(title)
    print(f"{'':<28}{'seconds':>12}{'ratio':>8}")
    for row in rows:
        ratio = f"{row['ratio']:.2f}" if row["ratio"] else ""
        print(f"{row['what']:<28}{row['seconds']:>12.6f}{ratio:>8}")


if __name__ == "__main__":
    main()
