"""A shop of one till as a measured system: its scenario, its cells, and the adapter that reads its runs."""

from __future__ import annotations

from pathlib import Path

from sim.calibrate.cases import Case
from sim.calibrate.readings import Reading, durations, finished, throughput
from sim.observed.cells import Cell
from sim.results.columns import Replication

SCENARIO = """
name: shop
network:
  sources: {customers: {routine: visit, arrivals: 100/s}}
  stations: {till: {kind: server, servers: 1, service: {exponential: 5 ms}}}
  routines:
    visit: [{delay: 1 ms}, {use: till}]
run: {horizon: 10 s, finite: true, replications: 2}
"""


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
        ended = visits.ended_in(case.dropped_ns, case.duration_ns)
        return throughput(ended.end_ns, case.dropped_ns, case.duration_ns) | durations("latency", visits.latency_ns)
