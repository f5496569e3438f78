"""Amazon Aurora: an instance that writes, readers, and one volume of six copies in three zones under all of them."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from sim.scenario.model.instances import Instance, rds_instance
from sim.spec import Spec
from sim.units import InUnitFloat, InUnitInt, Mistake

AURORA_TELLS = ("rds", "nodes", "node", "disk", "cpu", "memory", "flush")
"""Keys of a cluster that follow from the class, or mean nothing there."""


class AuroraCluster(Spec):
    """An Aurora cluster: `{class: db.r6g.2xlarge, readers: 1}`. Its storage grows by itself and is in no bill here."""

    instance_class: str = Field(alias="class")
    """Class of each instance, which tells cores and memory, such as db.r6g.2xlarge."""
    readers: Annotated[int, Field(ge=0, le=15)] = 1
    """Instances beside the writer. One of them takes over when it dies; without any the writer restarts."""

    @model_validator(mode="after")
    def _is_to_be_had(self) -> Self:
        if rds_instance(self.instance_class) is None:
            raise Mistake(
                f"is {self.instance_class}, whose cores and memory are not known here",
                "write a class such as db.r6g.2xlarge",
                ("class",),
            )
        return self

    @property
    def machine(self) -> Instance:
        """Cores and memory of its class."""
        found = rds_instance(self.instance_class)
        assert found is not None, "checked when it was read"
        return found

    def cluster(self) -> dict[str, Any]:
        """What it tells about a cluster, by the keys of one."""
        return {
            "nodes": 1 + self.readers,
            "node": f"aurora.{self.instance_class}",
            "cpu": InUnitFloat(self.machine.cores),
            "memory": InUnitInt(self.machine.memory_bytes),
        }


def of_aurora(data: Any, beside: tuple[str, ...], pages: float, more: dict[str, Any]) -> Any:
    """What a store of Aurora is told, with what follows from its class.

    beside: further keys that follow from it. pages: share of the memory for pages. more: values of further keys.
    """
    if not isinstance(data, dict) or not isinstance(data.get("aurora"), dict):
        return data
    try:
        aurora = AuroraCluster.model_validate(data["aurora"])
    except ValidationError:
        return data  # told where it stands
    for key in (*AURORA_TELLS, *beside):
        if key in data:
            raise Mistake("is told by `aurora`", "leave it out", (key,))
    return {"cache": InUnitInt(round(aurora.machine.memory_bytes * pages)), **data, **aurora.cluster(), **more}
