"""When faults come, whom they choose, and what the ones that are no crashes do: pause, errors, random lives."""

from __future__ import annotations

import pytest
from timeline import Engine, Timeline

PAUSE = "{targets: [{group: fleet}], effect: pause, at: 4 ms, duration: 20 ms, drill: false}"


def job(steps: str, faults: str, more: str = "") -> str:
    return f"""
nodes: {{fleet: {{count: 1}}}}
sources: {{jobs: {{routine: job, arrivals: {{trace: t}}}}}}
resources: {{slots: {{nodes: fleet, units: 2}}, lock: {{units: 1}}}}
stations: {{database: {{servers: 1, service: 3 ms}}}}
routines: {{job: [{steps}]}}
faults: {{fault: {faults}}}
{more}
"""


def test_a_delay_on_a_paused_node_is_noticed_when_the_node_goes_on(engine: Engine) -> None:
    # 0-10, but paused 4-24: noticed at 24; then 24-26. A delay that outlasts the pause is not prolonged: 30, 32.
    t = engine(job("{acquire: slots}, {delay: 10 ms}, {delay: 2 ms}", PAUSE), {"jobs": [0]})
    assert t.ends == [26]
    assert t.split(0) == {"service.delay-1": 10, "paused": 14, "service.delay-2": 2}
    assert engine(job("{acquire: slots}, {delay: 30 ms}, {delay: 2 ms}", PAUSE), {"jobs": [0]}).ends == [32]


def test_a_job_that_holds_nothing_there_does_not_mind_the_pause(engine: Engine) -> None:
    assert engine(job("{acquire: slots}, {release: slots}, {delay: 10 ms}", PAUSE), {"jobs": [0]}).ends == [10]


def test_an_answer_from_elsewhere_is_noticed_when_the_node_goes_on(engine: Engine) -> None:
    # The query is over at 6, but its worker is paused until 24, and holds the lock meanwhile.
    steps = "{acquire: slots}, {acquire: lock}, {delay: 3 ms}, {use: database}, {release: lock}"
    t = engine(job(steps, PAUSE), {"jobs": [0]})
    assert t.ends == [24]
    assert t.split(0) == {"service.delay-1": 3, "service.database": 3, "paused": 18}
    assert t.busy("lock") == 24
    assert t.busy("database") == 3


def test_a_paused_node_grants_nothing(engine: Engine) -> None:
    # A slot is free, but the node does not poll before 24: 34.
    t = engine(job("{acquire: slots}, {delay: 10 ms}", PAUSE), {"jobs": [5]})
    assert t.ends == [34]
    assert t.split(0) == {"wait.slots": 19, "service.delay-1": 10}


def test_children_stand_still_with_the_node_of_their_parent(engine: Engine) -> None:
    steps = "{acquire: slots}, {fork: {items: 2, steps: [{delay: 10 ms}]}}, {delay: 2 ms}"
    t = engine(job(steps, PAUSE), {"jobs": [0]})
    assert t.ends == [26]


def test_pauses_may_overlap(engine: Engine) -> None:
    # Paused 4-24 and 20-40.
    text = job("{acquire: slots}, {delay: 10 ms}", PAUSE)
    second = PAUSE.replace("at: 4 ms", "at: 20 ms")
    assert engine(text.replace("faults: {", f"faults: {{second: {second}, "), {"jobs": [0]}).ends == [40]


def test_a_job_that_crashes_while_paused_is_gone(engine: Engine) -> None:
    text = job("{acquire: slots}, {delay: 10 ms}", PAUSE)
    crash = "{targets: [{group: fleet}], at: 12 ms, duration: 30 ms, drill: false}"
    t = engine(text.replace("faults: {", f"faults: {{crash: {crash}, "), {"jobs": [0]})
    assert (t.ends, t.errors) == ([12], {0: "crash"})


def test_services_fail_by_chance_at_their_end(engine: Engine) -> None:
    # 400 visits at 50 %: 200 within 5 standard deviations of 10. Each takes its time all the same.
    fault = "{targets: [{group: database}], effect: errors, probability: 50 %, at: 0 s, duration: 10 s, drill: false}"
    t = engine(job("{use: {station: database, demand: 1 ms}}", fault), {"jobs": [0] * 400})
    assert t.outcomes.count("failed") == pytest.approx(200, abs=50)
    assert set(t.errors.values()) == {"error"}
    assert t.busy("database") == 400


def test_two_faults_and_two_visits_fail_independently(engine: Engine) -> None:
    # Two visits under two faults of 50 %: all four must go well, 1/16 of 1600 = 100, standard deviation 9.7.
    fault = "{targets: [{group: database}], effect: errors, probability: 50 %, at: 0 s, drill: false}"
    text = job("{use: {station: database, demand: 0 s}}, {use: {station: database, demand: 0 s}}", fault)
    t = engine(text.replace("faults: {", f"faults: {{second: {fault}, "), {"jobs": [1] * 1600})
    assert t.outcomes.count("succeeded") == pytest.approx(100, abs=49)


def test_a_service_that_ends_after_the_repair_is_well(engine: Engine) -> None:
    fault = "{targets: [{group: database}], effect: errors, probability: 1, at: 0 s, duration: 3 ms, drill: false}"
    # Ends at 3, when the fault is over (a repair comes before a completion); the other one ended at 2.9.
    t = engine(job("{use: database}", fault), {"jobs": [0]})
    assert t.outcomes == ["succeeded"]
    t = engine(job("{use: {station: database, demand: 2.9 ms}}", fault), {"jobs": [0]})
    assert t.outcomes == ["failed"]


RANDOM = """
nodes: {fleet: {count: 4}}
sources: {jobs: {routine: job, arrivals: {renewal: 100 ms}}}
resources: {slots: {nodes: fleet, units: 1}}
routines: {job: [{delay: 1 ms}]}
faults: {fault: {targets: [{group: fleet%s}], mttf: {constant: 10 ms}, duration: 2 ms%s}}
"""


def test_a_random_fault_comes_again_a_mttf_after_each_repair(engine: Engine) -> None:
    # 10-12, 22-24, 34-36, ... up to 50.
    t = engine(RANDOM % ("", ""), horizon=50, drain=0)
    assert [(e.start_ns / 1e6, e.end_ns / 1e6) for e in t.run.episodes] == [(10, 12), (22, 24), (34, 36), (46, 48)]
    assert t.run.episodes[0].nodes == tuple(("fleet", node) for node in range(4))
    # 4 nodes, each down for 8 of the 50.
    assert t.place("slots").units_area == 4 * 42_000_000


def test_each_node_may_have_a_life_of_its_own(engine: Engine) -> None:
    # A bare time is the mean of an exponential, so the four go at times of their own.
    text = (RANDOM % ("", ", each: true")).replace("{constant: 10 ms}", "10 ms")
    t = engine(text, horizon=30, drain=0)
    starts = [episode.start_ns for episode in t.run.episodes]
    assert len(set(starts)) == len(starts) > 3
    assert all(len(episode.nodes) == 1 for episode in t.run.episodes)


def test_any_is_one_node_drawn_anew_for_each_episode(engine: Engine) -> None:
    t = engine(RANDOM % (", nodes: any", ""), horizon=500, drain=0)
    nodes = [episode.nodes for episode in t.run.episodes]
    assert all(len(hit) == 1 for hit in nodes)
    assert len(set(nodes)) == 4  # 41 episodes; that one of four is never drawn has probability 3e-5, and a fixed seed


def test_a_list_names_the_nodes(engine: Engine) -> None:
    t = engine(RANDOM % (", nodes: [1, 3]", ""), horizon=20, drain=0)
    assert t.run.episodes[0].nodes == (("fleet", 1), ("fleet", 3))


def starts(t: Timeline) -> list[float]:
    return [episode.start_ns / 1e6 for episode in t.run.episodes]


def test_outside_of_its_window_a_random_fault_waits_for_the_next_opening(engine: Engine) -> None:
    # It stays 2 and comes again 10 after that. 10 is outside of 5-8: 25; 37: 45; 57: 65.
    t = engine(RANDOM % ("", ", window: {from: 5 ms, to: 8 ms, period: 20 ms}"), horizon=70, drain=0)
    assert starts(t) == [25, 45, 65]
    # 10 is inside of 10-11, 22 is not: 30. Its end is no longer in it: 42 in 40-42, so 60.
    t = engine(RANDOM % ("", ", window: {from: 10 ms, to: 11 ms, period: 20 ms}"), horizon=40, drain=0)
    assert starts(t) == [10, 30]
    t = engine(RANDOM % ("", ", window: {from: 0 s, to: 2 ms, period: 20 ms}"), horizon=70, drain=0)
    assert starts(t) == [20, 40, 60]


def test_a_window_may_lie_over_the_end_of_its_period(engine: Engine) -> None:
    # 18-22, 38-42, ...: 10 waits for 18, and 30 for 38; the first two of the run are in it too, were it so early.
    t = engine(RANDOM % ("", ", window: {from: 18 ms, to: 2 ms, period: 20 ms}"), horizon=70, drain=0)
    assert starts(t) == [18, 38, 58]
    early = "{targets: [{group: fleet}], mttf: {constant: 1 ms}, duration: 1 ms, window: %s}"
    text = job("{delay: 1 ms}", early % "{from: 18 ms, to: 2 ms, period: 20 ms}")
    assert starts(engine(text, {"jobs": [0]}, horizon=20, drain=0)) == [1, 18]


def test_a_common_cause_takes_all_nodes_of_the_targets(engine: Engine) -> None:
    # Of two nodes with one slot each, any one fails at 5: one of the two jobs; by a common cause both.
    text = job("{acquire: slots}, {delay: 10 ms}", "{targets: [{group: fleet, nodes: any}], at: 5 ms, drill: false%s}")
    text = text.replace("count: 1", "count: 2").replace("units: 2", "units: 1")
    assert sorted(engine(text % "", {"jobs": [0, 0]}).outcomes) == ["failed", "succeeded"]
    t = engine(text % ", common: 1", {"jobs": [0, 0]})
    assert (t.ends, t.outcomes) == ([5, 5], ["failed", "failed"])
    assert t.run.episodes[0].nodes == (("fleet", 0), ("fleet", 1))


def test_any_nodes_clock_may_bring_a_common_cause_and_of_a_list_it_takes_those_listed(engine: Engine) -> None:
    # All four clocks ring at 10 and take all four nodes for 2: only when the last of the four is over they are back.
    t = engine(RANDOM % ("", ", each: true, common: 1"), horizon=20, drain=0)
    assert [(e.start_ns / 1e6, len(e.nodes)) for e in t.run.episodes] == [(10, 4)] * 4
    assert t.place("slots").units_area == 4 * 18_000_000
    t = engine(RANDOM % (", nodes: [1, 3]", ", each: true, common: 1"), horizon=20, drain=0)
    assert [e.nodes for e in t.run.episodes] == [(("fleet", 1), ("fleet", 3))] * 2
    assert t.place("slots").units_area == (2 * 20 + 2 * 18) * 1_000_000


@pytest.mark.parametrize(("target", "each"), [("", ", each: true"), (", nodes: any", "")])
def test_the_share_of_common_causes_is_the_one_written(engine: Engine, target: str, each: str) -> None:
    # Some thousand episodes, or more with `each`: within 5 standard deviations, a fixed seed besides.
    t = engine(RANDOM % (target, f", common: 30 %{each}"), horizon=12_000, drain=0)
    common = [len(episode.nodes) == 4 for episode in t.run.episodes]
    assert len(common) >= 999
    assert sum(common) == pytest.approx(0.3 * len(common), abs=5 * (0.21 * len(common)) ** 0.5)


def test_a_drill_happens_only_when_it_is_asked_for(engine: Engine) -> None:
    text = job("{acquire: slots}, {delay: 10 ms}", "{targets: [{group: fleet}], at: 5 ms, duration: 1 ms}")
    assert engine(text, {"jobs": [0]}).outcomes == ["succeeded"]
    t = engine(text, {"jobs": [0]}, drill="fault")
    assert t.outcomes == ["failed"]
    # In a drill sources run until the end of the follow-up, so that both baseline runs see the same.
    assert engine(text, {"jobs": [0]}, drill="fault", follow=500).run.followed_ns == 1_500_000_000


def test_timers_and_retries_are_remembered_as_reactions(engine: Engine) -> None:
    text = job(
        "{attempt: {retry: {initial_interval: 2 ms}, steps: [{acquire: slots}, {delay: 10 ms}]}}",
        "{targets: [{group: fleet}], at: 5 ms, duration: 1 ms, drill: false}",
    )
    t = engine(text, {"jobs": [0]})
    assert t.ends == [17]
    assert t.run.reactions_ns.tolist() == [5_000_000]
