"""What a crash does to work in progress: who is hit, what is given back, who waits on, what is forgotten. In ms."""

from __future__ import annotations

from timeline import Engine

GONE = "{targets: [{group: %s}], at: %s, duration: %s, drill: false}"


def test_without_an_attempt_around_it_the_execution_fails_and_gives_all_back(engine: Engine) -> None:
    # Execution 0 holds the slot and the lock from 0; the slot's node crashes at 4; execution 1, a plain one, has the
    # lock at 4.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}, plain: {routine: plain, arrivals: {trace: t}}}
        resources: {slots: {units: 1}, lock: {units: 1}}
        routines:
          job: [{acquire: lock}, {acquire: slots}, {delay: 10 ms}]
          plain: [{acquire: lock}, {delay: 5 ms}]
        faults: {gone: %s}
        """
        % (GONE % ("slots", "4 ms", "1 ms")),
        {"jobs": [0], "plain": [1]},
    )
    assert (t.ends, t.errors) == ([4, 9], {0: "crash"})
    assert (t.busy("slots"), t.busy("lock")) == (4, 9)
    (episode,) = t.run.episodes
    assert (episode.fault, episode.start_ns, episode.end_ns, episode.hit) == ("gone", 4_000_000, 5_000_000, 1)
    assert episode.nodes == (("slots", 0),)


NESTED = """
sources: {jobs: {routine: job, arrivals: {trace: t}}}
resources: {outer: {units: 1}, inner: {units: 1}}
routines:
  job:
    - attempt:
        retry: {initial_interval: 10 ms}
        steps:
          - acquire: outer
          - delay: 2 ms
          - attempt:
              retry: {initial_interval: 1 ms}
              steps: [{acquire: inner}, {delay: 5 ms}, {release: inner}]
faults: {gone: %s}
"""


def test_the_attempt_around_the_acquisition_of_what_was_lost_fails(engine: Engine) -> None:
    # Lost at 4 is `inner`, up again at once: the inner attempt alone is tried again: 2-4 lost, back-off 5, 5-10.
    t = engine(NESTED % (GONE % ("inner", "4 ms", "0 s")), {"jobs": [0]})
    assert t.ends == [10]
    assert t.split(0) == {"service.delay-1": 2, "lost": 2, "backoff": 1, "service.delay-2": 5}
    # Lost at 4 is `outer`: both fail, the outer one is tried again: back-off 14, 16, 21.
    t = engine(NESTED % (GONE % ("outer", "4 ms", "0 s")), {"jobs": [0]})
    assert t.ends == [21]
    assert t.split(0) == {"lost": 4, "backoff": 10, "service.delay-1": 2, "service.delay-2": 5}
    assert t.run.attempts == {"job": (3, 1)}


def test_one_fault_that_takes_several_things_of_one_job_interrupts_it_once(engine: Engine) -> None:
    # Both go at 4; the outermost loss counts; tried again from the outer attempt, once.
    both = "{targets: [{group: inner}, {group: outer}], at: 4 ms, duration: 0 s, drill: false}"
    t = engine(NESTED % both, {"jobs": [0]})
    assert t.ends == [21]
    assert t.run.episodes[0].hit == 1


def test_what_waits_in_one_line_survives(engine: Engine) -> None:
    # 0 holds 0-4 and is lost; 1 waits 1-6, when the node is back: 6-16.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {units: 1}}
        routines: {job: [{acquire: slots}, {delay: 10 ms}]}
        faults: {gone: %s}
        """
        % (GONE % ("slots", "4 ms", "2 ms")),
        {"jobs": [0, 1]},
    )
    assert (t.ends, t.errors) == ([4, 16], {0: "crash"})
    assert t.split(1) == {"wait.slots": 5, "service.delay-1": 10}


CHOSEN = """
sources: {jobs: {routine: job, arrivals: {trace: t}}}
stations: {web: {nodes: 2, servers: 1, service: 10 ms, wait_at: node%s}}
routines: {job: [use: web]}
faults: {gone: {targets: [{group: web, nodes: [0]}], at: 4 ms, duration: 1 s, drill: false}}
"""


def test_who_waits_at_the_dead_node_chooses_again_in_the_order_of_asking(engine: Engine) -> None:
    # Round robin: 0 2 4 at node 0, 1 3 at node 1. At 4 execution 0 is cut off; 2 and 4 go to node 1, behind 3:
    # 1: 0-10, 3: 10-20, 2: 20-30, 4: 30-40. Their waits count from their own arrival.
    t = engine(CHOSEN % "", {"jobs": [0, 0, 1, 2, 3]})
    assert t.errors == {0: "crash"}
    assert t.ends == [4, 10, 30, 20, 40]
    assert t.split(2) == {"wait.web": 19, "service.web": 10}
    assert t.place("web").wait_sum_ns == (0 + 0 + 19 + 8 + 27) * 1_000_000


def test_choosing_again_pays_no_heed_to_the_limit(engine: Engine) -> None:
    t = engine(CHOSEN % ", queue_limit: 1", {"jobs": [0, 0, 1, 2]})
    assert t.ends == [4, 10, 30, 20]


def test_who_is_hit_itself_does_not_choose_again(engine: Engine) -> None:
    # The job stands on node 0 by its slot and waits at node 0 of `web`, which is of the same group. The crash hits it
    # by its slot, so it leaves the line and does not choose again.
    t = engine(
        """
        nodes: {fleet: {count: 2}}
        sources:
          old: {routine: old, arrivals: {trace: t}}
          jobs: {routine: job, arrivals: {trace: t}}
          plain: {routine: plain, arrivals: {trace: t}}
        resources: {slots: {nodes: fleet, units: 1}}
        stations: {web: {nodes: fleet, servers: 1, service: 10 ms, wait_at: node}}
        routines:
          old: [{use: {station: web, demand: 3 ms}}]
          job: [{acquire: slots}, {use: web}]
          plain: [{use: web}]
        faults: {gone: {targets: [{group: fleet, nodes: [0]}], at: 4 ms, duration: 1 s, drill: false}}
        """,
        {"old": [0, 0], "plain": [1, 1, 2.5], "jobs": [2]},
    )
    # By arrival, nodes in turn: old 0 (node 0, 0-3), old 1 (node 1, 0-3), plain 2 (node 0, from 3, hit at 4),
    # plain 3 (node 1, 3-13), job 4 (waits at node 0, hit at 4), plain 5 (waits at node 1, 13-23).
    assert t.errors == {2: "crash", 4: "crash"}
    assert t.ends == [3, 3, 4, 13, 4, 23]
    assert t.run.episodes[0].hit == 2


def test_a_node_is_up_when_no_fault_holds_it_down(engine: Engine) -> None:
    # Down 2-6 and 4-9: the slot is back at 9.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {units: 1}}
        routines: {job: [{acquire: slots}, {delay: 1 ms}]}
        faults:
          one: {targets: [{group: slots}], at: 2 ms, duration: 4 ms, drill: false}
          two: {targets: [{group: slots}], at: 4 ms, duration: 5 ms, drill: false}
        """,
        {"jobs": [3]},
    )
    assert t.ends == [10]
    # Up 1000 - 7.
    assert t.place("slots").units_area == 993_000_000


def test_a_fault_without_a_duration_stays(engine: Engine) -> None:
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {units: 1}}
        routines: {job: [{acquire: {resource: slots, patience: 50 ms}}, {delay: 1 ms}]}
        faults: {gone: {targets: [{group: slots}], at: 2 ms, drill: false}}
        """,
        {"jobs": [3]},
    )
    assert (t.ends, t.errors) == ([53], {0: "patience"})
    assert t.run.episodes[0].end_ns == -1


# -- affinity -------------------------------------------------------------------------------------------------------

STICKY = """
nodes: {fleet: {count: 2}}
sources: {jobs: {routine: job, arrivals: {trace: t}}, other: {routine: other, arrivals: {trace: t}}}
resources: {slots: {nodes: fleet, units: 1}}
routines:
  job:
    - acquire: {resource: slots, affinity: sticky}
    - delay: 2 ms
    - release: slots
    - delay: 10 ms
    - acquire: {resource: slots, affinity: sticky%s}
    - delay: 2 ms
  other: [{acquire: slots}, {delay: 20 ms}]
%s
"""


def test_the_remembered_node_is_waited_for_while_another_is_free(engine: Engine) -> None:
    # Node 0 at 0-2. Round robin sends `other` (at 3) to node 1 and the next (at 4) to node 0 until 24: at 12 the job
    # waits for node 0, although node 1 is free from 23: 24-26.
    t = engine(STICKY % ("", ""), {"jobs": [0], "other": [3, 4]})
    assert t.ends == [26, 23, 24]
    assert t.split(0)["wait.slots"] == 12


WAY = ", patience: 5 ms, otherwise: [{delay: 3 ms}, {forget: sticky}, {acquire: {resource: slots, affinity: sticky}}]"


def test_patience_with_the_remembered_node_runs_out_into_the_way_round(engine: Engine) -> None:
    # At 12 it waits until 17, replays until 20, forgets and takes whatever is free first: node 1 at 23, 25.
    t = engine(STICKY % (WAY, ""), {"jobs": [0], "other": [3, 4]})
    assert t.ends == [25, 23, 24]
    # Waits: 12-17 for node 0, 20-23 for any.
    assert t.split(0)["wait.slots"] == 5 + 3


def test_a_node_that_is_down_is_waited_for_until_patience_runs_out(engine: Engine) -> None:
    # Node 0 down from 5: at 12 wait until 17, 20, node 1: 22.
    gone = "faults: {gone: {targets: [{group: fleet, nodes: [0]}], at: 5 ms, duration: 1 s, drill: false}}"
    t = engine(STICKY % (WAY, gone), {"jobs": [0], "other": []})
    assert t.ends == [22]


def test_after_the_lease_the_loss_is_known_and_not_waited_for(engine: Engine) -> None:
    # Down since 5, known from 12 on (lease 7): at 12 round at once: 15, 17. With a lease of 8 it is not known yet.
    gone = "faults: {gone: {targets: [{group: fleet, nodes: [0]}], at: 5 ms, duration: 1 s, drill: false}}"
    t = engine(STICKY % (WAY.replace("patience", "lease: 7 ms, patience"), gone), {"jobs": [0], "other": []})
    assert t.ends == [17]
    t = engine(STICKY % (WAY.replace("patience", "lease: 8 ms, patience"), gone), {"jobs": [0], "other": []})
    assert t.ends == [22]


def test_after_the_lease_without_a_way_round_any_node_will_do(engine: Engine) -> None:
    gone = "faults: {gone: {targets: [{group: fleet, nodes: [0]}], at: 5 ms, duration: 1 s, drill: false}}"
    t = engine(STICKY % (", lease: 7 ms", gone), {"jobs": [0], "other": []})
    assert t.ends == [14]


def test_a_cache_is_lost_with_its_node(engine: Engine) -> None:
    # Miss (5), release, 20; the node crashes at 10, back at 11: miss again (5). Without the crash a hit (1).
    text = """
        nodes: {fleet: {count: 1}}
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {nodes: fleet, units: 9}}
        caches: {memory: {nodes: fleet, capacity: 5}}
        routines:
          job:
            - loop:
                times: 2
                steps:
                  - acquire: slots
                  - cached: {cache: memory, at: slots, hit: [{delay: 1 ms}], miss: [{delay: 5 ms}]}
                  - release: slots
                  - delay: 20 ms
        faults: {gone: {targets: [{group: fleet}], at: 10 ms, duration: 1 ms}}
    """
    assert engine(text, {"jobs": [0]}).ends == [46]
    assert engine(text, {"jobs": [0]}, drill="gone").ends == [50]


def test_children_go_with_the_parent_whose_unit_is_lost(engine: Engine) -> None:
    # The fork's children hold the lock and wait for it; the parent's slot is lost at 3: all stop. The second
    # execution has the lock at 3.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}, plain: {routine: plain, arrivals: {trace: t}}}
        resources: {slots: {units: 1}, lock: {units: 1}}
        routines:
          job: [{acquire: slots}, {fork: {items: 2, steps: [{acquire: lock}, {delay: 10 ms}]}}]
          plain: [{acquire: lock}, {delay: 5 ms}]
        faults: {gone: %s}
        """
        % (GONE % ("slots", "3 ms", "1 ms")),
        {"jobs": [0], "plain": [1]},
    )
    assert t.ends == [3, 8]


def test_a_child_that_loses_its_own_unit_fails_alone(engine: Engine) -> None:
    # Two children on two nodes, one is enough: node 0 crashes at 3, the other child ends at 10.
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        resources: {slots: {units: 1, nodes: 2}}
        routines: {job: [{fork: {items: 2, join: first, steps: [{acquire: slots}, {delay: 10 ms}]}}]}
        faults: {gone: {targets: [{group: slots, nodes: [0]}], at: 3 ms, drill: false}}
        """,
        {"jobs": [0]},
    )
    assert (t.ends, t.outcomes) == ([10], ["succeeded"])


def test_a_crash_of_shared_cores_cuts_everybody_off(engine: Engine) -> None:
    t = engine(
        """
        sources: {jobs: {routine: job, arrivals: {trace: t}}}
        stations: {cpu: {cores: 1, service: 4 ms}}
        routines: {job: [use: cpu]}
        faults: {gone: %s}
        """
        % (GONE % ("cpu", "5 ms", "5 ms")),
        {"jobs": [0, 2, 4, 6]},
    )
    # 0: 2 done at 2, 3 at 4 (half), and at 5 a third more: 0 and 1 and 2 are cut off. 3 waits until 10: 14.
    assert t.errors == {0: "crash", 1: "crash", 2: "crash"}
    assert t.ends == [5, 5, 5, 14]
