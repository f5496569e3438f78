"""Other processes that do jobs beside this one: copies of it where the system can copy it safely, else new ones."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sim.errors import InputErrors, Problem

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

Result = TypeVar("Result")
Job = Callable[[], Result]
"""A picklable call without arguments."""

COPIED_S = 0.1
"""Seconds until copies of this process are at work."""
STARTED_S = 2.0
"""So much time must be saved by new processes: they start Python and import the engine first, which takes some 0.6 s
of CPU time of each core."""
STARTED_AGAIN_S = 0.02
"""The same where they have worked for this one before: they wait for more for some minutes."""

_have_worked = False


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worth_saving_s() -> float:
    """So many seconds must be saved by other processes, or this one is better left alone."""
    if _may_copy():
        return COPIED_S
    return STARTED_AGAIN_S if _have_worked else STARTED_S


class Others(Generic[Result]):
    """So many other processes, which are at work on jobs from now on; gives what the jobs give, in their order.

    Close it to stop them. Raises what a job raises, and InputErrors where the system ends a process.
    """

    def __init__(self, jobs: Sequence[Job[Result]], count: int) -> None:
        self._at_work = _Copies(jobs, count) if _may_copy() else _started(jobs, count)

    def __iter__(self) -> Iterator[Result]:
        from concurrent.futures import BrokenExecutor

        try:
            yield from self._at_work
        except BrokenExecutor:
            what = "the system has ended a process that ran replications, most likely since memory was full"
            hint = "run fewer at once, each smaller:   --processes 1 --max-memory 1G"
            raise InputErrors([Problem("run", what, hint)]) from None
        finally:
            self.close()

    def close(self) -> None:
        """Stop those that are at work still."""
        self._at_work.close()


def _may_copy() -> bool:
    """Whether a copy of this process can go on.

    Copies have everything that is loaded, but of threads only the one that made them: what another one holds at that
    moment, they would wait for in vain. Only on Linux are the libraries of the system made for it.
    """
    return sys.platform == "linux" and threading.active_count() == 1


class _Copies(Generic[Result]):
    """Copies of this process at work. Each takes the next job that none has taken, and has a pipe of its own.

    The executor of the standard library has one pipe for all of them and holds its end, so that it waits for ever for
    the rest of a message whose writer has been ended.
    """

    def __init__(self, jobs: Sequence[Job[Result]], count: int) -> None:
        from multiprocessing import get_context

        self._context = get_context("fork")
        self._jobs = jobs
        self._taken = self._context.Value("q", 0)
        self._pipes: list[Connection] = []
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until copies know what to do then
        self._copies = [self._copy() for _ in range(min(count, len(jobs)))]
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _copy(self) -> BaseProcess:
        here, there = self._context.Pipe(duplex=False)
        copy = self._context.Process(target=self._work, args=(here, there), daemon=True)
        copy.start()
        there.close()  # when its process ends, nobody holds it any more
        self._pipes.append(here)
        return copy

    def _work(self, here: Connection, there: Connection) -> None:
        """What a copy does."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # interrupted with this one, it ends without a word
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        for pipe in (here, *self._pipes):
            pipe.close()
        while (index := self._next()) < len(self._jobs):
            try:
                there.send((index, self._jobs[index](), None))
            except Exception as error:
                error.add_note(traceback.format_exc())
                there.send((index, None, error))
        there.send(None)

    def _next(self) -> int:
        with self._taken.get_lock():
            index: int = self._taken.value
            self._taken.value = index + 1
        return index

    def __iter__(self) -> Iterator[Result]:
        from multiprocessing.connection import wait

        arrived: dict[int, tuple[Result, Exception | None]] = {}
        pipes: set[Any] = set(self._pipes)
        for index in range(len(self._jobs)):
            while index not in arrived:
                for pipe in wait(pipes):
                    told = _received(pipe)
                    if told is None:
                        pipes.remove(pipe)
                    else:
                        arrived[told[0]] = told[1:]
            result, error = arrived.pop(index)
            if error is not None:
                raise error
            yield result

    def close(self) -> None:
        for copy in self._copies:
            copy.kill()
        for copy, pipe in zip(self._copies, self._pipes, strict=True):
            copy.join()
            pipe.close()


def _received(pipe: Any) -> Any:
    """What a copy tells next: a result, or None at its end. Raises BrokenExecutor where it ended without a word."""
    from concurrent.futures import BrokenExecutor

    try:
        return pipe.recv()
    except EOFError:
        raise BrokenExecutor from None


def _started(jobs: Sequence[Job[Result]], count: int) -> Generator[Result, None, None]:
    from joblib import Parallel, delayed

    global _have_worked
    _have_worked = True
    # A worker that has grown is replaced by a new one between two runs; that is no news to anybody.
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given", category=UserWarning)
    found: Generator[Result, None, None] = Parallel(n_jobs=count, return_as="generator")(
        delayed(job)() for job in jobs
    )
    return found
