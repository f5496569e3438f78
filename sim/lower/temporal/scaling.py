"""Worker pools whose pods come and go: an autoscaler, and spot machines that are taken back."""

from __future__ import annotations

from sim.lower.steps import constant
from sim.lower.temporal.workers import Workers
from sim.network.controllers import Controller, Schedule, Shift
from sim.network.distributions import Exponential
from sim.network.faults import Fault, Target
from sim.scenario.model.workers import WorkerPool
from sim.units.tables import SECOND

LOOK_NS = SECOND
"""How often a fleet's plan is looked at."""


def scale(workers: Workers) -> None:
    """Let the pods of a pool come and go as the scenario says."""
    pool = workers.pool
    if pool.scales:
        _add_autoscaler(workers, pool)
    elif pool.comes_or_goes:
        _add_fleet(workers, pool)
    if pool.spot_mttf_ns is not None:
        _add_spot_losses(workers, pool, pool.spot_mttf_ns)


def _add_autoscaler(workers: Workers, pool: WorkerPool) -> None:
    by_cpu = pool.target_cpu is not None
    workers.parts.controllers[workers.queue] = Controller(
        nodes=workers.nodes,
        of=(workers.cpu,) if by_cpu else workers.slots_in_use,
        minimum=pool.replicas[0],
        interval_ns=workers.constants.number("kubernetes.autoscaler_interval", pool.interval_ns),
        utilisation=pool.target_cpu if by_cpu else pool.target_utilisation,
        backlog=pool.target_backlog,
        start_delay=constant(pool.start_delay_ns),
        cool_down_ns=workers.constants.number("kubernetes.scale_in_window", pool.cool_down_ns),
        drain_limit_ns=workers.constants.number("kubernetes.grace_period", pool.grace_period_ns),
    )
    note = workers.constants.record_assumption
    workers.constants.record_assumptions(
        {
            "how fast an autoscaler adds pods": (
                "at once, as many as its target asks for: Kubernetes' limit (4 pods, or twice as many, in 15 s) and "
                "its tolerance of 10 % are left out"
            ),
            "a pod that an autoscaler takes away": (
                "is the one with the least at work; its sticky queue is given up at once, and what it had cached is "
                "rebuilt"
            ),
            "pods at the start": "of an autoscaled pool: the least",
            "machines of an autoscaled pool": (
                "one for each pod, paid from the decision to start it until it is gone; a provider's minimum of 60 s "
                "a start is left out"
            ),
        }
    )
    if by_cpu:
        note("CPU that an autoscaler sees", "that of workflow tasks and of replay")


def _add_fleet(workers: Workers, pool: WorkerPool) -> None:
    """A fleet that comes or goes as a whole, as the versions of workers do at a rollout."""
    points = [Shift(at_ns=0, nodes=0 if pool.start_at_ns else pool.most)]
    if pool.start_at_ns is not None:
        points.append(Shift(at_ns=pool.start_at_ns, nodes=pool.most))
    if pool.stop_at_ns is not None:
        points.append(Shift(at_ns=pool.stop_at_ns, nodes=0))
    workers.parts.controllers[workers.queue] = Controller(
        nodes=workers.nodes,
        initial=points[0].nodes,
        interval_ns=LOOK_NS,
        schedule=Schedule(points=tuple(points)),
        start_delay=constant(pool.start_delay_ns),
        drain_limit_ns=workers.constants.number("kubernetes.grace_period", pool.grace_period_ns),
    )
    workers.constants.record_assumption("a fleet that comes or goes", "with all its pods at once, at whole seconds")


def _add_spot_losses(workers: Workers, pool: WorkerPool, mttf_ns: int) -> None:
    workers.parts.faults[f"{workers.queue}-spot-loss"] = Fault(
        targets=(Target(group=workers.nodes),),
        mttf=Exponential(exponential_ns=mttf_ns),
        each=True,
        duration=constant(pool.start_delay_ns),
        notice_ns=pool.spot_notice_ns,
    )
    used = (
        "taken back without using the provider's notice: what is at work there is lost with the pod"
        if pool.spot_notice_ns is None
        else "taken back on notice: what is at hand there may end in that time, its replacement is started after it"
    )
    workers.constants.record_assumption(
        "spot machines", f"{used}; another machine is to be had at once, at the price of spot"
    )
