"""`sim explain`: the network that is simulated, to read and to read back, and the life of one execution.

Goal: nothing is hidden. Method: what is printed is loaded again and run beside the original; a life is held against
the columns of the same run.
"""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from a_command import QUEUE, SHOP, Command

from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.lower.load import load

SECOND = 1_000_000_000


def template(command: Command) -> str:
    return command.sim("init", "-").out


def test_the_network_is_shown_element_by_element_with_the_steps_indented(command: Command) -> None:
    ended = command.sim("explain", command.file(SHOP))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[:4] == [
        "# shop: what is simulated",
        "network:",
        "  nodes:",
        "    pods: {count: 2}",
    ]
    assert "    db: {servers: 2, service: {exponential: 50 ms}}" in ended.out
    attempt = "      - {attempt: {retry: {initial_interval: 10 ms, maximum_attempts: 20}}}\n          steps:\n"
    assert f"{attempt}            - {{acquire: {{resource: slots}}}}\n" in ended.out


def test_a_long_table_is_shown_by_its_ends(command: Command) -> None:
    table = ", ".join(f"{10 * n} ms" for n in range(1, 41))
    file = command.file(QUEUE.replace("{exponential: 100 ms}", f"{{empirical: {{values: [{table}]}}}}"))
    assert "values: [10 ms, 20 ms, ... 36 more ..., 390 ms, 400 ms]" in command.sim("explain", file).out
    assert command.sim("explain", file, "--json").out.count(" ms") == 40


def test_a_deployment_is_shown_with_the_constants_that_it_rests_on_and_their_sources(command: Command) -> None:
    ended = command.sim("explain", command.file(template(command)))
    assert ended.code == 0
    head, _, assumptions = ended.out.partition("\n# assumptions\n")
    assert "\n    checkout:\n" in head.partition("\n  routines:\n")[2]
    assert len(assumptions.splitlines()) > 20
    assert all(re.fullmatch(r"#   .+: .+  \(.+\)", line) for line in assumptions.splitlines())


@pytest.mark.parametrize("text", [QUEUE, SHOP, ""], ids=["queue", "shop", "template"])
def test_what_is_printed_as_json_is_a_scenario_that_runs_the_same(command: Command, text: str) -> None:
    file = command.file(text or template(command))
    printed = command.sim("explain", file, "--json").out
    again = load(command.file(json.dumps(json.loads(printed)), "again.json"))
    original = load(file)
    assert again.lowered.network == original.lowered.network
    assert again.scenario.run == original.scenario.run
    plan = Plan(3, 1, SECOND, 5 * SECOND, SECOND, SECOND, SECOND // 2)
    first, second = (Engine(loaded.lowered.network, plan).run() for loaded in (original, again))
    assert np.array_equal(first.executions.end_ns, second.executions.end_ns)
    assert np.array_equal(first.executions.split, second.executions.split)
    assert (first.events, first.counts) == (second.events, second.counts)


def test_a_network_printed_as_json_predicts_the_same(command: Command) -> None:
    printed = command.sim("explain", command.file(QUEUE), "--json").out
    assert command.document(printed)["metrics"] == command.document(QUEUE)["metrics"]


def test_the_life_of_an_execution_is_that_of_the_run(command: Command) -> None:
    ended = command.sim("explain", command.file(SHOP), "--execution", "5", "--replication", "2", "--seed", "4")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert re.fullmatch(r"execution 5 of order in replication 2, started at [\d.]+ ms of the run", lines[0])
    times = [re.fullmatch(r"  \+ *([\d.]+) (ms|us|s)  \S.*", line) for line in lines[1:]]
    assert all(times), lines
    unit = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
    seconds = [float(found[1]) * unit[found[2]] for found in times if found]
    assert seconds == sorted(seconds)
    assert [line.split("  ")[-1] for line in lines[1:3]] == ["mark asked", "acquired slots on node 1"]
    assert lines[-1].endswith("closed")

    network = load(command.file(SHOP)).lowered.network
    run = Engine(network, Plan(4, 2, 2 * SECOND, 20 * SECOND, SECOND, SECOND)).run()
    took_s = (run.executions.end_ns[5] - run.executions.start_ns[5]) / SECOND
    assert seconds[-1] == pytest.approx(took_s, rel=0.005)  # three digits are shown


def test_a_drill_happens_in_the_life_that_is_told_with_it(command: Command) -> None:
    text = SHOP.replace("nodes: [0]", "nodes: all")
    file = command.file(text)
    network = load(file).lowered.network
    run = Engine(network, Plan(1, 0, 0, 15 * SECOND, SECOND, 0, 0, "crash")).run()
    # The first one that comes while both nodes are down.
    execution = int(np.flatnonzero(run.executions.start_ns >= 5 * SECOND)[0])
    with_crash = command.sim("explain", file, "--execution", str(execution), "--drill", "crash").out
    without = command.sim("explain", file, "--execution", str(execution)).out
    assert "of the drill crash" in with_crash
    assert "waits for slots" in with_crash
    assert "waits for slots" not in without
    assert with_crash.splitlines()[0].split("started")[1] == without.splitlines()[0].split("started")[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--execution", "99999"), r"--execution\n    is 99999, but this run has \d+, counted from 0 to \d+"),
        (("--execution", "-1"), r"--execution\n    is -1; executions are counted from 0"),
        (("--execution", "1", "--replication", "-1"), r"--replication\n    is -1"),
        (
            ("--execution", "1", "--drill", "flood"),
            r"--drill\n    is flood, which is no drill .*\n    drills here: crash",
        ),
        (("--drill", "crash"), r"--drill\n    selects an execution, and --execution is not given"),
        (("--seed", "1"), r"--seed\n    selects an execution"),
        (("--execution", "1", "--json"), r"--json\n    is about the network"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_life_that_there_is_not_is_bad_input(command: Command, options: tuple[str, ...], words: str) -> None:
    ended = command.sim("explain", command.file(SHOP), *options)
    assert (ended.code, ended.out) == (2, "")
    assert re.match(words, ended.err)
