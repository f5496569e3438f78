"""The scenarios that a first estimate is judged by: those of `configs`, the template, and generated ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from calibration.estimate.generated import HELD_OUT, WORKING, deployment
from sim.files import read_text

ROOT = Path(__file__).parent.parent.parent
TEMPLATE = "template"
CONFIGS = (
    "network/m1",
    "network/m2",
    "network/m3",
    "coinbase",
    "coinbase-tuned",
    "coinbase-pool",
    "stripe",
    "stripe-queue",
    "nih",
    "example-cluster",
    "netflix",
    "netflix-always-on",
    "temporal-postgres",
    "temporal-cassandra",
    "mysql",
    "sqlite",
    "spotify",
    "cern",
    "uber-writes",
    "uber-polling",
    "uber-federation",
    "uber-regions",
    "airflow",
    "airbnb",
    "dbos",
    "children",
    "borg",
    "reclaimed",
    "swf",
)
"""Scenarios whose load lasts, by their place below `configs`."""
PATHOLOGIES = (
    "failover-stampede",
    "fan-out-backlog",
    "load-balancer-sinkhole",
    "pool-exhaustion",
    "reconnect-storm",
    "retry-storm",
    "shard-hot-spot",
    "sticky-cache-loss",
    "thundering-schedule",
    "timeout-cascade",
)
"""What brings systems down, here without the faults that set it off."""


def names(held_out: bool) -> Iterator[str]:
    """Every scenario; of the generated ones those to look at, or instead of all that those that are held out."""
    if held_out:
        yield from (f"generated-{seed}" for seed in HELD_OUT)
        return
    yield from (*CONFIGS, TEMPLATE, *(f"pathologies/{name}" for name in PATHOLOGIES))
    yield from (f"generated-{seed}" for seed in WORKING)


def text_of(name: str) -> str:
    """The scenario of a name, as YAML."""
    if name.startswith("generated-"):
        return deployment(int(name.removeprefix("generated-")))
    path = ROOT / "sim" / "scenario" / "template.yaml" if name == TEMPLATE else ROOT / "configs" / f"{name}.yaml"
    return read_text(path)
