"""Exit codes of `sim run`, and what is printed with each: 0; 1 behind --gate; 2 bad input; 3 a broken law; 130 stop.

Goal: a pipeline can tell a missed objective from a typing error from a broken simulator. Method: in this process, with
faults put into the engine; one interruption is a real signal to a real process.
"""

from __future__ import annotations

import json
import math
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from a_command import QUEUE, SHOP, Command

from sim.engine import run as engine_run
from sim.engine.fast import FastEngine
from sim.results.columns import Replication

MET = "objectives: [{metric: latency.job.mean, below: 10 s}]\n"
MISSED = "objectives: [{metric: latency.job.mean, below: 1 ms}]\n"
# 300 jobs in each of 5 runs cannot carry a p99.9.
UNDECIDED = "objectives: [{metric: latency.job.p999, below: 10 s}]\n"

BAD = """\
name: bad
network:
  sources:
    jobs: {routine: jbo, arrivals: 5/s}
  stations:
    server: {servers: 1, service: {exponential: 100 ms}}
  routines:
    job:
      - use: servre
      - release: slots
"""

DEADLOCK = """\
name: deadlock
network:
  sources:
    ones: {routine: one, arrivals: 5/s}
    others: {routine: other, arrivals: 5/s}
  resources: {left: {units: 1}, right: {units: 1}}
  routines:
    one: [{acquire: left}, {delay: 50 ms}, {acquire: right}, {delay: 50 ms}]
    other: [{acquire: right}, {delay: 50 ms}, {acquire: left}, {delay: 50 ms}]
run: {horizon: 20 s, warmup: none, replications: 2}
"""


@pytest.mark.parametrize(("objectives", "code"), [(MET, 0), (MISSED, 1), (UNDECIDED, 1)])
def test_the_gate_lets_through_only_what_meets_every_objective(command: Command, objectives: str, code: int) -> None:
    ended = command.run(QUEUE + objectives, "--gate")
    assert ended.code == code
    assert "repeat with" in ended.out  # what is kept back is told all the same


def test_a_gate_without_objectives_is_bad_input(command: Command) -> None:
    ended = command.run(QUEUE, "--gate")
    assert (ended.code, ended.out) == (2, "")
    assert "neither objectives nor monitors" in ended.err


@pytest.mark.parametrize("objectives", [MISSED, UNDECIDED])
def test_without_a_gate_a_verdict_is_only_told(command: Command, objectives: str) -> None:
    ended = command.run(QUEUE + objectives)
    assert ended.code == 0
    assert ("MISSED" if objectives == MISSED else "UNDECIDED") in ended.out


def test_bad_input_is_told_whole_with_its_places_and_without_a_traceback(command: Command) -> None:
    file = command.file(BAD)
    ended = command.sim("run", file, "--json")
    assert (ended.code, ended.out) == (2, "")
    assert (
        f"{file}:4:21  network.sources.jobs.routine\n    `jbo` is not a routine\n    did you mean `job`?" in ended.err
    )
    assert f"{file}:9:14  network.routines.job.0.use.station" in ended.err
    assert f"{file}:10:18  network.routines.job.1.release" in ended.err
    assert ended.err.endswith("3 problems; nothing was run.\n")
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "{missing}"), "cannot be read: no such file or directory"),
        (("run", "{folder}"), "cannot be read: is a directory"),
        (("run",), "Missing argument"),
        (("walk", "{file}"), "No such command"),
        (("run", "{file}", "--horizon", "10"), "--horizon\n    is '10' without a unit"),
        (("run", "{file}", "--warmup", "soon"), "--warmup\n    is 'soon'"),
        (("run", "{file}", "--warmup", "10 min"), "--warmup\n    ends at 10 min, not before the horizon of 60 s"),
        (("run", "{file}", "--precision", "5"), "write 5 % if percent is meant"),
        (("run", "{file}", "--engine", "slow"), "known: fast, reference"),
        (("run", "{file}", "--replications", "1"), "--replications\n    is 1; at least 2 is expected"),
        (("run", "{file}", "--seed", "-1"), "--seed\n    is -1; at least 0 is expected"),
        (("run", "{file}", "--processes", "0"), "--processes\n    is 0"),
        (("run", "{file}", "--format", "parquet"), "add   --out FOLDER"),
        (("run", "{file}", "--out", "{folder}", "--format", "xls"), "csv or parquet are expected"),
        (("run", "{file}", "--out", "{file}"), "--out\n    `{file}` cannot be made a folder"),
        (("run", "{file}", "--report", "{folder}"), "--report\n    `{folder}` is a folder; a file is expected"),
        (("run", "{file}", "--set", "run.replications=1"), "--set run.replications=1  run.replications"),
        (("run", "{file}", "--set", "run.warmup=2 min"), "--set run.warmup=2 min  run.warmup\n    ends at 2 min"),
        (("run", "{file}", "--set", "network.sources.jobs.arivals=1/s"), "did you mean `arrivals`?"),
        (("run", "{file}", "--set", "name"), "is no assignment"),
    ],
    ids=lambda value: " ".join(value[1:]) if isinstance(value, tuple) else "",
)
def test_a_wrong_option_is_bad_input(command: Command, arguments: tuple[str, ...], words: str) -> None:
    names = {"file": command.file(QUEUE), "folder": str(command.folder), "missing": str(command.folder / "no.yaml")}
    ended = command.sim(*(argument.format(**names) for argument in arguments))
    assert (ended.code, ended.out) == (2, "")
    assert words.format(**names) in ended.err
    assert "Traceback" not in ended.err


def test_all_wrong_options_are_told_at_once(command: Command) -> None:
    ended = command.run(QUEUE, "--seed", "-1", "--horizon", "10", "--engine", "slow", "--precision", "often")
    assert ended.code == 2
    assert [line for line in ended.err.splitlines() if line.startswith("--")] == [
        *("--seed", "--precision", "--horizon", "--engine"),
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "place", "words"),
    [
        ("{node: box,", "{node: bax,", "machines.host.node", "is bax, which has no price"),
        (
            "prices: {nodes: {box: 100 USD/month}}",
            "prices: {catalogue: aws-us-east-1}",
            "machines.host.node",
            "is `box`, which is not a node type of the price catalogue aws-us-east-1",
        ),
        ("order.mean, below", "ordre.mean, below", "objectives.0.metric", "did you mean latency.order.mean?"),
        ("order.mean, below", "order.p75, below", "objectives.0.metric", "which no run of this scenario has"),
        ("below: 1 s, name", "below: 200, name", "objectives.0.below", "is 200, but latency.order.mean is a time"),
        ("below: 1 s, name", "below: 9 %, name", "objectives.0.below", "is '9 %', but latency.order.mean is a time"),
        ("above: 95 %", "above: 95", "objectives.1.above", "a share of at most 1\n    write   above: 95 %"),
        ("above: 95 %", "above: 95 ms", "objectives.1.above", "is '95 ms', but utilisation.db is a ratio"),
        (
            "arrivals: 20/s",
            "arrivals: {trace: gone.csv}",
            "network.sources.orders.arrivals.trace",
            "cannot be read: no such file or directory",
        ),
    ],
    ids=[
        "price",
        "catalogue",
        "metric",
        "level",
        "no unit",
        "share of a time",
        "no percent",
        "time of a share",
        "trace",
    ],
)
def test_what_a_scenario_refers_to_is_looked_up_before_anything_runs(
    command: Command, monkeypatch: pytest.MonkeyPatch, right: str, wrong: str, place: str, words: str
) -> None:
    assert SHOP.count(right) == 1
    file = command.file(SHOP.replace(right, wrong))
    monkeypatch.setattr(FastEngine, "run", lambda *_: pytest.fail("something ran"))
    for verb in ("check", "run"):
        ended = command.sim(verb, file)
        assert (ended.code, ended.out) == (2, "")
        assert re.match(rf"{re.escape(file)}:\d+:\d+  {place}\n", ended.err)
        assert words in ended.err


def test_a_trace_with_a_mistake_is_refused_at_the_line_of_the_mistake(command: Command) -> None:
    trace = command.file("seconds\n0.5\n1.5\nlunch\n1.0\n", "arrivals.csv")
    ended = command.run(QUEUE.replace("arrivals: 5/s", "arrivals: {trace: arrivals.csv}"))
    assert ended.code == 2
    assert "lunch" not in ended.err
    assert f"{trace}:4:1  network.sources.jobs.arrivals.trace\n    begins with no number of seconds" in ended.err
    assert f"{trace}:5:1  network.sources.jobs.arrivals.trace\n    is earlier than the time before it" in ended.err


def ending_a_nanosecond_late(run: Replication) -> Replication:
    """An engine that loses a nanosecond of one execution's life."""
    late = run.executions.end_ns.copy()
    late[int(run.executions.cohort[3])] += 1
    return replace(run, executions=replace(run.executions, end_ns=late))


def serving_who_never_asked(run: Replication) -> Replication:
    """An engine that lets somebody out of a place who never came in."""
    server = run.places["server"]
    return replace(run, places=run.places | {"server": replace(server, all_served=server.all_served + 1)})


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ending_a_nanosecond_late, "the split of latency of execution 3 adds up to"),
        (serving_who_never_asked, "station server lost count"),
    ],
)
def test_a_run_that_breaks_a_law_is_not_reported(
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[Replication], Replication],
    words: str,
) -> None:
    sound = FastEngine.run
    monkeypatch.setattr(FastEngine, "run", lambda self, progress: fault(sound(self, progress)))
    report, columns = command.folder / "report.html", command.folder / "columns"
    ended = command.run(QUEUE + MET, "--json", "--gate", "--report", str(report), "--out", str(columns))
    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith(f"replication 0: {words}")
    assert ended.err.endswith("so nothing is reported. Please report this.\n")
    assert not report.exists()
    assert list(columns.iterdir()) == []


def test_a_deadlock_is_a_finding_with_the_figures_up_to_then(command: Command) -> None:
    ended = command.run(DEADLOCK)
    assert ended.code == 0
    ways = ("one holds left and waits for right", "other holds right and waits for left")
    told = " ".join(ended.out.split())
    assert re.search(rf"DEADLOCK at \d+ ms in 2 of 2 runs: ({'; '.join(ways)}|{'; '.join(ways[::-1])})\.", told)
    assert "Acquire in the same order" in ended.out  # it is the scenario's doing, so it is said how to undo it
    assert "Please report this" not in ended.err
    assert "run.drain" not in ended.out  # nobody is told to follow longer what stands still


def test_a_deadlock_closes_the_gate_and_misses_all_objectives_but_cost(command: Command) -> None:
    # The reference engine is always run by others.
    text = DEADLOCK + "objectives: [{metric: availability.one, above: 0 %}, {metric: latency.one.mean, below: 1 h}]\n"
    ended = command.sim("run", command.file(text), "--json", "--gate", "--processes", "2", "--engine", "reference")
    assert ended.code == 1
    found = json.loads(ended.out)
    (deadlock,) = found["deadlocks"]
    assert (deadlock["runs"], deadlock["of"], deadlock["during"]) == (2, 2, None)
    assert {"workflow": "one", "holds": ["left"], "waits_for": "right"} in deadlock["holders"]
    assert found["run"]["horizon_s"] == deadlock["at_s"]
    assert [one["verdict"] for one in found["objectives"]] == ["missed", "missed"]
    assert "deadlock" in found["objectives"][0]["note"]


def test_a_failed_internal_check_is_no_missed_objective(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: FastEngine, __: object) -> Replication:
        raise AssertionError("busy below zero")

    monkeypatch.setattr(FastEngine, "run", broken)
    ended = command.run(QUEUE + MET, "--json", "--gate")
    assert (ended.code, ended.out) == (3, "")
    assert "AssertionError: busy below zero" in ended.err
    assert "please report it" in ended.err


def interrupt_at(monkeypatch: pytest.MonkeyPatch, run: int) -> None:
    """Ctrl-C during the run with this number, counted from 1 over all kinds of runs, all of them in this process."""
    sound, count = engine_run.run_one, 0

    def interrupted(*arguments: Any) -> Replication:
        nonlocal count
        count += 1
        if count == run:
            signal.raise_signal(signal.SIGINT)
        return sound(*arguments)

    monkeypatch.setattr(engine_run, "run_one", interrupted)
    monkeypatch.setattr(engine_run, "worth_saving_s", lambda: math.inf)


@pytest.mark.parametrize(("at", "kept"), [(2, 1), (4, 3)])
def test_an_interruption_keeps_and_prints_what_is_done(
    command: Command, monkeypatch: pytest.MonkeyPatch, at: int, kept: int
) -> None:
    interrupt_at(monkeypatch, at)
    ended = command.run(QUEUE + MISSED, "--json", "--gate")
    assert ended.code == 130
    assert ended.document["run"]["replications"] == kept
    assert any("interrupted" in warning for warning in ended.document["warnings"])
    assert ended.document["metrics"]["throughput.job"]["value"] > 0


def test_what_was_kept_is_what_those_runs_give_by_themselves(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(patch, 4)
        kept = command.document(QUEUE)
    assert kept["metrics"] == command.document(QUEUE, "--replications", "3")["metrics"]


# The shop runs 5 base runs, then 5 drills, the baseline run of each before it.
@pytest.mark.parametrize(("at", "episodes"), [(6, 0), (8, 1), (11, 2), (13, 3)])
def test_an_interruption_during_the_drills_keeps_the_base_runs(
    command: Command, monkeypatch: pytest.MonkeyPatch, at: int, episodes: int
) -> None:
    interrupt_at(monkeypatch, at)
    ended = command.run(SHOP, "--json")
    assert ended.code == 130
    assert ended.document["run"]["replications"] == 5
    assert [one["episodes"]["value"] for one in ended.document["recovery"]] == [episodes] * bool(episodes)


@pytest.mark.parametrize("options", [(), ("--warmup", "auto")], ids=["first run", "search for the warm-up"])
def test_an_interruption_before_anything_is_done_prints_nothing(
    command: Command, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    interrupt_at(monkeypatch, 3 if options else 1)
    ended = command.run(QUEUE, "--json", *options)
    assert (ended.code, ended.out) == (130, "")
    assert "Traceback" not in ended.err


def read_on(terminal: int) -> None:
    """Read what a terminal shows until nobody writes to it any more."""
    with suppress(OSError):
        while os.read(terminal, 4096):
            pass


@pytest.mark.parametrize(
    ("processes", "to_all"),
    [
        ("1", False),
        pytest.param("2", False, marks=pytest.mark.long),
        pytest.param("2", True, marks=pytest.mark.long),  # as a terminal does it
    ],
)
def test_a_signal_from_outside_ends_a_run_with_what_is_done(tmp_path: Path, processes: str, to_all: bool) -> None:
    (tmp_path / "scenario.yaml").write_text(QUEUE)
    words = ["run", "scenario.yaml", "--json", "--replications", "5000", "--processes", processes]
    master, slave = pty.openpty()  # a terminal, so that there is progress to wait for
    with subprocess.Popen(
        [sys.executable, "-m", "sim", *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=slave,
        start_new_session=True,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "80"},
    ) as running:
        os.close(slave)
        shown = b""
        while not re.search(rb"\b([3-9]|\d{2,})/5000", shown):
            shown += os.read(master, 4096)
        (os.killpg if to_all else os.kill)(running.pid, signal.SIGINT)
        rest = Thread(target=read_on, args=(master,))  # else a full terminal holds the command up
        rest.start()
        out, _ = running.communicate()
    rest.join()
    os.close(master)
    assert running.returncode == 130
    assert 3 <= json.loads(out)["run"]["replications"] < 5000
    assert b"Traceback" not in shown


def test_a_reader_that_has_read_enough_is_no_error(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "sim", "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as sim:
        assert sim.stdout is not None
        assert sim.stderr is not None
        sim.stdout.close()  # as `head` does, here before a line is read
        assert sim.stderr.read() == b""
        assert sim.wait() == 0
