"""DBOS: durable workflows as a library over PostgreSQL, instead of a platform of services."""

from __future__ import annotations

from sim.network.counts import Positive
from sim.spec import Spec
from sim.units import PositiveDuration


class Dbos(Spec):
    """The library in the workers of each queue (DBOS's executors). What is left out has the library's default."""

    polling_interval_ns: PositiveDuration | None = None
    """How long each executor waits from one look into its queue to the next; the look itself comes on top."""
    worker_concurrency: Positive | None = None
    """Workflows of the queue at once in each executor, those above wait for a later look; without it no limit. What
    several executors have left is put together."""
    executor_threads: Positive | None = None
    """Threads of each executor, of which a workflow keeps one while it runs: a limit as `worker_concurrency` is."""
    pool_size: Positive | None = None
    """Connections of each executor to the database."""
