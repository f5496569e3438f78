"""Whether the parts of a scenario fit together: every name leads somewhere. A network's own check is in `network`."""

from __future__ import annotations

from collections.abc import Iterator

from sim.errors import Path, Problem, dotted
from sim.network.distributions import FromAttribute
from sim.network.sources import BurstArrivals, ClosedArrivals, TraceArrivals, lets_nothing_in
from sim.scenario.checks.words import known_hint, unknown, unless_known
from sim.scenario.model.stores.registry import STORES, only, that_can
from sim.scenario.model.workflow import Workflow
from sim.scenario.model.workflow_steps import FanOutStep, RepeatStep, WaitStep, own_activity, walk
from sim.scenario.model.workload import Activity, RetryPolicy
from sim.scenario.presets import PRODUCTS, parsed, preset, versions
from sim.scenario.scenario import Scenario
from sim.units import Mistake


def name_problems(scenario: Scenario) -> Iterator[Problem]:
    """Names that lead nowhere, parts that nothing uses, each with its path in the file."""
    checks = (_presets, _store, _loads, _workflows, _hot_rows, _workers, _hosts, _dependencies, _monitors)
    for check in checks if scenario.network is None else ():
        yield from check(scenario)
    yield from _kept(scenario)
    yield from _nodes(scenario)


def _presets(scenario: Scenario) -> Iterator[Problem]:
    for product in PRODUCTS:
        version = getattr(scenario.presets, product)
        if version not in versions(product):
            yield unknown(("presets", product), "a preset", version, versions(product))
            continue
        known = {name: c for name, c in preset(product, version).items() if c.kind != "transition"}
        for name, value in getattr(scenario.constants, product).items():
            path: Path = ("constants", product, name)
            if name not in known:
                yield Problem(dotted(path), f"is not a constant of {product} {version}", known_hint(name, known))
                continue
            try:
                parsed(known[name].kind, value)
            except Mistake as mistake:
                yield Problem(dotted(path), mistake.message, mistake.hint)


def _store(scenario: Scenario) -> Iterator[Problem]:
    """What is said about a store that the scenario has not."""
    used = [*scenario.stores]
    used += ["cassandra" if database.is_ring else "postgres" for database in scenario.databases.values()]
    store = " and ".join(dict.fromkeys(used))
    for product in STORES:
        for section in ("presets", "constants"):
            if product not in used and product in getattr(scenario, section).model_fields_set:
                yield Problem(
                    dotted((section, product)), f"is about another store than this one, {store}", "leave it out"
                )
    if scenario.pgbouncer is not None and not scenario.store_can("pgbouncer"):
        yield Problem("pgbouncer", "stands before PostgreSQL, and there is no `postgres`", "leave it out")
    for product, one in scenario.stores.items():
        yield from one.problems(scenario)
        if one.disk is not None and one.disk.size_bytes is None and not _is_growth_known(scenario):
            yield Problem(
                dotted((product, "disk", "size")),
                "is missing, and what the disk holds is not known before the run",
                "write size: 1 TB, or for PostgreSQL with starts at a rate   temporal: {retention: ..}",
            )
    tells_pools = scenario.temporal is not None and "sql" in scenario.temporal.model_fields_set
    if tells_pools and not scenario.store_can("connections"):
        products = " or ".join(STORES[key].product for key in that_can("connections"))
        yield Problem(
            "temporal.sql",
            f"is about connections to {products}, but the store is {scenario.store_key}",
            "leave it out",
        )


def _is_growth_known(scenario: Scenario) -> bool:
    """Whether the size of the platform's store follows from the scenario."""
    if not scenario.store_can("growth") or scenario.temporal is None or scenario.temporal.retention is None:
        return False
    loads = [workflow.load for workflow in scenario.workflows.values() if not workflow.is_child_only]
    once = [load for load in loads if isinstance(load, BurstArrivals) and load.every_ns is None]
    return not once and not any(isinstance(load, ClosedArrivals | TraceArrivals) for load in loads)


def _loads(scenario: Scenario) -> Iterator[Problem]:
    """One load may be 0, to see the others alone; there has to be one that is not."""
    loads = {("workflows", name): one.load for name, one in scenario.workflows.items() if not one.is_child_only}
    loads |= {("queries", name): one.arrivals for name, one in scenario.queries.items()}
    if not scenario.ingest and all(map(lets_nothing_in, loads.values())):
        for place in loads:
            hint = "give this one, or another, a rate"
            yield Problem(dotted((*place, "arrivals")), "is 0, and nothing else arrives", hint)


def _workflows(scenario: Scenario) -> Iterator[Problem]:
    for name, workflow in scenario.workflows.items():
        path: Path = ("workflows", name)
        if workflow.task_queue in scenario.federations:
            yield Problem(
                dotted((*path, "task_queue")),
                f"is {workflow.task_queue}, a federation, which takes activities only",
                "name one pool, and give the federation to its activities as   task_queue",
            )
        elif workflow.task_queue not in scenario.workers:
            yield unknown((*path, "task_queue"), "a queue with workers", workflow.task_queue, scenario.workers)
        if (
            not workflow.is_child_only
            and isinstance(workflow.load, ClosedArrivals | TraceArrivals)
            and scenario.run.start == "in_progress"
        ):
            kind = "a closed loop" if isinstance(workflow.load, ClosedArrivals) else "a trace"
            key = "schedule" if workflow.schedule is not None else "arrivals"
            yield Problem(
                dotted((*path, key)),
                f"is {kind}, whose work in progress is not known; run.start is in_progress",
                "write run: {start: empty}",
            )
        if scenario.temporal is not None:
            yield from _back_off(workflow.retry, (*path, "retry"))
        rollout = workflow.rollout
        if rollout is not None:
            here = (*path, "rollout", "task_queue")
            if rollout.task_queue not in scenario.workers:
                yield unknown(here, "a queue with workers", rollout.task_queue, scenario.workers)
            elif rollout.task_queue == workflow.task_queue:
                yield Problem(
                    dotted(here), "is the queue of the old version", "give the new version workers of its own"
                )
        for key in ("batch", "burst"):
            if isinstance(getattr(workflow.arrivals, key, None), FromAttribute):
                yield _no_attribute((*path, "arrivals", key))
        yield from _steps(scenario, workflow, path)


def _steps(scenario: Scenario, workflow: Workflow, path: Path) -> Iterator[Problem]:
    seen: set[str] = set()
    for below, step in walk(workflow.steps):
        here: Path = (*path, "steps", *below)
        own = own_activity(step)
        if own is not None:
            place, activity = own
            yield from _inside_branches(activity, (*here, *place), below, isinstance(step, FanOutStep))
            yield from _activity(scenario, activity, (*here, *place), seen)
            if activity.undo is not None:
                yield from _activity(scenario, activity.undo, (*here, *place, "compensate"), seen)
        if isinstance(step, RepeatStep) and isinstance(step.repeat.times, FromAttribute):
            yield _no_attribute((*here, "repeat", "times"))
        if isinstance(step, FanOutStep):
            if isinstance(step.fan_out.items, FromAttribute):
                yield _no_attribute((*here, "fan_out", "items"))
            if step.fan_out.failures == "gather_all" and "fan_out" in below:
                yield Problem(
                    dotted((*here, "fan_out", "failures")),
                    "is gather_all inside an item of another fan_out, where failures of all items would be one number",
                    "write   failures: fail_on_any   or   failures: ignore",
                )
        elif isinstance(step, WaitStep):
            name_of_signal = f"wait-{step.wait.signal}"
            if name_of_signal in seen:
                yield Problem(dotted((*here, "wait", "signal")), "is waited for twice", "name them apart")
            seen.add(name_of_signal)


def _hot_rows(scenario: Scenario) -> Iterator[Problem]:
    """Activities of one name in several workflows contend for the same rows, so that these must be the same."""
    first: dict[str, tuple[int | None, float]] = {}
    for workflow, routine in scenario.workflows.items():
        for activity in routine.activities:
            if activity.transaction is None:
                continue
            rows = (activity.transaction.hot_rows, activity.transaction.skew)
            if first.setdefault(activity.name, rows) != rows:
                yield Problem(
                    dotted(("workflows", workflow)),
                    f"has other `hot_rows` of {activity.name} than a workflow before it",
                    "give the activity another name, or the same rows",
                )


def _inside_branches(activity: Activity, path: Path, below: Path, is_item: bool) -> Iterator[Problem]:
    """What activities beside others cannot have."""
    if activity.chunks is not None and (is_item or "fan_out" in below):
        yield Problem(
            dotted((*path, "chunks")),
            "are those of an item of a fan_out, whose progress is not kept item by item",
            "make each item a workflow of its own",
        )
    if activity.local and (is_item or {"fan_out", "parallel", "race"} & set(below)):
        yield Problem(
            dotted((*path, "local")),
            "stands beside other steps; local activities run in the workflow task between two steps",
            "leave it out: it is then an activity with a task of its own",
        )


def _dependencies(scenario: Scenario) -> Iterator[Problem]:
    called = {name for workflow in scenario.workflows.values() for a in workflow.activities for name in a.calls}
    for name in scenario.dependencies:
        if name not in called:
            yield Problem(dotted(("dependencies", name)), "is called by no activity", known_hint(name, called))


def _workers(scenario: Scenario) -> Iterator[Problem]:
    used = {workflow.task_queue for workflow in scenario.workflows.values()}
    used |= {workflow.rollout.task_queue for workflow in scenario.workflows.values() if workflow.rollout is not None}
    used |= {a.task_queue for workflow in scenario.workflows.values() for a in workflow.activities if a.task_queue}
    for name, federation in scenario.federations.items():
        path: Path = ("federations", name)
        if name in scenario.workers:
            yield Problem(dotted(path), "is the name of a pool, too", "name them apart")
        elif name not in used:
            yield Problem(dotted(path), "is a queue that no activity is put into", known_hint(name, used))
        for index, pool in enumerate(federation.pools):
            yield from unless_known((*path, "pools", index), "a pool of workers", pool, scenario.workers)
        used |= set(federation.pools)
    for queue in scenario.workers:
        if queue not in used:
            yield Problem(
                dotted(("workers", queue)),
                "serves a queue that no workflow puts anything into",
                known_hint(queue, used),
            )


def _hosts(scenario: Scenario) -> Iterator[Problem]:
    """Every component that a host names is there, simulated, and on no other host."""
    there = {f"workers.{queue}" for queue in scenario.workers}
    there |= {key for key, store in scenario.stores.items() if "hosts" in store.can}
    there |= {f"temporal.{name}" for name in scenario.services}
    seen: set[str] = set()
    for name, host in scenario.hosts.items():
        for index, component in enumerate(host.components):
            path: Path = ("hosts", name, "components", index)
            queue = component.removeprefix("workers.")
            if component not in there | {"load"}:
                yield unknown(path, "a component whose cores are simulated here", component, there)
            elif component in seen:
                yield Problem(dotted(path), f"is {component}, which stands on a host already", "leave one out")
            elif queue in scenario.workers and scenario.workers[queue].target_cpu is not None:
                yield Problem(
                    dotted(path), f"is {component}, whose autoscaler looks at cores of its own", "leave one out"
                )
            elif _speed(scenario, component) is not None:
                speed = dotted((*component.split("."), "cpu_speed"))
                yield Problem(
                    speed, f"is for cores of its own, and it stands on the host {name}", "write hosts: speed"
                )
            seen.add(component)


def _speed(scenario: Scenario, component: str) -> float | None:
    """What is said of how fast the cores of a component are that a host names."""
    section, _, name = component.partition(".")
    if section == "workers":
        return scenario.workers[name].cpu_speed
    if section == "temporal":
        return scenario.services[name].cpu_speed
    return scenario.stores[section].speed if section in scenario.stores else None


def _back_off(retry: RetryPolicy | None, path: Path) -> Iterator[Problem]:
    # Source: Temporal server, common/retrypolicy, EnsureDefaults (2025): 0 is replaced by the default.
    if retry is not None and retry.initial_interval_ns == 0:
        yield Problem(
            dotted((*path, "initial_interval")),
            "is 0, which Temporal takes for its default of 1 s",
            "leave it out for the default, or write 1 ms",
        )


def _no_attribute(path: Path) -> Problem:
    return Problem(
        dotted(path),
        "is an attribute, which only executions of a network carry",
        "write a number, or {geometric: 200}",
    )


def _activity(scenario: Scenario, activity: Activity, path: Path, seen: set[str]) -> Iterator[Problem]:
    if activity.name in seen:
        yield Problem(
            dotted((*path, "name")),
            f"is {activity.name}, as another activity of this workflow is",
            "name them apart, so that each has draws of its own",
        )
    seen.add(activity.name)
    if scenario.temporal is not None:
        yield from _back_off(activity.retry, (*path, "retry"))
    queues = {*scenario.workers, *scenario.federations}
    yield from unless_known((*path, "task_queue"), "a queue with workers", activity.task_queue, queues)
    if activity.transaction is not None and not scenario.store_can("transactions"):
        yield Problem(
            dotted((*path, "transaction")),
            f"is made in PostgreSQL, and there is no {only('transactions')}",
            "leave it out",
        )
    for index, dependency in enumerate(activity.calls):
        here = (*path, "calls", index)
        yield from unless_known(here, "one of the `dependencies`", dependency, scenario.dependencies)
    heartbeat, whole = activity.heartbeat_ns, activity.start_to_close_ns
    if heartbeat is not None and whole is not None and heartbeat > whole:
        yield Problem(dotted((*path, "heartbeat")), "is longer than `start_to_close` and can never expire")
    if activity.error_rate + activity.non_retryable_rate > 1:
        yield Problem(dotted((*path, "error_rate")), "and `non_retryable_rate` add up to more than 1")


def _monitors(scenario: Scenario) -> Iterator[Problem]:
    made = {a.effect for workflow in scenario.workflows.values() for a in workflow.activities if a.effect is not None}
    for name, monitor in scenario.monitors.items():
        for key in ("when", "eventually", "never_both", "at_most_once", "conserve"):
            value = getattr(monitor, key)
            for mark in [value] if isinstance(value, str) else value or ():
                yield from unless_known(("monitors", name, key), "the `effect` of an activity", mark, made)


def _kept(scenario: Scenario) -> Iterator[Problem]:
    """Machines that come and go do so with the nodes of a controller."""
    known = [name for name, pool in scenario.workers.items() if pool.scales]
    known += scenario.network.controllers if scenario.network is not None else ()
    for name, machines in scenario.machines.items():
        yield from unless_known(("machines", name, "kept_by"), "a controller", machines.kept_by, known)


def _nodes(scenario: Scenario) -> Iterator[Problem]:
    """Without a catalogue, every machine that is named needs a price of its own."""
    if scenario.prices.catalogue is not None:
        return
    parts: list[tuple[Path, str | None]] = [
        (("machines", name, "node"), machines.node) for name, machines in scenario.machines.items()
    ]
    parts += [(("workers", name, "node"), pool.node) for name, pool in scenario.workers.items()]
    parts += [(("databases", name, "node"), database.node) for name, database in scenario.databases.items()]
    parts += [(("temporal", name, "node"), service.node) for name, service in scenario.services.items()]
    parts += [((name, "node"), store.node) for name, store in scenario.stores.items()]
    if scenario.kubernetes is not None:
        parts.append((("kubernetes", "node"), scenario.kubernetes.node))
    if scenario.pgbouncer is not None:
        parts.append((("pgbouncer", "node"), scenario.pgbouncer.node))
    for path, node in parts:
        if node is not None and node not in scenario.prices.nodes:
            yield Problem(
                dotted(path),
                f"is {node}, which has no price",
                f"add   prices: {{catalogue: aws-us-east-1}}   or   prices: {{nodes: {{{node}: 200 USD/month}}}}",
            )
