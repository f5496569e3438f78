"""Nodes: where the state of each one lies, whether it is up, paused or ready, and whom its crash hits."""

from __future__ import annotations

from sim.draws.jit import inner
from sim.draws.streams import child_path, uniform
from sim.engine.fast.layout import (
    CoresNode,
    Group,
    Header,
    Hit,
    Influence,
    Job,
    Node,
    Place,
    PlaceKind,
    PlaceNode,
    Readiness,
    Ref,
    Step,
)
from sim.engine.fast.memory import Floats, Memory, allocate


@inner
def node_at(m: Memory, place: Ref[Place], node: int) -> int:
    """Where the state of a place's node lies."""
    return m[place + Place.NODES] + node * (
        CoresNode.SIZE if m[place + Place.KIND] == PlaceKind.CORES else PlaceNode.SIZE
    )


@inner
def group_node(m: Memory, group: Ref[Group], node: int) -> int:
    """Where the state of a group's node lies."""
    return m[group + Group.NODES] + node * Node.SIZE


@inner
def is_ready(m: Memory, place: Ref[Place], node: int) -> bool:
    """Up and not paused."""
    return m[m[m[place + Place.GROUP] + Group.NODES] + node * Node.SIZE + Node.READY] != 0


@inner
def takes(m: Memory, place: Ref[Place], node: int) -> bool:
    """Ready, and not only for those who are bound to it."""
    return m[m[m[place + Place.GROUP] + Group.NODES] + node * Node.SIZE + Node.READY] == Readiness.READY


@inner
def is_up(m: Memory, place: Ref[Place], node: int) -> bool:
    """Not held down by a crash."""
    return m[m[m[place + Place.GROUP] + Group.NODES] + node * Node.SIZE + Node.DOWNS] == 0


@inner
def speed_of(m: Memory, f: Floats, group: Ref[Group], node: int) -> float:
    """Share of its speed that a node works at; 0 when paused."""
    return f[m[group + Group.NODES] + node * Node.SIZE + Node.SPEED]


@inner
def spoils(m: Memory, f: Floats, group: Ref[Group], node: int, job: Ref[Job], step: Ref[Step]) -> bool:
    """Whether a service that ends on the node now, of a job's visit by a step, ends in failure."""
    fault = m[group_node(m, group, node) + Node.ERRORS]
    while fault:
        path = child_path(m[job + Job.PATH], m[step + Step.STREAM_OFFSET])
        if uniform(m[fault + Influence.STREAM], path, m[fault + Influence.EPISODE]) < f[fault + Influence.VALUE]:
            return True
        fault = m[fault]
    return False


@inner
def add_hit(m: Memory, job: Ref[Job], depth: int) -> None:
    """Note that a crash hits a job; depth -1: it loses no grant. One job may be noted several times."""
    hit = allocate(m, Hit.SIZE)
    m[hit + Hit.NEXT] = m[Header.HITS]
    m[hit + Hit.ORDER] = m[job + Job.ORDER]
    m[hit + Hit.JOB] = job
    m[hit + Hit.DEPTH] = depth
    m[Header.HITS] = hit
