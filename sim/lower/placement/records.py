"""Records that several masters may write: what it costs, and how often two write one row without having seen it.

A write is a transaction of one row: it holds the row's lock at its master until it is durable. What it has written is
under way to each other master for the lag. A write that finds another master's on the same row under way to its own is
in conflict with it: it has not seen it, a lost update that serializable isolation would not allow, and one of the two
is lost when the later time stamp wins. A write whose master's clock is behind that of another one loses to what was
written there before, seen or not, until its clock has come to that stamp: errors of clocks that are smaller than the
lag decide who wins, larger ones lose writes that knew what they changed. Within the clocks' error no site can tell by
its clock which of two writes came first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.lower.constants import Constants
from sim.lower.parts import Parts
from sim.lower.placement.masters import ManyMasters
from sim.lower.placement.regions import MANY
from sim.lower.setting import Setting, inner, of
from sim.lower.steps import (
    Attempt,
    AttemptBody,
    Fork,
    ForkBody,
    Step,
    Steps,
    acquire,
    call,
    constant,
    count,
    delay,
    mark,
    release,
    use,
)
from sim.lower.stores.base import Store
from sim.network.monitors import Span
from sim.network.places import Keyed, NodeGroup, Resource
from sim.scenario.model.regions import Record

CHANGED_ROWS = 1
"""Rows that a write changes."""


@dataclass(frozen=True, slots=True)
class Records:
    """Puts the records of a scenario and the routines that write them in place, once the store is.

    many: the masters, where there are several. clock_error_ns: 0 where clocks agree.
    """

    store: Store
    many: ManyMasters | None
    clock_error_ns: int = 0

    @property
    def parts(self) -> Parts:
        """Where they are put."""
        return self.store.parts

    @property
    def constants(self) -> Constants:
        """Where assumptions are noted."""
        return self.store.constants

    def add(self, name: str, record: Record) -> dict[str, tuple[str, str]]:
        """Put one in place; gives its figures that are shares of its writes: name, what is counted, of what."""
        parts, many = self.parts, self.many
        rows = f"{name}-rows"
        parts.nodes[rows] = NodeGroup(count=record.keys)
        parts.not_pods.add(rows)
        parts.add_resource(
            f"{name}-row",
            Resource(nodes=rows, units=MANY, keyed=Keyed(skew=record.skew)),
            inner("which row is written"),
        )
        self.constants.record_assumption(
            "writes of records", "take cores and log of their master, and no connection of the services"
        )
        if many is None or many.waits:
            parts.add_resource(f"{name}-lock", Resource(nodes=rows, units=1), self._row_locks(name, record))
        if many is not None:
            self._add_what_is_on_its_way(name, record, many)
        if many is None:
            parts.routines[f"write-{name}"] = self._write(name, 0)
            return {}
        versions = []
        for master, region in enumerate(many.at):
            parts.routines[f"write-{name}-at-{region}"] = self._write(name, master)
            versions.append((call(f"write-{name}-at-{region}"),))
        parts.routines[f"write-{name}"] = (many.by_master(versions),)
        self.constants.record_assumption(
            "writes of one row at two masters",
            "the later time stamp wins, and the other one is lost though it was acknowledged: `lost_share`; the first "
            "master's clock is ahead of the last one's by all of `clock_error`, the others lie evenly between",
        )
        kinds = ("conflict", "lost", "unordered")
        return {f"{kind}_share.{name}": (f"{kind}_{name}", f"write_{name}") for kind in kinds}

    def _add_what_is_on_its_way(self, name: str, record: Record, many: ManyMasters) -> None:
        parts, rows = self.parts, f"{name}-rows"
        for master, region in enumerate(many.at):
            if not many.waits:
                setting = self._row_locks(name, record).at(region)
                parts.add_resource(_lock(name, region), Resource(nodes=rows, units=1), setting)
                parts.spans[f"{name}-anomaly-window-{region}"] = Span(
                    start=f"{name}-written", end=f"{name}-seen-{region}", metric=f"anomaly_window.{name}-at-{region}"
                )
            if self.clock_error_ns:
                parts.add_resource(
                    _stamp(name, region),
                    Resource(nodes=rows, units=MANY),
                    inner("rows within the clocks' error of a write"),
                )
            for other in many.others(master):
                unseen = _unseen(name, region, many.at[other])
                parts.add_resource(
                    unseen, Resource(nodes=rows, units=MANY), inner("rows whose write is not known at another master")
                )
                if many.ahead_ns(master, other, self.clock_error_ns):
                    later = _later(name, region, many.at[other])
                    parts.add_resource(
                        later,
                        Resource(nodes=rows, units=MANY),
                        inner("rows whose stamp is ahead of another master's clock"),
                    )

    def _write(self, name: str, master: int) -> Steps:
        """One write at a master: the lock of the row, cores, the log; then what the other masters know of it."""
        many, row, lock = self.many, f"{name}-row", f"{name}-lock"
        if many is not None and not many.waits:
            lock = _lock(name, many.at[master])
        cpu = self.store.cores if many is None else many.named(self.store.cores, master)
        routine = "commit" if many is None else f"commit-at-{many.at[master]}"
        commit = (call(routine),) if routine in self.parts.routines else ()
        begun: tuple[Step, ...] = (
            acquire(row),
            acquire(lock, at=row),
            use(cpu, self.store.message_ns),
        )
        done = (release(lock), release(row), count(**{f"write_{name}": 1}))
        if many is None:
            return (*begun, *commit, *done)
        told = (*self._looks(name, master, many), *self._told(name, master, many))
        # A commit that waits for all masters is on its way to them meanwhile.
        return (*begun, *told, *commit, *done) if many.waits else (*begun, *commit, *told, *done)

    def _looks(self, name: str, master: int, many: ManyMasters) -> Iterator[Step]:
        """What a write meets of the other masters' on its row."""
        here, error_ns = many.at[master], self.clock_error_ns
        others = many.others(master)
        unseen = [_unseen(name, many.at[other], here) for other in others]
        later = [_later(name, many.at[other], here) for other in others if many.ahead_ns(other, master, error_ns)]
        lost = {f"lost_{name}": 1}
        by_clock = (self._look(name, later, lost),) if later else ()
        yield self._look(name, unseen, {f"conflict_{name}": 1} | lost, by_clock)
        if error_ns:
            yield self._look(name, [_stamp(name, many.at[other]) for other in others], {f"unordered_{name}": 1})

    def _told(self, name: str, master: int, many: ManyMasters) -> Steps:
        """It is on its way to the other masters, and its stamp is later than the time of some of them."""
        row, here = f"{name}-row", many.at[master]
        ways: list[Steps] = []
        if self.clock_error_ns:
            ways.append(self._held(_stamp(name, here), row, self.clock_error_ns))
        for other in many.others(master):
            there = many.at[other]
            unseen, applied = _unseen(name, here, there), many.applied(master, other, CHANGED_ROWS)
            ways.append((acquire(unseen, at=row), *applied, release(unseen), mark(f"{name}-seen-{there}")))
            ahead_ns = many.ahead_ns(master, other, self.clock_error_ns)
            if ahead_ns:
                ways.append(self._held(_later(name, here, there), row, ahead_ns))
        begun = delay(constant(0), "network")  # the ways begin before the row is given back
        return (mark(f"{name}-written"), Fork(fork=ForkBody(branches=tuple(ways), join=0)), begun)

    def _look(self, name: str, places: list[str], found: dict[str, int], else_steps: Steps = ()) -> Step:
        """Count when anybody holds the row in any of the places: then not all of its units can be had at once."""
        row = f"{name}-row"
        steps = [
            step for place in places for step in (acquire(place, at=row, units=MANY, patience_ns=0), release(place))
        ]
        body = AttemptBody(steps=(*steps, *else_steps), on_failure=(count(**found),), counted=False)
        return Attempt(attempt=body)

    def _held(self, place: str, row: str, time_ns: int) -> Steps:
        """The row is held in a place for a time."""
        return (acquire(place, at=row), delay(constant(time_ns), "timer"), release(place))

    def _row_locks(self, name: str, record: Record) -> Setting:
        """Of the locks of a record's rows."""
        knob = "spread writes over more rows"
        path = f"records.{name}.keys"
        return Setting(of(name, "row locks"), path, knob, self.store.row_locks, value=record.keys)


def _lock(name: str, region: str) -> str:
    """Resource: the lock of a row at one master."""
    return f"{name}-lock-{region}"


def _stamp(name: str, region: str) -> str:
    """Resource: held on a row for the clocks' error since a master wrote it: no clock can tell what came first."""
    return f"{name}-stamp-{region}"


def _later(name: str, origin: str, other: str) -> str:
    """Resource: held on a row while the clock of another master has not come to the stamp of what was written."""
    return f"{name}-stamp-{origin}-over-{other}"


def _unseen(name: str, origin: str, other: str) -> str:
    """Resource: held on a row while what was written at one master is not known at the other."""
    return f"{name}-from-{origin}-to-{other}"
