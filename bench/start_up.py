"""CPU seconds from a command's start to its end: `python bench/start_up.py`.

Each command runs in a process of its own, once to write Python's bytecode and then ROUNDS times; the least is printed,
as whatever else a machine does only adds to it.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROUNDS = 5
COMMANDS = ("--version", "--help", "run --help", "check configs/sqlite.yaml", "check configs/coinbase.yaml")


def cpu_s(arguments: list[str]) -> float:
    """CPU time of one run of `sim`, of the system on its behalf included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(
        [sys.executable, "-m", "sim", *arguments], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the table."""
    print(f"{'command':<36} {'CPU':>8}")
    for command in COMMANDS:
        cpu_s(command.split())
        least = min(cpu_s(command.split()) for _ in range(ROUNDS))
        print(f"{f'sim {command}':<36} {least:>6.2f} s")


if __name__ == "__main__":
    main()
