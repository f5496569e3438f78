"""Cores and memory of the machines of AWS by their type: the size tells the cores, the family the memory for each.

Source: AWS documentation, Amazon EC2 instance types and hardware specifications of RDS instance classes (undated).
"""

from __future__ import annotations

from dataclasses import dataclass

GIB = 2**30

CORES = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32, "12xlarge": 48, "16xlarge": 64}
"""vCPU by size."""
GIB_PER_CORE = {
    **dict.fromkeys(("c5", "c6g", "c6i", "c7g", "c7i"), 2),
    **dict.fromkeys(("m5", "m6g", "m6i", "m7g", "m7i", "m8g"), 4),
    **dict.fromkeys(("r5", "r6g", "r6i", "r7g", "r7i", "r8g"), 8),
}
"""Memory for each vCPU by family."""
WITHOUT_EVERY_SIZE = {"c5": ("8xlarge", "16xlarge")}
"""Sizes that a family does not have."""


@dataclass(frozen=True, slots=True)
class Instance:
    """What a machine has."""

    cores: int
    memory_bytes: int


def instance(name: str) -> Instance | None:
    """A machine by its type, such as m7g.2xlarge; None for one that is not known.

    >>> instance("r6g.2xlarge")
    Instance(cores=8, memory_bytes=68719476736)
    """
    family, _, size = name.partition(".")
    if family not in GIB_PER_CORE or size not in CORES or size in WITHOUT_EVERY_SIZE.get(family, ()):
        return None
    return Instance(CORES[size], CORES[size] * GIB_PER_CORE[family] * GIB)


def rds_instance(name: str) -> Instance | None:
    """A class of RDS, such as db.r6g.2xlarge; None for one that is not known."""
    return instance(name.removeprefix("db.")) if name.startswith("db.") else None
