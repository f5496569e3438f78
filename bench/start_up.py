"""CPU seconds from a command's start to its end, and of a what-if besides its runs: `python bench/start_up.py`.

Each command runs in a process of its own, once to write Python's bytecode and then ROUNDS times; the least is printed,
as whatever else a machine does only adds to it. A what-if is made in a process that has loaded its scenario before.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROUNDS = 5
WHAT_IFS = (
    ("coinbase", "workflows.transfer.arrivals={}/s"),
    ("coinbase", "workers.transfers.replicas={}"),
    ("coinbase", "temporal.sql.max_conns={}"),
    ("example-cluster", "workers.payouts.activity_slots={}"),
)
"""Scenarios and what is changed in them, to a number that it has not been before."""
COMMANDS = (
    "--version",
    "--help",
    "run --help",
    "check configs/sqlite.yaml",
    "check configs/coinbase.yaml",
)


def cpu_s(arguments: list[str]) -> float:
    """CPU time of one run of `sim`, of the system on its behalf included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(
        [sys.executable, "-m", "sim", *arguments], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def what_if_s(scenario: str, change: str) -> float:
    """CPU time until the engine may begin with a changed scenario: it is lowered anew, and its program written."""
    from sim.engine.fast.compile import compile_network
    from sim.lower.load import load

    loaded = load(ROOT / "configs" / f"{scenario}.yaml")
    times = []
    for number in range(101, 102 + ROUNDS):
        before = time.process_time()
        compile_network(loaded.with_(change.format(number)).lowered.network)
        times.append(time.process_time() - before)
    return min(times)


def main() -> None:
    """Print the table."""
    print(f"{'command':<44} {'CPU':>8}")
    for scenario, change in WHAT_IFS:
        what = f"{scenario}: {change.partition('=')[0]}"
        print(f"{what:<44} {what_if_s(scenario, change):>6.3f} s")
    for command in COMMANDS:
        cpu_s(command.split())
        least = min(cpu_s(command.split()) for _ in range(ROUNDS))
        print(f"{f'sim {command}':<44} {least:>6.2f} s")


if __name__ == "__main__":
    main()
