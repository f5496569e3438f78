"""What each place can do, and the wait there at a load."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.analytic.ledger import Clock, Ledger
from sim.analytic.nests import MOST, Centre, Rates, passes, servers
from sim.analytic.stations import erlang_c
from sim.analytic.walk import spell_of
from sim.network import Network
from sim.network.facts import group_of, node_groups
from sim.network.places import Delay, GroupCommit, Polled, Resource, Server, TokenBucket

NEVER_NS = 10**17
"""A timer of more than three years: it never comes in a run."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a place has. units: of all nodes, inf where nobody waits; nodes: beside each other; hottest: the work at
    the busiest of them, in shares of the mean; alone: whether each of them has a line of its own."""

    units: float
    nodes: int = 1
    hottest: float = 1.0
    alone: bool = False


def capacities(network: Network) -> dict[str, Capacity]:
    """Of every place of a network."""
    groups = node_groups(network)
    found = {}
    for name, spec in {**network.resources, **network.stations}.items():
        if isinstance(spec, Delay | GroupCommit | TokenBucket):
            units = 1.0 if isinstance(spec, TokenBucket) else math.inf
            if isinstance(spec, GroupCommit) and spec.batch_limit is not None:
                units = float(spec.batch_limit)
            found[name] = Capacity(units)
            continue
        nodes = groups.get(group_of(network, name), 1)
        hottest = spec.keyed.hottest(nodes) if spec.keyed is not None else 1.0
        if isinstance(spec, Polled):
            found[name] = Capacity(math.inf if spec.interval_ns >= NEVER_NS else float(nodes), nodes, hottest)
            continue
        alone = spec.keyed is not None or spec.wait_at == "node"
        each = float(spec.units) if isinstance(spec, Resource) else _each(spec)
        found[name] = Capacity(each * nodes, nodes, hottest, alone)
    return found


def _each(spec: Server) -> float:
    """What a node has of a server station, slowed by the company of as many as are at work at most."""
    units = min(spec.cores or math.inf, float(spec.servers or math.inf))
    slow = spec.contention
    if slow is not None and spec.servers is not None:
        company = float(spec.servers)
        units = min(units, company / (1 + slow.contention * (company - 1) + slow.coherency * company * (company - 1)))
    return units


def service_s(spec: object, ledger: Ledger, name: str) -> float:
    """Mean time of a visit in which a unit of a station is taken."""
    if isinstance(spec, TokenBucket):
        return 1 / spec.rate_per_s if spec.rate_per_s else math.inf
    if isinstance(spec, Polled):
        return spec.interval_ns * 1e-9 / spec.batch
    row = ledger.visits[name]
    return row.work / row.number if row.number else 0.0


class Load:
    """A network at a load. ledger: what is asked of all places in a second."""

    def __init__(self, network: Network, ledger: Ledger) -> None:
        self.network, self.ledger = network, ledger
        self.capacity = capacities(network)
        self.specs = {**network.resources, **network.stations}
        self.apart = {name for name in network.resources if self._is_apart(name)}
        self._within = {name: self._contents(name) for name in ledger.holds}

    def _is_apart(self, name: str) -> bool:
        """Whether its nodes are asked one by one, so that they are no one pool."""
        row = self.ledger.visits.get(name)
        spec = self.network.resources[name]
        pinned = row is not None and row.pinned > row.number / 2
        return self.capacity[name].nodes > 1 and (self.capacity[name].alone or pinned)

    def _contents(self, name: str) -> tuple[dict[str, float], float]:
        """What a hold waits for beside others: visits to stations and to pools, those inside of a pool aside; and the
        time of a hold beside these visits, in s."""
        hold = self.ledger.holds[name]
        found, rest = dict(hold.mean_waits), hold.mean
        pools = [one for one in found if one in self.ledger.holds and one not in self.apart and one != name]
        for pool in sorted(pools, key=lambda one: -len(self.ledger.holds[one].waits)):  # what holds others comes first
            inner = self.ledger.holds[pool]
            visits = found[pool]
            for place, number in inner.mean_waits:
                if place in found:
                    found[place] = max(found[place] - visits * number, 0.0)
            rest -= visits * inner.mean
        for place in found.keys() & self.network.stations.keys():
            rest -= found[place] * self.ledger.visits[place].work / self.ledger.visits[place].number
        kept = {one: visits for one, visits in found.items() if visits > 1e-9 and one not in self.apart}
        return kept, max(rest, 0.0)

    def throughputs(self, factor: float) -> dict[str, Rates]:
        """Holds a second with 1, 2, ... units in use, at so many times the load: of each pool, or of the busiest node
        of what is asked node by node."""
        found: dict[str, Rates] = {}

        def of(name: str, outer: frozenset[str]) -> Rates:
            if name in found:
                return found[name]
            capacity = self.capacity[name]
            share = capacity.hottest / capacity.nodes if name in self.apart else 1.0
            units = capacity.units / capacity.nodes if name in self.apart else capacity.units
            customers = int(min(units, MOST))
            smaller = customers / units
            contents, delay = self._within[name]
            centres = []
            for place, visits in contents.items():
                mine = visits * self.ledger.holds[name].weight * share
                others = max(self.ledger.visits[place].number - mine, 0.0) * factor
                spec = self.specs[place]
                if isinstance(spec, Resource):
                    if place in self.ledger.holds and place not in outer and place != name:
                        rates = of(place, outer | {name})
                        size = self.capacity[place].units / rates.size
                        taken = others / rates[-1] * rates.size if math.isfinite(rates[-1]) else 0.0
                        left = _regrouped(rates, size, 1 / smaller, customers, taken)
                        centres.append(Centre(visits, left))
                    continue
                if isinstance(spec, GroupCommit):
                    delay += visits * self._flush_s(spec, place, factor)
                    continue
                if isinstance(spec, TokenBucket):
                    continue  # tokens that were saved up let everybody pass until there are too few of them
                mean = service_s(spec, self.ledger, place)
                if isinstance(spec, Delay) or mean <= 0 or math.isinf(self.capacity[place].units):
                    delay += visits * mean
                    continue
                left = max(self.capacity[place].units / self.capacity[place].hottest - others * mean, 1e-6)
                centres.append(Centre(visits, servers(left * smaller, mean, customers)))
            found[name] = passes(centres, delay, customers) / smaller
            return found[name]

        for name in self.ledger.holds:
            of(name, frozenset())
        return found

    def _flush_s(self, spec: GroupCommit, place: str, factor: float) -> float:
        """Mean time of a visit to a group commit: its flush, and what is left of the one before."""
        flush = spell_of(spec.flush)
        rate = self.ledger.visits[place].number * factor
        if not rate or not flush.mean:
            return flush.mean
        busy = flush.mean / (flush.mean + math.exp(-rate * flush.mean) / rate)
        return flush.mean + busy * (flush.mean + flush.variance / flush.mean) / 2

    def utilisation(self, factor: float) -> dict[str, float]:
        """How much of each place is taken at so many times the load: 1 where it is full."""
        found = {}
        throughputs = self.throughputs(factor)
        for name, row in self.ledger.visits.items():
            rate, capacity, spec = row.number * factor, self.capacity[name], self.specs[name]
            if isinstance(spec, Resource):
                if name not in self.ledger.holds:
                    continue
                most = float(throughputs[name][-1])
                share = capacity.hottest / capacity.nodes if name in self.apart else 1.0
                found[name] = rate * share / most if math.isfinite(most) else 0.0
            elif isinstance(spec, GroupCommit):
                found[name] = rate * spell_of(spec.flush).mean / capacity.units
            elif math.isfinite(capacity.units):
                found[name] = rate * service_s(spec, self.ledger, name) * capacity.hottest / capacity.units
        return found

    def limit(self) -> tuple[float, str, dict[str, float]]:
        """The factor at which the first place is full, which one it is, and how much of each is taken then."""
        low, high = 0.0, 1.0
        while max(self.utilisation(high).values(), default=0.0) < 1 and high < 1e6:
            low, high = high, high * 2
        for _ in range(40):
            if high - low <= 1e-4 * high:
                break
            middle = (low + high) / 2
            if max(self.utilisation(middle).values()) < 1:
                low = middle
            else:
                high = middle
        use = self.utilisation(low)
        full = max(use, key=lambda name: use[name])
        return low, self._cause(full, use), use

    def _cause(self, full: str, use: dict[str, float]) -> str:
        """The innermost place in a full pool that is as good as full itself."""
        inside = [place for place in self._within.get(full, ({}, 0.0))[0] if use.get(place, 0.0) >= 0.93 * use[full]]
        return self._cause(max(inside, key=lambda place: use[place]), use) if inside else full


def _regrouped(rates: Rates, size: float, mine: float, customers: int, taken: float) -> Rates:
    """The rates of a pool counted in groups of `size`, as they are for groups of another size; taken: units in use by
    others, by whom so much of what it does is taken."""
    here = np.minimum(np.arange(1, customers + 1) * mine / size + taken, rates.size)
    known = np.concatenate(([0.0], rates))
    at = np.arange(known.size)
    more = np.interp(here, at, known) - np.interp(min(taken, rates.size - 1e-6), at, known)
    return np.asarray(np.maximum(more, 1e-9)) / mine


def combined(parts: dict[str, Ledger], rates: dict[str, float]) -> Ledger:
    """What is asked in a second at these rates of executions."""
    total = Ledger()
    for routine, rate in rates.items():
        total.add(parts[routine], rate)
    return total


def wait_s(rate: float, clock: Clock | None, mean: float, square: float, capacity: Capacity, factor: float) -> float:
    """Mean wait after Allen and Cunneen."""
    units, nodes = capacity.units, capacity.nodes
    rate, units = rate * factor / nodes, units / nodes
    load = rate * mean
    if not mean or math.isinf(units) or not rate:
        return 0.0
    if load >= units:
        return math.inf
    count = max(1, math.floor(units))
    scv = max(0.0, square / mean**2 - 1)
    return erlang_c(min(load, count * 0.999999), count) * mean / (units - load) * (1 + scv) / 2
