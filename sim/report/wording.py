"""Figures, states, verdicts and findings in the words that a person reads, for the page and the terminal alike.

Overload and deadlock are the findings that go before every figure, in a sentence each. The bound of an objective is
read back from its text, so that it can be drawn beside the figure: verdicts are made by `sim.stats.verdicts`, and a
bound that cannot be read is just not drawn. Layout is in `text` and in the page's template; which figures stand
together is in `tables`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from sim.figure import Figure
from sim.stats.verdicts import Outcome
from sim.units import (
    SECOND,
    format_count,
    format_duration_s,
    format_quantity,
    format_rate,
    format_ratio,
    parse_duration_ns,
    parse_rate_per_s,
    parse_ratio,
    parse_usd_per_month,
)

if TYPE_CHECKING:
    from sim.cost.bill import Bill, Item
    from sim.stats.overload import Overload
    from sim.stats.summary import Calibration, Holder, Recovery, Standstill, Summary

_TARGET = re.compile(r"\s*(<=|>=|<|>|≤|≥)\s*(\S.*?)\s*")
_PARSERS: Mapping[str, Callable[[object], float]] = {
    "s": lambda text: parse_duration_ns(text) / SECOND,
    "1/s": parse_rate_per_s,
    "ratio": parse_ratio,
    "USD/month": parse_usd_per_month,
}


@dataclass(frozen=True, slots=True)
class TargetBound:
    """Where an objective draws the line: the figure has to stay on this `side` of `value`, in the figure's unit."""

    side: Literal["below", "above"]
    value: float


def bound_of(target: str, unit: str) -> TargetBound | None:
    """The bound in `target`, such as `< 200 ms`, in `unit`; None when the text is not such a bound.

    >>> bound_of("< 200 ms", "s")
    TargetBound(side='below', value=0.2)
    """
    match = _TARGET.fullmatch(target)
    if match is None:
        return None
    side: Literal["below", "above"] = "below" if match[1] in ("<", "<=", "≤") else "above"
    for parse in (_PARSERS.get(unit, float), float):
        try:
            return TargetBound(side, parse(match[2].replace(",", "")))
        except ValueError:
            continue
    return None


SIGNS: Mapping[Outcome, str] = {"met": "✓", "missed": "✗", "undecided": "?"}
"""A verdict without its colour."""

QUIET = ("met", "arithmetic", "fitted", "undetermined", "contradictory", "used", "not modelled yet")
"""Verdicts in small letters: nobody has to act on them."""

REFUSED = "refused"

MOST_REASONS = 4
"""Reasons why a prediction does not lie where its products were measured that are named; the document has all."""

LOSSES = {"rpo": "recovery point", "lost_writes": "writes lost", "unreplicated": "their events"}
"""What a fault may take for good, and the heads of its columns."""

_STATES = {
    "wait": "waiting for {}",
    "service": "service at {}",
    "opening": "opening connections of {}",
    "blocked": "blocked after {}",
    "child": "waiting for child {}",
}
_PLAIN_STATES = {
    "network": "network",
    "timer": "timers",
    "backoff": "back-off",
    "lost": "lost work",
    "paused": "paused",
    "told": "telling its parent",
}
_QUANTITY = re.compile(r"(-?[\d.,e+-]+)( ?[^\d]*)")


def value_of(figure: Figure) -> str:
    """The value with its unit, "refused" for one that the sample cannot carry."""
    if figure.value is None:
        return REFUSED
    if is_about_0(figure) and figure.high is not None:
        return f"about 0, <= {show(figure.high, figure.unit)}"
    return _measured(figure.value, figure)


def _measured(value: float, figure: Figure) -> str:
    """A value of a figure, or an end of its interval, no finer than the figure was measured.

    >>> _measured(47.3, Figure(47.3, "s", resolution=10.0)), _measured(3.0, Figure(3.0, "s", resolution=10.0))
    ('50 s', '< 10 s')
    """
    if not figure.resolution or not math.isfinite(value) or value == 0:
        return show(value, figure.unit)
    step = Decimal(10) ** math.ceil(math.log10(figure.resolution) - 1e-9)
    steps = round(Decimal(value) / step)
    return show(float(steps * step), figure.unit) if steps else f"< {show(float(step), figure.unit)}"


def show(value: float, unit: str) -> str:
    """A number and its unit, to three digits: "3.1 s", "65 %", "4,873 USD/month", "1,614"."""
    return format_quantity(value, unit)


def is_about_0(figure: Figure) -> bool:
    """Whether the interval reaches from 0 to more than twice the value: then the value is noise and its digits are
    nobody's."""
    if figure.value is None or figure.low is None or figure.high is None:
        return False
    return figure.value > 0 and figure.low <= 0 and 2 * figure.value < figure.high < math.inf


def interval_of(figure: Figure) -> str:
    """The interval: "[3.0, 3.2] s", ">= 2 s" with one end, "exact" without sampling error, else empty."""
    if figure.low is None and figure.high is None:
        return ""
    if is_exact(figure):
        return "exact"
    if figure.low is None or figure.low == -math.inf:
        return f"<= {_measured(figure.high or 0.0, figure)}"
    if figure.high is None or figure.high == math.inf:
        return f">= {_measured(figure.low, figure)}"
    return bracket(_measured(figure.low, figure), _measured(figure.high, figure))


def readable(name: str, figure: Figure) -> Figure:
    """The figure of a metric in the unit that people read it in."""
    return as_factor(figure) if name.startswith("retry_amplification.") else figure


def as_factor(figure: Figure) -> Figure:
    """An amplification as a factor, "1.08x", which reads better than 108 %."""
    return replace(figure, unit="x")


def is_exact(figure: Figure) -> bool:
    """Whether the value is known without sampling error."""
    return figure.confidence is None and figure.value is not None and figure.value == figure.low == figure.high


def bracket(low: str, high: str) -> str:
    """Two printed quantities as an interval, with the unit once where they share it.

    >>> bracket("290 ms", "335 ms"), bracket("950 ms", "1.2 s")
    ('[290, 335] ms', '[950 ms, 1.2 s]')
    """
    first, second = _QUANTITY.fullmatch(low), _QUANTITY.fullmatch(high)
    if first and second and first[2] == second[2]:
        return f"[{first[1]}, {second[1]}]{first[2]}"
    return f"[{low}, {high}]"


def margin_of(figure: Figure) -> str:
    """How far the interval reaches from the value, as a share of it: "+-2.4 %"; empty where there is none.

    The longer side counts when the interval is lopsided. One that is longer than the value is told by its ends.
    """
    if not figure.value or figure.low is None or figure.high is None or is_exact(figure) or is_about_0(figure):
        return ""
    reach = max(figure.high - figure.value, figure.value - figure.low) / abs(figure.value)
    if not math.isfinite(reach):
        return ""
    if reach > 1:  # wider than the value itself
        return interval_of(figure)
    percent = 100 * reach
    if 0 < percent < 0.05:
        return "+-<0.1 %"
    return f"+-{percent:.0f} %" if percent >= 10 else f"+-{percent:.1f} %"


def wide_of(figure: Figure) -> Figure | None:
    """The figure with its wider interval in place of the noise's; None where that is not known."""
    if figure.wide_low is None or figure.wide_high is None:
        return None
    return replace(figure, low=figure.wide_low, high=figure.wide_high)


def calibration_of(calibration: Calibration) -> str:
    """Where a prediction lies in one sentence: "EDGE (shards 2, measured 1)"."""
    reasons = list(calibration.reasons)
    more = f"; and {len(reasons) - MOST_REASONS} more" if len(reasons) > MOST_REASONS else ""
    return f"{calibration.place} ({'; '.join(reasons[:MOST_REASONS])}{more})" if reasons else calibration.place


def confidence_of(figures: list[Figure]) -> str:
    """The level that the intervals share, "95 %"; empty when there is none or they differ."""
    levels = {figure.confidence for figure in figures if figure.confidence is not None}
    return format_ratio(levels.pop()) if len(levels) == 1 else ""


def state_of(state: str) -> str:
    """A state of the split in words: "waiting for db", "service at cpu", "waiting for child payment", "timers".

    A step that lets a child in may be called "child-payment", as those of workflows are.
    """
    kind, _, place = state.partition(".")
    if place and kind in _STATES:
        return _STATES[kind].format(place.removeprefix("child-") if kind == "child" else place)
    return _PLAIN_STATES.get(state, state)


def not_back_of(recovery: Recovery) -> str:
    """How many episodes were not back when they were left: "2 of 40 still not back after 40 min"."""
    count = round((recovery.never_back.value or 0.0) * recovery.episodes)
    return f"{count} of {recovery.episodes} still not back after {format_duration_s(recovery.followed_s)}"


def verdict_words(outcome: str, fragile: bool = False) -> str:
    """A verdict's words, wherever one is written: "met", "MISSED ?". What is not met stands out. `?`: the wider
    interval, which adds the errors of inputs and model, would change this verdict."""
    return (outcome if outcome in QUIET else outcome.upper()) + " ?" * fragile


def run_of(summary: Summary) -> str:
    """What was run: "20 replications of 1 h, first 5 min dropped, seed 1, 12.3 M events"."""
    count = summary.replications
    parts = [f"{count} replication{'s' if count != 1 else ''} of {format_duration_s(summary.horizon_s)}"]
    if summary.warmup_s > 0:
        parts.append(f"first {format_duration_s(summary.warmup_s)} dropped")
    parts += [f"seed {summary.seed}", f"{format_count(summary.events)} events"]
    return ", ".join(parts)


def headline_of(summary: Summary) -> str:
    """The verdicts in one sentence, with how many of each the wider interval could turn."""
    objectives = summary.objectives
    if not objectives:
        return "The scenario declares no objectives, so nothing is judged"
    if all(one.verdict == "met" and not one.fragile for one in objectives):
        return "The objective is met" if len(objectives) == 1 else f"All {len(objectives)} objectives are met"
    outcomes: tuple[Outcome, ...] = ("missed", "undecided", "met")
    counts = [_counted(outcome, [one.fragile for one in objectives if one.verdict == outcome]) for outcome in outcomes]
    return f"Of {len(objectives)} objective{'s' if len(objectives) != 1 else ''}: {', '.join(filter(None, counts))}"


def _counted(outcome: Outcome, fragile: Sequence[bool]) -> str:
    """How many verdicts are so: "5 met (of these 4 met ?)"; empty for none."""
    if not fragile:
        return ""
    unsure = f" (of these {sum(fragile)} {outcome} ?)" if any(fragile) else ""
    return f"{len(fragile)} {outcome}{unsure}"


def total_of(bill: Bill) -> Figure:
    """What the bill comes to: a month, or one run of a finite scenario that has no month."""
    if bill.total_per_month.value is None and bill.total_per_run is not None:
        return bill.total_per_run
    return bill.total_per_month


def period_of(bill: Bill) -> str:
    """The period that the items are for, as a head of a column: "USD/month" or "USD/run"."""
    return f"{bill.currency}/{bill.period}"


def price_of(usd: float) -> str:
    """A price to the cent, one below a dollar to four digits: "1,108.37", "0.2562"."""
    return f"{usd:,.2f}" if abs(usd) >= 1 or usd == 0 else f"{Decimal(f'{usd:.4g}'):f}"


def quantity_of(item: Item) -> str:
    """What is bought, in the unit of the price: "3,066 h", "3 months"."""
    if item.quantity.value is None:
        return REFUSED
    plural = item.price.unit == "month" and item.quantity.value != 1
    return f"{show(item.quantity.value, item.price.unit)}{'s' if plural else ''}"


def unit_costs(bill: Bill) -> dict[str, Figure]:
    """What a unit of work costs on average, in USD: 1,000 executions and tasks by workflow, a million statements."""
    found = {f"1,000 executions of {name}": figure.scaled(1000, "USD") for name, figure in bill.per_execution.items()}
    found |= {f"1,000 tasks of {name}": figure.scaled(1000, "USD") for name, figure in bill.per_task.items()}
    return found | {f"a million {name}": figure.scaled(1, "USD") for name, figure in bill.per_million.items()}


def listed(names: list[str]) -> str:
    """Names joined for a sentence: "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def plain(text: str) -> str:
    """Text that came from a scenario, without the control characters that would steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def number(value: float) -> str:
    """A number to three digits: "52.6", "4,380", "0.0012"."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(digits, 8)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def share(value: float) -> str:
    """A share near 1 with two digits of what is missing: "99.9912 %"."""
    missing = 1 - value
    if missing <= 0:
        return "100 %"
    digits = max(0, 1 - math.floor(math.log10(missing * 100)))
    return f"{100 * value:.{min(digits, 10)}f} %"


def percent(value: float) -> str:
    """A chance in whole percents; near none and all it says so."""
    if value < 0.005:
        return "0 %" if value == 0 else "< 0.5 %"
    return f"{100 * value:.0f} %" if value <= 0.995 or value == 1 else "> 99.5 %"


WORTH_TELLING = 0.01
"""Share of what is offered from which failures are told beside the growth."""


def findings_of(summary: Summary) -> list[str]:
    """The findings of a prediction, each with its full stop."""
    found = [f"{deadlock_sentence(one)}." for one in summary.standstills]
    if summary.overload is not None and summary.overload.overloaded:
        found.append(f"{overload_sentence(summary.overload)}.")
    return found


def overload_sentence(overload: Overload) -> str:
    """What is done of what is offered, and where the rest is: "OVERLOADED: 142 of 201/s are done, in-flight work grows
    by 59/s. No latency is steady"."""
    done, offered, growth = (one.value or 0.0 for one in (overload.done, overload.offered, overload.growth))
    failed = offered - done - growth
    parts = [f"OVERLOADED: {format_rate(done).removesuffix('/s')} of {format_rate(offered)} are done"]
    if overload.grows:
        parts.append(f"in-flight work grows by {format_rate(growth)}")
    if failed > WORTH_TELLING * offered:
        parts.append(f"{format_rate(failed)} fail or are turned away")
    return f"{', '.join(parts)}. {'No latency is steady' if overload.grows else 'Latency is that of what gets in'}"


def reason_of(overload: Overload) -> str:
    """Why an objective is not met, and a figure not given."""
    return "overloaded: no latency is steady" if overload.grows else "overloaded: less gets in than is offered"


def deadlock_sentence(found: Standstill) -> str:
    """A deadlock in one sentence: "DEADLOCK at 12.4 s in 3 of 8 runs: a holds x and waits for y; b holds ..."."""
    during = f" ({found.during})" if found.during else ""
    holders = "; ".join(map(_holder, found.holders))
    return f"DEADLOCK at {format_duration_s(found.at_s)} in {found.runs} of {found.of} runs{during}: {holders}"


def _holder(one: Holder) -> str:
    return f"{one.workflow} holds {' and '.join(one.holds) or 'nothing'} and waits for {one.waits_for}"
