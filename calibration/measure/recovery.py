"""The server is killed under a load of writes and started again: when it answers, and what it does till then."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from calibration.measure import machine, pgbench, server_log
from calibration.measure.cluster import Cluster
from calibration.measure.postgres_cells import Recovery

CLIENTS = 16
LOAD = f"tpcb-like c{CLIENTS} synchronous_commit=off"
"""Commits that wait for no flush write the most log in a given time."""

FIRST_SEED = 400
AFTER_S = 2
"""How long the same load is measured on the recovered server."""


def measured(cluster: Cluster, cell: Recovery, repeat: int, shortened: Callable[[int], int]) -> dict[str, Any]:
    """Checkpoint, load, kill, start, load again: the fields of the line."""
    load_s = shortened(cell.load_s)
    with cluster.connect() as connection:
        connection.execute("CHECKPOINT")
    longer = _load(load_s + 60, repeat)  # never reached: the kill ends it
    arguments = longer.arguments(pgbench.run_folder(cluster, None))
    with cluster.popen("pgbench", arguments, **pgbench.session_settings("off")) as clients:
        time.sleep(load_s)
        kill_s = cluster.kill()
        clients.communicate()  # it gives up by itself when its connections are gone
    log_from = cluster.log_path.stat().st_size
    window = machine.CpuWindow()
    start_s = cluster.start()
    cpu = window.spent()
    with cluster.log_path.open(encoding="utf-8", errors="replace") as log:
        log.seek(log_from)
        said = server_log.recovery(log.read())
    after, _ = pgbench.measured(cluster, _load(AFTER_S, repeat))
    return {
        "load_s": load_s,
        "load": LOAD,
        "wal_bytes_since_redo": said.pop("wal_bytes_since_redo"),
        "kill_s": round(kill_s, 4),
        "start_to_first_query_s": round(start_s, 4),
        "cpu": cpu,
        **said,
        "after": {name: after[name] for name in ("tps_steady", "series_0.5s", "latency_ms")}
        | {"blks_read": after["db"]["blks_read"]},
    }


def _load(duration_s: int, repeat: int) -> pgbench.Run:
    return pgbench.Run("tpcb-like", CLIENTS, duration_s, FIRST_SEED + repeat, synchronous_commit="off")
