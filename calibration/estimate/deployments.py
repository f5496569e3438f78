"""Deployments of Temporal and DBOS, drawn at random: workflows, workers, services, a store, and a load for them.

The load is a rule of thumb over a drawn room. Whether it is right does not matter: it only has to spread the limits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from calibration.estimate.dice import Dice, Document, percent, rate, time

Steps = list[Document]

STEPS = {
    "activity": 7.0,
    "local": 1.0,
    "sleep": 0.8,
    "wait": 0.8,
    "child": 0.7,
    "fan_out": 0.9,
    "repeat": 0.6,
    "parallel": 0.6,
    "race": 0.3,
}
"""Steps of a workflow and how often each is drawn."""
DBOS_STEPS = ("activity", "sleep")
STORES = {"postgres": 5.0, "mysql": 2.0, "cassandra": 2.0}
ARRIVALS = {"poisson": 6.0, "renewal": 1.0, "mmpp": 0.6, "batch": 0.5, "profile": 0.7, "closed": 0.4}
EXECUTIONS = 2000
"""Executions within the horizon that is written, of which a fifth is warm-up."""
LEAST_ROOM, MOST_ROOM = 1.4, 9.0

TASKS_PER_POLLER = 40.0
"""Tasks a second that one poll under way fetches, about: a round trip and the start of the task."""
CORE_S_PER_TASK = {"history": 0.0045, "matching": 0.001, "frontend": 0.001, "worker": 0.0025, "sql": 0.0012}
"""Core seconds of a task in each service, about."""
CASSANDRA_CORE_S = 0.012
CONNECTION_S = 0.015
SHARD_S = 0.015
CALLS_PER_TASK = {"frontend": 2.5, "history": 3.0, "matching": 2.3, "persistence": 3.3}
"""What a task takes of rate limits, about."""


@dataclass
class Work:
    """What an execution asks for, about. tasks, slot_s, cpu_s: by queue; of workflow tasks, activities, cores."""

    workflow_tasks: dict[str, float] = field(default_factory=dict)
    activity_tasks: dict[str, float] = field(default_factory=dict)
    slot_s: dict[str, float] = field(default_factory=dict)
    cpu_s: dict[str, float] = field(default_factory=dict)
    calls: float = 0.0
    length_s: float = 0.0

    @property
    def tasks(self) -> float:
        """All tasks of an execution."""
        return sum(self.workflow_tasks.values()) + sum(self.activity_tasks.values())


def _add(to: dict[str, float], queue: str, amount: float) -> None:
    to[queue] = to.get(queue, 0.0) + amount


class DeploymentDraw:
    """One deployment while it is drawn. dbos: whether its platform is DBOS instead of Temporal."""

    def __init__(self, dice: Dice, dbos: bool) -> None:
        self.dice = dice
        self.dbos = dbos
        names = ["orders", "parcels", "refunds"]
        self.queues = names[: 1 if dbos else dice.pick((1, 1, 2, 2, 3))]
        self.workflows: Document = {}
        self.children: Document = {}
        self.dependency: Document = {}
        self.activities = 0
        self.work = Work()

    # -- workflows --------------------------------------------------------------------------------------------

    def steps(self, queue: str, weight: float, most: int, depth: int, alone: bool = True) -> Steps:
        """Some steps of a workflow. weight: passes for each execution of the mix. alone: nothing runs beside them, as
        local activities need it."""
        inner = ("activity", "local", "sleep") if alone else ("activity", "sleep")
        kinds = {kind: one for kind, one in STEPS.items() if depth < 1 or kind in inner}
        if self.dbos:
            kinds = {kind: one for kind, one in STEPS.items() if kind in DBOS_STEPS}
        found: Steps = []
        for _ in range(self.dice.between(1, most)):
            kind = self.dice.weighted(kinds)
            found.append(getattr(self, f"_{kind}")(queue, weight, depth))
            if self.dbos and kind == "sleep":
                kinds = {"activity": 1.0}  # two sleeps of one workflow there have one name, which no network may have
        return found

    def _task(self, queue: str, weight: float) -> None:
        _add(self.work.workflow_tasks, queue, weight)

    def _body(self, queue: str, weight: float, local: bool = False) -> Document:
        """An activity."""
        dice = self.dice
        self.activities += 1
        mean_s = dice.log(0.005, 0.05) if local else dice.log(0.01, 3)
        body: Document = {"name": f"work-{self.activities}", "service": dice.law(mean_s)}
        self.work.length_s += weight * mean_s
        if local:
            return {**body, "local": True}
        if not self.dbos and len(self.queues) > 1 and dice.chance(0.35):
            body["task_queue"] = dice.pick(self.queues)
        where = body.get("task_queue", queue)
        if not self.dbos and dice.chance(0.3):
            cpu_s = dice.log(0.001, 0.02)
            body["cpu"] = dice.law(cpu_s)
            _add(self.work.cpu_s, where, weight * cpu_s)
        if dice.chance(0.35):
            body["error_rate"] = percent(dice.pick((0.005, 0.02, 0.08)))
        if not self.dbos and dice.chance(0.3):
            body["start_to_close"] = time(max(10.0, mean_s * 30))
        if not self.dbos and dice.chance(0.12):
            self.dependency = {"latency": dice.law(dice.log(0.02, 0.3))}
            body["calls"] = ["partner"]
            self.work.calls += weight
        _add(self.work.activity_tasks, where, weight)
        _add(self.work.slot_s, where, weight * mean_s)
        return body

    def _activity(self, queue: str, weight: float, depth: int) -> Document:
        self._task(queue, weight)
        return {"activity": self._body(queue, weight)}

    def _local(self, queue: str, weight: float, depth: int) -> Document:
        return {"activity": self._body(queue, weight, local=True)}

    def _sleep(self, queue: str, weight: float, depth: int) -> Document:
        self._task(queue, weight)
        mean_s = self.dice.log(0.5, 6)
        self.work.length_s += weight * mean_s
        return {"sleep": self.dice.law(mean_s)}

    def _wait(self, queue: str, weight: float, depth: int) -> Document:
        self._task(queue, weight)
        mean_s = self.dice.log(0.3, 6)
        self.work.length_s += weight * mean_s
        self.activities += 1
        wait: Document = {"signal": f"signal-{self.activities}", "after": self.dice.law(mean_s)}
        if self.dice.chance(0.4):
            wait |= {"timer": time(mean_s * 4), "on_timeout": "continue"}
        return {"wait": wait}

    def _child(self, queue: str, weight: float, depth: int) -> Document:
        name = f"child-{len(self.children) + 1}"
        where = self.dice.pick(self.queues)
        self.children[name] = {}  # before its own, which are children of it
        self._task(queue, 2 * weight)
        self._task(where, weight)
        self.children[name] = {"task_queue": where, "steps": self.steps(where, weight, 2, 1)}
        return {"child": name}

    def _fan_out(self, queue: str, weight: float, depth: int) -> Document:
        items = self.dice.pick((2, 3, 5, 8))
        self._task(queue, weight * items)
        count = {"between": [1, 2 * items - 1]} if self.dice.chance(0.3) else items
        return {"fan_out": {"items": count, "activity": self._body(queue, weight * items)}}

    def _repeat(self, queue: str, weight: float, depth: int) -> Document:
        times = self.dice.between(2, 5)
        return {"repeat": {"times": times, "steps": self.steps(queue, weight * times, 2, 1)}}

    def _parallel(self, queue: str, weight: float, depth: int) -> Document:
        return {"parallel": [self.steps(queue, weight, 2, 1, alone=False) for _ in range(self.dice.between(2, 3))]}

    def _race(self, queue: str, weight: float, depth: int) -> Document:
        """An activity against a timer that seldom wins."""
        self._task(queue, weight)
        return {"race": [[{"activity": self._body(queue, weight)}], [{"sleep": time(self.dice.log(5, 20))}]]}

    # -- what carries them ------------------------------------------------------------------------------------

    def workers(self) -> Document:
        """Pods of each queue that is used."""
        dice, pools = self.dice, {}
        for queue in self.queues:
            pool: Document = {"replicas": dice.pick((1, 2, 2, 3, 4, 6, 8)), "cpu": dice.pick((0.5, 1, 2, 2, 4))}
            if not self.dbos:
                if dice.chance(0.75):
                    pool["activity_slots"] = dice.pick((3, 5, 10, 20, 50, 100))
                if dice.chance(0.6):
                    pool["activity_pollers"] = dice.pick((1, 2, 4, 8, 20, 40))
                    pool["workflow_task_pollers"] = dice.pick((2, 4, 8, 20, 40))
                if dice.chance(0.3):
                    pool["workflow_task_slots"] = dice.pick((4, 10, 30, 100))
                if dice.chance(0.3):
                    pool["sticky_cache"] = dice.pick((20, 100, 500, 2000))
                if dice.chance(0.04):
                    pool["replicas"] = f"{pool['replicas']}..{pool['replicas'] * 2}"
                    pool |= {"target_utilisation": "60 %", "start_delay": "5 s"}
            pools[queue] = pool
        return pools

    def temporal(self, store: str) -> Document:
        """The services."""
        dice = self.dice
        history: Document = {"replicas": dice.pick((1, 2, 3, 4)), "cpu": dice.pick((0.5, 1, 2, 4))}
        found: Document = {"history_shards": dice.pick((4, 16, 64, 512, 512)), "history": history}
        if dice.chance(0.25):
            history["persistence_max_qps"] = dice.pick((100, 300, 1000))
        for service in ("frontend", "matching"):
            if dice.chance(0.7):
                found[service] = {"replicas": dice.pick((1, 2, 3)), "cpu": dice.pick((0.5, 1, 2))}
                if dice.chance(0.2):
                    found[service]["rps"] = dice.pick((100, 300, 1000))
        if store != "cassandra":
            found["sql"] = {"max_conns": dice.pick((2, 4, 10, 20, 60))}
        if dice.chance(0.12):
            found["shard_skew"] = dice.pick((0.5, 1.0))
        if dice.chance(0.15):
            found["shard_io_concurrency"] = 4
        return found

    def store(self, kind: str) -> Document:
        """The database."""
        dice = self.dice
        cpu = dice.pick((0.5, 1, 2, 4, 8))
        if kind == "cassandra":
            nodes = dice.pick((3, 3, 6, 12))
            found: Document = {"nodes": nodes, "cpu": cpu, "replication_factor": 3}
            if dice.chance(0.3):
                found["consistency"] = dice.pick(("one", "quorum"))
            return found
        found = {"nodes": dice.pick((1, 2, 3)), "cpu": cpu}
        if kind == "postgres":
            found |= {"synchronous_standbys": 1 if found["nodes"] > 1 and dice.chance(0.6) else 0}
        elif found["nodes"] > 1 and dice.chance(0.5):
            found["semi_sync"] = {"replicas": 1}
        return found

    # -- the load ---------------------------------------------------------------------------------------------

    def most_per_s(self, document: Document, kind: str) -> float:
        """Executions a second that it carries, about."""
        return min(self._bounds(document, kind))

    def _bounds(self, document: Document, kind: str) -> Iterator[float]:
        work, tasks = self.work, max(self.work.tasks, 1.0)
        for queue, pool in document["workers"].items():
            pods = int(str(pool["replicas"]).split(".")[0])
            if self.dbos:
                yield pods * min(250.0, 250 * pool["cpu"]) / tasks * 2
                continue
            cpu_s = work.workflow_tasks.get(queue, 0) * CORE_S_PER_TASK["worker"] + work.cpu_s.get(queue, 0)
            if cpu_s:
                yield pods * pool["cpu"] / cpu_s
            for key, asked in (("workflow_task", work.workflow_tasks), ("activity", work.activity_tasks)):
                if asked.get(queue):
                    yield pods * pool.get(f"{key}_pollers", 4) * TASKS_PER_POLLER / asked[queue]
            if work.slot_s.get(queue):
                yield pods * pool.get("activity_slots", 200) / work.slot_s[queue]
        store = document[kind]
        core_s = CASSANDRA_CORE_S if kind == "cassandra" else CORE_S_PER_TASK["sql"]
        yield store["cpu"] * (store["nodes"] if kind == "cassandra" else 1) / (core_s * tasks)
        if work.calls and "quota" in self.dependency:
            yield float(self.dependency["quota"]["rate"].removesuffix("/s")) / work.calls
        if self.dbos:
            return
        temporal = document["temporal"]
        for service in ("frontend", "history", "matching"):
            if service in temporal:
                pods, cpu = temporal[service]["replicas"], temporal[service]["cpu"]
                yield pods * cpu / (CORE_S_PER_TASK[service] * tasks)
                if "rps" in temporal[service]:
                    yield pods * temporal[service]["rps"] / (CALLS_PER_TASK[service] * tasks)
        pods = temporal["history"]["replicas"]
        if "persistence_max_qps" in temporal["history"]:
            yield pods * temporal["history"]["persistence_max_qps"] / (CALLS_PER_TASK["persistence"] * tasks)
        if "sql" in temporal:
            yield pods * temporal["sql"]["max_conns"] / (CONNECTION_S * tasks)
        shards = temporal["history_shards"]
        hottest = 1 / sum(shard ** -temporal.get("shard_skew", 0.0) for shard in range(1, shards + 1))
        yield 1 / (hottest * SHARD_S * tasks)

    def arrivals(self, per_s: float) -> Any:
        """The load of one workflow."""
        dice = self.dice
        match dice.weighted(ARRIVALS):
            case "renewal":
                return {"renewal": {"gamma": {"mean": time(1 / per_s), "cv": dice.pick((0.4, 1.5, 2))}}}
            case "mmpp":
                low, stay_s = dice.pick((0.5, 0.8)), 20 / per_s
                return {"mmpp": [{"rate": rate(per_s * one), "stay": time(stay_s)} for one in (low, 2 - low)]}
            case "batch":
                size = dice.between(2, 5)
                return {"poisson": rate(per_s / size), "batch": size}
            case "profile":
                day_s = EXECUTIONS / 4 / per_s
                points = [{"at": "0 s", "factor": 0.4}, {"at": time(day_s / 2), "factor": 1}]
                return {"poisson": rate(per_s), "profile": {"points": points, "period": time(day_s)}}
            case "closed":
                think_s = dice.log(0.5, 5) * max(self.work.length_s, 0.2)
                clients = max(2, round(per_s * (think_s + self.work.length_s)))
                return {"closed": clients, "think": {"exponential": time(think_s)}}
        return rate(per_s)

    def document(self, name: str) -> Document:
        """The scenario."""
        dice = self.dice
        count = 1 if self.dbos else dice.pick((1, 1, 2, 3))
        shares = {1: (1.0,), 2: (0.6, 0.4), 3: (0.5, 0.3, 0.2)}[count]
        for index, share in enumerate(shares):
            queue = self.queues[index % len(self.queues)]
            self._task(queue, share)
            steps = self.steps(queue, share, 6 if count == 1 else 4, 0)
            self.workflows[f"workflow-{index + 1}"] = {"task_queue": queue, "steps": steps}
        used = {*self.work.workflow_tasks, *self.work.activity_tasks}
        self.queues = [queue for queue in self.queues if queue in used]
        kind = "postgres" if self.dbos else dice.weighted(STORES)
        sdk = {} if self.dbos else {"presets": {"sdk": dice.pick(("go", "go", "java", "python", "typescript"))}}
        document: Document = {"name": name, **sdk, "workflows": self.workflows | self.children}
        if self.dependency:
            if dice.chance(0.6):
                self.dependency["quota"] = {"rate": rate(dice.log(20, 200)), "burst": 10, "when_spent": "wait"}
            document["dependencies"] = {"partner": self.dependency}
        document["workers"] = self.workers()
        document |= {"dbos": self._dbos()} if self.dbos else {"temporal": self.temporal(kind)}
        document[kind] = self.store(kind)
        per_s = self.most_per_s(document, kind) / dice.log(LEAST_ROOM, MOST_ROOM)
        for index, share in enumerate(shares):
            workflow = self.workflows[f"workflow-{index + 1}"]
            self.workflows[f"workflow-{index + 1}"] = {"arrivals": self.arrivals(per_s * share), **workflow}
        document["workflows"] = self.workflows | self.children
        horizon_s = max(EXECUTIONS / per_s, 10 * self.work.length_s)
        return {"name": name, "run": {"horizon": time(horizon_s), "warmup": time(horizon_s / 5)}, **document}

    def _dbos(self) -> Document:
        dice = self.dice
        found: Document = {"polling_interval": dice.pick(("100 ms", "300 ms", "1 s"))}
        if dice.chance(0.4):
            found["worker_concurrency"] = dice.pick((20, 50, 200))
        if dice.chance(0.3):
            found["pool_size"] = dice.pick((5, 10, 20))
        return found
