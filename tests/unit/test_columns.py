"""The columns of a replication: what the audit finds in broken ones, whose memory they are, what runs share."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.engine.fast import FastEngine, layout, run
from sim.engine.fast.compile import program_of
from sim.engine.plan import Plan
from sim.engine.run import Sent
from sim.lower.load import load
from sim.network import Network
from sim.results.audit import audit
from sim.results.columns import Episodes, Executions, FaultEpisode, Replication
from tests.swarm.compare import differences
from tests.swarm.generate import case

CONFIGS = Path(__file__).parents[2] / "configs" / "network"
SECOND = 10**9
LONG = Plan(7, 0, 2 * SECOND, 150 * SECOND, 10 * SECOND, 10 * SECOND)
"""Some 20,000 executions, more than the audit looks at together; their rows outweigh the rest of the memory."""


@pytest.fixture(scope="module")
def network() -> Network:
    return load(CONFIGS / "m3.yaml").lowered.network


@pytest.fixture(scope="module")
def sound(network: Network) -> Replication:
    return run(network, LONG)


# -- audit -------------------------------------------------------------------------------------------------


def left_open(rows: Executions, at: int) -> Executions:
    rows.end_ns[rows.cohort[at]] = -1
    return rows


def ending_early(rows: Executions, at: int) -> Executions:
    late = rows.end_ns[rows.cohort[at]] - rows.start_ns[rows.cohort[at]] + 1
    rows.end_ns[rows.cohort[at]] -= late
    rows.split[at, 0] -= late
    return rows


def out_of_order(rows: Executions, at: int) -> Executions:
    row = int(rows.cohort[at])
    rows.start_ns[row] = rows.start_ns[row - 1] - 1
    return rows


def of_the_warm_up(rows: Executions, at: int) -> Executions:
    rows.cohort[at] = 0
    return rows


def split_short(rows: Executions, at: int) -> Executions:
    rows.split[at, 0] += 1
    return rows


def negative_split(rows: Executions, at: int) -> Executions:
    rows.split[at, 0] -= 10**12
    rows.split[at, 1] += 10**12
    return rows


@pytest.mark.parametrize("at", [1, 16_383, 16_384, -1])
@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (left_open, "an execution is open and closed at once"),
        (ending_early, "an execution ends before it starts"),
        (out_of_order, "executions are not in the order of their arrival"),
        (of_the_warm_up, "the cohort holds an execution that started outside the window"),
        (split_short, r"the split of latency of execution \d+ adds up to \d+ ns, but .* \(1 such executions\)"),
        (negative_split, "the split of latency holds a negative time"),
    ],
)
def test_one_broken_row_is_found_wherever_it_stands(
    sound: Replication, broken: Callable[[Executions, int], Executions], words: str, at: int
) -> None:
    assert len(sound.executions.cohort) > 16_384
    assert audit(sound) == []
    found = audit(replace(sound, executions=broken(deepcopy(sound.executions), at)))
    assert any(re.fullmatch(f"replication 0: {words}", finding) for finding in found), found


# -- episodes ----------------------------------------------------------------------------------------------


def test_episodes_read_as_they_were_written() -> None:
    rows = [
        FaultEpisode("crash", 5, 9, (("workers", 0), ("db", 3)), 2),
        FaultEpisode("slow", 7, -1, (), 0),
        FaultEpisode("crash", 8, 10, (("db", 1),), 0),
    ]
    episodes = Episodes.of(("slow", "crash"), ("db", "workers"), rows)
    assert (list(episodes), len(episodes), episodes[2]) == (rows, 3, rows[2])
    assert list(Episodes.of((), (), ())) == []


# -- memory ------------------------------------------------------------------------------------------------


def test_a_replication_that_is_kept_is_not_changed_by_the_runs_after_it(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FastEngine, "_may_stay", lambda self: True)
    sound = run(network, LONG)
    assert not sound.executions.start_ns.flags.owndata, "this is to be a view of the run's memory"
    before = deepcopy(sound)
    shorter = run(network, replace(LONG, replication=1, horizon_ns=100 * SECOND))
    run(network, replace(LONG, replication=2))
    assert differences(before, sound) == []
    del shorter
    assert differences(before, run(network, LONG)) == []


def test_few_rows_are_copied_out_of_the_memory_of_a_run(network: Network) -> None:
    engine = FastEngine(network, replace(LONG, horizon_ns=5 * SECOND))
    rows = engine.run().executions
    assert not any(np.shares_memory(getattr(rows, name), engine.memory) for name in ("start_ns", "end_ns", "split"))


def test_only_rows_are_kept_of_the_memory_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FastEngine, "_may_stay", lambda self: True)
    m4 = load(CONFIGS / "m4.yaml", ["network.sources.jobs.arrivals=20000/s"]).lowered.network
    engine = FastEngine(m4, Plan(1, 0, 0, SECOND, 0, 0, SECOND // 10))
    found = engine.run()
    first, last = int(engine.m[layout.Header.EVENTS]), int(engine.m[layout.Header.TOP])
    assert len(found.executions.start_ns) * 4 < last - engine.top, "most of the memory is to be of what is alive"
    assert not np.frombuffer(engine.block, np.int64)[first + 1024 : last - 1024].any()
    rest = np.frombuffer(engine.block, np.int64)[first:]
    kept = [
        *found.samples.values(),
        found.sample_ns,
        *(getattr(found.executions, name) for name in ("start_ns", "end_ns", "cohort", "split")),
    ]
    assert not any(np.shares_memory(column, rest) for column in kept)


@pytest.mark.parametrize("seed", range(40))
def test_columns_are_the_same_in_the_memory_of_the_run_and_out_of_it(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    generated = case(seed)
    plan = replace(generated.plan, horizon_ns=min(generated.plan.horizon_ns, generated.plan.warmup_ns + SECOND))

    def left_behind(stays: bool) -> Replication:
        monkeypatch.setattr(FastEngine, "_may_stay", lambda self: stays)
        return run(generated.network(), plan, generated.traces)

    assert differences(left_behind(stays=True), left_behind(stays=False)) == []


def test_runs_of_a_network_share_its_program_and_do_not_change_it(network: Network) -> None:
    program = program_of(network)
    words = program.words.tolist()
    memory = np.zeros(program.size, np.int64)
    program.copy_to(memory)
    run(network, replace(LONG, horizon_ns=5 * SECOND))
    again = np.ones(program.size, np.int64)
    program_of(network).copy_to(again)
    assert program_of(network) is program
    assert program.words.tolist() == words
    assert np.array_equal(again, memory)


def test_another_network_drill_or_trace_has_a_program_of_its_own(network: Network) -> None:
    traces = {"jobs": [1, 2, 3]}
    program = program_of(network, None, traces)
    assert program_of(network, None, {"jobs": [1, 2, 3]}) is program
    traces["jobs"].append(4)
    assert program_of(network, None, traces) is not program
    assert program_of(network, "a drill", traces) is not program_of(network, None, traces)
    assert program_of(network.model_copy(), None, traces) is not program_of(network, None, traces)


def test_a_network_that_is_sent_again_is_the_same_object_and_one_in_another_order_is_not(network: Network) -> None:
    turned = network.model_copy(update={"stations": dict(reversed(network.stations.items()))})
    assert len(network.stations) > 1
    assert turned == network
    here, again, other = (pickle.loads(pickle.dumps(Sent(one))).network() for one in (network, network, turned))
    assert again is here
    assert other is not here
