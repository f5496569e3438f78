"""What the prediction of a scenario asks of its runs."""

from __future__ import annotations

from sim.lower.load import Loaded
from sim.scenario.model.objectives import ServiceLevel
from sim.stats.asked import AskedOfRuns
from sim.stats.sli import Sli


def asked_of_runs(loaded: Loaded) -> AskedOfRuns:
    """The questions of a scenario."""
    return AskedOfRuns(dict(loaded.lowered.deadlines_ns), slis_of(loaded))


def slis_of(loaded: Loaded) -> tuple[Sli, ...]:
    """What the service levels of a scenario look at."""
    levels = (one for one in loaded.scenario.objectives if isinstance(one, ServiceLevel))
    return tuple(Sli.of(one, loaded.lowered.deadlines_ns) for one in levels)
