"""Parameters of configs/postgres-pgbench.yaml from measurements, and its prediction held against a measured run.

    python calibration/pgbench.py fit        write fits/postgres-pgbench.yaml
    python calibration/pgbench.py compare    truth, naive M/G/8 and model, side by side
    python calibration/pgbench.py vary       the same with one thing changed at a time

The fit reads the log of one client and closed-loop throughputs, never the run that is predicted. How the model works
is told in the scenario itself.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.engine.plan import Plan
from sim.engine.run import run_all
from sim.files import write_text
from sim.network import Network
from sim.results.columns import Replication
from sim.scenario.reading.edit import edited
from sim.scenario.reading.reader import read, validate
from sim.scenario.scenario import Scenario
from sim.stats.intervals import t_quantile

Floats = NDArray[np.float64]

ROOT = Path(__file__).resolve().parent.parent
MEASURED = ROOT / "calibration/measured/epyc"
ONE_CLIENT_LOG = MEASURED / "pgbench-log/tpcb_c1.log.gz"
CLOSED_LOOP = MEASURED / "pg_a1_closed.jsonl"
PREDICTED_LOG = MEASURED / "pgbench-log/tpcb_c8_rate1750.log.gz"
FITS = ROOT / "calibration/fits/postgres-pgbench.yaml"
SCENARIO = ROOT / "configs/postgres-pgbench.yaml"

BLOCK_MS = 50.0
"""Block of the search for a change: about 50 transactions, so that their median is quiet."""
MIN_BLOCKS = 5
WINDOWS_S = (0.2, 0.5, 1.0, 1.5, 2.0, 3.0, math.inf)
"""Ends of the log whose means bound the demand; the last one is all of it."""
STATISTICS = ("mean", "p50", "p95", "p99")


# -- measurements ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Log:
    """A `pgbench -l` log in the order of the file, which is that of completion, one entry a transaction.

    end_ms: completion, since the start of the first one. latency_ms: with `-R`, from the scheduled time.
    """

    end_ms: Floats
    latency_ms: Floats


def read_log(path: Path) -> Log:
    """The log at `path`, gzipped; its columns are client, number, latency in us, script, epoch in s and us[, lag]."""
    with gzip.open(path, "rt", encoding="ascii") as lines:
        rows = np.array([[int(word) for word in line.split()[:6]] for line in lines])
    latency_ms = rows[:, 2] / 1e3
    end_ms = (rows[:, 4] - rows[0, 4]) * 1e3 + (rows[:, 5] - rows[0, 5]) / 1e3 + latency_ms[0]
    return Log(end_ms, latency_ms)


def closed_loop_per_s(path: Path, clients: int) -> Floats:
    """Steady throughput of each repeat of the TPC-B-like script with this many clients and durable commits."""
    cells = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    wanted = ("tpcb-like", clients, "on")
    found = [cell for cell in cells if (cell["script"], cell["clients"], cell["synchronous_commit"]) == wanted]
    return np.array([cell["tps_steady"] for cell in sorted(found, key=lambda cell: cell["repeat"])])


# -- fit ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parameter:
    """A fitted number. low, high: how far it moves with choices that could as well have been made; NaN: not known."""

    value: float
    unit: str
    derivation: str
    low: float = math.nan
    high: float = math.nan


def fit(one_client_log: Path, closed_loop: Path, connections: int = 8) -> dict[str, Parameter]:
    """The parameters from the log of one client and the closed-loop cells with 1 and `connections` clients."""
    log = read_log(one_client_log)
    latency_ms = log.latency_ms
    change_ms = last_segment_start_ms(log)
    segment_ms = latency_ms[log.end_ms >= change_ms]
    window_means_ms = [latency_ms[log.end_ms >= log.end_ms[-1] - 1e3 * window].mean() for window in WINDOWS_S]
    one_per_s, many_per_s = closed_loop_per_s(closed_loop, 1), closed_loop_per_s(closed_loop, connections)
    by_repeat = [contention(many / one, connections) for one, many in zip(one_per_s, many_per_s, strict=True)]
    usual_ms = np.median(latency_ms[1:])
    return {
        "change": Parameter(
            change_ms / 1e3,
            "s",
            "start of the state that the log ends in: one change point, least squares on medians of 50 ms; 0: none",
        ),
        "demand_mean": Parameter(
            float(segment_ms.mean()),
            "ms",
            f"mean latency of one client from the change on, {len(segment_ms)} transactions; low and high: the least "
            f"and the greatest over the last 0.2 to 3 s and the whole log",
            float(min(window_means_ms)),
            float(max(window_means_ms)),
        ),
        "demand_cv": Parameter(
            float(segment_ms.std() / segment_ms.mean()), "ratio", "standard deviation over mean of the same"
        ),
        "whole_log_demand_mean": Parameter(
            float(latency_ms.mean()), "ms", f"mean latency of the whole log, {len(latency_ms)} transactions"
        ),
        "whole_log_demand_cv": Parameter(
            float(latency_ms.std() / latency_ms.mean()), "ratio", "standard deviation over mean of the same"
        ),
        "opening": Parameter(
            float(latency_ms[0] - usual_ms),
            "ms",
            f"first transaction of the connection, {latency_ms[0]:.3f} ms, less the median of the others, "
            f"{usual_ms:.3f} ms",
        ),
        "contention": Parameter(
            contention(float(many_per_s.mean() / one_per_s.mean()), connections),
            "ratio",
            f"universal scalability law through the mean throughputs {one_per_s.mean():.1f}/s with 1 client and "
            f"{many_per_s.mean():.1f}/s with {connections}; low and high: over the {len(by_repeat)} repeats",
            min(by_repeat),
            max(by_repeat),
        ),
    }


def last_segment_start_ms(log: Log) -> float:
    """Start of the state of the host that the log ends in: at most one change point in the medians of blocks.

    The split with the least sum of squared residuals is taken if it explains more than 3 ln(blocks) variances of the
    noise, a penalty like that of Yao (Statistics & Probability Letters 6, 1988); else the answer is 0, the whole log.
    The noise is told from differences of neighbours, which a change of level hardly touches.
    """
    block = (log.end_ms // BLOCK_MS).astype(int)
    # The last block is cut off by the end of the run.
    medians = np.array([np.median(log.latency_ms[block == b]) for b in range(block.max()) if (block == b).any()])
    # 1.4826: from the median of absolute values to the standard deviation of a normal; 2: a difference has two noises.
    noise_variance = (1.4826 * np.median(np.abs(np.diff(medians)))) ** 2 / 2

    def residual(part: Floats) -> float:
        return float(((part - part.mean()) ** 2).sum())

    splits = range(MIN_BLOCKS, len(medians) - MIN_BLOCKS + 1)
    costs = [residual(medians[:split]) + residual(medians[split:]) for split in splits]
    if residual(medians) - min(costs) <= 3 * math.log(len(medians)) * noise_variance:
        return 0.0
    return splits[int(np.argmin(costs))] * BLOCK_MS


def contention(speed_up: float, clients: int) -> float:
    """Contention c of the speed n / (1 + c (n - 1)) that gives `speed_up` at n = `clients`.

    Source: Gunther, Guerrilla Capacity Planning (2007), chapter 4, with coherency 0.
    """
    return (clients / speed_up - 1) / (clients - 1)


def fits_text(parameters: Mapping[str, Parameter]) -> str:
    """What the file of fitted parameters says: inputs with their hashes, values, units, derivations."""
    lines = [
        "# Fitted parameters of configs/postgres-pgbench.yaml. Written by the command below, not by hand.",
        "command: python calibration/pgbench.py fit",
        "inputs:  # SHA-256",
    ]
    for path in (ONE_CLIENT_LOG, CLOSED_LOOP):
        lines.append(f'  {path.relative_to(ROOT).as_posix()}: "{hashlib.sha256(path.read_bytes()).hexdigest()}"')
    lines.append("parameters:")
    for name, parameter in parameters.items():
        lines += [f"  {name}:", f"    value: {parameter.value:.4f}", f"    unit: {parameter.unit}"]
        if not math.isnan(parameter.low):
            lines += [f"    low: {parameter.low:.4f}", f"    high: {parameter.high:.4f}"]
        lines.append(f"    derivation: {json.dumps(parameter.derivation)}")
    return "\n".join(lines) + "\n"


# -- prediction -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison: each statistic by replication, in ms; one replication for the truth."""

    name: str
    values_ms: Mapping[str, Floats]

    def mean_ms(self, statistic: str) -> float:
        """Mean over the replications."""
        return float(self.values_ms[statistic].mean())

    def interval_ms(self, statistic: str) -> tuple[float, float]:
        """Where one more run would be, 19 times in 20: Student's prediction interval. Monte-Carlo noise alone."""
        values = self.values_ms[statistic]
        n = len(values)
        reach = t_quantile(0.95, n - 1) * float(values.std(ddof=1)) * math.sqrt(1 + 1 / n)
        return self.mean_ms(statistic) - reach, self.mean_ms(statistic) + reach

    def error(self, statistic: str, measured: Row) -> float:
        """Relative error."""
        return self.mean_ms(statistic) / measured.mean_ms(statistic) - 1


def statistics_ms(latency_ms: Floats) -> dict[str, float]:
    """Mean and percentiles of the latencies of one run."""
    return dict(zip(STATISTICS, [latency_ms.mean(), *np.quantile(latency_ms, [0.5, 0.95, 0.99])], strict=True))


def row(name: str, runs: Sequence[Floats]) -> Row:
    """A line from the latencies of each run, in ms."""
    each = [statistics_ms(latency_ms) for latency_ms in runs]
    return Row(name, {statistic: np.array([one[statistic] for one in each]) for statistic in STATISTICS})


def truth() -> Row:
    """The run that is predicted."""
    return row("truth: log 2", [read_log(PREDICTED_LOG).latency_ms])


def scenario(*changes: str) -> Scenario:
    """The scenario, with values changed as by `--set` ("network.routines.transaction.0.delay=0 s")."""
    return validate(edited(read(SCENARIO), changes, Scenario), Scenario)


def model(*changes: str) -> Network:
    """The network of the scenario with `changes`."""
    network = scenario(*changes).network
    assert network is not None
    return network


def naive() -> Network:
    """M/G/8 with the sources of the model: a server for each connection, service as one client alone had it."""
    shipped = model()
    service_ns = np.sort(read_log(ONE_CLIENT_LOG).latency_ms * 1e6).round().astype(int).tolist()
    server = {"servers": shipped.resources["connections"].units, "service": {"empirical": {"values_ns": service_ns}}}
    return Network.model_validate(
        {
            "sources": shipped.sources,
            "stations": {"server": server},
            "routines": {"transaction": [{"use": "server"}]},
        }
    )


def predicted(name: str, network: Network, replications: int, processes: int = -1) -> Row:
    """The network run from empty until all is done: its load comes to an end by itself."""
    horizon_ns = network.sources["transactions"].stop_ns
    assert horizon_ns is not None
    # An hour is more than enough for the few transactions left when the load ends.
    plans = [Plan(replication=r, horizon_ns=horizon_ns, drain_ns=3600 * 10**9) for r in range(replications)]
    runs, are_all = run_all([(network, plan) for plan in plans], processes=processes)
    if not are_all:
        raise KeyboardInterrupt
    return row(name, [_latencies_ms(run) for run in runs])


def _latencies_ms(run: Replication) -> Floats:
    executions = run.executions
    assert (executions.end_ns >= 0).all(), "every transaction is over"
    return (executions.end_ns - executions.start_ns) / 1e6


def whole_log(parameters: Mapping[str, Parameter]) -> dict[str, str]:
    """The change to the model that takes its demand from all of log 1, under its name."""
    mean, cv = parameters["whole_log_demand_mean"].value, parameters["whole_log_demand_cv"].value
    return {"model, demand of all of log 1": _demand(mean, cv)}


def _demand(mean_ms: float, cv: float) -> str:
    return f"network.routines.transaction.2.use.demand={{mean: {mean_ms:.4f} ms, cv: {cv:.4f}}}"


def variations(parameters: Mapping[str, Parameter]) -> dict[str, str]:
    """One change of the model for each doubt about it: parameters at the ends of their ranges, parts left out."""
    demand, cv, sigma = parameters["demand_mean"], parameters["demand_cv"].value, parameters["contention"]
    contention_is = "network.stations.host.contention.contention="
    return {
        "demand low": _demand(demand.low, cv),
        "demand high": _demand(demand.high, cv),
        "demand constant": _demand(demand.value, 0),
        "contention low": f"{contention_is}{sigma.low:.4f}",
        "contention high": f"{contention_is}{sigma.high:.4f}",
        "no contention": f"{contention_is}0",
        "no timer slack": "network.routines.transaction.0.delay=0 s",
        "connections open at the start": "network.resources.connections.open=8",
    }


# -- command line ---------------------------------------------------------------------------------------------------


def table(rows: Sequence[Row]) -> str:
    """The comparison in ms; `rows` are the truth, the naive model, then the others."""
    measured, baseline, *others = rows
    lines = []
    for statistic in STATISTICS:
        lines.append(f"{statistic + ', ms':32}{'value':>6}   {'one more run':14}   {'error':>6}   of naive")
        lines.append(f"  {measured.name:30}{measured.mean_ms(statistic):6.3f}")
        for one in (baseline, *others):
            low, high = one.interval_ms(statistic)
            error = one.error(statistic, measured)
            ratio = abs(error / baseline.error(statistic, measured))
            value = one.mean_ms(statistic)
            lines.append(
                f"  {one.name:30}{value:6.3f}   {low:.3f} to {high:.3f}   {100 * error:+4.0f} %   {ratio:8.2f}"
            )
    return "\n".join(lines)


def comparison(replications: int, vary: bool = False) -> str:
    """Truth, naive model, model, and the model with its changes: a table."""
    parameters = fit(ONE_CLIENT_LOG, CLOSED_LOOP)
    changes = variations(parameters) if vary else whole_log(parameters)
    networks = {"naive M/G/8": naive(), "model": model(), **{name: model(one) for name, one in changes.items()}}
    return table([truth(), *(predicted(name, network, replications) for name, network in networks.items())])


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["fit", "compare", "vary"])
    command = parser.parse_args().command
    if command == "fit":
        write_text(FITS, fits_text(fit(ONE_CLIENT_LOG, CLOSED_LOOP)))
        print(FITS.relative_to(ROOT))
        return
    replications = scenario().run.replications
    print(comparison(replications, vary=command == "vary"))
    print(f"Value: mean of {replications} runs. One more run: lies there 19 times in 20, by Monte-Carlo noise alone,")
    print("without that of host and parameters. Of naive: size of the error over that of the naive model.")


if __name__ == "__main__":
    main()
