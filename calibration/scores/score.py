"""Errors of predictions beside the noise of what was measured: pure functions of numbers.

What was measured is in `sim.observed`, what is predicted comes from `sim.calibrate`; `real` brings them together and
`tables` prints. An error is `predicted / measured - 1`, both being means over runs; of a share, such as that of
aborts, it is the plain difference. A measured mean is itself known to noise / sqrt(repeats) only, which is taken off
in quadrature: `corrected` says how much of an error the measurement cannot account for.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from calibration.scores.kinds import SHARES, Load, Use, group_of, kind_of, target_of
from calibration.systems.cells import PROBABILITIES as LEVELS

FloatArray = NDArray[np.float64]

CONFIDENCE: Final = 0.90
"""Of a prediction interval: the chance that one more measured run falls into it."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one cell. values: of each metric, one a repeat; tables: at LEVELS, a row a repeat."""

    system: str
    host: str
    name: str
    use: Use
    values: Mapping[str, FloatArray]
    tables: Mapping[str, FloatArray] = field(default_factory=dict)
    load: Load | None = None


WITHIN_ONE_DEVIATION = math.erf(math.sqrt(0.5))
"""Share of normal errors that are within a standard deviation: 68.3 %."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is predicted of one cell. values: of each metric, one a replication as long as the measured run, where
    parameters were fitted with draws of them; best: the prediction where that is not their mean, since draws do not
    move figures evenly: it is made with the fitted values themselves; tables: quantiles, mean over replications;
    command: repeats it."""

    values: Mapping[str, FloatArray]
    tables: Mapping[str, FloatArray] = field(default_factory=dict)
    command: str = ""
    best: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of one cell.

    measured, predicted: means. noise: standard deviation between repeats, relative to the mean (of a share: as it
    is); borrowed: it is that of the metric's other cells, this one having a single run. monte_carlo: standard error of
    `predicted`, relative. low, high: 90 % prediction interval of one measured run; inside: how many of the `repeats`
    are in it. half_width: relative.
    """

    system: str
    host: str
    cell: str
    use: Use
    load: Load | None
    metric: str
    measured: float
    repeats: int
    noise: float
    borrowed: bool
    predicted: float
    monte_carlo: float
    error: float
    corrected: float
    low: float
    high: float
    inside: int
    half_width: float
    command: str

    @property
    def target(self) -> float | None:
        """The corrected |error| aimed at."""
        return target_of(self.metric)

    @property
    def of_target(self) -> float:
        """Corrected error in targets: 1 is just reached; 0 without a target."""
        return 0.0 if self.target is None else self.corrected / self.target


@dataclass(frozen=True, slots=True)
class TableScore:
    """A whole quantile table of one cell: mean and largest |error| over q0.05 to q0.95, and that of q0.99.

    noise: mean over the same quantiles of the relative standard deviation between repeats; None with a single run.
    corrected: mean of what each quantile's error is beyond it.
    """

    system: str
    host: str
    cell: str
    use: Use
    load: Load | None
    table: str
    repeats: int
    mean: float
    largest: float
    p99: float
    noise: float | None
    corrected: float
    command: str


def noise_of(values: FloatArray, is_share: bool = False) -> float | None:
    """Standard deviation between repeats, relative to their mean unless it is of shares; None of a single one."""
    if values.size < 2:
        return None
    spread = float(values.std(ddof=1))
    return spread if is_share else spread / abs(float(values.mean()))


def pooled_noise(cells: Iterable[Measured]) -> dict[str, float]:
    """Noise of each metric over all cells that were repeated: the root of the mean square."""
    squares: dict[str, list[float]] = defaultdict(list)
    for cell in cells:
        for metric, values in cell.values.items():
            if _can_be_scored(metric, values):
                noise = noise_of(values, kind_of(metric) in SHARES)
                if noise is not None:
                    squares[metric].append(noise**2)
    return {metric: math.sqrt(float(np.mean(found))) for metric, found in squares.items()}


def beyond_noise(error: float, noise: float, repeats: int) -> float:
    """|error| less the noise of a mean over repeats, in quadrature: 0 where the measurement may account for all."""
    return math.sqrt(max(0.0, error**2 - noise**2 / repeats))


def interval_of_one_run(
    values: FloatArray, discrepancy: float, noise: float = 0.0, is_share: bool = False
) -> tuple[float, float]:
    """90 % prediction interval of one more run, of a system that is like the model but for a discrepancy.

    values: one a replication; at least two. discrepancy: standard deviation of what the model gets wrong, of the
    logarithm (of a share: as it is). noise: that of measured runs between repeats, in the same way; what of it the
    replications do not have themselves, such as the drift of a host, is added. Normal on the logarithmic scale: t on
    the replications' degrees of freedom for their spread and their mean's error, the other two in quadrature.
    """
    from scipy.special import ndtri, stdtrit

    logarithmic = not is_share and bool((values > 0).all())
    on = np.log(values) if logarithmic else values
    n = on.size
    assert n >= 2, "one replication has no spread"
    tail = (1 + CONFIDENCE) / 2
    spread = float(on.std(ddof=1))
    of_runs = float(stdtrit(n - 1, tail)) * spread * math.sqrt(1 + 1 / n)
    drift = math.sqrt(max(0.0, noise**2 - spread**2))
    reach = math.hypot(of_runs, float(ndtri(tail)) * math.hypot(discrepancy, drift))
    centre = float(on.mean())
    if logarithmic:
        return math.exp(centre - reach), math.exp(centre + reach)
    return centre - reach, centre + reach


def scores(
    cell: Measured, forecast: Forecast, pooled: Mapping[str, float], discrepancy: Mapping[str, float]
) -> list[Score]:
    """Every metric that is both measured and predicted.

    pooled: noise of one run by metric, for intervals and for a cell with a single run; discrepancy: by group, 0 where
    there is none.
    """
    found = []
    for metric, measured in cell.values.items():
        predicted = forecast.values.get(metric)
        if predicted is None or not _can_be_scored(metric, measured) or not np.isfinite(predicted).all():
            continue
        is_share = kind_of(metric) in SHARES
        mean, guess = float(measured.mean()), forecast.best.get(metric, float(predicted.mean()))
        own = noise_of(measured, is_share)
        noise = pooled.get(metric, 0.0) if own is None else own
        error = guess - mean if is_share else guess / mean - 1
        scale = 1.0 if is_share or not guess else abs(guess)
        one_run = pooled.get(metric, 0.0)
        low, high = interval_of_one_run(predicted, discrepancy.get(group_of(metric), 0.0), one_run, is_share)
        found.append(
            Score(
                cell.system,
                cell.host,
                cell.name,
                cell.use,
                cell.load,
                metric,
                mean,
                measured.size,
                noise,
                own is None,
                guess,
                float(predicted.std(ddof=1)) / math.sqrt(predicted.size) / scale,
                error,
                beyond_noise(error, noise, measured.size),
                low,
                high,
                int(((measured >= low) & (measured <= high)).sum()),
                (high - low) / 2 / scale,
                forecast.command,
            )
        )
    return found


def table_scores(cell: Measured, forecast: Forecast) -> list[TableScore]:
    """Every quantile table that is both measured and predicted."""
    body, p99 = (LEVELS >= 0.05) & (LEVELS <= 0.95), LEVELS == 0.99
    found = []
    for table, measured in cell.tables.items():
        predicted = forecast.tables.get(table)
        if predicted is None:
            continue
        mean = measured.mean(axis=0)
        used = body & (mean > 0)
        if not used.any() or not mean[p99] > 0:
            continue
        error = predicted / np.where(mean > 0, mean, np.nan) - 1
        repeats = len(measured)
        spread = measured.std(axis=0, ddof=1)[used] / mean[used] if repeats > 1 else np.zeros(int(used.sum()))
        corrected = np.sqrt(np.maximum(0.0, error[used] ** 2 - spread**2 / repeats))
        found.append(
            TableScore(
                cell.system,
                cell.host,
                cell.name,
                cell.use,
                cell.load,
                table,
                repeats,
                float(np.abs(error[used]).mean()),
                float(np.abs(error[used]).max()),
                abs(float(error[p99][0])),
                float(spread.mean()) if repeats > 1 else None,
                float(corrected.mean()),
                forecast.command,
            )
        )
    return found


def _can_be_scored(metric: str, measured: FloatArray) -> bool:
    """Whether an error against it can be told: finite, and not 0 where it is relative."""
    finite = measured.size > 0 and bool(np.isfinite(measured).all())
    return finite and (kind_of(metric) in SHARES or float(measured.mean()) > 0)


def discrepancies(found: Sequence[Score]) -> dict[str, float]:
    """By group of metrics, the standard deviation of what the model gets wrong, of the logarithm (of a share: itself).

    Of each error what repeats and replications may account for is taken off in quadrature. The deviation holds as many
    of what is left as one of a normal error does, 68 % (interpolated between cells), so that the cells that are far
    off, most of them at saturation, do not widen all intervals. They are beyond it more often than a normal error
    would be: the coverage that is printed beside it tells.
    """
    beyond: dict[str, list[float]] = defaultdict(list)
    for score in found:
        group = group_of(score.metric)
        error = score.error if group in SHARES else math.log1p(score.error) if score.error > -1 else -math.inf
        if math.isfinite(error):
            noise = score.noise**2 / score.repeats + score.monte_carlo**2
            beyond[group].append(math.sqrt(max(0.0, error**2 - noise)))
    return {group: float(np.quantile(some, WITHIN_ONE_DEVIATION)) for group, some in beyond.items()}
