"""The error budget: how often each kind of fault comes, times the bad events that one of them brings about.

Faults that come a few times a year are never seen in a run, so an availability cannot be counted there. By renewal and
reward, the share of bad events is that without faults plus, for each kind, its rate x the extra bad events of an
episode / the rate of events, plus terms of pairs that meet (rate x rate x what the second does more because of the
first, summed over when it comes). Here everything is in minutes of full outage a year: bad events / events a minute.

What episodes leave open (noise) and what the evidence of the rates leaves open are told apart. The rows are made here
from episodes' harms; who runs the episodes is `sim.studies.error_budget.study`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sim.figure import Figure
from sim.stats.compound import Peril, chance_figure
from sim.stats.skewed import Estimate, estimate, independent_share
from sim.stats.sli import Harm
from sim.stats.sums import YEAR_S, Frequency, Sums, Term
from sim.stats.verdicts import Outcome, verdict

YEAR_MIN = YEAR_S / 60


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault with its episodes, for one service level.

    evidence: how often it comes, as the scenario has it. source: who says so; None where nobody does. outage_mean_s:
    the known mean of `Harm.outage_s`, None where it is not known. is_change: whether it is a change gone wrong.
    """

    name: str
    frequency: Frequency
    harms: Sequence[Harm]
    evidence: str = ""
    source: str | None = None
    outage_mean_s: float | None = None
    is_change: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """A second fault during the episode of a first.

    For each episode, excess: bad events beyond those of both alone, on the same draws; lag_s: for how long the second
    may come during the first one's episode, at any time of it alike.
    """

    first: str
    second: str
    excess: Sequence[float]
    lag_s: Sequence[float]


@dataclass(frozen=True, slots=True)
class Level:
    """What is asked: the share of good events, and over which time the budget holds."""

    name: str
    target: float
    window_s: float

    @property
    def budget_min(self) -> float:
        """Minutes of full outage a year that are allowed."""
        return (1 - self.target) * YEAR_MIN


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of fault, or one pair.

    per_year: how often. each_min: minutes of full outage by one. year_min: a year, the rate taken as its mean;
    with_rate: the same with the uncertainty of the rate. share: of the budget. flip: how often a year it may come,
    all else alike, until what is expected is the budget; None where no harm was seen: then flip_least, up to which it
    may come by the upper end of its minutes. never_back: share of episodes
    that do not end by themselves; they are not in the minutes. gain: by how much the known length of outages has made
    the variance of each_min less.
    """

    name: str
    per_year: Figure
    each_min: Figure
    year_min: Figure
    with_rate: Figure
    share: float
    flip: float | None
    flip_least: float | None = None
    evidence: str = ""
    source: str | None = None
    never_back: Figure | None = None
    gain: float = 1.0


@dataclass(frozen=True, slots=True)
class Inside:
    """The chance that what comes in a time of this length stays within the budget of that time."""

    window_s: float
    allowed_min: float
    chance: Figure


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """The error budget of one service level.

    calm: what is bad without any fault, minutes a year. expected: minutes a year by everything, with noise; by_rates:
    with the rates' uncertainty alone; in_all: with both. chance_met: that the expected minutes are within the budget,
    as far as noise and rates are known. inside: the chance that what comes stays within it, by length of time.
    left_out_min: bound on what pairs that were not run add. verdict: of `in_all` and that bound.
    """

    level: Level
    events_per_min: float
    rows: tuple[Row, ...]
    pairs: tuple[Row, ...]
    calm: Figure
    expected: Figure
    by_rates: Figure
    in_all: Figure
    chance_met: float
    inside: Mapping[str, Inside]
    left_out_min: float
    verdict: Outcome
    not_in_it: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def availability(self) -> Figure:
        """The share of good events, with noise and rates."""
        year = self.in_all
        assert year.value is not None
        low, high = (None if end is None else 1 - end / YEAR_MIN for end in (year.high, year.low))
        return Figure(1 - year.value / YEAR_MIN, "ratio", low, high, year.confidence, year.n, year.note)


def error_budget(
    level: Level,
    kinds: Sequence[Kind],
    pairs: Sequence[Pair] = (),
    left_out_min: float = 0.0,
    windows: Mapping[str, float] | None = None,
    confidence: float = 0.95,
) -> ErrorBudget:
    """The error budget of one service level from the episodes of every kind of fault.

    left_out_min: bound on what pairs without episodes add, minutes a year. windows: names and lengths (s) of the times
    that the chance to stay inside is wanted for.
    """
    per_min = _events_per_min(kinds)
    calm = _calm(kinds).scaled(YEAR_MIN)
    terms = [_term(kind, per_min, seed) for seed, kind in enumerate(kinds)]
    paired = [_paired(pair, per_min, len(terms) + seed) for seed, pair in enumerate(pairs)]
    rates = {kind.name: kind.frequency for kind in kinds}
    sums = Sums(rates, calm, [*terms, *paired], confidence)
    in_all = sums.figure(with_noise=True, with_rates=True)
    never = [kind for kind in kinds if not all(harm.is_back for harm in kind.harms)]
    judged = in_all if in_all.high is None else replace(in_all, high=in_all.high + left_out_min)
    outcome = verdict(judged, level.budget_min, "below")
    if never and outcome == "met":
        outcome = "undecided"  # what never comes back is not in the minutes
    expected = sums.figure(with_noise=True, with_rates=False)
    assert expected.value is not None
    total = expected.value
    perils = [_peril(kind, per_min) for kind in kinds] + [_pair_peril(pair, rates, per_min) for pair in pairs]
    return ErrorBudget(
        level=level,
        events_per_min=per_min,
        rows=tuple(_row(sums, term, kind, level, total) for term, kind in zip(terms, kinds, strict=True)),
        pairs=tuple(_row(sums, term, None, level, total) for term in paired),
        calm=sums.interval(calm.value, sums.calm_draws, sums.unit, calm.n),
        expected=expected,
        by_rates=sums.figure(with_noise=False, with_rates=True),
        in_all=in_all,
        chance_met=sums.chance_within(level.budget_min - left_out_min),
        inside={
            name: _inside(level, calm.value, perils, window_s, confidence)
            for name, window_s in (windows or {}).items()
        },
        left_out_min=left_out_min,
        verdict=outcome,
    )


def _events_per_min(kinds: Sequence[Kind]) -> float:
    """As the baseline runs have counted them: their noise is that of thousands of arrivals, and left out."""
    harms = [harm for kind in kinds for harm in kind.harms]
    return sum(harm.calm_begun for harm in harms) / sum(harm.calm_s for harm in harms) * 60


def _calm(kinds: Sequence[Kind]) -> Estimate:
    """The share of events that are bad while nothing fails, by the jackknife over baseline runs (a ratio of means)."""
    harms = [harm for kind in kinds for harm in kind.harms]
    bad = np.array([harm.calm_bad for harm in harms], float)
    begun = np.array([harm.calm_begun for harm in harms], float)
    if not bad.any():
        # Where nothing fails, events are bad one by one: each is an observation.
        return Estimate(0.0, 0.0, np.zeros(1), int(begun.sum()), 1.0)
    n, share = len(harms), bad.sum() / begun.sum()
    pseudo = n * share - (n - 1) * (bad.sum() - bad) / (begun.sum() - begun)
    return estimate(pseudo, seed=1 << 20)


def _term(kind: Kind, per_min: float, seed: int) -> Term:
    extra = np.array([harm.extra if harm.is_back else 0.0 for harm in kind.harms], float)
    outage = np.array([harm.outage_s for harm in kind.harms])
    most = max(harm.exposed for harm in kind.harms)
    found = estimate(extra, outage, kind.outage_mean_s, float(most), seed)
    return Term(kind.name, (kind.name,), YEAR_S, found.scaled(1 / per_min))


def _paired(pair: Pair, per_min: float, seed: int) -> Term:
    # Once each of two rates a second, `lag_s` long, in every second of a year.
    lag_s = np.array(pair.lag_s, float)
    found = estimate(np.array(pair.excess, float) * lag_s / lag_s.mean(), seed=seed)
    name = f"{pair.first}, then {pair.second}"
    return Term(name, (pair.first, pair.second), float(lag_s.mean()) * YEAR_S, found.scaled(1 / per_min))


def _peril(kind: Kind, per_min: float) -> Peril:
    took = [harm.extra / per_min if harm.is_back else np.inf for harm in kind.harms]
    outage_s = np.array([harm.outage_s for harm in kind.harms])
    return Peril(kind.frequency, np.array(took, float), control=outage_s, control_mean=kind.outage_mean_s)


def _pair_peril(pair: Pair, rates: Mapping[str, Frequency], per_min: float) -> Peril:
    lag_s = np.array(pair.lag_s, float)
    often = rates[pair.first].per_s * rates[pair.second].per_s * float(lag_s.mean())
    return Peril(Frequency(often), np.array(pair.excess, float) / per_min, lag_s)


def _inside(level: Level, calm_min: float, perils: Sequence[Peril], window_s: float, confidence: float) -> Inside:
    """What is bad without faults comes evenly: it makes the budget smaller."""
    allowed = level.budget_min * window_s / YEAR_S
    left = allowed - calm_min * window_s / YEAR_S
    return Inside(window_s, allowed, chance_figure(left, perils, window_s, confidence))


def _row(sums: Sums, term: Term, kind: Kind | None, level: Level, total: float) -> Row:
    """The row of a kind of fault, or (None) of a pair."""
    often, each = sums.often(term), term.minutes
    year = often * each.value
    room = level.budget_min - (total - year)
    per_year = Figure.exact(often, "1/year")
    never = None
    if kind is not None:
        per_year = kind.frequency.figure(sums.confidence)
        never = independent_share(sum(not h.is_back for h in kind.harms), len(kind.harms), sums.confidence)
    each_min = sums.interval(each.value, sums.mean_draws[term.name], "min", each.n)
    return Row(
        name=term.name,
        per_year=per_year,
        each_min=each_min,
        year_min=sums.interval(year, sums.part(term, True, False), "min/year", each.n),
        with_rate=sums.interval(year, sums.part(term, True, True), "min/year", each.n),
        share=year / level.budget_min,
        flip=max(room, 0.0) / each.value if kind is not None and each.value > 0 else None,
        flip_least=max(room, 0.0) / each_min.high if each.value <= 0 and each_min.high else None,
        evidence="" if kind is None else kind.evidence,
        source=None if kind is None else kind.source,
        never_back=never,
        gain=each.gain,
    )
