"""The log of a store as its copies elsewhere receive it: the constants that tell what it costs, and what to watch."""

from __future__ import annotations

from dataclasses import dataclass

from sim.lower.constants import Constants


@dataclass(frozen=True, slots=True)
class ReplicationLog:
    """What a copy of a store in another place takes.

    bytes_per_row, replay_per_row, apply_per_row: names of constants. The first is what a changed row adds to the log,
    the others what it takes to replay it at a copy, and to apply it at another master. cores: the station that applies
    it there. lag, applied: what to watch.
    """

    bytes_per_row: str
    replay_per_row: str = ""
    apply_per_row: str = ""
    cores: str = ""
    lag: str = ""
    applied: str = ""

    def bytes(self, constants: Constants, rows: int) -> int:
        """What changed rows add to the log."""
        return rows * constants.number(self.bytes_per_row)

    def replay_ns(self, constants: Constants, rows: int) -> int:
        """Time in which the process that replays the log elsewhere does changed rows."""
        return rows * constants.number(self.replay_per_row)

    def apply_ns(self, constants: Constants, rows: int) -> int:
        """CPU of applying rows that another master has written."""
        return rows * constants.number(self.apply_per_row)
