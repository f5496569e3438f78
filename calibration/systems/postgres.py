"""PostgreSQL under pgbench: cells as changes of `configs/real/pgbench-*.yaml` and `postgres-recovery.yaml`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from calibration.systems.cases import Case
from calibration.systems.cells import Cell
from calibration.systems.readings import Ints, Reading, durations, share, throughput
from sim.lower.load import load
from sim.network.distributions import Lognormal
from sim.network.routines import Use
from sim.results.columns import Replication, SpanUse
from sim.units.tables import SECOND

FOLDER = Path("configs/real")
SCENARIOS = {
    "closed": FOLDER / "pgbench-closed.yaml",
    "open": FOLDER / "pgbench-open.yaml",
    "contention": FOLDER / "pgbench-hot.yaml",
    "recovery": FOLDER / "postgres-recovery.yaml",
}
ROUTINES = {"tpcb-like": "tpcb", "select-only": "select_only", "hold": "hold"}
ISOLATION = {"READ COMMITTED": 0, "REPEATABLE READ": 1, "SERIALIZABLE": 2}
CLIENTS = "network.sources.clients"
WORKS_AT = "chip"
"""Station at which a core's work is done; its times are those of the host of the scenarios, `epyc`."""
RECOVERY_TAKES_NS = 60 * SECOND
"""More than any recovery from a few seconds of load takes."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """How another host differs from that of the scenarios.

    core: time that one core takes for the same work, as a factor. changes: the rest, as for `--set`. sleep: of the
    script `hold`, whose timers end later where cores sleep deeper.
    """

    core: float
    changes: tuple[str, ...]
    sleep: str


HARDWARE = {
    # Fitted to the cells that may be fitted to (calibration/measured/xeon). Its two cores are threads of one, as it
    # seems: together they do 1.05 times what one does alone.
    "xeon": Hardware(
        core=0.745,
        changes=(
            "network.routines.wake.0.delay=5.45 us",
            "network.stations.device.service.mean=54 us",
            f"network.stations.{WORKS_AT}.cores=1.05",
        ),
        sleep="network.routines.hold.6.delay={uniform: [5.42 ms, 5.5 ms]}",
    )
}
"""By name of the host. One that is not here is taken to be like that of the scenarios."""


def case(cell: Cell) -> Case:
    """The run of pgbench that the cell is. Raises KeyError for a mode or script that has no scenario."""
    settings, mode = cell.settings, cell.settings["mode"]
    length = settings["load_s"] if mode == "recovery" else settings["duration_s"]
    load_ns = round(length * SECOND)
    return Case(
        system="postgres",
        name=cell.name,
        scenario=SCENARIOS[mode],
        changes=(*_changes(mode, settings), *_hardware(cell.host, SCENARIOS[mode], settings.get("script", ""))),
        duration_ns=load_ns + RECOVERY_TAKES_NS if mode == "recovery" else load_ns,
        dropped_ns=round(settings.get("dropped_first_s", 0) * SECOND),
        drain_ns=0,
    )


def _changes(mode: str, settings: Mapping[str, Any]) -> Iterator[str]:
    clients = settings["clients"]
    if mode != "contention":
        yield f"{CLIENTS}.routine={ROUTINES[settings['script']]}"
    if mode == "open":
        yield f"{CLIENTS}.arrivals={settings['rate']:g}/s"
        yield f"{CLIENTS}.stop={settings['duration_s']:g} s"
    else:
        yield f"{CLIENTS}.arrivals.closed={clients}"
    yield f"network.resources.connections.units={clients}"
    yield f"network.attributes.durable={0 if settings['synchronous_commit'] == 'off' else 1}"
    if mode == "contention":
        yield f"network.nodes.rows.count={settings['rows']}"
        yield f"network.attributes.isolation={ISOLATION[settings['isolation']]}"
    if mode == "recovery":
        yield f"{CLIENTS}.stop={settings['load_s']:g} s"
        yield f"network.routines.server.2.delay={settings['load_s']:g} s"


def _hardware(host: str, scenario: Path, script: str) -> Iterator[str]:
    if host not in HARDWARE:
        return
    hardware = HARDWARE[host]
    yield from hardware.changes
    if script == "hold":
        yield hardware.sleep
    for path, mean_ns in _work(scenario):
        yield f"{path}={hardware.core * mean_ns / 1000:.4g} us"


@cache
def _work(scenario: Path) -> tuple[tuple[str, int], ...]:
    """Every time of work of a core: where it stands, and its mean."""
    return tuple(
        (f"network.routines.{name}.{at}.use.demand.mean", step.use.demand.mean_ns)
        for name, steps in load(scenario).lowered.network.routines.items()
        for at, step in enumerate(steps)
        if isinstance(step, Use)
        and step.use.station == WORKS_AT
        and isinstance(step.use.demand, Lognormal)
        and step.use.demand.mean_ns is not None
    )


def metrics(case: Case, run: Replication) -> Reading:
    """What pgbench reports, or how long the recovery took."""
    if case.scenario == SCENARIOS["recovery"]:
        return _recovery(run)
    if case.scenario == SCENARIOS["open"]:
        found = durations("latency", run.spans["span.latency"].durations_ns)
        for part in ("lag", "service"):
            found |= durations(part, run.spans[f"span.{part}"].durations_ns)
        return found | throughput(run.spans["span.latency"].ended_ns, 0, case.duration_ns)
    done = run.spans["span.transaction"]
    found = durations("latency", _ended(done, case)) | throughput(done.ended_ns, case.dropped_ns, case.duration_ns)
    if case.scenario == SCENARIOS["contention"]:
        aborted = run.spans["span.aborted"].count
        found |= throughput(done.ended_ns, case.dropped_ns, case.duration_ns, "goodput")
        found |= share("aborts", aborted, aborted + done.count)
    return found


def _ended(one: SpanUse, case: Case) -> Ints:
    """Durations of those that ended while it was measured."""
    return one.durations_ns[(one.ended_ns >= case.dropped_ns) & (one.ended_ns < case.duration_ns)]


def _recovery(run: Replication) -> Reading:
    names = {"recovery": "recovery", "recovery.redo": "redo", "recovery.checkpoint": "checkpoint"}
    return Reading(
        {metric: float(np.mean(run.spans[f"span.{span}"].durations_ns)) / SECOND for metric, span in names.items()}
    )


__all__ = ["HARDWARE", "ISOLATION", "ROUTINES", "SCENARIOS", "case", "metrics"]
