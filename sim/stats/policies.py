"""What circuit breakers and retry budgets did, as figures and on the timeline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.figure import Figure
from sim.results.columns import Replication
from sim.stats.intervals import mean_interval, proportion_interval

NS = 1e-9


def level(run: Replication, name: str) -> NDArray[np.float64]:
    """The samples of a name as they are shown: of the breakers of several nodes the mean state."""
    family, _, breaker = name.partition(".")
    values = run.samples[name].astype(np.float64)
    return values / run.breakers[breaker].nodes if family == "breaker" else values


def policy_figures(replications: Sequence[Replication], confidence: float) -> dict[str, Figure]:
    """Of each breaker the share of tries that it turned away and how often it opened; of each budget the share of
    further tries that it had no token for."""
    found = {}
    for name in replications[0].breakers:
        uses = [run.breakers[name] for run in replications]
        asked, away = (
            np.array(column, float) for column in zip(*((u.asked, u.turned_away) for u in uses), strict=True)
        )
        if asked.sum():
            found[f"turned_away.{name}"] = proportion_interval(away, asked, "ratio", confidence)
        opened = [
            use.opened / ((run.horizon_ns - run.begin_ns) * NS) for use, run in zip(uses, replications, strict=True)
        ]
        found[f"openings.{name}"] = mean_interval(opened, "1/s", confidence)
    for name in replications[0].budgets:
        wanted = np.array([run.budgets[name].wanted for run in replications], float)
        withheld = np.array([run.budgets[name].withheld for run in replications], float)
        if wanted.sum():
            found[f"withheld.{name}"] = proportion_interval(withheld, wanted, "ratio", confidence)
    return found
