"""A managed database: Amazon RDS. What is chosen there tells what a cluster of one's own has to be told."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

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
