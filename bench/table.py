"""The table of speed and memory: `python bench/table.py`, or `make bench`. Exits with 1 when a floor is missed.

Contestants take turns, a ratio is taken within a round, the median over the rounds is printed. Every engine runs in a
process of its own with every response recorded; the product runs its YAML files with all statistics, audits and named
draws on. Events are counted and answers compared, so that nothing is fast by leaving work out. What is missing here
(a compiler, Cimba) is `not measured`; nothing is remembered from another run.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from engines import Engines, NotMeasured, Numbers
from rows import Group, Row, groups

TRUTH: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "m1": ((1.87690, 23.2), (7.0873, 164.0)),
    "m2": ((0.097214, 0.119), (0.35250, 0.76)),
    "m3": ((0.100609, 0.128), (0.37373, 0.80)),
    "m4": ((1.0, 1.0), (math.log(100), 9.95)),
}
"""Mean and p99 of the response, each with its standard error times the root of the number of jobs.

M1: Erlang C (Kleinrock, Queueing Systems vol. 1, 1975, section 3.5); M4: the exponential itself. M2, M3: 100 million
jobs of loops.cpp, seeds 1 to 4. Standard errors: over 60 runs of 200,000 jobs, seeds 1000 to 1059.
"""
FURTHEST_OFF = 4.5
"""Standard errors that an answer may be off: by chance once in 150,000."""
QUICK_ROUNDS = 2


@dataclass(slots=True)
class Found:
    """What the rounds gave: values by row; what contestants told, by model, workload and name; reasons by row that was
    not measured."""

    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    told: dict[tuple[str, str, str], list[Numbers]] = field(default_factory=lambda: defaultdict(list))
    missing: dict[str, str] = field(default_factory=dict)


def run_round(group: Group, wanted: list[Row], number: int, found: Found) -> None:
    """Run what the wanted rows need, beginning with another contestant each round, and take the rows' values."""
    needed = [name for name in group.contestants if any(name in row.needs for row in wanted)]
    turn = number % len(needed)
    told: dict[str, Numbers] = {}
    reasons: dict[str, str] = {}
    for name in needed[turn:] + needed[:turn]:
        try:
            told[name] = group.contestants[name](number + 1)
        except NotMeasured as reason:
            reasons[name] = str(reason)
            continue
        if group.model:
            found.told[group.model, group.workload, name].append(told[name])
    for row in wanted:
        try:
            lacking = next((reasons[name] for name in row.needs if name in reasons), None)
            if lacking is not None:
                raise NotMeasured(lacking)
            found.values[row.key].append(row.value(*(told[name] for name in row.needs)))
        except NotMeasured as reason:
            found.missing[row.key] = str(reason)


def verdict(row: Row, reached: float) -> str:
    """How a value stands to goal and floor."""
    if row.goal is None or row.floor is None:
        return ""
    sign = 1 if row.better == "more" else -1
    if sign * reached >= sign * row.goal:
        return "goal"
    return "floor" if sign * reached >= sign * row.floor else "MISSED"


def with_unit(figure: str, unit: str) -> str:
    """The figure and its unit."""
    return figure + unit if unit in ("", "x") else f"{figure} {unit}"


def shown(value: float, unit: str) -> str:
    """A measured value, with three digits that count but no more than two after the point."""
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return with_unit(f"{value:.{min(digits, 2)}f}", unit)


def table(rows: list[Row], found: Found) -> list[str]:
    """The table as lines of Markdown."""
    lines = [
        "| what | goal | never below | reached | spread | rounds | |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for row in sorted(rows, key=lambda one: one.goal is None):
        goal, floor = ("" if one is None else with_unit(f"{one:g}", row.unit) for one in (row.goal, row.floor))
        values = found.values.get(row.key)
        if not values:
            cells = ["not measured", "", "", found.missing.get(row.key, "")]
        else:
            reached = statistics.median(values)
            spread = (max(values) - min(values)) / abs(reached) if reached else 0.0
            cells = [shown(reached, row.unit), f"{spread:.0%}", str(len(values)), verdict(row, reached)]
        lines.append("| " + " | ".join([row.what, goal, floor, *cells]) + " |")
    return lines


def answers(found: Found) -> tuple[list[str], list[str]]:
    """Speed and answers by model and engine, as lines of Markdown; and sentences about answers that are off."""
    lines = [
        "| model | engine | jobs | jobs/s | ns a job | CPU over wall | mean | p99 |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    wrong = []
    for (model, workload, name), runs in found.told.items():
        title = f"{model.upper()}, {workload}" if workload else model.upper()
        jobs = sum(one["jobs"] for one in runs)
        speed = statistics.median(one["jobs"] / one["seconds"] for one in runs)
        busy = [one["cpu"] / one["seconds"] for one in runs if "cpu" in one]
        shares = [f"{statistics.median(busy):.2f}" if busy else ""]
        cells = [title, name, f"{jobs:,.0f}", f"{speed:,.0f}", f"{1e9 / speed:,.0f}", *shares]
        for which, (expected, scale) in zip(("mean", "p99"), TRUTH[model], strict=True):
            pooled = sum(one["jobs"] * one[which] for one in runs) / jobs
            cells.append(f"{pooled:.4f}")
            if abs(pooled - expected) > FURTHEST_OFF * scale / math.sqrt(jobs):
                wrong.append(f"{which} of {name} in {title} is {pooled:.5f}, but {expected:.5f} is expected")
        lines.append("| " + " | ".join(cells) + " |")
    return lines, wrong


def machine() -> dict[str, object]:
    """Where this was measured, and how busy it was."""
    import numba
    import numpy

    model = platform.processor() or platform.machine()
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        told = [line.split(":") for line in listing.read_text().splitlines()]
        model = next((one[1].strip() for one in told if one[0].strip() == "model name"), model)
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numba": numba.__version__,
        "numpy": numpy.__version__,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def main(words: list[str] | None = None) -> int:
    """Measure and print; 1 when a floor is missed or an answer is wrong."""
    parser = argparse.ArgumentParser(description="Speed and memory against goals and peers.")
    parser.add_argument("--rounds", type=int, default=5, help="paired rounds (5)")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds")
    parser.add_argument("--only", action="append", default=[], help="rows whose key begins with, or ends with, this")
    parser.add_argument("--engine", default="fast", choices=["fast", "reference"], help="of the product")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has Cimba and Ciw")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    asked = parser.parse_args(words)
    rounds = QUICK_ROUNDS if asked.quick else asked.rounds

    found, rows = Found(), []
    where = machine()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        engines = Engines(Path(folder), asked.engine, asked.peer_python)
        chosen = []
        for group in groups(engines, 1.0 if asked.engine == "fast" else 0.02):
            wanted = [row for row in group.rows if _is_requested(row, asked.only)]
            if wanted:
                chosen.append((group, wanted))
                rows += wanted
        for number in range(rounds):
            for group, wanted in chosen:
                print(f"round {number + 1} of {rounds}: {wanted[0].what}", file=sys.stderr, flush=True)
                run_round(group, wanted, number, found)
    took = time.perf_counter() - began

    lines, wrong = answers(found)
    reached = {key: statistics.median(values) for key, values in found.values.items()}
    verdicts = {row.key: verdict(row, reached[row.key]) for row in rows if row.key in reached}
    missed = [row.what for row in rows if verdicts.get(row.key) == "MISSED"]
    if asked.json:
        document = {
            "machine": where,
            "engine": asked.engine,
            "rounds": rounds,
            "rows": [
                {
                    "key": row.key,
                    "what": row.what,
                    "unit": row.unit,
                    "goal": row.goal,
                    "floor": row.floor,
                    "better": row.better,
                    "values": found.values.get(row.key, []),
                    "verdict": verdicts.get(row.key, ""),
                    "not_measured": found.missing.get(row.key),
                }
                for row in rows
            ],
            "runs": [
                {"model": model, "workload": workload, "engine": name, "runs": runs}
                for (model, workload, name), runs in found.told.items()
            ],
            "wrong_answers": wrong,
        }
        print(json.dumps(document, indent=2))
    else:
        print(*table(rows, found), "", sep="\n")
        if found.told:
            print(*lines, "", sep="\n")
        print(
            f"{rounds} rounds in {took / 60:.1f} min; " + ", ".join(f"{key} {value}" for key, value in where.items())
        )
        if asked.engine != "fast":
            print("the reference engine in the product's place, in runs a fiftieth as long: no figure to quote")
        for sentence in [f"FLOOR MISSED: {what}" for what in missed] + [f"WRONG ANSWER: {one}" for one in wrong]:
            print(sentence)
    return int(bool(missed or wrong))


def _is_requested(row: Row, only: list[str]) -> bool:
    return not only or any(row.key.startswith(one) or row.key.endswith(one) for one in only)


if __name__ == "__main__":
    sys.exit(main())
