"""`sim stability`: a trigger is removed and watched, on the command line.

Goal: options are heard, mistakes are told at their option, and text, document and page tell one study. Method: a queue
without chance.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from a_command import Command

QUEUE = """\
name: queue
network:
  sources: {jobs: {routine: job, arrivals: {renewal: 100 ms}}}
  stations: {server: {servers: 1, service: 50 ms}}
  routines: {job: [{use: server}]}
  faults:
    pause: {targets: [{group: server}], effect: pause, at: 10 s, duration: 5 s}
run: {drill_window: 30 s}
mitigations: {faster: {network.stations.server.service: 25 ms}}
"""


def test_one_load_is_watched_and_its_mitigations_are_tried(command: Command, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "study.html"
    options = ("--fault", "pause", "--load", "2", "-n", "2", "--quiet", "--report", str(page))
    ended = command.sim("stability", command.file(QUEUE), *options)
    assert (ended.code, ended.err) == (0, "")
    assert "It is not back 30 s after pause in 2 of 2 episodes at 2 times the load" in ended.out
    assert re.search(r"^ as it is +0 of 2 .* never", ended.out, re.MULTILINE)
    assert re.search(r"^ faster +2 of 2 ", ended.out, re.MULTILINE)
    assert "FROM WHICH LOAD ON" not in ended.out
    assert "does a short fault leave a lasting outage?" in page.read_text(encoding="utf-8")


def test_the_document_holds_the_search_and_the_number_of_runs_is_told_before(command: Command) -> None:
    ended = command.sim("stability", command.file(QUEUE), "--fault", "pause", "--load", "1..2.5", "--json", "-n", "2")
    assert ended.code == 0
    assert re.fullmatch(r"\d+ runs, or up to twice as many where chance decides\n", ended.err)
    found = json.loads(ended.out)
    assert found["schema"] == 1
    assert found["trigger"] == {"fault": "pause", "begin_s": 10.0, "lasts_s": 5.0, "limit_s": 30.0}
    permanent = found["as_it_is"]["band"]["permanent"]
    assert permanent["below"] < 1.715
    assert permanent["above"] > 1.692
    assert found["as_it_is"]["back"]["value"] == 1.0
    assert found["mitigations"][0]["band"] is None
    assert {one["load"] for one in found["starts"]} >= {1.0, 1.75, 2.5}


def test_the_same_seed_tells_the_same(command: Command) -> None:
    text = QUEUE.replace("{renewal: 100 ms}", "10/s")
    options = ("--fault", "pause", "--load", "1.6", "-n", "3", "--json", "--quiet")
    one, again, other = (
        command.sim("stability", command.file(text), *options, "--seed", seed).out for seed in ("3", "3", "4")
    )
    assert one == again
    assert json.loads(one)["starts"] != json.loads(other)["starts"]


@pytest.mark.parametrize(
    ("options", "option", "message"),
    [
        (("--load", "1.5..0.5"), "--load", "rising factors of the load are expected"),
        (("--load", "0"), "--load", "rising factors of the load are expected"),
        (("--load", "all"), "--load", "rising factors of the load are expected"),
        (("-n", "1"), "-n", "at least 2 is expected"),
        (("--backlog", "0"), "--backlog", "at least 1 is expected"),
        (("--limit", "soon"), "--limit", "soon"),
        (("--error", "60 %"), "--error", "less than 50 % is expected"),
        (("--within", "0"), "--within", "a part of the load"),
        (("--load", "1", "--sweep-mitigations"), "--sweep-mitigations", "--load names one load"),
        (("--processes", "0"), "--processes", "at least 1 is expected"),
    ],
)
def test_a_mistake_is_told_at_its_option(
    command: Command, options: tuple[str, ...], option: str, message: str
) -> None:
    ended = command.sim("stability", command.file(QUEUE), "--fault", "pause", "--quiet", *options)
    assert ended.code == 2
    assert ended.err.startswith(f"{option}\n")
    assert message in ended.err


def test_an_unknown_fault_is_told_with_those_that_there_are(command: Command) -> None:
    ended = command.sim("stability", command.file(QUEUE), "--fault", "pose", "--quiet")
    assert ended.code == 2
    assert "is pose, which is no fault of this scenario" in ended.err
    assert "faults here: pause" in ended.err
