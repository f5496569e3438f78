"""A study of stability as plain text for a terminal: what comes back, two starts at every load, and the band."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from sim.figure import Figure
from sim.plan.study import Band, Stability, Starts
from sim.report.grid import grid, paragraph
from sim.report.wording import as_factor, interval_of, margin_of, plain, value_of
from sim.stats.sequential import MOSTLY, SELDOM
from sim.stats.threshold import Threshold, Tried
from sim.units import format_count, format_duration_s, format_ratio

PICTURE = 60
"""Columns of the picture of both starts."""


def stability_text(found: Stability, command: str) -> str:
    """The study; ends with a line break. command: what repeats it."""
    blocks = [
        [*paragraph(f"{found.name}: {trigger_of(found)}", 2), *paragraph(f"{headline_of(found)}.", 2)],
        list(_outcomes(found)),
        list(_bands(found)),
        list(_starts(found)),
        [line for note in found.notes for line in paragraph(f"NOTE {note}", 5)],
        ["repeat with", f"  {command}"],
    ]
    return "\n\n".join("\n".join(map(plain, block)) for block in blocks if block) + "\n"


def trigger_of(found: Stability) -> str:
    """What was tried: "`pause` from 6 s on, for 3 s at most; watched for 30 s after its end; seed 1; 141 runs"."""
    lasts = format_duration_s(found.lasts_s)
    if not found.lasts_exactly:
        lasts = f"at most {lasts} in 99 of 100 episodes"
    begin = "at a random phase of the load" if found.begin_s is None else f"from {format_duration_s(found.begin_s)} on"
    return (
        f"`{found.fault}` {begin}, for {lasts}; watched for "
        f"{format_duration_s(found.limit_s)} after its end; seed {found.seed}; {found.runs} runs"
    )


def headline_of(found: Stability) -> str:
    """The answer in a sentence."""
    one = found.as_it_is
    at = "" if found.at == 1 else f" at {found.at:g} times the load"
    count = round((one.back.value or 0.0) * one.back.n)
    if count == one.back.n:
        return f"It comes back from {found.fault} in all {one.back.n} episodes{at}"
    away = one.back.n - count
    draining = f", though {one.draining} of these have less and less backlog" if one.draining else ""
    within = format_duration_s(found.limit_s)
    said = f"It is not back {within} after {found.fault} in {away} of {one.back.n} episodes{at}{draining}"
    if one.good.value is not None:
        said += f"; by then {_percent(one.good)} of what starts ends well"
    works = [outcome.mitigation for outcome in found.mitigations if outcome.back.value == 1]
    return f"{said}; it always comes back with {', '.join(works)}" if works else said


def _outcomes(found: Stability) -> Iterator[str]:
    heads = ("comes back", "interval", "good then", "drain", "latency ok", "lost", "attempts")
    costs = [one.cost for one in (found.as_it_is, *found.mitigations)]
    priced = any(cost is not None for cost in costs)
    rows = [("AFTER THE TRIGGER", *heads, *(("USD/month",) if priced else ()))]
    for one in (found.as_it_is, *found.mitigations):
        recovery = one.recovery
        cells = (
            f"{round((one.back.value or 0.0) * one.back.n)} of {one.back.n}",
            interval_of(one.back),
            _percent(one.good),
            _time(recovery.drain_s),
            _time(recovery.latency_ok_s),
            f"{value_of(recovery.lost)} {margin_of(recovery.lost)}".rstrip(),
            value_of(as_factor(recovery.amplification)),
        )
        cost = (("-" if one.cost is None else value_of(one.cost).removesuffix(" USD/month"),)) if priced else ()
        rows.append((f" {one.mitigation or 'as it is'}", *cells, *cost))
    yield from grid(rows)
    for one in (found.as_it_is, *found.mitigations):
        if one.draining:
            yield from paragraph(
                f"  {one.mitigation or 'as it is'}: {one.draining} of those that are not back have less backlog by "
                "the end of the limit: they may come back later",
                4,
            )
    yield from paragraph(
        "  Comes back: rate, backlog and latency are in order beside the baseline run within "
        f"{format_duration_s(found.limit_s)}. Good then: correct ends for each start in the second half of that time. "
        "Times are means from the beginning of the fault, of the episodes that come back; lost are executions beyond "
        "those of the baseline run.",
        2,
    )


def _time(figure: Figure) -> str:
    return "never" if figure.value is None or not figure.n else value_of(figure)


def _bands(found: Stability) -> Iterator[str]:
    """The search as the scenario stands, and with each mitigation where that was asked for."""
    searched = [
        (one.mitigation or "as it is", one.band)
        for one in (found.as_it_is, *found.mitigations)
        if one.band is not None
    ]
    if not searched:
        return
    rows = [("FROM WHICH LOAD ON", f"{found.fault} is permanent", "too much anyway", "closed form", "runs")]
    for name, band in searched:
        estimate = "-" if band.estimate is None else f"{band.estimate:.3g}"
        tried = sum(one.n for threshold in (band.permanent, band.alone) for one in threshold.tried)
        rows.append((f" {name}", between(band.permanent), between(band.alone), estimate, str(tried)))
    yield from grid(rows, left=(0, 1, 2))
    for name, band in searched:
        yield from paragraph(f"  {f'{name}: ' if len(searched) > 1 else ''}{band_of(band)}", 4)
    yield from paragraph(
        "  Factors of the load. Too much anyway: without the fault most runs do not keep up. The closed form takes "
        f"places one by one and knows no retries. {meaning_of(found.error)}",
        2,
    )


def meaning_of(error: float) -> str:
    """What the intervals of a search mean."""
    seldom, mostly = format_ratio(SELDOM), format_ratio(MOSTLY)
    return (
        f"At the lower end it happens to less than {mostly} of the runs, at the upper end to more than {seldom}: both "
        f"hold with a probability of at least {format_ratio(1 - error)}, provided that more load never makes it "
        "easier to come back."
    )


def between(threshold: Threshold) -> str:
    """Where a threshold lies, in words: "0.81 and 0.84", "not up to 1.5", "already at 0.5"."""
    below, above = threshold.below, threshold.above
    ends = [one.at for one in threshold.tried]
    if below is None and above is None:
        return "cannot be told"
    if below is None:
        assert above is not None
        return f"already at {above:.3g}" if above == min(ends) else f"up to {above:.3g}; below cannot be told"
    if above is None:
        return f"not up to {below:.3g}" if below == max(ends) else f"from {below:.3g} on cannot be told"
    return f"{below:.3g} and {above:.3g}"


def band_of(band: Band) -> str:
    """What the two thresholds say together."""
    permanent, alone = band.permanent, band.alone
    if permanent.above is None:
        return "Up to the highest load that was decided it comes back: no load was found at which the blip stays."
    if alone.below is not None and permanent.above < alone.below:
        reach = f"{alone.below:.3g}"
        if band.is_slow:
            return (
                f"From {permanent.above:.3g} to {reach} times the load it is not back within the limit, but on its "
                f"way: in {band.draining} of {band.away} episodes at {permanent.above:.3g} the backlog gets less. "
                "That is slow rather than metastable; a longer --limit tells."
            )
        return (
            f"From {permanent.above:.3g} to {reach} times the load it is metastable: it runs well until the trigger "
            "comes, and not any more when it has gone."
        )
    return "No load was found that is carried without the fault and not after it: it is not seen to be metastable."


def _starts(found: Stability) -> Iterator[str]:
    if not found.starts:
        return
    yield from paragraph(
        f"TWO STARTS without the fault: empty, and with {format_count(found.backlog)} executions at once; the last "
        f"{format_duration_s(found.limit_s / 2)} of each",
        2,
    )
    away = away_by_load(found)
    rows: list[tuple[str, ...]] = [
        ("  load", "not back", "empty: at work", "p99", "good", "backlog: at work", "p99", "good", "modes")
    ]
    for one in found.starts:
        empty, full = (
            (value_of(level.at_work), _short(level.p99), _percent(level.good))
            for level in (one.from_empty, one.from_backlog)
        )
        tried = away.get(one.factor)
        not_back = "" if tried is None else f"{tried.hits} of {tried.n}"
        rows.append((f"  {one.factor:.3g}", not_back, *empty, *full, modes_of(one)))
    if not away:
        rows = [(row[0], *row[2:]) for row in rows]
    yield from grid(rows, left=(0, len(rows[0]) - 1))
    yield from paragraph(
        "  Good are executions that end correctly and in time, for each one that starts in that stretch; p99 is of "
        "the platform's latency, or of these. A backlog that falls so slowly that chance hides it is not told from "
        "one that stays.",
        2,
    )
    if len(found.starts) > 1:
        yield ""
        yield from picture(found.starts)


def away_by_load(found: Stability) -> dict[float, Tried]:
    """The loads at which episodes were tried, and how many of these did not come back."""
    band = found.as_it_is.band
    return {} if band is None else {one.at: one for one in band.permanent.tried}


def _short(figure: Figure) -> str:
    return "-" if figure.value is None else value_of(figure)


def _percent(figure: Figure) -> str:
    return "-" if figure.value is None else f"{100 * figure.value:.0f} %"


def modes_of(one: Starts) -> str:
    """Whether two starts lead to one place."""
    if one.differ is None:
        falls = one.from_backlog.settled == "falls"
        return "?, backlog falls" if falls else "?"
    both = "TWO" if one.differ else "one"
    return f"{both}, empty grows" if one.from_empty.settled == "grows" else both


def picture(starts: Sequence[Starts], width: int = PICTURE) -> list[str]:
    """Executions at work against the load from both starts, on a logarithmic scale: o from empty, x from a backlog."""
    values = [max(level.at_work.value or 0.0, 0.1) for one in starts for level in (one.from_empty, one.from_backlog)]
    low, high = math.log(min(values)), math.log(max(values))

    def place(value: float) -> int:
        return round((math.log(max(value, 0.1)) - low) / (high - low) * (width - 1)) if high > low else 0

    lines = []
    for one in reversed(starts):
        row = [" "] * width
        empty, full = (place(level.at_work.value or 0.0) for level in (one.from_empty, one.from_backlog))
        row[empty], row[full] = ("*", "*") if empty == full else ("o", "x")
        lines.append(f"{one.factor:>6.3g} |{''.join(row).rstrip()}")
    axis = format_count(math.exp(low)).ljust(width - 8) + format_count(math.exp(high)).rjust(8)
    return [
        "  load   at work, logarithmic: o from empty, x from a backlog, * both",
        *lines,
        f"       +{'-' * width}",
        f"        {axis}",
    ]
