"""The loss of a whole zone or region, and one that is cut off: everything that stands there, at one instant.

What comes back at different times becomes several faults of the network: pods come back with their zone, a lost
primary is replaced by a standby elsewhere. A drill sets all of them off together; random ones have clocks of their
own.
"""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.faults.pods import as_fault
from sim.lower.faults.regions import RegionFaults
from sim.lower.faults.zones import ZoneFaults
from sim.lower.parts import Parts
from sim.lower.stores.base import Store
from sim.network.faults import Fault
from sim.scenario.model.faults import DeploymentFault
from sim.scenario.scenario import Scenario


def place_faults(
    parts: Parts, constants: Constants, scenario: Scenario, store: Store, name: str, fault: DeploymentFault
) -> dict[str, Fault]:
    """The faults that one becomes; the first one bears its name."""
    zones = ZoneFaults(parts, constants, scenario, store)
    regions = RegionFaults(parts, constants, scenario, store)
    kind, _, place = fault.target.partition(".")
    gap_ns = fault.mean_gap_ns
    if kind == "zone" and not place:
        names = zones.zones.names
        found = [loss for zone in range(len(names)) for loss in zones.losses(zone, fault)]
        if gap_ns is not None and fault.mttf_ns is None:
            gap_ns *= len(names)  # a Poisson process over all zones is one of each, at its share of the rate
    elif kind == "zone" or (kind == "partition" and _is_zone(scenario, place)):
        found = list(zones.losses(zones.zones.names.index(place), fault, is_cut_off=kind == "partition"))
    elif kind == "region":
        found = list(regions.losses(place, fault))
    else:
        found = [regions.cut_off(place, fault)]
    return {
        name if index == 0 else f"{name}-{index}": as_fault(
            fault,
            loss.targets,
            loss.away,
            happens=loss.effect or "crash",
            gap_ns=gap_ns,
            one_by_one=False,
        )
        for index, loss in enumerate(found)
    }


def _is_zone(scenario: Scenario, name: str) -> bool:
    regions, zones = scenario.regions, scenario.zones
    return zones is not None and name in zones.names and (regions is None or name not in regions.names)
