"""Behaviours: designs of the platform that can be switched off, to see what each of them is worth."""

from __future__ import annotations

from sim.spec import Spec


class Behaviours(Spec):
    """What the platform does by design. Each is on; `false` takes it away, and what it prevented comes back."""

    checkpoint: bool = True
    """An attempt goes on behind the last chunk that was reported. Off: each attempt begins with the first chunk."""
    dynamic_fanout: bool = True
    """Items of a fan-out run at the same time, however many there are. Off: one after the other."""
    event_sourcing: bool = True
    """The state of an execution is its history, which grows by each event: it is replayed where no cache has it, and
    kept. Off: one row of state, which costs nothing to load and does not grow."""
    federation: bool = True
    """A task of a federated queue runs elsewhere where its own site has no slot in time. Off: it waits for its own."""
    global_saga: bool = True
    """What a workflow has done is undone when it fails. Off: it fails and leaves behind what it has done."""
    heartbeat: bool = True
    """A lost worker is noticed when its heartbeats stay out. Off: by start-to-close alone."""
    locality: bool = True
    """Task queues know in which region, or at which site of a federation, the data of a task lies. Off: any worker
    takes it, and has the data moved."""
    multi_master: bool = True
    """Every one of `regions.masters` takes writes. Off: the first one alone does, for everybody."""
    serializable_multimaster: bool = True
    """Masters whose `isolation` is serializable wait for each other. Off: they claim it and tell each other later."""
    clock_skew: bool = True
    """The clocks of masters are apart by up to their `clock_error`. Off: they agree."""
    region_replication: bool = True
    """The store is copied to another region, as `regions.replication` says. Off: it is not."""
    retry_backoff: bool = True
    """A failed activity is tried again, after a back-off. Off: its first failure is its last, a lost worker
    included. Local activities are tried again all the same."""
    versioning: bool = True
    """Executions that are under way at a rollout end on workers of their version. Off: they meet the new code, which
    their history does not fit to, and fail there and then."""
