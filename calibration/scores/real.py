"""Predictions of measured cells: which cells there are, which were fitted to, what is asked of the simulator for each.

Errors of them are the matter of `score`. A cell was calibrated when `calibration/measure/plan.yaml` says so or, where
it is not named there, when the system's study takes it; cells of files that somebody else gives are held out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from calibration.scores.inputs import MEASURED, Known, Progress, known_of, moved_by
from calibration.scores.kinds import SCORED, Load, Use, load_range
from calibration.scores.score import (
    Forecast,
    Measured,
    Score,
    TableScore,
    discrepancies,
    pooled_noise,
    scores,
    table_scores,
)
from calibration.systems import system as adapter
from calibration.systems.cases import Case
from calibration.systems.cells import Cell, read_cells
from calibration.systems.predict import Prediction, predicted_all
from sim.errors import InputErrors, Problem
from sim.scenario.calibrated import calibrated
from sim.scenario.reading.reader import load_yaml

PLAN = Path("calibration") / "measure" / "plan.yaml"
OWN_HOST = "epyc"
"""The host whose constants stand in `configs/real`."""
HOST_CORES = 2
"""Cores of the hosts that were measured, see calibration/measured."""
NO_LOAD = ("idle", "flush")
"""Modes in which nothing is asked of the system, so that nothing is predicted: they tell constants."""
KEPT_UP = 0.95
"""An open load was carried when at least this share of it was done within the measured time."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What came of it. left_out: cells that were not scored, each with its reason. cases: what was asked of the
    simulator for each cell's first repeat, with the cell's host. replications: runs of each cell, at the least."""

    system: str
    scores: tuple[Score, ...]
    tables: tuple[TableScore, ...]
    left_out: tuple[str, ...]
    cases: tuple[tuple[Case, str], ...] = ()
    replications: int = 0

    def inputs(
        self, root: Path, replications: int, processes: int = -1, on_progress: Progress | None = None
    ) -> dict[str, float]:
        """By group of metrics, by how much what is not known of the fitted parameters moves these cells; nothing
        without fits."""
        fits = known_of(self.system, root)
        return {} if fits is None else moved_by(fits, self.cases, replications, processes, on_progress)


def score_system(
    name: str,
    root: Path,
    data: Sequence[Path] = (),
    host: str = "",
    only: str = "*",
    replications: int = 20,
    processes: int = -1,
    on_progress: Progress | None = None,
    discrepancy: Mapping[str, float] | None = None,
) -> Scored:
    """Predict and score the measured cells of a system.

    root: folder of the project. data: files of measurements instead of the project's own, whose cells are then held
    out. host: that `data` was measured on, the name of its folder by default where that is one of the project's hosts,
    else OWN_HOST; of the project's own cells, those of this host alone. only: pattern of the cells' names.
    discrepancy: by group, for the prediction intervals; without it that of all other cells, each cell apart, and for
    `data` that of the envelope.
    Raises InputErrors for files that cannot be read and patterns that name nothing.
    """
    if data and discrepancy is None:
        # What a user of `sim run` is told; cells that nobody has seen do not tell of each other.
        discrepancy = calibrated()[name].discrepancy or None
    files = list(data) or sorted((root / MEASURED).glob("*/*.jsonl"))
    cells = [cell for cell in _read(files, root, host if data else "") if cell.system == name]
    cells = [cell for cell in cells if not host or cell.host == host]
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        if fnmatchcase(cell.name, only):
            groups.setdefault((cell.host, cell.name), []).append(cell)
    if not groups:
        there = ", ".join(dict.fromkeys(cell.name for cell in cells)) or "none"
        raise InputErrors([Problem("--only", f"no cell of {name} is named {only}", f"cells are {there}")])
    try:
        adapted = adapter(name)
    except ModuleNotFoundError:
        message = f"{name} has measurements, and nobody has written yet what is asked of the simulator for them"
        raise InputErrors([Problem("", message)]) from None
    held_out = None if data else _uses(root)
    requested: list[tuple[Measured, list[Case]]] = []
    left_out: list[str] = []
    fits = known_of(name, root)
    # Adapters may hold what is known of a host beside the fits.
    profiles = (host for table in ("HARDWARE", "HOSTS") for host in getattr(adapted, table, ()))
    hosts = {OWN_HOST, *profiles, *(() if fits is None else fits.hosts)}
    for other in dict.fromkeys(there for there, _ in groups if there not in hosts):
        count = sum(there == other for there, _ in groups)
        left_out.append(f"{count} cells of {other}: the constants of that host are not fitted yet")
    for (there, _), repeats in groups.items():
        if there not in hosts or repeats[0].settings.get("mode") in NO_LOAD:
            continue
        try:
            cases = list(dict.fromkeys(adapted.case(cell) for cell in repeats))
        except KeyError as reason:
            what = repeats[0].settings.get("mode", "its")
            left_out.append(f"{repeats[0].name}: no scenario is known for `{what}` ({reason})")
            continue
        use: Use = "held_out" if held_out is None else held_out.get(repeats[0].name, "calibrated")
        requested.append((_measured(repeats, use), cases))
    forecasts = [
        _forecast(cell, cases, fits, replications, processes) for cell, cases in _one_by_one(requested, on_progress)
    ]
    measured = [cell for cell, _ in requested]
    first = tuple((cases[0], cell.host) for cell, cases in requested)
    return Scored(name, *_scored(measured, forecasts, discrepancy), tuple(left_out), first, replications)


def _read(files: Sequence[Path], root: Path, host: str) -> list[Cell]:
    known = {path.name for path in (root / MEASURED).iterdir()}
    found: list[Cell] = []
    for path in files:
        folder = path.resolve().parent.name
        found += read_cells([path], host or (folder if folder in known else OWN_HOST))
    return found


def _scored(
    cells: Sequence[Measured], forecasts: Sequence[Forecast], discrepancy: Mapping[str, float] | None
) -> tuple[tuple[Score, ...], tuple[TableScore, ...]]:
    pooled = pooled_noise(cells)
    pairs = list(zip(cells, forecasts, strict=True))
    first = [score for cell, forecast in pairs for score in scores(cell, forecast, pooled, {})]
    found: list[Score] = []
    for cell, forecast in pairs:
        others = [score for score in first if (score.host, score.cell) != (cell.host, cell.name)]
        found += scores(cell, forecast, pooled, discrepancies(others) if discrepancy is None else discrepancy)
    return tuple(found), tuple(score for cell, forecast in pairs for score in table_scores(cell, forecast))


def _uses(root: Path) -> dict[str, Use]:
    """By name of the cell, whether it may be fitted to, as the plan of the measurements says."""
    path = root / PLAN
    if not path.is_file():
        return {}
    plan = load_yaml(path.read_text(encoding="utf-8"), str(path))
    return {
        cell: "calibrated" if entry["use"] == "calibrate" else "held_out"
        for sheets in plan.values()
        if isinstance(sheets, dict)
        for sheet in sheets.values()
        if isinstance(sheet, dict)
        for cell, entry in sheet.get("cells", {}).items()
    }


def _measured(repeats: Sequence[Cell], use: Use) -> Measured:
    """A cell's repeats as one. A metric that one of them lacks is taken from the others."""
    first = repeats[0]
    found = {
        metric: np.array([cell.values[metric] for cell in repeats if metric in cell.values])
        for metric in SCORED
        if any(metric in cell.values for cell in repeats)
    }
    # Of hot rows the committed work is the throughput; it is told once.
    if "goodput" in found:
        found.pop("throughput", None)
    tables = {
        table: np.stack([cell.quantiles[table] for cell in repeats if table in cell.quantiles])
        for table in dict.fromkeys(name for cell in repeats for name in cell.quantiles)
    }
    return Measured(first.system, first.host, first.name, use, found, tables, load_of(repeats))


def load_of(repeats: Sequence[Cell]) -> Load | None:
    """The load of a cell: of what it was given as a share of what was carried at most, of the host's cores, of the
    workers' slots, the greatest. None where the load is not the matter, such as after a kill."""
    settings = repeats[0].settings
    if settings.get("mode") not in ("closed", "open", "contention"):
        return None
    shares = [float(settings.get("load_pct", 0)) / 100]
    busy = [cell.values["cpu"] / HOST_CORES for cell in repeats if "cpu" in cell.values]
    if busy:
        shares.append(float(np.mean(busy)))
    rate = settings.get("rate")
    if rate and settings.get("sleep_ms") and settings.get("slots"):
        in_slots = rate * settings.get("k", 1) * settings["sleep_ms"] / 1000
        shares.append(in_slots / (settings["slots"] * settings.get("workers", 1)))
    if settings["mode"] != "open":
        # A closed loop waits for what it has asked for: it fills a system, it does not flood it.
        return load_range(min(max(shares), 0.999))
    done = [cell.values["throughput"] for cell in repeats if "throughput" in cell.values]
    if not rate or not done:
        return load_range(max(shares))
    # Fewer may also come by chance: two standard deviations of a Poisson count over all repeats.
    by_chance = 2 * (rate / (settings["duration_s"] * len(done))) ** 0.5
    return load_range(max(shares), float(np.mean(done)) >= KEPT_UP * rate - by_chance)


def _one_by_one(
    requested: Sequence[tuple[Measured, list[Case]]], on_progress: Progress | None
) -> Iterator[tuple[Measured, list[Case]]]:
    for at, one in enumerate(requested):
        if on_progress is not None:
            on_progress("cells", at, len(requested))
        yield one


def _forecast(
    cell: Measured, cases: Sequence[Case], fits: Known | None, replications: int, processes: int
) -> Forecast:
    """Over the cases of the cell's repeats, which may differ in length and arrivals; each is run at least twice: with
    the fitted parameters, which makes the prediction, and with draws of them, which makes its interval."""
    runs = max(2, -(-replications // len(cases)))
    if fits is None:
        return _together(predicted_all(cases, runs, processes))
    fitted = fits.changes(fits.values, cases[0], cell.host)
    best = _together(predicted_all([case.with_changes(fitted) for case in cases], runs, processes))
    found = []
    for at, case in enumerate(cases):
        draws = fits.draws(case, cell.host, runs, at * runs)
        found += predicted_all([case], runs, processes, draws=draws)
    # What repeats it on the host whose constants the scenario holds needs no more; on others it takes theirs.
    theirs = [] if cell.host == OWN_HOST else fits.changes(fits.values, cases[0], cell.host)
    return replace(
        _together(found),
        command=cases[0].with_changes(theirs).command(),
        tables=best.tables,
        best={name: float(values.mean()) for name, values in best.values.items()},
    )


def _together(predictions: Sequence[Prediction]) -> Forecast:
    names = dict.fromkeys(name for one in predictions for name in one.values)
    values = {}
    for name in names:
        found = np.concatenate([one.values[name] for one in predictions if name in one.values])
        found = found[np.isfinite(found)]
        if found.size >= 2:
            values[name] = found
    tables = {}
    for name in dict.fromkeys(table for one in predictions for table in one.quantiles):
        rows = np.concatenate([one.quantiles[name] for one in predictions if name in one.quantiles])
        rows = rows[np.isfinite(rows).all(axis=1)]
        if len(rows):
            tables[name] = rows.mean(axis=0)
    return Forecast(values, tables, predictions[0].case.command())
