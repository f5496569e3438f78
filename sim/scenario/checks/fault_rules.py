"""Whether what is said about one fault fits together. What it says about others is looked at in `check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.network.distributions import Constant
from sim.scenario.model.fault_targets import effects_of, recovery_of
from sim.units import Mistake

if TYPE_CHECKING:  # the model asks these rules about itself
    from sim.scenario.model.faults import DeploymentFault


def check(fault: DeploymentFault) -> None:
    """Raises what is wrong first, in the order in which a reader would ask: what, when, how long, which."""
    if not isinstance(fault.targets, str):
        _group(fault, fault.targets)
    _effect(fault)
    _cause(fault)
    _length(fault)
    if fault.is_rolling:
        _rolling(fault)
    else:
        _nodes(fault)


def _group(fault: DeploymentFault, targets: tuple[str, ...]) -> None:
    if len(set(targets)) < len(targets):
        raise Mistake("names a target twice", "name each once", ("target",))
    if "zone" in targets:
        raise Mistake("has any zone in it, but what fails together is certain", "name the zone", ("target",))
    if fault.is_rolling:
        raise Mistake("is for one target", "write a fault for each", ("nodes",))


def _effect(fault: DeploymentFault) -> None:
    for target in fault.each_target:
        known = effects_of(target)
        if fault.effect is not None and fault.effect not in known:
            hint = f"of {target}:   effect: {' | '.join(known)}" if len(known) > 1 else "leave it out"
            raise Mistake(f"is {fault.effect}, which is not known of {target}", hint, ("effect",))
    if fault.is_rolling and fault.effect not in (None, "crash"):
        raise Mistake(f"is {fault.effect}, but a rollout restarts pods", "leave it out", ("effect",))
    if (fault.effect == "slow") != (fault.speed is not None):
        raise Mistake("needs `speed` with `effect: slow`, and only with it", "write   effect: slow, speed: 0.1")
    is_load = any(target.startswith("workflows.") for target in fault.each_target)
    if is_load != (fault.factor is not None):
        raise Mistake("needs `factor` with `workflows.NAME`, and only with it", "write   factor: 5")
    if ("temporal.clock" in fault.each_target) != bool(fault.jump_ns):
        raise Mistake("needs `jump` with `temporal.clock`, and only with it", "write   jump: 30 s   or   jump: -30 s")
    if fault.notice_ns is not None:
        of_workers = all(target.startswith("workers.") for target in fault.each_target)
        if not of_workers or fault.effect not in (None, "crash"):
            raise Mistake("is for pods of `workers.QUEUE` that crash or are restarted", "leave it out", ("notice",))
    if fault.probability is not None and fault.effect != "errors":
        raise Mistake("goes with `effect: errors`", "leave it out", ("probability",))


def _cause(fault: DeploymentFault) -> None:
    given = [fault.at_ns, fault.mttf_ns, fault.rate_per_s, fault.seen]
    if sum(value is not None for value in given) != 1:
        raise ValueError(
            "needs one of `at` (a drill), `mttf`, `rate` and `seen`, and only one; "
            "write   at: 5 min   or   rate: 2/year"
        )
    if fault.at_ns is None:
        _common(fault)
        return
    for key, what in (
        ("source", "tells how often a fault comes, and a drill comes once"),
        ("window", "tells when a fault may come, and a drill has its time"),
        ("common", "is a share of many failures, and a drill is one; name its `nodes`"),
    ):
        if getattr(fault, key):
            raise Mistake(what, "leave it out", (key,))


def _common(fault: DeploymentFault) -> None:
    if not fault.common:
        return
    if not isinstance(fault.targets, str):
        raise Mistake("is for one target; these fail together anyway", "leave it out", ("common",))
    one_by_one = fault.target.split(".")[0] in ("temporal", "kubernetes") or (fault.of_store and not fault.is_whole)
    of_pods = fault.pool is not None or one_by_one
    if not of_pods or fault.nodes != "any":
        raise Mistake("is for pods or nodes that fail one by one", "leave it out", ("common",))


def _length(fault: DeploymentFault) -> None:
    """How long it takes is asked for, except where it follows from the target: a database that comes back."""
    requested = [one for _, one in fault.parts if not _is_known(one)]
    if requested and fault.repair is None:
        alone = requested[0].happens != "crash"
        what = "how long it lasts" if alone else "the time until a replacement is launched"
        raise ValueError(f"needs `repair`, {what}; write   repair: 30 s")
    if not requested and fault.repair is not None and "temporal.clock" not in fault.each_target:
        told = "that of PostgreSQL's presets, or without `copies` that of the replay of its log"
        for target in fault.each_target:
            if path := recovery_of(target):
                told = f"told under `{path}`"
        raise Mistake(f"is not known for the database: how long a failover takes is {told}", at=("repair",))


def _is_known(fault: DeploymentFault) -> bool:
    """Whether it need not be said how long it takes: a database comes back by itself, a clock may stay as it is."""
    if fault.of_clock:
        return not fault.is_random
    return fault.happens == "crash" and (bool(recovery_of(fault.target)) or fault.of_database)


def _nodes(fault: DeploymentFault) -> None:
    for key, value in (
        ("min_ready", fault.min_ready_ns),
        ("bad", fault.bad),
        ("change_failure_rate", fault.change_failure_rate),
    ):
        if value is not None:
            raise Mistake("goes with `nodes: rolling`", "leave it out", (key,))
    of_node = "kubernetes.node" in fault.each_target
    certain = fault.at_ns is not None or not isinstance(fault.targets, str)
    if of_node and certain and not isinstance(fault.nodes, tuple):
        what = "of a drill" if fault.at_ns is not None else "that fail together with others"
        raise Mistake(f"{what} are certain ones", "write   nodes: [0]", ("nodes",))
    if of_node and not certain and fault.nodes != "any":
        raise Mistake("at random fail one by one", "leave it out", ("nodes",))


def _rolling(fault: DeploymentFault) -> None:
    if fault.target != "temporal.history" and not fault.target.startswith("workers."):
        raise Mistake("is for pods of `workers.QUEUE` and of `temporal.history`", "leave it out", ("nodes",))
    if fault.mttf_ns is not None:
        raise Mistake("is that of a pod, and this is a rollout", "write   rate: 2/week", ("mttf",))
    _bad(fault)
    if not isinstance(fault.repair, Constant):
        raise Mistake("varies, but each pod has to know when the one before is back", "write a time", ("repair",))


def _bad(fault: DeploymentFault) -> None:
    """A drill is a good rollout or a bad one; of those at random a share is bad."""
    is_share = fault.change_failure_rate is not None
    if fault.at_ns is not None and is_share:
        raise Mistake(
            "is a share of many rollouts, and a drill is one", "write `bad` for a bad one", ("change_failure_rate",)
        )
    if fault.at_ns is None and is_share != (fault.bad is not None):
        if is_share:
            hint = "write   bad: {error_rate: 30 %, detected_after: 5 min}"
            raise Mistake("needs `bad`, what a bad version does", hint, ("change_failure_rate",))
        raise Mistake("needs `change_failure_rate`, how often it is so", "write   change_failure_rate: 5 %", ("bad",))
