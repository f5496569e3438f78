"""What users write, and what they are told when it does not fit.

Goal: a mistake in a deployment is reported at its place, in its own words, with what to write instead. Method: the
shipped scenarios and a small one, broken in one way at a time.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from lower_fixture import SMALL

from sim.errors import InputErrors, Problem
from sim.lower.load import load
from sim.scenario.model.faults import DeploymentFault
from sim.units.tables import DAY, SECOND, YEAR

CONFIGS = Path(__file__).parents[2] / "configs"


def problems(text: str, *sets: str) -> list[Problem]:
    with pytest.raises(InputErrors) as caught:
        load(text, sets)
    return list(caught.value.problems)


def told(text: str, *sets: str) -> str:
    """The only problem, as the user reads it."""
    found = problems(text, *sets)
    assert len(found) == 1, "\n".join(map(str, found))
    return str(found[0])


# ---------------------------------------------------------------------------------------------- what is shipped


def test_the_inputs_of_the_case_study_are_really_used() -> None:
    loaded = load(CONFIGS / "coinbase.yaml")
    network = loaded.lowered.network
    assert network.sources["transfer"].arrivals.poisson_per_s == 50  # type: ignore[union-attr]
    pool = network.resources["connections"]
    assert (pool.open, pool.units) == (16, 500)
    assert network.stations["postgres-cpu"].cores == 8  # type: ignore[union-attr]
    billed = {machine.resource: machine for machine in loaded.lowered.machines}
    assert billed["postgres"].count == 3
    assert billed["postgres"].usd_per_month == 1108.37
    timers = [step for step in str(network.routines["transfer"]).split("constant_ns=") if step.startswith("864000")]
    assert timers, "the 24 h timer"


def test_the_tuned_variant_differs_in_its_two_timeouts_alone() -> None:
    plain, tuned = load(CONFIGS / "coinbase.yaml").scenario, load(CONFIGS / "coinbase-tuned.yaml").scenario
    pool = tuned.workers["transfers"]
    assert (pool.sticky_schedule_to_start_ns, pool.workflow_task_timeout_ns) == (2 * SECOND, 3 * SECOND)
    same = pool.model_copy(update={"sticky_schedule_to_start_ns": None, "workflow_task_timeout_ns": None})
    assert tuned.model_copy(update={"name": plain.name, "workers": {"transfers": same}}) == plain


def test_every_assumption_of_a_report_has_a_source_or_says_that_it_has_none() -> None:
    assumptions = load(CONFIGS / "coinbase.yaml").lowered.assumptions
    assert len({assumption.what for assumption in assumptions}) == len(assumptions)
    sourced = [assumption for assumption in assumptions if assumption.source]
    assert len(sourced) > 20
    assert all(assumption.what and assumption.value for assumption in assumptions)


def test_equal_scenarios_have_equal_hashes_and_changed_ones_others() -> None:
    plain = load(SMALL).hash
    assert load(SMALL + "\n# a comment\n").hash == plain
    assert load(SMALL, ["postgres.cpu=4 vCPU"]).hash == plain
    assert load(SMALL, ["postgres.cpu=5"]).hash != plain


def test_a_changed_constant_is_told_as_the_scenarios_own() -> None:
    own = load(SMALL, ["constants.postgres.cpu_per_message=40 us"]).lowered.assumptions
    (found,) = [one for one in own if one.what.startswith("CPU of one message")]
    assert (found.value, found.source) == ("40 us", "the scenario's own, under `constants`")


def test_a_network_is_taken_as_it_is() -> None:
    loaded = load(CONFIGS / "network" / "m1.yaml")
    assert loaded.lowered.network is loaded.scenario.network
    assert loaded.lowered.deadlines_ns == {"job": None}


# ---------------------------------------------------------------------------------------------- mistakes


def test_a_queue_without_workers_is_told_at_its_line_with_the_nearest_name() -> None:
    unknown, unused = problems(SMALL.replace("task_queue: orders", "task_queue: order"))
    line = SMALL.split("\n").index("    task_queue: orders") + 1
    assert str(unknown).startswith(f"scenario:{line}:17  workflows.order.task_queue")
    assert "did you mean orders?" in str(unknown)
    assert unused.path == "workers.orders"


@pytest.mark.parametrize(
    ("assignment", "path", "words"),
    [
        ("workflows.order.steps.0.activity.start_to_close=50 ms", "steps.0.activity", "takes 100 ms on average"),
        ("workflows.order.steps.0.activity.heartbeat=3 s", "activity.heartbeat", "can never expire"),
        ("workflows.order.steps.0.activity.task_queue=other", "activity.task_queue", "is not a queue with workers"),
        (
            "workflows.order.steps.0={fan_out: {items: {attribute: n}, activity: {name: a, service: 1 s}}}",
            "items",
            "is an attribute",
        ),
        ("postgres.synchronous_standbys=1", "postgres.synchronous_standbys", "there are no standbys"),
        ("postgres.memory=100 MB", "postgres.memory", "20 connections may need 200 MB"),
        ("temporal.sql={initial: 3}", "temporal.sql", "`history` is missing"),
        ("presets.temporal='0.9'", "presets.temporal", "is not a preset"),
        ("constants.temporal={rtt: 5}", "constants.temporal.rtt", "without a unit"),
        ("constants.temporal={rt: 5 ms}", "constants.temporal.rt", "is not a constant of temporal 1.31"),
        ("constants.temporal={create: 5}", "constants.temporal.create", "is not a constant"),
        ("monitors={m: {at_most_once: paid}}", "monitors.m.at_most_once", "is not the `effect` of an activity"),
        ("faults={f: {target: workers.order, at: 1 s, repair: 1 s}}", "faults.f.target", "is not a pool of workers"),
        ("faults={f: {target: temporal.history, at: 1 s, repair: 1 s}}", "faults.f.target", "has no pods here"),
        ("faults={f: {target: workers.orders, at: 1 s, repair: 1 s, nodes: [2]}}", "faults.f.nodes", "names pod 2"),
        ("faults={f: {target: workers.orders, at: 1 s}}", "faults.f", "needs `repair`"),
        (
            "faults={f: {target: postgres.primary, at: 1 s, repair: 1 s}}",
            "faults.f.repair",
            "is not known for the database",
        ),
        ("faults={f: {target: workers.orders, repair: 1 s}}", "faults.f", "needs one of `at`"),
        ("workers.orders.node=big", "workers.orders.node", "has no price"),
        ("workers.spare={replicas: 1, cpu: 1}", "workers.spare", "no workflow puts anything into"),
        ("network={sources: {}, routines: {}}", "workflows", "is a word of a deployment"),
    ],
)
def test_each_mistake_is_told_at_its_place(assignment: str, path: str, words: str) -> None:
    text = told(SMALL, assignment)
    assert path in text
    assert words in text


def test_a_wait_that_may_never_end_is_refused() -> None:
    wait = "      - wait: {signal: s, after: 1 s, missing: 1 %}\n"
    text = told(SMALL.replace("    steps:\n", "    steps:\n" + wait))
    assert "steps.0.wait.missing" in text
    assert "timer" in text


def test_a_compensation_of_a_compensation_is_refused() -> None:
    undo = "compensate: {name: a, service: 1 s, compensate: b}"
    text = told(SMALL.replace("effect: charged}", f"effect: charged, {undo}}}"))
    assert "what undoes is not undone" in text


def test_idempotent_without_an_effect_is_refused() -> None:
    assert "means nothing without an `effect`" in told(SMALL.replace("effect: charged", "idempotent: true"))


def test_what_is_missing_is_told_at_once() -> None:
    missing = "has no `workflows`, `workers`, `temporal`, store (`postgres`, `mysql`, `cassandra` or `sqlite`)"
    assert missing in told("name: nothing\nrun: {horizon: 1 min}\n")


def test_work_in_progress_needs_a_deployment_and_a_known_population() -> None:
    network = "network: {sources: {s: {routine: r, arrivals: 1/s}}, routines: {r: []}}\n"
    assert "run.start" in told(f"name: raw\nrun: {{start: in_progress}}\n{network}")
    closed = SMALL.replace("arrivals: {burst: 1}", "arrivals: {closed: 3}") + "run: {start: in_progress}\n"
    assert "work in progress is not known" in told(closed)


def test_mistakes_in_a_network_are_placed_in_the_file() -> None:
    text = "name: raw\nnetwork:\n  sources: {s: {routine: r, arrivals: 1/s}}\n  routines:\n    r:\n      - use: desk\n"
    found = told(text)
    assert "scenario:6:14  network.routines.r.0.use" in found
    assert "`desk` is not a station" in found


def test_an_observed_failure_rate_is_a_posterior_mean() -> None:
    seen = DeploymentFault.model_validate({"target": "postgres.primary", "seen": "2 in 2 years"})
    assert seen.mean_gap_ns == round(2 * YEAR / 2.5)
    rate = DeploymentFault.model_validate({"target": "postgres.primary", "rate": "1/day"})
    assert rate.mean_gap_ns == pytest.approx(DAY)
