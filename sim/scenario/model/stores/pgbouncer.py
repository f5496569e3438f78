"""pgbouncer: a tier of its own between the platform's services and PostgreSQL."""

from __future__ import annotations

from typing import Literal

from sim.network.counts import Nodes, Positive, Speed
from sim.spec import Spec
from sim.units import Cores, Duration, PositiveDuration


class PgBouncer(Spec):
    """Pools between the platform's connections and the database's. Defaults are those of pgbouncer."""

    replicas: Nodes = 1
    """Processes."""
    cpu_cores: Cores
    """Cores of each; it uses one at most."""
    cpu_speed: Speed | None = None
    """How fast its cores are, over those of the host that the CPU times of the presets were fitted on: at 0.5 all CPU
    there takes twice as long. Without it that of `kubernetes`, if it stands there, else that of the preset."""
    pool_mode: Literal["session", "transaction"] = "session"
    """What a connection to the database is kept for: one of the platform's connections, or one transaction. (Mode
    statement forbids transactions, which every transition is.)"""
    default_pool_size: Positive | None = None
    """Connections to the database of each replica, for the one user and database that there is."""
    query_wait_timeout_ns: PositiveDuration | None = None
    """Longest wait for one of them; then the operation fails and is tried again."""
    dns_max_ttl_ns: Duration | None = None
    """How long a resolved name is kept: after a failover connections go to the old address for up to this time."""
    node: str | None = None
    """Machine that each replica is billed as: a type of the price catalogue, or a name under `prices.nodes`."""
