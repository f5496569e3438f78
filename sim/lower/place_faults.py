"""The loss of a whole zone: everything that stands there fails at one instant.

What comes back at different times becomes several faults of the network: pods come back with their zone, a lost
primary is replaced by a standby elsewhere. A drill sets all of them off together; random ones have clocks of their
own.
"""

from __future__ import annotations

from collections.abc import Iterator

from sim.lower.constants import Constants
from sim.lower.ownership import shards_away
from sim.lower.parts import Parts
from sim.lower.persistence import OWNERS, Store
from sim.lower.postgres_commit import STANDBY
from sim.lower.steps import Distribution, constant
from sim.lower.sums import sum_of
from sim.lower.zones import Zoning
from sim.network.distributions import Exponential
from sim.network.faults import Fault
from sim.network.faults import Target as NodeTarget
from sim.scenario.faults import DeploymentFault
from sim.scenario.scenario import Scenario


def place_faults(
    parts: Parts, constants: Constants, scenario: Scenario, store: Store, name: str, fault: DeploymentFault
) -> dict[str, Fault]:
    """The faults that the loss of a zone (of any one, at random) becomes; the first one bears its name."""
    zoning = parts.zoning
    assert zoning is not None, "checked: a zone that fails is one of the scenario's"
    names = zoning.zones.names
    _, _, wanted = fault.target.partition(".")
    zones = [names.index(wanted)] if wanted else list(range(len(names)))
    found: list[Fault] = []
    for zone in zones:
        # A Poisson process over all zones is one of each, at its share of the rate.
        gap_ns = fault.mean_gap_ns
        if gap_ns is not None and fault.mttf_ns is None:
            gap_ns *= len(zones)
        found += _lost(parts, constants, scenario, store, zoning, zone, fault, gap_ns)
    return {name if index == 0 else f"{name}-{index}": one for index, one in enumerate(found)}


def _lost(
    parts: Parts,
    constants: Constants,
    scenario: Scenario,
    store: Store,
    zoning: Zoning,
    zone: int,
    fault: DeploymentFault,
    gap_ns: int | None,
) -> Iterator[Fault]:
    """The faults of one zone's loss."""
    assert fault.repair is not None
    assert scenario.postgres is not None
    (lost,), failover = store.outage(fault)  # zones are those of PostgreSQL, whose only target is its primary
    primary = lost.group
    pods = [
        NodeTarget(group=group, nodes=nodes)
        for group, size in parts.nodes.items()
        if group not in (primary, OWNERS) and (nodes := _lost_nodes(zoning, zone, group, size.count))
    ]
    owners = parts.nodes.get(OWNERS)
    shards = () if owners is None else zoning.pods_in(zone, owners.count)
    delays = [
        pool.start_delay_ns
        for queue, pool in scenario.workers.items()
        if any(target.group == f"{queue}-workers" for target in pods)
    ]
    back = sum_of(fault.repair, constant(max(delays))) if any(delays) else fault.repair
    constants.note("pods of a lost zone", "come back together, after the longest start_delay of their pools")

    def together(targets: list[NodeTarget], away: Distribution) -> Fault:
        mttf = None if gap_ns is None else Exponential(exponential_ns=gap_ns)
        return Fault(targets=tuple(targets), effect="crash", at_ns=fault.at_ns, mttf=mttf, duration=away)

    whole = [NodeTarget(group=primary)]
    left = zoning.zones.standbys_left(zone, scenario.postgres.nodes - 1)
    needed = scenario.postgres.synchronous_standbys
    if zone == zoning.zones.of_primary:
        if left - 1 >= needed:
            yield from [together(pods, back)] if pods else []
            yield together(whole, failover)
            if gap_ns is not None:
                constants.note(
                    "pods and primary of a zone that is lost at random",
                    "fail at instants of their own, each as often as the zone",
                )
            constants.note("the primary's zone is lost", "the new primary is as near to everybody as the old one")
        else:
            # Nobody can take over, or nobody would be left to confirm its commits.
            yield together([*pods, *whole], back)
    else:
        yield from [together(pods, back)] if pods else []
        if left < needed:
            constants.note("commits whose standbys are lost", "wait until these are back, holding their connections")
    if owners is not None and shards:
        away = shards_away(constants, store, back, len(shards) == owners.count)
        yield together([NodeTarget(group=OWNERS, nodes=shards)], away)


def _lost_nodes(zoning: Zoning, zone: int, group: str, count: int) -> tuple[int, ...]:
    """Which nodes of a group stand in a zone: each standby of the store is a group of its own."""
    if group.startswith(STANDBY):
        standby = int(group.removeprefix(STANDBY)) - 1
        return (0,) if zoning.zones.of_standby(standby) == zone else ()
    return zoning.pods_in(zone, count)
