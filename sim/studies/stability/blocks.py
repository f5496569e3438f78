"""What a study of stability says: what recovers, two starts at every load, the metastable band; as blocks, as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from sim.figure import Figure
from sim.report.blocks import (
    Block,
    Cell,
    Chart,
    Heading,
    InTerminal,
    Note,
    OnPage,
    Paragraph,
    Report,
    Row,
    Section,
    Table,
    Together,
)
from sim.report.documents import SCHEMA, both, json_object, renamed
from sim.report.interval_figures import branches_by_load, share_by_load
from sim.report.parts import PHASES, repeat_section
from sim.report.wording import as_factor, interval_of, margin_of, value_of
from sim.stats.skewed import independent_share
from sim.stats.threshold import MOSTLY, SELDOM, Threshold, Tried
from sim.studies.stability.records import Band, Stability, TriggerOutcome, TwoStarts
from sim.units import format_count, format_duration_s, format_ratio

PICTURE = 60
"""Columns of the picture of both starts."""
STARTS = (
    "Where runs without the fault end up that begin empty, and that begin with {} executions at once: the last {} of "
    "each. Where the two differ there are two modes, and no mean of them means anything. The shade is the band in "
    "which it is metastable."
)
GOOD = (
    "Good are executions that end correctly and in time, for each one that starts in that stretch; p99 is of the "
    "platform's latency, or of these. A backlog that falls so slowly that chance hides it looks like one that stays."
)


def blocks(found: Stability, command: str) -> Report:
    """The report of a study. command: what repeats it."""
    head = (Paragraph(f"{found.name}: {trigger_of(found)}"), Paragraph(f"{headline_of(found)}."))
    after = (
        InTerminal((Together(head),)),
        OnPage((Heading(headline_of(found), "h2"),)),
        Together((_outcomes(found), *_after(found))),
    )
    return Report(
        f"{found.name}: does a short fault leave a lasting outage?",
        found.name,
        (
            Section("after", "After the trigger", "", after),
            *_bands(found),
            *_starts(found),
            *([Note("note", found.notes)] if found.notes else []),
            repeat_section(command),
        ),
        (f"Stability of `{found.file}` after {trigger_of(found)}; scenario `{found.hash[:12]}`",),
    )


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


# -- after the trigger ----------------------------------------------------------------------------------------------


def _every(found: Stability) -> tuple[TriggerOutcome, ...]:
    return found.as_it_is, *found.mitigations


def _name(one: TriggerOutcome) -> str:
    return one.mitigation or "as it is"


def _outcomes(found: Stability) -> Table:
    priced = any(one.cost is not None for one in _every(found))
    heads = ("comes back", "interval", "good then", PHASES["drain"], PHASES["latency_ok"], "lost", "attempts")
    rows = []
    for one in _every(found):
        recovery = one.recovery
        cells = (
            f"{round((one.back.value or 0.0) * one.back.n)} of {one.back.n}",
            interval_of(one.back),
            Cell(one.good, words=_percent(one.good)),
            Cell(recovery.drain_s, words=_time(recovery.drain_s)),
            Cell(recovery.latency_ok_s, words=_time(recovery.latency_ok_s)),
            Cell(recovery.lost, words=f"{value_of(recovery.lost)} {margin_of(recovery.lost)}".rstrip()),
            as_factor(recovery.amplification),
        )
        cost = "-" if one.cost is None else value_of(one.cost).removesuffix(" USD/month")
        rows.append(Row(_name(one), (*cells, *([cost] if priced else [])), notes=one.settings))
    return Table((*heads, *(["USD/month"] if priced else [])), tuple(rows), "AFTER THE TRIGGER", "setting")


def _after(found: Stability) -> Iterator[Paragraph]:
    for one in _every(found):
        if one.draining:
            yield Paragraph(
                f"{_name(one)}: {one.draining} of those that are not back have less backlog by the end of the limit: "
                "they may come back later",
                2,
                4,
                "remark",
            )
    yield Paragraph(
        "Comes back: rate, backlog and latency are in order beside the baseline run within "
        f"{format_duration_s(found.limit_s)}. Good then: correct ends for each start in the second half of that time. "
        "Times are means from the beginning of the fault, of the episodes that come back; lost are executions beyond "
        "those of the baseline run.",
        2,
        kind="explained",
    )


def _time(figure: Figure) -> str:
    return "never" if figure.value is None or not figure.n else value_of(figure)


def _percent(figure: Figure) -> str:
    return "-" if figure.value is None else f"{100 * figure.value:.0f} %"


# -- from which load on ---------------------------------------------------------------------------------------------


def _bands(found: Stability) -> Iterator[Block]:
    """The search as the scenario stands, and with each mitigation where that was requested."""
    searched = [(_name(one), one.band) for one in _every(found) if one.band is not None]
    if not searched:
        return
    rows = []
    for name, band in searched:
        estimate = "-" if band.estimate is None else f"{band.estimate:.3g}"
        tried = sum(one.n for threshold in (band.permanent, band.alone) for one in threshold.tried)
        rows.append(Row(name, (between(band.permanent), between(band.alone), estimate, str(tried))))
    heads = (f"{found.fault} is permanent", "overloaded without it", "closed form", "runs")
    table = Table(heads, tuple(rows), "FROM WHICH LOAD ON", "setting", left=(0, 1))
    said = (f"{f'{name}: ' if len(searched) > 1 else ''}{band_of(band)}" for name, band in searched)
    meaning = (
        "Factors of the load. Overloaded without it: most runs without the fault do not keep up. The closed form "
        f"takes resources and stations one by one and knows no retries. {_meaning_of(found.error)}"
    )
    together = Together(
        (
            table,
            *(Paragraph(one, 2, 4, "remark") for one in said),
            OnPage(tuple(_share_not_back(found))),
            Paragraph(meaning, 2, kind="explained"),
        )
    )
    yield Section("band", "From which load on", "From which load on", (together,))


def _share_not_back(found: Stability) -> Iterator[Block]:
    """The share of the episodes that do not come back, by load, where there is more than one."""
    tried = dict(sorted(away_by_load(found).items()))
    if len(tried) < 2:
        return
    shares = {at: (independent_share(one.hits, one.n, 0.95), f"{one.hits} of {one.n}") for at, one in tried.items()}
    limit = format_duration_s(found.limit_s)
    yield Chart(
        "Share of the episodes that do not come back, against the load; counts are in the table of both starts",
        partial(share_by_load, shares, "episodes not back"),
        caption=f"Episodes that do not come back within {limit} as the scenario stands, with 95 % intervals",
    )


def _meaning_of(error: float) -> str:
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
    if below is not None and above is not None:
        return f"{below:.3g} and {above:.3g}"
    if above is not None:
        return f"already at {above:.3g}" if above == min(ends) else f"up to {above:.3g}; below not known"
    if below is not None:
        return f"not up to {below:.3g}" if below == max(ends) else f"from {below:.3g} on not known"
    return "not known"


def band_of(band: Band) -> str:
    """What the two thresholds say together."""
    permanent, alone = band.permanent, band.alone
    if permanent.above is None:
        return (
            "It recovers up to the highest load that was decided: no load was found at which the fault is permanent."
        )
    if alone.below is not None and permanent.above < alone.below:
        reach = f"{alone.below:.3g}"
        if band.is_slow:
            return (
                f"From {permanent.above:.3g} to {reach} times the load it is not back within the limit, but on its "
                f"way: in {band.draining} of {band.away} episodes at {permanent.above:.3g} the backlog gets less. "
                "That is slow rather than metastable; a longer --limit would show it."
            )
        return (
            f"From {permanent.above:.3g} to {reach} times the load it is metastable: it runs well until the trigger "
            "comes, and not any more when it has gone."
        )
    return "No load was found that is carried without the fault and not after it: it is not seen to be metastable."


# -- two starts -----------------------------------------------------------------------------------------------------


def _starts(found: Stability) -> Iterator[Block]:
    if not found.starts:
        return
    last = format_duration_s(found.limit_s / 2)
    away = away_by_load(found)
    rows = []
    for one in found.starts:
        cells = [
            cell
            for level in (one.from_empty, one.from_backlog)
            for cell in (level.at_work, _known(level.p99), Cell(level.good, words=_percent(level.good)))
        ]
        tried = away.get(one.factor)
        not_back = "" if tried is None else f"{tried.hits} of {tried.n}"
        rows.append(Row(f" {one.factor:.3g}", (*([not_back] if away else []), *cells, _modes_of(one))))
    heads = (
        *(["not back"] if away else []),
        "empty: at work",
        "p99",
        "good",
        "backlog: at work",
        "p99",
        "good",
        "modes",
    )
    table = Table(heads, tuple(rows), "  load", "load", left=(len(heads) - 1,))
    whom = f"{format_count(found.backlog)} executions at once; the last {last} of each"
    title = InTerminal((Paragraph(f"TWO STARTS without the fault: empty, and with {whom}"),))
    yield Section(
        "starts",
        "Two starts",
        "Two starts",
        (
            OnPage((Paragraph(STARTS.format(f"{found.backlog:,}", last), kind="explained"),)),
            Together((title, table, Paragraph(GOOD, 2, kind="explained"))),
            _both_starts(found),
        ),
    )


def _both_starts(found: Stability) -> Chart:
    band, shaded = found.as_it_is.band, None
    if band is not None and not band.is_slow and band.permanent.above is not None and band.alone.below is not None:
        shaded = (band.permanent.above, band.alone.below)
    branches = {
        "from empty": [one.from_empty.at_work for one in found.starts],
        "from a backlog": [one.from_backlog.at_work for one in found.starts],
    }
    loads = [one.factor for one in found.starts]
    shaded = shaded if shaded is not None and shaded[0] < shaded[1] else None
    return Chart(
        "Executions at work against the load, from both starts; the figures are in the table",
        partial(branches_by_load, branches, loads, shaded, "executions at work"),
        tuple(_picture(found.starts)) if len(found.starts) > 1 else (),
    )


def away_by_load(found: Stability) -> dict[float, Tried]:
    """The loads at which episodes were tried, and how many of these did not come back."""
    band = found.as_it_is.band
    return {} if band is None else {one.at: one for one in band.permanent.tried}


def _known(figure: Figure) -> Figure | str:
    return "-" if figure.value is None else figure


def _modes_of(one: TwoStarts) -> str:
    """Whether two starts lead to one place."""
    if one.differ is None:
        return "?, backlog falls" if one.from_backlog.settled == "falls" else "?"
    modes = "TWO" if one.differ else "one"
    return f"{modes}, empty grows" if one.from_empty.settled == "grows" else modes


def _picture(starts: Sequence[TwoStarts], width: int = PICTURE) -> list[str]:
    """Executions at work against the load from both starts, on a logarithmic scale: o from empty, x from a backlog."""
    values = [max(level.at_work.value or 0.0, 0.1) for one in starts for level in (one.from_empty, one.from_backlog)]
    low, high = math.log(min(values)), math.log(max(values))

    def column(value: float) -> int:
        return round((math.log(max(value, 0.1)) - low) / (high - low) * (width - 1)) if high > low else 0

    lines = []
    for one in reversed(starts):
        row = [" "] * width
        empty, full = (column(level.at_work.value or 0.0) for level in (one.from_empty, one.from_backlog))
        row[empty], row[full] = ("*", "*") if empty == full else ("o", "x")
        lines.append(f"{one.factor:>6.3g} |{''.join(row).rstrip()}")
    axis = format_count(math.exp(low)).ljust(width - 8) + format_count(math.exp(high)).rjust(8)
    return [
        "  load   at work, logarithmic: o from empty, x from a backlog, * both",
        *lines,
        f"       +{'-' * width}",
        f"        {axis}",
    ]


# -- JSON -----------------------------------------------------------------------------------------------------------


def document(found: Stability) -> dict[str, Any]:
    """The JSON document of a study, ready for `json.dumps(..., allow_nan=False)`."""
    return json_object(
        {
            "schema": SCHEMA,
            **renamed("mitigation", "mitigations"),
            "scenario": {"name": found.name, "file": found.file, "hash": found.hash},
            "seed": found.seed,
            "runs": found.runs,
            "trigger": {
                "fault": found.fault,
                "begin_s": found.begin_s,
                "lasts_s": found.lasts_s,
                "limit_s": found.limit_s,
            },
            "load": found.at,
            "as_it_is": _outcome_json(found.as_it_is),
            "backlog": found.backlog,
            "starts": [
                {
                    "load": one.factor,
                    "from_empty": one.from_empty,
                    "from_backlog": one.from_backlog,
                    "two_modes": one.differ,
                }
                for one in found.starts
            ],
            **both("mitigations", list(map(_outcome_json, found.mitigations))),
            "error": found.error,
            "within": found.within,
            "notes": found.notes,
        }
    )


def _outcome_json(one: TriggerOutcome) -> dict[str, Any]:
    recovery, band = one.recovery, one.band
    return {
        **both("mitigation", one.mitigation),
        "settings": one.settings,
        "back": one.back,
        "draining": one.draining,
        "good": one.good,
        "restore": recovery.restore_s,
        "drain": recovery.drain_s,
        "latency_ok": recovery.latency_ok_s,
        "lost": recovery.lost,
        "redone": recovery.redone,
        "amplification": recovery.amplification,
        "cost": one.cost,
        "band": band
        and {
            "permanent": _threshold_json(band.permanent),
            "alone": _threshold_json(band.alone),
            "estimate": band.estimate,
            "good": band.good,
            "away": band.away,
            "draining": band.draining,
        },
    }


def _threshold_json(one: Threshold) -> dict[str, Any]:
    tried = [{"load": t.at, "hits": t.hits, "n": t.n, "mostly": t.verdict} for t in one.tried]
    return {"below": one.below, "above": one.above, "error": one.error, "tried": tried}
