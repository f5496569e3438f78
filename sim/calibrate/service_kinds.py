"""Which of the observed kinds are service times: what a scenario is given, not what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from sim.calibrate.service_times import ServiceTimes, fitted, fitted_counts
from sim.errors import InputErrors, Problem
from sim.observed.table import Observations, unit_of

SERVICE = ("service*", "start_to_close.activity.*", "own.*")
"""Times that say how long work took; waits and whole latencies come out of a run."""
WITHOUT = "latency*"
"""Where a source has none of these, latencies are fitted: with one client, or little load, they are service."""


def service_kinds(observed: Observations, asked: Sequence[str] = ()) -> list[str]:
    """The kinds that are fitted: those that match the globs, or service times. Raises InputErrors where none match."""
    times = [kind for kind in (*observed.samples, *observed.binned) if unit_of(kind) == "ns"]
    if asked:
        found = [kind for kind in times if any(fnmatchcase(kind, glob) for glob in asked)]
        if not found:
            raise InputErrors([Problem("--kind", f"no kind matches {', '.join(asked)}", f"kinds: {', '.join(times)}")])
        return found
    service = [kind for kind in times if any(fnmatchcase(kind, glob) for glob in SERVICE)]
    return service or [kind for kind in times if kind in observed.binned or fnmatchcase(kind, WITHOUT)]


def fit_kinds(observed: Observations, kinds: Sequence[str]) -> dict[str, ServiceTimes]:
    """Each kind fitted."""
    return {
        kind: fitted_counts(kind, observed.binned[kind])
        if kind in observed.binned
        else fitted(kind, observed.samples[kind])
        for kind in kinds
    }
