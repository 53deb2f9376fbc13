"""What a promotion and a rollback cost, against the least that a durable commit can cost.

The reference is one create + write + fsync + link + fsync of the directory, of as many bytes as an
entry has, on the same disk. A promotion loads and verifies a release, its signatures, its model
files, its verdict and the head of the ledger, and signs an entry; opening the private key (scrypt,
slow on purpose) is counted on its own.

    python benchmarks/ledger.py [ROUNDS]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from delivery import Delivery, intent, make_delivery
from gatekeeper.cli import environments
from gatekeeper.ops.history import history
from gatekeeper.ops.promote import promote
from gatekeeper.ops.rollback import rollback

if TYPE_CHECKING:
    from collections.abc import Callable


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def reference(directory: Path, number: int, data: bytes) -> None:
    """The least: create, write, fsync, link, fsync of the directory."""
    temporary = directory / f"tmp-{number}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    os.write(handle, data)
    os.fsync(handle)
    os.link(temporary, directory / f"{number:08d}")
    os.close(handle)
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(handle)
    os.close(handle)


def measure(delivery: Delivery, scratch: Path, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of every round, the three in turns."""
    site, signer = delivery.site(), delivery.signer()
    signer.sign(b"")
    data = (delivery.ledger() / "00000001.json").read_bytes()
    found: dict[str, list[float]] = {"reference": [], "promote": [], "rollback": []}
    for number in range(rounds):
        found["reference"].append(timed(lambda n=number: reference(scratch, n, data)))
        found["promote"].append(timed(lambda: promote(site, delivery.v2, intent(), signer)))
        found["rollback"].append(timed(lambda: rollback(site, intent(), signer)))
    if site.ledger.head() != 1 + 2 * rounds:
        raise SystemExit("an entry is missing")
    return found


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        delivery = make_delivery(Path(name))
        delivery.decide(delivery.v1)
        promote(delivery.site(), delivery.v1, intent(), delivery.signer())
        delivery.decide(delivery.v2, delivery.v1)
        scratch = Path(name) / "scratch"
        scratch.mkdir()
        found = measure(delivery, scratch, rounds)
        key = timed(lambda: environments.signer_of(delivery.project, "promote").sign(b""))
        read = timed(lambda: history(delivery.site()))
    least = statistics.median(found["reference"])
    print(f"{rounds} rounds on {name.rsplit('/', 1)[0]}; median milliseconds")
    print(f"{'':<36}{'ms':>9}{'p95':>9}{'ratio':>8}")
    for label, times in found.items():
        middle = statistics.median(times)
        p95 = sorted(times)[int(len(times) * 0.95)]
        called = "create + fsync + link + fsync" if label == "reference" else label
        print(f"{called:<36}{middle:>9.2f}{p95:>9.2f}{middle / least:>8.1f}")
    print(f"{'once a command: open the private key':<36}{key:>9.2f}{'':>9}{key / least:>8.1f}")
    print(f"{f'history of {2 * rounds + 1} entries':<36}{read:>9.2f}{'':>9}{read / least:>8.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
