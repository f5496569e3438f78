"""A missed objective is followed by its cause and by the cheapest fix that runs found, within a bound of work."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sim.cli import main
from sim.figure import Figure
from sim.lower.load import Loaded, load
from sim.report.page import page as as_page
from sim.report.parts import remedies_lines
from sim.report.text import text as as_text
from sim.stats.summary import Cause, Remedy, Split, Verdict
from sim.studies.run import remedies as searching
from sim.studies.run.blocks import blocks
from sim.studies.run.remedies import FixCandidate, FoundCause, cause_of, changes_of, remedies
from sim.studies.run.study import Options, Prediction, predict

DESK = """
name: desk
network:
  sources: {jobs: {arrivals: 40/s, routine: job}}
  resources: {slots: {units: 50}}
  stations: {desk: {servers: 1}}
  routines: {job: [{acquire: slots}, {use: {station: desk, demand: {exponential: 20 ms}}}, {release: slots}]}
objectives:
  - {metric: latency.job.mean, below: 50 ms}
  - {metric: utilisation.desk, above: 15 %}
mitigations:
  quicker: {network.routines.job.1.use.demand: 5 ms}
run: {warmup: 10 s, horizon: 90 s, replications: 20}
"""
"""An M/M/1 at 80 % load: 100 ms on average. With 2 servers 24 ms, with a service of 5 ms below 7 ms at 20 % load."""

ORDERS = """
name: orders
temporal: {history: {replicas: 1, cpu: 2}}
postgres: {cpu: 8, max_connections: 25, node: db}
prices: {nodes: {db: 100 USD/month, pod: 30 USD/month}}
workers: {orders: {replicas: 2, cpu: 2, node: pod}}
workflows:
  checkout:
    arrivals: 2/s
    task_queue: orders
    steps: [{activity: {name: pay, service: 5 ms}}]
faults:
  crash: {target: workers.orders, nodes: [0], at: 10 s, repair: 20 s}
  gone: {target: postgres.primary, at: 10 s}
run: {warmup: 1 s, horizon: 5 s, replications: 2}
"""


def quick(text: str) -> tuple[Loaded, Options, Prediction]:
    loaded, options = load(text), Options(processes=1)
    return loaded, options, predict(loaded, options)


@pytest.fixture(scope="module")
def desk() -> tuple[Loaded, Options, Prediction]:
    return quick(DESK)


@pytest.fixture(scope="module")
def orders() -> tuple[Loaded, Options, Prediction]:
    loaded = load(ORDERS)
    return loaded, Options(processes=1), predict(loaded, Options(processes=1, drills=False))


def missed(metric: str) -> Verdict:
    return Verdict(metric, "< 1 ms", metric, Figure.exact(1.0, "s"), "missed")


def test_the_cause_is_what_executions_wait_for_and_the_first_fix_of_no_cost_is_the_files_own(
    desk: tuple[Loaded, Options, Prediction],
) -> None:
    (remedy,) = remedies(*desk)
    assert remedy.cause is not None
    assert "of the time on average is waiting for desk" in remedy.cause.words
    assert (remedy.cause.path, remedy.cause.where) == ("network.stations.desk.servers", "scenario:6")
    fix = remedy.fix
    assert fix is not None
    assert (fix.name, fix.where, fix.replications, fix.sure) == ("quicker", "scenario:12", 5, True)
    assert fix.figure.value is not None
    assert fix.figure.value < 0.01
    assert remedy.tried == 1


def test_a_fix_that_makes_another_objective_missed_is_none_and_the_next_is_tried() -> None:
    loaded, options, prediction = quick(DESK.replace("above: 15 %", "above: 30 %"))
    (remedy,) = remedies(loaded, options, prediction)
    assert remedy.fix is not None
    assert remedy.fix.name == ""
    assert remedy.fix.sets == ("network.stations.desk.servers=2",)
    assert remedy.tried == 2


def test_where_nothing_helps_it_says_among_how_many() -> None:
    text = DESK.replace("below: 50 ms", "below: 1 ms")
    (remedy,) = remedies(*quick(text))
    assert remedy.fix is None
    assert remedy.tried > 2
    assert f"  fix     none found among {remedy.tried} tried" in "\n".join(remedies_lines([remedy]))


def test_trials_end_when_their_events_are_spent(
    desk: tuple[Loaded, Options, Prediction], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MOST_EVENTS", -1)
    (remedy,) = remedies(*desk)
    assert (remedy.fix, remedy.tried) == (None, 0)
    assert remedy.left > 2
    assert "more were not tried" in " ".join(" ".join(remedies_lines([remedy])).split())


def test_a_trial_has_a_quarter_of_the_runs_whatever_precision_is_asked_for(
    desk: tuple[Loaded, Options, Prediction],
) -> None:
    loaded, options, prediction = desk
    search = searching._Search(loaded, replace(options, precision=0.0001), prediction)
    summary = search._run(load(DESK.replace("replications: 20", "replications: 20, precision: 0.01 %")), drills=False)
    assert summary is not None
    assert summary.replications == 5
    assert search.spent == summary.events


def test_without_trials_the_cause_alone_is_told(desk: tuple[Loaded, Options, Prediction]) -> None:
    (remedy,) = remedies(*desk, try_fixes=False)
    assert remedy.cause is not None
    assert (remedy.fix, remedy.tried) == (None, 0)


def test_an_overloaded_run_is_caused_by_the_innermost_full_place_and_fixed_there() -> None:
    """Slots are full as well, because they are held while the desk is waited for."""
    text = DESK.replace("40/s", "80/s").replace("units: 50", "units: 5").partition("mitigations:")[0]
    loaded, options, prediction = quick(text + "run: {warmup: 10 s, horizon: 90 s, replications: 20}\n")
    found = cause_of(missed("latency.job.p99"), loaded, prediction)
    assert found is not None
    assert found.cause.words == "desk, full"
    assert found.elements[0] == "desk"
    assert next(changes_of(found, loaded)) == ("network.stations.desk.servers=2",)
    forced = replace(prediction.summary, objectives=(missed("latency.job.mean"), *prediction.summary.objectives[1:]))
    remedy = remedies(loaded, options, replace(prediction, summary=forced))[0]
    assert remedy.fix is not None
    assert remedy.fix.sets[0] in ("network.stations.desk.servers=2", "network.stations.desk.servers=4")


def test_candidates_come_free_before_costly_and_the_files_own_before_knobs() -> None:
    def candidate(name: str, usd: float | None) -> FixCandidate:
        return FixCandidate(name, (), load(DESK), usd)

    dear, known, own = candidate("", 48.0), candidate("dear", 12.0), candidate("own", 0.0)
    first, second = candidate("", 0.1), candidate("", 0.0)
    unknown, saving = candidate("", None), candidate("", -20.0)
    every = [unknown, dear, known, first, second, own, saving]
    assert sorted(every, key=searching._order) == [saving, own, first, second, known, dear, unknown]


def test_more_is_tried_of_what_matters_most_then_of_the_next_with_it(
    desk: tuple[Loaded, Options, Prediction],
) -> None:
    found = FoundCause(Cause("x"), ("desk", "slots"))
    desks, slots = "network.stations.desk.servers", "network.resources.slots.units"
    assert list(changes_of(found, desk[0])) == [
        (f"{desks}=2",),
        (f"{desks}=2", f"{slots}=100"),
        (f"{desks}=4",),
        (f"{desks}=4", f"{slots}=200"),
        (f"{slots}=100",),
        (f"{slots}=200",),
    ]


def test_recovery_of_workers_comes_from_the_sticky_timeout(orders: tuple[Loaded, Options, Prediction]) -> None:
    loaded, _, prediction = orders
    for metric in ("worker_recovery.orders.p99", "recovery.crash.latency_ok.mean"):
        found = cause_of(missed(metric), loaded, prediction)
        assert found is not None
        assert found.cause.words.startswith("orders' sticky timeout, ")
        assert found.cause.path == "workers.orders.sticky_schedule_to_start"
        assert list(changes_of(found, loaded)) == [
            ("workers.orders.sticky_schedule_to_start=2 s",),
            ("workers.orders.sticky_schedule_to_start=2 s", "workers.orders.workflow_task_timeout=3 s"),
        ]


def test_recovery_from_a_crash_of_the_primary_comes_from_its_failover(
    orders: tuple[Loaded, Options, Prediction],
) -> None:
    loaded, _, prediction = orders
    found = cause_of(missed("recovery.gone.restore.mean"), loaded, prediction)
    assert found is not None
    assert (found.cause.path, found.cause.words) == ("postgres.failover", "the failover of PostgreSQL")


def test_a_wait_in_a_task_queue_comes_from_its_own_workers_or_the_platform(
    orders: tuple[Loaded, Options, Prediction],
) -> None:
    loaded, _, prediction = orders
    found = cause_of(missed("schedule_to_start.orders.p99"), loaded, prediction)
    assert found is not None
    assert found.elements
    assert all(not loaded.elements[name].setting.is_inner for name in found.elements)


def test_more_cores_of_workers_are_more_pods_and_a_knob_that_does_not_fit_is_left_out(
    orders: tuple[Loaded, Options, Prediction],
) -> None:
    loaded, options, prediction = orders
    cpu = cause_of(missed("utilisation.orders-cpu"), loaded, prediction)
    assert cpu is not None
    assert list(changes_of(cpu, loaded)) == [("workers.orders.replicas=4",), ("workers.orders.replicas=8",)]
    pods = searching._Search(loaded, options, prediction)._knobs(("workers.orders.replicas=4",))
    assert pods is not None
    assert pods.usd_per_month == pytest.approx(60)
    connections = cause_of(missed("wait.connections.p99"), loaded, prediction)
    assert connections is not None
    (first, *_) = changes_of(connections, loaded)
    assert first == ("temporal.sql.max_conns=40",)  # above max_connections
    assert searching._Search(loaded, options, prediction)._knobs(first) is None


def test_text_page_and_json_tell_cause_and_fix(
    desk: tuple[Loaded, Options, Prediction], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = replace(desk[2].summary, remedies=remedies(*desk))
    text = as_text(blocks(summary, None))
    assert "MISSED    latency.job.mean\n  cause   " in text
    assert "  fix     --mitigation quicker   scenario:12   " in text
    assert "price not known" not in text  # nothing there has a price
    assert "fix: --mitigation quicker" in as_page(blocks(summary, None))
    path = tmp_path / "desk.yaml"
    path.write_text(DESK, encoding="utf-8")
    for more, tried in (((), 0), (("--fix",), 1)):
        main(["run", str(path), "--json", "--quiet", "--processes", "1", *more], exit_after=False)
        (told,) = json.loads(capsys.readouterr().out)["missed"]
        assert told["cause"]["setting"] == "network.stations.desk.servers"
        assert told["tried"] == tried
        assert (told["fix"] is None) == (tried == 0)
    main(["run", str(path), "--quiet", "--no-fix", "--processes", "1"], exit_after=False)
    printed = capsys.readouterr().out
    assert "  cause   " in printed
    assert "  fix     " not in printed


def test_a_figure_of_which_nothing_is_known_has_no_cause(desk: tuple[Loaded, Options, Prediction]) -> None:
    assert cause_of(missed("kubernetes.requested"), desk[0], desk[2]) is None
    assert remedies_lines([Remedy("x", "kubernetes.requested", None)]) == ["MISSED    x"]


def test_a_workflow_that_waits_for_nothing_is_named_by_what_it_does(desk: tuple[Loaded, Options, Prediction]) -> None:
    loaded, _, prediction = desk
    alone = {"job": Split({"network": 1.0}, {"network": 3.0, "wait.slots": 0.01})}
    found = cause_of(
        missed("latency.job.p99"), loaded, replace(prediction, summary=replace(prediction.summary, splits=alone))
    )
    assert found is not None
    assert found.cause.words == "100 % of the time near the p99 is network"
