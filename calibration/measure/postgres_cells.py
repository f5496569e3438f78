"""Kinds of cells of PostgreSQL under pgbench, and the settings of each."""

from __future__ import annotations

from typing import Literal

from calibration.measure.plan import Settings

META = "pg_meta.json"

Script = Literal["tpcb-like", "select-only", "hold"]
OnOff = Literal["on", "off"]


class Closed(Settings):
    """Each of `clients` connections runs one transaction after the other."""

    script: Script
    clients: int
    synchronous_commit: OnOff = "on"
    duration_s: int = 2
    dropped_first_s: float = 0.5


class Open(Settings):
    """Transactions at random times, `load_pct` percent of what the closed-loop cell `saturation` did in repeat 0.

    All of the run counts, from empty: nothing is dropped.
    """

    script: Script
    clients: int
    load_pct: int
    saturation: str
    synchronous_commit: OnOff = "on"
    duration_s: int = 4


class Service(Settings):
    """One client alone, each statement timed; or writes and flushes of 8 KiB without PostgreSQL."""

    script: Script | Literal["fdatasync_8k"]
    synchronous_commit: OnOff = "on"
    duration_s: int = 3
    dropped_first_s: float = 0.5


class Recovery(Settings):
    """The server is killed `load_s` after a checkpoint and the start of a load of writes, and started again."""

    load_s: int


class Contention(Settings):
    """A closed loop of `clients` connections on `rows` rows; an aborted transaction is not tried again."""

    isolation: Literal["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]
    rows: int
    clients: int
    duration_s: int = 2
    dropped_first_s: float = 0.2


KINDS: dict[str, type[Settings]] = {
    "closed": Closed,
    "open": Open,
    "service": Service,
    "recovery": Recovery,
    "contention": Contention,
}
