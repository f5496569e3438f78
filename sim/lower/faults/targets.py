"""What fails in a deployment, by what it hits: each kind of target has its own file; load spikes are here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sim.lower.context import Context
from sim.lower.faults.places import place_faults
from sim.lower.faults.pods import as_fault, faults_of, node_faults
from sim.lower.faults.rollouts import rolling_restart
from sim.lower.rates import rate_of
from sim.lower.stores.base import Store
from sim.lower.tables import database_fault
from sim.lower.temporal.dependencies import place_of
from sim.network.faults import Fault, Target
from sim.network.sources import PoissonArrivals, Source
from sim.scenario.model.faults import DeploymentFault


def load_spike(context: Context, name: str, fault: DeploymentFault) -> Fault:
    """The fault, whose source sends what comes on top. name: of the fault in the network."""
    workflow = fault.target.removeprefix("workflows.")
    assert fault.factor is not None, "checked when it was read"
    sources = context.parts.sources
    usual = sources[workflow]
    context.constants.note(
        "a load spike",
        "is a Poisson process beside the load that there is, of factor - 1 times its mean rate, whatever the hour",
    )
    sources[f"{workflow}-{name}"] = Source(
        routine=usual.routine,
        arrivals=PoissonArrivals(poisson_per_s=(fault.factor - 1) * rate_of(usual.arrivals)),
        priority=usual.priority,
        during=name,
    )
    return as_fault(fault, (), fault.lasts)


class FaultTargets:
    """Lowers the faults of a deployment whose parts are all in place."""

    def __init__(self, context: Context, store: Store | None = None) -> None:
        """store: the platform's; None where databases stand alone."""
        self.context = context
        self.store = store

    def of(self, name: str, fault: DeploymentFault) -> dict[str, Fault]:
        """The faults of the network that one becomes; the first one bears its name.

        Of several targets those become one fault to which the same happens for as long, so that they fail together at
        random, too.
        """
        if isinstance(fault.targets, str):
            return self._of_one(name, fault)
        # A spike's source knows its fault by its name, which is that of the first one.
        parts = sorted((part for _, part in fault.parts), key=lambda part: not part.of_load)
        found = list(_together(one for part in parts for one in self._of_one(name, part).values()))
        if fault.is_random and len(found) > 1:
            self.context.constants.note(
                f"what `{name}` names",
                "is away for different times, and fails at instants of its own at random, each part as often; in "
                "drills and in the error budget all begin together",
            )
        return {name if index == 0 else f"{name}-{index}": one for index, one in enumerate(found)}

    def _of_one(self, name: str, fault: DeploymentFault) -> dict[str, Fault]:
        parts, constants, scenario = self.context.parts, self.context.constants, self.context.scenario
        if fault.of_database:
            return {name: database_fault(self.context, fault)}
        if fault.of_load:
            return {name: load_spike(self.context, name, fault)}
        if fault.of_clock:
            constants.note(
                "a wall clock that jumps",
                "is that of all: of the server's timers and timeouts, which are meant, and of workers' calls, too",
            )
            return {name: as_fault(fault, (), fault.repair)}
        if fault.of_dependency:
            place = place_of(fault.target.removeprefix("dependencies."))
            return {name: as_fault(fault, (Target(group=place),), fault.lasts)}
        assert self.store is not None, "checked: databases that stand alone fail alone"
        if fault.of_place:
            return place_faults(parts, constants, scenario, self.store, name, fault)
        if fault.of_node:
            return node_faults(constants, scenario, self.store, name, fault)
        if fault.is_rolling:
            return rolling_restart(self.context, self.store, name, fault)
        return faults_of(constants, scenario, self.store, name, fault)


def _together(faults: Iterable[Fault]) -> Iterator[Fault]:
    """Those that differ in their targets alone as one."""
    found: dict[str, list[Fault]] = {}
    for fault in faults:
        found.setdefault(fault.model_dump_json(exclude={"targets"}), []).append(fault)
    for alike in found.values():
        yield alike[0].model_copy(update={"targets": tuple(target for fault in alike for target in fault.targets)})
