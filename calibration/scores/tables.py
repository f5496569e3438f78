"""Scores as lines of text, at most 100 columns wide: by metric, by range of load, intervals, and the worst cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from calibration.scores.kinds import LOADS, TARGETS, USES, WIDTH, WIDTHS, Use, target_of
from calibration.scores.score import CONFIDENCE, Score, TableScore
from calibration.scores.summary import by_kind, coverage_of, errors_of, grouped, table_errors_of, worst
from sim.report.grid import grid, paragraph
from sim.report.wording import plain
from sim.units import format_ratio

WORDS: Final[Mapping[str, str]] = {"calibrated": "CALIBRATED", "held_out": "HELD OUT"}


def scores_text(found: Sequence[Score], tables: Sequence[TableScore], left_out: Sequence[str] = ()) -> str:
    """What `validate SYSTEM` prints. left_out: cells that are not scored, each with its reason."""
    if not found:
        lines = ["nothing was scored", *(f" {reason}" for reason in left_out)]
        return "\n".join(map(plain, lines))
    blocks = [
        list(_head(found)),
        list(_by_metric(found)),
        list(_tables(tables)),
        list(_by_load(found)),
        list(_coverage(found)),
        list(_worst(found)),
        [line for reason in left_out for line in paragraph(f"NOT SCORED {reason}", 2)],
    ]
    return "\n\n".join("\n".join(map(plain, block)) for block in blocks if block)


def _head(found: Sequence[Score]) -> Iterator[str]:
    counts = []
    for use in USES:
        own = [score for score in found if score.use == use]
        cells = {(score.host, score.cell): score.repeats for score in own}
        if cells:
            counts.append(f"{len(cells)} cells ({sum(cells.values())} runs) {WORDS[use].lower()}")
    systems = ", ".join(dict.fromkeys(f"{score.system} on {score.host}" for score in found))
    yield from paragraph(
        f"{systems}: {' and '.join(counts)}. Errors are |predicted / measured - 1| beyond the noise of the "
        "measurement (the spread of its repeats, in quadrature); `noise` is that spread, of one run. A share's error "
        "is the difference."
    )


def _by_metric(found: Sequence[Score]) -> Iterator[str]:
    hosts = list(dict.fromkeys(score.host for score in found))
    parts = [(use, host) for use in USES for host in hosts]
    first = True
    for use, host in parts:
        own = [score for score in found if score.use == use and score.host == host]
        if not own:
            continue
        if not first:
            yield ""
        first = False
        rows: list[tuple[str, ...]] = [
            (f"{WORDS[use]} on {host}", "median", "worst", "bias", "noise", "target", "within", "cells")
        ]
        for metric, scores in grouped(own, lambda score: score.metric).items():
            errors = errors_of(metric, scores)
            within = "" if errors.within is None else f"{errors.within} of {errors.cells}"
            target = "" if errors.target is None else percent(errors.target)
            sized = map(percent, (errors.median, errors.worst))
            rows.append(
                (
                    f" {metric}",
                    *sized,
                    signed(errors.bias),
                    percent(errors.noise),
                    target,
                    within,
                    str(errors.cells),
                )
            )
        yield from grid(rows)


def _tables(tables: Sequence[TableScore]) -> Iterator[str]:
    if not tables:
        return
    rows: list[tuple[str, ...]] = [("WHOLE TABLES, q0.05 to q0.95", "", "median", "worst", "q0.99", "noise", "cells")]
    for use in USES:
        own = [score for score in tables if score.use == use]
        for table, scores in grouped(own, lambda score: score.table).items():
            errors = table_errors_of(scores)
            noise = "-" if errors.noise is None else percent(errors.noise)
            sized = map(percent, (errors.median, errors.worst, errors.p99))
            rows.append((f" {table}", _use(use), *sized, noise, str(errors.cells)))
    yield from grid(rows, left=(0, 1))


def _by_load(found: Sequence[Score]) -> Iterator[str]:
    """Median and worst of the metrics with a target, by range of load."""
    loads = [load for load in LOADS if any(score.load == load for score in found)]
    kinds = [kind for kind in TARGETS if any(score.target is not None for score in by_kind(found).get(kind, ()))]
    if not loads:
        return
    rows = [("BY LOAD, median (worst)", "", *kinds, "cells")]
    for use in USES:
        for load in loads:
            own = [score for score in found if score.use == use and score.load == load]
            if not own:
                continue
            groups = by_kind(own)
            cells = []
            for kind in kinds:
                errors = errors_of(kind, groups[kind]) if kind in groups else None
                cells.append("-" if errors is None else f"{percent(errors.median)} ({percent(errors.worst)})")
            name = load if load == "overloaded" else f"{load} %"
            rows.append((f" {name}", _use(use), *cells, str(len({(score.host, score.cell) for score in own}))))
    yield from grid(rows, left=(0, 1))


def _coverage(found: Sequence[Score]) -> Iterator[str]:
    level = format_ratio(CONFIDENCE)
    rows = [(f"INTERVALS of one run, {level}", "", "covered", "runs inside", "half-width", "aimed at", "cells")]
    for use in USES:
        own = by_kind([score for score in found if score.use == use])
        for kind in (kind for kind in TARGETS if kind in own):
            coverage = coverage_of(kind, own[kind])
            rows.append(
                (
                    f" {kind}",
                    _use(use),
                    f"{percent(coverage.share)} +-{percent(coverage.error)}",
                    f"{coverage.inside} of {coverage.runs}",
                    percent(coverage.half_width),
                    percent(WIDTHS.get(kind, WIDTH)),
                    str(coverage.cells),
                )
            )
    yield from grid(rows, left=(0, 1))


def _worst(found: Sequence[Score]) -> Iterator[str]:
    beyond = worst(found)
    if not beyond:
        return
    rows = [("WORST CELLS", "metric", "measured", "predicted", "error", "noise", "target")]
    for score in beyond:
        target = target_of(score.metric)
        assert target is not None
        rows.append(
            (
                f" {score.cell} ({score.host}{'' if score.use == 'calibrated' else ', held out'})",
                score.metric,
                _number(score.measured),
                _number(score.predicted),
                signed(score.error),
                percent(score.noise),
                percent(target),
            )
        )
    yield from grid(rows, left=(0, 1))
    yield " repeated by"
    for command in dict.fromkeys(score.command for score in beyond if score.command):
        yield from paragraph(f"  {command}", 6)


def _use(use: Use) -> str:
    return WORDS[use].lower()


def percent(value: float) -> str:
    """Percent with two digits, as errors are not known better: "3.1 %", "0.4 %", "120 %"."""
    of_100 = 100 * value
    return f"{of_100:.1f} %" if of_100 < 10 else f"{of_100:.0f} %"


def signed(value: float) -> str:
    """The same with its sign: "+3.1 %"."""
    of_100 = 100 * value
    return f"{of_100:+.1f} %" if abs(of_100) < 10 else f"{of_100:+.0f} %"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
