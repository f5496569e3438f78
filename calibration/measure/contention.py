"""Hot rows: transactions that read and update one of a few rows, at an isolation level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from calibration.measure import pgbench
from calibration.measure.cluster import Cluster
from calibration.measure.postgres_cells import Contention

FIRST_SEED = 500

ROWS = 1000
"""Of the table, of which a cell uses the first few. It is so big that the planner takes the index: a plan that reads
all of a small table would lock all of it under SERIALIZABLE, and abort 85 % where the index aborts 33 %."""


def prepare(cluster: Cluster) -> None:
    """Make the table."""
    with cluster.connect() as connection:
        connection.execute("CREATE TABLE hot (id int PRIMARY KEY, v int NOT NULL)")
        connection.execute("INSERT INTO hot SELECT id, 0 FROM generate_series(1, %s) AS id", [ROWS])
        connection.execute("VACUUM ANALYZE hot")


def measured(cluster: Cluster, cell: Contention, repeat: int, shortened: Callable[[int], int]) -> dict[str, Any]:
    """Do the run: the fields of its line."""
    run = pgbench.Run(
        script="hot",
        text=pgbench.HOT.format(rows=cell.rows, iso=cell.isolation),
        clients=cell.clients,
        duration_s=shortened(cell.duration_s),
        seed=FIRST_SEED + repeat,
        dropped_first_s=cell.dropped_first_s,
        more={"max_tries": 1, "retries": 0, "opt_rows": cell.rows, "opt_iso": cell.isolation},
    )
    return pgbench.measured(cluster, run)[0]
