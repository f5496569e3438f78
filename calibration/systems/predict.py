"""Predictions of measured runs: each case run several times, each run read as the measurement reads its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from calibration.systems import system
from calibration.systems.cases import Case
from calibration.systems.cells import PROBABILITIES
from calibration.systems.readings import Floats, Reading
from sim.engine.run import Traces, run_jobs, run_one
from sim.lower.lowered import Lowered
from sim.network.sources import TraceArrivals
from sim.stats.joined import joined
from sim.studies.loading.inputs import read_traces

FEWEST_JOBS = 8
"""Replications of a case are spread over jobs, each of which makes the network anew, until there are so many."""

Progress = Callable[[int, int], None]
"""Hears how many jobs are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was predicted of one measured run, a number a replication.

    values: by metric, as the cells name them; NaN in a replication that has no such figure. quantiles: by table, one
    row a replication, columns at the probabilities of the cells.
    """

    case: Case
    values: Mapping[str, Floats]
    quantiles: Mapping[str, Floats]

    def mean(self, metric: str) -> float:
        """The prediction of a metric: mean over the replications that have it; NaN where none has."""
        values = self.values.get(metric)
        if values is None or np.isnan(values).all():
            return float("nan")
        return float(np.nanmean(values))

    def table(self, name: str) -> Floats:
        """The predicted table of quantiles: mean over replications at each probability."""
        return np.asarray(np.nanmean(self.quantiles[name], axis=0))


def predicted(case: Case, replications: int, processes: int = -1, seed: int = 1) -> Prediction:
    """The prediction of one case. Raises InputErrors for a wrong scenario, AuditFailed when a run breaks a law."""
    return predicted_all([case], replications, processes, seed)[0]


def predicted_all(
    cases: Sequence[Case],
    replications: int,
    processes: int = -1,
    seed: int = 1,
    draws: Sequence[Sequence[str]] = (),
    on_progress: Progress | None = None,
) -> list[Prediction]:
    """Predictions of many cases, in their order.

    draws: further changes for each replication, in turn, so that uncertain parameters differ from run to run; they
    are made after the case's own. Replication r of a cell has the same random numbers, whatever the changes and
    however many processes there are. Raises KeyboardInterrupt when stopped.
    """
    parts = replications if draws else min(replications, -(-FEWEST_JOBS // len(cases))) if cases else 0
    spread = [some.tolist() for some in np.array_split(np.arange(replications), parts)] if parts else []
    # Making a network may take longer than its runs: cases that differ in length or arrivals alone share it.
    alike: dict[tuple[Path, tuple[str, ...]], list[int]] = {}
    for index, case in enumerate(cases):
        alike.setdefault((case.scenario, case.changes), []).append(index)
    jobs = [
        partial(_readings, [cases[index] for index in group], draws[part % len(draws)] if draws else (), some, seed)
        for group in alike.values()
        for part, some in enumerate(spread)
    ]
    found, are_all = run_jobs(jobs, processes, (lambda done: on_progress(done, len(jobs))) if on_progress else None)
    if not are_all:
        raise KeyboardInterrupt
    readings: list[list[Reading]] = [[] for _ in cases]
    rest = iter(found)
    for group in alike.values():
        for _ in spread:
            for index, some_readings in zip(group, next(rest), strict=True):
                readings[index] += some_readings
    return [_prediction(case, some) for case, some in zip(cases, readings, strict=True)]


def _readings(
    cases: Sequence[Case], more: Sequence[str], replications: Sequence[int], seed: int
) -> list[list[Reading]]:
    """One job: the network that the cases share is made, with further changes, run, and read, case by case."""
    loaded = cases[0].with_changes(more).loaded()
    traces = read_traces(loaded.lowered.network, Path(loaded.document.file).parent)
    return [_of_case(case, loaded.lowered, traces, replications, seed) for case in cases]


def _of_case(case: Case, lowered: Lowered, traces: Traces, replications: Sequence[int], seed: int) -> list[Reading]:
    network = lowered.network
    if case.replayed is not None:
        name = case.replayed.source
        source = network.sources[name].model_copy(update={"arrivals": TraceArrivals(trace=case.name)})
        network = network.model_copy(update={"sources": {**network.sources, name: source}})
        traces = {**traces, name: case.replayed.times_ns(case.duration_ns)}
    runs = (run_one(network, case.plan(seed, replication), traces) for replication in replications)
    return [system(case.system).metrics(case, joined(run, lowered.in_progress)) for run in runs]


def _prediction(case: Case, readings: Sequence[Reading]) -> Prediction:
    names = list(dict.fromkeys(name for one in readings for name in one.values))
    tables = list(dict.fromkeys(name for one in readings for name in one.quantiles))
    wanted = [name for name in names if not case.metrics or name in case.metrics]
    values = {name: np.array([one.values.get(name, np.nan) for one in readings]) for name in wanted}
    none = np.full(len(PROBABILITIES), np.nan)
    quantiles = {name: np.stack([one.quantiles.get(name, none) for one in readings]) for name in tables}
    return Prediction(case, values, quantiles)
