"""What one run consumed: the quantities that a bill multiplies with prices. Prices are in `catalogue`.

Quantities are counted over the run's window and carry their intervals. A steady scenario is scaled to a month of
730 h; a finite one costs what one run costs, and has a month only when its runs per month are declared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sim.cost.propagate import times
from sim.figure import Figure
from sim.units import HOURS_PER_MONTH

GIB = 2**30
ONE = Figure.exact(1.0, "")


@dataclass(frozen=True, slots=True)
class NodeUse:
    """Hours of nodes of one type.

    resource: what they are in the deployment, such as "kubernetes.nodes".
    node: name of the type in the catalogue.
    hours: billed node-hours in the window, all nodes together: for an autoscaled pool its mean size x the window.
    standing: in a finite scenario, whether they stand all month and not only during a run.
    spot: bought on the spot market.
    """

    resource: str
    node: str
    hours: Figure
    standing: bool = False
    spot: bool = False


@dataclass(frozen=True, slots=True)
class DiskUse:
    """Volumes of one kind: size, IOPS and throughput are those of one volume and billed as long as it exists.

    volumes: mean number of volumes over the window; a standby in another zone is one more.
    iops, mb_per_s: what is provisioned per volume; 0 takes what comes with it.
    """

    resource: str
    disk: str
    size_gib: Figure
    volumes: Figure = ONE
    iops: float = 0.0
    mb_per_s: float = 0.0
    standing: bool = False


@dataclass(frozen=True, slots=True)
class MeterUse:
    """Anything else that is counted over the window: traffic in GB of 2^30 bytes, requests, hours of a gateway.

    quantity: plain count, also where the price is for a million. A meter with tiers (egress) has one use, since each
        use starts at the first tier.
    """

    resource: str
    meter: str
    quantity: Figure
    standing: bool = False


@dataclass(frozen=True, slots=True)
class WorkflowUse:
    """What one kind of workflow did, and how it weighs when shared cost is allotted.

    executions: closed in the window, a count; those that other workflows let in as children too.
    children: the workflows that it lets in as children, whose work and cost are theirs.
    transitions_per_execution, tasks_per_execution: durable state transitions; activity attempts.
    actions_per_execution: billable Actions of Temporal Cloud, activity retries included (Temporal documentation,
        docs/evaluate/cloud/actions.mdx).
    """

    name: str
    executions: Figure
    transitions_per_execution: float = 1.0
    tasks_per_execution: float = 0.0
    actions_per_execution: float = 0.0
    children: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Everything that one run consumed.

    window_hours: length of the window that all quantities were counted over.
    steady: whether the window stands for any other hour; a finite scenario (a campaign, a drill) does not.
    runs_per_month: of a finite scenario, if declared.
    active_gib, retained_gib: histories of open and of closed executions, mean over the window.
    statements, commits: reaching the store in the window, counts; not billed by themselves but a yardstick of cost.
    """

    window_hours: float
    steady: bool
    nodes: tuple[NodeUse, ...] = ()
    disks: tuple[DiskUse, ...] = ()
    meters: tuple[MeterUse, ...] = ()
    workflows: tuple[WorkflowUse, ...] = ()
    runs_per_month: float | None = None
    active_gib: Figure | None = None
    retained_gib: Figure | None = None
    statements: Figure | None = None
    commits: Figure | None = None

    def __post_init__(self) -> None:
        assert self.window_hours > 0, self.window_hours
        assert not (self.steady and self.runs_per_month is not None), "a steady scenario has no runs per month"
        assert self.runs_per_month is None or self.runs_per_month > 0, self.runs_per_month
        names = [workflow.name for workflow in self.workflows]
        assert len(set(names)) == len(names), names

    @property
    def has_month(self) -> bool:
        """Whether a month can be made of the run."""
        return self.steady or self.runs_per_month is not None

    def windows_per_month(self, standing: bool = False) -> float:
        """How many times the window's consumption falls into a month; standing things are consumed all month."""
        assert self.has_month
        if self.steady or standing:
            return HOURS_PER_MONTH / self.window_hours
        assert self.runs_per_month is not None
        return self.runs_per_month


def kept_gib(bytes_each: float, executions_per_s: Figure, kept_s: float) -> Figure:
    """Mean GiB held when each execution leaves `bytes_each` that are kept for `kept_s`.

    In the steady state this is Little's law: arrival rate x time kept is the number of histories present.
    """
    assert bytes_each >= 0
    assert 0 <= kept_s < math.inf
    return times(executions_per_s, bytes_each * kept_s / GIB, "GiB")
