"""An episode as lines of characters, beside its baseline run. In a series higher blocks are higher values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean

from sim.report.grid import WIDTH
from sim.report.wording import show
from sim.stats.pictures import Line, Picture
from sim.units import format_duration_s

BLOCKS = "▁▂▃▄▅▆▇█"
NOTHING = " "


Fold = Callable[[Sequence[float]], float]
"""Makes one value of several."""


def spark(values: Sequence[float], ends: tuple[float, float], width: int, fold: Fold = max, each: int = 1) -> str:
    """Values between two ends as blocks, at most `width` of them and each `each` wide; more values are folded.

    What is not a number, and what nothing is known of, is a blank.

    >>> spark([0, 1, 2, 4, float("nan"), 8], (0, 8), 6)
    '▁▂▃▅ █'
    >>> spark([0, 8, 0, 8], (0, 8), 2)
    '██'
    """
    return "".join(each * _block(value, *ends) for value in folded(values, width, fold))


def folded(values: Sequence[float], width: int, fold: Fold = max) -> list[float]:
    """At most `width` values, each made of as many of the given ones."""
    each = -(-len(values) // width)
    parts = (values[at : at + each] for at in range(0, len(values), each or 1))
    known = ([value for value in part if not math.isnan(value)] for part in parts)
    return [fold(part) if part else math.nan for part in known]


def _block(value: float, low: float, high: float) -> str:
    if math.isnan(value):
        return NOTHING
    share = min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.0
    return BLOCKS[min(int(share * len(BLOCKS)), len(BLOCKS) - 1)]


MOST_BLOCKS = 4
"""So wide is a window at most."""
MOST_RATE = 3
"""The highest block of a throughput is so many times the most of the baseline run."""
ALWAYS = ("throughput", "latency p99", "backlog")
"""Lines that are shown beside those of the baseline run; of the others its extreme is told."""


def picture_lines(shown: Picture) -> Iterator[str]:
    """An episode as lines of blocks, those that every run has above the same of its baseline run; when the fault was
    there."""
    space = max(len(line.name) for line in shown.lines) + 1
    width = WIDTH - space - 36
    each = max(1, min(MOST_BLOCKS, width // len(shown.time_s)))
    columns = len(folded(shown.time_s, width))
    yield f" {'fault'.ljust(space)} {_presence(shown, columns, each)}"
    for line in shown.lines:
        fold = fmean if line.unit == "1/s" else max
        blocks, without = (spark(values, _ends(line), width, fold, each) for values in (line.values, line.baseline))
        extreme, of_baseline = _extreme(line, line.values), _extreme(line, line.baseline)
        if line.name in ALWAYS:
            yield f" {line.name.ljust(space)} {blocks.ljust(columns * each)}  {extreme}"
            yield f" {'  without'.ljust(space)} {without.ljust(columns * each)}  {of_baseline}"
        else:
            yield f" {line.name.ljust(space)} {blocks.ljust(columns * each)}  {extreme}, without {of_baseline}"
    begin, end = shown.time_s[0], shown.time_s[-1]
    yield f" from {format_duration_s(begin)} to {format_duration_s(end)} after the fault's beginning"


def _ends(line: Line) -> tuple[float, float]:
    """What the lowest and the highest block stand for; what moves by less than half of itself begins at its least."""
    known = [value for value in (*line.values, *line.baseline) if math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    if line.unit == "1/s":
        high = min(high, MOST_RATE * max(line.baseline, default=0.0))  # else a backlog's way out hides all else
    return (low, high) if line.at_ends and low > high / 2 else (0.0, high)


def _extreme(line: Line, values: Sequence[float]) -> str:
    """The least throughput, the most of anything else."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return "nothing"
    if line.unit == "1/s":
        return f"min {show(min(known), line.unit)}"
    low = _ends(line)[0]
    return f"max {show(max(known), line.unit)}" + (f", blocks from {show(low, line.unit)}" if low else "")


def _presence(shown: Picture, columns: int, each: int) -> str:
    """Where the fault is there, as a line."""
    step = shown.time_s[1] - shown.time_s[0] if len(shown.time_s) > 1 else 1.0

    def there(time: float) -> float:
        ends = ((begin, math.inf if end is None else end) for _, begin, end in shown.faults)
        return float(any(begin < time + step and time < max(end, begin + 1e-9) for begin, end in ends))

    marks = folded([there(time) for time in shown.time_s], columns)
    return "".join(each * ("▀" if mark else "·") for mark in marks)
