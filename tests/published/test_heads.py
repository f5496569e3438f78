"""What the heads of scenarios say comes out does: each number is held against the runs that it is told of.

Goal: no comment at the top of a file tells a result that is not one. Method: a table. Each row quotes the head word by
word, and gives the number in it, to what it is rounded, and the figure that it is: of the file as it stands or with the
changes that the head names. A figure may be off by the rounding and by the noise of its runs, taken at 99.9 %, that is
1.68 times its 95 % interval: 1 row in 1000 fails by chance on another seed. Numbers that follow from values in the file
by arithmetic (a rate times a time) are not here, nor are constants and what the text of the case studies gives.
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
from sim.plan.predict import Options, predict

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


def over(name: str, other: str | None = None) -> Of:
    """The first metric over the second; of one run, or of two."""
    return lambda run, second=None: ratio((second or run)[name] if second else run[name], run[other or name], "ratio")


DBOS = ("temporal=null", "dbos={}")
FULL_ROWS = ("ingest.row.rows=200k/s", "ingest.row_ring.rows=60k/s", "run.horizon=600 ms")
FULL_TASKS = (
    *("workflows.encode.arrivals={closed: 1000}", "workflows.encode.steps.0.activity.service=20 ms", "faults={}"),
    *("run.warmup=8 s", "run.horizon=12 s", "run.replications=5"),
)
NO_LIMIT = (*FULL_TASKS, "temporal.frontend.rps=100000")
POD = "workflows.job.steps=[{activity: {name: pod, service: {uniform: [20 min, 22 min]}, start_to_close: 2 h, memory: 256 MiB}}]"
MEDIATED = "workflows.recommend.eager_start=false"
OWN_TASKS = tuple(f"workflows.recommend.steps.{step}.activity.local=false" for step in range(4))
CALM = "faults={}"

STATEMENTS = [
    Statement("airflow", "The load is half of what it carries", 0.5, 0.01, metric("utilisation.places")),
    Statement("cron", "takes 0.0042 GiB h", 0.0042, 0.00005, metric("memory_gib_hours.jobs.per_execution")),
    Statement("cron", "takes 0.0875", 0.0875, 0.00005, metric("memory_gib_hours.jobs.per_execution"), ((POD,),)),
    Statement("dbos", "nearly half a second", 0.47, 0.03, metric("schedule_to_start.payments.mean")),
    Statement("stripe-queue", "with commits of 1 s it takes 3.9 s", 3.9, 0.05, metric("latency.payment.mean")),
    Statement(
        "stripe-queue",
        "would be 13 s",
        13,
        0.5,
        metric("latency.payment.mean"),
        (("network.stations.batch-commit.interval=5 s",),),
    ),
    Statement(
        "stripe-queue",
        "with commits at once, 2.2 s",
        2.2,
        0.05,
        metric("latency.payment.mean"),
        (("network.stations.batch-commit.interval=1 ms",),),
    ),
    Statement("uber-writes", "some 50,000 rows/s", 50_000, 500, metric("throughput.row"), (FULL_ROWS,)),
    Statement("uber-writes", "Cassandra 22,000", 22_000, 500, metric("throughput.row_ring"), (FULL_ROWS,)),
    Statement(
        "uber-writes", "2.2 times as many", 2.2, 0.05, over("throughput.row", "throughput.row_ring"), (FULL_ROWS,)
    ),
    Statement("uber-writes", "are 37 % busy", 0.37, 0.005, metric("utilisation.one_primary-cpu"), (FULL_ROWS,)),
    Statement("uber-polling", "the store's CPU is 0.15 % busy", 0.0015, 0.00005, metric("utilisation.postgres-cpu")),
    Statement(
        "uber-polling",
        "26 % when every worker looks",
        0.26,
        0.005,
        metric("utilisation.postgres-cpu"),
        (DBOS,),
        long=True,
    ),
    Statement(
        "coinbase-pool",
        "a pool of 80 takes 13 s",
        13,
        0.5,
        metric("latency.piled_up.p99"),
        (("temporal.sql.max_conns=20",),),
        long=True,
    ),
    Statement("coinbase-pool", "one of 320 5.7 s", 5.7, 0.05, metric("latency.piled_up.p99"), long=True),
    Statement(
        "coinbase-pool",
        "one of 500 6.8 s",
        6.8,
        0.05,
        metric("latency.piled_up.p99"),
        (("temporal.sql.max_conns=125",),),
        long=True,
    ),
    Statement("spotify", "p99 is then 92 ms", 0.092, 0.0005, metric("latency.recommend.p99"), ((CALM,),), long=True),
    Statement(
        "spotify", "it is about 121 ms", 0.121, 0.0005, metric("latency.recommend.p99"), ((CALM, MEDIATED),), long=True
    ),
    Statement(
        "spotify",
        "and 0.64 s with activities that have tasks of their own",
        0.64,
        0.005,
        metric("latency.recommend.p99"),
        ((CALM, MEDIATED, *OWN_TASKS),),
        long=True,
    ),
    Statement("sqlite", "At 15/s it is 34 % busy", 0.34, 0.005, metric("utilisation.sqlite")),
    Statement(
        "sqlite",
        "sqlite.database=memory) 8 %",
        0.08,
        0.005,
        metric("utilisation.sqlite"),
        (("sqlite.database=memory",),),
    ),
    Statement(
        "sqlite", "at 40/s 93 %", 0.93, 0.005, metric("utilisation.sqlite"), (("workflows.encode.arrivals=40/s",),)
    ),
    Statement(
        "stripe",
        "some 4,900 statements a second",
        4900,
        50,
        lambda run: product(run["count.storage_query.per_execution"], Figure.exact(30, "1/s"), "1/s"),
        ((CALM,),),
    ),
    Statement("temporal-postgres", "start within some 30 ms", 0.03, 0.0005, metric("schedule_to_start.encoders.p99")),
    Statement("temporal-postgres", "Some 690 tasks/s", 690, 5, metric("throughput.encode"), (FULL_TASKS,), long=True),
    Statement("temporal-postgres", "carry some 1330", 1330, 5, metric("throughput.encode"), (NO_LIMIT,), long=True),
    Statement("temporal-cassandra", "start within some 40 ms", 0.04, 0.0005, metric("schedule_to_start.encoders.p99")),
    Statement("temporal-cassandra", "some 690 tasks/s", 690, 5, metric("throughput.encode"), (FULL_TASKS,), long=True),
    Statement("temporal-cassandra", "some 2200", 2200, 50, metric("throughput.encode"), (NO_LIMIT,), long=True),
    Statement(
        "temporal-cassandra",
        "are 70 % busy then",
        0.70,
        0.005,
        metric("utilisation.cassandra-cpu"),
        (NO_LIMIT,),
        long=True,
    ),
    Statement(
        "temporal-cassandra",
        "26 % with plain writes",
        0.26,
        0.005,
        metric("utilisation.cassandra-cpu"),
        ((*NO_LIMIT, "cassandra.conditional_writes=false"),),
        long=True,
    ),
    Statement(
        "pathologies/load-balancer-sinkhole",
        "Why do nine of ten requests fail",
        0.9,
        0.01,
        off("availability.request"),
    ),
    Statement(
        "pathologies/load-balancer-sinkhole",
        "whatever it has under way takes a tenth",
        0.1,
        0.001,
        off("availability.request"),
        (("network.resources.thread.choice=round_robin",),),
    ),
    Statement(
        "pathologies/load-balancer-sinkhole",
        "one of them: two tenths",
        0.19,
        0.005,
        off("availability.request"),
        (("network.resources.thread.choice=power_of_two",),),
    ),
    Statement(
        "pathologies/fan-out-backlog", "some 275 s", 275, 2.5, metric("recovery.extract_down.drain.mean"), drills=True
    ),
    Statement("pathologies/thundering-schedule", "84 % of the executions", 0.84, 0.005, metric("count.x")),
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
