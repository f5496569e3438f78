"""Other processes that do jobs: each claim of copies is seen in a process of its own, which has no other thread."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from sim.engine import processes
from sim.engine.processes import Others

BEGINNING = """
    import os, signal, sys, time
    from functools import partial
    from multiprocessing import active_children
    from sim.engine import processes
    from sim.engine.processes import Others
    from sim.errors import InputErrors
    assert processes._may_copy()
"""

needs_copies = pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux only")


def said(code: str) -> str:
    """What a process without threads prints that runs this code."""
    whole = textwrap.dedent(BEGINNING) + textwrap.dedent(code)
    found = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, check=False, timeout=60)
    assert found.stderr == ""
    return found.stdout.strip()


@needs_copies
def test_copies_give_results_in_the_order_of_the_jobs_and_have_what_is_loaded() -> None:
    found = said("""
        print(list(Others([partial(pow, 2, n) for n in range(9)], 3)), active_children(), "joblib" in sys.modules)
    """)
    assert found == "[1, 2, 4, 8, 16, 32, 64, 128, 256] [] False"


@needs_copies
def test_a_job_of_a_copy_that_fails_raises_what_it_raised_and_the_others_are_stopped() -> None:
    found = said("""
        try: list(Others([partial(int, "1"), partial(int, "one"), partial(time.sleep, 1e4)], 2))
        except ValueError as error: print(error, active_children())
    """)
    assert found == "invalid literal for int() with base 10: 'one' []"


@needs_copies
def test_a_copy_that_the_system_ends_is_a_message_of_what_to_write_instead() -> None:
    found = said("""
        try: list(Others([partial(signal.raise_signal, signal.SIGKILL), partial(time.sleep, 1e4)], 2))
        except InputErrors as errors: print(errors, active_children())
    """)
    assert "the system has ended a process that ran replications" in found
    assert "--processes 1 --max-memory 1G" in found
    assert found.endswith("[]")


@needs_copies
@pytest.mark.parametrize("begun", ["", "next(iter(at_work))"], ids=["before the first result", "after it"])
def test_copies_that_are_stopped_end_at_once(begun: str) -> None:
    found = said(f"""
        at_work = Others([partial(int, 1), partial(time.sleep, 1e4), partial(time.sleep, 1e4)], 2)
        {begun}
        at_work.close()
        print(active_children())
    """)
    assert found == "[]"


@needs_copies
def test_copies_that_are_interrupted_are_silent() -> None:
    found = said("""
        at_work = Others([partial(time.sleep, 1e4)] * 2, 2)
        for copy in active_children(): os.kill(copy.pid, signal.SIGINT)
        try: list(at_work)
        except InputErrors: print("ended")
    """)
    assert found == "ended"


def test_where_other_threads_run_new_processes_are_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_may_copy", lambda: False)
    assert list(Others([int, int, int], 2)) == [0, 0, 0]
    assert processes.worth_saving_s() == processes.STARTED_AGAIN_S
