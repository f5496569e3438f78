"""What `sim run` keeps in memory: `python bench/memory.py [--long]`.

M1 at 1 M and 10 M executions, with `--long` at 100 M: replications of up to a million each. Told is the peak of the
largest process, and by how much it is above that of a run of next to nothing, for each execution. A run that drops the
rows of its replications is to stay level: what grows is what one replication needs while it runs.
"""

from __future__ import annotations

import sys

from sim_run import SimRun

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
    used = SimRun(FILE, f"--horizon={horizon_s:.3f} s", f"--replications={replications}", "--warmup=off").ended()
    return replications, used.peak_mb, used.wall_s


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
