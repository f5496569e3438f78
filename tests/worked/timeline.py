"""Runs a small network through one engine and lays its columns out so that they can be held against arithmetic.

Times are given and read in milliseconds; constants make every one of them a whole number of nanoseconds, so that
comparisons are exact. No expectation lives here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import yaml

from sim.engine.plan import Plan
from sim.network import Network
from sim.network.checks import problems
from sim.results.audit import audit
from sim.results.columns import OUTCOMES, PlaceUse, Replication

MS = 1_000_000


def _reference(network: Network, plan: Plan, traces: dict[str, list[int]]) -> Replication:
    from sim.engine.reference import Engine

    return Engine(network, plan, traces).run()


def _fast(network: Network, plan: Plan, traces: dict[str, list[int]]) -> Replication:
    from sim.engine.fast import run

    return run(network, plan, traces)


ENGINES: dict[str, Callable[[Network, Plan, dict[str, list[int]]], Replication]] = {
    "reference": _reference,
    "fast": _fast,
}


@dataclass(frozen=True)
class Timeline:
    """What one run left behind, in ms; executions by their ordinal, that is in the order of their arrival."""

    run: Replication
    findings: list[str]

    @property
    def starts(self) -> list[float]:
        return [ns / MS for ns in self.run.executions.start_ns.tolist()]

    @property
    def ends(self) -> list[float | None]:
        """None where the execution is still open."""
        return [ns / MS if ns >= 0 else None for ns in self.run.executions.end_ns.tolist()]

    @property
    def ends_ns(self) -> list[int]:
        ends: list[int] = self.run.executions.end_ns.tolist()
        return ends

    @property
    def outcomes(self) -> list[str]:
        return [OUTCOMES[outcome] for outcome in self.run.executions.outcome.tolist()]

    @property
    def errors(self) -> dict[int, str]:
        return self.run.executions.errors

    def split(self, ordinal: int) -> dict[str, float]:
        """Where the time of an execution of the cohort went, in ms by state; states without time are left out."""
        rows = self.run.executions
        row = rows.split[rows.cohort.tolist().index(ordinal)].tolist()
        return {state: ns / MS for state, ns in zip(rows.states, row, strict=True) if ns}

    def spans(self, metric: str) -> list[tuple[float, float]]:
        """(when it ended, how long it was), in ms, in the order of the ends."""
        use = self.run.spans[metric]
        ended, lengths = use.ended_ns.tolist(), use.durations_ns.tolist()
        return [(end / MS, length / MS) for end, length in zip(ended, lengths, strict=True)]

    def place(self, name: str) -> PlaceUse:
        return self.run.places[name]

    def busy(self, name: str) -> float:
        """Unit-ms in use within the window."""
        return self.run.places[name].busy_area / MS

    def waiting(self, name: str) -> float:
        """Visit-ms in line within the window."""
        return self.run.places[name].waiting_area / MS

    def monitor(self, name: str) -> tuple[int, int, int, int]:
        """(put to the test, kept, undecided, violated)."""
        count = next(count for count in self.run.monitors if count.name == name)
        return count.antecedents, count.checked, count.undecided, count.violated


class Engine(Protocol):
    """`run` with the engine chosen: what the fixture `engine` gives."""

    def __call__(
        self, text: str, arrivals: Mapping[str, Sequence[float]] | None = None, **options: Any
    ) -> Timeline: ...


def network_of(text: str) -> Network:
    network = Network.model_validate(yaml.safe_load(text))
    found = problems(network)
    assert not found, "\n".join(map(str, found))
    return network


def run(
    engine: str,
    text: str,
    arrivals: Mapping[str, Sequence[float]] | None = None,
    *,
    horizon: float = 1000,
    warmup: float = 0,
    follow: float = 0,
    drain: float = 3_600_000,
    sample: float = 0,
    seed: int = 1,
    drill: str | None = None,
    broken: bool = False,
    stuck: bool = False,
) -> Timeline:
    """Run the network in `text` (YAML) and audit it; times in ms.

    arrivals: by source with `arrivals: {trace: ..}`, when its executions come. broken: the audit has to find
    something; otherwise it must find nothing. stuck: jobs have to wait for each other for ever; otherwise none may.
    """
    plan = Plan(
        seed=seed,
        warmup_ns=round(warmup * MS),
        horizon_ns=round(horizon * MS),
        follow_ns=round(follow * MS),
        drain_ns=round(drain * MS),
        sample_ns=round(sample * MS),
        drill=drill,
    )
    traces = {name: [round(time * MS) for time in times] for name, times in (arrivals or {}).items()}
    replication = ENGINES[engine](network_of(text), plan, traces)
    assert replication.engine == engine, f"this ran on {replication.engine}"
    findings = audit(replication)
    assert bool(findings) == broken, findings
    assert (replication.deadlock is not None) == stuck, replication.deadlock
    return Timeline(replication, findings)
