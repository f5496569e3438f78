"""A commit of PostgreSQL: what it waits for at each level of `synchronous_commit`, and what a failover may lose.

The flush on the primary is one round that all commits of the moment share. Each standby receives what was flushed and
writes it in rounds of its own; the commit returns when as many standbys as it needs have it. Acknowledged commits that
no standby has yet are at risk (`sim.lower.stores.at_risk`).
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.setting import Setting, of, waits_of_postgres
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Distribution,
    Fork,
    ForkBody,
    Step,
    Steps,
    constant,
    delay,
    use,
)
from sim.lower.stores.sql_store import MOST_AT_RISK, add_at_risk, at_risk, ways_to_standbys_ns
from sim.lower.sums import kth_fastest, mean_ns, sum_of
from sim.network.places import GroupCommit, NodeGroup, Polled, Server
from sim.network.routines import Retry
from sim.scenario.model.stores.postgres import PostgresCluster

PRIMARY = "postgres-primary"
WAL = "wal"
WAL_WRITER = "wal-writer"
STANDBY = "postgres-standby-"
"""Node group of a standby, with its number from 1 on."""
REMOTE = ("remote_write", "on", "remote_apply")
"""Levels at which a commit waits for standbys, where there are synchronous ones."""
_FASTER_DISK = "a disk that flushes faster"


class Commit:
    """The log's places in `parts`, and a commit as steps on them.

    flushes: stations each of whose rounds is one flush on the primary.
    """

    def __init__(self, parts: Parts, constants: Constants, postgres: PostgresCluster, rtt_ns: int) -> None:
        self.parts = parts
        self.constants = constants
        self.level = postgres.synchronous_commit
        self.standbys = postgres.nodes - 1
        self.needed = postgres.synchronous_standbys if self.level in REMOTE else 0
        self.flush = constants.distribution("postgres.flush", postgres.flush)
        self.travel_ns = ways_to_standbys_ns(
            parts, constants, "postgres", self.standbys, postgres.replication_rtt_ns, rtt_ns
        )
        self.flushes = (WAL_WRITER,) if self.level == "off" else (WAL,)
        self._add_places()
        self._tell()

    def step(self) -> Step:
        """From COMMIT until it returns, and what goes on behind it."""
        return self.parts.call_of("commit", self._steps)

    def _steps(self) -> Iterator[Step]:
        if self.level != "off":
            yield use(WAL)
        regional = self.parts.regional
        elsewhere = () if regional is None else tuple(regional.confirmed(self.flush))
        if self.needed and elsewhere:
            both = ((self._on_standbys(self.needed),), elsewhere)
            yield Fork(fork=ForkBody(branches=both, join="all"))
        elif elsewhere:
            yield from elsewhere
        elif self.needed:
            yield self._on_standbys(self.needed)
        if not self.needed and self._loses:
            yield self._behind()

    def mean_ns(self) -> int:
        """Mean time of a commit that is alone."""
        if self.level == "off":
            return 0
        if not self.needed:
            return round(mean_ns(self.flush))
        number, further_ns = self.constants.number, 0
        there: Distribution = self.flush
        if self.level == "remote_write":
            there = constant(number("postgres.standby_write"))
        elif self.level == "remote_apply":
            further_ns = number("postgres.apply_wake") + number("postgres.apply_per_commit")
        confirmed = kth_fastest(self.needed, there, self.travel_ns)
        return round(mean_ns(sum_of(self.flush, confirmed))) + further_ns

    @property
    def _loses(self) -> bool:
        """Whether a failover may lose commits that were acknowledged."""
        return not self.needed and (self.level == "off" or self.standbys > 0)

    def _on_standbys(self, needed: int) -> Step:
        """Until so many standbys have it, as much of it as the level asks for."""
        ways = tuple(self._standby(number) for number in range(1, self.standbys + 1))
        return Fork(fork=ForkBody(branches=ways, join=needed))

    def _standby(self, number: int) -> Steps:
        """The way to a standby and back, and what is done with the log there; again once it is back after a crash."""
        steps: list[Step] = [delay(constant(self.travel_ns[number - 1]), "network")]
        steps.append(use(f"standby-{number}-{'write' if self.level == 'remote_write' else 'wal'}"))
        if self.level == "remote_apply":
            woken = constant(self.constants.number("postgres.apply_wake"))
            steps += [delay(woken, "service", f"standby-{number}-wake"), use(f"standby-{number}-apply")]
        again_ns = self.constants.number("postgres.wal_retrieve_retry_interval")
        retry = Retry(initial_interval_ns=again_ns, backoff_coefficient=1)
        return (Attempt(attempt=AttemptBody(steps=tuple(steps), retry=retry, counted=False)),)

    def _behind(self) -> Step:
        """After the commit has returned: until a standby has it (or, of a lone primary, its own disk)."""
        steps: list[Step] = []
        if self.level == "off":
            steps.append(use(WAL_WRITER))
        if self.standbys:
            steps.append(self._on_standbys(1))
        return at_risk(tuple(steps))

    def _add_places(self) -> None:
        parts, constants = self.parts, self.constants
        if self.level == "off":
            interval_ns = constants.number("postgres.wal_writer_delay")
            parts.add_station(
                WAL_WRITER,
                Polled(kind="polled", interval_ns=interval_ns, batch=MOST_AT_RISK, read=self.flush, trigger="timer"),
                Setting(
                    "WAL writer",
                    "constants.postgres.wal_writer_delay",
                    "wal_writer_delay",
                    waits_of_postgres("^wal"),
                    "live",
                ),
            )
        else:
            parts.add_station(
                WAL,
                GroupCommit(kind="group_commit", nodes=PRIMARY, flush=self.flush),
                Setting("WAL", "postgres.flush", _FASTER_DISK, waits_of_postgres("^wal"), "failover"),
            )
        if self.needed or self._loses:
            for number in range(1, self.standbys + 1):
                self._add_standby(number)
        if self._loses:
            add_at_risk(parts, PRIMARY, "postgres")

    def _add_standby(self, number: int) -> None:
        """What receives the log there: one process that writes it, rounds of flushes, one process that applies it."""
        parts, group, standby = self.parts, f"{STANDBY}{number}", f"standby {number}"
        parts.nodes[group] = NodeGroup(count=1)
        if self.level == "remote_write":
            write_ns = self.constants.number("postgres.standby_write")
            path = "constants.postgres.standby_write"
            written = Setting(of(standby, "log writer"), path, _FASTER_DISK, _lag("write"), "failover")
            station = Server(nodes=group, servers=1, service=constant(write_ns))
            parts.add_station(f"standby-{number}-write", station, written)
        else:
            parts.add_station(
                f"standby-{number}-wal",
                GroupCommit(kind="group_commit", nodes=group, flush=self.flush),
                Setting(of(standby, "WAL"), "postgres.flush", _FASTER_DISK, _lag("flush"), "failover"),
            )
        if self.level == "remote_apply":
            apply_ns = self.constants.number("postgres.apply_per_commit")
            path, knob = "constants.postgres.apply_per_commit", "faster cores, or synchronous_commit = on"
            applied = Setting(of(standby, "replay"), path, knob, _lag("replay"), "live")
            station = Server(nodes=group, servers=1, service=constant(apply_ns))
            parts.add_station(f"standby-{number}-apply", station, applied)

    def _tell(self) -> None:
        """What a failover may lose at this level."""
        if self.needed:
            what = "no acknowledged commit, if one of the standbys that confirmed takes over"
            if self.level == "remote_write":
                what += " and its operating system did not die with the primary"
        elif self.level == "off":
            what = "commits that the log writer has not flushed or no standby has: replication_lag.postgres"
        elif self.standbys:
            what = "commits that no standby has yet: replication_lag.postgres"
        else:
            what = "no acknowledged commit: the log on the disk is recovered"
        self.constants.record_assumption(
            "what the death of the primary loses", what, "derived: PostgreSQL, synchronous_commit"
        )
        if self._loses:
            self.constants.record_assumption(
                "commits that a failover loses", "are counted (lost_commit); no execution is set back to before them"
            )


def _lag(kind: str) -> str:
    """What tells how far the standbys are behind."""
    return f"SELECT application_name, {kind}_lag FROM pg_stat_replication"
