"""How long each place of a network remembers: its relaxation time at a given load, in closed form.

The work in line at a place behaves like reflected Brownian motion: drift -c (1 - load), variance V of the work that is
brought a second, relaxation rate drift^2 / (2 V). Scaled so that M/M/1 comes out exactly, 1 / (mu (1 - sqrt(load))^2),

    1 / relaxation = 2 c a (1 - sqrt(load))^2 / V + pi^2 V / (2 B^2),     a: work brought a second, B: room for work,

but not less than a service. Work in rare large pieces is remembered longer: a line forgets as fast as the mean of
M/G/1 begun empty does, in a time of 2 E[W^2] / (E[W] (1 - load)). That adds the factor load + (1 - load) 2/3 E[S^3]
E[S] / E[S^2]^2, taken where the scv is above 1, with the third moment of a lognormal law of that scv.

V = sum over routines of rate x (E[D^2] + (I - 1) E[D]^2), with the work D of an execution at the place and the index
of dispersion I of the routine's sources over long times. Visits of one execution bring their work together when they
pass within the relaxation time, apart when they take longer.
Sources: Gaver, SIAM Journal on Applied Mathematics 16 (1968); Abate & Whitt, Advances in Applied Probability 19
(1987).

Left out: priorities, what timeouts and sheds take away, how a place upstream smooths what it passes on, places whose
work has infinite variance, that are in a closed loop only, or whose nodes a controller switches.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from sim.analytic.arrival_rates import dispersion
from sim.analytic.estimate import Estimate
from sim.analytic.flow import PlaceEstimate
from sim.network import Network
from sim.network.facts import group_of, has_line_by_node, node_groups
from sim.network.places import Polled, Server, TokenBucket
from sim.network.sources import ClosedArrivals

KINDS = Server | TokenBucket | Polled


@dataclass(frozen=True, slots=True)
class Pace:
    """What a place's relaxation time is made of.

    estimate: its load in closed form; scv: of the work of a visit; apart: how many lines there are beside each other;
    service_s: mean work of a visit; variance: work squared brought a second to all lines; together: that part of it
    which the further visits of an execution make; latest_s: mean time of the executions that bring it; visits: by
    routine, of an execution, a child's too; most_s: work in a line at most; source_s: how long the sources themselves
    remember; measured: whether what runs show as utilisation means the same as the estimate's.
    """

    estimate: PlaceEstimate
    scv: float
    apart: int
    service_s: float
    variance: float
    together: float
    latest_s: float
    visits: Mapping[str, float]
    most_s: float
    source_s: float
    measured: bool

    def relaxation_s(self, utilisation: float) -> float:
        """Relaxation time at a utilisation, the estimate's or one that runs have shown; inf where it never settles."""
        alone = self._of(utilisation, self.variance)
        if math.isinf(alone):
            return alone
        share = alone / (alone + self.latest_s) if alone + self.latest_s > 0 else 0.0
        line = self._of(utilisation, self.variance + share * self.together)
        if self.scv > 1 and utilisation < 1:
            line *= max(1.0, utilisation + (1 - utilisation) * 2 / 3 * (1 + self.scv))
        return max(self.service_s, self.source_s, line)

    def _of(self, utilisation: float, variance: float) -> float:
        load, units = self.estimate.offered_load / self.apart, self.estimate.units / self.apart
        if load <= 0 or variance <= 0:
            return 0.0
        variance /= self.apart
        bounded = math.pi**2 * variance / (2 * self.most_s**2) if self.most_s else math.inf
        if utilisation >= 1:
            return 1 / bounded if bounded else math.inf
        free = 2 * (1 - math.sqrt(utilisation)) ** 2 * units * load / variance
        return 1 / (free + bounded)


def paces(network: Network, found: Estimate) -> dict[str, Pace]:
    """Of every place whose relaxation time is known. found: the estimate of the same network."""
    switched = {controller.nodes for controller in network.controllers.values()}
    closed = {one.routine for one in network.sources.values() if isinstance(one.arrivals, ClosedArrivals)}
    groups = node_groups(network)
    indices, memories = _sources(network, found)
    paces: dict[str, Pace] = {}
    for name, place in found.places.items():
        spec = network.resources.get(name) or network.stations[name]
        known = (name in network.resources or isinstance(spec, KINDS)) and _waits(spec)
        if not known or place.offered_load <= 0 or math.isinf(place.units) or group_of(network, name) in switched:
            continue
        visits = {routine: row[name] for routine, row in found.visits.items() if row.get(name)}
        if not visits.keys() - closed:
            continue
        variance = together = latest = squares = 0.0
        for routine, number in visits.items():
            rate = found.rates_per_s[routine]
            each, square = _work(spec, found, routine, name)
            variance += rate * (square + (indices.get(routine, 1.0) - 1) * (number * each) ** 2)
            squares += rate * square
            together += rate * max(number - 1, 0.0) * number * each**2
            latest = max(latest, found.latency_s[routine] if number > 1 else 0.0)
        if not math.isfinite(variance):
            continue
        lines = groups.get(group_of(network, name), 1) if has_line_by_node(spec) else 1
        service = place.offered_load / place.rate_per_s
        most = [service * limit for limit in [getattr(spec, "queue_limit", None)] if limit]
        if (shed := getattr(spec, "shed", None)) is not None:
            most.append(shed.after_ns * 1e-9 * place.units / lines)
        source = max((memories.get(routine, 0.0) for routine in visits), default=0.0)
        same = not isinstance(spec, TokenBucket | Polled) and getattr(spec, "contention", None) is None
        scv = squares / place.rate_per_s / service**2 - 1
        visits |= {
            routine: one.visits[name] / one.number
            for routine, one in found.children.items()
            if one.visits.get(name) and routine not in visits
        }
        paces[name] = Pace(
            place, scv, lines, service, variance, together, latest, visits, min(most, default=math.inf), source, same
        )
    return paces


def _waits(spec: object) -> bool:
    """Whether anybody can wait there."""
    return getattr(spec, "queue_limit", None) != 0 and getattr(spec, "when_empty", "wait") == "wait"


def _work(spec: object, found: Estimate, routine: str, place: str) -> tuple[float, float]:
    """Mean work of one visit, and the mean square of it times the visits, of an execution."""
    visits = found.visits[routine][place]
    if isinstance(spec, TokenBucket):
        return 1 / spec.rate_per_s, visits / spec.rate_per_s**2
    if isinstance(spec, Polled):
        each = spec.interval_ns * 1e-9 / spec.batch
        return each, visits * each**2
    return found.busy[routine][place] / visits, found.squares[routine][place]


def _sources(network: Network, found: Estimate) -> tuple[dict[str, float], dict[str, float]]:
    """By routine: index of dispersion of its arrivals over long times, and how long its sources remember."""
    weights: dict[str, list[tuple[float, float]]] = {}
    memories: dict[str, float] = {}
    for source in network.sources.values():
        told = dispersion(source)
        if source.during is not None or told is None:
            continue
        rate, index, memory = told
        weights.setdefault(source.routine, []).append((rate, index))
        memories[source.routine] = max(memory, memories.get(source.routine, 0.0))
    indices = {
        routine: sum(rate * index for rate, index in parts) / sum(rate for rate, _ in parts)
        for routine, parts in weights.items()
        if sum(rate for rate, _ in parts)
    }
    return indices, memories
