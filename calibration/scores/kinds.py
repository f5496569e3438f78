"""Kinds of metrics and ranges of load: what an error is held against, and with what it is put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Use = Literal["calibrated", "held_out"]
Load = Literal["<50", "50-80", ">80", "overloaded"]

USES: Final[tuple[Use, ...]] = ("calibrated", "held_out")
LOADS: Final[tuple[Load, ...]] = ("<50", "50-80", ">80", "overloaded")

TARGETS: Final[Mapping[str, float]] = {
    "throughput": 0.05,
    "mean": 0.10,
    "p50": 0.10,
    "p99": 0.20,
    "recovery": 0.15,
}
"""By kind, the corrected |error| that this project sets out to reach on held-out points."""

WIDTHS: Final[Mapping[str, float]] = {"p99": 0.40}
"""By kind, the median relative half-width of 90 % prediction intervals that is aimed at; `WIDTH` for all others."""
WIDTH: Final = 0.25

_LEVELS: Final = ("mean", "p50", "p95", "p99")

SHARES: Final = frozenset({"aborts"})
"""Kinds whose error is a difference, not a ratio: a measured 0 is an answer."""

SCORED: Final = (
    *("throughput", "goodput", "aborts"),
    *(f"latency.{level}" for level in _LEVELS),
    *(f"schedule_to_start.{task}.{level}" for task in ("activity", "workflow_task") for level in _LEVELS),
    *("recovery", "recovery.close", "sticky"),
    *(f"{part}.{level}" for part in ("lag", "service", "start") for level in _LEVELS),
)
"""The metrics that are scored, in the order in which they are printed. Measurements hold more, such as CPU."""

_RECOVERIES: Final = frozenset({"recovery", "sticky"})
_WITHOUT_TARGET: Final = frozenset({"lag", "service", "start"})
"""Families that are parts of a latency: their errors are shown, not held against a target."""


def kind_of(metric: str) -> str:
    """What a metric is a figure of, by which targets go.

    >>> kind_of("schedule_to_start.activity.p99"), kind_of("goodput"), kind_of("recovery.close")
    ('p99', 'throughput', 'recovery')
    """
    if metric.partition(".")[0] in _RECOVERIES:
        return "recovery"
    last = metric.rpartition(".")[2]
    return {"goodput": "throughput"}.get(last, last)


def group_of(metric: str) -> str:
    """The metrics that a discrepancy is common to: those of one family and level.

    >>> group_of("schedule_to_start.activity.p99"), group_of("latency.mean"), group_of("goodput"), group_of("sticky")
    ('schedule_to_start.p99', 'latency.mean', 'throughput', 'recovery')
    """
    kind, family = kind_of(metric), metric.partition(".")[0]
    return f"{family}.{kind}" if kind in _LEVELS else kind


def target_of(metric: str) -> float | None:
    """The corrected |error| aimed at; None for a metric that is only shown."""
    return None if metric.partition(".")[0] in _WITHOUT_TARGET else TARGETS.get(kind_of(metric))


def load_range(share: float, kept_up: bool = True) -> Load:
    """The range that a load falls into.

    share: offered load over what the system can carry. kept_up: whether the work was done at the rate it came.
    """
    if not kept_up or share >= 1:
        return "overloaded"
    return "<50" if share < 0.5 else "50-80" if share <= 0.8 else ">80"
