"""What `sim run` keeps in memory: `python bench/memory.py [--long]`.

M1 at 1 M and 10 M executions, with `--long` at 100 M: replications of up to a million each. Told is the peak of the
largest process, and by how much it is above that of a run of next to nothing, for each execution. A run that drops the
rows of its replications is to stay level: what grows is what one replication needs while it runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = "configs/network/m1.yaml"
PER_S = 7.2
"""Arrivals a second in it."""
MILLION = 1_000_000
MOST = MILLION
"""Executions of a replication, at most."""
FEWEST = 10
"""Replications, so that percentiles have an interval."""


def cost(executions: int) -> tuple[int, float, float]:
    """Replications, peak of the largest process in MB, and wall seconds of one `sim run`."""
    replications = max(FEWEST, -(-executions // MOST))
    horizon_s = executions / replications / PER_S
    options = [f"--horizon={horizon_s:.3f} s", f"--replications={replications}", "--warmup=off"]
    command = [sys.executable, "-m", "sim", "run", FILE, *options, "--json", "--no-fix", "--quiet"]
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{executions:,} executions ended with {process.returncode}"
    return replications, used.ru_maxrss / 1024, time.perf_counter() - began


def main(options: list[str]) -> None:
    """Print the table."""
    _, nothing_mb, _ = cost(MILLION // 1000)
    print("| executions | replications | peak, MB | B an execution | wall, s |", "|--:|--:|--:|--:|--:|", sep="\n")
    for count in (MILLION, 10 * MILLION, *([100 * MILLION] if "--long" in options else [])):
        replications, peak_mb, wall_s = cost(count)
        each = (peak_mb - nothing_mb) * 2**20 / count
        print(f"| {count:,} | {replications} | {peak_mb:.0f} | {each:.1f} | {wall_s:.1f} |", flush=True)
    print(f"\na run of {MILLION // 1000:,} executions has a peak of {nothing_mb:.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
