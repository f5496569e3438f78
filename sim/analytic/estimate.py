"""A first estimate of a network in closed form: load, bottleneck, stable or not, a guess at latency. No simulation.

Places are taken one by one, as if arrivals to each were Poisson (Kleinrock's independence assumption) and waits
those of Allen and Cunneen. That is good for finding what is overloaded and for an order of magnitude, and is called an
estimate wherever shown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from sim.analytic.arrival_rates import rate_and_peak
from sim.analytic.flow import ROUNDING, ChildExecutions, Flow, PlaceEstimate, mean_s
from sim.network import Network
from sim.network.facts import shedding
from sim.network.sources import (
    ClosedArrivals,
    Source,
)

NAMED = 4
"""Faults that a note names; of more it tells the number."""
SLOWEST = 1e-9
"""A rate a second at which nobody meets anybody."""
ByPlace = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Estimate:
    """First estimate of a network.

    rates_per_s: executions that sources let in, by routine; children: by routine what the child executions of a second
    come to, which is in their parents' visits and work; peak_factor: greatest over mean rate where load varies;
    latency_s: guess at the mean by routine, of one that children alone run over all of these; bottleneck: the place
    nearest to overload; notes: what the estimate leaves out. visits, busy, squares: by routine and place, of one
    execution with its children: how many visits, their work in s, and the sum of its squares.
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
    children: Mapping[str, ChildExecutions] = field(default_factory=dict)

    @property
    def executions_per_s(self) -> dict[str, float]:
        """Executions by routine, let in by sources or as children."""
        found = dict(self.rates_per_s)
        for name, one in self.children.items():
            found[name] = found.get(name, 0.0) + one.number
        return found

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
    flow = Flow(network)
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
    children = _of_children(flow, rates)
    taken = {name: one.time_s / one.number for name, one in children.items() if name not in latency}
    return Estimate(
        places,
        rates,
        latency | taken,
        peak,
        bottleneck,
        tuple(notes),
        flow.visits,
        flow.busy,
        flow.squares,
        children,
    )


def _of_children(flow: Flow, rates: Mapping[str, float]) -> dict[str, ChildExecutions]:
    """What child executions come to in a second, by their routine."""
    found: dict[str, ChildExecutions] = {}
    for parent, children in flow.children.items():
        for routine, part in children.items():
            whole = found.setdefault(routine, ChildExecutions())
            whole.number += rates[parent] * part.number
            whole.time_s += rates[parent] * part.time_s
            for place, visits in part.visits.items():
                whole.visits[place] = whole.visits.get(place, 0.0) + rates[parent] * visits
    return {routine: whole for routine, whole in found.items() if whole.number}


def _settle_closed(flow: Flow, rates: dict[str, float], closed: list[tuple[Source, ClosedArrivals]]) -> None:
    """Throughput of each closed loop by bisection: clients = rate x (latency + think), below overload."""
    for source, arrivals in closed:
        think = mean_s(arrivals.think) if arrivals.think is not None else 0.0
        # Nobody goes round faster than alone, so no rate above that is tried: its queues could be of millions.
        flow.waits = {}
        alone = flow.solve({**rates, source.routine: rates.get(source.routine, 0.0) + SLOWEST})[source.routine]
        low, high = 0.0, arrivals.closed / (alone + think) if alone + think > arrivals.closed / 1e9 else 1e9
        for _ in range(60):
            if high - low <= ROUNDING * high:
                break
            middle = (low + high) / 2
            loaded = {**rates, source.routine: rates.get(source.routine, 0.0) + middle}
            flow.waits = {}
            latency = flow.solve(loaded)[source.routine]
            if any(place.utilisation >= 1 for place in flow.places(loaded).values()):
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
