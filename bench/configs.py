"""What `sim run` of every scenario in `configs` costs: `python bench/configs.py [NAME ...] [--json]`.

CPU and wall time, together with all processes that it starts, and the greatest memory of one of them. Each runs as a
user has it, once, with its own seed: figures, verdicts, drills and the bill. The search for a change that meets a
missed objective (`--fix`) is left out: it takes as long again as what it tries.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sim_run import ROOT, SimRun

from sim.engine.run import compile_now

SMALL_S = 0.8
"""CPU seconds that a small scenario may cost."""


def cost(file: Path) -> dict[str, float]:
    """CPU and wall seconds of one `sim run`, and the peak of its memory in MB. Raises where it ends with an error."""
    used = SimRun(str(file)).ended()
    return {"cpu_s": round(used.cpu_s, 2), "wall_s": round(used.wall_s, 2), "peak_mb": round(used.peak_mb)}


def main(names: list[str]) -> None:
    """Print the table, dearest first, and the sum; with --json a document."""
    as_json = "--json" in names
    wanted = [name for name in names if name != "--json"]
    files = [one for one in sorted((ROOT / "configs").glob("*.yaml")) if not wanted or one.stem in wanted]
    compile_now()  # else the first scenario would be told to cost it
    costs = {}
    for file in files:
        print(file.stem, file=sys.stderr, flush=True)
        costs[file.stem] = cost(file)
    total = {name: round(sum(one[name] for one in costs.values()), 1) for name in ("cpu_s", "wall_s")}
    if as_json:
        print(json.dumps({"configs": costs, "total": total}, indent=1))
        return
    print("| scenario | CPU, s | wall, s | memory, MB |", "|---|--:|--:|--:|", sep="\n")
    for name, one in sorted(costs.items(), key=lambda item: -item[1]["cpu_s"]):
        print(f"| {name} | {one['cpu_s']:.1f} | {one['wall_s']:.1f} | {one['peak_mb']:.0f} |")
    small = sum(one["cpu_s"] <= SMALL_S for one in costs.values())
    print(f"| all {len(costs)} | {total['cpu_s']:.0f} | {total['wall_s']:.0f} | |")
    print(f"\n{small} of them cost {SMALL_S} s of CPU or less")


if __name__ == "__main__":
    main(sys.argv[1:])
