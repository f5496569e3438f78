"""Which part of a run is measured: warm-up, whole cycles, or the run as a whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sim.analytic.estimate import estimate
from sim.analytic.relaxation import paces
from sim.engine.plan import MAX_EVENTS, MEMORY_BYTES, Plan
from sim.errors import InputErrors, Problem
from sim.network import Network
from sim.network.sources import ClosedArrivals, ModulatedArrivals, PoissonArrivals, RenewalArrivals
from sim.report.wording import overload_sentence
from sim.results.columns import Replication
from sim.scenario.model.settings import RunSettings
from sim.stats.asked import Taken
from sim.stats.overload import Overload, overload
from sim.stats.warmup import warm_up, whole_cycles
from sim.units import format_duration_ns, format_duration_s

SAMPLES = 200
"""Samples of the timeline over a run: enough to find a warm-up in (50 are needed) and to draw."""
PILOTS = 6
"""Pilot replications: the search for the warm-up needs 5."""
LITTLE = 0.05
"""Share of the window that an execution may stay for although it begins empty."""
OF_START = 0.001
"""Share of the throughput that the empty start may take."""
RELAXATIONS = 3
"""Relaxation times after which a twentieth of the empty start is left in a line."""
PILOT_FIRST = 1 << 20
"""Index of the first pilot replication, far from those that are measured."""


@dataclass(frozen=True, slots=True)
class MeasuredWindow:
    """The measured part of every base run, in ns, and how it was found.

    steady: whether it stands for any other stretch of time, so that means and a month's bill make sense.
    """

    warmup_ns: int
    horizon_ns: int
    follow_ns: int
    drain_ns: int
    sample_ns: int
    steady: bool
    note: str
    memory_bytes: int = MEMORY_BYTES
    max_events: int = MAX_EVENTS

    def until(self, end_ns: int) -> MeasuredWindow:
        """What there is up to an instant, from the warm-up on, or from the start if that comes later."""
        warmup = self.warmup_ns if self.warmup_ns < end_ns else 0
        sample = max(end_ns // SAMPLES, 1)
        return replace(
            self, warmup_ns=warmup, horizon_ns=end_ns, follow_ns=0, drain_ns=0, sample_ns=sample, steady=False
        )

    def plan(self, seed: int, replication: int) -> Plan:
        """The plan of one base run."""
        return Plan(
            seed,
            replication,
            self.warmup_ns,
            self.horizon_ns,
            self.follow_ns,
            self.drain_ns,
            self.sample_ns,
            memory_bytes=self.memory_bytes,
            max_events=self.max_events,
        )


def is_stationary(network: Network) -> bool:
    """Whether nothing about load and faults depends on the time: only then is there a steady state to wait for."""
    for source in network.sources.values():
        arrivals = source.arrivals
        if source.during is not None and source.limit is None:  # as stationary as its fault is
            continue
        lasting = isinstance(arrivals, PoissonArrivals | RenewalArrivals | ModulatedArrivals | ClosedArrivals)
        changing = isinstance(arrivals, PoissonArrivals) and arrivals.profile is not None
        if source.counted and (not lasting or changing or source.stop_ns is not None or source.limit is not None):
            return False
    return all((fault.at_ns is None and fault.window is None) or fault.is_drill for fault in network.faults.values())


def settled_ns(
    network: Network, run: RunSettings, cycle_ns: int, pilots: Callable[[Sequence[Plan]], list[Replication]]
) -> int:
    """From when on a run has forgotten its empty start: the warm-up that is given, a whole cycle where the load has
    one, else the warm-up that is found. pilots: as for `measured`. 0 where the start is part of what happens."""
    if isinstance(run.warmup, int):
        return run.warmup
    if run.warmup == "none" or run.finite:
        return 0
    if cycle_ns:
        return cycle_ns
    if not is_stationary(network):
        return 0
    settled, _, found = _search(network, run, max(run.horizon_ns // SAMPLES, 1), run.seed, pilots)
    if found is not None:
        message = f"cannot be settled without a fault. {overload_sentence(found)}"
        raise InputErrors([Problem("workflows", message, "first see   sim run")])
    return settled


def measured(
    network: Network, run: RunSettings, seed: int, pilots: Callable[[Sequence[Plan]], list[Replication]]
) -> MeasuredWindow:
    """The part of the runs to measure. pilots: runs plans, for the search of a warm-up.

    Raises InputErrors when the settings leave nothing to measure, or no warm-up can be found within half of the run.
    """
    horizon = run.horizon_ns
    sample = max(horizon // SAMPLES, 1)
    if run.cycle_ns is not None:
        requested = run.warmup if isinstance(run.warmup, int) else 0
        cycles = whole_cycles(horizon, run.cycle_ns, requested if requested or run.warmup == "none" else run.cycle_ns)
        if cycles.count == 0:
            raise InputErrors(
                [Problem("run.horizon", "holds no whole cycle after the warm-up", "make it at least 2 cycles")]
            )
        warmup, horizon, steady = cycles.start_ns, cycles.end_ns, True
        note = f"{cycles.count} whole cycles after {warmup // run.cycle_ns} of warm-up"
    elif isinstance(run.warmup, int):
        warmup, steady, note = run.warmup, not run.finite and is_stationary(network), ""
    elif run.finite or run.warmup == "none" or not is_stationary(network):
        warmup, steady = 0, not run.finite and is_stationary(network)
        note = (
            "counted whole, from the start"
            if run.finite or run.warmup == "none"
            else ("load changes with time and no `run.cycle` is given: counted whole, from the start")
        )
    else:
        warmup, note, _ = _search(network, run, sample, seed, pilots)
        steady = True
    if warmup >= horizon:
        message = f"ends at {format_duration_ns(warmup)}, not before the horizon of {format_duration_ns(horizon)}"
        raise InputErrors([Problem("run.warmup", f"{message}: nothing is left to measure", "extend run.horizon")])
    follow = run.follow_ns if run.follow_ns is not None else horizon - warmup
    return MeasuredWindow(
        warmup, horizon, follow, run.drain_ns, sample, steady, note, run.memory_bytes, run.max_events
    )


def begins_empty(network: Network, window: MeasuredWindow, mitigation: str) -> Iterator[str]:
    """What a start from nothing leaves out of the window, in words: routines whose executions stay longer than the
    warm-up, so that there are ever more of them while it is measured. mitigation: what else than a warm-up would help.

    How long they stay is the estimate in closed form.
    """
    if not window.steady:
        return
    length_s = (window.horizon_ns - window.warmup_ns) * 1e-9
    # Clients in a closed loop are all there from the start.
    open_loop = {name: one for name, one in network.sources.items() if not isinstance(one.arrivals, ClosedArrivals)}
    stays_s = estimate(network.model_copy(update={"sources": open_loop})).latency_s if open_loop else {}
    for routine, stay_s in stays_s.items():
        if window.warmup_ns * 1e-9 < stay_s and length_s * LITTLE < stay_s < math.inf:
            yield (
                f"executions of {routine} stay for about {format_duration_s(stay_s)}, longer than the warm-up of "
                f"{format_duration_ns(window.warmup_ns)}: from an empty start their number still grows while it is "
                f"measured; write   run: {{warmup: {format_duration_s(3 * stay_s)}}}{mitigation}"
            )


def _search(
    network: Network, run: RunSettings, sample: int, seed: int, pilots: Callable[[Sequence[Plan]], list[Replication]]
) -> tuple[int, str, Overload | None]:
    """The warm-up, and how it was found: where in-flight and lines have settled, but not before the start is out of
    what ends in the window, nor before the slowest place has forgotten it, as far as a quarter of the run allows.
    An overloaded system never settles: then 0, and the overload."""
    whole = Plan(
        seed, 0, 0, run.horizon_ns, sample_ns=sample, memory_bytes=run.memory_bytes, max_events=run.max_events
    )
    plans = [replace(whole, replication=PILOT_FIRST + index) for index in range(PILOTS)]
    runs = pilots(plans)
    shortest = min(len(run.sample_ns) for run in runs)
    series = {
        name: np.stack([run.samples[name][1:shortest] for run in runs]).astype(float)
        for name in runs[0].samples
        if name.startswith(("in_flight.", "queue.")) and any(run.samples[name].any() for run in runs)
    }
    found = {"nothing ever waits": 0}
    if series:
        cut = warm_up(series)
        if cut.refusal:
            judged = overload(network, runs)
            if judged is not None and judged.overloaded:
                return 0, "an overloaded system never settles: counted from the start", judged
            if any(one.deadlock is not None for one in runs):
                return 0, "", None
            hint = "write a longer run.horizon, or run.warmup: none (count from an empty start), or a time"
            message = f"no warm-up found within half of the run: {cut.refusal}"
            raise InputErrors([Problem("run.warmup", message, hint)])
        found = {f"last to settle: {cut.series}": cut.windows * sample}
    if run.start == "empty":
        taken = np.concatenate([one.ask(Taken()) for one in runs])
        found["as long as executions take"] = until_started_ns(taken, run.horizon_ns, sample)
    found |= {f"as long as {name} remembers": one for name, one in _forgotten_ns(network, run.horizon_ns, sample)}
    why = max(found, key=lambda reason: found[reason])
    return found[why], f"found in {PILOTS} pilot runs, {why}", None


def until_started_ns(taken_ns: NDArray[np.int64], horizon_ns: int, sample_ns: int) -> int:
    """From when on what ends in a window that began empty is OF_START less than what starts in it, at most.

    Executions that take L are missing from the ends of a window that begins at w for L - w of its length. 0 where not
    even a quarter of the run would do: there the start has to be another, see `run.start`.
    """
    if not taken_ns.size:
        return 0
    for samples in range(horizon_ns // 4 // sample_ns + 1):
        begin_ns = samples * sample_ns
        if np.maximum(taken_ns - begin_ns, 0).mean() <= OF_START * (horizon_ns - begin_ns):
            return begin_ns
    return 0


def _forgotten_ns(network: Network, horizon_ns: int, sample_ns: int) -> Iterator[tuple[str, int]]:
    """By place, RELAXATIONS of its relaxation times, where they are a quarter of the run at most."""
    for name, pace in paces(network, estimate(network)).items():
        wanted = RELAXATIONS * pace.relaxation_s(pace.estimate.utilisation) * 1e9
        if pace.estimate.wait_s > 0 and wanted <= horizon_ns / 4:
            yield name, -(-int(wanted) // sample_ns) * sample_ns
