"""Kinds of cells of DBOS on PostgreSQL, and the settings of each."""

from __future__ import annotations

from calibration.measure.plan import Settings

META = "dbos_meta.json"


class Queue(Settings):
    """Workflows of `k` steps in sequence, each sleeping `ms`, through one queue without limits.

    execs: processes that poll the queue, every `poll` s. rate: Poisson arrivals, per second. secs: length of the load.
    """

    k: int
    ms: int | float = 0
    execs: int = 1
    poll: float = 0.1
    rate: int | float
    secs: int = 6


KINDS: dict[str, type[Settings]] = {"queue": Queue}
