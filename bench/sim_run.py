"""One `sim run` in a process of its own, and what it used with all processes that it starts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Used:
    """CPU and wall time in s, and the peak of the memory of the largest process in MB."""

    cpu_s: float
    wall_s: float
    peak_mb: float


class SimRun:
    """A `sim run` that has been started: its figures as JSON, which nobody reads, without the search for a fix."""

    def __init__(self, file: str, *options: str) -> None:
        words = ["run", file, *options, "--json", "--no-fix", "--quiet"]
        self._began = time.perf_counter()
        self._process = subprocess.Popen([sys.executable, "-m", "sim", *words], cwd=ROOT, stdout=subprocess.DEVNULL)

    def ended(self) -> Used:
        """Wait for its end. Raises AssertionError where that is an error's."""
        _, status, used = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        assert self._process.returncode == 0, f"{self._process.args} ended with {self._process.returncode}"
        return Used(used.ru_utime + used.ru_stime, time.perf_counter() - self._began, used.ru_maxrss / 1024)
