"""A log of pgbench as a scenario: its clients, its load, and its transactions with the times that were seen."""

from __future__ import annotations

from collections.abc import Mapping

from sim.calibrate.service_times import ServiceTimes
from sim.errors import InputErrors, Problem
from sim.observed.table import Observations

_ALONE = """\
# One client tells what a transaction demands with nobody in its way. Here it holds one of {cpu} cores for that long,
# and more clients than cores queue for them: so far the log. It does not tell what transactions cost each other:
# commits that share a flush, wake-ups that one client pays for and many share, locks of rows. These are in
# configs/real/pgbench-closed.yaml. Other loads:
#   more clients           --set network.sources.clients.arrivals.closed=8 --set network.resources.connections.units=8
#   a schedule, -R 1000    --set network.sources.clients.arrivals=1000/s --set network.resources.connections.units=8
"""

_TOGETHER = """\
# {clients} clients were at work at once, so that the times hold what they cost each other at this load, and only at
# this one. They are delays here: a prediction for more or fewer clients needs a log of one client, with --cpu, or a
# study of several.
"""


def pgbench_scenario(
    observed: Observations, fits: Mapping[str, ServiceTimes], file: str, cpu: int | None, command: str
) -> str:
    """The scenario, ready to run. Raises InputErrors where `cpu` is missing, or is not needed."""
    clients, throttled = int(observed.facts["clients"]), bool(observed.facts["throttled"])
    alone = clients == 1
    if alone and cpu is None:
        message = "one client tells what a transaction demands, not how many cores will share the work"
        raise InputErrors([Problem("--scenario", message, "add   --cpu 2")])
    if not alone and cpu is not None:
        message = f"the times of {clients} clients hold what they cost each other; cores cannot be told apart"
        raise InputErrors([Problem("--cpu", message, "leave it out, or hand over a log of one client")])
    kind = "service" if throttled else "latency"
    if kind not in fits or not fits[kind].yaml:
        message = f"`{kind}` was not fitted"
        raise InputErrors([Problem("--scenario", message, f"leave --kind out, or write   --kind '{kind}*'")])
    seen = observed.only("latency")
    length_s = max(1, round((observed.facts["end_ns"] - int(seen.t_ns[0])) / 1e9))
    arrivals = f"{seen.rate_per_s:.5g}/s" if throttled else f"{{closed: {clients}}}"
    question = f"at {seen.rate_per_s:.0f}/s" if throttled else f"of {clients} client{'s' if clients > 1 else ''}"
    service = f"{{station: host, demand: {fits[kind].yaml}}}"
    step = f"- use: {service}" if alone else f"- delay: {fits[kind].yaml}"
    stations = f"  stations:\n    host: {{kind: server, servers: {cpu}}}\n" if alone else ""
    text = (_ALONE if alone else _TOGETHER).format(cpu=cpu, clients=clients)
    return f"""\
# Question: how long do pgbench's transactions take, {question}, with the times seen in {file}?
#
# Written by   {command}
{text}\
name: pgbench-log
network:
  sources:
    clients: {{routine: transaction, arrivals: {arrivals}, stop: {length_s} s}}
  resources:
    connections: {{units: {clients}}}
{stations}\
  routines:
    transaction:
      - acquire: connections
      {step}
      - release: connections
run: {{horizon: {length_s} s, finite: true, replications: 20}}
assumptions:
  times: "{_told(fits[kind])}"
"""


def _told(one: ServiceTimes) -> str:
    how = f"{one.best.family.name}, p = {one.goodness.p_value:.2f}" if one.best and one.goodness else "as measured"
    return f"{one.n:.0f} transactions worth {one.worth:.0f} independent ones; {how}"
