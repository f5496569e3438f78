"""Predictions of measured runs: each case run several times, each run read as the measurement reads its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim.calibrate.cases import Case
from sim.calibrate.readings import Floats, Reading
from sim.calibrate.systems import system
from sim.engine.run import Planned, Traces, run_all
from sim.plan.traces import read_traces
from sim.results.columns import Replication
from sim.stats.joined import joined


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
    told: Callable[[float], None] | None = None,
) -> list[Prediction]:
    """Predictions of many cases, in their order.

    draws: further changes for each replication, in turn, so that uncertain parameters differ from run to run; they are
    made after the case's own. Replication r of every case has the same random numbers whatever the changes. told:
    hears how many runs are done. Raises KeyboardInterrupt when stopped.
    """
    asked = (
        [
            _Asked.of(case.with_changes(draws[r % len(draws)]) if draws else case, seed, range(r, r + 1))
            for case in cases
            for r in range(replications)
        ]
        if draws
        else [_Asked.of(case, seed, range(replications)) for case in cases]
    )
    runs = iter(_run(asked, processes, told))
    readings = [[next(runs) for _ in range(replications)] for _ in cases]
    return [_prediction(case, some) for case, some in zip(cases, readings, strict=True)]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Runs of one scenario, and how they are read."""

    case: Case
    planned: tuple[Planned, ...]
    in_progress: Mapping[str, str]
    traces: Traces

    @classmethod
    def of(cls, case: Case, seed: int, replications: range) -> _Asked:
        loaded = case.loaded()
        network = loaded.lowered.network
        return cls(
            case,
            tuple((network, case.plan(seed, r)) for r in replications),
            loaded.lowered.in_progress,
            read_traces(network, Path(loaded.document.file).parent),
        )

    def reading(self, run: Replication) -> Reading:
        return system(self.case.system).metrics(self.case, joined(run, self.in_progress))


def _run(asked: Sequence[_Asked], processes: int, told: Callable[[float], None] | None) -> list[Reading]:
    """Readings of all runs, in order. Those without files of arrivals go together, so that all cores are at work."""
    found: dict[int, list[Reading]] = {}
    together = [index for index, one in enumerate(asked) if not one.traces]
    for group in [together, *([index] for index, one in enumerate(asked) if one.traces)]:
        planned = [run for index in group for run in asked[index].planned]
        traces = asked[group[0]].traces if group else {}
        runs, are_all = run_all(planned, traces, processes, told)
        if not are_all:
            raise KeyboardInterrupt
        rest = iter(runs)
        for index in group:
            found[index] = [asked[index].reading(next(rest)) for _ in asked[index].planned]
    return [reading for index in range(len(asked)) for reading in found[index]]


def _prediction(case: Case, readings: Sequence[Reading]) -> Prediction:
    names = list(dict.fromkeys(name for one in readings for name in one.values))
    tables = list(dict.fromkeys(name for one in readings for name in one.quantiles))
    wanted = [name for name in names if not case.metrics or name in case.metrics]
    values = {name: np.array([one.values.get(name, np.nan) for one in readings]) for name in wanted}
    columns = {name: next(len(one.quantiles[name]) for one in readings if name in one.quantiles) for name in tables}
    quantiles = {
        name: np.stack([one.quantiles.get(name, np.full(columns[name], np.nan)) for one in readings])
        for name in tables
    }
    return Prediction(case, values, quantiles)
