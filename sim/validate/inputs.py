"""What is not known of fitted parameters, as settings of the runs: a draw of them for each replication.

The fits are those of `sim calibrate` (`calibration/fits/SYSTEM.yaml`). The scenarios hold the fitted values; a draw is
made after a case's own changes and so takes their place.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from sim.calibrate.cases import Case
from sim.calibrate.fits import Fits, read_fits
from sim.calibrate.predict import predicted_all
from sim.validate.kinds import SCORED, SHARES, group_of, kind_of

FITS: Final = Path("calibration") / "fits"
Told = Callable[[str, float, int], None]
SEED: Final = 20010401
"""Of the draws: everybody's are the same."""


def fits_of(system: str, root: Path) -> Fits | None:
    """The fits of a system; None where it has none."""
    path = root / FITS / f"{system}.yaml"
    return read_fits(path) if path.is_file() else None


def draws_of(fits: Fits, case: Case, host: str, replications: int, first: int = 0) -> list[list[str]]:
    """Changes for each replication of a case, from the draw `first` on."""
    return [fits.changes(values, case, host) for values in fits.draws(first + replications, SEED)[first:]]


def moved_by(
    fits: Fits, cases: Sequence[tuple[Case, str]], replications: int, processes: int = -1, told: Told | None = None
) -> dict[str, float]:
    """By group of metrics, what is not known of the parameters moves a figure by: standard deviation of the logarithm.

    cases: each with its host. Each is run with the fitted parameters and with draws of them, on the same random
    numbers; the spread of the logarithm of the ratio, its root mean square over cases and metrics. To first order it
    is that of any scenario alike.
    """
    squares: dict[str, list[float]] = defaultdict(list)
    for at, (case, host) in enumerate(cases):
        if told is not None:
            told("inputs", at, len(cases))
        drawn = predicted_all([case], replications, processes, draws=draws_of(fits, case, host, replications))[0]
        fitted = case.with_changes(fits.changes(fits.values, case, host))
        plain = predicted_all([fitted], replications, processes)[0]
        for metric in SCORED:
            if metric not in drawn.values or metric not in plain.values or kind_of(metric) in SHARES:
                continue
            ratio = drawn.values[metric] / plain.values[metric]
            ratio = ratio[np.isfinite(ratio) & (ratio > 0)]
            if ratio.size >= 2:
                squares[group_of(metric)].append(float(np.log(ratio).var(ddof=1)))
    return {group: math.sqrt(float(np.mean(found))) for group, found in squares.items()}
