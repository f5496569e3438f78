"""What happens to jobs at places: looks at those of the reference engine. What jobs do by themselves: `see_steps`."""

from __future__ import annotations

from typing import Any

from sim.engine.reference.batches import BatchNode, FlushStation, PolledStation
from sim.engine.reference.caches import LruCache
from sim.engine.reference.choices import Chooser, Keys
from sim.engine.reference.delays_and_buckets import BucketStation, CustomerStation, DelayStation
from sim.engine.reference.pools import Grant, Pool
from sim.engine.reference.servers import Servers, SetupServers, Shared, Visit
from sim.network import Network
from sim.network.places import Resource

from .looks import Seen, look

named_groups: set[str] = set()
"""The groups of nodes that the network that is looked at names."""


def looking_at(network: Network) -> None:
    """The next run is of this network."""
    named_groups.clear()
    named_groups.update(network.nodes)


def _kind(pool: Any) -> str:
    return "resource" if isinstance(pool.spec, Resource) else "server"


@look(Pool, "_give")
def _give(seen: Seen, pool: Any, grant: Any, node: int) -> None:
    kind = _kind(pool)
    if grant.waited:
        seen.add(f"{kind}.{pool.spec.discipline}")
    if pool.group.count > 1:
        seen.add(f"{kind}.nodes")
    if pool.group.name in named_groups:
        seen.add(f"{kind}.shared_group")
    if grant.units > 1:
        seen.add("resource.several_units")
    if pool.group.leaves[node]:
        seen.add("choice.bound_to_leaver")


@look(Pool, "wait")
def _wait(seen: Seen, pool: Any, grant: Any) -> None:
    limit = pool.spec.queue_limit
    if limit is not None and pool._length(grant.wanted) >= limit:
        seen.add(f"{_kind(pool)}.rejected")
    elif pool._sheds(grant):
        seen.add(f"shed.{pool.spec.discipline}")
        if grant.wanted >= 0:
            seen.add("shed.node")
    elif pool.spec.shed is not None:
        lines = (pool.line,) if grant.wanted < 0 else (pool.nodes[grant.wanted].bound, pool.nodes[grant.wanted].chosen)
        if any(line.entries and pool.clock._now - line.oldest_ns >= pool.spec.shed.after_ns for line in lines):
            seen.add("shed.spared")


@look(Grant, "lose")
def _lose(seen: Seen, grant: Any) -> None:
    seen.add("resource.preempted")


@look(Visit, "lose")
def _visit_loses(seen: Seen, visit: Any) -> None:
    seen.add("server.preempted")


@look(Pool, "open_unit")
def _open(seen: Seen, pool: Any, grant: Any) -> None:
    seen.add("resource.opening")


@look(Pool, "choose_again")
def _choose_again(seen: Seen, pool: Any, node: int, event: Any) -> None:
    if pool.nodes[node].chosen.entries:
        seen.add("wait_at.chosen_again")


@look(Chooser, "with_units")
def _with_units(seen: Seen, chooser: Any, grant: Any, nodes: Any) -> None:
    if chooser.group.count > 1:
        seen.add(f"choice.{chooser.choice}")


@look(Chooser, "on_arrival")
def _on_arrival(seen: Seen, chooser: Any, grant: Any, nodes: Any) -> None:
    seen.add(f"wait_at.{chooser.choice}")


@look(Keys, "node")
def _key(seen: Seen, keys: Any, job: Any) -> None:
    seen.add("keyed.execution" if keys.by == "execution" else "keyed.attribute")
    if keys.bounds:
        seen.add("keyed.skew")


@look(Servers, "visit")
def _visit(seen: Seen, servers: Any, job: Any, step: Any, demand: int, priority: int, bound: int, *rest: Any) -> None:
    if bound >= 0:
        seen.add("server.at")
    if job.kept is not None:
        seen.add("server.kept")
    if step.body.priority is not None:
        seen.add("server.step_priority")


@look(Servers, "start")
def _start(seen: Seen, servers: Any, visit: Any) -> None:
    seen.add("server.fixed")


@look(Servers, "_give_up")
def _server_gives_up(seen: Seen, servers: Any, visit: Any) -> None:
    if visit.node < 0:
        seen.add("server.patience")


@look(Servers, "_wait_blocked")
def _door(seen: Seen, servers: Any, visit: Any) -> None:
    seen.add("server.door")


@look(SetupServers, "_ready")
def _ready(seen: Seen, servers: Any, timer: Any) -> None:
    seen.add("server.setup")


@look(SetupServers, "left")
def _setup_left(seen: Seen, servers: Any, wanted: int) -> None:
    if len(servers.starting) > len(servers.line):
        seen.add("server.setup_called_off")


@look(Shared, "start")
def _share(seen: Seen, servers: Any, visit: Any) -> None:
    if servers.shared[visit.node].present:
        spec = servers.spec
        if spec.cores is not None:
            seen.add("server.cores")
        if spec.contention is not None:
            seen.add("server.contention")
        if spec.cores is not None and spec.servers is not None:
            seen.add("server.cores_and_servers")


@look(Shared, "node_speed")
def _node_speed(seen: Seen, servers: Any, node: int, speed: float) -> None:
    if servers.shared[node].present:
        seen.add("server.slowed" if speed else "server.paused")


@look(DelayStation, "visit")
def _delay_station(seen: Seen, station: Any, *rest: Any) -> None:
    seen.add("delay_station.itself")


@look(CustomerStation, "_give_up")
def _customer_gives_up(seen: Seen, station: Any, customer: Any) -> None:
    if not customer.inside:
        kinds = {FlushStation: "group_commit", PolledStation: "polled", BucketStation: "token_bucket"}
        seen.add(f"{kinds[type(station)]}.patience")


@look(BatchNode, "begin")
def _round(seen: Seen, node: Any, customers: Any, length: Any) -> None:
    flushes = isinstance(node.station, FlushStation)
    seen.add("group_commit.flush" if flushes else "polled.read")
    if flushes and node.line:
        seen.add("group_commit.limit")
    if node.station.group.speed(node.number) < 1:
        seen.add("batches.slow")


@look(BatchNode, "drop")
def _dropped(seen: Seen, node: Any, hit: Any) -> None:
    if node.customers:
        seen.add("group_commit.crashed" if isinstance(node.station, FlushStation) else "polled.crashed")


@look(BatchNode, "change_speed")
def _round_paused(seen: Seen, node: Any, speed: float) -> None:
    if speed == 0 and node.timer is not None:
        seen.add("batches.paused")


@look(FlushStation, "enter")
def _flush_enter(seen: Seen, station: Any, customer: Any, bound: int) -> None:
    if station.spec.when_down == "refuse" and not station.group.is_up(0):
        seen.add("group_commit.refused")


@look(PolledStation, "_read")
def _read(seen: Seen, station: Any, node: int) -> None:
    seen.add(f"polled.{station.spec.trigger}")
    if station.group.count > 1:
        seen.add("polled.nodes")
    if station.nodes[node].full_ns > station.clock._now:
        seen.add("polled.burst")
    if station.nodes[node].again:
        seen.add("polled.follow_up")
    if not station.nodes[node].line:
        seen.add("polled.follow_up_for_nobody")
    if len(station.nodes[node].line) > station.spec.batch:
        seen.add("polled.batch")


@look(PolledStation, "prompt")
def _prompted(seen: Seen, station: Any, job: Any) -> None:
    node = station._node(job)
    if station.nodes[node].line and station.group.ready[node]:
        seen.add("polled.prompt")


@look(BucketStation, "_take")
def _token(seen: Seen, station: Any, customer: Any, waited: bool) -> None:
    seen.add("token_bucket.waited" if waited else "token_bucket.at_once")


@look(BucketStation, "enter")
def _bucket_enter(seen: Seen, station: Any, customer: Any, bound: int) -> None:
    spec = station.spec
    limit = 0 if spec.when_empty == "reject" else spec.queue_limit
    empty = station.line or station.full_ns - station.slack_ns > station.clock._now
    if empty and limit is not None and len(station.line) >= limit:
        seen.add("token_bucket.rejected")


@look(LruCache, "look")
def _look(seen: Seen, cache: Any, node: int, execution: int) -> None:
    hit = execution in cache.nodes[node]
    seen.add("cache.hit" if hit else "cache.miss")
    if not hit and len(cache.nodes[node]) == cache.capacity:
        seen.add("cache.evicted")


@look(LruCache, "node_down")
def _cache_lost(seen: Seen, cache: Any, node: int, hit: Any) -> None:
    if cache.nodes[node]:
        seen.add("cache.crashed")
