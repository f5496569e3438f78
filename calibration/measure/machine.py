"""What Linux tells of this machine in /proc: CPU seconds of all of it and of processes, and what it is."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
KINDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
"""Columns of the line `cpu` in /proc/stat, proc(5). Time of guests is part of user and nice."""
IDLE = ("idle", "iowait")

PARENT, UTIME, CSTIME = 1, 11, 14
"""Columns of /proc/PID/stat after the name in brackets, proc(5): parent; utime, stime, cutime, cstime."""


def machine_cpu_s(stat: str | None = None) -> dict[str, float]:
    """CPU seconds of the machine since its start, by kind. stat: the text of /proc/stat instead of that of now."""
    text = (PROC / "stat").read_text(encoding="ascii") if stat is None else stat
    columns = text.split("\n", 1)[0].split()[1:]
    return {kind: int(ticks) / TICKS_PER_S for kind, ticks in zip(KINDS, columns, strict=False)}


class CpuWindow:
    """CPU seconds of the machine from its making to `spent`."""

    def __init__(self) -> None:
        self._start_s = time.monotonic()
        self._before = machine_cpu_s()

    def spent(self) -> dict[str, float]:
        """By kind, with `wall` and `busy`, neither idle nor waiting for a disk. The machine counts ticks of 10 ms."""
        after, wall_s = machine_cpu_s(), time.monotonic() - self._start_s
        by_kind = {kind: round(after[kind] - self._before[kind], 2) for kind in KINDS}
        busy = sum(spent for kind, spent in by_kind.items() if kind not in IDLE)
        return by_kind | {"wall": round(wall_s, 3), "busy": round(busy, 2)}


def _columns(stat: str) -> list[str]:
    # The name may hold blanks and brackets: what follows its last bracket is regular.
    return stat.rpartition(")")[2].split()


def cpu_of_stat_s(stat: str) -> float:
    """CPU seconds of a process and of all its children that have ended, from the text of its /proc/PID/stat."""
    return sum(map(int, _columns(stat)[UTIME : CSTIME + 1])) / TICKS_PER_S


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended; one that has, and that nobody has waited for, is not running."""
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return _columns(stat)[0] not in "ZX"


def parent_of_stat(stat: str) -> int:
    """Id of the parent, from the text of /proc/PID/stat."""
    return int(_columns(stat)[PARENT])


def _stats() -> dict[int, str]:
    found = {}
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            try:
                found[int(folder.name)] = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended in between
    return found


def _with_descendants(roots: Iterable[int], parents: dict[int, int]) -> set[int]:
    found, new = set(), set(roots)
    while new:
        found |= new
        new = {pid for pid, parent in parents.items() if parent in new} - found
    return found


def descendants(root: int) -> set[int]:
    """Ids of the living processes below `root`, without itself."""
    parents = {pid: parent_of_stat(stat) for pid, stat in _stats().items()}
    return _with_descendants([root], parents) - {root}


def tree_cpu_s(root: int) -> float:
    """CPU seconds so far of a process, those below it, and their children that have ended and were waited for."""
    stats = _stats()
    parents = {pid: parent_of_stat(stat) for pid, stat in stats.items()}
    return sum(cpu_of_stat_s(stats[pid]) for pid in _with_descendants([root], parents) if pid in stats)


def foreign_cpu_s(cpu: dict[str, float], *own_s: float) -> float:
    """Busy seconds of a window that none of the own processes had; not below 0, since the machine counts coarsely."""
    return round(max(0.0, cpu["busy"] - sum(own_s)), 3)


def description() -> dict[str, Any]:
    """This machine: processor, cores, memory, kernel."""
    cpu = (PROC / "cpuinfo").read_text(encoding="utf-8", errors="replace")
    models = [line.partition(":")[2].strip() for line in cpu.splitlines() if line.startswith("model name")]
    memory_kib = int((PROC / "meminfo").read_text(encoding="ascii").split()[1])
    return {
        "cpu_model": models[0] if models else platform.processor(),
        "cpus": os.cpu_count(),
        "mem_mib": memory_kib // 1024,
        "kernel": platform.release(),
        "arch": platform.machine(),
        "python": platform.python_version(),
        "nice": os.nice(0),
    }
