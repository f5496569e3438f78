"""Entry of the lowering: a scenario becomes a network, by what it describes."""

from __future__ import annotations

from sim.lower.context import Context
from sim.lower.dbos.deployment import lower_dbos
from sim.lower.faults.classes import Failures, network_classes
from sim.lower.faults.targets import FaultTargets
from sim.lower.lowered import Lowered, stated
from sim.lower.placement.machines import machines
from sim.lower.setting import settings_as_written, settings_in
from sim.lower.tables import add_stores
from sim.lower.temporal.deployment import Deployment
from sim.network import Network
from sim.network.facts import run_by_executions
from sim.scenario.scenario import Scenario


def lower(scenario: Scenario) -> Lowered:
    """The network of a scenario that was checked (`sim.scenario.checks`), and what goes with it."""
    if scenario.network is not None:
        return _as_it_stands(scenario, scenario.network)
    if scenario.dbos is not None:
        return lower_dbos(scenario)
    if scenario.temporal is not None:
        return Deployment(scenario).lowered()
    return _stores_alone(scenario)


def _as_it_stands(scenario: Scenario, network: Network) -> Lowered:
    """A network that the scenario itself writes down."""
    return Lowered(
        network,
        dict.fromkeys([*(source.routine for source in network.sources.values()), *run_by_executions(network)]),
        assumptions=stated(scenario.assumptions),
        machines=tuple(machines(scenario)),
        classes=network_classes(network),
        settings=settings_as_written(network),
    )


def _stores_alone(scenario: Scenario) -> Lowered:
    """Databases and their queries, without a platform."""
    context = Context.of(scenario)
    data = add_stores(context)
    failures = Failures(context, FaultTargets(context).of)
    for name, fault in scenario.faults.items():
        failures.add(name, fault)
    network = context.parts.network()
    return Lowered(
        network=network,
        deadlines_ns=dict.fromkeys(data.routines),
        assumptions=(*stated(scenario.assumptions), *context.constants.noted.values()),
        machines=(*machines(scenario), *data.machines),
        volumes=data.volumes,
        computed=data.computed,
        classes=failures.classes(network),
        settings=settings_in(network, context.parts.settings),
    )
