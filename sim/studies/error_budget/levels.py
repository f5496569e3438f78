"""The service levels of a scenario, and its kinds of faults as the error budget's sums take them."""

from __future__ import annotations

import math
from dataclasses import replace

from sim.errors import InputErrors
from sim.lower.load import Loaded
from sim.lower.lowered import FaultClass
from sim.lower.sums import mean_ns
from sim.scenario.model.objectives import ServiceLevel
from sim.scenario.model.stores.registry import STORES
from sim.stats.error_budget import Level
from sim.stats.sli import Sli
from sim.stats.sums import Frequency
from sim.units import format_duration_ns


def levels_of(loaded: Loaded) -> list[tuple[Level, Sli]]:
    """The service levels of a scenario; a bound on an availability is one of correct outcomes over 30 days.

    Raises InputErrors where it asks for none.
    """
    found = []
    for objective in loaded.scenario.objectives:
        level = objective
        if not isinstance(level, ServiceLevel):
            family, _, workflow = level.metric.partition(".")
            if family != "availability" or level.above is None or not 0 < level.above < 1:
                continue
            level = ServiceLevel(sli=f"outcome.{workflow}", above=level.above, name=level.name)
        sli = Sli.of(level, loaded.lowered.deadlines_ns)
        found.append((Level(level.name or level.metric, level.above, level.window_ns / 1e9), sli))
    if not found:
        routine = next(source.routine for source in loaded.lowered.network.sources.values() if source.counted)
        hint = f"add   - {{sli: outcome.{routine}, within: 1 min, above: 99.99 %, window: 30 days}}"
        message = "names no service level to keep an error budget of"
        raise InputErrors([loaded.document.problem(("objectives",), message, hint)])
    return found


def classes_of(loaded: Loaded) -> dict[str, FaultClass]:
    """The kinds of faults that have rows of their own: those of the scenario, a rollout's bad versions apart.

    These are few and do nearly all of the harm, so that among its episodes they would hardly be seen. Raises
    InputErrors where nothing fails at random.
    """
    if not loaded.lowered.classes:
        message = "has none that comes at random, so nothing takes of a budget"
        hint = "say how often one comes   seen: 2 in 2 years   or   mttf: 90 days"
        raise InputErrors([loaded.document.problem(("faults",), message, hint)])
    found = {}
    for name, one in loaded.lowered.classes.items():
        fault = loaded.scenario.faults.get(name)
        if fault is None or fault.bad is None or len(one.variants) != 2 or one.rate.seen is not None:
            found[name] = one
            continue
        for label, variant in zip((name, f"{name}, bad version"), one.variants, strict=True):
            rate = replace(one.rate, per_s=one.rate.per_s * variant.chance)
            found[label] = FaultClass(rate, (replace(variant, chance=1.0),), one.source, one.window)
    return found


def frequency_of(one: FaultClass) -> Frequency:
    """How often a class comes, for the sums."""
    seen = one.rate.seen
    return Frequency(one.rate.per_s, None if seen is None else (seen[0], seen[1] / 1e9), one.rate.times)


def outage_mean_s(one: FaultClass) -> float | None:
    """The known mean length of an outage; None where it consists of several faults, or the mean is not finite."""
    total = 0.0
    for variant in one.variants:
        faults = list(variant.faults.values())
        if len(faults) != 1 or faults[0].duration is None:
            return None
        total += variant.chance * mean_ns(faults[0].duration)
    return total / 1e9 if math.isfinite(total) else None


def evidence_of(one: FaultClass) -> str:
    """What was seen of it, as a scenario writes it; empty where the rate itself is given."""
    if one.rate.seen is None:
        return ""
    count, watched_ns = one.rate.seen
    return f"seen {count} in {format_duration_ns(watched_ns)}"


def not_in_it(loaded: Loaded) -> list[str]:
    """What may well take of the budget and comes in no class: kinds of faults that the scenario gives no rate for."""
    random = [fault for fault in loaded.scenario.faults.values() if fault.at_ns is None]
    targets = {target.split(".")[0] for fault in random for target in fault.each_target}
    missing = {
        "changes (a rollout with a `change_failure_rate`): this is hardware and zones only": not any(
            fault.is_rolling and fault.bad is not None for fault in random
        ),
        "loss of a zone": not targets & {"zone"},
        "loss of a region": "region" not in targets,
        "failover of the store": not targets & {*STORES, "databases"},
        "services of others": "dependencies" not in targets,
    }
    if loaded.scenario.network is not None:
        missing = {"changes, and whatever else the network gives no rate for": True}
    return [
        *(what for what, is_missing in missing.items() if is_missing),
        "three kinds of faults at once",
        "mistakes by hand",
    ]
