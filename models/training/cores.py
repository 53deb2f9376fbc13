"""How many threads to use on a machine that others use too."""

from __future__ import annotations

from pathlib import Path

import torch


class Cores:
    """One thread while others keep a core busy, since two would wait for each other at every operation."""

    def __init__(self, most: int = 2) -> None:
        self.most, self.threads, self.others = most, most, 0.0
        torch.set_num_threads(most)

    def adapt(self) -> None:
        """Look at the number of running tasks and change the number of threads if need be."""
        lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
        running = next(int(line.split()[1]) for line in lines if line.startswith("procs_running"))
        self.others += 0.15 * (max(0, running - self.threads) - self.others)
        wanted = 1 if self.others > 0.6 else self.most if self.others < 0.3 else self.threads
        if wanted != self.threads:
            torch.set_num_threads(wanted)
            self.threads = wanted
