"""Whether a system is asked for more than it can do, which place says so, and which one keeps it from doing more.

Judged workflow by workflow against every place that it visits. Work that waits is that in lines, or that of
executions that spend their time waiting, backing off and starting anew: an execution that sleeps for a day is no
overload, though the number in flight grows all day. What a full place turns away counts like what waits for it, as
far as executions ended without success; a share that fails by the scenario's own error rates does not. The rule and
its error rates are told below; with several workflows each is judged at its share of MISTAKEN.

Lines by key hide a full node behind the mean over all. Where the shares of the nodes are known (a Zipf exponent) the
most loaded one is meant. Else the growth of the line speaks, over the second half of the window: a line that starts
empty at load 1 exactly is a reflected Brownian motion, whose mean grows by 0.234 s sqrt(T) in the second half of T
against a standard error of s sqrt(T / 2 / R) over R replications, hence by 0.331 sqrt(R) errors. Beyond the quantile
of t and that many errors it is overload; at smaller loads there is less growth.

Not judged: closed loops, whose clients wait for what they ask for, and whatever is not stationary.

The load of a place. A run is cut into batches of time. In each, `full` is the share of what a place can do that it
did, `more` the executions by which the number that waits grew or that were turned away, `offered` the arrivals. What
came in a batch, as a share of what the place can do in it, is

    x = full (1 + more / (offered - more)),

what it did and what was added to the line in front of it. The mean of x estimates the load without bias wherever the
run starts: while a queue that starts empty fills, `full` is as much too small as `more` is too large. That is why a
slow transient is no overload: at 95 % of the limit the mean of x is 0.95, from empty and from the steady state alike,
however long the relaxation time; growth of the line alone would not tell one from the other.

The rule: overloaded when the lower end of the one-sided interval of the mean of x at 1 - MISTAKEN is above STABLE,
and the mean is above 1 + MATTERS. Arrivals and services of different batches are independent, or nearly so, and so
are the x, in contrast to queue lengths. The standard error is the larger of two: of all batches as one sample, and of
the means of the replications (which holds what lasts longer than a batch: bursts, an outage); Student's t has the
freedom of the batches.

Error rates. At load r with squared coefficients of variation a of the gaps and s of the services, the mean of x over
n executions has mean r and variance r^2 (a + s) / n =: e^2. A load of 0.95 is called overload with a chance of P(Z >
max(3.1, 0.08 / e)), 1 in 1,000 at most whatever n. A load of 1.1 is called so with a chance of P(Z > max(3.2 - 0.15 /
e, -0.07 / e)), which is 99 % once e < 0.027: n > 1,700 (a + s), such as 3,400 executions of M/M/1 over all
replications. Fewer leave overload unseen, they do not invent it. In between, a load of 1 is called so with P(Z > 0.03
/ e): rarely by long runs, more often by short ones. Heavy tails to the right make the lower end too low, not too
high. `python tests/statistics/measured_overload.py` prints the rates as they are measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.figure import Figure
from sim.network import Network
from sim.network.facts import group_of, has_line_by_node, node_groups
from sim.network.holding import Holding, holding
from sim.network.sources import ClosedArrivals
from sim.results.columns import Replication
from sim.stats.batches import BATCHES, IdleShares, Moved, MovedByBatch, edges
from sim.stats.intervals import FloatArray, mean_interval, t_quantile
from sim.stats.room import fullness, places_of

STABLE = 0.95
"""Load up to which a system is not to be called overloaded."""
MISTAKEN = 0.001
"""Chance, at most, of calling it so all the same."""
MATTERS = 0.03
"""Less than so much beyond the limit is not told from the limit."""
LEAST_DONE = 0.01
"""Share of what is offered that is taken as done at least, so that a place that does nothing has a load."""
FULL = 0.95
"""Share of what a place can do from which it is full."""
LEAST_WAITING = 0.5
"""How many wait on average at a full place that keeps others full, at least."""
LEAST_SAMPLES = 2 * BATCHES
"""Samples of the timeline in the window below which nothing is judged."""
FROM_EMPTY = 0.331
"""Standard errors, times the root of the number of replications, by which a line from empty grows at load 1."""
MOST_AROUND = 3
"""Places that are told to be held meanwhile."""
MOST_BEHIND = 2
"""Places that are told to be full next."""


# -- how much is asked for ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfferedLoad:
    """What is asked for over what can be done: the estimate, and the lower end of its interval at 1 - MISTAKEN."""

    value: float
    low: float

    @property
    def is_overloaded(self) -> bool:
        """Whether it is more than can be done, by enough to matter, and beyond doubt more than a stable system has."""
        return self.low > STABLE and self.value > 1 + MATTERS


def offered_load(full: FloatArray, more: FloatArray, offered: FloatArray, mistaken: float = MISTAKEN) -> OfferedLoad:
    """The load from batches of time, each argument of shape (replications, batches), two values or more.

    full: share of what the place can do that it did. more: by how many executions the number that waits grew, and how
    many were turned away. offered: arrivals.
    """
    assert full.shape == more.shape == offered.shape
    assert full.size >= 2
    arrived = float(offered.mean())
    if arrived == 0:
        return OfferedLoad(0.0, 0.0)
    done = max(arrived - float(more.mean()), LEAST_DONE * arrived)
    x = full + float(full.mean()) * more / done
    variance = float(x.var(ddof=1)) / x.size
    if len(x) > 1:
        variance = max(variance, float(x.mean(axis=1).var(ddof=1)) / len(x))
    value = float(x.mean())
    return OfferedLoad(value, value - t_quantile(1 - 2 * mistaken, x.size - 1) * math.sqrt(variance))


# -- of what, and where -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Flow:
    """A workflow in the window, each a second: offered, done (throughput), and the growth of its number in flight.

    Of executions that sources let in. Their children are part of them: one that still runs keeps them in flight.
    """

    workflow: str
    offered: Figure
    done: Figure
    growth: Figure
    overloaded: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A place as it was found: share of what it can do that it did, late in the window, and how many waited there on
    average. words: what people call it. setting, where: what it is set by, and where that is written; empty if by
    nothing."""

    name: str
    utilisation: float
    waiting: float
    words: str = ""
    setting: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Overload:
    """What a system was asked for and what it did of it.

    offered, done, growth: of all overloaded workflows together, of all if there is none; a second. full: the innermost
    full place, then those whose units are held meanwhile and have lines of their own. behind: what is full next, by
    how much more it takes.
    """

    flows: tuple[Flow, ...]
    offered: Figure
    done: Figure
    growth: Figure
    full: tuple[Place, ...] = ()
    behind: tuple[Place, ...] = ()

    @property
    def overloaded(self) -> bool:
        """Whether more was asked for than could be done."""
        return any(flow.overloaded for flow in self.flows)

    @property
    def grows(self) -> bool:
        """Whether work piles up, rather than that all the rest is turned away."""
        return self.growth.low is None or self.growth.low > 0


def overload(network: Network, replications: Sequence[Replication], confidence: float = 0.95) -> Overload | None:
    """The judgement of base runs of a stationary network; None where there is nothing to judge by."""
    closed = {one.routine for one in network.sources.values() if isinstance(one.arrivals, ClosedArrivals)}
    counted = {one.routine for one in network.sources.values() if one.counted and one.during is None} - closed
    views = [_View(network, run) for run in replications]
    if not views or min(view.samples for view in views) < LEAST_SAMPLES:
        return None
    judge = _Judge(network, views, holding(network))
    workflows = [name for name in replications[0].routines if name in counted and judge.offered(name).any()]
    if not workflows:
        return None
    found = {name: judge.culprit(name, MISTAKEN / len(workflows)) for name in workflows}
    guilty = [name for name in workflows if found[name]]
    flows = tuple(Flow(name, **judge.rates([name], confidence), overloaded=bool(found[name])) for name in workflows)
    full: tuple[Place, ...] = ()
    behind: tuple[Place, ...] = ()
    if guilty:
        heaviest = max(guilty, key=lambda name: judge.offered(name).sum())
        full, behind = judge.chain(heaviest, found[heaviest])
    of_all = judge.rates(guilty or workflows, confidence)
    return Overload(flows, of_all["offered"], of_all["done"], of_all["growth"], full, behind)


class _View:
    """The window of one run, cut into batches between samples of the timeline."""

    def __init__(self, network: Network, run: Replication) -> None:
        self.run = run
        self.samples = int(np.count_nonzero(run.in_window(run.sample_ns)))
        self.at = edges(run)
        self.seconds = run.window_ns * 1e-9
        self.full = fullness(network, run)

    def moved(self, workflow: str) -> Moved:
        """What came and went of a workflow."""
        return self.run.ask(MovedByBatch(workflow))

    def in_flight(self, workflow: str) -> FloatArray:
        """By how much the number of those grew in each batch that have not ended, or a child of which has not."""
        grown = self.moved(workflow).in_flight
        return self.grown(f"in_flight.{workflow}") if grown is None else grown

    def arrivals(self, workflow: str) -> FloatArray:
        """Arrivals by batch."""
        return self.moved(workflow).arrivals

    def grown(self, series: str) -> FloatArray:
        """By how much a sampled number grew in each batch."""
        return np.diff(self.run.samples[series][self.at]).astype(np.float64)

    def line(self, place: str) -> FloatArray:
        """By how much the line of a place grew in each batch; those in service beyond shared cores are in line."""
        waiting = self.run.samples[f"queue.{place}"][self.at].astype(np.float64)
        use = self.run.places[place]
        if use.speed_area is not None and use.batches is None:
            waiting = waiting + np.maximum(self.run.samples[f"busy.{place}"][self.at] - use.units, 0.0)
        return np.diff(waiting)

    def waiting(self, place: str) -> float:
        """How many waited on average."""
        use = self.run.places[place]
        area = use.waiting_area + (0.0 if use.batches is not None else (use.excess_area or 0.0))
        return area / (self.seconds * 1e9)

    def busy(self, place: str) -> FloatArray:
        """Share of what the place can do that it did, by batch: as sampled, with the mean that was measured."""
        whole = self.full[place] or 0.0
        units = self.run.places[place].units or math.inf
        sampled = np.minimum(self.run.samples[f"busy.{place}"], units)
        parts = [sampled[a:b].mean() for a, b in zip(self.at[:-1], self.at[1:], strict=True)]
        mean = float(np.mean(parts))
        return np.array(parts) * (whole / mean) if mean else np.full(BATCHES, whole)

    def gone(self, place: str) -> int:
        """Visits that were turned away or gave up."""
        use = self.run.places[place]
        return use.abandoned + use.rejected + use.refused

    def lost(self, workflow: str, most: int) -> FloatArray:
        """Executions by batch that a full place has turned away, at most so many in all."""
        found = self.moved(workflow).turned_away
        return found * min(1.0, most / found.sum()) if found.sum() else found


class _Judge:
    """All replications together. by_key: places with a line for each node, which a mean over nodes hides."""

    def __init__(self, network: Network, views: Sequence[_View], held: Holding) -> None:
        self.views = views
        self.held = held
        self.places = [name for name, share in views[0].full.items() if share is not None]
        groups = node_groups(network)
        self.by_key = {
            name
            for name, place in places_of(network).items()
            if groups.get(group_of(network, name), 1) > 1 and has_line_by_node(place)
        }

    def offered(self, workflow: str) -> FloatArray:
        """Arrivals by replication and batch."""
        return np.stack([view.arrivals(workflow) for view in self.views])

    def rates(self, workflows: Sequence[str], confidence: float) -> dict[str, Figure]:
        """Offered, done, and growth in flight of workflows together."""
        values = []
        for view in self.views:
            moved = [view.moved(name) for name in workflows]
            offered, ended, done = (sum(getattr(one, what) for one in moved) for what in ("offered", "ended", "done"))
            values.append([number / view.seconds for number in (offered, done, offered - ended)])
        columns = zip(("offered", "done", "growth"), np.array(values).T, strict=True)
        return {name: mean_interval(column, "1/s", confidence) for name, column in columns}

    def culprit(self, workflow: str, mistaken: float) -> str:
        """A place that is asked for more than it can do by a workflow; empty if there is none."""
        visited = [name for name in self.places if name in self.held.visited[workflow]]
        lines = {name: np.stack([view.line(name) for view in self.views]) for name in visited}
        grown = sum(float(line.sum()) for line in lines.values())
        loads: dict[str, OfferedLoad] = {}
        for name in visited:
            in_front = {name, *self.held.behind(name)} & lines.keys()
            behind = sum(float(lines[one].sum()) for one in in_front)
            gone = [sum(view.gone(one) for one in in_front) for view in self.views]
            if (behind > 0 and behind >= grown / 2) or any(gone):
                loads[name] = self._load(workflow, name, max(behind, 0.0), gone, mistaken)
            if name in self.by_key and self._grows(lines[name], mistaken):
                return name
        worst = max(loads, key=lambda name: loads[name].value, default="")
        return worst if worst and loads[worst].is_overloaded else ""

    def _load(self, workflow: str, place: str, line: float, gone: Sequence[int], mistaken: float) -> OfferedLoad:
        in_flight = np.stack([view.in_flight(workflow) for view in self.views])
        grown = float(in_flight.sum())
        idle = float(np.mean([view.run.ask(IdleShares()).get(workflow, 0.0) for view in self.views]))
        waits = min(1.0, max(line / grown, idle)) if grown > 0 else 0.0
        lost = np.stack([view.lost(workflow, most) for view, most in zip(self.views, gone, strict=True)])
        full = np.stack([view.busy(place) for view in self.views])
        return offered_load(full, in_flight * waits + lost, self.offered(workflow), mistaken)

    def _grows(self, line: FloatArray, mistaken: float) -> bool:
        """Whether a line grows in the second half by more than one from empty does at load 1."""
        late = line[:, BATCHES // 2 :]
        error = float(late.std(ddof=1)) / math.sqrt(late.size)
        limit = t_quantile(1 - 2 * mistaken, late.size - 1) + FROM_EMPTY * math.sqrt(len(late))
        return error > 0 and float(late.mean()) > limit * error

    # -- which place ------------------------------------------------------------------------------------------

    def chain(self, workflow: str, culprit: str) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
        """The innermost full place with those that wait for it, and what is full next."""
        inside = [name for name in self.places if name in self.held.within(culprit) and self._holds_up(name)]
        innermost = [name for name in inside if not self.held.within(name) & set(inside)]
        first = max(innermost or inside, key=self._late, default=culprit)
        around = self.held.behind(first) & set(self.places)
        held = sorted((n for n in around if self._place(n).waiting >= 1), key=lambda n: -self._place(n).waiting)
        others = self.held.visited[workflow] & set(self.places) - around - {first}
        next_full = sorted(others, key=lambda name: -self._late(name))[:MOST_BEHIND]
        full = tuple(self._place(name) for name in (first, *held[:MOST_AROUND]))
        return full, tuple(self._place(name) for name in next_full if self._late(name) >= 0.5)

    def _holds_up(self, name: str) -> bool:
        """Whether a place is full, and somebody waits there or is turned away: one that keeps up holds up nobody."""
        waits = self._place(name).waiting >= LEAST_WAITING or any(view.gone(name) for view in self.views)
        return waits and self._late(name) >= FULL

    def _late(self, name: str) -> float:
        """How full in the second half of the window."""
        return float(np.mean([view.busy(name)[BATCHES // 2 :].mean() for view in self.views]))

    def _place(self, name: str) -> Place:
        return Place(name, min(self._late(name), 1.0), float(np.mean([view.waiting(name) for view in self.views])))
