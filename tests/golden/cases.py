"""The frozen cases: a generated network with its plan and traces, or a scenario with the plans of its runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sim.analytic.estimate import estimate
from sim.engine.plan import Plan
from sim.lower.load import Loaded, load
from sim.network import Network

HERE = Path(__file__).parent
NETWORKS = HERE / "networks"
SCENARIOS = HERE / "scenarios"
MOST_EVENTS = 20_000
"""Events of a run that the reference engine repeats."""
ARRIVALS = 50
SECOND = 1_000_000_000


@dataclass(frozen=True)
class Run:
    """One run of a case. name: what is special about it."""

    name: str
    network: Network
    plan: Plan
    traces: dict[str, list[int]]


def networks() -> list[Path]:
    """The files of the generated networks."""
    return sorted(NETWORKS.glob("*.yaml"))


def scenarios() -> list[Path]:
    """The files of the scenarios."""
    return sorted(SCENARIOS.rglob("*.yaml"))


def of_network(file: Path) -> Run:
    """The run of a generated network."""
    read = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return Run("run", Network.model_validate(read["network"]), Plan(**read["plan"]), read.get("traces", {}))


def written(document: dict[str, Any], plan: Plan, traces: dict[str, list[int]]) -> str:
    """A generated network as its file has it."""
    usual = asdict(Plan())
    given = {key: value for key, value in asdict(plan).items() if value != usual[key]}
    parts = {"network": {key: one for key, one in document.items() if one}, "plan": given}
    text: str = yaml.safe_dump(parts | ({"traces": traces} if traces else {}), sort_keys=False, width=110)
    return text


@cache
def loaded(file: Path) -> Loaded:
    """A scenario."""
    return load(file)


def of_scenario(file: Path, arrivals: float) -> Iterator[Run]:
    """The runs of a scenario, over about so many arrivals: from empty, as it begins, and with each of its drills."""
    lowered = loaded(file).lowered
    empty = load(file, ["run.start=empty"] if loaded(file).scenario.network is None else []).lowered.network
    counted = {source.routine for source in empty.sources.values() if source.counted}
    rate = sum(rate for routine, rate in estimate(empty).rates_per_s.items() if routine in counted)
    horizon = round(arrivals / rate * SECOND)
    plan = Plan(1, 0, horizon // 10, horizon, horizon // 4, horizon // 4, max(horizon // 20, 1))
    yield Run("empty", empty, plan, {})
    if lowered.network != empty:
        yield Run("as it begins", lowered.network, replace(plan, follow_ns=0, drain_ns=0), {})
    for name, fault in empty.faults.items():
        if fault.is_drill and name not in lowered.companion_of:
            # The drill is brought forward into the short run, with all that happens together with it.
            together = {
                one: empty.faults[one].model_copy(update={"at_ns": horizon // 2, "drill": one == name})
                for one in (name, *lowered.companions.get(name, ()))
            }
            drilled = empty.model_copy(update={"faults": together})
            yield Run(f"drill {name}", drilled, replace(plan, drill=name), {})
