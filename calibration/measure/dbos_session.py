"""DBOS measured: executors and a driver of the load, each a process, on a PostgreSQL of their own.

Every run has a new database. One workflow goes through before the load, so that sessions are open and code is loaded.
"""

from __future__ import annotations

import json
import os
import queue
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from calibration.measure import counters, machine, quantiles
from calibration.measure.cluster import PATIENCE_S, SETTINGS, Cluster
from calibration.measure.dbos_cells import Queue
from calibration.measure.plan import Cell

FIRST_SEED = 3000
QUICK_S = 2
STARTING_S = 1
"""The beginning of a load that its throughput leaves out."""
DRAIN_S = 20
"""How long after the last arrival workflows may take: then those left are counted and given up."""

ENDED = ""
"""In the place of a line: there will be no more."""


class Helper:
    """A Python process whose lines are read as they come; `with` closes its input and waits for its end."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._module = module
        command = [sys.executable, "-m", f"calibration.measure.{module}", *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Helper:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(ENDED)

    def tell(self, message: Any) -> None:
        """Send a line of JSON."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def line(self, timeout_s: float = PATIENCE_S) -> str:
        """The next line. Raises TimeoutError, or RuntimeError if the process has ended."""
        try:
            line = self._lines.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError(f"{self._module} says nothing for {timeout_s:.0f} s") from None
        if line == ENDED:
            raise RuntimeError(f"{self._module} has ended; what it complained of stands above")
        return line

    def lines_so_far(self) -> list[str]:
        """Lines that are there and have not been taken. Raises RuntimeError if the process has ended."""
        return [self.line() for _ in range(self._lines.qsize())]

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        return machine.tree_cpu_s(self._process.pid)


def arrivals_s(seed: int, rate_per_s: float, until_s: float) -> list[float]:
    """Poisson arrivals since the start of the load: sums of `random.Random(seed).expovariate(rate)`."""
    draws, at_s, found = random.Random(seed), 0.0, []
    while (at_s := at_s + draws.expovariate(rate_per_s)) <= until_s:
        found.append(at_s)
    return found


@contextmanager
def session(folder: Path, quick: bool) -> Iterator[DbosSession]:
    """A new cluster. folder: not used, all figures are in the lines."""
    with Cluster() as cluster:
        yield DbosSession(cluster, quick)


class DbosSession:
    """A cluster in which each run has a database of its own."""

    def __init__(self, cluster: Cluster, quick: bool) -> None:
        self._cluster = cluster
        self._quick = quick

    def meta(self) -> dict[str, Any]:
        """Versions and settings."""
        return {
            "dbos": version("dbos"),
            "layout": "PostgreSQL, executor(s) and driver are separate processes on the same CPUs",
            "settings": dict(SETTINGS),
        }

    def measure(self, cell: Cell, settings: Queue, repeat: int) -> dict[str, Any]:
        """The fields of the line of one repeat of a cell."""
        if self._quick:
            settings = settings.model_copy(update={"secs": QUICK_S})
        database = f"run_{time.time_ns()}"
        with self._cluster.connect() as connection:
            connection.execute(f"CREATE DATABASE {database}")
        try:
            with ExitStack() as stack:
                return self._run(stack, settings, repeat, database)
        finally:
            with self._cluster.connect() as connection:
                connection.execute(f"DROP DATABASE {database} WITH (FORCE)")

    def _run(self, stack: ExitStack, cell: Queue, repeat: int, database: str) -> dict[str, Any]:
        url = f"{self._cluster.url}/{database}"
        executors = []
        for number in range(cell.execs):  # one after the other: the first one makes the tables
            executors.append(stack.enter_context(Helper("dbos_executor", url, str(cell.poll), f"executor-{number}")))
            assert executors[-1].line() == "ready\n"
        driver = stack.enter_context(Helper("dbos_load", url))
        driver.tell({"ids": ["first"], "at_s": [0.0], "k": cell.k, "ms": cell.ms})
        driver.line()
        _ended(executors, 1)

        at_s = arrivals_s(FIRST_SEED + repeat, cell.rate, cell.secs)
        ids = [str(number) for number in range(len(at_s))]
        before = counters.counted_now(self._cluster, database)
        cpu_before = [self._cluster.cpu_s(), *(executor.cpu_s() for executor in executors)]
        window = machine.CpuWindow()
        driver.tell({"ids": ids, "at_s": at_s, "k": cell.k, "ms": cell.ms})
        load = json.loads(driver.line(cell.secs + DRAIN_S))
        ended = _ended(executors, len(ids))
        cpu = window.spent()
        cpu_after = [self._cluster.cpu_s(), *(executor.cpu_s() for executor in executors)]
        db = counters.moved(before, counters.counted_now(self._cluster, database))
        spent_s = [round(after - start, 2) for start, after in zip(cpu_before, cpu_after, strict=True)]
        line: dict[str, Any] = {
            "config": cell.model_dump(),
            "seed": FIRST_SEED + repeat,
            "nice": os.nice(0),
            "n": len(ids),
            "n_done": len(ended),
            "left": len(ids) - len(ended),
        }
        line |= _times(load, at_s, ended, cell.secs)
        line |= {
            "cpu": cpu,
            "cpu_postgres_s": spent_s[0],
            "cpu_executors_s": spent_s[1:],
            "cpu_driver_s": round(load["cpu_s"], 2),
            "pg_commits_per_workflow": round(db["xact_commit"] / len(ids), 2),
            "wal_syncs_per_workflow": round(db["wal_sync"] / len(ids), 2),
            "wal_bytes_per_workflow": round(db["wal_bytes"] / len(ids), 1),
        }
        return line


def _ended(executors: list[Helper], count: int) -> dict[str, tuple[float, float]]:
    """Begin and end of each workflow's code, once `count` have ended or `DRAIN_S` are over."""
    ended: dict[str, tuple[float, float]] = {}
    until_s = time.monotonic() + DRAIN_S
    while len(ended) < count and time.monotonic() < until_s:
        for executor in executors:
            for line in executor.lines_so_far():
                name, began_s, ended_s = json.loads(line)
                ended[name] = (began_s, ended_s)
        time.sleep(0.005)
    return ended


def _times(
    load: dict[str, Any], at_s: list[float], ended: dict[str, tuple[float, float]], secs: int
) -> dict[str, Any]:
    """Samples of the workflows that have ended, in ms, and how many ended per second."""
    called_s = {name: called for name, called, _ in load["rows"]}
    late_ms = [(row[2] - load["start_s"] - at) * 1e3 for row, at in zip(load["rows"], at_s, strict=True)]
    ends_s = [end - load["start_s"] for _, end in ended.values()]
    in_load = sum(STARTING_S <= end <= secs for end in ends_s)
    fields = quantiles.both("e2e", "ms", [(end - called_s[name]) * 1e3 for name, (_, end) in ended.items()])
    waits_ms = [(began - called_s[name]) * 1e3 for name, (began, _) in ended.items()]
    fields |= quantiles.both("enqueue_to_code", "ms", waits_ms)
    fields |= quantiles.both("run", "ms", [(end - began) * 1e3 for began, end in ended.values()])
    return fields | {
        "enqueue_late_ms": quantiles.summary(late_ms),
        "throughput_in_load_wf_s": round(in_load / (secs - STARTING_S), 3),
        "total_s": round(max(ends_s, default=0.0), 3),
    }
