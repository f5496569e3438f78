"""A prediction as rich as real ones get, made by hand, for the tests of the report. Values are invented but plausible.

`summary()` and `bill()` give fresh, equal objects; `bare()` is the least that a prediction can be.
"""

from __future__ import annotations

import math
from dataclasses import replace

from sim.cost.bill import Bill
from sim.cost.bill import bill as make_bill
from sim.cost.catalogue import load_catalogue
from sim.cost.terms import SavingsPlan, Terms
from sim.cost.usage import DiskUse, MeterUse, NodeUse, Usage, WorkflowUse
from sim.figure import Figure
from sim.lower.lowered import Assumption
from sim.stats.summary import (
    Curve,
    MonitorResult,
    Recovery,
    Series,
    Split,
    Summary,
    Timeline,
    Verdict,
)

N = 20


def about(value: float, unit: str, share: float = 0.03, note: str = "") -> Figure:
    """A value with a symmetric 95 % interval of `share` of it to either side."""
    return Figure(value, unit, value * (1 - share), value * (1 + share), 0.95, N, note)


def metrics() -> dict[str, Figure]:
    """Every kind of metric of the output contract."""
    found: dict[str, Figure] = {}
    for name, mean_s in (
        ("latency.transfer", 189.0),
        ("latency.refund", 2.4),
        ("span.platform", 0.021),
        ("schedule_to_start.transfers", 0.004),
    ):
        for level, factor in (("mean", 1.0), ("p50", 0.8), ("p90", 2.1), ("p95", 2.9), ("p99", 5.2)):
            found[f"{name}.{level}"] = about(mean_s * factor, "s", 0.01 * factor)
        found[f"{name}.p999"] = about(mean_s * 9, "s", 0.2)
    found["latency.refund.p999"] = Figure.refused("s", "a p99.9 needs 4 h of this load; 65 min were run", N)
    for name, rate in (("transfer", 50.0), ("refund", 0.8)):
        found |= {f"{stage}.{name}": about(rate, "1/s", 0.004) for stage in ("offered", "accepted", "completed")}
        found[f"succeeded.{name}"] = about(rate * 0.9999, "1/s", 0.004)
        found[f"throughput.{name}"] = about(rate, "1/s", 0.004)
        found[f"goodput.{name}"] = about(rate * 0.9998, "1/s", 0.004)
        found[f"availability.{name}"] = Figure(0.99991, "ratio", 0.99984, 0.99995, 0.95, N)
        found[f"in_flight.{name}.mean"] = about(rate * 189, "", 0.01)
        found[f"in_flight.{name}.max"] = about(rate * 214, "", 0.01)
        found[f"retry_amplification.{name}"] = about(1.021, "ratio", 0.002)
    for name, share in (("db_connections", 0.62), ("postgres", 0.48), ("worker_slots", 0.31), ("history", 0.083)):
        found[f"utilisation.{name}"] = about(share, "ratio", 0.01)
        found[f"queue.{name}.mean"] = about(8 * share**3, "", 0.06)
        found[f"queue.{name}.max"] = about(200 * share, "", 0.09)
        found[f"wait_probability.{name}"] = about(share**4, "ratio", 0.05)
        found[f"wait.{name}.mean"] = about(0.02 * share**3, "s", 0.05)
        found[f"wait.{name}.p99"] = about(0.2 * share**3, "s", 0.08)
    for name, count in (("storage_query", 86.3), ("commit", 24.1), ("flush", 19.6), ("transition", 13.0)):
        found[f"count.{name}.per_execution"] = about(count, "", 0.002)
    found["sync_match_rate.transfers"] = about(0.973, "ratio", 0.002)
    return found


def objectives() -> tuple[Verdict, ...]:
    """One of each outcome, and one whose figure was refused."""
    known = metrics()
    return (
        Verdict("throughput", ">= 49.5/s", "throughput.transfer", known["throughput.transfer"], "met"),
        Verdict("platform p99", "< 200 ms", "span.platform.p99", known["span.platform.p99"], "met"),
        Verdict(
            "availability",
            ">= 99.99 %",
            "availability.transfer",
            known["availability.transfer"].with_note("conditional on the drills; 94 % likely"),
            "undecided",
        ),
        Verdict("worker recovery", "< 5 s", "recovery.worker_crash.latency_ok_s", about(12.4, "s", 0.06), "missed"),
        Verdict("refund p99.9", "< 30 s", "latency.refund.p999", known["latency.refund.p999"], "undecided"),
        Verdict("cost", "< 6000 USD/month", "cost.total", about(4873.0, "USD/month", 0.006), "met"),
    )


def recovery() -> tuple[Recovery, ...]:
    """A fault that is got over, and one that sometimes is not."""
    crash = Recovery(
        fault="worker_crash",
        at_s=Figure.exact(1200, "s"),
        episodes=N,
        detect_s=about(5.0, "s", 0.01),
        restore_s=about(11.0, "s", 0.08),
        drain_s=about(17.0, "s", 0.09),
        latency_ok_s=about(12.4, "s", 0.06),
        lost=Figure.exact(0, ""),
        redone=about(412, "", 0.05),
        amplification=about(1.08, "ratio", 0.01),
        never_back=Figure(0.0, "ratio", 0.0, 0.139, 0.95, N, "0 of 20 episodes: upper limit 3/n"),
        percentiles={
            "detect": {"p50": about(5.0, "s", 0.01), "p95": about(5.6, "s", 0.03)},
            "latency_ok": {"p50": about(12.0, "s", 0.05), "p95": about(19.5, "s", 0.12)},
        },
    )
    failover = Recovery(
        fault="primary_failover",
        at_s=Figure.exact(1200, "s"),
        episodes=N,
        detect_s=about(10.0, "s", 0.01),
        restore_s=about(96.0, "s", 0.08),
        drain_s=about(388.0, "s", 0.11),
        latency_ok_s=Figure.refused("s", "2 of 20 episodes never came back: metastable", N),
        lost=about(3.2, "", 0.3),
        redone=about(4120, "", 0.05),
        amplification=about(3.4, "ratio", 0.07),
        never_back=Figure(0.1, "ratio", 0.012, 0.317, 0.95, N),
    )
    return crash, failover


def monitors() -> tuple[MonitorResult, ...]:
    """Two properties that hold and one that is broken, with the life of its first violator."""
    bound = Figure(2.5e-6, "ratio", 0.0, 2.5e-6, 0.95, 1_200_000, "rule of three")
    return (
        MonitorResult("funds_conserved", 1_203_117, 1_193_660, 9_457, 0, bound),
        MonitorResult("never_both", 1_203_117, 1_203_117, 0, 0, bound),
        MonitorResult(
            "paid_once",
            1_203_117,
            1_203_114,
            0,
            3,
            Figure(2.5e-6, "ratio", 5.1e-7, 7.3e-6, 0.95, 1_203_117),
            example=(3, 1712),
            trace=(
                "  0.000 s  arrives",
                "  0.013 s  lock_source: attempt 1 starts on workers[2]",
                "  5.013 s  lock_source: attempt 1 times out, its worker is alive",
                "  6.021 s  lock_source: attempt 2 starts on workers[0]",
                "  6.054 s  mark moved (2nd time)",
            ),
        ),
    )


def curves() -> dict[str, Curve]:
    """Exponential latency of a process, and a platform span with a heavier tail."""
    probability = tuple(1 - 10 ** (-step / 12) for step in range(1, 43))
    found = {}
    for name, scale_s, shape in (("latency.transfer", 60.0, 0.8), ("span.platform", 0.016, 1.15)):
        value = tuple(scale_s * (0.6 + (-math.log(1 - p)) ** shape) for p in probability)
        reach = tuple(0.01 + 0.02 * step / 12 for step in range(1, 43))
        found[name] = Curve(
            probability,
            value,
            tuple(v * (1 - r) for v, r in zip(value, reach, strict=True)),
            tuple(v * (1 + r) for v, r in zip(value, reach, strict=True)),
        )
    return found


def timelines() -> tuple[Timeline, ...]:
    """Base runs and two drills over an hour, sampled every 20 s."""
    time_s = tuple(20.0 * step for step in range(181))

    def series(name: str, unit: str, level: float, noise: float, bump: float, begin: float, fall: float) -> Series:
        mean = tuple(
            max(
                0.0,
                level * (1 + 0.04 * math.sin(t / 97) + 0.02 * math.sin(t / 31))
                + (bump * math.exp(-(t - begin) / fall) if t >= begin else 0.0),
            )
            for t in time_s
        )
        return Series(
            name, unit, time_s, mean, tuple(max(0.0, m - noise) for m in mean), tuple(m + noise for m in mean)
        )

    def line(fault: str | None, end_s: float | None, hit: float, fall: float) -> Timeline:
        begin = 1200.0
        return Timeline(
            fault,
            None if fault is None else begin,
            end_s,
            (
                series("in_flight.transfer", "", 9450, 180, 2600 * hit, begin, fall),
                series("in_flight.refund", "", 150, 18, 40 * hit, begin, fall),
                series("queue.db_connections", "", 1.9, 1.2, 260 * hit, begin, fall / 2),
                series("queue.worker_slots", "", 0.2, 0.2, 90 * hit, begin, fall / 3),
                series("queue.history", "", 0.0, 0.0, 0.0, begin, fall),
                series("completions.transfer", "1/s", 50, 3, -35 * hit, begin, fall / 3),
                series("completions.refund", "1/s", 0.8, 0.3, -0.4 * hit, begin, fall / 3),
            ),
        )

    return (
        line(None, None, 0.0, 1.0),
        line("worker_crash", 1260.0, 0.3, 40.0),
        line("primary_failover", 1320.0, 1.0, 260.0),
    )


def splits() -> dict[str, Split]:
    """More states than can be drawn, so that some are the rest."""
    return {
        "transfer": Split(
            {
                "timer": 178.2,
                "service.lock_source": 2.3,
                "service.release": 3.1,
                "service.postgres": 1.4,
                "wait.db_connections": 1.9,
                "wait.worker_slots": 0.6,
                "network": 0.4,
                "backoff": 0.5,
                "lost": 0.3,
                "wait.history": 0.2,
                "opening.db_connections": 0.1,
            },
            {
                "timer": 610.0,
                "service.lock_source": 31.0,
                "service.release": 44.0,
                "service.postgres": 9.0,
                "wait.db_connections": 141.0,
                "wait.worker_slots": 55.0,
                "network": 2.0,
                "backoff": 61.0,
                "lost": 24.0,
                "wait.history": 3.0,
                "opening.db_connections": 2.8,
            },
        ),
        "refund": Split(
            {"service.refund": 1.9, "wait.db_connections": 0.4, "network": 0.1},
            {"service.refund": 5.1, "wait.db_connections": 7.0, "network": 0.4},
        ),
    }


def summary() -> Summary:
    """The prediction without the money."""
    return Summary(
        name="coinbase-transfers",
        file="configs/coinbase.yaml",
        hash="3f9a1c77d2e04b5896aa",
        command="sim run configs/coinbase.yaml --seed 1 --replications 20 --horizon '65 min' --warmup '5 min'",
        seed=1,
        replications=N,
        events=12_345_678,
        warmup_s=300.0,
        horizon_s=3900.0,
        metrics=metrics(),
        objectives=objectives(),
        recovery=recovery(),
        monitors=monitors(),
        warnings=(
            "the load of db_connections varies by a factor of 3 within the window: its means hide the peak",
            "primary_failover: 2 of 20 episodes never came back; means of the others are no prediction of these",
        ),
        curves=curves(),
        timelines=timelines(),
        splits=splits(),
        assumptions=(
            Assumption("round trip within a zone", "0.25 ms", "an invented benchmark, 2026-02-11"),
            Assumption(
                "sticky schedule-to-start timeout", "5 s", "default of the Go SDK, worker tuning reference, 2026-08"
            ),
            Assumption("chain confirmation", "lognormal, mean 3 min"),
        ),
        provenance={
            "engine": "reference",
            "wall_s": 41.3,
            "versions": {"durasim": "0.1.0", "python": "3.11.7", "numpy": "2.4.6"},
        },
    )


def bill() -> Bill:
    """A month with a node at the price of the 2018 benchmark, a savings plan, a discount, disks and traffic."""
    catalogue = load_catalogue("aws-us-east-1").with_nodes({"d8s-4xp30": 1108.37})
    usage = Usage(
        window_hours=1.0,
        steady=True,
        nodes=(
            NodeUse("postgres", "d8s-4xp30", Figure.exact(3.0, "h")),
            NodeUse("workers", "m7g.2xlarge", Figure(4.2, "h", 4.1, 4.3, 0.95, N)),
        ),
        disks=(DiskUse("history", "gp3", Figure.exact(1000.0, "GiB"), iops=12_000.0, mb_per_s=500.0),),
        meters=(MeterUse("between zones", "cross_zone", Figure(38.0, "GB", 37.0, 39.0, 0.95, N)),),
        workflows=(
            WorkflowUse("transfer", about(180_000.0, "", 0.004), 13.0, 6.2),
            WorkflowUse("refund", about(2_880.0, "", 0.02), 7.0, 1.1),
        ),
        statements=about(15_500_000.0, "", 0.004),
        commits=about(4_300_000.0, "", 0.004),
    )
    return make_bill(usage, catalogue, Terms(discount=0.07, savings_plan=SavingsPlan(1, 0.6, 0.26)))


def bare() -> Summary:
    """A run with nothing declared: no objectives, faults, monitors, curves, assumptions."""
    return replace(
        summary(),
        metrics={},
        objectives=(),
        recovery=(),
        monitors=(),
        warnings=(),
        curves={},
        timelines=(),
        splits={},
        assumptions=(),
        provenance={},
    )
