"""A cluster of Kubernetes: the nodes that the pods of services and workers stand on."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from sim.network.counts import Speed
from sim.scenario.model.instances import instance
from sim.spec import Spec
from sim.units import Cores, Mistake, Ratio


class Kubernetes(Spec):
    """Nodes that pods share. On them stand the pods of `temporal`, `pgbouncer` and `workers` that name no machine
    (`node`), no host, no region or way (`rtt`) of their own and are not bought on the spot market."""

    node: str
    """Machine of each node: a type of the price catalogue, or a name under `prices.nodes`."""
    nodes: Annotated[int, Field(ge=1, le=15_000)]
    """Nodes; with `zones` they stand where pods do, in all zones in turn."""
    cpu_cores: Cores | None = None
    """Cores of a node; known for types of AWS."""
    cpu_speed: Speed | None = None
    """How fast the cores of a node are, over those of the host that the CPU times of the presets were fitted on; for
    pods there that do not say so themselves. Without it that of the preset."""
    system_reserved: Ratio = 0.0
    """Share of each node's cores that pods cannot ask for: the system, the kubelet, daemonsets."""

    @model_validator(mode="after")
    def _cores_are_known(self) -> Self:
        if self.cpu_cores is None and instance(self.node) is None:
            raise Mistake(f"is {self.node}, whose cores are not known here", "add   cpu: 8", ("node",))
        if self.system_reserved >= 1:
            raise Mistake("is all of a node", "write 12 %", ("system_reserved",))
        return self

    @property
    def allocatable(self) -> float:
        """Cores of a node that pods can ask for."""
        known = instance(self.node)
        cores = self.cpu_cores if self.cpu_cores is not None else float(known.cores if known else 0)
        return cores * (1 - self.system_reserved)
