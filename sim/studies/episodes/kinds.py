"""Kinds of faults: what comes when one begins, and the network in which that comes and nothing else fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sim.draws.streams import stream_key
from sim.lower.lowered import Lowered, Variant
from sim.network import Network
from sim.network.faults import Fault, Window


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A kind of fault.

    variants: the ways in which an episode of it may go; their chances add up to 1. at_ns: when the scenario itself
        lets it begin; None where it comes at random. window: when it may begin, where that is not at any time.
    """

    name: str
    variants: tuple[Variant, ...]
    at_ns: int | None = None
    window: Window | None = None

    def variant(self, seed: int, replication: int) -> Mapping[str, Fault]:
        """The faults of the episode on these draws."""
        left = share(seed, replication, f"{self.name}/variant")
        for one in self.variants:
            left -= one.chance
            if left < 0:
                return one.faults
        return self.variants[-1].faults


def share(seed: int, replication: int, name: str) -> float:
    """A number drawn uniformly from [0, 1), by its name."""
    return (stream_key(seed, replication, name) >> 10) / 2.0**53


def kinds_of(lowered: Lowered) -> dict[str, FaultKind]:
    """Every kind of fault of a scenario by its name: those that it scripts, and those that come at random."""
    network, companions = lowered.network, lowered.companion_of
    found = {}
    for name, fault in network.faults.items():
        if fault.at_ns is not None and name not in companions:
            together = (name, *lowered.companions.get(name, ()))
            found[name] = FaultKind(name, (Variant(1.0, _from_zero(network, together, fault.at_ns)),), fault.at_ns)
    return found | {name: FaultKind(name, one.variants, window=one.window) for name, one in lowered.classes.items()}


def calm(network: Network) -> Network:
    """The network in which nothing fails: every fault is a drill that nobody asks for."""
    return _with(network, {name: fault.model_copy(update={"drill": True}) for name, fault in network.faults.items()})


def disturbed(network: Network, begins: Sequence[tuple[Mapping[str, Fault], int]]) -> tuple[Network, str]:
    """The network in which these faults happen, each group from its time on, and nothing else; and the drill by which
    a plan lets them happen.

    Faults keep their names, by which sources know them; what would come twice is a fault of its own the second time.
    """
    faults = dict(calm(network).faults)
    drill = ""
    for variant, begin_ns in begins:
        for name, fault in variant.items():
            place = name
            while (place in faults and not faults[place].is_drill) or place == drill:
                place += "-again"
            assert fault.at_ns is not None, "scripted"
            drill = drill or place
            changes = {"at_ns": fault.at_ns + begin_ns, "drill": place == drill}
            faults[place] = fault.model_copy(update=changes)
    return _with(network, faults), drill


def _with(network: Network, faults: Mapping[str, Fault]) -> Network:
    return network.model_copy(update={"faults": dict(faults)})


def _from_zero(network: Network, names: Sequence[str], first_ns: int) -> dict[str, Fault]:
    """Faults that the network scripts, as they follow on the first one."""
    faults = {name: network.faults[name] for name in names}
    return {name: fault.model_copy(update={"at_ns": (fault.at_ns or 0) - first_ns}) for name, fault in faults.items()}
