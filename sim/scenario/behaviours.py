"""Behaviours: designs of the platform that can be switched off, to see what each of them is worth."""

from __future__ import annotations

from sim.spec import Spec


class Behaviours(Spec):
    """What the platform does by design. Each is on; `false` takes it away, and what it prevented comes back."""

    dynamic_fanout: bool = True
    """Items of a fan-out run at the same time, however many there are. Off: one after the other."""
    global_saga: bool = True
    """What a workflow has done is undone when it fails. Off: it fails and leaves behind what it has done."""
    locality: bool = True
    """Task queues know in which region the data of a task lies. Off: any worker takes it, and has the data moved."""
    multi_master: bool = True
    """Every one of `regions.masters` takes writes. Off: the first one alone does, for everybody."""
    serializable_multimaster: bool = True
    """Masters whose `isolation` is serializable wait for each other. Off: they claim it and tell each other later."""
    clock_skew: bool = True
    """The clocks of masters are apart by up to their `clock_error`. Off: they agree."""
    region_replication: bool = True
    """The store is copied to another region, as `regions.replication` says. Off: it is not."""
    retry_backoff: bool = True
    """A failed activity is tried again, after a back-off. Off: its first failure is its last; lost workers too."""
