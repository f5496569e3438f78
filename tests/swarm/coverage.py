"""What can come about in a network, by name, and how to see in a run of the reference engine that it did.

A feature counts when it happened, not when it is written down: a timeout that expired, a line that was served last
come, first served. What the columns of a run do not tell is seen while it goes on, by the looks in `see_*.py`.
"""

from __future__ import annotations

from sim.engine.plan import Plan
from sim.network import Network
from sim.results.columns import OUTCOMES, Replication

FAMILIES = {
    "source": (
        "poisson renewal mmpp burst trace closed profile.step profile.linear profile.period batch burst.every "
        "burst.jitter think start stop limit priority uncounted during again cut_off too_late"
    ),
    "resource": (
        "fifo lifo priority attribute priority_attribute preempted rejected nodes shared_group several_units opening "
        "patience otherwise at affinity lease forget release not_held"
    ),
    "choice": "round_robin random least_loaded power_of_two bound_to_leaver",
    "wait_at": "round_robin random least_loaded power_of_two chosen_again",
    "keyed": "execution attribute skew",
    "server": (
        "fifo lifo priority attribute priority_attribute preempted rejected nodes shared_group fixed cores contention "
        "cores_and_servers slowed paused setup setup_called_off door kept patience at step_priority"
    ),
    "delay_station": "itself",
    "group_commit": "flush limit refused crashed patience",
    "polled": "arrival timer read batch burst follow_up follow_up_for_nobody prompt nodes crashed patience",
    "batches": "paused slow",
    "token_bucket": "at_once waited rejected patience",
    "use": "per",
    "cache": "hit miss evicted crashed",
    "delay": "service network timer per floor grid",
    "branch": "probability attribute",
    "loop": "itself none",
    "fork": "items branches all first k_of_n k_0 too_many empty cancel",
    "race": "itself",
    "children": "stopped",
    "join": "failed",
    "saga": "itself nested undone",
    "compensate": "itself",
    "call": "itself",
    "child": (
        "heard unheard takes gives nested uncounted followed failed failed_after after after_failure terminate cancel "
        "abandon with_parent asked_once left_to_after left_alone"
    ),
    "tell": "told nothing no_parent parent_closed too_late failed teller_gone",
    "mark": "itself once",
    "count": "itself",
    "set": "itself",
    "fail": "always chance",
    "attempt": "inline timed uncounted start on_failure silent taken_back left_behind stopped",
    "heartbeat": "lost resumed",
    "retry": "itself jitter floor grid maximum_interval non_retryable exhausted unlimited",
    "breaker": "opens half_open closes opens_again nodes trials_full stale left trial_left crashed",
    "timers": "put_off read within notified",
    "shed": "fifo lifo priority attribute priority_attribute spared node",
    "budget": "put_in full nodes takes spent crashed",
    "fault": (
        "crash pause slow errors load clock scripted drill random each any all listed several_targets overlap "
        "speeds_overlap for_ever no_time hit window common"
        " notice notice_over notice_early notice_chosen_again"
    ),
    "clock": "ahead behind moved to_now deadline",
    "controller": (
        "utilisation cores backlog schedule zero started started_broken stays leaves called_off interrupts drains "
        "forgotten"
    ),
    "job": "paused",
    "monitor": "eventually never_both at_most_once conserve just_in_time late violated undecided",
    "span": "itself after_crash",
    "plan": "warmup follow drain dropped samples replication",
    "outcome": "succeeded compensated failed rejected open",
    "failure": (
        "crash preempted rejected refused patience error join not_held open_circuit timeout_start_to_close "
        "timeout_schedule_to_start timeout_schedule_to_close timeout_heartbeat terminated cancel_requested"
    ),
    "finding": "deadlock nothing_left",
    "distribution": (
        "constant exponential lognormal uniform gamma hyperexponential weibull pareto empirical mixture "
        "residual fastest"
    ),
    "number": "int geometric poisson between attribute",
}
FEATURES = tuple(f"{fork_group}.{name}" for fork_group, names in FAMILIES.items() for name in names.split())
"""Every primitive of SEMANTICS.md, by the ways in which it may show."""


def told_by_columns(network: Network, plan: Plan, run: Replication) -> set[str]:
    """What the columns of a run tell."""
    outcomes = run.executions.outcome
    told = {
        "plan.warmup": bool(len(run.executions.start_ns)) and int(run.executions.start_ns.min()) < plan.warmup_ns,
        "plan.follow": run.followed_ns > run.horizon_ns,
        "plan.drain": run.end_ns > run.followed_ns,
        "plan.samples": len(run.sample_ns) > 0,
        "plan.replication": plan.replication > 0,
        "fault.hit": any(episode.hit for episode in run.episodes),
        "fault.drill": any(episode.fault == plan.drill for episode in run.episodes),
        "span.itself": any(use.count for use in run.spans.values() if not use.after_crash),
        "span.after_crash": any(use.count for use in run.spans.values() if use.after_crash),
        "monitor.violated": any(count.violated for count in run.monitors),
        "monitor.undecided": any(count.undecided for count in run.monitors),
        "finding.deadlock": run.deadlock is not None,
        "finding.nothing_left": any("no event is left" in finding for finding in run.findings),
        **{f"outcome.{name}": bool((outcomes == index).any()) for index, name in enumerate(OUTCOMES)},
    }
    for count in run.monitors:
        monitor = network.monitors[count.name]
        form = next(f for f in ("eventually", "never_both", "at_most_once", "conserve") if getattr(monitor, f))
        told[f"monitor.{form}"] = told.get(f"monitor.{form}", False) or count.antecedents > 0
    return {name for name, happened in told.items() if happened}
