"""How a measured cell is asked of the simulator: a scenario, the `--set` changes that a user would type, a length."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from zlib import crc32

from sim.engine.plan import Plan
from sim.lower.load import Loaded, load
from sim.units import format_duration_ns

FOLLOWED_NS = 3_600_000_000_000
"""An hour: how long what is open at the end of the load is followed, where the measurement waited for it."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """Arrivals at the very times at which the measurement's load generator made them, instead of drawn ones.

    It drew them itself, in Python: the generator `random.Random(seed)`, gaps `expovariate(rate_per_s)`. source: of the
    network. In a run of some seconds the number of arrivals is a matter of chance that the model need not guess.
    """

    source: str
    seed: int
    rate_per_s: float

    def times_ns(self, until_ns: int) -> list[int]:
        """Arrivals before `until_ns`."""
        generator = Random(self.seed)
        times: list[int] = []
        time_s = generator.expovariate(self.rate_per_s)
        while time_s * 1e9 < until_ns:
            times.append(round(time_s * 1e9))
            time_s += generator.expovariate(self.rate_per_s)
        return times


@dataclass(frozen=True, slots=True)
class Case:
    """What is run to predict one measured run.

    system: whose adapter reads the runs (`calibration.systems`). name: of the cell, without its repeat. scenario:
    path of the file. changes: assignments as for `--set`, in turn. duration_ns: of the load, as long as the measured
    one; it starts from empty. dropped_ns: the first part of it, which the measurement left out. drain_ns: how long
    what is open at its end is followed; 0 where the measurement stopped there. metrics: those that are asked for; all
    that a run gives where it is empty. drill: name of the scripted fault that happens in the run. replayed: arrivals
    of the measurement; `command` draws arrivals of its own instead.
    """

    system: str
    name: str
    scenario: Path
    changes: tuple[str, ...]
    duration_ns: int
    dropped_ns: int = 0
    drain_ns: int = FOLLOWED_NS
    metrics: tuple[str, ...] = ()
    drill: str | None = None
    replayed: Replayed | None = None

    def with_changes(self, more: Sequence[str]) -> Case:
        """The case with further changes, made after its own."""
        return replace(self, changes=(*self.changes, *more)) if more else self

    def loaded(self) -> Loaded:
        """The scenario with the changes. Raises InputErrors where they do not fit."""
        return load(self.scenario, self.changes)

    def seed(self, seed: int) -> int:
        """The seed of its runs: each cell has random numbers of its own, so that the errors of two cells are
        independent; its changes do not matter, so that predictions differ by them alone."""
        return seed + crc32(f"{self.system}/{self.name}".encode())

    def plan(self, seed: int, replication: int) -> Plan:
        """One run: from empty, without the warm-up that `sim run` would look for."""
        return Plan(self.seed(seed), replication, 0, self.duration_ns, 0, self.drain_ns, drill=self.drill)

    def command(self, replications: int = 20, seed: int = 1) -> str:
        """The command that repeats it. Its figures are those of `sim run`, which counts who started in the window."""
        words = ["sim", "run", self.scenario.as_posix()]
        for change in self.changes:
            words += ["--set", change]
        words += ["--horizon", format_duration_ns(self.duration_ns)]
        words += ["--warmup", format_duration_ns(self.dropped_ns) if self.dropped_ns else "off"]
        return shlex.join([*words, "--replications", str(replications), "--seed", str(self.seed(seed))])
