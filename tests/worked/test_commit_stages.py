"""The stages of MySQL's commit as group commits in a row: redo log, binary log, acknowledgement. Times in ms.

Goal: one group is in a stage while the next one gathers before it, and a lost replica holds up whoever waits for it.
Method: flushes of 10, 6 and 4 ms, by hand. Of those who leave a stage together the first is flushed alone in the next.
"""

from __future__ import annotations

from timeline import Engine

STAGES = """
nodes: {source: {}, replicas: {}}
sources: {commits: {routine: commit, arrivals: {trace: t}}}
stations:
  redo: {kind: group_commit, flush: 10 ms, nodes: source}
  binlog: {kind: group_commit, flush: 6 ms, nodes: source}
  acknowledgement: {kind: group_commit, flush: 4 ms, nodes: replicas}
routines: {commit: [{use: redo}, {use: binlog}, {use: acknowledgement}]}
"""


def test_a_lone_commit_waits_for_both_logs_and_the_replica(engine: Engine) -> None:
    assert engine(STAGES, {"commits": [0]}).ends == [20]


def test_one_group_is_in_the_binary_log_while_the_next_is_in_the_redo_log(engine: Engine) -> None:
    # Redo 0-10 for the first, 10-20 for the two others, while its binlog is flushed 10-16 and acknowledged 16-20.
    # At 20 the second goes ahead, 20-26-30; the third is in the flush after it, 26-32-36.
    t = engine(STAGES, {"commits": [0, 1, 2]})
    assert t.ends == [20, 30, 36]
    assert t.place("redo").batches == 2
    assert t.place("binlog").batches == 3
    assert t.split(2) == {"wait.redo": 8, "service.redo": 10, "wait.binlog": 6, "service.binlog": 6} | {
        "service.acknowledgement": 4
    }


def test_commits_wait_for_a_replica_that_is_away_and_then_share_its_answer(engine: Engine) -> None:
    # The wait of the first has 3 left at 17, when the replicas stand still until 67; the others have come meanwhile.
    fault = "faults: {lost: {targets: [{group: replicas}], effect: pause, at: 17 ms, duration: 50 ms, drill: false}}"
    assert engine(STAGES + fault, {"commits": [0, 1, 2]}).ends == [70, 74, 74]


def test_the_death_of_the_source_ends_what_is_being_flushed_there(engine: Engine) -> None:
    # At 12 the second is in the redo log, the first in the binary log.
    fault = "faults: {gone: {targets: [{group: source}], at: 12 ms, duration: 5 ms, drill: false}}"
    t = engine(STAGES + fault, {"commits": [0, 1]})
    assert t.ends == [12, 12]
    assert t.errors == {0: "crash", 1: "crash"}
