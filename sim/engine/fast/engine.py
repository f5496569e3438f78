"""Host of the kernel: it sizes the memory, sets the stream keys, and runs warm-up, window, follow-up and drain.

A run does not depend on how long the slices are.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import finalize

import numpy as np

from sim.draws.jit import COMPILED, entry_of
from sim.draws.streams import stream_key
from sim.engine.elements import stands_still
from sim.engine.fast import layout as L
from sim.engine.fast.collect_results import events_of, replication_of
from sim.engine.fast.compile import program_of
from sim.engine.fast.program import Program
from sim.engine.plan import Plan
from sim.errors import InputErrors, Problem
from sim.network import Network
from sim.results.columns import Replication

WORTH_KEEPING = 1 << 22
"""Words of rows from which on a replication keeps the memory that they were written in: 32 MiB."""
SLICE = 1 << 18
"""Timers handled between two looks of the host: some tens of milliseconds."""

_spare: list[Any] = []
"""Blocks of memory that nobody looks at any more, for the next runs: nothing is read that was not written before, so
they may be dirty."""
SPARE = 2
"""As many are used in turn where a replication is let go when the next one is there."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_spare.clear)  # new pages cost a copy of this process less than those it shares
_HAS_MMAP = hasattr(mmap, "MAP_ANONYMOUS")

kernel = entry_of("sim.engine.fast.kernel", "kernel", "int64(int64[::1], float64[::1], int64, int64, int64)")
"""The event loop, whose forty files are imported only to compile it."""

Progress = Callable[[int, int], None]
"""Told the time reached and the time at which sources stop at the latest, in ns."""


def run(
    network: Network,
    plan: Plan,
    traces: dict[str, list[int]] | None = None,
    progress: Progress | None = None,
    slice_timers: int = SLICE,
) -> Replication:
    """One replication of a network. progress: called between slices.

    Raises InputErrors when time stands still, or when the run outgrows its memory.
    """
    return FastEngine(network, plan, traces, slice_timers=slice_timers).run(progress)


class FastEngine:
    """One replication of a network, ready to run.

    slice_timers: timers handled between two looks of the host.
    """

    def __init__(
        self,
        network: Network,
        plan: Plan,
        traces: dict[str, list[int]] | None = None,
        slice_timers: int = SLICE,
    ) -> None:
        self.network = network
        self.plan = plan
        self.slice_timers = slice_timers
        self.words = plan.memory_bytes // 8
        self.program = program_of(network, plan.drill, traces)
        self.block, self.memory = _memory(self.words)
        self.floats = self.memory.view(np.float64)
        # Uncompiled, items of a memoryview are plain integers, which do not overflow; those of an array would.
        self.m: Any = self.memory if COMPILED else memoryview(self.memory)
        self.f: Any = self.floats if COMPILED else memoryview(self.floats)
        self.top = _load(self.memory, self.program, plan)

    def run(self, progress: Progress | None = None) -> Replication:
        """Run through warm-up, window, follow-up and drain."""
        plan = self.plan
        last = plan.horizon_ns + plan.follow_ns

        def until(end_ns: int) -> None:
            while True:
                status = kernel(self.m, self.f, L.Command.RUN, end_ns, self.slice_timers)
                if progress is not None:
                    progress(int(self.m[L.Header.NOW]), last)
                if status == L.Status.REACHED:
                    return
                self._stay_within_bounds(last)
                if status != L.Status.BUDGET_SPENT:
                    self._give_up(status)

        kernel(self.m, self.f, L.Command.BEGIN, 0, 0)
        until(plan.warmup_ns)
        kernel(self.m, self.f, L.Command.MARK_BEGIN, 0, 0)
        until(plan.horizon_ns)
        kernel(self.m, self.f, L.Command.MARK_END, 0, 0)
        step_ns = max((plan.horizon_ns - plan.warmup_ns) // 64, 1)
        least = plan.horizon_ns + (plan.follow_ns if plan.drill is not None else 0)
        while (self.m[L.Header.COHORT_OPEN] or self.m[L.Header.NOW] < least) and self.m[L.Header.NOW] < last:
            until(min(int(self.m[L.Header.NOW]) + step_ns, last))
        followed_ns = int(self.m[L.Header.NOW])
        self.m[L.Header.STOPPED] = 1
        kernel(self.m, self.f, L.Command.CALL_OFF, int(bool(self.m[L.Header.COHORT_OPEN] and plan.drain_ns)), 0)
        end_ns = followed_ns + plan.drain_ns
        while self.m[L.Header.COHORT_OPEN] and self.m[L.Header.NOW] < end_ns:
            following = int(kernel(self.m, self.f, L.Command.NEXT, 0, 0))
            if following < 0:
                break
            until(min(max(int(self.m[L.Header.NOW]) + step_ns, following + 1), end_ns))
        kernel(self.m, self.f, L.Command.JUDGE, 0, 0)
        is_idle = kernel(self.m, self.f, L.Command.NEXT, 0, 0) < 0
        stays = self._may_stay()
        replication = replication_of(self.network, self.program, plan, self.memory, followed_ns, is_idle, stays)
        if stays:
            self._let_go()
        return replication

    def _stay_within_bounds(self, last_ns: int) -> None:
        """Give up where there have been too many events, or a twentieth of that and ten times too many are to come."""
        events = events_of(self.m, self.program, self.network)
        most, now_ns = self.plan.max_events, int(self.m[L.Header.NOW])
        expected = events * last_ns / now_ns if 0 < now_ns < last_ns else events
        if events <= most and (events <= most / 20 or expected <= 10 * most):
            return
        about = f"would have about {float(f'{expected:.1e}'):,.0f} events, more than the {most:,} that are allowed"
        where = f"after {events:,} events it is at {now_ns / 1e9:,.6g} s of {last_ns / 1e9:,.6g} s"
        hint = "shorten run.horizon, lower the load, or allow more:   --max-events 20G"
        raise InputErrors([Problem("run", f"{about}: {where}", hint)])

    def _may_stay(self) -> bool:
        """Whether the replication may keep the rows in this memory: not few of them, which are better copied.

        A block of which a little has been touched costs several large pages.
        """
        rows = int(self.m[L.Header.ORDINAL]) * _row_words(self.m)
        return _HAS_MMAP and len(self.memory) == self.words and rows >= WORTH_KEEPING

    def _let_go(self) -> None:
        """Give back what was touched beside the rows, if it is more than they: timers, and what was alive."""
        rows = int(self.m[L.Header.ORDINAL]) * _row_words(self.m)
        alive = int(self.m[L.Header.TOP]) - self.top
        if alive > rows and hasattr(mmap, "MADV_DONTNEED"):
            first = -(-8 * int(self.m[L.Header.EVENTS]) // mmap.PAGESIZE) * mmap.PAGESIZE
            self.block.madvise(mmap.MADV_DONTNEED, first, 8 * int(self.m[L.Header.TOP]) - first)

    def _give_up(self, status: int) -> None:
        if status == L.Status.STANDS_STILL:
            culprit = int(self.m[L.Header.CULPRIT])
            name = next(name for name in self.network.sources if self.program.handles[f"source {name}"] == culprit)
            raise InputErrors([stands_still(name)])
        what = {
            L.Status.MEMORY_FULL: "what is alive at one time, or waits",
            L.Status.ROWS_FULL: "the executions that have started",
            L.Status.CROWDED: "the interruptions of one job at one instant",
        }[status]
        where = int(self.m[L.Header.NOW]) / 1e9
        raise InputErrors(
            [
                Problem(
                    "run",
                    f"after {where:,.1f} s of simulated time the memory of a run cannot hold {what}: "
                    f"{int(self.m[L.Header.ORDINAL]):,} executions have been let in",
                    "raise run.memory, shorten the horizon, lower the load, or split the run into more replications",
                )
            ]
        )


def _row_words(m: Any) -> int:
    """Words of the row of an execution."""
    return 3 + int(m[L.Header.JOB_FAMILY] != 0) + int(m[L.Header.STATES])


def _memory(words: int) -> tuple[Any, Any]:
    """A block, and its words: so many, or half as many, and so on, where the system does not promise that much.

    They come back to be used again when nobody looks at them any more.
    """
    if _spare and len(_spare[-1]) != 8 * words:
        _spare.clear()
    block = _spare.pop() if _spare else _block(words)
    memory = np.frombuffer(block, np.int64)
    finalize(memory, _come_back, block).atexit = False  # views of it, also views of views, keep it alive
    return block, memory


def _come_back(block: Any) -> None:
    if len(_spare) < SPARE:
        _spare.append(block)


def _block(words: int) -> Any:
    """New memory. Only what is touched of it is real.

    Where the system has large pages they are asked for: a run that writes down millions of executions would else spend
    half of its time on being given memory 4 KiB at a time.
    """
    while True:
        try:
            if not _HAS_MMAP:
                return np.zeros(words, np.int64).data.cast("B")
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
            block = mmap.mmap(-1, 8 * words, flags=flags)
            if hasattr(mmap, "MADV_HUGEPAGE"):
                with suppress(OSError):
                    block.madvise(mmap.MADV_HUGEPAGE)
            return block
        except (MemoryError, OSError):
            if words < 1 << 24:
                raise
            words //= 2


def _load(m: Any, program: Program, plan: Plan) -> int:
    """Copy the program to its place, give the streams their keys, and share out the memory; gives what is left."""
    size = program.size
    program.copy_to(m)
    for at, name in program.streams:
        m[at] = stream_key(plan.seed, plan.replication, name)
    m[L.Header.BEGIN], m[L.Header.HORIZON] = plan.warmup_ns, plan.horizon_ns
    top = size
    total = len(m)
    states = max(1, int(m[L.Header.STATES]))
    # Memory: half for rows of executions, an eighth for timers and immediate events, the rest for what is alive.
    has_parents = int(m[L.Header.JOB_FAMILY] != 0)
    rows = (total - size) // 2 // (3 + has_parents + states)
    for at, length in (
        (L.Header.ROWS, rows),
        (L.Header.ROW_ENDS, rows),
        (L.Header.ROW_NOTES, rows),
        (L.Header.SPLITS, rows * states),
        *(((L.Header.ROW_PARENTS, rows),) if has_parents else ()),
    ):
        m[at] = top
        top += length
    m[L.Header.ROW_LIMIT] = rows
    effects = 1 << (((total - top) // 16).bit_length() - 1)
    m[L.Header.EVENTS], m[L.Header.EVENTS + L.Ring.MASK] = top, effects - 1
    top += effects
    timers = (total - top) // 8
    far = int(m[L.Header.FAULTS + L.Table.COUNT]) + 4
    for heap, number in ((L.Header.HEAP, timers), (L.Header.FAULT_HEAP, far)):
        # Four children of a node on one line of the cache: the second entry begins one.
        top += -(m.ctypes.data // 8 + top + 2) % 8
        m[heap + L.Heap.BASE], m[heap + L.Heap.CAPACITY] = top, number
        top += 2 * number
    if plan.sample_ns:
        m[L.Header.SAMPLE] = top
        m[top : top + L.Sampler.SIZE] = 0
        m[top] = L.Timer.NOT_SET
        m[top + L.Sampler.INTERVAL] = plan.sample_ns
        top += L.Sampler.SIZE
    m[L.Header.TOP], m[L.Header.END] = top, total
    return top
