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
# # From your own log to a calibrated scenario
#
# Two ways, each from what a running system wrote to a scenario and to its prediction beside what was measured:
#
# 1. Workflow histories of a Temporal server: 60 orders, recorded on a development server,
#    `data/order-histories.jsonl.gz`. Yours: a folder of what `temporal workflow show --workflow-id ID --output json`
#    writes.
# 2. A log of `pgbench -l`: one client, and then the question what eight clients by a schedule will see.
#
# The same from the command line: `sim calibrate FILES --scenario OUT.yaml`, then `sim run OUT.yaml`.

# %%
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from sim import Options, load, predict
from sim.calibrate.scenarios import pgbench_scenario, temporal_scenario
from sim.calibrate.service_times import fit_kinds, service_kinds
from sim.cli.service_times_text import as_text
from sim.observed.recognise import read
from sim.report.figures import latency_curves
from sim.scenario.reading.reader import read as read_yaml
from sim.stats.pictures import PROBABILITIES
from sim.stats.summary import Curve

root = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if (folder / "configs").is_dir())
histories = root / "notebooks" / "data" / "order-histories.jsonl.gz"
logs = root / "calibration" / "measured" / "epyc" / "pgbench-log"
out = Path(mkdtemp())

# %% [markdown]
# ## Temporal: what the histories tell
#
# Of every activity how long it waited and how long it took, of every workflow task the same, attempts, and how late
# timers fired. The server writes when an activity was started only after its last attempt, so of one that was tried
# again only the last attempt is known: the notes say so.
#
# Then the service times, each with the families that were tried. The p-value comes from samples of the fitted
# distribution that were fitted anew, as the measured one was; below 0.05 the family is rejected, and the measured
# quantiles are written instead.

# %%
orders = read([histories])
fits = fit_kinds(orders, service_kinds(orders))
print(as_text(orders, fits, histories.name))

# %% [markdown]
# ## ... and as a scenario
#
# Steps, queues, attempts, back-offs, timeouts and the rate come from the histories. What they run on does not: the
# platform is taken from a scenario that knows it, here that of the measured development server. Most activities began
# within a millisecond: they were eager, and the scenario says so.

# %%
like = root / "configs" / "real" / "temporal.yaml"
scenario = out / "orders.yaml"
scenario.write_text(
    temporal_scenario(orders, fits, histories.name, "the notebook", read_yaml(like).data), encoding="utf-8"
)
print(scenario.read_text(encoding="utf-8")[:1200], "...")

# %% [markdown]
# ## Predicted beside measured
#
# The latency of the whole was not fitted: it comes out of activities, tasks, timers and the queues between them. The
# timer of 500 ms fires after a second, on the server and in the model, and so does the back-off of 200 ms: the server
# looks for timers a second ahead, and puts off what comes in between. The errors that are left have two sources: 60
# histories are a small sample, and the platform's scenario was fitted on another machine.

# %%
options = Options(replications=10)
found = predict(load(scenario), options)


def beside(what: str, measured_ns: np.ndarray, metric: str) -> None:
    for name, level in (("mean", None), ("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        seen = float(measured_ns.mean() if level is None else np.quantile(measured_ns, level)) / 1e9
        figure = found.summary.metrics[f"{metric}.{name}"]
        told = " refused" if figure.value is None else f"{figure.value * 1e3:8.2f}"
        error = "" if figure.value is None else f"{figure.value / seen - 1:+7.1%}"
        print(f"{what:<34} {name:<5} measured {seen * 1e3:8.2f} ms   predicted {told} ms   {error}")


beside("order", orders.only("latency.workflow.order").value, "latency.order")
waits = orders.only("schedule_to_start.workflow_task").value
beside("wait for a workflow task", waits, "workflow_task_schedule_to_start.orders")
waits = orders.only("schedule_to_start.activity.ship").value
beside("wait for the activity `ship`", waits, "schedule_to_start.shipping")

# %% [markdown]
# ## What if twice as many orders come?
#
# The question that the histories could not answer.

# %%
twice = predict(load(scenario, ["workflows.order.arrivals=12.6/s"]), options)
for name in ("mean", "p50", "p95"):
    now, then = (one.summary.metrics[f"latency.order.{name}"].value for one in (found, twice))
    print(f"{name:<5} {now:6.3f} s at 6.3/s   {then:6.3f} s at 12.6/s")

# %% [markdown]
# ## pgbench: the log of one client
#
# One client tells what a transaction demands while nobody is in its way. Look at the note first: transactions follow
# each other, since the host has slow and fast spells, so that thousands are worth a dozen independent ones. The
# intervals of the parameters allow for it.

# %%
alone = read([logs / "tpcb_c1.log.gz"])
alone_fits = fit_kinds(alone, service_kinds(alone))
print(as_text(alone, alone_fits, "tpcb_c1.log.gz"))

# %% [markdown]
# ## ... asked about eight clients and a schedule
#
# `pgbench -c 8 -R 1750` on the same two cores was measured as well; nothing of it is in the scenario.

# %%
scenario = out / "pgbench.yaml"
text = pgbench_scenario(alone, alone_fits, "tpcb_c1.log.gz", cpu=2, command="the notebook")
scenario.write_text(text, encoding="utf-8")
asked = ["network.sources.clients.arrivals=1750/s", "network.resources.connections.units=8"]
found = predict(load(scenario, asked), options)
eight = read([logs / "tpcb_c8_rate1750.log.gz"]).only("latency").value
beside("transaction", eight, "latency.transaction")

# %% [markdown]
# Mean and median are close, the tail is what it costs that this model is so small: a transaction is a demand on two
# cores. Commits that share a flush, wake-ups, locks of rows and stalls of the host are in
# `configs/real/pgbench-open.yaml`, with constants fitted to more measurements (`calibration/fits`), and
# `python -m calibration validate postgres` tells how far those predictions are off.


# %%
def curve_of(values_ns: np.ndarray) -> Curve:
    """Quantiles of what was measured; they have no band."""
    times = tuple(float(t) for t in np.quantile(values_ns, PROBABILITIES) / 1e9)
    return Curve(PROBABILITIES, times, times, times)


latency_curves(
    {
        "predicted: 8 clients, 1750/s": found.summary.curves["transaction"],
        "measured: 8 clients, 1750/s": curve_of(eight),
        "measured: 1 client": curve_of(alone.only("latency").value),
    }
)
