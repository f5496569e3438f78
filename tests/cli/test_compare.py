"""`sim compare` tells a difference that is there from one that is not, and says which settings made it.

Method: M/M/1 at 50 % load beside itself, beside one with services half as long, and beside another file. Fixed seeds.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim.cli import main

QUEUE = """
name: queue
network:
  sources: {jobs: {routine: job, arrivals: 50/s}}
  stations: {server: {servers: 1, service: {exponential: 10 ms}}}
  routines: {job: [{use: server}]}
run: {warmup: 2 s, horizon: 22 s, replications: 8}
objectives:
  - {metric: utilisation.server, below: 60 %}
mitigations:
  faster: {network.stations.server.service.exponential: 5 ms}
"""
FASTER = ["--set", "network.stations.server.service={exponential: 5 ms}"]


LATE = """
name: late
workflows:
  order:
    arrivals: 5/s
    task_queue: orders
    deadline: 1 h
    steps: [{activity: {name: pay, service: {p50: 2 s, p99: 5 s}, start_to_close: 1 min}}]
workers: {orders: {replicas: 2, cpu: 2, node: c6i.large}}
temporal: {history_shards: 4, history: {replicas: 2, cpu: 2, node: c6i.large}}
postgres: {nodes: 2, cpu: 4, node: c6i.xlarge}
prices: {catalogue: aws-us-east-1}
run: {warmup: 10 s, horizon: 30 s, replications: 5}
"""


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    file = tmp_path / "queue.yaml"
    file.write_text(QUEUE)
    return file


def compared(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, dict[str, dict[str, object]]]:
    assert main(["compare", *map(str, arguments), "--json", "--quiet"], exit_after=False) == 0
    found: dict[str, dict[str, dict[str, object]]] = json.loads(capsys.readouterr().out)
    return found


def test_a_shorter_service_is_better_and_its_setting_is_named_with_its_place(
    queue: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = compared(capsys, queue, *FASTER, "--name", "quick")
    assert found["comparison"]["variants"] == ["queue", "quick"]
    latency = found["metrics"]["latency.job.p50"]["differences"]["quick"]
    # M/M/1: the median sojourn is ln 2 / (mu - lambda), 13.9 ms and 4.6 ms.
    assert latency["change"] == "better"
    assert latency["difference"]["value"] == pytest.approx(-0.0092, abs=0.0015)
    assert found["metrics"]["utilisation.server"]["differences"]["quick"]["change"] == "less"
    assert found["metrics"]["throughput.job"]["differences"]["quick"]["change"] == "no difference seen"
    assert found["settings"]["quick"] == [
        {
            "path": "network.stations.server.service.exponential",
            "before": "10 ms",
            "after": "5 ms",
            "where": FASTER[0] + " " + FASTER[1],
        }
    ]


def test_the_same_twice_has_no_difference_at_all(queue: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = queue.with_name("again.yaml")
    again.write_text(QUEUE.replace("name: queue", "name: again"))
    found = compared(capsys, queue, again)
    assert found["settings"] == {"again": []}
    for name, row in found["metrics"].items():
        assert row["differences"]["again"]["difference"]["value"] in (0, None), name
        assert row["differences"]["again"]["change"] in ("no difference seen", ""), name


def test_mitigations_are_variants_and_the_text_says_what_was_told_from_chance(
    queue: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(queue), "--mitigation", "faster", "--quiet"], exit_after=False) == 0
    told = capsys.readouterr().out
    assert "latency.job.p50" in told
    told = " ".join(told.replace(f"{queue.parent}/", "").split())
    assert "changed in faster: network.stations.server.service.exponential 10 ms -> 5 ms queue.yaml:11" in told
    assert "8 paired runs each, seed 1; 3 of 5 differences are significant" in told


def test_an_overloaded_variant_is_headed_as_such_and_its_latency_is_not_compared(
    queue: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = "network.sources.jobs.arrivals=150/s"
    assert main(["compare", str(queue), "--set", more, "--name", "thrice", "--quiet"], exit_after=False) == 0
    told = capsys.readouterr().out
    assert told.startswith("thrice\nOVERLOADED: ")
    assert " ".join(told.split()).count("not known") == 2  # of both percentiles


def test_what_ends_too_late_is_unavailable_in_a_comparison_as_in_a_prediction(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "late.yaml"
    file.write_text(LATE)
    row = compared(capsys, file, "--set", "workflows.order.deadline=2 s", "--name", "strict")["metrics"]
    loose, strict = (row["availability.order"]["figures"][name]["value"] for name in ("late", "strict"))
    assert loose == 1
    assert strict == pytest.approx(0.5, abs=0.15)  # of services with a median of 2 s
    found = row["availability.order"]["differences"]["strict"]
    assert found["difference"]["value"] == pytest.approx(strict - loose, rel=0.02)
    assert found["change"] == "worse"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "alone has nothing to be compared with"),
        (["--name", "x", "--mitigation", "faster"], "names the variant of --set, which is not given"),
        (["--mitigation", "faster", "--metric", "latency.nobody.p99"], "is latency.nobody.p99, which no run"),
        (["--mitigation", "slower"], "has no `slower`"),
        (["--mitigation", "faster", "--replications", "1"], "is 1; at least 2 is expected"),
    ],
)
def test_what_cannot_be_compared_is_said(
    queue: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["compare", str(queue), *arguments, "--quiet"], exit_after=False) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(("name", "heading"), [("page.html", "<h2>faster</h2>"), ("notes.md", "\n## faster\n")])
def test_a_comparison_is_written_as_a_page_or_as_markdown_by_the_name_of_the_file(
    queue: Path, name: str, heading: str
) -> None:
    file = queue.with_name(name)
    line = ["compare", str(queue), "--mitigation", "faster", "--replications", "2", "--report", str(file), "--quiet"]
    assert main(line, exit_after=False) == 0
    told = file.read_text(encoding="utf-8")
    assert heading in told
    assert "network.stations.server.service.exponential" in told
