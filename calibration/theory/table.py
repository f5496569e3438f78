"""The engine held against theory: closed forms and Markov chains beside runs of small networks, with a verdict each.

A row agrees when theory lies within an interval that is wrong in ERROR of the cases, so small that with a right engine
fewer than one in a thousand tables has a row that DIFFERS (Bonferroni over some 50 rows).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from calibration.theory.case import Case
from calibration.theory.networks import NETWORKS
from calibration.theory.stations import STATIONS
from sim.engine.plan import Plan
from sim.engine.run import run_all
from sim.figure import Figure
from sim.network import Network
from sim.network.checks import problems
from sim.report.grid import grid, paragraph
from sim.scenario.reading.reader import parse, validate
from sim.stats.metrics import metrics

CASES: Final = (*STATIONS, *NETWORKS)
"""What is compared; `tests/theory` goes further, with some 80 cases at narrower intervals."""

REPLICATIONS: Final = 128
ERROR: Final = 2e-5
SHOWN: Final = 0.95
"""Level of the interval that is printed."""


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of one case.

    z: the simulated value's distance from theory in standard errors, taken from the end of the interval on that side;
        None where the runs cannot tell. agrees: whether theory lies in the interval of level 1 - ERROR.
    """

    case: str
    source: str
    metric: str
    theory: float
    figure: Figure
    z: float | None
    agrees: bool

    def to_json(self) -> dict[str, Any]:
        """As it is printed by `--json`."""
        return asdict(self) | {"figure": self.figure.to_json()}


def theory_rows(
    only: Callable[[str], bool] = lambda _: True,
    replications: int = REPLICATIONS,
    processes: int = -1,
    on_progress: Callable[[str, float, int], None] | None = None,
) -> list[Row]:
    """Run the cases whose name is wanted; on_progress: hears of progress."""
    cases = [case for case in CASES if only(case.name)]
    networks = [_network(case) for case in cases]
    planned = [
        (network, _plan(case, seed, index))
        for seed, (case, network) in enumerate(zip(cases, networks, strict=True), start=1)
        for index in range(replications)
    ]
    tell = on_progress or (lambda what, done, of: None)
    runs, finished = run_all(planned, None, processes, lambda done: tell("theory", done, len(planned)))
    if not finished:
        raise KeyboardInterrupt
    rows: list[Row] = []
    for at, case in enumerate(cases):
        own = runs[at * replications : (at + 1) * replications]
        shown, wide = metrics(own, {}, SHOWN), metrics(own, {}, 1 - ERROR)
        rows += [_row(case, name, value, shown[name], wide[name]) for name, value in case.theory().items()]
    return rows


def _network(case: Case) -> Network:
    network = validate(parse(case.network, case.name), Network)
    assert not problems(network), (case.name, problems(network))
    return network


def _plan(case: Case, seed: int, index: int) -> Plan:
    """Each case has a seed of its own, so that rows of different cases are independent. Followed as long
    after the window as it is long and for ten warm-ups, so that all that began in it ends."""
    return Plan(
        seed=seed,
        replication=index,
        warmup_ns=round(case.warmup_s * 1e9),
        horizon_ns=round((case.warmup_s + case.window_s) * 1e9),
        follow_ns=round((case.window_s + 10 * case.warmup_s) * 1e9),
        sample_ns=0,
    )


def _row(case: Case, name: str, theory: float, shown: Figure, wide: Figure) -> Row:
    from scipy.special import ndtri

    value, low, high = shown.value, shown.low, shown.high
    if value is None or low is None or high is None or wide.low is None or wide.high is None:
        # A run that cannot tell does not agree: the window of the case is too short.
        return Row(case.name, case.source, name, theory, shown, None, False)
    reach = value - low if theory < value else high - value
    z = float(ndtri((1 + SHOWN) / 2)) * (value - theory) / reach if reach > 0 else 0.0 if value == theory else 99.0
    return Row(case.name, case.source, name, theory, shown, z, wide.low <= theory <= wide.high)


def theory_text(rows: Sequence[Row]) -> str:
    """What `validate theory` prints."""
    table: list[tuple[str, ...]] = [("CASE", "metric", "theory", "simulated", "95 %", "z", "verdict")]
    last = ""
    for row in rows:
        figure = row.figure
        value, interval = "refused", ""
        if figure.value is not None and figure.low is not None and figure.high is not None:
            value, interval = _number(figure.value), f"[{_number(figure.low)}, {_number(figure.high)}]"
        verdict = "agrees" if row.agrees else "REFUSED" if row.z is None else "DIFFERS"
        case = row.case if row.case != last else ""
        last = row.case
        theory = f"{_number(row.theory)} {figure.unit}" if figure.unit != "ratio" else _number(row.theory)
        metric = row.metric.replace(".job", "").replace(".server", "")
        table.append((case, metric, theory, value, interval, "" if row.z is None else f"{row.z:+.1f}", verdict))
    agree = sum(row.agrees for row in rows)
    inside = sum(
        row.figure.low is not None and row.figure.high is not None and row.figure.low <= row.theory <= row.figure.high
        for row in rows
    )
    return "\n".join(
        [
            *grid(table, left=(0, 1)),
            "",
            *paragraph(
                f"{agree} of {len(rows)} agree, in intervals that are wrong in {ERROR:g} of the cases; {inside} lie "
                f"in the 95 % intervals that are shown, {0.95 * len(rows):.0f} of {len(rows)} being expected."
            ),
        ]
    )


def _number(value: float) -> str:
    """To four digits, one more than people are shown elsewhere: theory is exact, and a difference should show."""
    return f"{value:.4g}"
