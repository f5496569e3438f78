"""What is not known of fitted parameters, as settings of the runs: a draw of them for each replication.

The fits are those of studies (`calibration/fits/SYSTEM.yaml`). The scenarios hold the fitted values; a draw is made
after a case's own changes and so takes their place.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from calibration.scores.kinds import SCORED, SHARES, group_of, kind_of
from calibration.systems.cases import Case
from calibration.systems.predict import predicted_all
from sim.calibrate.fits import Fits, changes, read_fits

FITS: Final = Path("calibration") / "fits"
MEASURED: Final = Path("calibration") / "measured"
Progress = Callable[[str, float, int], None]
SEED: Final = 20010401
"""Of the draws: everybody's are the same."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was fitted of a system: the product with the host that it was fitted on, and the hardware of other hosts.

    parts: `fits/SYSTEM.yaml` first, then `fits/SYSTEM-HOST.yaml` of other hosts.
    """

    parts: tuple[Fits, ...]

    @property
    def hosts(self) -> set[str]:
        """Hosts whose hardware was fitted."""
        return {one.host for part in self.parts for one in part.hardware.values() if one.host is not None}

    def changes(self, values: Mapping[str, float], case: Case, host: str) -> list[str]:
        """The `--set` lines that give the parameters these values in a case of this host."""
        parameters = {name: one for part in self.parts for name, one in part.parameters.items()}
        return changes(parameters, values, case.scenario, host)

    @property
    def values(self) -> dict[str, float]:
        """As they were fitted."""
        return {name: value for part in self.parts for name, value in part.values.items()}

    def draws(self, case: Case, host: str, replications: int, first: int = 0) -> list[list[str]]:
        """Changes for each replication of a case, from the draw `first` on; those of different files independent."""
        count = first + replications
        drawn = [part.draws(count, SEED + at) for at, part in enumerate(self.parts)]
        together = [{name: value for one in ones for name, value in one.items()} for ones in zip(*drawn, strict=True)]
        return [self.changes(values, case, host) for values in together[first:]]


def known_of(system: str, root: Path) -> Known | None:
    """The fits of a system; None where it has none."""
    folder, measured = root / FITS, root / MEASURED
    hosts = sorted(path.name for path in measured.iterdir()) if measured.is_dir() else []
    files = [folder / f"{system}.yaml", *(folder / f"{system}-{host}.yaml" for host in hosts)]
    there = [path for path in files if path.is_file()]
    return Known(tuple(map(read_fits, there))) if there else None


def moved_by(
    fits: Known,
    cases: Sequence[tuple[Case, str]],
    replications: int,
    processes: int = -1,
    on_progress: Progress | None = None,
) -> dict[str, float]:
    """By group of metrics, what is not known of the parameters moves a figure by: standard deviation of the logarithm.

    cases: each with its host. Each is run with the fitted parameters and with draws of them, on the same random
    numbers; the spread of the logarithm of the ratio, its root mean square over cases and metrics. To first order it
    is that of any scenario alike.
    """
    squares: dict[str, list[float]] = defaultdict(list)
    for at, (case, host) in enumerate(cases):
        if on_progress is not None:
            on_progress("inputs", at, len(cases))
        drawn = predicted_all([case], replications, processes, draws=fits.draws(case, host, replications))[0]
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
