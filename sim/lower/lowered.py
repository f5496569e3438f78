"""What a scenario becomes: the network, and what the network cannot say. How it becomes that lives in `lower`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sim.lower.setting import Setting
from sim.network import Network
from sim.network.faults import Fault, Window


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that the prediction rests on and that the scenario's author did not measure.

    source: where the value comes from, with its date; empty for a plain assumption.
    """

    what: str
    value: str
    source: str = ""


def stated(assumptions: Mapping[str, str]) -> tuple[Assumption, ...]:
    """What the author of a scenario has assumed."""
    return tuple(Assumption(what, value) for what, value in assumptions.items())


@dataclass(frozen=True, slots=True)
class Machine:
    """Machines to bill.

    resource: what they are in the deployment, such as "postgres" or "workers.orders". node: type in the catalogue, or
    the name of an own price. usd_per_month: the own price of one; None where the catalogue knows it. controller: that
    of the network which keeps them; they are paid for as long as it does.
    """

    resource: str
    node: str
    count: int
    usd_per_month: float | None = None
    spot: bool = False
    controller: str | None = None


@dataclass(frozen=True, slots=True)
class Volume:
    """Volumes to bill: `count` of them, each of `gib` with what is provisioned beyond its baseline."""

    resource: str
    disk: str
    gib: float
    count: int
    iops: float = 0.0
    mb_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class History:
    """What one execution of a workflow leaves in the store.

    bytes: of its history at its end, payload included. retention_ns: how long it is kept after that. rows: of its
    history and its state.
    """

    bytes: int
    retention_ns: int
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Computed:
    """A figure that follows from the scenario alone, such as the size of a table or the pages that a plan touches."""

    value: float
    unit: str
    how: str


@dataclass(frozen=True, slots=True)
class SyncMatch:
    """Operations (as `count` steps name them) whose ratio is the share of a queue's tasks that missed a poller."""

    dispatched: str
    backlog: str


@dataclass(frozen=True, slots=True)
class Rate:
    """How often faults of a kind come, all things that may fail taken together, and what says so.

    per_s: mean number of episodes a second. seen: what was observed, where that is the evidence: so many in so many
    ns. The rate is then `times` that of the process observed, whose posterior is Gamma(number + 1/2, time).
    """

    per_s: float
    seen: tuple[int, int] | None = None
    times: float = 1.0


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the ways in which an episode may go.

    chance: that it goes so. faults: its faults of the network, scripted from the instant 0 on; they happen in any run
    that has them. The first one bears the name of the class.
    """

    chance: float
    faults: Mapping[str, Fault]


@dataclass(frozen=True, slots=True)
class FaultClass:
    """A kind of fault that comes at random: how often, and what one episode of it is.

    variants: their chances add up to 1. source: who says how often; None where it is an assumption. window: when an
    episode may begin, where that is not at any time.
    """

    rate: Rate
    variants: tuple[Variant, ...]
    source: str | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Lowered:
    """A network with its context.

    deadlines_ns: for each routine that executions run, let in by a source or as children, within what time one has to
        end correctly (succeeded or compensated); None where there is no deadline.
    in_progress: routines that carry work which was under way at the start, with the workflow that they are part of:
        they belong to its number in flight, and enter no other figure.
    task_queues: by name, what tells the sync-match rate.
    memories: by task queue, the resource whose units are MiB that its activities hold.
    flushes: stations each of whose batches is one flush of a log to disk.
    companions: faults that happen together with the drill of this name, and only with it.
    in_drills: what each drill takes for good: name, and the operation that is counted.
    ages_in_drills: how far back what it takes reaches: name, and the family of spans whose longest is meant.
    shares: figures that are one operation's share of another: by name, the two.
    traffic: bytes to bill: meter of the price catalogue, and the operation that counts them.
    computed: figures that need no run, by the name that an objective may use.
    classes: every kind of fault that comes at random.
    settings: of every resource and station of the network, by its name.
    """

    network: Network
    deadlines_ns: Mapping[str, int | None]
    assumptions: tuple[Assumption, ...] = ()
    machines: tuple[Machine, ...] = ()
    volumes: tuple[Volume, ...] = ()
    histories: Mapping[str, History] = field(default_factory=dict)
    in_progress: Mapping[str, str] = field(default_factory=dict)
    task_queues: Mapping[str, SyncMatch] = field(default_factory=dict)
    memories: Mapping[str, str] = field(default_factory=dict)
    flushes: tuple[str, ...] = ()
    companions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    in_drills: Mapping[str, str] = field(default_factory=dict)
    ages_in_drills: Mapping[str, str] = field(default_factory=dict)
    shares: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    traffic: Mapping[str, str] = field(default_factory=dict)
    computed: Mapping[str, Computed] = field(default_factory=dict)
    classes: Mapping[str, FaultClass] = field(default_factory=dict)
    settings: Mapping[str, Setting] = field(default_factory=dict)

    @property
    def words(self) -> dict[str, str]:
        """What people call each resource and station."""
        return {name: setting.words for name, setting in self.settings.items()}

    @property
    def companion_of(self) -> dict[str, str]:
        """For each fault that is a companion, the drill that it happens with."""
        return {one: drill for drill, others in self.companions.items() for one in others}
