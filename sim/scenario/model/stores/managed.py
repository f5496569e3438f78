"""SQL databases, on nodes of one's own or managed by Amazon: RDS and Aurora tell what a cluster is told otherwise.

Aurora is an instance that writes, readers, and one volume of six copies in three zones under all of them.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator

from sim.network.counts import Speed
from sim.scenario.model.instances import Instance, rds_instance
from sim.scenario.model.stores.base import StoreCluster, Values
from sim.spec import Spec
from sim.units import ByteRate, Bytes, Cores, InUnitFloat, InUnitInt, Mistake

STRIPED_FROM_BYTES = 400 * 10**9
"""From this size on a gp3 volume of RDS is striped over four. Source: Amazon RDS User Guide, gp3 storage (undated)."""
MOST_IOPS = 64_000
MOST_BYTES_PER_S = 4_000 * 10**6
SHARED_BUFFERS = 4
"""`shared_buffers` is the memory over this. Source: Amazon RDS User Guide, DBInstanceClassMemory/32768 pages."""

TELLS = ("nodes", "node", "disk", "cpu", "memory")
"""Keys of a cluster that follow from the class and the storage."""


class OfClass(Spec):
    """What runs on instances of a class that Amazon tells cores and memory of."""

    otherwise: ClassVar[str] = ""
    """What to write instead of a class that is not known."""

    instance_class: str = Field(alias="class")
    """Class of each instance."""

    @model_validator(mode="after")
    def _is_to_be_had(self) -> Self:
        if rds_instance(self.instance_class) is None:
            raise Mistake(
                f"is {self.instance_class}, whose cores and memory are not known here",
                f"write a class such as db.r6g.2xlarge{self.otherwise}",
                ("class",),
            )
        return self

    @property
    def machine(self) -> Instance:
        """Cores and memory of its class."""
        found = rds_instance(self.instance_class)
        assert found is not None, "checked when it was read"
        return found


class RdsInstance(OfClass):
    """An instance of Amazon RDS: `{class: db.r6g.2xlarge, multi_az: instance, storage: 1000 GB}`."""

    otherwise = ", or without `rds`   cpu: 8, memory: 64 GiB"

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
    def _fits_its_volume(self) -> Self:
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


class AuroraCluster(OfClass):
    """An Aurora cluster: `{class: db.r6g.2xlarge, readers: 1}`. Its storage grows by itself and is in no bill here."""

    instance_class: str = Field(alias="class")
    """Class of each instance, which tells cores and memory, such as db.r6g.2xlarge."""
    readers: Annotated[int, Field(ge=0, le=15)] = 1
    """Instances beside the writer. One of them takes over when it dies; without any the writer restarts."""

    def cluster(self) -> dict[str, Any]:
        """What it tells about a cluster, by the keys of one."""
        return {
            "nodes": 1 + self.readers,
            "node": f"aurora.{self.instance_class}",
            "cpu": InUnitFloat(self.machine.cores),
            "memory": InUnitInt(self.machine.memory_bytes),
        }


Managed = TypeVar("Managed", bound=OfClass)


def _managed(data: Any, key: str, model: type[Managed], tells: tuple[str, ...]) -> Managed | None:
    """What a store is told under a key of its own; None where that is not there, or is wrong and told where it stands.

    tells: keys that follow from it.
    """
    if not isinstance(data, dict) or not isinstance(data.get(key), dict):
        return None
    try:
        found = model.model_validate(data[key])
    except ValidationError:
        return None
    for one in tells:
        if one in data:
            raise Mistake(f"is told by `{key}`", "leave it out", (one,))
    return found


def of_rds(data: Any, confirming: str, pages: float, billed_as: str = "") -> Any:
    """What a store of RDS is told, with what follows from its class and storage.

    confirming: key that says who confirms a commit, which follows from them. pages: share of the memory for pages.
    """
    rds = _managed(data, "rds", RdsInstance, (*TELLS, confirming))
    if rds is None:
        return data
    return {"cache": _for_pages(rds, pages), **data, **rds.cluster(billed_as)}


def of_aurora(data: Any, beside: tuple[str, ...], pages: float, more: dict[str, Any]) -> Any:
    """What a store of Aurora is told, with what follows from its class.

    beside: further keys that follow from it. pages: share of the memory for pages. more: values of further keys.
    """
    aurora = _managed(data, "aurora", AuroraCluster, (*AURORA_TELLS, *beside))
    if aurora is None:
        return data
    return {"cache": _for_pages(aurora, pages), **data, **aurora.cluster(), **more}


def _for_pages(instance: OfClass, share: float) -> InUnitInt:
    return InUnitInt(round(instance.machine.memory_bytes * share))


class SqlCluster(StoreCluster):
    """A SQL database: on nodes of one's own, or managed."""

    values: ClassVar[Values] = {("rds.multi_az", True): "instance", ("rds.multi_az", False): "none"}

    cpu_cores: Cores | None = None
    """Cores of each node."""
    cpu_speed: Speed | None = None
    """How fast the cores of its nodes are, over those of the host that CPU times were measured on: at 0.5 all CPU
    there takes twice as long. Without it that of the preset."""
    memory_bytes: Bytes | None = None
    """Memory of each node; the connections must fit into it."""
    aurora: AuroraCluster | None = None
    """Managed by Amazon Aurora: its class tells nodes, cores, memory, `cache` and what an instance costs."""
    rds: RdsInstance | None = None
    """Managed by Amazon RDS: class and storage tell nodes, cores, memory, standby, disk, `cache` and what it costs."""

    @property
    def cores(self) -> float:
        """Cores of each node."""
        assert self.cpu_cores is not None, "checked when it was read"
        return self.cpu_cores

    @property
    def speed(self) -> float | None:
        """How fast its cores are."""
        return self.cpu_speed

    @property
    def disk_bytes_per_s(self) -> float:
        """Throughput of the volume; 0 where it is not told."""
        if self.rds is not None:
            return self.rds.volume_bytes_per_s
        return 0.0 if self.disk is None else self.disk.throughput_bytes_per_s
