"""Records that several masters may write: what it costs, and how often two write one row without having seen it.

A write is a transaction of one row: it holds the row's lock at its master until it is durable. What it has written is
under way to each other master for the lag; for the clocks' error beyond that no site can tell by its clock which came
first. A write that finds another master's on the same row under way to its own is in conflict with it: one of the two
is lost when the later time stamp wins, and the later one did not see the earlier: a write skew or a lost update that
serializable isolation would not allow.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.lower.constants import Constants
from sim.lower.masters import ManyMasters
from sim.lower.parts import Parts
from sim.lower.postgres_pool import CPU
from sim.lower.regions import MANY
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
from sim.network.monitors import Span
from sim.network.places import Keyed, NodeGroup, Resource
from sim.scenario.masters import Record

CHANGED_ROWS = 1
"""Rows that a write changes."""


@dataclass(frozen=True, slots=True)
class Records:
    """Puts the records of a scenario and the routines that write them in place, once the store is.

    many: the masters, where there are several. clock_error_ns: 0 where clocks agree.
    """

    parts: Parts
    constants: Constants
    many: ManyMasters | None
    clock_error_ns: int = 0

    def add(self, name: str, record: Record) -> dict[str, tuple[str, str]]:
        """Put one in place; gives its figures that are shares of its writes: name, what is counted, of what."""
        parts, many = self.parts, self.many
        rows = f"{name}-rows"
        parts.nodes[rows] = NodeGroup(count=record.keys)
        parts.not_pods.add(rows)
        parts.resources[f"{name}-row"] = Resource(nodes=rows, units=MANY, keyed=Keyed(skew=record.skew))
        self.constants.note(
            "writes of records", "take cores and log of their master, and no connection of the services"
        )
        if many is None or many.waits:
            parts.resources[f"{name}-lock"] = Resource(nodes=rows, units=1)
        else:
            self._add_what_is_on_its_way(name, many)
        if many is None:
            parts.routines[f"write-{name}"] = self._write(name, 0)
            return {}
        versions = []
        for master, region in enumerate(many.at):
            parts.routines[f"write-{name}-at-{region}"] = self._write(name, master)
            versions.append((call(f"write-{name}-at-{region}"),))
        parts.routines[f"write-{name}"] = (many.by_master(versions),)
        if many.waits:
            return {}
        return {
            f"conflict_share.{name}": (f"conflict_{name}", f"write_{name}"),
            f"unordered_share.{name}": (f"unordered_{name}", f"write_{name}"),
        }

    def _add_what_is_on_its_way(self, name: str, many: ManyMasters) -> None:
        parts, rows = self.parts, f"{name}-rows"
        for master, region in enumerate(many.at):
            parts.resources[f"{name}-lock-{region}"] = Resource(nodes=rows, units=1)
            parts.resources[f"{name}-stamp-{region}"] = Resource(nodes=rows, units=MANY)
            for other in many.others(master):
                parts.resources[_unseen(name, region, many.at[other])] = Resource(nodes=rows, units=MANY)
            parts.spans[f"{name}-anomaly-window-{region}"] = Span(
                start=f"{name}-written", end=f"{name}-seen-{region}", metric=f"anomaly_window.{name}-at-{region}"
            )

    def _write(self, name: str, master: int) -> Steps:
        """One write at a master: the lock of the row, cores, the log; then what the other masters know of it."""
        many, row, lock = self.many, f"{name}-row", f"{name}-lock"
        asynchronous = many is not None and not many.waits
        if many is not None and asynchronous:
            lock = f"{name}-lock-{many.at[master]}"
        cpu = CPU if many is None else many.named(CPU, master)
        commit = "commit" if many is None else f"commit-at-{many.at[master]}"
        steps: list[Step] = [
            acquire(row),
            acquire(lock, at=row),
            use(cpu, self.constants.number("postgres.cpu_per_message")),
        ]
        if commit in self.parts.routines:
            steps.append(call(commit))
        if many is not None and asynchronous:
            steps += self._told(name, master, many)
        return (*steps, release(lock), release(row), count(**{f"write_{name}": 1}))

    def _told(self, name: str, master: int, many: ManyMasters) -> Steps:
        """Whether it meets another master's on its row; then it is on its way itself."""
        row, here = f"{name}-row", many.at[master]
        others = [many.at[other] for other in many.others(master)]
        own_stamp = f"{name}-stamp-{here}"
        looks = [self._look(f"conflict_{name}", row, [_unseen(name, other, here) for other in others])]
        ways: list[Steps] = []
        if self.clock_error_ns:
            looks.append(self._look(f"unordered_{name}", row, [f"{name}-stamp-{other}" for other in others]))
            ways.append((acquire(own_stamp, at=row), self._clock(), release(own_stamp)))
        for other in many.others(master):
            unseen, seen = _unseen(name, here, many.at[other]), mark(f"{name}-seen-{many.at[other]}")
            applied = many.applied(master, other, CHANGED_ROWS)
            further = (self._clock(),) if self.clock_error_ns else ()
            ways.append((acquire(unseen, at=row), *applied, *further, release(unseen), seen))
        begun = delay(constant(0), "network")  # the ways begin before the row is given back
        return (*looks, mark(f"{name}-written"), Fork(fork=ForkBody(branches=tuple(ways), join=0)), begun)

    def _look(self, operation: str, row: str, places: list[str]) -> Step:
        """Count when anybody holds the row in any of the places: then not all of its units can be had at once."""
        steps = [
            step for place in places for step in (acquire(place, at=row, units=MANY, patience_ns=0), release(place))
        ]
        found = AttemptBody(steps=tuple(steps), on_failure=(count(**{operation: 1}),), counted=False)
        return Attempt(attempt=found)

    def _clock(self) -> Step:
        return delay(constant(self.clock_error_ns), "timer")


def _unseen(name: str, origin: str, other: str) -> str:
    """Resource: held on a row while what was written at one master is not known at the other."""
    return f"{name}-from-{origin}-to-{other}"
