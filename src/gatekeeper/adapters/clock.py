"""The machine's clocks."""

from __future__ import annotations

import time


class SystemClock:
    """Real time."""

    def now_us(self) -> int:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1000

    def monotonic_us(self) -> int:
        """Microseconds that never go back."""
        return time.monotonic_ns() // 1000
