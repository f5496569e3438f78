"""Cores shared by all at work: the integer speed table, the virtual clock, and what slows them down.

n in service together go at speed(n), each at speed(n) / n. Remainders below a nanosecond are dropped at each change.
"""

from __future__ import annotations

import pytest
from timeline import Engine


def three(first: str, second: str, third: str, cpu: str, faults: str = "") -> str:
    """Three sources of one execution each, with demands of their own."""
    sources = "\n".join(f"  s{n}: {{routine: r{n}, arrivals: {{trace: t}}}}" for n in range(3))
    routines = "\n".join(
        f"  r{n}: [{{use: {{station: cpu, demand: {demand}}}}}]" for n, demand in enumerate((first, second, third))
    )
    return f"sources:\n{sources}\nstations: {{cpu: {{{cpu}}}}}\nroutines:\n{routines}\n{faults}"


AT_0 = {"s0": [0.0], "s1": [0.0], "s2": [0.0]}


def test_three_jobs_on_two_cores(engine: Engine) -> None:
    # Each at 2/3 until 6, when the first has its 4; two at full speed, the second has 2 left: 8; the third has
    # 4 + 2 = 6 done and 2 left: 10.
    t = engine(three("4 ms", "6 ms", "8 ms", "cores: 2"), AT_0)
    assert t.ends == [6, 8, 10]
    assert t.split(0) == {"service.cpu": 4, "wait.cpu": 2}
    cpu = t.place("cpu")
    # Core-ms: 2 cores until 8, one until 10. Beyond the cores: one job for 6 ms. Waits: 2, 2, 2.
    assert cpu.speed_area == 18_000_000
    assert cpu.excess_area == 6_000_000
    assert (cpu.wait_count, cpu.wait_sum_ns) == (3, 6_000_000)


def test_a_job_has_at_most_one_core(engine: Engine) -> None:
    t = engine(three("4 ms", "6 ms", "8 ms", "cores: 8"), AT_0)
    assert t.ends == [4, 6, 8]


def test_a_part_of_a_core(engine: Engine) -> None:
    # Half a core: 4 ms of work take 8; service is what it is at speed 1, the rest is waiting.
    t = engine(three("4 ms", "1 ms", "1 ms", "cores: 0.5"), {"s0": [0], "s1": [], "s2": []})
    assert t.ends == [8]
    assert t.split(0) == {"service.cpu": 4, "wait.cpu": 4}


def test_with_servers_only_so_many_share(engine: Engine) -> None:
    # Two at work on one core, the third waits: 4 and 6 at half speed until 8 (4 done each); the third joins: 2 and 8
    # left, the second ends at 8 + 4 = 12 (2 done each), the third has 6 left: 18.
    t = engine(three("4 ms", "6 ms", "8 ms", "cores: 1, servers: 2"), AT_0)
    assert t.ends == [8, 12, 18]


def test_whoever_comes_later_slows_down_the_others(engine: Engine) -> None:
    # One core: 3 done at 3; then half speed: the second ends at 3 + 8 = 11, when the first has 3 + 4 = 7 of its 10.
    t = engine(three("10 ms", "4 ms", "1 ms", "cores: 1"), {"s0": [0], "s1": [3], "s2": []})
    assert t.ends == [14, 11]


def test_departures_are_at_the_ceiling_and_remainders_are_dropped(engine: Engine) -> None:
    # One core, 5 ns each. Two at 0, each at 1/2. At 1 ns the third comes: the virtual clock has moved by
    # floor(1/2) = 0. Three: the first is due when it has moved by 5, after ceil(5 x 3) = 15 ns. At 16 all have 5.
    t = engine(three("5 ns", "5 ns", "5 ns", "cores: 1"), {"s0": [0], "s1": [0], "s2": [0.000001]})
    assert t.ends_ns == [16, 16, 16]


def test_contention_is_the_universal_scalability_law(engine: Engine) -> None:
    # contention 1: speed(n) = n / (1 + (n - 1)) = 1, as one core: 4 and 6 at 1/2: 8; then 2 left: 10.
    alone = {"s0": [0.0], "s1": [0.0], "s2": []}
    t = engine(three("4 ms", "6 ms", "1 ms", "servers: 4, contention: {contention: 1}"), alone)
    assert t.ends == [8, 10]
    # coherency 0.5: speed(2) = 2 / (1 + 0.5 x 2 x 1) = 1 as well.
    t = engine(three("4 ms", "6 ms", "1 ms", "servers: 4, contention: {coherency: 0.5}"), alone)
    assert t.ends == [8, 10]


def test_speeds_are_whole_multiples_of_2_to_the_minus_20_core(engine: Engine) -> None:
    # contention 0.5: speed(2) = 2 / 1.5 core = 1398101.33 x 2^-20, rounded to 1398101. Two of 3 ms:
    # ceil(3,000,000 x 2 x 2^20 / 1398101) = ceil(4,500,001.07) = 4,500,002 ns.
    t = engine(
        three("3 ms", "3 ms", "1 ms", "servers: 4, contention: {contention: 0.5}"),
        {"s0": [0], "s1": [0], "s2": []},
    )
    assert t.ends_ns == [4_500_002, 4_500_002]


SLOW = "faults: {gray: {targets: [{group: cpu}], effect: slow, speed: 0.5, at: 5 ms, duration: 10 ms, drill: false}}"
PAUSE = "faults: {gc: {targets: [{group: cpu}], effect: pause, at: 4 ms, duration: 6 ms, drill: false}}"


@pytest.mark.parametrize("cpu", ["servers: 1", "cores: 1"])
def test_a_slow_node_works_at_its_speed_and_says_nothing(engine: Engine, cpu: str) -> None:
    # 5 done at 5; half speed until 15: 5 more; the job of 12 has 2 left: 17.
    t = engine(three("12 ms", "1 ms", "1 ms", cpu, SLOW), {"s0": [0], "s1": [], "s2": []})
    assert t.ends == [17]
    assert t.split(0) == {"service.cpu": 12, "wait.cpu": 5}


def test_slow_downs_multiply(engine: Engine) -> None:
    # 4 done at 4; half speed 4-8: 2; a quarter 8-16: 2; half again from 16: 2 left in 4: 20.
    faults = """
faults:
  one: {targets: [{group: cpu}], effect: slow, speed: 0.5, at: 4 ms, drill: false}
  two: {targets: [{group: cpu}], effect: slow, speed: 0.5, at: 8 ms, duration: 8 ms, drill: false}
"""
    t = engine(three("10 ms", "1 ms", "1 ms", "servers: 1", faults), {"s0": [0], "s1": [], "s2": []})
    assert t.ends == [20]


def test_a_paused_node_stands_still_takes_nobody_and_goes_on(engine: Engine) -> None:
    # 4 done at 4; paused until 10; 6 left: 16. The second, at 5, waits although a server is free: 10-14.
    t = engine(three("10 ms", "4 ms", "1 ms", "servers: 2", PAUSE), {"s0": [0], "s1": [5], "s2": []})
    assert t.ends == [16, 14]
    assert t.split(1) == {"wait.cpu": 5, "service.cpu": 4}


def test_one_line_passes_a_paused_node_by(engine: Engine) -> None:
    # Both are idle, and the rule is the first among equals; but node 0 is paused 4-10 and takes nobody: node 1, 5-9.
    # The next one, at 6, finds node 1 busy and waits for whichever is first: node 1 at 9, before node 0 at 10.
    faults = PAUSE.replace("{group: cpu}", "{group: cpu, nodes: [0]}")
    cpu = "servers: 1, nodes: 2, choice: least_loaded"
    t = engine(three("4 ms", "4 ms", "1 ms", cpu, faults), {"s0": [5], "s1": [6], "s2": []})
    assert t.ends == [9, 13]


def test_a_line_at_the_node_does_not_see_that_it_is_paused(engine: Engine) -> None:
    # The least loaded: the first takes node 0, the second (at 1) node 1 until 3; node 1 is paused 4-10 and looks idle,
    # so the third, at 5, waits there: 10-12.
    faults = PAUSE.replace("{group: cpu}", "{group: cpu, nodes: [1]}")
    cpu = "servers: 1, nodes: 2, wait_at: node, choice: least_loaded"
    t = engine(three("20 ms", "2 ms", "2 ms", cpu, faults), {"s0": [0], "s1": [1], "s2": [5]})
    assert t.ends == [20, 3, 12]


def test_a_crash_in_a_pause_cuts_the_service_off(engine: Engine) -> None:
    faults = PAUSE + "\n  crash: {targets: [{group: cpu}], at: 6 ms, duration: 1 ms, drill: false}"
    faults = faults.replace("faults: {gc", "faults:\n  gc").replace("drill: false}}", "drill: false}")
    # Up again at 7, but paused until 10: the second, at 8, is served 10-14.
    t = engine(three("10 ms", "4 ms", "1 ms", "servers: 1", faults), {"s0": [0], "s1": [8], "s2": []})
    assert t.errors == {0: "crash"}
    assert t.ends == [6, 14]
    assert t.split(0) == {"lost": 6}


def test_a_station_that_could_be_slowed_keeps_the_times_of_one_that_could_not(engine: Engine) -> None:
    # Once with a fault long after the end, which makes the engine keep a virtual clock, and once without.
    text = """
sources:
  low: {routine: job, arrivals: {poisson: 300/s}}
  high: {routine: job, arrivals: {poisson: 100/s}, priority: 1}
stations: {cpu: {nodes: 2, servers: 2, queue: priority, preemptive: true}}
routines: {job: [{use: {station: cpu, demand: {exponential: 8 ms}, patience: 30 ms}}]}
"""
    late = "faults: {late: {targets: [{group: cpu}], effect: slow, speed: 0.5, at: 9 h, duration: 1 s, drill: false}}"
    plain, watched = engine(text), engine(text + late)
    assert len(plain.ends_ns) > 300
    assert plain.ends_ns == watched.ends_ns
    assert plain.place("cpu").wait_sum_ns == watched.place("cpu").wait_sum_ns
