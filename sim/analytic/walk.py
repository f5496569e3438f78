"""One walk of the routines: what an execution asks of the places, as numbers that do not depend on the load.

A `Way` is all ways that have come to a step, together: their weight, the laws of their numbers, and a clock for all
that is under way on them: the execution, and each hold. Ways part at branches and failures, and are taken together
again where they meet; what was acquired on a way is held on it until it is given back, whatever list of steps that is
in. A routine that is called again with the same numbers is not walked again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sim.analytic.atoms import Atoms, at_least, atoms_of, exactly, mean_of, mixed, moved, split, summed
from sim.analytic.joins import Spell, first_of, joined
from sim.analytic.ledger import Children, Clock, Ledger
from sim.draws.build import inverse_of
from sim.network import Network
from sim.network.distributions import Distribution, FromAttribute, Number
from sim.network.facts import node_groups
from sim.network.kinds import complete
from sim.network.places import Delay, GroupCommit, Polled, Server
from sim.network.routines import (
    Acquire,
    Attempt,
    Branch,
    Cached,
    Call,
    Child,
    Compensate,
    CountStep,
    DelayStep,
    Fail,
    Forget,
    Fork,
    Loop,
    Mark,
    Notify,
    Option,
    Prompt,
    Race,
    Release,
    Saga,
    SetStep,
    Start,
    Step,
    Steps,
    StepSpec,
    Tell,
    Use,
)

NEGLIGIBLE = 1e-9
"""Ways of less weight are not followed."""
TRIES = 8
"""So many tries are walked one by one; those after them are taken as equal to the last one."""
ROUNDS = 12
"""So many rounds of a loop are walked one by one; those after them in groups of half as many as there were."""
_KNOWN = "\n"
"""Begins the name of a number that no file can write: the chance that a cache knows the execution."""


@cache
def spell_of(distribution: Distribution) -> Spell:
    """Mean and variance of a time, in s."""
    inverse = inverse_of(distribution)
    mean = inverse.mean()
    return Spell(mean, inverse.scv() * mean * mean)


@dataclass(slots=True)
class Way:
    """All ways that have come to one step. clocks: by the number of what began; undo: compensations, the last one
    last; failure: by which they were lost."""

    weight: float
    numbers: dict[str, Atoms]
    clocks: dict[int, Clock]
    undo: tuple[Steps, ...] = ()
    failure: str = ""

    def scaled(self, factor: float, failure: str = "") -> Way:
        """A share of them."""
        clocks = {key: clock.scaled(factor) for key, clock in self.clocks.items()}
        return Way(self.weight * factor, dict(self.numbers), clocks, self.undo, failure or self.failure)

    def become(self, ways: Iterable[Way]) -> None:
        """Be all of these together."""
        kept = [way for way in ways if way.weight > 0]
        if not kept:
            self.weight, self.clocks = 0.0, {key: clock.scaled(0.0) for key, clock in self.clocks.items()}
            return
        clocks: dict[int, Clock] = {}
        for way in kept:
            for key, clock in way.clocks.items():
                if key in clocks:
                    clocks[key].add(clock)
                else:
                    clocks[key] = clock.scaled(1.0)
        names = dict.fromkeys(name for way in kept for name in way.numbers)
        self.numbers = {
            name: mixed([(way.numbers.get(name, exactly(0.0)), way.weight) for way in kept]) for name in names
        }
        self.weight = sum(way.weight for way in kept)
        self.clocks = dict(sorted(clocks.items()))
        self.undo = max((way.undo for way in kept), key=len)

    def passes(self, spell: Spell, waits: Iterable[tuple[str, float]] = ()) -> None:
        """Let a time pass."""
        square, waits = spell.variance + spell.mean**2, list(waits)
        for clock in self.clocks.values():
            clock.passes(spell.mean, square, waits)


@dataclass(frozen=True, slots=True)
class Part:
    """What a list of steps comes to by itself, of one execution that enters it.

    ledger: what it asks of the places. end: the ways that come to its end, with one clock since its beginning; lost:
    those that fail. alone: whether it gave back nothing of others, and keeps nothing.
    """

    ledger: Ledger
    end: Way
    lost: tuple[Way, ...]
    alone: bool

    @property
    def whole(self) -> Clock:
        """The clock of all, those that fail included."""
        found = Clock(None, 0.0)
        for way in (self.end, *self.lost):
            if 0 in way.clocks:
                found.add(way.clocks[0])
        return found


@dataclass(slots=True)
class Walk:
    """Walks the routines of a network. cold: as if no cache knew any execution."""

    network: Network
    cold: bool = False
    ledger: Ledger = field(default_factory=Ledger)
    lost: list[Way] = field(default_factory=list)
    ended: list[Way] = field(default_factory=list)
    told: Steps = ()
    _last: int = 0
    _alone: bool = True
    _parts: dict[object, Part] = field(default_factory=dict)

    def execution(self, routine: str, numbers: Mapping[str, Atoms] | None = None) -> Part:
        """What an execution of a routine comes to, let in by a source or as a child."""
        start = {name: exactly(value) for name, value in self.network.attributes.items()}
        return self._job(("execution", routine), self.network.routines[routine], start | dict(numbers or {}))

    def steps(self, steps: Steps, way: Way) -> None:
        """Take the ways through the steps."""
        for step in steps:
            if way.weight <= NEGLIGIBLE:
                return
            _TAKE[type(step)](self, step, way)

    # -- parts --------------------------------------------------------------------------------------------------

    def _job(self, key: object, steps: Steps, numbers: Mapping[str, Atoms]) -> Part:
        """A list of steps as a job of its own, which gives back at its end what it holds."""
        return self._part(key, steps, numbers, keeps=False)

    def _part(self, key: object, steps: Steps, numbers: Mapping[str, Atoms], keeps: bool) -> Part:
        known = (key, id(self.told), tuple(numbers.items()))
        if known not in self._parts:
            inner = Walk(self.network, self.cold, told=self.told, _parts=self._parts)
            way = Way(1.0, dict(numbers), {0: Clock(None, 1.0)})
            inner.steps(steps, way)
            open_holds = any(clock.place is not None for one in (way, *inner.lost) for clock in one.clocks.values())
            ends = [way, *inner.ended]
            if not keeps:
                for one in (*ends, *inner.lost):
                    inner._give_back(one, {0})
            way.become(ends) if inner.ended else None
            alone = inner._alone and not (keeps and (open_holds or inner.ended))
            self._parts[known] = Part(inner.ledger, way, tuple(inner.lost), alone)
        return self._parts[known]

    def _give_back(self, way: Way, before: Iterable[int]) -> None:
        """End what has been acquired since, last first."""
        kept = set(before)
        for key in [key for key in reversed(way.clocks) if key not in kept]:
            clock = way.clocks.pop(key)
            if clock.place is not None and clock.weight > 0:
                self.ledger.hold(clock)

    # -- steps --------------------------------------------------------------------------------------------------

    def no_time(self, step: Step, way: Way) -> None:
        """A step in which nothing happens that counts here."""

    def acquire(self, step: Acquire, way: Way) -> None:
        """Wait for units; from then on they are held."""
        body = step.acquire
        pinned = body.at is not None or body.affinity is not None
        self.ledger.visit(body.resource, way.weight, 0.0, 0.0, pinned)
        way.passes(Spell(0.0, 0.0), [(body.resource, 1.0)])
        self._last += 1
        way.clocks[self._last] = Clock(body.resource, way.weight)

    def release(self, step: Release, way: Way) -> None:
        """Give back what was acquired last of it."""
        held = [key for key, clock in way.clocks.items() if clock.place == step.release]
        if held:
            self.ledger.hold(way.clocks.pop(held[-1]))
        else:
            self._alone = False  # of the routine that called this one, or nothing

    def use(self, step: Use, way: Way) -> None:
        """Wait and be served."""
        body = step.use
        station = self.network.stations[body.station]
        spell = Spell(0.0, 0.0)
        if isinstance(station, Server | Delay):
            demand = body.demand or station.service
            spell = self._longer(spell_of(demand) if demand is not None else spell, body.per, way)
        elif isinstance(station, GroupCommit):
            spell = spell_of(station.flush)
        elif isinstance(station, Polled) and station.read is not None:
            spell = spell_of(station.read)
        square = spell.mean**2 + spell.variance
        self.ledger.visit(body.station, way.weight, spell.mean, square, body.at is not None)
        way.passes(spell, [(body.station, 1.0)])

    def delay(self, step: DelayStep, way: Way) -> None:
        """Let time pass; of a grid half a step more."""
        spell = self._longer(spell_of(step.delay), step.per, way)
        grid_s = (step.grid_ns or 0) * 1e-9
        spell = Spell(max(spell.mean, step.floor_ns * 1e-9) + grid_s / 2, spell.variance + grid_s**2 / 12)
        way.passes(spell)

    def _longer(self, spell: Spell, per: Mapping[str, int], way: Way) -> Spell:
        """A time and further time for each unit of some numbers."""
        mean, variance = spell.mean, spell.variance
        for name, each_ns in per.items():
            law, each = way.numbers[name], each_ns * 1e-9
            average = mean_of(law)
            mean += each * average
            variance += each**2 * (sum(chance * value**2 for value, chance in law) - average**2)
        return Spell(max(mean, 0.0), max(variance, 0.0))

    def branch(self, step: Branch, way: Way) -> None:
        """Each way by its chance, with its numbers as the condition leaves them."""
        rest, ends = way.scaled(1.0), []
        drawn = sum(option.probability or 0.0 for option in step.branch)
        left = 1.0 if drawn <= 1 else drawn
        for option in step.branch:
            taken, rest, left = _parted(option, rest, left)
            if taken is not None and taken.weight > 0:
                self.steps(option.steps, taken)
                ends.append(taken)
        way.become([*ends, rest])

    def loop(self, step: Loop, way: Way) -> None:
        """Its rounds: those that all begin, then those that only some do."""
        law, done, rounds = self._law(step.loop.times, way), [], 0
        most = law[-1][0]
        while way.weight > NEGLIGIBLE and rounds < min(most, ROUNDS):
            before = at_least(law, rounds) if rounds else 1.0
            stays = at_least(law, rounds + 1) / before if before > 0 else 0.0
            if stays < 1:
                done.append(way.scaled(1 - stays))
                way.become([way.scaled(stays)])
            self.steps(step.loop.steps, way)
            rounds += 1
        above = at_least(law, rounds + 1) / max(at_least(law, rounds), 1e-300) if rounds else 1.0
        if most > rounds and way.weight > NEGLIGIBLE and above > 0:
            done.append(way.scaled(1 - above))
            way.become([way.scaled(above)])
            chance = sum(part for value, part in law if value > rounds)
            left = sum(part * (value - rounds) for value, part in law if value > rounds) / chance
            while left > 1e-9 and way.weight > NEGLIGIBLE:
                group = min(left, max(1.0, rounds / 2))
                self._rounds(step.loop.steps, way, group)
                left -= group
                rounds += math.ceil(group)
        way.become([*done, way.scaled(1.0)])

    def _rounds(self, steps: Steps, way: Way, number: float) -> None:
        """So many rounds, each like the first of them; numbers go on as they did in that one."""
        self._last += 1
        probe, numbers = self._last, dict(way.numbers)
        many = way.scaled(number)
        many.clocks[probe] = Clock(None, many.weight)
        self.steps(steps, many)
        clock = many.clocks.pop(probe)
        way.become([many.scaled(1 / number)])
        more = number - 1
        way.passes(
            Spell(more * clock.mean, max(more, 0.0) * clock.variance),
            [(place, more * waits) for place, waits in clock.mean_waits],
        )
        for name, law in way.numbers.items():
            grown = mean_of(law) - mean_of(numbers.get(name, law))
            if grown and not name.startswith(_KNOWN):
                way.numbers[name] = moved(law, lambda value, add=more * grown: value + add)

    def fork(self, step: Fork, way: Way) -> None:
        """Children at the same time, each a job of its own, and the join of them."""
        body = step.fork
        if body.branches is not None:
            parts = [self._job(id(one), one, way.numbers) for one in body.branches]
            counts = [(tuple(1.0 for _ in parts), 1.0)]
        else:
            assert body.items is not None
            parts = [self._job(id(body.steps), body.steps or (), way.numbers)]
            counts = [((value,), chance) for value, chance in self._law(body.items, way)]
        for at, part in enumerate(parts):
            number = sum(chance * count[at] for count, chance in counts)
            self.ledger.add(part.ledger, way.weight * number)
        clocks = [part.whole for part in parts]
        spells = [Spell(clock.mean, clock.variance) for clock in clocks]
        mean = square = succeeds = 0.0
        for count, chance in counts:
            total = round(sum(count))
            needed = total if body.join == "all" else 1 if body.join == "first" else min(int(body.join), total)
            spell = joined(spells, needed, count)
            mean += chance * spell.mean
            square += chance * (spell.variance + spell.mean**2)
            if needed >= total:
                succeeds += chance * math.prod(p.end.weight**n for p, n in zip(parts, count, strict=True))
            else:
                succeeds += chance
        self._together(way, Spell(mean, max(square - mean**2, 0.0)), clocks)
        self._loses(way, 1 - succeeds, next((lost.failure for part in parts for lost in part.lost), ""))

    def _together(self, way: Way, spell: Spell, clocks: list[Clock]) -> None:
        """Let the time of a join pass: of waits as many more as it is longer than its parts."""
        mean = sum(clock.mean for clock in clocks)
        longer = spell.mean / mean if mean > 0 else 1 / max(len(clocks), 1)
        waits: dict[str, float] = {}
        for clock in clocks:
            for place, number in clock.mean_waits:
                waits[place] = waits.get(place, 0.0) + number * longer
        way.passes(spell, waits.items())

    def race(self, step: Race, way: Way) -> None:
        """The first to end decides; of the others counts what they have done by then, as a share of their time."""
        parts = [self._job(id(one), one, way.numbers) for one in step.race]
        clocks = [part.whole for part in parts]
        spell, chances = first_of([Spell(clock.mean, clock.variance) for clock in clocks])
        for part, clock in zip(parts, clocks, strict=True):
            done = min(1.0, spell.mean / clock.mean) if clock.mean > 0 else 1.0
            self.ledger.add(part.ledger, way.weight * done)
        self._together(way, spell, clocks)
        ends = [(part.end.numbers, chance) for part, chance in zip(parts, chances, strict=True)]
        way.numbers = {
            name: mixed([(one[name], chance) for one, chance in ends if name in one]) for name in way.numbers
        }
        lost = sum(chance * (1 - part.end.weight) for part, chance in zip(parts, chances, strict=True))
        self._loses(way, lost, next((one.failure for part in parts for one in part.lost), ""))

    def attempt(self, step: Attempt, way: Way) -> None:
        """Its tries: each goes on with what those before have left behind, and begins when its back-off is over."""
        body, retry = step.attempt, step.attempt.retry
        limit = 1 if retry is None else retry.maximum_attempts or math.inf
        allowed = math.inf
        if retry is not None and retry.budget is not None:
            allowed = way.weight * self.network.budgets[retry.budget].ratio
        before, now, number = set(way.clocks), way.scaled(1.0), 1
        done: list[Way] = []
        given_up: list[Way] = []
        while True:
            entered, outer, self.lost = now.weight, self.lost, []
            self.steps(body.steps, now)
            lost, self.lost = self.lost, outer
            for one in lost:
                self._give_back(one, before)
            done.append(now)
            again = [one for one in lost if retry is not None and one.failure not in retry.non_retryable]
            given_up += [one for one in lost if one not in again]
            weight = sum(one.weight for one in again)
            if number >= limit or weight <= NEGLIGIBLE:
                given_up += again
                break
            share = min(1.0, allowed / weight)
            allowed -= weight * share
            if share < 1:
                given_up += [one.scaled(1 - share) for one in again]
            now = Way(0.0, {}, {}, failure=again[0].failure)
            now.become([one.scaled(share) for one in again])
            assert retry is not None
            now.passes(_back_off(retry, number))
            number += 1
            if number > TRIES and weight * share < entered:
                ratio, left = weight * share / entered, limit - number + 1
                tries = (1 - ratio**left) / (1 - ratio)
                many = now.scaled(tries)
                outer, self.lost = self.lost, []
                self.steps(body.steps, many)
                lost, self.lost = self.lost, outer
                for one in lost:
                    self._give_back(one, before)
                done.append(many)
                given_up += [one.scaled(ratio**left / (tries * ratio)) for one in lost if ratio**left > NEGLIGIBLE]
                break
        way.become(done)
        self._after(body.on_failure, way, given_up)

    def _after(self, on_failure: Steps | None, way: Way, given_up: list[Way]) -> None:
        """What has failed goes the way that is there for it, or outwards."""
        if on_failure is None:
            self.lost += given_up
        elif given_up:
            rest = Way(0.0, dict(way.numbers), {}, failure=given_up[0].failure)
            rest.become(given_up)
            self.steps(on_failure, rest)
            way.become([way.scaled(1.0), rest])

    def fail(self, step: Fail, way: Way) -> None:
        """Lose a share of the ways."""
        self._loses(way, step.probability, step.fail)

    def _loses(self, way: Way, share: float, failure: str) -> None:
        if share <= 1e-15:
            return
        self.lost.append(way.scaled(share, failure or "failure"))
        way.become([way.scaled(1 - share)])

    def saga(self, step: Saga, way: Way) -> None:
        """Its steps; ways that fail undo what they have done, and end the execution."""
        outside, way.undo = way.undo, ()
        before, outer, self.lost = set(way.clocks), self.lost, []
        self.steps(step.saga, way)
        lost, self.lost = self.lost, outer
        for one in lost:
            self._give_back(one, before)
            for undo in reversed(one.undo):
                self.steps(undo, one)
            self.ended.append(one)
        way.undo = outside

    def compensate(self, step: Compensate, way: Way) -> None:
        """Remember what undoes the steps before."""
        way.undo = (*way.undo, step.compensate)

    def call(self, step: Call, way: Way) -> None:
        """Another routine's steps, walked once for the same numbers."""
        steps = self.network.routines[step.call]
        part = self._part(("call", step.call), steps, way.numbers, keeps=True)
        if not part.alone:
            self.steps(steps, way)
            return
        self.ledger.add(part.ledger, way.weight)
        for one in part.lost:
            lost = way.scaled(one.weight, one.failure)
            lost.numbers = dict(one.numbers)
            lost.undo = (*way.undo, *one.undo)
            _pass(lost, one.clocks[0])
            self.lost.append(lost)
        after = way.scaled(part.end.weight)
        after.numbers = dict(part.end.numbers)
        after.undo = (*way.undo, *part.end.undo)
        if after.weight > 0:
            _pass(after, part.end.clocks[0])
        way.become([after])

    def child(self, step: Child, way: Way) -> None:
        """The child execution, and what it does after it; no time where it is not waited for."""
        body = step.child
        told, self.told = self.told, body.told
        part = self.execution(body.routine, {name: way.numbers[name] for name in body.takes})
        after = self._job(id(body.after), body.after, part.end.numbers) if body.after else None
        self.told = told
        whole = part.whole
        self.ledger.add(part.ledger, way.weight)
        mine = self.ledger.children.setdefault(body.routine, Children())
        mine.number += way.weight
        mine.time_s += way.weight * whole.mean
        for place, row in part.ledger.visits.items():
            mine.visits[place] = mine.visits.get(place, 0.0) + way.weight * row.number
        if after is not None:
            self.ledger.add(after.ledger, way.weight)
        if not body.wait:
            return
        for clock in (whole, *([after.whole] if after is not None else [])):
            way.passes(Spell(clock.mean, clock.variance), clock.mean_waits)
        way.numbers |= {name: part.end.numbers[name] for name in body.gives if name in part.end.numbers}
        self._loses(way, 1 - part.end.weight, next((one.failure for one in part.lost), ""))

    def tell(self, step: Tell, way: Way) -> None:
        """The parent takes the steps that it has for being told, and the child waits."""
        told, self.told = self.told, ()
        self.steps(told, way)
        self.told = told

    def set(self, step: SetStep, way: Way) -> None:
        """Change the laws of numbers."""
        for name, change in step.set.items():
            if change.add is not None:
                way.numbers[name] = summed(way.numbers[name], self._law(change.add, way))
            else:
                assert change.to is not None
                way.numbers[name] = self._law(change.to, way)

    def cached(self, step: Cached, way: Way) -> None:
        """Hit and miss by the chance that the cache knows the execution; afterwards it does."""
        name = _KNOWN + step.cached.cache
        chance = 0.0 if self.cold else mean_of(way.numbers.get(name, exactly(0.0)))
        hit, miss = way.scaled(chance), way.scaled(1 - chance)
        for steps, one in ((step.cached.hit, hit), (step.cached.miss, miss)):
            if one.weight > 0:
                self.steps(steps, one)
                one.numbers[name] = exactly(1.0)
        way.become([hit, miss])

    def forget(self, step: Forget, way: Way) -> None:
        """Whatever node is next, it knows the execution as seldom as any."""
        groups = node_groups(self.network)
        for name, cache_spec in self.network.caches.items():
            known = way.numbers.get(_KNOWN + name)
            if known is not None:
                way.numbers[_KNOWN + name] = exactly(mean_of(known) / groups[cache_spec.nodes])

    def _law(self, number: Number, way: Way) -> Atoms:
        return way.numbers[number.attribute] if isinstance(number, FromAttribute) else atoms_of(number)


def _parted(option: Option, rest: Way, left: float) -> tuple[Way | None, Way, float]:
    """The ways that take an option, those that go on to the next one, and what is left of the draw."""
    if option.attribute is not None:
        low = -math.inf if option.above is None else option.above
        high = math.inf if option.below is None else option.below
        chance, inside, outside = split(rest.numbers[option.attribute], lambda value: low < value < high)
        taken, others = rest.scaled(chance), rest.scaled(1 - chance)
        taken.numbers[option.attribute], others.numbers[option.attribute] = inside, outside
        return taken, others, left
    if option.probability is None:
        return rest, rest.scaled(0.0), left
    chance = min(option.probability / left, 1.0) if left > 0 else 0.0
    return rest.scaled(chance), rest.scaled(1 - chance), left - option.probability


def _pass(way: Way, clock: Clock) -> None:
    way.passes(Spell(clock.mean, clock.variance), clock.mean_waits)


def _back_off(retry: Any, number: int) -> Spell:
    """The time between a try and the next one."""
    most = retry.maximum_interval_ns or 100 * retry.initial_interval_ns
    interval = min(retry.initial_interval_ns * retry.backoff_coefficient ** (number - 1), most)
    mean = max(interval * (1 - retry.jitter / 2), retry.floor_ns) + (retry.grid_ns or 0) / 2
    return Spell(mean * 1e-9, (interval * retry.jitter * 1e-9) ** 2 / 12)


_TAKE: Mapping[type[StepSpec], Callable[[Walk, Any, Way], None]] = complete(
    {
        Acquire: Walk.acquire,
        Release: Walk.release,
        Use: Walk.use,
        DelayStep: Walk.delay,
        Branch: Walk.branch,
        Loop: Walk.loop,
        Fork: Walk.fork,
        Race: Walk.race,
        Attempt: Walk.attempt,
        Saga: Walk.saga,
        Compensate: Walk.compensate,
        Call: Walk.call,
        Child: Walk.child,
        Tell: Walk.tell,
        SetStep: Walk.set,
        Fail: Walk.fail,
        Cached: Walk.cached,
        Forget: Walk.forget,
        **dict.fromkeys((Start, Mark, CountStep, Prompt, Notify), Walk.no_time),
    },
    "the first estimate",
)
"""What each kind of step does to the ways."""
