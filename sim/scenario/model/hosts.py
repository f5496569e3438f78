"""Machines that several components share: hosts, a load generator among them, and nodes of a Kubernetes cluster."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from sim.network.counts import Speed
from sim.scenario.model.instances import instance
from sim.scenario.model.stores.registry import that_can
from sim.spec import Spec
from sim.units import Cores, Duration, Mistake, Ratio

LOAD = "load"
STORES = that_can("hosts")
Component = Annotated[
    str,
    Field(
        pattern=rf"^(workers\.[A-Za-z_][A-Za-z0-9_\-]*|{'|'.join(STORES)}|temporal\.(frontend|history|matching)|load)$",
        json_schema_extra={"x-form": f"workers.QUEUE, temporal.SERVICE, {', '.join(STORES)} or load"},
    ),
]


class Host(Spec):
    """A machine whose cores are shared by whoever runs on it."""

    cpu_cores: Cores
    """Its cores, in place of those that each component names."""
    components: Annotated[tuple[Component, ...], Field(min_length=1)]
    """What runs there: `workers.QUEUE`, `temporal.frontend`, `temporal.history`, `temporal.matching`; the store, such
    as `postgres`, or `sqlite` (whose statements are work on the cores then, and whose commits wait for the disk beside
    them), and `load` for the clients that start workflows."""
    speed: Annotated[float, Field(gt=0)] = 1.0
    """How fast a core is, over those that the CPU of the constants was measured on: 0.5 takes twice as long."""
    contention: Ratio = 0.0
    """By how much of its work each core that is at work slows the others, as threads of one core do: two of them do
    2 / 1.4 of the work of one at 40 %."""
    in_turn: bool = False
    """Whether who gets a core keeps it until its piece of work is done, first come first served, and not all share the
    cores at any time: as where a scheduler's time slice (3 ms in Linux's EEVDF) is longer than the pieces."""
    start_cpu_ns: Duration | None = None
    """CPU of the clients for each start, with `load` among the components."""

    @model_validator(mode="after")
    def _whole_cores(self) -> Self:
        if self.in_turn and self.cpu_cores != int(self.cpu_cores):
            raise Mistake("is no whole number, and whoever is at work has a core (`in_turn`)", "write 2", ("cpu",))
        return self

    @model_validator(mode="after")
    def _clients_cost(self) -> Self:
        if (LOAD in self.components) != (self.start_cpu_ns is not None):
            raise Mistake(
                "goes with `load` among the components, and that needs it", "write start_cpu: 0.5 ms", ("start_cpu",)
            )
        return self


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
