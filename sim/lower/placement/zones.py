"""Who stands in which zone; what that does to round trips and to the bytes that cross zones.

A shard belongs to one pod of history for the whole life of an execution, so whether its round trips to the store
cross zones is drawn once an execution and carried as an attribute. A hop between services takes any pod: whether it
crosses is drawn for each hop.
"""

from __future__ import annotations

from math import comb

from sim.lower.constants import Constants
from sim.lower.steps import Branch, Option, Step, constant, set_to
from sim.network.distributions import Distribution, Mixture
from sim.scenario.model.platform import TemporalCluster
from sim.scenario.model.regions import Zones

AWAY = "store-away"
"""Attribute: 1 where the pod that owns the execution's shard stands in another zone than the store's primary."""
CROSS_ZONE = "cross_zone_byte"
"""Operation: a byte that goes from one zone to another."""


class Zoning:
    """The zones of a scenario with everybody's place in them."""

    def __init__(self, constants: Constants, zones: Zones, temporal: TemporalCluster) -> None:
        self.constants = constants
        self.zones = zones
        self.history = self.shares(None if temporal.history is None else temporal.history.replicas)
        self.matching = self.shares(None if temporal.matching is None else temporal.matching.replicas)
        self.away = 1 - self.history[zones.of_primary]
        constants.record_assumption(
            "pods of history in the zones", "drawn once an execution, apart from the pod that its CPU is on"
        )
        constants.record_assumption(
            "bytes between zones", "as expected: each is counted in proportion to the chance that it crosses"
        )

    def pods_in(self, zone: int, pods: int) -> tuple[int, ...]:
        """Which of so many pods stand in a zone."""
        return tuple(pod for pod in range(pods) if self.zones.of_pod(pod) == zone)

    def shares(self, pods: int | None) -> list[float]:
        """Share of the pods in each zone. None: a service whose pods are not named is in every zone it may be in."""
        count = len(self.zones.names)
        number = count if pods is None else pods
        return [len(self.pods_in(zone, number)) / number for zone in range(count)]

    # -- round trips --------------------------------------------------------------------------------------------

    def place_execution(self) -> Step:
        """The step that decides where the pod that owns an execution's shard stands."""
        away = Option(probability=self.away, steps=(set_to(AWAY, 1),))
        return Branch(name="zone", branch=(away, Option(steps=(set_to(AWAY, 0),))))

    def further_ns(self, round_trips: int, near_ns: int) -> dict[str, int]:
        """Further time of round trips to the store, for each unit of the attribute. near_ns: one within a zone."""
        return {AWAY: round_trips * (self.zones.rtt_ns - near_ns)}

    def dispatch(self, near_ns: int, hops: int, hop_near_ns: int, store_near_ns: int) -> Distribution:
        """Time of one read of a transfer queue and the hops after it.

        near_ns: all of it with nobody in another zone. Each of the hops crosses for itself, so the number that do is
        binomial; the read's round trip to the store crosses as that of any pod of history.
        """
        further_ns = (self.zones.rtt_ns - hop_near_ns) / 2
        store_ns = self.zones.rtt_ns - store_near_ns
        parts: dict[int, float] = {}
        for crossed, chance in enumerate(binomial(hops, self.hop_crosses)):
            for far, share in ((0, 1 - self.away), (1, self.away)):
                time_ns = near_ns + round(crossed * further_ns) + far * store_ns
                parts[time_ns] = parts.get(time_ns, 0.0) + chance * share
        found = [(time_ns, weight) for time_ns, weight in sorted(parts.items()) if weight > 0]
        if len(found) == 1:
            return constant(found[0][0])
        rest = 1 - sum(weight for _, weight in found[1:])  # so that rounding leaves nothing over
        weights = [rest, *(weight for _, weight in found[1:])]
        return Mixture(
            mixture=tuple(
                Mixture.Part(weight=weight, of=constant(time_ns))
                for (time_ns, _), weight in zip(found, weights, strict=True)
            )
        )

    def standby_rtts_ns(self, standbys: int, near_ns: int) -> list[int]:
        """Round trips from the primary to each standby."""
        here = self.zones.of_primary
        return [
            near_ns if self.zones.of_standby(standby) == here else self.zones.rtt_ns for standby in range(standbys)
        ]

    @property
    def hop_crosses(self) -> float:
        """Chance that a hop between two services goes to another zone."""
        return 1 - sum(here * there for here, there in zip(self.history, self.matching, strict=True))

    # -- bytes --------------------------------------------------------------------------------------------------

    def store_bytes(self, sent_bytes: int, log_bytes: int, standbys: int) -> int:
        """Bytes that a transition sends to other zones: its messages, and what standbys are told of it."""
        across = self.away * sent_bytes
        remote = sum(self.zones.of_standby(standby) != self.zones.of_primary for standby in range(standbys))
        return round(across + remote * log_bytes)

    def hop_bytes(self, hops: int) -> int:
        """Bytes that a task on its way to a worker and back sends to other zones."""
        return round(hops * self.hop_crosses * self.constants.number("temporal.hop_bytes"))


def binomial(n: int, chance: float) -> list[float]:
    """Probabilities of 0 to n successes."""
    return [comb(n, k) * chance**k * (1 - chance) ** (n - k) for k in range(n + 1)]
