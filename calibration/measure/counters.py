"""What PostgreSQL has counted: log, flushes, transactions, blocks; differences over a run."""

from __future__ import annotations

import time
from typing import Any

from calibration.measure.cluster import PATIENCE_S, POLL_S, Cluster

QUERY = """
SELECT w.wal_records::float8, w.wal_fpi::float8, w.wal_bytes::float8, w.wal_write::float8, w.wal_sync::float8,
       w.wal_write_time AS wal_write_ms, w.wal_sync_time AS wal_sync_ms, w.wal_buffers_full::float8,
       d.xact_commit::float8, d.xact_rollback::float8, d.blks_read::float8, d.blks_hit::float8, d.deadlocks::float8
FROM pg_stat_wal AS w, pg_stat_database AS d WHERE d.datname = %s
"""
OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"


def counted(cluster: Cluster, database: str = "postgres") -> dict[str, float]:
    """The counters now, once no other session is left: a session hands in the last of its counts when it ends."""
    until_s = time.monotonic() + PATIENCE_S
    with cluster.connect() as connection:
        while _number(connection, OTHERS) > 0:
            if time.monotonic() > until_s:
                raise RuntimeError(f"sessions of a run are still there after {PATIENCE_S:.0f} s")
            time.sleep(POLL_S)
        return _counters(connection, database)


def counted_now(cluster: Cluster, database: str) -> dict[str, float]:
    """The counters now, while sessions are at work: what they have not handed in yet (up to a second) is missing."""
    with cluster.connect() as connection:
        return _counters(connection, database)


def _number(connection: Any, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0])


def _counters(connection: Any, database: str) -> dict[str, float]:
    cursor = connection.execute(QUERY, [database])
    names = [column.name for column in cursor.description]
    return dict(zip(names, cursor.fetchone(), strict=True))


def moved(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """By how much each counter has moved."""
    return {name: round(after[name] - before[name], 2) for name in after}


def flushes(db: dict[str, float], commits: int) -> dict[str, float]:
    """Commits that share a flush of the log, and how long a flush takes; nothing if there was none."""
    if not db["wal_sync"]:
        return {}
    return {
        "commits_per_sync": round(commits / db["wal_sync"], 3),
        "avg_sync_ms": round(db["wal_sync_ms"] / db["wal_sync"], 4),
    }
