"""DBOS on PostgreSQL under workflows of steps: cells as changes of `configs/real/dbos.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from calibration.systems.cases import FOLLOWED_NS, Case, Replayed
from calibration.systems.cells import Cell
from calibration.systems.readings import Reading, durations, finished, span, throughput
from sim.results.columns import Replication
from sim.units.tables import SECOND

SCENARIO = Path("configs/real/dbos.yaml")
WORKFLOW, QUEUE = "chain", "measured"
HOSTS = {
    "xeon": (
        "constants.dbos.core_speed=72 %",
        "constants.postgres.cpu_per_message=80 us",
        "postgres.flush=0.1 ms",
        "hosts.machine.start_cpu=1.6 ms",
    )
}
"""What is different on hosts other than the scenario's own, beside what the study fits there: cores by the CPU that
executors, PostgreSQL and the driver took for the same work, the flush by pgbench with one client."""
FIRST_SECOND_NS = SECOND
"""The measurement counts ends from the first second of the load on."""


def case(cell: Cell) -> Case:
    """The load that the cell was measured under, from an idle start, followed until all is done."""
    settings = cell.settings
    replayed = Replayed(WORKFLOW, settings["seed"], settings["rate"]) if "seed" in settings else None
    return Case(
        system="dbos",
        name=cell.name,
        scenario=SCENARIO,
        changes=tuple(_changes(cell)),
        duration_ns=round(settings["duration_s"] * SECOND),
        drain_ns=FOLLOWED_NS,
        replayed=replayed,
    )


def _changes(cell: Cell) -> Iterator[str]:
    settings, chain = cell.settings, f"workflows.{WORKFLOW}"
    yield from HOSTS.get(cell.host, ())
    yield f"{chain}.arrivals={settings['rate']:g}/s"
    yield f"{chain}.steps.0.repeat.times={settings['k']}"
    yield f"{chain}.steps.0.repeat.steps.0.activity.service={settings['ms']:g} ms"
    yield f"workers.{QUEUE}.replicas={settings['execs']}"
    yield f"dbos.polling_interval={1000 * settings['poll']:g} ms"


def metrics(case: Case, run: Replication) -> Reading:
    """From the client's call to the last line of the workflow's code, and its parts: to the first line, the rest.

    What the workflow writes at its end comes after both; so does the end of its execution, which throughput counts: a
    transaction later than the measurement did. Who has the interpreter works, or waits a moment for a core.
    """
    ends_ns = finished(run, WORKFLOW).end_ns
    return (
        throughput(ends_ns, FIRST_SECOND_NS, case.duration_ns)
        | durations("latency", span(run, f"enqueue_to_return.{QUEUE}"))
        | durations("start", span(run, f"schedule_to_start.{QUEUE}"))
        | durations("service", span(run, f"start_to_return.{QUEUE}"))
        | Reading({"cpu.executors": run.places[f"{QUEUE}-interpreter"].busy_area / case.duration_ns})
    )
