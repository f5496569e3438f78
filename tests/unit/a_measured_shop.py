"""A shop of one till as a measured system: its scenario, the adapter that reads its runs, and runs of a known truth
written as if a load generator had measured them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from calibration.systems.cases import Case
from calibration.systems.cells import AS_MEASURED, PROBABILITIES, Cell
from calibration.systems.predict import predicted
from calibration.systems.readings import Reading, durations, finished, throughput
from sim.results.columns import Replication

SCENARIO = """
name: shop
network:
  sources: {customers: {routine: visit, arrivals: 100/s}}
  stations:
    till: {kind: server, servers: 1, service: {exponential: 5 ms}}
    closed: {kind: server, servers: 1, service: 1 s}
  routines:
    visit: [{delay: 1 ms}, {delay: 2 ms}, {use: till}]
run: {horizon: 10 s, finite: true, replications: 2}
"""

SERVICE = "network.stations.till.service.exponential"
WALK = "network.routines.visit.0.delay"
RETURN = "network.routines.visit.1.delay"
UNUSED = "network.stations.closed.service"


def written(folder: Path) -> Path:
    """The scenario as a file in `folder`."""
    path = folder / "shop.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


class Shop:
    """The adapter. scenario: path of the file."""

    def __init__(self, scenario: Path) -> None:
        self.scenario = scenario

    def case(self, cell: Cell) -> Case:
        """A cell is a rate and a duration."""
        rate = f"network.sources.customers.arrivals={cell.settings['rate']}/s"
        return Case(cell.system, cell.name, self.scenario, (rate,), round(cell.settings["duration_s"] * 1e9))

    def metrics(self, case: Case, run: Replication) -> Reading:
        """Throughput within the load, latency of all who came."""
        visits = finished(run, "visit")
        ended = visits.where((visits.end_ns >= case.dropped_ns) & (visits.end_ns < case.duration_ns))
        return throughput(ended.end_ns, case.dropped_ns, case.duration_ns) | durations("latency", visits.latency_ns)


def measured(
    folder: Path, scenario: Path, truth: Sequence[str], rates: Sequence[int], repeats: int, seed: int
) -> Path:
    """A file of cells: the shop with the changes `truth` at each of the rates, as pgbench's open loop is written."""
    order = np.argsort(AS_MEASURED)
    rows = []
    for rate in rates:
        case = Case("postgres", "", scenario, (f"network.sources.customers.arrivals={rate}/s", *truth), 2_000_000_000)
        found = predicted(case, repeats, processes=1, seed=seed + rate)
        for repeat in range(repeats):
            table = np.empty(len(PROBABILITIES))
            table[order] = found.quantiles["latency"][repeat]
            mean = {name: found.values[f"latency.{name}"][repeat] for name in ("mean", "p50", "p90", "p95", "p99")}
            row = {"id": f"shop-{rate}-r{repeat}", "repeat": repeat, "script": "shop", "clients": 1, "duration_s": 2}
            row |= {"synchronous_commit": "on", "dropped_first_s": 0, "rate_target": rate, "failed": {}, "n_ok": 1}
            row |= {"tps_steady": found.values["throughput"][repeat], "latency_ms": mean}
            rows.append(row | {"latency_q_ms": table.tolist()})
    path = folder / "shop.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path
