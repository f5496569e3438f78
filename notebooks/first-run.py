# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A first run
#
# Load a scenario, run it, change one value, compare the two, draw them.
# The scenario is `configs/network/m2.yaml`: a worker slot is held while its job queues for a database connection
# and for a storage server, twice.

# %%
from pathlib import Path

from sim import Options, load, predict
from sim.report.figures import latency_curves
from sim.studies.compare.study import compare

root = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "configs").is_dir())
scenario = root / "configs" / "network" / "m2.yaml"
options = Options(horizon_ns=120 * 10**9, warmup=10 * 10**9, replications=10)

# %% [markdown]
# ## Load and run
#
# Every figure carries its interval, its sample size and, where there is one, its caveat.

# %%
today = predict(load(scenario), options)
for name in ("latency.job.mean", "latency.job.p50", "latency.job.p99", "utilisation.storage", "wait.slots.p99"):
    figure = today.summary.metrics[name]
    print(f"{name:<22} {figure.value:8.4g} {figure.unit:<6} [{figure.low:.4g}, {figure.high:.4g}]  n={figure.n}")

# %% [markdown]
# ## Change one value
#
# What does a fifth storage server buy? The change is written and checked as it would be in the file.

# %%
wider = predict(load(scenario, ["network.stations.storage.servers=5"]), options)

# %% [markdown]
# ## Compare
#
# Both runs saw the same customers (common random numbers), so the difference is known far better than either figure:
# the variance ratio tells how much better.

# %%
for metric in ("latency.job.mean", "latency.job.p99", "utilisation.storage"):
    found = compare(today, wider, metric)
    change = found.difference
    print(
        f"{metric:<20} {change.value:+.4g} {change.unit} [{change.low:+.4g}, {change.high:+.4g}]  "
        f"variance ratio {found.variance_ratio:.2g}"
    )

# %% [markdown]
# ## Draw

# %%
latency_curves({"4 storage servers": today.summary.curves["job"], "5 storage servers": wider.summary.curves["job"]})

# %% [markdown]
# ## Where the time goes
#
# The split of latency is exact: it adds up to the latency of each execution, without a remainder.

# %%
split = today.summary.splits["job"]
for state, seconds in sorted(split.mean_s.items(), key=lambda item: -item[1]):
    tail = split.tail_s.get(state, 0)
    print(f"{state:<18} {seconds * 1e3:7.2f} ms on average   {tail * 1e3:7.2f} ms around the p99")
assert abs(sum(split.mean_s.values()) - today.summary.metrics["latency.job.mean"].value) < 1e-6
