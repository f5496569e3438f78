"""PostgreSQL measured with pgbench: the session in which cells are measured."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from calibration.measure import contention, flushes, pgbench, pgbench_output, recovery, sheet
from calibration.measure.cluster import SETTINGS, Cluster
from calibration.measure.plan import Cell
from calibration.measure.postgres_cells import Closed, Contention, Open, Recovery, Service

QUICK_S = 1
"""Length of a run that is only tried out."""


SATURATED_IN = "pg_a1_closed.jsonl"
SEED = {"closed": 200, "service": 100}
"""Of the draws of repeat 0; each repeat has the next one."""
SEED_OF_LOAD, SEED_STEP = 300, 10
"""Of open loops: the first plus the percentage of the load, then a step for each repeat."""


@contextmanager
def session(folder: Path, quick: bool) -> Iterator[PostgresSession]:
    """A new cluster with its tables."""
    with Cluster() as cluster:
        pgbench.prepare(cluster)
        contention.prepare(cluster)
        yield PostgresSession(cluster, folder, quick)


class PostgresSession:
    """A cluster with pgbench's tables, used by one cell after the other."""

    def __init__(self, cluster: Cluster, folder: Path, quick: bool) -> None:
        self._cluster = cluster
        self._folder = folder
        self._quick = quick

    def measure(self, cell: Cell, settings: Any, repeat: int) -> dict[str, Any]:
        """The fields of the line of one repeat of a cell."""
        match settings:
            case Closed():
                return pgbench.measured(self._cluster, self._closed(settings, repeat))[0]
            case Open():
                return self._open(cell, settings, repeat)
            case Service():
                return self._service(cell, settings, repeat)
            case Recovery():
                return recovery.measured(self._cluster, settings, repeat, self._shortened)
            case Contention():
                return contention.measured(self._cluster, settings, repeat, self._shortened)
        raise TypeError(f"{cell.name} is no cell of PostgreSQL")

    def meta(self) -> dict[str, Any]:
        """Settings of the server, texts of the scripts, lengths of the runs."""
        names = [*SETTINGS, "server_version"]
        with self._cluster.connect() as connection:
            query = "SELECT " + ", ".join(f"current_setting('{name}')" for name in names)
            current = connection.execute(query).fetchone()
        assert current is not None
        return {
            "scale": pgbench.SCALE,
            "pgbench": "-j 1 (one generator thread), -M simple, TCP loopback",
            "settings": dict(zip(names, current, strict=True)),
            "hold_script": pgbench.HOLD,
            "hot_script": pgbench.HOT,
            "durations_s": {"closed": 2, "open": 4, "hot": 2},
        }

    def _shortened(self, duration_s: int) -> int:
        return min(duration_s, QUICK_S) if self._quick else duration_s

    def _closed(self, cell: Closed, repeat: int) -> pgbench.Run:
        return pgbench.Run(
            cell.script,
            cell.clients,
            self._shortened(cell.duration_s),
            SEED["closed"] + repeat,
            text=_text(cell.script),
            synchronous_commit=cell.synchronous_commit,
            dropped_first_s=cell.dropped_first_s,
        )

    def _open(self, cell: Cell, settings: Open, repeat: int) -> dict[str, Any]:
        saturation_tps = self._saturation_tps(cell, settings)
        run = pgbench.Run(
            settings.script,
            settings.clients,
            self._shortened(settings.duration_s),
            SEED_OF_LOAD + settings.load_pct + SEED_STEP * repeat,
            text=_text(settings.script),
            synchronous_commit=settings.synchronous_commit,
            rate_per_s=round(saturation_tps * settings.load_pct / 100, 3),
        )
        line, log = pgbench.measured(self._cluster, run)
        if repeat == 0 and cell.use == "calibrate":
            self._keep(f"pg_a2_{settings.script}_c{settings.clients}_{settings.load_pct}", log)
        return {"load_pct": settings.load_pct, "saturation_tps": saturation_tps} | line

    def _saturation_tps(self, cell: Cell, settings: Open) -> float:
        wanted = f"{settings.saturation}-r0"
        for line in sheet.lines(self._folder / SATURATED_IN):
            if line["id"] == wanted:
                return float(line["tps_steady"])
        raise SystemExit(f"{cell.name} needs the throughput of {wanted}: measure {settings.saturation} first")

    def _service(self, cell: Cell, settings: Service, repeat: int) -> dict[str, Any]:
        duration_s = self._shortened(settings.duration_s)
        if settings.script == "fdatasync_8k":
            return flushes.measured(self._cluster.folder, duration_s)
        run = pgbench.Run(
            settings.script,
            1,
            duration_s,
            SEED["service"] + repeat,
            text=_text(settings.script),
            synchronous_commit=settings.synchronous_commit,
            dropped_first_s=settings.dropped_first_s,
            per_statement=True,
        )
        line, log = pgbench.measured(self._cluster, run)
        if repeat == 0:
            self._keep(f"pg_a3_{settings.script}_{settings.synchronous_commit}", log)
        return line

    def _keep(self, name: str, log: pgbench_output.Log) -> None:
        # mtime 0: the same samples make the same file.
        packed = gzip.compress(pgbench_output.samples_csv(log).encode("ascii"), mtime=0)
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"{name}.samples.csv.gz").write_bytes(packed)


def _text(script: str) -> str | None:
    return pgbench.HOLD if script == "hold" else None
