"""Managed databases of Amazon: RDS, where what is chosen tells what a cluster of one's own has to be told; and Aurora.

Aurora is an instance that writes, readers, and one volume of six copies in three zones under all of them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from sim.scenario.model.instances import Instance, rds_instance
from sim.spec import Spec
from sim.units import ByteRate, Bytes, InUnitFloat, InUnitInt, Mistake

STRIPED_FROM_BYTES = 400 * 10**9
"""From this size on a gp3 volume of RDS is striped over four. Source: Amazon RDS User Guide, gp3 storage (undated)."""
MOST_IOPS = 64_000
MOST_BYTES_PER_S = 4_000 * 10**6
SHARED_BUFFERS = 4
"""`shared_buffers` is the memory over this. Source: Amazon RDS User Guide, DBInstanceClassMemory/32768 pages."""

TELLS = ("nodes", "node", "disk", "cpu", "memory")
"""Keys of a cluster that follow from the class and the storage."""


class RdsInstance(Spec):
    """An instance of Amazon RDS: `{class: db.r6g.2xlarge, multi_az: instance, storage: 1000 GB}`."""

    instance_class: str = Field(alias="class")
    """Its class, which tells cores, memory and price, such as db.r6g.2xlarge."""
    multi_az: Literal["none", "instance"] = "none"
    """Whether a standby stands in another zone, which has every commit before it returns and cannot be read
    (instance)."""
    storage_bytes: Bytes
    """Size of its gp3 volume, and of that of its standby."""
    iops: Annotated[float, Field(gt=0)] | None = None
    """Operations a second, from 400 GB on: 12,000 come with the volume; below that it has 3,000."""
    throughput_bytes_per_s: ByteRate | None = None
    """Throughput, from 400 GB on: 500 MB/s come with the volume; below that it has 125 MB/s."""

    @model_validator(mode="after")
    def _is_to_be_had(self) -> Self:
        if rds_instance(self.instance_class) is None:
            raise Mistake(
                f"is {self.instance_class}, whose cores and memory are not known here",
                "write a class such as db.r6g.2xlarge, or without `rds`   cpu: 8, memory: 64 GiB",
                ("class",),
            )
        if self.storage_bytes < STRIPED_FROM_BYTES:
            for key, own in (("iops", self.iops), ("throughput", self.throughput_bytes_per_s)):
                if own is not None:
                    raise Mistake("is chosen from 400 GB on; smaller volumes have what comes with them", at=(key,))
        if self.iops is not None and not 12_000 <= self.iops <= MOST_IOPS:
            raise Mistake(
                f"is {self.iops:,.0f}; 12,000 come with the volume and {MOST_IOPS:,} are the most", at=("iops",)
            )
        rate = self.throughput_bytes_per_s
        if rate is not None and not 500e6 <= rate <= MOST_BYTES_PER_S:
            most = f"500 MB/s come with the volume and {MOST_BYTES_PER_S / 1e6:,.0f} are the most"
            raise Mistake(f"is {rate / 1e6:,.0f} MB/s; {most}", at=("throughput",))
        return self

    @property
    def machine(self) -> Instance:
        """Cores and memory of its class."""
        found = rds_instance(self.instance_class)
        assert found is not None, "checked when it was read"
        return found

    @property
    def standbys(self) -> int:
        """How many there are."""
        return 1 if self.multi_az == "instance" else 0

    @property
    def volume_iops(self) -> float:
        """Operations a second of the volume."""
        return self.iops or (12_000.0 if self.storage_bytes >= STRIPED_FROM_BYTES else 3_000.0)

    @property
    def volume_bytes_per_s(self) -> float:
        """Throughput of the volume."""
        return self.throughput_bytes_per_s or (500e6 if self.storage_bytes >= STRIPED_FROM_BYTES else 125e6)

    def cluster(self, billed_as: str = "") -> dict[str, Any]:
        """What it tells about a cluster, by the keys of one. Throughput that comes with the volume is not bought.

        billed_as: before its class in the price catalogue, for other products than PostgreSQL.
        """
        bought = self.throughput_bytes_per_s if (self.throughput_bytes_per_s or 0) > 500e6 else 0.0
        return {
            "nodes": 1 + self.standbys,
            "node": f"{billed_as}{self.instance_class}",
            "disk": {
                "type": "rds.gp3",
                "size": InUnitInt(self.storage_bytes),
                "iops": self.volume_iops,
                "throughput": InUnitFloat(bought or 0.0),
            },
            "cpu": InUnitFloat(self.machine.cores),
            "memory": InUnitInt(self.machine.memory_bytes),
        }


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
