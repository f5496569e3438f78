"""What one execution of each routine asks of the places, and how long it takes, given the waits there.

A kind of step has its mean time in one entry of `_TIMES`. What holds a resource is found by iteration, since holding
times contain the waits inside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sim.analytic.arrival_rates import mean_number
from sim.analytic.stations import erlang_c, harmonic
from sim.draws.build import inverse_of
from sim.network import Network
from sim.network.distributions import Distribution, FromAttribute, Number
from sim.network.facts import group_of, has_line_by_node, node_groups
from sim.network.kinds import complete
from sim.network.places import Delay, GroupCommit, Polled, Server, TokenBucket
from sim.network.routines import (
    Acquire,
    Attempt,
    Branch,
    Cached,
    Call,
    Child,
    Compensate,
    CountStep,
    DelayStep,
    Fail,
    Forget,
    Fork,
    Loop,
    Mark,
    Notify,
    Prompt,
    Race,
    Release,
    Saga,
    SetStep,
    Start,
    Step,
    Steps,
    StepSpec,
    Tell,
    Use,
)

ROUNDS = 40
"""Iterations for holding times; each takes half of the new value, and 40 halvings leave no trace of the start."""
NEVER_NS = 10**17
"""A timer of more than three years: it never comes in a run."""
ROUNDING = 1e-9
"""Relative width at which a bisection has found its rate."""
Held = list[list[object]]
"""What is held: resource and time so far."""


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


@cache
def mean_s(distribution: Distribution) -> float:
    """Mean of a time."""
    return inverse_of(distribution).mean()


@cache
def _scv(distribution: Distribution) -> float:
    return inverse_of(distribution).scv()


@dataclass(slots=True)
class ChildExecutions:
    """What the child executions that run one routine come to, of one execution at the top: how many they are, their
    time together in s, and their visits by place, those of their own children too."""

    number: float = 0.0
    time_s: float = 0.0
    visits: dict[str, float] = field(default_factory=dict)


class Flow:
    """Visits, demands and holding times of one execution of each routine, given the waits at the places.

    What its child executions do is its own, so that it counts once; `children` tells their part, by its routine and
    theirs.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.groups = node_groups(network)
        self.waits: dict[str, float] = {}
        self.visits: dict[str, dict[str, float]] = {}
        self.busy: dict[str, dict[str, float]] = {}
        self.squares: dict[str, dict[str, float]] = {}
        self.children: dict[str, dict[str, ChildExecutions]] = {}
        self.around: list[ChildExecutions] = []
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
        self.visits, self.busy, self.squares, self.children = {}, {}, {}, {}
        latency = {}
        for routine in rates:
            self.routine = routine
            self.visits[routine], self.busy[routine], self.squares[routine] = {}, {}, {}
            self.children[routine] = {}
            self.attributes = {name: float(value) for name, value in self.network.attributes.items()}
            latency[routine] = self._steps(self.network.routines[routine], 1.0, [])
        return latency

    def _visit(self, place: str, weight: float, busy: float, square: float) -> None:
        for table, amount in ((self.visits, 1.0), (self.busy, busy), (self.squares, square)):
            row = table[self.routine]
            row[place] = row.get(place, 0.0) + weight * amount
        for child in self.around:
            child.visits[place] = child.visits.get(place, 0.0) + weight

    def _steps(self, steps: Steps, weight: float, held: Held) -> float:
        """Mean time of the steps; `held` lists what is held outside, [resource, time so far]."""
        total = 0.0
        mine: Held = []
        for step in steps:
            if isinstance(step, Release):
                for holds in (mine, held):
                    found = next((hold for hold in reversed(holds) if hold[0] == step.release), None)
                    if found is not None:
                        self._close(found, weight)
                        holds.remove(found)
                        break
                continue
            time = _TIMES[type(step)](self, step, weight, [*held, *mine])
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

    def no_time(self, step: Step, weight: float, held: Held) -> float:
        """Of a step in which no time passes."""
        return 0.0

    def acquire(self, step: Acquire, weight: float, held: Held) -> float:
        """The wait for units; what is held then is added up in `_steps`."""
        return self.waits.get(step.acquire.resource, 0.0)

    def delay(self, step: DelayStep, weight: float, held: Held) -> float:
        """The delay itself; of a grid half a step."""
        extra = (step.grid_ns or 0) / 2e9 + sum(self.attributes[name] * each * 1e-9 for name, each in step.per.items())
        return max(mean_s(step.delay), step.floor_ns * 1e-9) + extra

    def branch(self, step: Branch, weight: float, held: Held) -> float:
        """Each way by its chance; a way by attribute has half of what is left."""
        rest, time = 1.0, 0.0
        for option in step.branch:
            chance = rest if option.probability is None else option.probability
            if option.attribute is not None:
                chance = rest / 2
            rest = max(0.0, rest - chance)
            if chance:
                time += chance * self._steps(option.steps, weight * chance, held)
        return time

    def loop(self, step: Loop, weight: float, held: Held) -> float:
        """Its steps, so many times."""
        times = self._number(step.loop.times)
        return times * self._steps(step.loop.steps, weight * times, held) if times else 0.0

    def child(self, step: Child, weight: float, held: Held) -> float:
        """The child execution, and what it does after it; no time where it is not waited for."""
        body, mine = step.child, self.attributes
        started = {name: float(value) for name, value in self.network.attributes.items()}
        self.attributes = started | {name: mine[name] for name in body.takes}
        found = self.children[self.routine].setdefault(body.routine, ChildExecutions())
        self.around.append(found)
        time = self._steps(self.network.routines[body.routine], weight, [])
        self.around.pop()
        found.number += weight
        found.time_s += weight * time
        time += self._steps(body.after, weight, [])
        self.attributes = mine | {name: self.attributes[name] for name in body.gives}
        self._steps(body.told, weight, [])
        return time if body.wait else 0.0

    def race(self, step: Race, weight: float, held: Held) -> float:
        """The least of its branches, as if they were exponential."""
        self.approximate = True
        means = [self._steps(steps, weight, held) for steps in step.race]
        return 0.0 if min(means) <= 0 else 1 / sum(1 / mean for mean in means)

    def attempt(self, step: Attempt, weight: float, held: Held) -> float:
        """Its steps, as often as they are tried; back-offs are left out."""
        chance = _failure_chance(step.attempt.steps)
        limit = step.attempt.retry.maximum_attempts if step.attempt.retry is not None else 1
        attempts = _mean_attempts(chance, limit)
        if step.attempt.retry is not None and step.attempt.retry.budget is not None:
            attempts = min(attempts, 1 + self.network.budgets[step.attempt.retry.budget].ratio)
        return attempts * self._steps(step.attempt.steps, weight * attempts, held)

    def set(self, step: SetStep, weight: float, held: Held) -> float:
        """No time; attributes have their mean value from then on."""
        for name, change in step.set.items():
            value = self._number(change.add if change.add is not None else change.to)
            self.attributes[name] = self.attributes[name] + value if change.add is not None else value
        return 0.0

    def _number(self, number: Number | None) -> float:
        if isinstance(number, FromAttribute):
            return self.attributes[number.attribute]
        return mean_number(number)

    def use(self, step: Use, weight: float, held: Held) -> float:
        """The wait and the service."""
        body = step.use
        station = self.network.stations[body.station]
        time = self.waits.get(body.station, 0.0)
        mean = square = 0.0
        if isinstance(station, Server | Delay):
            demand = body.demand or station.service
            mean, scv = (0.0, 0.0) if demand is None else (mean_s(demand), _scv(demand))
            mean += sum(self.attributes[name] * each * 1e-9 for name, each in body.per.items())
            square = mean * mean * (1 + scv)
            time += mean
        elif isinstance(station, GroupCommit):
            time = 1.5 * mean_s(station.flush)
        elif isinstance(station, Polled):
            time = mean_s(station.read) if station.read is not None else 0.0
            if _by_prompts(station):
                self.prompted = True
            elif station.trigger == "timer":
                time += station.interval_ns / 2e9
        self._visit(body.station, weight, mean, square)
        return time

    def fork(self, step: Fork, weight: float, held: Held) -> float:
        """The child that the join waits for, as if children were exponential."""
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
            rate, load, square = (
                sum(rates[r] * table.get(r, {}).get(name, 0.0) for r in rates)
                for table in (self.visits, self.busy, self.squares)
            )
            estimates[name] = self._place(name, rate, load, square)
        return estimates

    def _place(self, name: str, rate: float, load: float, square: float) -> PlaceEstimate:
        resource = self.network.resources.get(name)
        station = self.network.stations.get(name)
        nodes = self.groups.get(group_of(self.network, name), 1) if not isinstance(station, TokenBucket) else 1
        kind = "station" if resource is None else "resource"
        per_node = math.inf
        if resource is not None:
            per_node = float(resource.units)
        elif isinstance(station, Server):
            per_node = min(station.cores or math.inf, float(station.servers or math.inf))
            if station.contention is not None and station.servers is not None:
                n = float(station.servers)
                slow = station.contention
                per_node = min(per_node, n / (1 + slow.contention * (n - 1) + slow.coherency * n * (n - 1)))
        elif isinstance(station, TokenBucket):
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


_TIMES: Mapping[type[StepSpec], Callable[[Flow, Any, float, Held], float]] = complete(
    {
        Acquire: Flow.acquire,
        Use: Flow.use,
        DelayStep: Flow.delay,
        Branch: Flow.branch,
        Loop: Flow.loop,
        Fork: Flow.fork,
        Race: Flow.race,
        Attempt: Flow.attempt,
        Saga: lambda flow, step, weight, held: flow._steps(step.saga, weight, held),
        Call: lambda flow, step, weight, held: flow._steps(flow.network.routines[step.call], weight, held),
        Child: Flow.child,
        Cached: lambda flow, step, weight, held: flow._steps(step.cached.hit, weight, held),
        SetStep: Flow.set,
        **dict.fromkeys(
            (Release, Start, Compensate, Mark, CountStep, Fail, Forget, Prompt, Notify, Tell),
            Flow.no_time,
        ),
    },
    "the first estimate",
)
"""Mean time of each kind of step. What undoes a saga is not run as long as nothing fails."""


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
    return 1 - math.prod(1 - step.probability for step in steps if isinstance(step, Fail))


def _mean_attempts(chance: float, limit: int | None) -> float:
    """Mean number of attempts when each fails with the same chance."""
    if chance >= 1:
        return float(limit or 1)
    return (1 - chance**limit) / (1 - chance) if limit is not None else 1 / (1 - chance)
