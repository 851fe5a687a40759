"""How busy the machine is beside the proofs: a figure of theirs is not better than that of the disk below."""

import os
import tempfile
import threading
import time


class DiskWatch:
    """A thread that makes one small write safe, again and again, and remembers the slowest."""

    def __init__(self, *, pause_seconds: float = 0.5) -> None:
        self.slowest = 0.0
        self._pause_seconds = pause_seconds
        threading.Thread(target=self._watch, daemon=True, name="disk-watch").start()

    def words(self) -> str:
        """What the page says about the machine."""
        load = os.getloadavg()[2]
        return f"{os.cpu_count()} cores, load average {load:.1f} at the end, slowest fsync of 8 kB {self.slowest:.2f} s"

    def _watch(self) -> None:
        with tempfile.TemporaryFile(buffering=0) as file:
            while True:
                file.seek(0)
                started = time.monotonic()
                file.write(bytes(8192))
                os.fsync(file.fileno())
                self.slowest = max(self.slowest, time.monotonic() - started)
                time.sleep(self._pause_seconds)
