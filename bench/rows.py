"""The rows of the table: what is measured for each, how its value follows, what is asked of it.

The contestants of a group all run once a round, in an order that rotates from round to round; a row's value is taken
within the round. How anything is run stands in `engines`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from engines import Engines, NotMeasured, Numbers

Measure = Callable[[int], Numbers]
"""Runs a contestant with a seed."""

MILLION = 1_000_000
JOBS = {"m1": 3 * MILLION, "m2": 3 * MILLION // 2, "m3": 3 * MILLION // 2}
"""Of the product's runs; those of the peers are such that all take about half a second to a second."""
REPLICATIONS = 10
"""Of the product's runs of M1, M2 and M3, as `sim run` makes them."""
PER_S = {"m1": 7.2, "m2": 140.0, "m3": 140.0}
"""Arrivals a second in configs/network."""
MACHINES = (
    "network.resources.machines={{nodes: {count}, units: 1}}",
    "network.faults.machine-fails={{targets: [{{group: machines}}], effect: crash, each: true, "
    "mttf: {{exponential: 30 days}}, duration: {{exponential: 1 h}}}}",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table.

    needs: contestants of its group; value: of what they told in one round. goal, floor: None where a row is for
    information only. better: which way.
    """

    key: str
    what: str
    unit: Literal["x", "ns", "B", "s", ""]
    needs: tuple[str, ...]
    value: Callable[..., float]
    goal: float | None = None
    floor: float | None = None
    better: Literal["more", "less"] = "more"


@dataclass(frozen=True, slots=True)
class Group:
    """Contestants that run together, and the rows made of them.

    model: the one whose answers they must give. workload: what tells it from others of the same model.
    """

    contestants: dict[str, Measure]
    rows: tuple[Row, ...]
    model: str = ""
    workload: str = ""


def groups(engines: Engines, size: float = 1.0) -> list[Group]:
    """All groups. size: factor on the product's runs, 1 for the fast engine."""
    return [
        _peers(engines, "m1", size),
        _peers(engines, "m2", size),
        _peers(engines, "m3", size),
        _in_flight(engines, size),
        _fewer_in_flight(engines, size),
        _alive_in_delays(engines, size),
        _alive_in_a_line(engines, size),
        _machines(engines, size),
        _one_long(engines, size),
        _coinbase(engines, size),
        _start(engines),
        _processes(engines, size),
        _cpu_of_processes(engines),
    ]


def _rate(told: Numbers) -> float:
    return told["jobs"] / told["seconds"]


def _faster(one: Numbers, other: Numbers) -> float:
    return _rate(one) / _rate(other)


def _slower(one: Numbers, other: Numbers) -> float:
    return _rate(other) / _rate(one)


def _ns_a_job(told: Numbers) -> float:
    return 1e9 / _rate(told)


def _peers(engines: Engines, model: str, size: float) -> Group:
    """M1, M2 or M3 by everybody who can."""
    first, name, file = model == "m1", model.upper(), f"configs/network/{model}.yaml"

    def product(engine: str | None, jobs: float, seed: int) -> Numbers:
        shared = f"--replications={REPLICATIONS if engine is None else 1}"
        return engines.product(file, jobs / PER_S[model], seed, shared, engine=engine, model=model)

    contestants: dict[str, Measure] = {
        "product": partial(product, None, JOBS[model] * size),
        "SimPy": partial(engines.simpy, model, 100_000 if first else 30_000),
        "C++": partial(engines.loops, model, 5 * MILLION if first else 2 * MILLION),
        "Cimba": partial(engines.cimba, model, 2 * MILLION if first else MILLION // 2),
        "reference engine": partial(product, "reference", 40_000 if first else 15_000),
        "C++, ziggurat": partial(engines.loops, model, 5 * MILLION if first else 2 * MILLION, ziggurat=True),
    }
    rows = [
        Row(f"{model}:simpy", f"{name} against SimPy", "x", ("product", "SimPy"), _faster, 75, 50),
        Row(f"{model}:c++", f"{name}, time against C++", "x", ("product", "C++"), _slower, 2.2, 3.0, "less"),
        Row(f"{model}:cimba", f"{name} against Cimba", "x", ("product", "Cimba"), _faster, 2 if first else 3, 1.5),
        Row(
            f"{model}:reference",
            f"{name}, reference engine against SimPy",
            "x",
            ("reference engine", "SimPy"),
            _faster,
            0.5,
            0.5,
        ),
        Row(
            f"{model}:ziggurat",
            f"{name}, time against C++ with ziggurats",
            "x",
            ("product", "C++, ziggurat"),
            _slower,
            better="less",
        ),
    ]
    if first:
        contestants["Ciw"] = partial(engines.ciw, model, 30_000)
        rows.append(Row("m1:ciw", "M1 against Ciw", "x", ("product", "Ciw"), _faster))
    return Group(contestants, tuple(rows), model)


def _m4(engines: Engines, in_flight: float, simulated_s: float, seed: int, *options: str, model: str = "") -> Numbers:
    arrivals = f"--set=network.sources.jobs.arrivals={in_flight}/s"
    return engines.product("configs/network/m4.yaml", simulated_s, seed, arrivals, *options, model=model)


def _in_flight(engines: Engines, size: float) -> Group:
    """M4 with a million in flight: four million jobs come within 4 s, and all are followed to their end."""
    count = MILLION * size
    return Group(
        {
            "product": lambda seed: _m4(engines, count, 4.0, seed, model="m4"),
            "C++": lambda seed: engines.loops("m4", round(4 * count), seed, count),
        },
        (
            Row("m4", f"M4, {count:,.0f} jobs in flight, time a job", "ns", ("product",), _ns_a_job, 500, 800, "less"),
            Row("m4:c++", "the same, time against C++", "x", ("product", "C++"), _slower, better="less"),
        ),
        "m4",
        "million",
    )


def _fewer_in_flight(engines: Engines, size: float) -> Group:
    """M4 with as many in flight as SimPy can run through in a second."""
    jobs = MILLION * size
    return Group(
        {
            "product": lambda seed: _m4(engines, 10_000, jobs / 10_000, seed, model="m4"),
            "SimPy": lambda seed: engines.simpy("m4", 60_000, seed, 10_000),
        },
        (Row("m4:simpy", "M4, 10,000 jobs in flight, against SimPy", "x", ("product", "SimPy"), _faster),),
        "m4",
        "10,000",
    )


def _bytes_a_job(all_alive: Numbers, half_alive: Numbers) -> float:
    """What each job more that is alive adds to the peak, everything else (and every row kept) being equal."""
    if all_alive["peak"] < 0:
        raise NotMeasured("this system does not tell the peak of a process's resident memory")
    return (all_alive["peak"] - half_alive["peak"]) / (all_alive["in_flight"] - half_alive["in_flight"])


def _bytes_with_rows(all_alive: Numbers) -> float:
    """What the whole run adds to the peak, rows of results and their hand-over included, for each job alive."""
    if all_alive["peak"] < 0:
        raise NotMeasured("this system does not tell the peak of a process's resident memory")
    return all_alive["grown"] / all_alive["in_flight"]


def _memory_rows(key: str, where: str) -> tuple[Row, ...]:
    both, one = ("all alive", "half alive"), ("all alive",)
    return (
        Row(f"memory:{key}", f"memory of a live job {where}", "B", both, _bytes_a_job, 100, 150, "less"),
        Row(f"memory:{key}:rows", "the same with its row of results", "B", one, _bytes_with_rows, better="less"),
    )


def _alive_in_delays(engines: Engines, size: float) -> Group:
    """A million jobs come within a second; nearly all of them are still alive at its end, or half of them."""
    delay = "--set=network.routines.job.0.delay={exponential: %s}"
    return Group(
        {
            "all alive": lambda seed: _m4(engines, MILLION * size, 1.0, seed, "--stop", delay % "100 s"),
            "half alive": lambda seed: _m4(engines, MILLION * size, 1.0, seed, "--stop", delay % "500 ms"),
        },
        _memory_rows("m4", "in M4"),
    )


def _alive_in_a_line(engines: Engines, size: float) -> Group:
    """A million jobs come at once to the eight servers of M1, or half of them when the others are through."""
    count = round(MILLION * size)
    through_s = count / 14  # the eight servers serve half of them in count / 16 seconds

    def burst(jobs: int, seed: int) -> Numbers:
        return engines.product(
            "configs/network/m1.yaml",
            2 * through_s,
            seed,
            f"--set=network.sources.jobs.arrivals={{burst: {jobs}, every: {through_s} s}}",
            f"--set=network.sources.jobs.limit={count}",
        )

    return Group(
        {"all alive": partial(burst, count), "half alive": partial(burst, count // 2)},
        _memory_rows("burst", "in a burst queue"),
    )


def _machines(engines: Engines, size: float) -> Group:
    """M3 with machines beside it that nobody asks for, each of them failing once in 30 days."""

    def product(count: int, seed: int) -> Numbers:
        options = [f"--set={one.format(count=count)}" for one in MACHINES]
        return engines.product("configs/network/m3.yaml", JOBS["m3"] * size / PER_S["m3"], seed, *options)

    few, many = 300, round(300_000 * min(1.0, 10 * size))
    what = f"{many:,} failing machines idle in the model against {few}, time a job"
    return Group(
        {"few": partial(product, few), "many": partial(product, many)},
        (Row("machines", what, "x", ("many", "few"), _slower, 1.0, 1.2, "less"),),
    )


def _one_long(engines: Engines, size: float) -> Group:
    """The jobs of M1 in one long replication, whose rows of results fill fresh memory, and in ten short ones."""

    def product(replications: int, seed: int) -> Numbers:
        jobs = 5 * JOBS["m1"] * size
        return engines.product(
            "configs/network/m1.yaml", jobs / PER_S["m1"], seed, f"--replications={replications}", model="m1"
        )

    what = f"one replication of {5 * JOBS['m1'] * size:,.0f} jobs of M1 against ten short ones, time a job"
    return Group(
        {"one": partial(product, 1), "ten": partial(product, 10)},
        (Row("long", what, "x", ("one", "ten"), _slower, 1.2, 1.5, "less"),),
    )


def _coinbase(engines: Engines, size: float) -> Group:
    """The demo's scenario as `sim run` plans it: an hour of it by the product, two minutes by the reference engine.

    An hour takes the reference engine so long that events a second are compared instead. That the events are the same
    ones is checked on the two minutes, which the product runs as well.
    """

    def run(simulated_s: float, engine: str | None, seed: int) -> Numbers:
        return engines.product("configs/coinbase.yaml", simulated_s, seed, "--as-run", engine=engine)

    def ratio(ours: Numbers, reference: Numbers, brief: Numbers) -> float:
        assert brief["events"] == reference["events"], "the engines did not run through the same events"
        return ours["events"] / ours["seconds"] / (reference["events"] / reference["seconds"])

    needs = ("product", "reference engine", "product, 2 min")
    return Group(
        {
            "product": partial(run, 3600.0 if size == 1 else 120.0, None),
            "reference engine": partial(run, 120.0, "reference"),
            "product, 2 min": partial(run, 120.0, None),
        },
        (
            Row("coinbase", "coinbase, an hour with all parts on, against the reference", "x", needs, ratio, 60, 40),
            Row("coinbase:s", "coinbase, an hour: wall time", "s", needs[:1], lambda t: t["seconds"], better="less"),
            Row("coinbase:cpu", "the same: CPU time", "s", needs[:1], lambda t: t["cpu"], better="less"),
        ),
    )


def _start(engines: Engines) -> Group:
    """The first `sim run` of a small file with an empty cache, and the second."""
    needs = ("product",)
    return Group(
        {"product": engines.start},
        (
            Row("compile", "first `sim run` on a fresh machine", "s", needs, lambda t: t["first"], 15, 40, "less"),
            Row("start", "`sim run` of a small file, warm cache", "s", needs, lambda t: t["next"], 1.0, 1.5, "less"),
        ),
    )


def _processes(engines: Engines, size: float) -> Group:
    """Two replications of the demo's scenario through the pool against two processes on their own."""
    simulated_s = 3600.0 if size == 1 else 15.0
    return Group(
        {"pool": partial(engines.pool, simulated_s), "alone": partial(engines.alone, simulated_s)},
        (
            Row(
                "processes",
                "2 processes, share of what two independent runs reach",
                "",
                ("alone", "pool"),
                lambda alone, pool: alone["seconds"] / pool["seconds"],
                0.95,
                0.9,
            ),
        ),
    )


def _cpu_of_processes(engines: Engines) -> Group:
    """`sim run` of the demo's scenario on one process and on two. Two runs at once, of one process each, show what
    the machine's cores take from each other."""

    def ratio(ours: Numbers, one: Numbers) -> float:
        return ours["cpu"] / one["cpu"]

    what = "coinbase, `sim run` on 2 processes: CPU time against 1 process"
    return Group(
        {
            "one": lambda seed: engines.command(1),
            "two": lambda seed: engines.command(2),
            "at once": lambda seed: engines.command(1, at_once=2),
        },
        (
            Row("processes:cpu", what, "x", ("two", "one"), ratio, 1.1, 1.2, "less"),
            Row("processes:cores", "the same of two runs at once", "x", ("at once", "one"), ratio, better="less"),
        ),
    )
