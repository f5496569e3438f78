"""One run of the product under measurement: `python -m product FILE SIMULATED_SECONDS SEED`, told as the peers tell.

The file is loaded, a short run warms up, and then the replications with their audits are timed; every statistic is on.
They are run as `sim run` runs them, one after the other, and share the simulated time. By default all executions are
followed to their end (`--stop` leaves them at the horizon); `--as-run` plans as `sim run` does.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from peers.answers import tell

from sim.engine.plan import Plan
from sim.lower.load import load
from sim.network import Network
from sim.results.audit import audit
from sim.results.columns import Replication
from sim.studies.loading.inputs import check_inputs
from sim.studies.window import measured

ROOT = Path(__file__).resolve().parent.parent
WARM_UP = ROOT / "configs" / "network" / "m1.yaml"
FOREVER_NS = 400 * 86_400_000_000_000
"""Long enough to follow everything to its end."""

Traces = dict[str, list[int]]
Run = Callable[[Network, Plan, Traces], Replication]


def engine_of(name: str) -> Run:
    """The engine's way to run a plan."""
    if name == "reference":
        from sim.engine.reference import Engine

        return lambda network, plan, traces: Engine(network, plan, traces).run()
    from sim.engine import fast

    return fast.run


def peak_bytes() -> int:
    """Peak of the resident memory of this process so far; -1 where the system does not tell it in this way.

    Not `getrusage`, whose maximum is inherited from the process that started this one.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return -1
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")), -1)


def main() -> None:
    """Run and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("simulated_s", type=float)
    parser.add_argument("seed", type=int)
    parser.add_argument("--set", action="append", default=[], dest="sets")
    parser.add_argument("--engine", default="fast")
    parser.add_argument("--replications", type=int, default=1)
    parser.add_argument("--stop", action="store_true")
    parser.add_argument("--as-run", action="store_true")
    asked = parser.parse_args()

    run = engine_of(asked.engine)
    run(load(WARM_UP).lowered.network, Plan(horizon_ns=10**9), {})
    loaded = load(ROOT / asked.file, asked.sets)
    network, traces = loaded.lowered.network, check_inputs(loaded)
    horizon = round(asked.simulated_s * 1e9 / asked.replications)

    def plan(index: int) -> Plan:
        if not asked.as_run:
            return Plan(asked.seed, index, 0, horizon, 0, 0 if asked.stop else FOREVER_NS)
        settings = loaded.scenario.run.model_copy(update={"horizon_ns": horizon})
        assert settings.warmup != "auto", "the search for a warm-up is no part of a run"
        return measured(network, settings, asked.seed, lambda _: []).plan(asked.seed, index)

    plans = [plan(index) for index in range(asked.replications)]
    before = peak_bytes()
    seconds, cpu, events, jobs, in_flight, responses = 0.0, 0.0, 0, 0, 0, []
    for one in plans:
        began, cpu_began = time.perf_counter(), time.process_time()
        replication = run(network, one, traces)
        findings = audit(replication)
        seconds += time.perf_counter() - began
        cpu += time.process_time() - cpu_began
        assert not findings, findings
        assert asked.engine in replication.engine, f"asked for {asked.engine}, but {replication.engine} ran"
        rows = replication.executions
        ended = np.flatnonzero(rows.end_ns >= 0)
        ended = ended[np.argsort(rows.end_ns[ended], kind="stable")]
        assert asked.stop or asked.as_run or len(ended) == len(rows.start_ns), "not all executions were followed"
        responses.append((rows.end_ns[ended] - rows.start_ns[ended]) / 1e9 if len(ended) else np.zeros(1))
        events += replication.events
        jobs += len(rows.start_ns)
        after = peak_bytes()
        in_flight = sum(level.maximum for level in replication.in_flight.values())
        del replication, rows  # what is told of it is kept, and the next one may have its memory
    tell(
        Path(asked.file).stem,
        jobs,
        seconds,
        events,
        *responses,
        cpu=cpu,
        in_flight=in_flight,
        peak=after,
        grown=after - before,
    )


if __name__ == "__main__":
    main()
