"""SQLite under the dev server: one connection for everything. Expected values are worked out by hand.

Goal: operations take turns, and each commit to a file is waited for. Method: the small deployment with round numbers
in place of PostgreSQL's; and one with the preset's, whose operations are held against what was measured.
"""

from __future__ import annotations

import pytest
from lower_fixture import SMALL, counts, latencies_ms, run

from sim.lower.load import Loaded, load
from sim.scenario.presets import preset
from sim.units.tables import MILLISECOND

QUICK = "temporal.transfer_queue.max_poll_rate=100k/s"


def dev_server(*sets: str) -> Loaded:
    """The small deployment on SQLite; statements of 0.1 ms and commits of 1 ms are all that takes time there."""
    text = SMALL.replace("postgres: {nodes: 1, cpu: 4, synchronous_standbys: 0, flush: 1 ms, rtt: 0 ms}", "sqlite: {}")
    text = text.replace(
        "  postgres: {cpu_per_message: 0 ms, connect: 0 ms, connect_cpu: 0 ms}",
        "  sqlite: {statement: 0.1 ms, commit: 1 ms}",
    )
    return load(text, [QUICK, *sets])


def test_on_a_host_statements_are_work_on_its_cores_and_commits_wait_for_the_disk() -> None:
    # One workflow alone: nobody is in its way, so it takes as long as where the store's time passes beside the cores.
    # Those are busy for the statements (and for the services, which cost nothing here), not for the commits.
    host = "hosts={machine: {cpu: 1, components: [sqlite]}}"
    beside, there = (run(dev_server(*more)) for more in ((), (host,)))
    assert latencies_ms(there) == latencies_ms(beside)
    statements = counts(there)["storage_query"] + 2 * (7 + 1)
    held = there.places["sqlite"].all_busy_area
    commits = counts(there)["commit"] + counts(there)["background_commit"]
    assert held == pytest.approx((statements * 0.1 + commits * 1) * MILLISECOND)
    # A single statement at a time on the one core.
    assert there.places["host-machine"].all_busy_area == pytest.approx(statements * 0.1 * MILLISECOND)


def test_a_workflow_alone_waits_for_its_statements_and_for_each_commit() -> None:
    replication = run(dev_server())
    found = counts(replication)
    assert found["transition"] == 7
    assert found["commit"] == 13
    # Waited for: 13 commits, and every statement but those in the background, with BEGIN and COMMIT: 7 transactions
    # and the one that creates a history branch.
    background = 3 + 1 + 1 + 15
    statements = found["storage_query"] - background + 2 * (7 + 1)
    # Behind a transition, the work in the background goes first where the next one follows at once: after create,
    # after the activity is scheduled, after it is completed; what follows the close is nobody's wait.
    ahead = (3 * 0.1 + 1) + 0.1 + 0.1
    assert latencies_ms(replication) == [pytest.approx(100 + 13 * 1 + statements * 0.1 + ahead, abs=1e-6)]


def test_in_memory_no_commit_is_waited_for() -> None:
    on_file, in_memory = (latencies_ms(run(dev_server(f"sqlite.database={kind}")))[0] for kind in ("file", "memory"))
    # 13 commits of its own, and one in the background of create that goes before its first workflow task.
    assert on_file - in_memory == pytest.approx(14 * 1, abs=1e-6)


def test_there_is_one_writer_whatever_the_number_of_shards() -> None:
    few, many = (
        run(dev_server("workflows.order.arrivals.burst=20", f"temporal.history_shards={shards}"))
        for shards in (4, 4096)
    )
    # Everything passes through the one connection: 14 commits each, and the burst is not done before them all.
    for replication in (few, many):
        assert max(latencies_ms(replication)) > 20 * 13 * 1


def test_the_preset_takes_as_long_for_a_write_as_the_dev_server_did() -> None:
    constants = preset("sqlite", "3")
    statement_ms = constants["statement"].value / 1e6
    commit_ms = constants["commit"].value.constant_ns / 1e6
    kinds = preset("temporal", "1.31")
    # The 14 updates of a workflow of 3 activities in a row.
    updates = (
        ["first_workflow_task_started"]
        + 3 * ["workflow_task_started", "activity_scheduled", "activity_started", "activity_completed"]
        + ["closed"]
    )
    each = [kinds[kind].value for kind in updates]
    messages = sum(one.append + len(one.rows) + 2 for one in each) / len(each)
    commits = sum(one.waited_commits for one in each) / len(each)
    # Means of three runs each, one workflow at a time: 0.54 (0.47 to 0.56) and 2.17 (2.11 to 2.22) ms; 9 % is the
    # greatest spread between repeats of a mean.
    assert messages * statement_ms == pytest.approx(0.54, rel=0.09)
    assert messages * statement_ms + commits * commit_ms == pytest.approx(2.17, rel=0.09)
    create = kinds["create"].value
    assert create.waited_commits * commit_ms == pytest.approx(2.26 - 0.43, rel=0.09)
