"""How a sample is written down: a summary and 103 quantiles, in the unit of the sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

PROBABILITIES: tuple[float, ...] = (*(i / 100 for i in range(101)), 0.995, 0.999)
"""Of a quantile table: 0.00, 0.01 .. 1.00, then two of the tail."""

SUMMARISED = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.5": 0.995, "p99.9": 0.999}

DECIMALS = 4
"""Of a millisecond: a tenth of a microsecond, ten times finer than pgbench writes."""

Sample = Sequence[float] | NDArray[np.float64]


def summary(sample: Sample) -> dict[str, Any]:
    """n, mean, sd (with n - 1), cv = sd / mean, quantiles and max; of an empty sample n alone.

    The sd of a single value is 0, and so is the cv of a sample whose mean is 0.
    """
    values = np.asarray(sample, dtype=np.float64)
    if not len(values):
        return {"n": 0}
    mean = float(values.mean())
    sd = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    figures = {"mean": mean, "sd": sd, "cv": sd / mean if mean else 0.0}
    tail = np.quantile(values, list(SUMMARISED.values()))
    figures |= dict(zip(SUMMARISED, map(float, tail), strict=True)) | {"max": float(values.max())}
    return {"n": len(values)} | {name: round(figure, DECIMALS) for name, figure in figures.items()}


def table(sample: Sample) -> list[float]:
    """Quantiles of a sample at `PROBABILITIES`, linear between order statistics; of an empty sample none."""
    if not len(sample):
        return []
    return [round(float(value), DECIMALS) for value in np.quantile(np.asarray(sample, float), PROBABILITIES)]


def both(name: str, unit: str, sample: Sample) -> dict[str, Any]:
    """The fields that describe a sample in a line of measurements: `NAME_UNIT` and, if there is any, `NAME_q_UNIT`."""
    fields: dict[str, Any] = {f"{name}_{unit}": summary(sample)}
    if len(sample):
        fields[f"{name}_q_{unit}"] = table(sample)
    return fields
