"""Two replications on two processes, through the product's pool or by hand: `python -m processes HOW SECONDS SEED`.

`pool`: `run_all` on two processes, its workers started by a short run before. `alone I`: replication I in this
process, ready after a short run and started by a line on its input, so that two such processes start together.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from sim.engine import processes
from sim.engine.run import run_all, run_one
from sim.lower.load import load
from sim.studies.window import measured

SCENARIO = Path(__file__).resolve().parent.parent / "configs" / "coinbase.yaml"


def main() -> None:
    """Print the seconds (pool), or `ready` and then the clock at the beginning and at the end (alone)."""
    how, simulated_s, seed = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    loaded = load(SCENARIO)
    network = loaded.lowered.network
    settings = loaded.scenario.run.model_copy(update={"horizon_ns": round(simulated_s * 1e9)})
    window = measured(network, settings, seed, lambda _: [])
    brief = replace(window, warmup_ns=0, horizon_ns=10**8, follow_ns=0, drain_ns=0, sample_ns=0)
    if how == "pool":
        processes.COPIED_S = 0.0  # so that the others start for the short run
        run_all([(network, brief.plan(seed, index)) for index in range(4)], processes=2)
        began = time.monotonic()
        runs, complete = run_all([(network, window.plan(seed, index)) for index in (0, 1)], processes=2)
        print(time.monotonic() - began)
        assert complete
        assert len(runs) == 2
    else:
        index = int(sys.argv[4])
        run_one(network, brief.plan(seed, index))
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.monotonic()
        run_one(network, window.plan(seed, index))
        print(began, time.monotonic())


if __name__ == "__main__":
    main()
