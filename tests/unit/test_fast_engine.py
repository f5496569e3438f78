"""The fast engine seen from outside: slices, memory, processes, plain Python, what it loads. The columns are compared
with those of the reference engine in tests/worked, tests/theory and tests/swarm."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sim.engine import run as engine_run
from sim.engine.fast import run
from sim.engine.plan import Plan
from sim.engine.run import run_all
from sim.errors import InputErrors
from sim.lower.load import load
from sim.network import Network
from sim.results.columns import Replication
from tests.swarm.compare import differences

ROOT = Path(__file__).parents[2]
M3 = ROOT / "configs" / "network" / "m3.yaml"
SECOND = 10**9


@pytest.fixture(scope="module")
def network() -> Network:
    return load(M3).lowered.network


def plan(replication: int = 0) -> Plan:
    return Plan(7, replication, 2 * SECOND, 12 * SECOND, 10 * SECOND, 10 * SECOND, SECOND // 10)


@pytest.mark.parametrize("timers", [1, 7, 1000])
def test_a_run_does_not_depend_on_the_length_of_its_slices(network: Network, timers: int) -> None:
    assert differences(run(network, plan()), run(network, plan(), slice_timers=timers)) == []


def test_a_run_does_not_depend_on_what_the_run_before_left_in_memory(network: Network) -> None:
    first = run(network, plan())
    run(load(ROOT / "configs" / "network" / "m2.yaml").lowered.network, plan(3))
    assert differences(first, run(network, plan())) == []


def test_the_host_hears_of_progress_between_slices(network: Network) -> None:
    heard: list[tuple[int, int]] = []
    run(network, plan(), progress=lambda now, last: heard.append((now, last)), slice_timers=500)
    times = [now for now, _ in heard]
    assert len(heard) > 10
    assert times == sorted(times)
    assert {last for _, last in heard} == {22 * SECOND}


def test_a_run_that_outgrows_its_memory_says_what_and_when(network: Network) -> None:
    with pytest.raises(InputErrors, match="memory of a run cannot hold the executions that have started"):
        run(network, Plan(1, 0, 0, 10_000 * SECOND, memory_bytes=1_600_000))


def test_a_run_of_more_events_than_allowed_says_how_far_it_came(network: Network) -> None:
    message = r"about [\d,]+ events, more than the 50,000 that are allowed: after 5\d,\d+ events it is at [\d.]+ s"
    with pytest.raises(InputErrors, match=message):
        run(network, Plan(1, 0, 0, 100 * SECOND, max_events=50_000), slice_timers=1000)


def test_a_run_that_will_have_ten_times_too_many_events_stops_after_a_twentieth(network: Network) -> None:
    with pytest.raises(InputErrors, match=r"after 1[5-9],") as told:
        run(network, Plan(1, 0, 0, 10_000 * SECOND, max_events=300_000), slice_timers=100)
    assert "--max-events" in str(told.value)


@pytest.mark.parametrize("start_s", [0.0, math.inf], ids=["started at once", "never started"])
def test_one_two_and_eight_processes_give_the_same(
    network: Network, monkeypatch: pytest.MonkeyPatch, start_s: float
) -> None:
    monkeypatch.setattr(engine_run, "worth_saving_s", lambda: start_s)
    planned = [(network, plan(replication)) for replication in range(4)]
    alone, complete = run_all(planned, processes=1)
    assert complete
    for processes in (2, 8):
        together, _ = run_all(planned, processes=processes)
        for one, other in zip(alone, together, strict=True):
            assert differences(one, other) == []


@pytest.mark.parametrize(
    ("start_s", "engine", "here"), [(0.0, "fast", 1), (math.inf, "fast", 4), (math.inf, "reference", 0)]
)
def test_others_run_what_is_left_as_soon_as_it_pays(
    network: Network, monkeypatch: pytest.MonkeyPatch, start_s: float, engine: str, here: int
) -> None:
    began: list[int] = []
    sound = engine_run.run_one

    def counted(*arguments: Any) -> Replication:
        began.append(arguments[1].replication)
        return sound(*arguments)

    def others(jobs: Sequence[partial[Replication]], *_: object) -> Generator[Replication, None, None]:
        return (sound(job.args[0].network(), *job.args[1:]) for job in jobs)

    monkeypatch.setattr(engine_run, "worth_saving_s", lambda: start_s)
    monkeypatch.setattr(engine_run, "run_one", counted)
    monkeypatch.setattr(engine_run, "Others", others)
    found, _ = run_all([(network, plan(replication)) for replication in range(4)], processes=2, engine=engine)
    assert began == list(range(here))
    assert [one.index for one in found] == [0, 1, 2, 3]


def test_the_host_hears_how_much_of_all_runs_is_done(network: Network) -> None:
    heard: list[float] = []
    run_all([(network, plan(replication)) for replication in range(3)], processes=1, on_progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 3
    assert {1, 2, 3} < set(heard)


def test_plain_python_gives_the_same_bits(network: Network) -> None:
    code = (
        "import sys; from sim.engine.fast import run; from sim.engine.plan import Plan;"
        "from sim.lower.load import load;"
        f"r = run(load({str(M3)!r}).lowered.network, Plan(7, 0, 2*10**9, 12*10**9, 10**10, 10**10, 10**8));"
        "e = r.executions; assert 'numba' not in sys.modules;"
        "print([int(e.end_ns.sum()), e.split.sum(axis=0).tolist(), r.events, r.places['storage'].all_waiting_area])"
    )
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    same = run(network, plan())
    expected = [
        int(same.executions.end_ns.sum()),
        same.executions.split.sum(axis=0).tolist(),
        same.events,
        same.places["storage"].all_waiting_area,
    ]
    assert json.loads(found.stdout) == expected


def test_a_run_loads_no_heavy_module_that_it_does_not_use(network: Network) -> None:
    run(network, plan())  # compiled, if it was not
    code = (
        "import sys; from sim.cli import main\n"
        f"sys.argv = ['sim', 'run', {str(M3)!r}, '--horizon', '30 s', '--warmup', '5 s', '--replications', '2',"
        " '--processes', '1', '--quiet']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = ('numba', 'simpy', 'plotly', 'pandas', 'pyarrow', 'matplotlib', 'joblib', 'jinja2', 'rich')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.splitlines()[-1] == "[]"
