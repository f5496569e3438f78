"""Independent replications of a small network, and the claim that theory lies within their intervals.

Method. Every test runs `REPLICATIONS` replications of the reference engine, seeded alike and told apart by their
index, each audited. The figures are those that `sim run` prints (`sim.stats.metrics`), at the confidence 1 - ERROR.
A claim names a figure and what theory says it is, and holds when

* theory lies within the interval: at a false alarm in ERROR = 2.5e-6 of the claims. The directory makes less than 400
  claims, so that fresh seeds would alarm in less than one of a thousand runs (Bonferroni);
* the interval is narrow enough to mean something: its half-width is at most `within` of theory in the full run. The
  quick run takes a quarter of the full window and is allowed three times the width: twice by its length, and more
  because the intervals widen with the skewness of short runs.

Since seeds are fixed, a test that passes goes on passing until a draw changes.

Runs start empty. The warm-up is at least 4 relaxation times of the slowest station, for M/M/c 1 / (c mu (1 - sqrt
rho)^2) (Cohen, The Single Server Queue, 1982), and windows are longer than 10: by the exact transient of M/M/1 and
M/M/8 what is then left of the start is below 0.03 % of a mean latency, a hundredth of the narrowest interval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pytest

from sim.engine.plan import Plan
from sim.engine.run import run_one
from sim.figure import Figure
from sim.network import Network
from sim.network.checks import problems
from sim.results.columns import Replication
from sim.scenario.reading.reader import parse, validate
from sim.stats.intervals import mean_interval
from sim.stats.metrics import metrics

REPLICATIONS = 64
ERROR = 2.5e-6
FULL = 4
"""Length of the full run in windows of the quick one."""
QUICK_WIDTH = 3
"""Width that the quick run is allowed, over that of the full one."""
WITHIN = 0.05

_QUICK, _FULL = pytest.param(1, id="quick"), pytest.param(FULL, id="full", marks=pytest.mark.long)
quick_and_full = pytest.mark.parametrize("size", [_QUICK, _FULL])
full = pytest.mark.parametrize("size", [_FULL])


def station(arrivals: str, server: str) -> str:
    """Network of one station `server` that jobs come to and leave; both arguments in YAML."""
    return f"""
        sources: {{jobs: {{routine: job, arrivals: {arrivals}}}}}
        stations: {{server: {server}}}
        routines: {{job: [{{use: server}}]}}
        """


@dataclass(frozen=True)
class Runs:
    """Replications of one network; `size` 1 or FULL times the window of the quick run."""

    replications: Sequence[Replication]
    figures: Mapping[str, Figure]
    size: int

    def agree(self, theory: Mapping[str, float], within: float = WITHIN) -> None:
        """Claim the figures named. within: half-width of the interval over theory, at most, in the full run."""
        missing = sorted(theory.keys() - self.figures.keys())
        assert not missing, f"no such figures: {missing}; there are {sorted(self.figures)}"
        self._claim({name: (self.figures[name], value) for name, value in theory.items()}, within)

    def agree_on(
        self, name: str, measure: Callable[[Replication], float], theory: float, within: float = WITHIN
    ) -> None:
        """Claim the mean over replications of something that has no figure."""
        values = [measure(replication) for replication in self.replications]
        self._claim({name: (mean_interval(values, "", 1 - ERROR), theory)}, within)

    def _claim(self, claims: Mapping[str, tuple[Figure, float]], within: float) -> None:
        allowed = within if self.size == FULL else QUICK_WIDTH * within
        broken = []
        for name, (figure, value) in claims.items():
            if figure.low is None or figure.high is None or figure.half_width is None:
                broken.append(f"{name}: theory says {value:.6g}, the run has no interval: {figure.note}")
            elif not figure.low <= value <= figure.high:
                broken.append(f"{name}: theory says {value:.6g}, the run {figure.low:.6g} to {figure.high:.6g}")
            elif figure.half_width > allowed * abs(value):
                width = figure.half_width / abs(value)
                broken.append(f"{name}: the interval of +-{width:.2%} is too wide to tell (at most {allowed:.2%})")
        assert not broken, "\n".join(["the engine and theory differ", *broken])


def simulate(
    network: str, warmup_s: float, window_s: float, size: int, follow_s: float | None = None, sample_s: float = 0
) -> Runs:
    """Run a network given in YAML.

    window_s: of the quick run. follow_s: how long executions are followed after the window, while sources go on; as
    long as the window and ten warm-ups by default. sample_s: time between two samples of the timeline.
    """
    parsed = validate(parse(network, "network"), Network)
    return simulate_network(parsed, warmup_s, window_s, size, follow_s, sample_s)


def simulate_network(
    network: Network, warmup_s: float, window_s: float, size: int, follow_s: float | None = None, sample_s: float = 0
) -> Runs:
    """Run a network as `simulate` does."""
    assert not problems(network), problems(network)
    window_s *= size
    follow_s = window_s + 10 * warmup_s if follow_s is None else follow_s
    plans = [
        Plan(
            seed=1,
            replication=index,
            warmup_ns=round(warmup_s * 1e9),
            horizon_ns=round((warmup_s + window_s) * 1e9),
            follow_ns=round(follow_s * 1e9),
            sample_ns=round(sample_s * 1e9),
        )
        for index in range(REPLICATIONS)
    ]
    replications = [run_one(network, plan) for plan in plans]
    return Runs(replications, metrics(replications, {}, 1 - ERROR), size)
