"""Options of `sim run`: each does what it says, and the prediction says that it was done.

Goal: no option is parsed and ignored. Method: in this process, on a queue of 300 jobs a run.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from a_command import QUEUE, SHOP, Command, without_provenance

from sim.results.columns import OUTCOMES

NO_MORE_THAN = 20  # times the replications asked for: where --precision gives up


def test_options_stand_in_for_what_the_scenario_says(command: Command) -> None:
    by_option = command.document(
        QUEUE, "--seed", "9", "--replications", "4", "--horizon", "40 s", "--warmup", "10 s", "--engine", "reference"
    )
    run = by_option["run"]
    assert (run["seed"], run["replications"], run["horizon_s"], run["warmup_s"]) == (9, 4, 40.0, 10.0)
    words = "run: {horizon: 40 s, warmup: 10 s, replications: 4, seed: 9}"
    by_file = command.document(QUEUE.replace(QUEUE.splitlines()[-1], words))
    assert by_file["metrics"] == by_option["metrics"]


@pytest.mark.parametrize("word", ["off", "none", "0 s"])
def test_a_run_without_a_warm_up_is_counted_from_its_start(command: Command, word: str) -> None:
    assert command.document(QUEUE, "--warmup", word)["run"]["warmup_s"] == 0


def test_an_automatic_warm_up_is_found_in_pilot_runs_and_told(command: Command) -> None:
    found = command.document(QUEUE, "--warmup", "auto", "--horizon", "10 min", "--replications", "2")
    assert 0 <= found["run"]["warmup_s"] <= 300
    assert any("found in 6 pilot runs" in warning for warning in found["warnings"])


def test_a_precision_is_reached_with_more_replications_and_no_more_than_needed(command: Command) -> None:
    def reach(document: dict[str, Any]) -> float:
        figure = document["metrics"]["latency.job.mean"]
        return float((figure["high"] - figure["low"]) / 2 / figure["value"])

    objective = "objectives: [{metric: latency.job.mean, below: 10 s}]\n"
    once = command.document(QUEUE + objective)
    assert once["run"]["replications"] == 5
    requested = reach(once) / 2
    found = command.document(QUEUE + objective, "--precision", f"{100 * requested:.3f} %")
    count = found["run"]["replications"]
    assert count > 5
    assert count % 5 == 0
    assert reach(found) <= requested
    one_batch_less = command.document(QUEUE + objective, "--replications", str(count - 5))
    assert reach(one_batch_less) > requested


def test_a_precision_out_of_reach_ends_with_a_warning(command: Command) -> None:
    found = command.document(QUEUE, "--horizon", "2 s", "--replications", "2", "--precision", "0.1 %")
    assert found["run"]["replications"] == 2 * NO_MORE_THAN
    assert any("requested precision is not reached" in warning for warning in found["warnings"])


def test_set_changes_a_value_as_if_it_stood_in_the_file(command: Command) -> None:
    by_option = command.document(
        QUEUE, "--set", "network.sources.jobs.arrivals=4/s", "--set", "network.stations.server.servers=2"
    )
    by_file = command.document(QUEUE.replace("5/s", "4/s").replace("servers: 1", "servers: 2"))
    assert by_option["scenario"].pop("set") == [
        "network.sources.jobs.arrivals=4/s",
        "network.stations.server.servers=2",
    ]
    assert by_file["scenario"].pop("set") == []
    # Where a value stands is told of the assignment.
    assert by_option.pop("places").keys() == by_file.pop("places").keys()
    assert without_provenance(by_option) == without_provenance(by_file)


def test_a_mitigation_is_named_where_an_objective_is_missed_and_taken_by_its_name(command: Command) -> None:
    sick = QUEUE + "objectives: [{metric: utilisation.server, below: 30 %}]\n"
    file = command.file(sick + "mitigations: {four: {network.stations.server.servers: 4}}\n")
    ended = command.sim("run", file)
    assert "  fix     --mitigation four\n" in ended.out or "  fix     --mitigation four   " in ended.out
    untried = command.sim("run", file, "--no-fix")
    assert "what the file says may mitigate it: --mitigation four\n" in untried.err
    mitigated = command.sim("run", file, "--mitigation", "four")
    assert "The objective is met." in mitigated.out
    assert "mitigation" not in mitigated.err
    assert "--mitigation four" in mitigated.out  # the command that repeats it
    assert "mitigation" not in command.sim("run", command.file(sick)).err


def test_a_report_is_one_page_that_repeats_the_command(command: Command) -> None:
    page = command.folder / "a folder of its own" / "page.html"
    ended = command.run(SHOP, "--report", str(page))
    assert ended.code == 0
    assert ended.err == f"report: {page}\n"
    text = page.read_text(encoding="utf-8")
    assert text.lstrip().lower().startswith("<!doctype html>")
    assert "--processes 1 --report" in text
    assert f"  sim run {command.folder / 'scenario.yaml'} --processes 1 --report" in ended.out


def test_quiet_leaves_the_result_alone_and_says_nothing_else(command: Command) -> None:
    folder = command.folder
    ended = command.run(
        QUEUE, "--json", "--quiet", "--report", str(folder / "page.html"), "--out", str(folder / "out")
    )
    assert ended.err == ""
    assert ended.document["run"]["replications"] == 5
    assert (folder / "page.html").exists()
    assert (folder / "out").is_dir()


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_columns_tell_every_execution_with_start_end_outcome_and_split(command: Command) -> None:
    folder = command.folder / "columns"
    found = command.run(SHOP, "--json", "--out", str(folder)).document
    assert sorted(path.name for path in folder.iterdir()) == [
        *("bill.csv", "episodes.csv", "executions.csv", "manifest.json", "timelines.csv"),
    ]
    executions = rows_of(folder / "executions.csv")
    assert {row["outcome"] for row in executions} <= set(OUTCOMES)
    base = [row for row in executions if row["drill"] == "" and row["cohort"] == "true"]
    split = [name for name in base[0] if name.endswith("_ns") and name not in ("start_ns", "end_ns")]
    assert "wait.db_ns" in split
    for row in base:
        # A state that only the drills know is empty here.
        assert sum(int(row[name] or 0) for name in split) == int(row["end_ns"]) - int(row["start_ns"])
    seconds = sum(int(row["end_ns"]) - int(row["start_ns"]) for row in base) / 1e9
    # The jackknife of the document takes a bias of order 1/n out of this plain mean.
    assert seconds / len(base) == pytest.approx(found["metrics"]["latency.order.mean"]["value"], rel=0.02)
    assert {row["drill"] for row in executions} == {"", "crash"}
    episodes = rows_of(folder / "episodes.csv")
    assert [(row["drill"], row["fault"], row["start_ns"], row["end_ns"]) for row in episodes] == [
        ("crash", "crash", "5000000000", "7000000000")
    ] * 5
    assert [row["amount"] for row in rows_of(folder / "bill.csv")] == ["200.0"]
    assert {"drill", "replication", "time_ns", "queue.db"} <= rows_of(folder / "timelines.csv")[0].keys()


def test_the_columns_are_the_same_in_parquet(command: Command) -> None:
    as_csv, as_parquet = command.folder / "csv", command.folder / "parquet"
    command.run(QUEUE, "--out", str(as_csv))
    assert command.run(QUEUE, "--out", str(as_parquet), "--format", "parquet").code == 0
    rows = parquet.read_table(as_parquet / "executions.parquet").to_pylist()
    assert [(row["start_ns"], row["end_ns"], row["outcome"]) for row in rows] == [
        (int(row["start_ns"]), int(row["end_ns"]), row["outcome"]) for row in rows_of(as_csv / "executions.csv")
    ]
