"""An error budget as a figure, with the rate of each fault at which the verdict would turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import ndtri

from calibration.published.asking import ErrorBudget, Loss
from calibration.published.losses import Losses, lost_by_an_episode
from sim.cost.propagate import complement
from sim.figure import Figure
from sim.stats.skewed import Estimate
from sim.stats.sums import YEAR_S, Frequency, Sums, Term
from sim.units import SECOND

CONFIDENCE = 0.95


def error_budget(
    term: ErrorBudget, calm: Figure, starts: Figure, seen: Sequence[Losses | None], bound: float | None
) -> Figure:
    """The share that ends correctly in time, with what noise and rates leave open.

    calm: that share without faults. starts: how many start a second, taken as they were counted. seen: what the runs
    say about each fault, None where a run came to no end. bound: what is claimed. The note tells each fault's part,
    and how often it may come until the verdict turns.
    """
    told = []
    for loss, one in zip(term.losses, seen, strict=True):
        if one is None or not one.count:
            why = "came to no end" if one is None else "has no episode inside its window"
            return Figure.refused("ratio", f"{loss.fault}: run {loss.run} {why}")
        told.append((loss, one))
    if calm.value is None or not starts.value:
        return Figure.refused("ratio", calm.note or "nothing starts in the run without faults")
    rates = {_name(loss): _rate(loss) for loss, _ in told}
    terms = [Term(_name(loss), (_name(loss),), 1 / starts.value, lost_by_an_episode(one)) for loss, one in told]
    sums = Sums(rates, _as_estimate(complement(calm)), terms, CONFIDENCE, "ratio")
    bad = sums.figure(with_noise=True, with_rates=True)
    notes = [_told(loss, one, sums, bad, bound) for (loss, _), one in zip(told, terms, strict=True)]
    return replace(complement(bad), note="; ".join(notes))


def _name(loss: Loss) -> str:
    return f"{loss.run}/{loss.fault}"


def _as_estimate(bad: Figure) -> Estimate:
    """A share of bad ends, from the interval that it has."""
    assert bad.value is not None
    if bad.value == 0:
        return Estimate(0.0, 0.0, np.zeros(1), max(bad.n, 1), 1.0)
    if bad.low is None or bad.high is None:
        return Estimate(bad.value, None, np.zeros(0), bad.n)
    levels = (np.arange(999) + 0.5) / 999
    reach = max(bad.high - bad.value, bad.value - bad.low) / float(ndtri((1 + (bad.confidence or CONFIDENCE)) / 2))
    return Estimate(bad.value, reach, ndtri(levels), bad.n)


def _rate(loss: Loss) -> Frequency:
    """How often it comes a second; where it was seen a few times, with what that leaves open (Jeffreys' prior)."""
    if loss.rate:
        return Frequency(loss.rate_per_s)
    count, watched_ns = loss.seen_in
    return Frequency.of_seen(count, watched_ns / SECOND)


def _told(loss: Loss, term: Term, sums: Sums, bad: Figure, bound: float | None) -> str:
    a_year = sums.rates[term.name].per_s * YEAR_S
    part = sums.interval(sums.often(term) * term.minutes.value, sums.part(term, True, True), "ratio", term.minutes.n)
    assert part.value is not None
    words = f"{loss.fault}, {a_year:,.3g} a year ({loss.source}): {part.value:.2g} of all end badly by it"
    if not term.minutes.value:
        words += f", as none was lost in {term.minutes.n} episodes"
    if part.high is not None:
        words += f", at most {part.high:.2g}"
    turns = None if bound is None else turning_factor(bound, bad, part)
    return words if turns is None else f"{words}; the verdict turns at {a_year * turns:,.3g} a year"


def turning_factor(bound: float, bad: Figure, of_this: Figure) -> float | None:
    """By which factor a fault may come more often until the upper end of all that is bad is what is allowed; below 1
    where it is beyond that already. None where it may come as often as it likes, or the others alone are too many.

    bound: the availability that is asked for. bad: share of bad ends by everything. of_this: this fault's part.
    """
    if bad.high is None or not of_this.high:
        return None
    room = (1 - bound) - (bad.high - of_this.high)
    return room / of_this.high if room > 0 else None
