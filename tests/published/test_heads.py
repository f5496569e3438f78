"""What the heads of scenarios say comes out does: each number is held against the runs that it is told of.

Goal: no comment at the top of a file tells a result that is not one. Method: a table. Each row quotes the head word
by word, and gives the number in it, to what it is rounded, and the figure that it is: of the file as it stands or with
the changes that the head names. A figure may be off by the rounding and by the noise of its runs, taken at 99.9 %,
that is 1.68 times its 95 % interval: 1 row in 1000 fails by chance on another seed. Numbers that follow from values in
the file by arithmetic (a rate times a time) are not here, nor are constants and what the case studies give.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from sim.analytic.estimate import estimate
from sim.cost.propagate import complement, product, ratio
from sim.figure import Figure
from sim.lower.load import load
from sim.studies.run.study import Options, predict

CONFIGS = Path(__file__).parents[2] / "configs"
AT_999 = 1.68
"""Ends of a 99.9 % interval over those of a 95 % one, of a normal distribution."""

Metrics = dict[str, Figure]
Of = Callable[..., Figure]


@dataclass(frozen=True)
class Statement:
    """A number in the head of a file.

    file: below `configs`. words: as they stand there. value: the number in them, in the unit of the figure. to: half
    of what it is rounded to. of: the figure, from the metrics of each of `runs`. runs: changes to the file.
    """

    file: str
    words: str
    value: float
    to: float
    of: Of
    runs: tuple[tuple[str, ...], ...] = ((),)
    drills: bool = False
    long: bool = False


def metric(name: str) -> Of:
    return lambda run: run[name]


def off(name: str) -> Of:
    return lambda run: complement(run[name])


def over(name: str, other: str) -> Of:
    """The first metric over the second."""
    return lambda run: ratio(run[name], run[other], "ratio")


def a_second(operation: str, rate_per_s: float) -> Of:
    """How often a second an operation is made, at so many executions."""
    rate = Figure.exact(rate_per_s, "1/s")
    return lambda run: product(run[f"count.{operation}.per_execution"], rate, "1/s")


SINK, THUNDER = "pathologies/load-balancer-sinkhole", "pathologies/thundering-schedule"
HOT = "pathologies/shard-hot-spot"
STORE, PILED_UP, ANSWER = "utilisation.postgres-cpu", "latency.piled_up.p99", "latency.recommend.p99"
TASKS = "throughput.encode"
START = "schedule_to_start.encoders.p99"
CALM = ("faults={}",)
DBOS = ("temporal=null", "dbos={pool_size: 2}")
MORE = ("workflows.encode.arrivals=40/s",)
MEMORY = ("sqlite.database=memory",)
FULL_ROWS = ("ingest.row.rows=200k/s", "ingest.row_ring.rows=60k/s", "run.horizon=600 ms")
FULL_TASKS = (
    *("workflows.encode.arrivals={closed: 1000}", "workflows.encode.steps.0.activity.service=20 ms", "faults={}"),
    *("run.warmup=8 s", "run.horizon=12 s", "run.replications=5"),
)
SIX_PODS = (*FULL_TASKS, "temporal.matching.replicas=6", "temporal.frontend.replicas=6")
POD = (
    "workflows.job.steps=[{activity: {name: pod, service: {uniform: [20 min, 22 min]}, start_to_close: 2 h, "
    "memory: 256 MiB}}]"
)
MEDIATED = (*CALM, "workflows.recommend.eager_start=false")
OWN_TASKS = (*MEDIATED, *(f"workflows.recommend.steps.{step}.activity.local=false" for step in range(4)))


def few(rate: str) -> tuple[str, ...]:
    return ("workers.nodes.replicas=300", f"workflows.task.arrivals={rate}")


def pool(connections: int) -> tuple[str, ...]:
    return (f"temporal.sql.max_conns={connections // 4}",)


def commits(interval: str) -> tuple[str, ...]:
    return (f"network.stations.batch-commit.interval={interval}",)


def chosen(choice: str) -> tuple[str, ...]:
    return (f"network.resources.thread.choice={choice}",)


STATEMENTS = [
    Statement("airflow", "The load is half of what it carries", 0.5, 0.01, metric("utilisation.places")),
    Statement("cron", "takes 0.0042 GiB h", 0.0042, 0.00005, metric("memory_gib_hours.jobs.per_execution")),
    Statement("cron", "takes 0.0875", 0.0875, 0.00005, metric("memory_gib_hours.jobs.per_execution"), ((POD,),)),
    Statement("dbos", "nearly half a second", 0.47, 0.03, metric("schedule_to_start.payments.mean")),
    Statement("stripe-queue", "with commits of 1 s it takes 3.9 s", 3.9, 0.05, metric("latency.payment.mean")),
    Statement("stripe-queue", "would be 13 s", 13, 0.5, metric("latency.payment.mean"), (commits("5 s"),)),
    Statement(
        "stripe-queue", "with commits at once, 2.2 s", 2.2, 0.05, metric("latency.payment.mean"), (commits("1 ms"),)
    ),
    Statement("uber-writes", "some 50,000 rows/s", 5e4, 500, metric("throughput.row"), (FULL_ROWS,)),
    Statement("uber-writes", "Cassandra 22,000", 2.2e4, 500, metric("throughput.row_ring"), (FULL_ROWS,)),
    Statement(
        "uber-writes", "2.2 times as many", 2.2, 0.05, over("throughput.row", "throughput.row_ring"), (FULL_ROWS,)
    ),
    Statement("uber-writes", "are 37 % busy", 0.37, 0.005, metric("utilisation.one_primary-cpu"), (FULL_ROWS,)),
    Statement(
        *("uber-writes", "5000 it would be 5.9 times", 5.9, 0.05, over("throughput.row", "throughput.row_ring")),
        ((*FULL_ROWS, "databases.one_primary.connections=5000", "databases.ring.connections=5000"),),
        long=True,
    ),
    Statement("uber-polling", "CPU is 0.15 % busy", 0.0015, 0.00005, metric(STORE)),
    Statement("uber-polling", "26 % when every worker looks", 0.26, 0.005, metric(STORE), (DBOS,), long=True),
    Statement("uber-polling", "take 1.5 %", 0.015, 0.0005, metric(STORE), (few("20/s"),)),
    Statement("uber-polling", "and 8.1 %", 0.081, 0.0005, metric(STORE), ((*few("20/s"), *DBOS),), long=True),
    Statement("uber-polling", "14.6 %", 0.146, 0.0005, metric(STORE), (few("200/s"),), long=True),
    Statement("uber-polling", "and 10.6 %", 0.106, 0.0005, metric(STORE), ((*few("200/s"), *DBOS),), long=True),
    Statement("coinbase-pool", "a pool of 80 takes 13 s", 13, 0.5, metric(PILED_UP), (pool(80),), long=True),
    Statement("coinbase-pool", "one of 320 6.0 s", 6.0, 0.05, metric(PILED_UP), (pool(320),), long=True),
    Statement("coinbase-pool", "one of 500 7.0 s", 7.0, 0.05, metric(PILED_UP), (pool(500),), long=True),
    Statement("spotify", "p99 is then 92 ms", 0.092, 0.0005, metric(ANSWER), (CALM,), long=True),
    Statement("spotify", "it is about 120 ms", 0.12, 0.0005, metric(ANSWER), (MEDIATED,), long=True),
    Statement("spotify", "and 0.63 s with activities", 0.63, 0.005, metric(ANSWER), (OWN_TASKS,), long=True),
    Statement("sqlite", "At 15/s it is 36 % busy", 0.36, 0.005, metric("utilisation.sqlite")),
    Statement("sqlite", "sqlite.database=memory) 8 %", 0.08, 0.005, metric("utilisation.sqlite"), (MEMORY,)),
    Statement(
        "sqlite", "and full at 40/s", 1.0, 0.005, metric("utilisation.sqlite"), (("workflows.encode.arrivals=40/s",),)
    ),
    Statement("stripe", "some 4,900 statements a second", 4900, 50, a_second("storage_query", 30), (CALM,), long=True),
    Statement("temporal-postgres", "start within some 30 ms", 0.03, 0.0005, metric(START)),
    Statement("temporal-cassandra", "start within some 9 ms", 0.009, 0.0005, metric(START)),
    Statement("temporal-postgres", "Some 345 tasks/s", 345, 2.5, metric(TASKS), (FULL_TASKS,), long=True),
    Statement("temporal-postgres", "some 1210", 1210, 5, metric(TASKS), (SIX_PODS,), long=True),
    Statement("temporal-cassandra", "some 340 tasks/s", 340, 5, metric(TASKS), (FULL_TASKS,), long=True),
    Statement("temporal-cassandra", "some 1210", 1210, 5, metric(TASKS), (SIX_PODS,), long=True),
    Statement(SINK, "Why do nine of ten requests fail", 0.9, 0.01, off("availability.request")),
    Statement(SINK, "under way takes a tenth", 0.1, 0.001, off("availability.request"), (chosen("round_robin"),)),
    Statement(SINK, "one of them: two tenths", 0.2, 0.01, off("availability.request"), (chosen("power_of_two"),)),
    Statement(HOT, "database are busy to 4 %", 0.04, 0.005, metric("utilisation.history-cpu")),
    Statement(HOT, "0.66 % of `shards` is in use", 0.0066, 0.00005, metric("utilisation.shards")),
    Statement(THUNDER, "of the 3.8 s that", 3.8, 0.05, metric("latency.sync.mean")),
    Statement(THUNDER, "wait 0.9 s each", 0.9, 0.05, metric("workflow_task_schedule_to_start.syncs.mean")),
    Statement(
        "pathologies/fan-out-backlog", "some 275 s", 275, 2.5, metric("recovery.extract_down.drain.mean"), drills=True
    ),
]


@cache
def figures(file: str, changes: tuple[str, ...], drills: bool) -> Metrics:
    loaded = load(CONFIGS / f"{file}.yaml", [*changes, "objectives=[]"])
    found = predict(loaded, Options(processes=1, lives=False, drills=drills)).summary
    return dict(found.metrics)


def head(file: str) -> str:
    """The comment that opens the file, as one line."""
    lines = (CONFIGS / f"{file}.yaml").read_text(encoding="utf-8").split("\nname:")[0].splitlines()
    return " ".join(" ".join(line.removeprefix("#").split()) for line in lines)


def rows() -> list[object]:
    return [
        pytest.param(one, id=f"{one.file}: {one.words}", marks=[pytest.mark.long] if one.long else [])
        for one in STATEMENTS
    ]


@pytest.mark.parametrize("statement", STATEMENTS, ids=[f"{one.file}: {one.words}" for one in STATEMENTS])
def test_a_statement_stands_in_the_head_of_its_file(statement: Statement) -> None:
    assert statement.words in head(statement.file)


@pytest.mark.parametrize("statement", rows())
def test_what_a_head_says_comes_out(statement: Statement) -> None:
    found = statement.of(*(figures(statement.file, changes, statement.drills) for changes in statement.runs))
    assert found.value is not None, found.note
    assert found.half_width is not None
    allowed = statement.to + AT_999 * found.half_width
    assert abs(found.value - statement.value) <= allowed * (1 + 1e-9), found


def test_every_event_on_every_master_is_more_than_the_nodes_of_cern_can_do() -> None:
    changes = ["databases.sites.multi_master=true", "tables.events.kept=10 min"]
    network = load(CONFIGS / "cern-events.yaml", changes).lowered.network
    cores = estimate(network).places["sites-cpu"]
    assert cores.utilisation == pytest.approx(3.72, abs=0.005)
    assert "its cores 372 % busy" in head("cern-events")
