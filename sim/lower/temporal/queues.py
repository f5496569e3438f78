"""Task queues of a deployment: those that one pool of workers serves, and federated ones, which several serve."""

from __future__ import annotations

from dataclasses import dataclass

from sim.lower.context import Context
from sim.lower.temporal.federation import FederatedQueue
from sim.lower.temporal.platform import Platform
from sim.lower.temporal.workers import Workers


@dataclass(frozen=True, slots=True)
class TaskQueues:
    """The queues that workflows and activities name, on one platform."""

    platform: Platform
    pools: dict[str, Workers]
    federated: dict[str, FederatedQueue]

    @classmethod
    def of(cls, platform: Platform) -> TaskQueues:
        """The queues of a scenario; every pool is put in place."""
        context, scenario = platform.context, platform.context.scenario
        pools = {queue: Workers(platform, queue) for queue in scenario.workers}
        federated = {
            name: FederatedQueue(context, name, [pools[pool] for pool in spec.pools])
            for name, spec in scenario.federations.items()
        }
        return cls(platform, pools, federated)

    @property
    def context(self) -> Context:
        """That of the platform."""
        return self.platform.context
