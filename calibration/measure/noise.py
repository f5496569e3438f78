"""How much a measurement differs from its repeats: `python -m calibration.measure.noise [HOST ...]`.

The coefficient of variation (standard deviation over mean) over the repeats of a cell, of a typical cell (the median)
and of the worst one. No prediction can be scored finer than that.
"""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from calibration.measure import sheet

MEASURED = Path(__file__).resolve().parent.parent / "measured"

FEWEST_REPEATS = 3

LATENCY = {"throughput": ("tps_steady",), "mean": ("latency_ms", "mean"), "p99": ("latency_ms", "p99")}
END_TO_END = {
    "throughput": ("throughput_in_load_wf_s",),
    "mean": ("e2e_server_ms", "mean"),
    "p99": ("e2e_server_ms", "p99"),
}
GROUPS: dict[str, tuple[str, dict[str, tuple[str, ...]]]] = {
    "PostgreSQL, closed loop": ("pg_a1_closed.jsonl", LATENCY),
    "PostgreSQL, open loop": ("pg_a2_open.jsonl", LATENCY),
    "PostgreSQL, one client": ("pg_a3_service.jsonl", LATENCY),
    "PostgreSQL, hot rows": ("pg_a5_contention.jsonl", LATENCY),
    "PostgreSQL, recovery": ("pg_a4_recovery.jsonl", {"mean": ("start_to_first_query_s",)}),
    "DBOS, open loop": ("dbos_c.jsonl", END_TO_END | {"mean": ("e2e_ms", "mean"), "p99": ("e2e_ms", "p99")}),
    "Temporal, closed loop": ("temporal_b_closed.jsonl", END_TO_END),
    "Temporal, open loop": ("temporal_b_open.jsonl", END_TO_END),
    "Temporal, retries": ("temporal_b3_retry.jsonl", END_TO_END),
    "Temporal, killed worker": ("temporal_b2_recovery.jsonl", {"mean": ("last_close_after_kill_s",)}),
}
"""File of each group, and where in a line its figures are."""
FIGURES = ("throughput", "mean", "p99")
CELLS_WIDTH = 8


def _figure(line: dict[str, Any], where: tuple[str, ...]) -> float | None:
    value: Any = line
    for key in where:
        value = value.get(key) if isinstance(value, dict) else None
    return None if value is None else float(value)


def variation(path: Path, where: tuple[str, ...]) -> dict[str, float]:
    """Coefficient of variation of a figure by cell, of cells with three repeats or more in which it is not 0."""
    by_cell: dict[str, list[float]] = defaultdict(list)
    for line in sheet.lines(path):
        value = _figure(line, where)
        if value is not None:
            by_cell[line["id"].rpartition("-r")[0]].append(value)
    return {
        cell: statistics.stdev(values) / statistics.mean(values)
        for cell, values in by_cell.items()
        if len(values) >= FEWEST_REPEATS and statistics.mean(values)
    }


def table(hosts: Sequence[str]) -> str:
    """For each group and host: number of cells; typical / worst variation of each figure, in percent."""
    width = CELLS_WIDTH + 12 * len(FIGURES)
    header = f"{'cells':>{CELLS_WIDTH}}" + "".join(f"{name:>12}" for name in FIGURES)
    lines = [
        f"{'':25}" + "".join(f"{host:>{width}}" for host in hosts),
        f"{'%, typical / bad cell':25}" + header * len(hosts),
    ]
    for group, (file, figures) in GROUPS.items():
        found = [{name: variation(MEASURED / host / file, where) for name, where in figures.items()} for host in hosts]
        if any(cells for one in found for cells in one.values()):
            lines.append(f"{group:25}" + "".join(_columns(one) for one in found))
    return "\n".join(line.rstrip() for line in lines)


def _columns(found: dict[str, dict[str, float]]) -> str:
    text = f"{max(len(cells) for cells in found.values()) or '-':>{CELLS_WIDTH}}"
    for name in FIGURES:
        values = [100 * value for value in found.get(name, {}).values()]
        text += f"{f'{statistics.median(values):.1f} / {max(values):.0f}' if values else '-':>12}"
    return text


if __name__ == "__main__":
    print(table(sys.argv[1:] or sorted(path.name for path in MEASURED.iterdir() if path.is_dir())))
