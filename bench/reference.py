"""How fast the reference engine is, against idiomatic SimPy: `python bench/reference.py`.

M1, M2 and M3 run through the product (configs/network), all draws named, all accounting on. Rounds alternate between
the two, a ratio is taken within each round, the median is printed. The event counts are asserted, so that nothing is
fast by leaving work out. Loading and compiling are not timed.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from yardstick import EVENTS_PER_JOB, MODELS

from sim.engine.plan import Plan
from sim.engine.reference import Engine
from sim.lower.load import load
from sim.results.audit import audit

ROUNDS = 5
JOBS = {"m1": 40_000, "m2": 15_000, "m3": 15_000}
RATE = {"m1": 7.2, "m2": 140.0, "m3": 140.0}
CONFIGS = Path(__file__).parent.parent / "configs" / "network"


def product(model: str, seed: int) -> tuple[float, float]:
    """Jobs a second of the reference engine; and model events a job."""
    network = load(CONFIGS / f"{model}.yaml").lowered.network
    horizon = round(JOBS[model] / RATE[model] * 1e9)
    engine = Engine(network, Plan(seed, 0, 0, horizon, horizon, 0))
    began = time.perf_counter()
    run = engine.run()
    took = time.perf_counter() - began
    assert not audit(run)
    jobs = len(run.executions.start_ns)
    return jobs / took, run.events / jobs


def simpy(model: str, seed: int) -> tuple[float, float]:
    """Jobs a second of idiomatic SimPy; and model events a job."""
    began = time.perf_counter()
    run = MODELS[model](JOBS[model], seed)
    took = time.perf_counter() - began
    return JOBS[model] / took, run.events / JOBS[model]


def main() -> int:
    """Print the table; exit with 1 when the engine is slower than half of SimPy."""
    print(f"{'model':<6} {'SimPy jobs/s':>13} {'reference jobs/s':>17} {'ratio':>6}  median of {ROUNDS} paired rounds")
    slow = False
    for model in MODELS:
        product(model, 0)
        ratios, ours, theirs = [], [], []
        for seed in range(1, ROUNDS + 1):
            peer, peer_events = simpy(model, seed)
            mine, my_events = product(model, seed)
            for counted in (peer_events, my_events):
                assert abs(counted / EVENTS_PER_JOB[model] - 1) < 0.01, (model, counted)
            ratios.append(mine / peer)
            ours.append(mine)
            theirs.append(peer)
        ratio = statistics.median(ratios)
        slow |= ratio < 0.5
        print(f"{model:<6} {statistics.median(theirs):>13,.0f} {statistics.median(ours):>17,.0f} {ratio:>6.2f}")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
