"""The price of a node put together from its components, and one known node beside today's equivalents.

A 2018 blog post compared 30 Cassandra nodes with TimescaleDB on 5; case studies quote 33,251 USD a month for 30 nodes
and 3,325 USD for 3, which is one node at about 1,108.4 USD. This file rebuilds that figure from list prices. It is
cost arithmetic, never evidence about capacity. The prices are in prices/.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sim.cost.catalogue import Catalogue, Price, load_catalogue
from sim.units import HOURS_PER_MONTH

BENCHMARK_SOURCE = (
    'Lee Hampton, "Eye or the Tiger: Benchmarking Cassandra vs. TimescaleDB for time-series data", '
    "Timescale blog, 2018-09"
)
INFERENCE = (
    "An inference, not the blog's words: its cost table was not available. The blog states Azure Standard D8s v3 "
    "nodes (8 vCPU, 32 GB) with 4 x 1-TB disks in RAID 0. Of every Azure region x {Linux, Windows} x {720, 730, "
    "744 h} x five disk prices (some 900 combinations; one fits by chance with a probability of about 5 %), only "
    "D8s v3 at the Windows rate of Central, South Central or West Central US, 730 h, with 4 x P30 gives both "
    "printed totals. The Windows rate was the calculator's default; EXT4 nodes run Linux, which costs less. "
    f"Set-up: {BENCHMARK_SOURCE}."
)


@dataclass(frozen=True, slots=True)
class Component:
    """`count` equal parts of a node, each `quantity` units of one price a month."""

    price: Price
    quantity: float
    count: int = 1

    @property
    def usd_per_month(self) -> float:
        """List price a month."""
        return self.count * self.price.amount(self.quantity)

    @property
    def billed(self) -> float:
        """Units of all parts that are paid a month."""
        return self.count * self.price.billable(self.quantity)


@dataclass(frozen=True, slots=True)
class BuiltNode:
    """A node and what it is made of. note: what it is beside the benchmark's."""

    name: str
    components: tuple[Component, ...]
    note: str

    @property
    def usd_per_month(self) -> float:
        """List price of the whole node a month of 730 h."""
        return sum(component.usd_per_month for component in self.components)


def benchmark_node() -> BuiltNode:
    """The node of the 2018 benchmark: Azure D8s v3 at the Windows rate with 4 x P30.

    >>> f"{benchmark_node().usd_per_month:.2f}"
    '1108.37'
    """
    azure = load_catalogue("azure-2018-node")
    return BuiltNode(
        "Azure D8s v3, Windows rate, 4 x P30 (1 TiB)",
        (_machine(azure, "d8s_v3.windows"), Component(azure.meter("p30"), 1, count=4)),
        INFERENCE,
    )


def node_comparison() -> tuple[BuiltNode, ...]:
    """The benchmark's node, the same with the Linux rate, and equivalents on AWS, all at list price.

    The AWS equivalents are alike in shape (8 vCPU), not in measured speed.
    """
    azure, aws = load_catalogue("azure-2018-node"), load_catalogue("aws-us-east-1")
    return (
        benchmark_node(),
        BuiltNode(
            "Azure D8s v3, Linux rate, 4 x P30 (1 TiB)",
            (_machine(azure, "d8s_v3.linux"), Component(azure.meter("p30"), 1, count=4)),
            "what EXT4 nodes would have cost",
        ),
        BuiltNode(
            "AWS m5.2xlarge, 4 x 1 TiB gp3",
            (_machine(aws, "m5.2xlarge"), *_volume(aws, "gp3", gib=1024, count=4)),
            "the same shape: 8 vCPU, 32 GiB, four volumes",
        ),
        BuiltNode(
            "AWS i4i.2xlarge, local NVMe",
            (_machine(aws, "i4i.2xlarge"),),
            "8 vCPU, 64 GiB; the disks are lost with the node",
        ),
        BuiltNode(
            "AWS r6g.2xlarge, 1 TiB gp3 at 12,000 IOPS and 500 MB/s",
            (_machine(aws, "r6g.2xlarge"), *_volume(aws, "gp3", gib=1024, iops=12000, mb_per_s=500)),
            "8 vCPU, 64 GiB, Graviton",
        ),
    )


def _machine(catalogue: Catalogue, name: str) -> Component:
    return Component(catalogue.node(name), HOURS_PER_MONTH)


def _volume(
    catalogue: Catalogue, kind: str, gib: float, iops: float = 0.0, mb_per_s: float = 0.0, count: int = 1
) -> Iterable[Component]:
    disk = catalogue.disk(kind)
    for price, level in ((disk.storage, gib), (disk.iops, iops), (disk.throughput, mb_per_s)):
        if price is not None and price.billable(level) > 0:
            yield Component(price, level, count)
