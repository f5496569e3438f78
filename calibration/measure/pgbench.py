"""One run of pgbench against the cluster, closed or open loop, and the line that it leaves."""

from __future__ import annotations

import os
import resource
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calibration.measure import counters, machine, pgbench_output
from calibration.measure.cluster import Cluster
from calibration.measure.postgres_cells import OnOff

SCALE = 20

HOLD = r"""\set aid random(1, 100000 * :scale)
\set delta random(-5000, 5000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT pg_sleep(0.005);
COMMIT;
"""
"""A transaction that holds its connection, a lock on a row and nothing else for 5 ms."""

HOT = r"""\set id random(1, {rows})
BEGIN ISOLATION LEVEL {iso};
SELECT v FROM hot WHERE id = :id;
UPDATE hot SET v = v + 1 WHERE id = :id;
COMMIT;
"""
"""A transaction that reads and updates one of a few rows."""


@dataclass(frozen=True)
class Run:
    """What one run does. script: name of the script; text: its text, unless pgbench has it built in.

    rate_per_s: of the Poisson schedule, None for a closed loop. seed: of pgbench's own draws.
    dropped_first_s: the beginning that is not part of the figures.
    """

    script: str
    clients: int
    duration_s: int
    seed: int
    text: str | None = None
    synchronous_commit: OnOff = "on"
    rate_per_s: float | None = None
    dropped_first_s: float = 0.0
    per_statement: bool = False
    more: dict[str, Any] = field(default_factory=dict)

    def arguments(self, folder: Path) -> list[str]:
        """Of pgbench: one thread, the simple protocol, no vacuum before the run, a log of each transaction."""
        said = ["-n", "-c", str(self.clients), "-j", "1", "-M", "simple", "-T", str(self.duration_s)]
        said += ["--random-seed", str(self.seed), "-l", "--log-prefix", str(folder / "log")]
        said += ["--failures-detailed", "-s", str(SCALE)] if self.text else ["--failures-detailed"]
        said += ["-r"] if self.per_statement else []
        said += ["-R", f"{self.rate_per_s:.3f}"] if self.rate_per_s else []
        return [*said, *(["-f", str(folder / "script.sql")] if self.text else ["-b", self.script])]


WORN_BY = 50_000
"""Transactions on new tables before anything is measured. New pages of accounts are full: the first update of each
finds no room on it and goes into the index too. After these, four pages of five have had one and have room, and are in
the log since the checkpoint, so that no burst of whole pages goes into the log."""


def prepare(cluster: Cluster) -> None:
    """Make pgbench's tables, put them on disk, and use them."""
    cluster.run("pgbench", ["-i", "-q", "-s", str(SCALE)])
    with cluster.connect() as connection:
        connection.execute("CHECKPOINT")
    clients = 10
    transactions = ["-n", "-c", str(clients), "-t", str(WORN_BY // clients), "-b", "tpcb-like", "--random-seed", "1"]
    cluster.run("pgbench", transactions, **session_settings("off"))


def session_settings(synchronous_commit: OnOff) -> dict[str, str]:
    """Environment that gives the sessions of a client their settings."""
    return {"PGOPTIONS": f"-c synchronous_commit={synchronous_commit}"}


def logs(folder: Path) -> Sequence[Path]:
    """Files of the log of the run in this folder."""
    return sorted(folder.glob("log.*"))


def run_folder(cluster: Cluster, text: str | None) -> Path:
    """An empty folder that the server's user may write, with the script in it."""
    folder = cluster.folder / "run"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    for old in folder.iterdir():
        old.unlink()
    if text:
        (folder / "script.sql").write_text(text, encoding="utf-8")
    return folder


def measured(cluster: Cluster, run: Run) -> tuple[dict[str, Any], pgbench_output.Log]:
    """Do the run: the fields of its line, and its log."""
    folder = run_folder(cluster, run.text)
    load1 = os.getloadavg()[0]
    counted = counters.counted(cluster)
    server_s, own_s, window = cluster.cpu_s(), _waited_for_s(), machine.CpuWindow()
    printed = cluster.run("pgbench", run.arguments(folder), **session_settings(run.synchronous_commit))
    cpu = window.spent()
    pgbench_s = round(_waited_for_s() - own_s, 3)
    server_s = round(cluster.cpu_s() - server_s, 2)
    db = counters.moved(counted, counters.counted(cluster))
    log = pgbench_output.read_log(logs(folder))
    commits = len(log.latency_us)
    line: dict[str, Any] = {
        "script": run.script,
        "clients": run.clients,
        "duration_s": run.duration_s,
        "synchronous_commit": run.synchronous_commit,
        "rate_target": run.rate_per_s,
        "seed": run.seed,
        "nice": os.nice(0),
        "n_ok": commits,
        "failed": log.failed,
        "load1_before": round(load1, 2),
    }
    line |= run.more | pgbench_output.report(printed)
    if run.per_statement:
        line["per_statement_avg_ms"] = pgbench_output.statements(printed)
    line |= {
        "cpu": cpu,
        "cpu_postgres_s": server_s,
        "cpu_pgbench_s": pgbench_s,
        "cpu_foreign_s": machine.foreign_cpu_s(cpu, server_s, pgbench_s),
        "db": db,
    }
    line |= pgbench_output.line(log, run.dropped_first_s, run.rate_per_s is not None)
    return line | counters.flushes(db, commits), log


def _waited_for_s() -> float:
    # pgbench is the only child that ends between two readings; the server is not waited for.
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
