"""Sources: each kind of arrivals as a SimPy process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from sim.draws.inverse import exponential_ns
from sim.draws.mathematics import log
from sim.draws.streams import child_path, element_id, root_path, uniform
from sim.engine.elements import STANDSTILL, stands_still
from sim.engine.order import ARRIVAL, COMPLETION, key
from sim.engine.profile import RateProfile
from sim.engine.reference.clock import Event, Process, Timer
from sim.engine.reference.jobs import Execution
from sim.errors import InputErrors
from sim.network.sources import (
    BurstArrivals,
    ClosedArrivals,
    ModulatedArrivals,
    PoissonArrivals,
    RenewalArrivals,
    Source,
    TraceArrivals,
    lets_nothing_in,
)

if TYPE_CHECKING:  # the engine makes this part, which keeps it
    from sim.engine.reference.engine import Engine


class SourceProcess:
    """A source at run time."""

    def __init__(self, engine: Engine, name: str, spec: Source, trace_ns: list[int] | None) -> None:
        self.engine = engine
        self.clock = engine.clock
        self.spec = spec
        self.name = name
        self.id = element_id(name)
        self.key = key(ARRIVAL, engine.elements[f"sources.{name}"])
        self.gap_stream = engine.stream(f"{name}/arrivals")
        self.started = 0
        self.is_open = spec.during is None
        self.begun_ns = spec.start_ns
        self.profile_ns = 0
        self.ordinal = self.first_ordinal = 0
        self.burst = self.changes = 0
        self.next: Timer | None = None
        self.stopped = False
        self.trace_ns = trace_ns or []
        arrivals = spec.arrivals
        batch = getattr(arrivals, "batch", None)
        self.batch = engine.entity_number(f"{name}/batch", batch) if batch is not None else None
        self.kinds: dict[type, Callable[[Any], Any]] = {
            PoissonArrivals: lambda spec: self._one_by_one(self._poisson(spec)),
            RenewalArrivals: lambda spec: self._one_by_one(self._renewal(spec)),
            ModulatedArrivals: lambda spec: self._one_by_one(self._modulated(spec)),
            BurstArrivals: self._bursts,
            TraceArrivals: lambda spec: self._one_by_one(self.spec.start_ns + time for time in self.trace_ns),
        }
        if isinstance(arrivals, ClosedArrivals):
            think = engine.sampler(f"{name}/think", arrivals.think) if arrivals.think is not None else None
            for client in range(arrivals.closed):
                Process(self.clock, self._client(client, think))
        elif self.is_open and not lets_nothing_in(arrivals):
            Process(self.clock, self.kinds[type(arrivals)](arrivals))

    def begin_episode(self) -> None:
        """The fault that it is `during` has come."""
        self.is_open = True
        self.begun_ns = self.profile_ns = self.clock._now
        self.first_ordinal = self.ordinal
        if lets_nothing_in(self.spec.arrivals):
            return
        Process(self.clock, self.kinds[type(self.spec.arrivals)](self.spec.arrivals))

    def end_episode(self) -> None:
        """The fault that it is `during` is over: what was to come is forgotten; its numbers are not used again."""
        self.is_open = False
        self.ordinal += 1
        self.changes += 1
        if self.next is not None:
            self.next.cancel()

    def _at(self, time_ns: int) -> Timer:
        self.next = self.clock.timer(time_ns, self.key)
        return self.next

    def _over(self, time_ns: int) -> bool:
        spec = self.spec
        ended = spec.stop_ns is not None and time_ns >= spec.stop_ns
        return self.stopped or not self.is_open or ended or (spec.limit is not None and self.started >= spec.limit)

    def _let_in(self, ordinal: int, path: int | None = None) -> Execution:
        self.started += 1
        return self.engine.launch(self, root_path(self.id, ordinal) if path is None else path)

    def _batch(self, ordinal: int) -> None:
        """Those who arrive together, in order."""
        if self.batch is None:
            self._let_in(ordinal)
            return
        here = root_path(self.id, ordinal)
        for index in range(self.batch(here)):
            if self._over(self.clock._now):
                return
            self._let_in(ordinal, child_path(here, index))

    def _one_by_one(self, times_ns: Iterator[int]) -> Any:
        """Let those in who come at these times, as long as the source is open."""
        for time in times_ns:
            if self._over(time):
                return
            yield self._at(time)
            if self._over(time):
                return
            self._batch(self.ordinal)
            self.ordinal += 1

    def _poisson(self, arrivals: PoissonArrivals) -> Iterator[int]:
        profile = RateProfile(arrivals.poisson_per_s, arrivals.profile) if arrivals.profile is not None else None
        mean_s = 1 / arrivals.poisson_per_s
        time = self.begun_ns
        while True:
            if profile is None:
                time += exponential_ns(self.gap_stream, self.id, self.ordinal, mean_s)
            else:
                work = -log(uniform(self.gap_stream, self.id, self.ordinal))
                after = profile.after(time - self.profile_ns, work)
                time = after + self.profile_ns if after >= 0 else -1
            if time < 0:
                return
            yield time

    def _renewal(self, arrivals: RenewalArrivals) -> Iterator[int]:
        gaps = self.engine.sampler(f"{self.name}/arrivals", arrivals.renewal)
        time = self.begun_ns
        while True:
            time += gaps.ns(self.id, self.ordinal)
            yield time

    def _modulated(self, arrivals: ModulatedArrivals) -> Iterator[int]:
        """A unit of exponential work is used up at the rate of the phase, whichever phases it takes."""
        phases = arrivals.mmpp
        stay_stream = self.engine.stream(f"{self.name}/phases")
        total = sum(phase.stay_ns for phase in phases)
        u = uniform(stay_stream, self.id, self.changes) * total
        current = 0
        while u >= phases[current].stay_ns and current < len(phases) - 1:
            u -= phases[current].stay_ns
            current += 1
        self.changes += 1
        time = self.begun_ns

        def stay() -> int:
            return round(-log(uniform(stay_stream, self.id, self.changes)) * phases[current].stay_ns)

        phase_end = time + stay()
        while True:
            work = -log(uniform(self.gap_stream, self.id, self.ordinal))
            while True:
                rate = phases[current].rate_per_s
                need = work / rate * 1e9 if rate > 0 else None
                if need is not None and time + round(need) < phase_end:
                    time += round(need)
                    break
                work = max(0.0, work - (phase_end - time) * 1e-9 * rate)  # rounding may leave less than nothing
                time = phase_end
                current = (current + 1) % len(phases)
                self.changes += 1
                phase_end = time + stay()
                if self.spec.stop_ns is not None and time >= self.spec.stop_ns:
                    return
            yield time

    def _bursts(self, arrivals: BurstArrivals) -> Any:
        """Each burst as a whole; with jitter, each of its executions by itself."""
        size = self.engine.entity_number(f"{self.name}/size", arrivals.burst)
        time = self.begun_ns + arrivals.at_ns
        while not self._over(time):
            yield self._at(time)
            if self._over(time):
                return
            here = root_path(self.id, self.burst)
            self.burst += 1
            for index in range(size(here)):
                if self._over(time):
                    return
                if arrivals.jitter_ns == 0:
                    self._let_in(self.ordinal)
                else:
                    late = round(uniform(self.gap_stream, child_path(here, index), 0) * arrivals.jitter_ns)
                    late_key = self.key | self.ordinal + 1  # visit 0 is the burst itself
                    self.clock.call(time + late, late_key, partial(self._come_late, self.ordinal))
                self.ordinal += 1
            if arrivals.every_ns is None:
                return
            time += arrivals.every_ns

    def _come_late(self, ordinal: int, _: Event) -> None:
        if ordinal >= self.first_ordinal and not self._over(self.clock._now):
            self._let_in(ordinal)

    def _client(self, client: int, think: Any) -> Any:
        """Think, start, wait for the end, again."""
        path = child_path(self.id, client)
        cycle = 0
        think_key = key(COMPLETION, self.engine.elements[f"sources.{self.name}"]) | client
        yield self.clock.timer(self.spec.start_ns, self.key | client)
        idle = 0
        while not self._over(self.clock._now):
            begun = self.clock._now
            if think is not None:
                yield self.clock.timer(begun + think.ns(path, cycle), think_key)
                if self._over(self.clock._now):
                    return
            execution = self._let_in(cycle, root_path(path, cycle))
            execution.client_done = Event(self.clock)
            yield execution.client_done
            cycle += 1
            idle = idle + 1 if self.clock._now == begun else 0
            if idle == STANDSTILL:
                raise InputErrors([stands_still(self.name)])
