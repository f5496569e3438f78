"""A first estimate of a network in closed form: load, bottleneck, stable or not, a guess at latency. No simulation.

Places are taken one by one, as if arrivals to each were Poisson (Kleinrock's independence assumption) and waits
those of Allen and Cunneen; what holds a resource is found by iteration, since holding times contain the waits inside.
That is good for finding what is overloaded and for an order of magnitude, and is called an estimate wherever shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from sim.analytic.arrival_rates import mean_number, rate_and_peak
from sim.analytic.networks import harmonic
from sim.analytic.stations import erlang_c
from sim.draws.build import inverse_of
from sim.network import Network
from sim.network.distributions import Distribution, FromAttribute, Number
from sim.network.facts import group_of, has_line_by_node, node_groups, shedding
from sim.network.places import Delay, GroupCommit, Polled, Server, TokenBucket
from sim.network.routines import (
    Acquire,
    Attempt,
    Branch,
    Cached,
    Call,
    DelayStep,
    Fail,
    Fork,
    Loop,
    Race,
    Release,
    Saga,
    SetStep,
    Step,
    Steps,
    Use,
)
from sim.network.sources import (
    ClosedArrivals,
    Source,
)

ROUNDS = 40
"""Iterations for holding times; each takes half of the new value, and 40 halvings leave no trace of the start."""
NAMED = 4
"""Faults that a note names; of more it tells the number."""
NEVER_NS = 10**17
"""A timer of more than three years: it never comes in a run."""
OVERLOAD_WAIT_S = math.inf
ByPlace = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class PlaceEstimate:
    """Load of one place. rate_per_s: visits; offered_load in erlangs; wait_s: mean, inf where it is overloaded."""

    name: str
    kind: str
    rate_per_s: float
    offered_load: float
    units: float
    utilisation: float
    wait_s: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """First estimate of a network.

    rates_per_s: executions by routine; peak_factor: greatest over mean rate where load varies; latency_s: guess at
    the mean by routine; bottleneck: the place nearest to overload; notes: what the estimate leaves out. visits, busy,
    squares: by routine and place, of one execution: how many visits, their work in s, and the sum of its squares.
    """

    places: Mapping[str, PlaceEstimate]
    rates_per_s: Mapping[str, float]
    latency_s: Mapping[str, float]
    peak_factor: float
    bottleneck: PlaceEstimate | None
    notes: tuple[str, ...]
    visits: ByPlace
    busy: ByPlace
    squares: ByPlace

    @property
    def stable(self) -> bool:
        """Whether every place can keep up with the mean load."""
        return all(place.utilisation < 1 for place in self.places.values())


def estimate(network: Network) -> Estimate:
    """The estimate of a network; milliseconds of work."""
    rates: dict[str, float] = {}
    closed: list[tuple[Source, ClosedArrivals]] = []
    peak, notes = 1.0, []
    for name, source in network.sources.items():
        if source.during is not None:
            notes.append(f"source `{name}` sends during `{source.during}` alone and is left out")
            continue
        if isinstance(source.arrivals, ClosedArrivals):
            closed.append((source, source.arrivals))
            continue
        rate, factor = rate_and_peak(source)
        if rate is None:
            notes.append(f"source `{name}` has no lasting rate and is left out")
            continue
        if source.counted:
            peak = max(peak, factor)
        rates[source.routine] = rates.get(source.routine, 0.0) + rate
    flow = _Flow(network)
    if closed:
        _settle_closed(flow, rates, closed)
        notes.append("closed loops: throughput from Little's law, cut at the bottleneck")
    latency = flow.solve(rates)
    if network.controllers:
        switched = ", ".join(f"`{controller.nodes}`" for controller in network.controllers.values())
        notes.append(f"nodes of {switched} are switched by a controller: as if all of them were on")
    if network.breakers or shedding(network):
        notes.append("circuit breakers and shedding: as if nobody were turned away")
    random = [f"`{name}`" for name, fault in network.faults.items() if not fault.is_drill]
    if random:
        more = f" and {len(random) - NAMED} more" if len(random) > NAMED else ""
        verb = "is" if len(random) == 1 else "are"
        notes.append(f"nothing fails here: {', '.join(random[:NAMED])}{more} {verb} left out")
    if flow.prompted:
        notes.append("queues that prompts alone read: the wait for them is left out")
    if flow.approximate:
        notes.append("forks and races: as if children were exponential and independent")
    places = flow.places(rates)
    bottleneck = max(places.values(), key=lambda place: place.utilisation, default=None)
    tables = flow.visits, flow.busy, flow.squares
    return Estimate(places, rates, latency, peak, bottleneck, tuple(notes), *tables)


@cache
def _mean(distribution: Distribution) -> float:
    return inverse_of(distribution).mean()


@cache
def _scv(distribution: Distribution) -> float:
    return inverse_of(distribution).scv()


class _Flow:
    """Visits, demands and holding times of one execution of each routine, given the waits at the places."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.groups = node_groups(network)
        self.waits: dict[str, float] = {}
        self.visits: dict[str, dict[str, float]] = {}
        self.busy: dict[str, dict[str, float]] = {}
        self.squares: dict[str, dict[str, float]] = {}
        self.approximate = False
        self.prompted = False
        self.routine = ""
        self.attributes = {name: float(value) for name, value in network.attributes.items()}

    def solve(self, rates: Mapping[str, float]) -> dict[str, float]:
        """Mean latency by routine at these rates."""
        latency: dict[str, float] = {}
        for _ in range(ROUNDS):
            latency = self._evaluate(rates)
            settled = True
            for name, place in self.places(rates).items():
                before = self.waits.get(name, 0.0)
                settled = settled and abs(place.wait_s - before) <= ROUNDING * max(latency.values(), default=0.0)
                self.waits[name] = place.wait_s if math.isinf(place.wait_s) else (before + place.wait_s) / 2
                if math.isinf(self.waits[name]):
                    self.waits[name] = 0.0  # shown as overloaded; an infinite wait would hide everything else
            if settled:
                break
        return latency

    def _evaluate(self, rates: Mapping[str, float]) -> dict[str, float]:
        self.visits, self.busy, self.squares = {}, {}, {}
        latency = {}
        for routine in rates:
            self.routine = routine
            self.visits[routine], self.busy[routine], self.squares[routine] = {}, {}, {}
            self.attributes = {name: float(value) for name, value in self.network.attributes.items()}
            latency[routine] = self._steps(self.network.routines[routine], 1.0, [])
        return latency

    def _visit(self, place: str, weight: float, busy: float, square: float) -> None:
        for table, amount in ((self.visits, 1.0), (self.busy, busy), (self.squares, square)):
            row = table[self.routine]
            row[place] = row.get(place, 0.0) + weight * amount

    def _steps(self, steps: Steps, weight: float, held: list[list[object]]) -> float:
        """Mean time of the steps; `held` lists what is held outside, [resource, time so far]."""
        total = 0.0
        mine: list[list[object]] = []
        for step in steps:
            if isinstance(step, Release):
                for holds in (mine, held):
                    found = next((hold for hold in reversed(holds) if hold[0] == step.release), None)
                    if found is not None:
                        self._close(found, weight)
                        holds.remove(found)
                        break
                continue
            time = self._step(step, weight, [*held, *mine])
            total += time
            for hold in mine:
                hold[1] = float(hold[1]) + time  # type: ignore[arg-type]
            if isinstance(step, Acquire):
                mine.append([step.acquire.resource, 0.0])
        for hold in mine:
            self._close(hold, weight)
        return total

    def _close(self, hold: list[object], weight: float) -> None:
        time = float(hold[1])  # type: ignore[arg-type]
        self._visit(str(hold[0]), weight, time, 2 * time * time)

    def _step(self, step: Step, weight: float, held: list[list[object]]) -> float:
        match step:
            case Acquire():
                return self.waits.get(step.acquire.resource, 0.0)
            case Use():
                return self._use(step, weight)
            case DelayStep():
                extra = (step.grid_ns or 0) / 2e9 + sum(
                    self.attributes[name] * each * 1e-9 for name, each in step.per.items()
                )
                return max(_mean(step.delay), step.floor_ns * 1e-9) + extra
            case Branch():
                rest, time = 1.0, 0.0
                for option in step.branch:
                    chance = rest if option.probability is None else option.probability
                    if option.attribute is not None:
                        chance = rest / 2
                    rest = max(0.0, rest - chance)
                    if chance:
                        time += chance * self._steps(option.steps, weight * chance, held)
                return time
            case Loop():
                times = self._number(step.loop.times)
                return times * self._steps(step.loop.steps, weight * times, held) if times else 0.0
            case Fork():
                return self._fork(step, weight, held)
            case Race():
                self.approximate = True
                means = [self._steps(steps, weight, held) for steps in step.race]
                return 0.0 if min(means) <= 0 else 1 / sum(1 / mean for mean in means)
            case Attempt():
                chance = _failure_chance(step.attempt.steps)
                limit = step.attempt.retry.maximum_attempts if step.attempt.retry is not None else 1
                tries = _tries(chance, limit)
                if step.attempt.retry is not None and step.attempt.retry.budget is not None:
                    tries = min(tries, 1 + self.network.budgets[step.attempt.retry.budget].ratio)
                return tries * self._steps(step.attempt.steps, weight * tries, held)
            case Saga():
                return self._steps(step.saga, weight, held)
            case Call():
                return self._steps(self.network.routines[step.call], weight, held)
            case Cached():
                return self._steps(step.cached.hit, weight, held)
            case SetStep():
                for name, change in step.set.items():
                    value = self._number(change.add if change.add is not None else change.to)
                    self.attributes[name] = self.attributes[name] + value if change.add is not None else value
        return 0.0

    def _number(self, number: Number | None) -> float:
        if isinstance(number, FromAttribute):
            return self.attributes[number.attribute]
        return mean_number(number)

    def _use(self, step: Use, weight: float) -> float:
        body = step.use
        station = self.network.stations[body.station]
        wait = self.waits.get(body.station, 0.0)
        if isinstance(station, Server | Delay):
            demand = body.demand or station.service
            mean, scv = (0.0, 0.0) if demand is None else (_mean(demand), _scv(demand))
            mean += sum(self.attributes[name] * each * 1e-9 for name, each in body.per.items())
            self._visit(body.station, weight, mean, mean * mean * (1 + scv))
            return wait + mean
        if isinstance(station, GroupCommit):
            flush = _mean(station.flush)
            self._visit(body.station, weight, 0.0, 0.0)
            return 1.5 * flush
        if isinstance(station, Polled):
            self._visit(body.station, weight, 0.0, 0.0)
            read = _mean(station.read) if station.read is not None else 0.0
            if _by_prompts(station):
                self.prompted = True
                return read
            return read + (station.interval_ns / 2e9 if station.trigger == "timer" else 0.0)
        self._visit(body.station, weight, 0.0, 0.0)
        return wait

    def _fork(self, step: Fork, weight: float, held: list[list[object]]) -> float:
        self.approximate = True
        body = step.fork
        if body.items is not None:
            count = self._number(body.items)
            average, children = self._steps(body.steps or (), weight * count, held), max(1, round(count))
        else:
            means = [self._steps(steps, weight, held) for steps in body.branches or ()]
            average, children = sum(means) / len(means) if means else 0.0, len(means)
        if not children or body.join == 0:
            return 0.0
        needed = children if body.join == "all" else 1 if body.join == "first" else min(int(body.join), children)
        return average * (harmonic(children) - harmonic(children - needed))

    def places(self, rates: Mapping[str, float]) -> dict[str, PlaceEstimate]:
        """Load of every place at these rates."""
        estimates = {}
        for name in [*self.network.resources, *self.network.stations]:
            rate = sum(rates[r] * self.visits.get(r, {}).get(name, 0.0) for r in rates)
            load = sum(rates[r] * self.busy.get(r, {}).get(name, 0.0) for r in rates)
            square = sum(rates[r] * self.squares.get(r, {}).get(name, 0.0) for r in rates)
            estimates[name] = self._place(name, rate, load, square)
        return estimates

    def _place(self, name: str, rate: float, load: float, square: float) -> PlaceEstimate:
        resource = self.network.resources.get(name)
        station = self.network.stations.get(name)
        nodes = self.groups.get(group_of(self.network, name), 1) if not isinstance(station, TokenBucket) else 1
        kind, per_node = "resource", math.inf
        if resource is not None:
            per_node = float(resource.units)
        elif isinstance(station, Server):
            kind = "station"
            per_node = min(station.cores or math.inf, float(station.servers or math.inf))
            if station.contention is not None and station.servers is not None:
                n = float(station.servers)
                slow = station.contention
                per_node = min(per_node, n / (1 + slow.contention * (n - 1) + slow.coherency * n * (n - 1)))
        else:
            kind = "station"
        if isinstance(station, TokenBucket):
            load, per_node, square = rate / station.rate_per_s, 1.0, rate / station.rate_per_s**2
        elif isinstance(station, Polled) and _by_prompts(station):
            load, per_node, square = 0.0, 1.0, 0.0
        elif isinstance(station, Polled):
            load, per_node, square = rate * station.interval_ns * 1e-9 / station.batch, 1.0, 0.0
        units = per_node * nodes
        if math.isinf(units) or rate == 0:
            return PlaceEstimate(name, kind, rate, load, units, 0.0, 0.0)
        use = load / units
        if isinstance(station, TokenBucket) and station.when_empty == "reject":
            wait = 0.0  # a request that finds no free unit is turned away
        else:
            wait = math.inf if use >= 1 else _wait(rate, load, square, units, nodes, resource, station)
        return PlaceEstimate(name, kind, rate, load, units, use, wait)


def _by_prompts(station: Polled) -> bool:
    """Whether its timer never comes, so that prompts alone read it; the wait for them is left out."""
    return station.trigger == "timer" and station.interval_ns >= NEVER_NS


def _wait(
    rate: float, load: float, square: float, units: float, nodes: int, resource: object, station: object
) -> float:
    """Mean wait after Allen and Cunneen; with a line at each node, of one node with its share of the load."""
    place = resource or station
    if has_line_by_node(place):
        rate, load, square, units = rate / nodes, load / nodes, square / nodes, units / nodes
    mean = load / rate
    if mean * mean == 0:  # also of a time so short that its square is no number any more
        return 0.0
    scv = max(0.0, square / rate / mean**2 - 1)
    servers = max(1, math.floor(units))
    if load >= servers:
        return math.inf
    return erlang_c(load, servers) * mean / (servers - load) * (1 + scv) / 2


def _failure_chance(steps: Steps) -> float:
    survive = 1.0
    for step in steps:
        if isinstance(step, Fail):
            survive *= 1 - step.probability
    return 1 - survive


def _tries(chance: float, limit: int | None) -> float:
    """Mean number of attempts when each fails with the same chance."""
    if chance >= 1:
        return float(limit or 1)
    return (1 - chance**limit) / (1 - chance) if limit is not None else 1 / (1 - chance)


SLOWEST = 1e-9
"""A rate a second at which nobody meets anybody."""
ROUNDING = 1e-9
"""Relative width at which a bisection has found its rate."""


def _settle_closed(flow: _Flow, rates: dict[str, float], closed: list[tuple[Source, ClosedArrivals]]) -> None:
    """Throughput of each closed loop by bisection: clients = rate x (latency + think), below overload."""
    for source, arrivals in closed:
        think = _mean(arrivals.think) if arrivals.think is not None else 0.0
        # Nobody goes round faster than alone, so no rate above that is tried: its queues could be of millions.
        flow.waits = {}
        alone = flow.solve({**rates, source.routine: rates.get(source.routine, 0.0) + SLOWEST})[source.routine]
        low, high = 0.0, arrivals.closed / (alone + think) if alone + think > arrivals.closed / 1e9 else 1e9
        for _ in range(60):
            if high - low <= ROUNDING * high:
                break
            middle = (low + high) / 2
            trial = {**rates, source.routine: rates.get(source.routine, 0.0) + middle}
            flow.waits = {}
            latency = flow.solve(trial)[source.routine]
            if any(place.utilisation >= 1 for place in flow.places(trial).values()):
                high = middle
                continue
            # Latency grows with the rate, so the rate at which clients would go round at this latency is a bound, too.
            round_trip = latency + think
            answer = arrivals.closed / round_trip if round_trip > 0 else math.inf
            if answer < middle:
                low, high = max(low, answer), middle
            else:
                low, high = middle, min(high, answer)
        rates[source.routine] = rates.get(source.routine, 0.0) + low
        flow.waits = {}


__all__ = ["Estimate", "PlaceEstimate", "estimate"]
