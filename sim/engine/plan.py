"""How long to run and what to look at: the numbers that an engine needs beside the network."""

from __future__ import annotations

from dataclasses import dataclass

MEMORY_BYTES = 4 << 30
"""Room for some 80 million executions. Only what is touched of it is ever real."""
MAX_EVENTS = 5_000_000_000
"""Ten to twenty minutes of one core: beyond that a run is more often a slip of a unit than meant."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One replication. Times in ns since the start of the run.

    warmup_ns, horizon_ns: executions that start in [warmup, horizon) make up the cohort that is measured.
    follow_ns: after the horizon sources go on for this long at most, while the cohort is followed to its close.
    drain_ns: then sources stop, and what is left of the cohort is followed for this long at most.
    sample_ns: time between two samples of the timeline; 0 takes none.
    drill: name of the one scripted fault that happens in this run; None leaves all drills out.
    memory_bytes, max_events: what the fast engine may use, and how many events a run may have, at most; a run that
    needs more ends with a message that says so.
    """

    seed: int = 1
    replication: int = 0
    warmup_ns: int = 0
    horizon_ns: int = 0
    follow_ns: int = 0
    drain_ns: int = 0
    sample_ns: int = 0
    drill: str | None = None
    memory_bytes: int = MEMORY_BYTES
    max_events: int = MAX_EVENTS
