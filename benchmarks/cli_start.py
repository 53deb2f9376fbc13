"""Start of the command line beside `python -c "import typer"`, in turns, in one run."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

GATEKEEPER = [sys.executable, "-m", "gatekeeper"]
COMMANDS = {
    'python -c "import typer"': [sys.executable, "-c", "import typer"],
    "gatekeeper --version": [*GATEKEEPER, "--version"],
    "gatekeeper --help": [*GATEKEEPER, "--help"],
    "gatekeeper gate --help": [*GATEKEEPER, "gate", "--help"],
    "gatekeeper evaluate --help": [*GATEKEEPER, "evaluate", "--help"],
    "gatekeeper <TAB>": ["env", "_GATEKEEPER_COMPLETE=complete_bash", "COMP_CWORD=1", *GATEKEEPER],
    "gatekeeper schema manifest": [*GATEKEEPER, "schema", "manifest"],
}


def seconds(command: list[str]) -> float:
    """Wall time of one run."""
    start = time.perf_counter()
    typed = {**os.environ, "COMP_WORDS": "gatekeeper "}
    subprocess.run(command, check=True, capture_output=True, env=typed)
    return time.perf_counter() - start


def main() -> None:
    """Median of each command, and its ratio to the first, pair by pair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    for command in COMMANDS.values():
        seconds(command)
    taken = [[seconds(command) for command in COMMANDS.values()] for _ in range(rounds)]
    print(f"{'command':28} {'median s':>9} {'ratio':>6}")
    for column, name in enumerate(COMMANDS):
        median = statistics.median(row[column] for row in taken)
        ratio = statistics.median(row[column] / row[0] for row in taken)
        print(f"{name:28} {median:9.3f} {ratio:6.2f}")


if __name__ == "__main__":
    main()
