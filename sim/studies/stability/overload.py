"""A network that begins overloaded: with a backlog at the instant 0 that enters no figure."""

from __future__ import annotations

from collections.abc import Mapping

from sim.analytic.estimate import estimate
from sim.network import Network
from sim.network.sources import BurstArrivals, Source


def overloaded(network: Network, backlog: int) -> Network:
    """The network with so many executions more at the instant 0, of the routines that sources count, in proportion to
    their rates. They come after the other sources in the order of elements, so that those draw and stand as before."""
    sources = dict(network.sources)
    for routine, count in shares(_rates(network), backlog).items():
        name = f"backlog-of-{routine}"
        while name in sources:
            name += "-"
        if count:
            sources[name] = Source(routine=routine, arrivals=BurstArrivals(burst=count), counted=False)
    return network.model_copy(update={"sources": sources})


def shares(weights: Mapping[str, float], total: int) -> dict[str, int]:
    """A whole number dealt out in proportion to weights, by largest remainders.

    >>> shares({"a": 1.0, "b": 2.0}, 10)
    {'a': 3, 'b': 7}
    """
    whole = sum(weights.values())
    exact = {name: total * weight / whole for name, weight in weights.items()}
    found = {name: int(part) for name, part in exact.items()}
    left = total - sum(found.values())
    for name in sorted(exact, key=lambda name: found[name] - exact[name])[:left]:
        found[name] += 1
    return found


def _rates(network: Network) -> dict[str, float]:
    """Executions a second of what is counted; all alike where nothing has a lasting rate."""
    counted = {source.routine for source in network.sources.values() if source.counted}
    known = estimate(network).rates_per_s
    rates = {routine: known.get(routine, 0.0) for routine in sorted(counted)}
    return rates if sum(rates.values()) else dict.fromkeys(rates, 1.0)
