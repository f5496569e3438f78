"""When an episode begins: at a given phase of the load's cycle, or at one that is drawn."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from sim.errors import InputErrors, Problem
from sim.lower.load import Loaded
from sim.network.faults import Window
from sim.network.sources import BurstArrivals, PoissonArrivals, Source, TraceArrivals
from sim.units import HOUR, MINUTE, format_duration_ns, parse_duration_ns

MOST_CYCLES = 8
"""A common cycle of more than this many of the longest period is none that anybody sees twice."""

_CLOCK = re.compile(r"(\d{1,3})?:([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Cycle:
    """What the load goes round in.

    length_ns: 0 where nothing has a period. whole: whether all repeats with it; else it is the longest of periods that
        hardly ever meet. of_load: whether it is the users' load; else only what the store does by itself repeats.
    """

    length_ns: int
    whole: bool = True
    of_load: bool = True

    def begin_ns(self, phase_ns: int, earliest_ns: int) -> int:
        """The first instant at this phase that is not before `earliest_ns`."""
        late = phase_ns - earliest_ns
        return earliest_ns + (late % self.length_ns if self.length_ns else max(late, 0))

    def drawn_ns(self, drawn: float, window: Window | None, earliest_ns: int) -> int:
        """When a fault begins that comes at any time alike; drawn: that time, as a share of all.

        What would come outside of its window comes when that opens next. Told is the first instant at that phase that
        is not before `earliest_ns`: the load is the same in each cycle.
        """
        if window is None:
            return self.begin_ns(int(drawn * self.length_ns) + earliest_ns, earliest_ns)
        wanted_ns = int(drawn * math.lcm(window.period_ns, self.length_ns or 1))
        since_ns = (wanted_ns - window.from_ns) % window.period_ns
        begin_ns = wanted_ns if since_ns < window.length_ns else wanted_ns + window.period_ns - since_ns
        return self.begin_ns(begin_ns, earliest_ns) if self.length_ns else earliest_ns

    def meets(self, phase_ns: int, window: Window) -> bool:
        """Whether a window is ever open at a phase."""
        step = math.gcd(self.length_ns, window.period_ns)
        return (phase_ns - window.from_ns) % step < window.length_ns


def cycle_of(loaded: Loaded) -> Cycle:
    """The cycle that the settings name; else the least common multiple of the periods of load and controllers; where
    these have none, of background work."""
    run = loaded.scenario.run
    if run.cycle_ns is not None:
        return Cycle(run.cycle_ns)
    for of_load, periods in ((True, set(_of_load(loaded))), (False, set(_of_background(loaded)))):
        if periods:
            common = math.lcm(*periods)
            whole = common <= MOST_CYCLES * max(periods)
            return Cycle(common if whole else max(periods), whole, of_load)
    return Cycle(0, of_load=False)


def goes_round(loaded: Loaded, window_ns: int) -> bool:
    """Whether a stretch of this length holds whole cycles of a load that goes on for ever, so that as many of them as
    fit into a month are the month's."""
    network, cycle = loaded.lowered.network, cycle_of(loaded)
    if loaded.scenario.run.finite or not (cycle.of_load and cycle.length_ns and cycle.whole):
        return False
    by_chance = all(fault.at_ns is None or fault.is_drill for fault in network.faults.values())
    lasting = all(_lasts(source) for source in network.sources.values() if source.counted)
    return by_chance and lasting and window_ns % cycle.length_ns == 0


def _lasts(source: Source) -> bool:
    """Whether a source never comes to its end, and is the same in each of its periods."""
    if source.during is not None:  # as its fault is
        return True
    match source.arrivals:
        case TraceArrivals():
            return False
        case BurstArrivals() as bursts if bursts.every_ns is None:
            return False
        case PoissonArrivals() as poisson if poisson.profile is not None and poisson.profile.period_ns is None:
            return False
    return source.stop_ns is None and source.limit is None


def _of_load(loaded: Loaded) -> Iterator[int]:
    network = loaded.lowered.network
    for source in network.sources.values():
        if source.counted:
            yield from _period(source)
    for workflow in loaded.scenario.workflows.values():
        if workflow.schedule is not None:  # a loop around the executions, which no source tells of
            yield workflow.schedule.every_ns
    for controller in network.controllers.values():
        if controller.schedule is not None and controller.schedule.period_ns is not None:
            yield controller.schedule.period_ns


def _of_background(loaded: Loaded) -> Iterator[int]:
    for source in loaded.lowered.network.sources.values():
        if not source.counted:
            yield from _period(source)


def _period(source: Source) -> Iterator[int]:
    arrivals = source.arrivals
    if source.during is not None:  # it counts from a fault
        return
    if isinstance(arrivals, PoissonArrivals) and arrivals.profile is not None and arrivals.profile.period_ns:
        yield arrivals.profile.period_ns
    if isinstance(arrivals, BurstArrivals) and arrivals.every_ns is not None:
        yield arrivals.every_ns


def phase_ns_of(text: str, cycle: Cycle) -> int:
    """The phase that is meant by `:58`, `10:58` (since the start of the cycle) or a time such as `3 h`.

    Raises InputErrors for a text that is none, for a load without a cycle, and for a phase that is not in it.
    """
    clock = _CLOCK.fullmatch(text.strip())
    try:
        phase = int(clock[1] or 0) * HOUR + int(clock[2]) * MINUTE if clock else parse_duration_ns(text)
    except ValueError:
        message = f"is `{text}`, which is no phase of a cycle"
        raise InputErrors([Problem("--phase", message, "write   :58   or   10:58   or   '3 h'")]) from None
    if not cycle.length_ns or not cycle.of_load:
        message = f"is `{text}`, but nothing in this scenario's load goes round in a cycle"
        hint = "leave it out, or say how long a cycle is   --set 'run.cycle=1 day'"
        raise InputErrors([Problem("--phase", message, hint)])
    if phase >= cycle.length_ns:
        length = format_duration_ns(cycle.length_ns)
        message = f"is `{text}`, but the load's cycle is {length} long"
        raise InputErrors([Problem("--phase", message, f"a time below {length} is expected")])
    return phase
