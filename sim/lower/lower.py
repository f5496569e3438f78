"""A scenario into a network, as a whole. What each part becomes is told in the other files."""

from __future__ import annotations

from sim.lower.constants import Constants
from sim.lower.faults import fault_of
from sim.lower.lowered import Lowered
from sim.lower.machines import machines, volumes
from sim.lower.parts import Parts
from sim.lower.platform import Platform
from sim.lower.progress import seed
from sim.lower.store import Store
from sim.lower.workers import DISPATCHED, READY, Workers
from sim.lower.workflow import WorkflowRoutine
from sim.network.monitors import Span
from sim.scenario.scenario import Scenario


def lower(scenario: Scenario) -> Lowered:
    """The network of a scenario, and what goes with it. The scenario's parts fit together (`sim.scenario.check`)."""
    if scenario.network is not None:
        network = scenario.network
        return Lowered(
            network,
            {source.routine: None for source in network.sources.values()},
            machines=tuple(machines(scenario)),
        )
    assert scenario.temporal is not None
    assert scenario.postgres is not None
    parts, constants = Parts(), Constants(scenario)
    store = Store(parts, constants, scenario.temporal, scenario.postgres)
    platform = Platform(parts, constants, scenario.temporal, store.rtt_ns)
    workers = {
        queue: Workers(parts, constants, platform, store, queue, pool) for queue, pool in scenario.workers.items()
    }
    retention = scenario.temporal.retention
    in_progress: dict[str, str] = {}
    histories = {}
    for name, workflow in scenario.workflows.items():
        routine = WorkflowRoutine(parts, constants, platform, store, workers, name, workflow)
        routine.add()
        if scenario.run.start == "in_progress":
            in_progress.update(dict.fromkeys(seed(parts, constants, routine), name))
        if retention is not None:
            histories[name] = routine.history(retention)
    parts.spans["platform"] = Span(start=READY, end=DISPATCHED)
    parts.monitors.update(scenario.monitors)
    for name, fault in scenario.faults.items():
        parts.faults[name] = fault_of(constants, scenario, fault)
        if fault.target.startswith("workers."):
            workers[fault.target.removeprefix("workers.")].add_recovery()
    _note_what_is_left_out(constants)
    return Lowered(
        network=parts.network(),
        deadlines_ns={name: workflow.deadline_ns for name, workflow in scenario.workflows.items()},
        assumptions=tuple(constants.noted.values()),
        machines=tuple(machines(scenario)),
        volumes=tuple(volumes(scenario)),
        histories=histories,
        in_progress=in_progress,
        task_queues={queue: pool.sync_match for queue, pool in workers.items()},
        flushes=("wal",) if scenario.postgres.synchronous_commit else (),
    )


def _note_what_is_left_out(constants: Constants) -> None:
    """What the mechanism does not have: said, so that nobody takes it for included."""
    for what, value in (
        ("eager dispatch of activities", "off: every task passes through the transfer queue"),
        ("workflow tasks of a fan-out", "one at the join"),
        ("CPU of activities", "not taken from the cores of their worker"),
        ("heartbeats, and the timeout of an activity attempt", "write nothing to the store"),
        (
            "reads of queues, visibility and deletion after the retention",
            "take the store's CPU at the transition that causes them; their commits are counted, not waited for",
        ),
    ):
        constants.note(what, value)
