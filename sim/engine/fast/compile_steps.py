"""Compiler of routines: each step knows its next one, a list ends in a step of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sim.draws.kinds import EXPONENTIAL
from sim.draws.streams import element_id
from sim.engine.elements import HEARTBEAT_TENTHS
from sim.engine.fast import layout as L
from sim.engine.fast.compile_marks import write_mark
from sim.engine.fast.program import Fields, Program, bits
from sim.engine.order import COMPLETION, TIMEOUT
from sim.errors import Path
from sim.network import Network
from sim.network.facts import has_timer, starts_of
from sim.network.kinds import Placed, bodies, complete, walk
from sim.network.places import Server
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
    Prompt,
    Race,
    Release,
    Saga,
    SetStep,
    Start,
    Steps,
    StepSpec,
    Tell,
    Use,
)


def write_routines(program: Program, network: Network) -> None:
    """Every routine; where one begins is the handle `routine NAME`."""
    for name in network.routines:
        program.handles[f"routine {name}"] = program.room(2)  # a way in, as routines call each other
    writer = _Writer(program, network)
    for name, steps in network.routines.items():
        writer.placed = {placed.path: placed for placed in walk(name, steps)}
        end = writer.end(L.Op.RETURN)
        first = writer.steps(steps, ("routines", name), end)
        program.words[program.handles[f"routine {name}"]] = first
    for at, routine in writer.calls:
        program.words[at] = program.words[program.handles[f"routine {routine}"]]
    base = program.room(2 * len(network.routines) * max(1, len(program.operations)))
    program.words[L.Header.OPERATIONS] = base
    program.words[L.Header.ATTEMPTS] = program.room(2 * len(network.routines))


_ON_CLOSE = {"terminate": L.OnClose.TERMINATE, "cancel": L.OnClose.CANCEL, "abandon": L.OnClose.ABANDON}
_STARTS = {"at_once": L.Starts.AT_ONCE, "granted": L.Starts.GRANTED, "by_step": L.Starts.BY_STEP}


class _Writer:
    """Writes lists of steps back to front, so that each step knows where the next one is."""

    def __init__(self, program: Program, network: Network) -> None:
        self.program = program
        self.network = network
        self.placed: dict[Path, Placed] = {}
        self.calls: list[tuple[int, str]] = []
        self.child_numbers = {stream: index for index, stream in enumerate(program.children)}

    # -- lists ----------------------------------------------------------------------------------------------

    def end(self, code: int) -> int:
        """A step that ends a list."""
        return self.program.put([code, 0, 0, 0])

    def steps(self, steps: Steps, path: Path, following: int) -> int:
        """A list of steps after which comes `following`; gives its first step."""
        for index in range(len(steps) - 1, -1, -1):
            placed = self.placed[*path, index]
            following = _WRITERS[type(placed.step)](self, placed, placed.step, following)
        return following

    def body(self, placed: Placed, below: Path, following: int) -> int:
        """One of the lists inside a step."""
        return self.steps(dict(bodies(placed.step))[below], (*placed.path, *below), following)

    # -- what steps share -----------------------------------------------------------------------------------

    def new(self, code: int, placed: Placed, following: int, size: int, fields: Fields | None = None) -> int:
        """The words of a step, with what every step has, and these fields of its own."""
        at = self.program.record(size, fields or {})
        stream_offset = element_id(placed.stream)
        self.program.write(at, [code, following, self.program.elements[placed.stream], stream_offset])
        self.program.steps.append((at, placed.step.TAG, placed.stream))
        return at

    def drawn_ahead(self, placed: Placed, at: int, where: L.At) -> int:
        """Take note of a step with an exponential time that executions take at most once, under their own path."""
        words = self.program.words
        dist = words[at + where]
        if len(placed.path) == 3 and dist and words[dist + L.Distribution.KIND] == EXPONENTIAL:
            self.program.first_times[placed.path[1]] = at + where
        return at

    def pairs(self, at: int, per: dict[str, int]) -> None:
        """What attributes add to a time: base and number."""
        words = [word for name, each in per.items() for word in (self.program.attributes[name], each)]
        self.program.table(at, words, 2)

    def asking(self, place: str, units: int, priority: int | None, at: str | None) -> Fields:
        """What is asked for, whether with a priority of its own, and at the node of what is held of which resource."""
        return {
            L.PlaceStep.PLACE: self.place(place),
            L.PlaceStep.UNITS: units,
            L.PlaceStep.PRIORITY: int(priority is not None),
            L.PlaceStep.OWN_PRIORITY: priority or 0,
            L.PlaceStep.AT: self.place(at),
        }

    def place(self, name: str | None) -> int:
        """Handle of a place, 0 for none."""
        return 0 if name is None else self.program.handles[name]

    def handle(self, kind: str, name: str | None) -> int:
        """Handle of a circuit breaker, retry budget or timer queue; 0 for none."""
        return 0 if name is None else self.program.handles[f"{kind} {name}"]

    # -- each kind ------------------------------------------------------------------------------------------

    def release(self, placed: Placed, step: Release, following: int) -> int:
        """A release."""
        place = self.place(step.release)
        code = L.Op.RELEASE_PLAIN if self.program.words[place + L.Place.EASY] else L.Op.RELEASE
        return self.new(code, placed, following, L.ReleaseStep.SIZE, {L.ReleaseStep.PLACE: place})

    def loop(self, placed: Placed, step: Loop, following: int) -> int:
        """A loop: its number and its body."""
        at = self.new(L.Op.LOOP, placed, following, L.LoopStep.SIZE)
        self.program.count(at + L.LoopStep.NUMBER, step.loop.times, f"{placed.stream}/times")
        self.program.words[at + L.LoopStep.BODY] = self.body(placed, ("loop", "steps"), self.end(L.Op.LOOP_END))
        return at

    def saga(self, placed: Placed, step: Saga, following: int) -> int:
        """A saga: its body."""
        at = self.new(L.Op.SAGA, placed, following, L.BodyStep.SIZE)
        self.program.words[at + L.BodyStep.BODY] = self.body(placed, ("saga",), self.end(L.Op.SAGA_END))
        return at

    def compensate(self, placed: Placed, step: Compensate, following: int) -> int:
        """What undoes the steps before it."""
        at = self.new(L.Op.COMPENSATE, placed, following, L.BodyStep.SIZE)
        self.program.words[at + L.BodyStep.BODY] = self.body(placed, ("compensate",), self.end(L.Op.UNDO_END))
        return at

    def cached(self, placed: Placed, step: Cached, following: int) -> int:
        """A look into a cache: what hit and miss do."""
        at = self.new(L.Op.CACHED, placed, following, L.CachedStep.SIZE)
        fields: Fields = {
            L.CachedStep.CACHE: self.program.handles[f"cache {step.cached.cache}"],
            L.CachedStep.AT: self.place(step.cached.at),
            L.CachedStep.HIT: self.body(placed, ("cached", "hit"), following),
            L.CachedStep.MISS: self.body(placed, ("cached", "miss"), following),
        }
        self.program.fill(at, fields)
        return at

    def call(self, placed: Placed, step: Call, following: int) -> int:
        """A call, whose first step is known when all routines are written."""
        at = self.new(L.Op.CALL, placed, following, L.BodyStep.SIZE)
        self.calls.append((at + L.BodyStep.BODY, step.call))
        return at

    def child(self, placed: Placed, step: Child, following: int) -> int:
        """A child execution: its routine, and what is done when it tells and once it has closed."""
        body = step.child
        fields: Fields = {
            L.ChildStep.SOURCE: len(self.network.sources) + self.child_numbers[placed.stream],
            L.ChildStep.WAITS: int(body.wait),
            L.ChildStep.POLICY: _ON_CLOSE[body.on_close],
        }
        at = self.new(L.Op.CHILD, placed, following, L.ChildStep.SIZE, fields)
        self.calls.append((at + L.ChildStep.BODY, body.routine))
        for where, steps, key in ((L.ChildStep.TOLD, body.told, "told"), (L.ChildStep.AFTER, body.after, "after")):
            if steps:
                self.program.words[at + where] = self.body(placed, ("child", key), self.end(L.Op.RETURN))
        for where, names in ((L.ChildStep.TAKES, body.takes), (L.ChildStep.GIVES, body.gives)):
            self.program.table(at + where, [self.program.attributes[name] for name in names])
        self.program.state(at + L.ChildStep.STATE, f"child.{placed.stream.rsplit('/', 1)[1]}")
        return at

    def tell(self, placed: Placed, step: Tell, following: int) -> int:
        """News for the parent."""
        at = self.new(L.Op.TELL, placed, following, L.TellStep.SIZE)
        self.program.state(at + L.TellStep.STATE, "told")
        return at

    def counting(self, placed: Placed, step: CountStep, following: int) -> int:
        """Operations that are counted."""
        at = self.new(L.Op.COUNT, placed, following, L.CountStep.ITEMS + L.CountedItem.SIZE * len(step.count))
        items = [(self.program.number(self.program.operations, n), number) for n, number in step.count.items()]
        self.program.words[at + L.CountStep.COUNT] = len(items)
        self.program.write(at + L.CountStep.ITEMS, [word for pair in items for word in pair])
        return at

    def fail(self, placed: Placed, step: Fail, following: int) -> int:
        """A failure and its chance."""
        fields: Fields = {
            L.FailStep.ERROR: self.program.number(self.program.errors, step.fail),
            L.FailStep.ALWAYS: int(step.probability >= 1),
            L.FailStep.CHANCE: bits(step.probability),
        }
        at = self.new(L.Op.FAIL, placed, following, L.FailStep.SIZE, fields)
        self.program.stream(at + L.FailStep.STREAM, f"{placed.stream}/fail")
        return at

    def start(self, placed: Placed, step: Start, following: int) -> int:
        """The start of the attempt around it."""
        return self.new(L.Op.START, placed, following, L.Step.SIZE)

    def forget(self, placed: Placed, step: Forget, following: int) -> int:
        """An affinity that is forgotten."""
        slot = self.program.number(self.program.affinities, step.forget)
        return self.new(L.Op.FORGET, placed, following, L.ForgetStep.SIZE, {L.ForgetStep.SLOT: slot})

    def notify(self, placed: Placed, step: Notify, following: int) -> int:
        """News for a timer queue."""
        timers = self.handle("timers", step.notify)
        return self.new(L.Op.NOTIFY, placed, following, L.NotifyStep.SIZE, {L.NotifyStep.TIMERS: timers})

    def prompt(self, placed: Placed, step: Prompt, following: int) -> int:
        """A polled queue that is read on the spot."""
        place = self.place(step.prompt)
        return self.new(L.Op.PROMPT, placed, following, L.PromptStep.SIZE, {L.PromptStep.PLACE: place})

    def acquire(self, placed: Placed, step: Acquire, following: int) -> int:
        """An acquire."""
        body = step.acquire
        affinity = -1 if body.affinity is None else self.program.number(self.program.affinities, body.affinity)
        fields: Fields = {
            **self.asking(body.resource, body.units, body.priority, body.at),
            L.AcquireStep.AFFINITY: affinity,
            L.AcquireStep.LEASE: -1 if body.lease_ns is None else body.lease_ns,
        }
        at = self.new(L.Op.ACQUIRE, placed, following, L.AcquireStep.SIZE, fields)
        words = self.program.words
        self.program.draw(at + L.AcquireStep.PATIENCE, body.patience, f"{placed.stream}/patience")
        if body.otherwise is not None:
            words[at + L.AcquireStep.OTHERWISE] = self.body(placed, ("acquire", "otherwise"), following)
        if words[words[at + L.AcquireStep.PLACE] + L.Place.EASY] and body.at is None and body.affinity is None:
            words[at + L.Step.CODE] = L.Op.ACQUIRE_PLAIN
        return at

    def use(self, placed: Placed, step: Use, following: int) -> int:
        """A visit."""
        body = step.use
        fields = self.asking(body.station, 1, body.priority, body.at)
        at = self.new(L.Op.USE, placed, following, L.UseStep.SIZE, fields)
        words = self.program.words
        self.program.draw(at + L.UseStep.PATIENCE, body.patience, f"{placed.stream}/patience")
        demand = body.demand or getattr(self.network.stations[body.station], "service", None)
        self.program.draw(at + L.UseStep.DEMAND, demand, f"{placed.stream}/demand")
        self.pairs(at + L.UseStep.PER, body.per)
        after = self.placed.get((*placed.path[:-1], int(placed.path[-1]) + 1))
        if after is not None and isinstance(after.step, Use):
            station = self.network.stations[after.step.use.station]
            own = isinstance(self.network.stations[body.station], Server)
            words[at + L.UseStep.KEEPS] = int(own and isinstance(station, Server) and station.when_full == "block")
        if words[words[at + L.UseStep.PLACE] + L.Place.EASY] and body.at is None and not words[at + L.UseStep.KEEPS]:
            words[at + L.Step.CODE] = L.Op.USE_PLAIN
        return self.drawn_ahead(placed, at, L.UseStep.DEMAND)

    def delay(self, placed: Placed, step: DelayStep, following: int) -> int:
        """A delay."""
        fields: Fields = {
            L.DelayStep.KEY: TIMEOUT if step.kind == "timer" else COMPLETION,
            L.DelayStep.FLOOR: step.floor_ns,
            L.DelayStep.GRID: step.grid_ns or 0,
            L.DelayStep.TIMERS: self.handle("timers", step.timers),
        }
        at = self.new(L.Op.DELAY, placed, following, L.DelayStep.SIZE, fields)
        state = step.kind if step.kind != "service" else f"service.{placed.stream.rsplit('/', 1)[1]}"
        self.program.state(at + L.DelayStep.STATE, state)
        self.program.draw(at + L.DelayStep.DIST, step.delay, f"{placed.stream}/delay")
        self.pairs(at + L.DelayStep.PER, step.per)
        return self.drawn_ahead(placed, at, L.DelayStep.DIST)

    def branch(self, placed: Placed, step: Branch, following: int) -> int:
        """A branch: its ways in order."""
        draws = int(any(option.probability is not None for option in step.branch))
        fields: Fields = {L.BranchStep.DRAWS: draws, L.BranchStep.COUNT: len(step.branch)}
        at = self.new(L.Op.BRANCH, placed, following, L.BranchStep.WAYS + L.Way.SIZE * len(step.branch), fields)
        self.program.stream(at + L.BranchStep.STREAM, f"{placed.stream}/branch")
        for index, option in enumerate(step.branch):
            way = [2, 0, 0, 0, 0, 0]
            if option.probability is not None:
                way = [0, bits(option.probability), 0, 0, 0, 0]
            elif option.attribute is not None:
                above, below = option.above, option.below
                way = [1, self.program.attributes[option.attribute]]
                way += [int(above is not None), bits(above or 0.0), int(below is not None), bits(below or 0.0)]
            first = self.body(placed, ("branch", index, "steps"), following)
            self.program.write(at + L.BranchStep.WAYS + L.Way.SIZE * index, [*way, first])
        return at

    def children(self, placed: Placed, step: Fork | Race, following: int) -> int:
        """A fork or a race: the bodies of the children."""
        lists = list(bodies(step))
        code = L.Op.FORK if isinstance(step, Fork) else L.Op.RACE
        at = self.new(code, placed, following, L.ForkStep.BODIES + max(1, len(lists)))
        words = self.program.words
        words[at + L.ForkStep.COUNT] = len(lists)
        for index, (below, _) in enumerate(lists):
            words[at + L.ForkStep.BODIES + index] = self.body(placed, below, self.end(L.Op.RETURN))
        if isinstance(step, Fork):
            body = step.fork
            words[at + L.ForkStep.JOIN] = -1 if body.join == "all" else -2 if body.join == "first" else int(body.join)
            words[at + L.ForkStep.CANCELS] = int(body.cancel)
            if body.items is not None:
                words[at + L.ForkStep.KIND] = 1
                self.program.count(at + L.ForkStep.NUMBER, body.items, f"{placed.stream}/items")
        return at

    def attempt(self, placed: Placed, step: Attempt, following: int) -> int:
        """An attempt: its timeouts and its policy."""
        body = step.attempt
        timed = has_timer(body)
        fields: Fields = {
            L.AttemptStep.STOPS: int(body.stops),
            L.AttemptStep.BREAKER: self.handle("breaker", body.breaker),
            L.AttemptStep.TIMED: int(timed),
            L.AttemptStep.STARTS: _STARTS[starts_of(self.network, body.steps)],
            L.AttemptStep.STC: -1 if body.start_to_close_ns is None else body.start_to_close_ns,
            L.AttemptStep.STS: -1 if body.schedule_to_start_ns is None else body.schedule_to_start_ns,
            L.AttemptStep.SCC: -1 if body.schedule_to_close_ns is None else body.schedule_to_close_ns,
            L.AttemptStep.BEAT: -1,
            L.AttemptStep.SILENT: int(body.on_crash == "silent"),
            L.AttemptStep.COUNTED: int(body.counted),
        }
        at = self.new(L.Op.ATTEMPT, placed, following, L.AttemptStep.SIZE, fields)
        words = self.program.words
        end = self.end(L.Op.RETURN if timed else L.Op.ATTEMPT_END)
        words[at + L.AttemptStep.BODY] = self.body(placed, ("attempt", "steps"), end)
        if body.on_failure is not None:
            words[at + L.AttemptStep.AFTER] = self.body(placed, ("attempt", "on_failure"), following)
        if body.heartbeat is not None:
            timeout, interval = body.heartbeat.timeout_ns, body.heartbeat.interval_ns
            words[at + L.AttemptStep.BEAT] = timeout
            words[at + L.AttemptStep.BEAT_INTERVAL] = interval or max(1, timeout * HEARTBEAT_TENTHS // 10)
        if body.retry is not None:
            self.retry(at, placed, step)
        return at

    def retry(self, at: int, placed: Placed, step: Attempt) -> None:
        """When an attempt is made again."""
        retry = step.attempt.retry
        assert retry is not None
        fatal = [self.program.number(self.program.errors, error) for error in retry.non_retryable]
        fields: Fields = {
            L.AttemptStep.RETRY: 1,
            L.AttemptStep.BUDGET: self.handle("budget", retry.budget),
            L.AttemptStep.FIRST: bits(float(retry.initial_interval_ns)),
            L.AttemptStep.COEFFICIENT: bits(retry.backoff_coefficient),
            L.AttemptStep.LONGEST: bits(float(retry.maximum_interval_ns or 100 * retry.initial_interval_ns)),
            L.AttemptStep.JITTER: bits(retry.jitter),
            L.AttemptStep.MAXIMUM: -1 if retry.maximum_attempts is None else retry.maximum_attempts,
            L.AttemptStep.FLOOR: retry.floor_ns,
            L.AttemptStep.GRID: retry.grid_ns or 0,
            L.AttemptStep.TIMERS: self.handle("timers", retry.timers),
        }
        self.program.fill(at, fields)
        self.program.table(at + L.AttemptStep.FATAL, fatal)
        self.program.stream(at + L.AttemptStep.JITTER_STREAM, f"{placed.stream}/jitter")

    def mark(self, placed: Placed, step: Mark, following: int) -> int:
        """A mark: the spans that it ends and begins, the monitors that it answers and asks."""
        at = self.new(L.Op.MARK, placed, following, L.MarkStep.SIZE)
        write_mark(self.program, self.network, at, step)
        return at

    def set(self, placed: Placed, step: SetStep, following: int) -> int:
        """Changes of attributes."""
        at = self.new(L.Op.SET, placed, following, L.SetStep.ITEMS + L.SetItem.SIZE * len(step.set))
        self.program.words[at + L.SetStep.COUNT] = len(step.set)
        for index, (name, change) in enumerate(step.set.items()):
            item = at + L.SetStep.ITEMS + L.SetItem.SIZE * index
            spec = change.add if change.add is not None else change.to
            assert spec is not None
            self.program.write(item, [self.program.attributes[name], int(change.add is not None)])
            self.program.count(item + 2, spec, f"{placed.stream}/{name}")
        return at


_WRITERS: Mapping[type[StepSpec], Callable[[_Writer, Placed, Any, int], int]] = complete(
    {
        Acquire: _Writer.acquire,
        Release: _Writer.release,
        Use: _Writer.use,
        DelayStep: _Writer.delay,
        Branch: _Writer.branch,
        Loop: _Writer.loop,
        Fork: _Writer.children,
        Race: _Writer.children,
        Attempt: _Writer.attempt,
        Start: _Writer.start,
        Saga: _Writer.saga,
        Compensate: _Writer.compensate,
        Call: _Writer.call,
        Child: _Writer.child,
        Tell: _Writer.tell,
        Mark: _Writer.mark,
        CountStep: _Writer.counting,
        SetStep: _Writer.set,
        Fail: _Writer.fail,
        Cached: _Writer.cached,
        Forget: _Writer.forget,
        Prompt: _Writer.prompt,
        Notify: _Writer.notify,
    },
    "the compiled engine",
)
