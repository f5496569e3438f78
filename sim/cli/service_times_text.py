"""Observations and the fits of their service times as lines of text, for `sim calibrate LOG`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sim.calibrate.service_times import Candidate, ServiceTimes, as_yaml, duration
from sim.observed.table import Observations, unit_of
from sim.report.grid import grid, paragraph
from sim.units import format_duration_ns, format_rate

SHOWN = ("p50", "p95", "p99", "max")
"""Percentiles of the table."""


def as_text(observed: Observations, fits: Mapping[str, ServiceTimes], name: str) -> str:
    """What was found and, of each kind that was fitted, the distribution and how well it fits."""
    return "\n".join(_lines(observed, fits, name))


def _lines(observed: Observations, fits: Mapping[str, ServiceTimes], name: str) -> Iterator[str]:
    yield f"{name}: {observed.source}"
    yield ""
    yield from grid(list(_table(observed)))
    for remark in observed.notes:
        yield from paragraph(f"note: {remark}", 6)
    for kind, one in fits.items():
        yield ""
        yield from _fit(kind, one)


def _table(observed: Observations) -> Iterator[tuple[str, ...]]:
    import numpy as np

    yield ("KIND", "VALUES", "RATE", "MEAN", *(name.upper() for name in SHOWN))
    for kind, sample in observed.samples.items():
        unit = unit_of(kind)

        def shown(value: float, unit: str = unit) -> str:
            return format_duration_ns(value) if unit == "ns" else f"{value:.4g}{'/s' if unit == '1/s' else ''}"

        percentiles = np.quantile(sample.value, [0.5, 0.95, 0.99, 1.0])
        rate = format_rate(sample.rate_per_s) if sample.span_s > 0 and unit != "1/s" else ""
        yield (
            kind,
            f"{sample.n}",
            rate,
            shown(float(sample.value.mean())),
            *(shown(float(one)) for one in percentiles),
        )
    for kind, binned in observed.binned.items():
        mean = format_duration_ns(binned.sum_ns / binned.n) if binned.n and binned.sum_ns == binned.sum_ns else ""
        yield (kind, f"{binned.n:.0f}", "", mean, *("" for _ in SHOWN))


def _fit(kind: str, one: ServiceTimes) -> Iterator[str]:
    yield f"{kind}: {one.yaml or 'not fitted'}"
    if one.candidates:
        yield from (f"  {line}" for line in grid(list(_families(one))))
        best, found = one.candidates[0], one.goodness
        assert found is not None
        verdict = f"p = {found.p_value:.3f}, by samples of the fit that were fitted anew"
        yield from paragraph(f"  {best.family.name}: {_parameters(best, one)}; {verdict}", 4)
    for remark in one.notes:
        yield from paragraph(f"  note: {remark}", 8)


def _families(one: ServiceTimes) -> Iterator[tuple[str, ...]]:
    yield ("FAMILY", "AIC", "DISTANCE", "AS YAML")
    least = one.candidates[0].aic
    for candidate in one.candidates:
        text = as_yaml(candidate.family, candidate.theta)
        cut = text if len(text) <= 60 else text[:57] + "..."
        yield (candidate.family.name, f"+{candidate.aic - least:.1f}", f"{candidate.distance:.3f}", cut)


def _parameters(best: Candidate, one: ServiceTimes) -> str:
    parts = []
    for (name, unit), value, (low, high) in zip(
        best.family.parameters.items(), best.theta, one.intervals, strict=True
    ):
        shown = duration if unit else "{:.3g}".format
        parts.append(f"{name} {shown(value)} ({shown(low)} to {shown(high)})")
    return ", ".join(parts)
