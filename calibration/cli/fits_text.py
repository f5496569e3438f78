"""Fitted parameters as text: values with intervals, how well the model fits, what the data do not tell."""

from __future__ import annotations

from collections.abc import Iterator

from sim.calibrate.fits import Fits, Fitted

WORST = 8
"""Errors that are shown, the greatest in deviations."""


def as_text(fits: Fits) -> str:
    """The fits for a terminal."""
    return "\n".join([*_parameters(fits), "", *_goodness(fits), *_warnings(fits)])


def _parameters(fits: Fits) -> Iterator[str]:
    width = max(map(len, fits.parameters), default=0)
    for title, some in (("SOFTWARE", fits.software), ("HARDWARE", fits.hardware)):
        if some:
            yield f"{title:{width + 4}}{'value':>10}   90 % interval"
            yield from (f"  {name:{width}}  {_parameter(one)}" for name, one in some.items())


def _parameter(one: Fitted) -> str:
    host = f"   {one.host}" if one.host else ""
    return f"{one.value:10.4g}   {one.low:.4g} to {one.high:.4g} {one.unit}".rstrip() + host


def _goodness(fits: Fits) -> Iterator[str]:
    good = fits.goodness
    yield f"{good.numbers} numbers, {good.freedom} degrees of freedom, chi-square {good.chi2_per_freedom:.2f} for each"
    width = max(map(len, fits.discrepancy), default=0)
    yield f"{'':{width + 2}}{'noise of a run':>16}{'model beyond noise':>20}{'  left out' if fits.left_out else ''}"
    for metric, discrepancy in fits.discrepancy.items():
        noise = f"{fits.noise[metric]:.1%}" if metric in fits.noise else "-"
        left = f"{fits.left_out[metric]:10.1%}" if metric in fits.left_out else ""
        yield f"  {metric:{width}}{noise:>16}{discrepancy:20.1%}{left}"
    yield ""
    yield f"greatest errors of {len(fits.errors)}"
    for one in sorted(fits.errors, key=lambda one: -abs(one.deviations))[:WORST]:
        error = one.predicted / one.measured - 1
        numbers = f"{one.measured:.4g} measured, {one.predicted:.4g} predicted"
        yield f"  {error:+7.1%} {one.deviations:+6.1f} sd  {one.metric} of {one.cell}: {numbers}"


def _warnings(fits: Fits) -> Iterator[str]:
    if fits.warnings:
        yield ""
        yield from (f"! {text}" for text in fits.warnings)
