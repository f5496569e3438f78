"""Every element of every scenario that ships leads to a key that a user can write, and to something to watch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim.cli import main
from sim.lower.load import load
from sim.lower.setting import Setting
from sim.report.page import page as as_page
from sim.scenario.presets import PRODUCTS, preset
from sim.scenario.reading.document import Document, where
from sim.scenario.reading.reader import parse
from sim.scenario.reading.shape import shape_of
from sim.scenario.scenario import Scenario
from sim.studies.run.blocks import blocks
from sim.studies.run.study import Options, predict

ROOT = Path(__file__).parent.parent.parent
CONFIGS = sorted(path for path in (ROOT / "configs").rglob("*.yaml") if path.name != "prices.yaml")


def _keys(path: str) -> tuple[str | int, ...]:
    return tuple(int(key) if key.isdecimal() else key for key in path.split("."))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.relative_to(ROOT / "configs")))
def test_every_element_of_every_config_leads_to_a_key_of_the_schema_and_to_an_expression_to_watch(path: Path) -> None:
    loaded = load(path)
    network, settings = loaded.lowered.network, loaded.lowered.settings
    assert set(settings) == {*network.resources, *network.stations}
    shape = shape_of(Scenario)
    for name, setting in settings.items():
        assert setting.words, name
        if setting.is_inner:
            assert not setting.watch, f"{name} is bookkeeping, and nobody can watch it"
            continue
        assert shape.at(_keys(setting.path)) is not None, f"{name}: {setting.path} is no key of a scenario"
        if setting.path.startswith("constants."):
            _, product, constant = setting.path.split(".")
            assert product in PRODUCTS
            assert constant in preset(product, getattr(loaded.scenario.presets, product)), setting.path
        assert setting.watch or setting.path.startswith("network."), f"{name} has nothing to watch"
        assert setting.knob or setting.path.startswith("network."), f"{name} has no knob"


def test_only_elements_that_hardly_anybody_can_fill_are_bookkeeping() -> None:
    """Of what a cluster's users know, nothing is marked as inner."""
    settings = load(ROOT / "configs/example-cluster.yaml").lowered.settings
    inner = {name for name, setting in settings.items() if setting.is_inner}
    assert not inner & {"shards", "connections", "wal", "postgres-cpu", "transfer-queue"}
    assert not [name for name in inner if name.endswith(("-slots", "-pollers", "-cpu"))]


def test_a_setting_tells_words_key_knob_expression_and_todays_value() -> None:
    settings = load(ROOT / "configs/example-cluster.yaml").lowered.settings
    pollers = next(setting for name, setting in settings.items() if name.endswith("-workflow-pollers"))
    queue = pollers.path.split(".")[1]
    assert pollers == Setting(
        words=f"{queue}' workflow pollers" if queue.endswith("s") else f"{queue}'s workflow pollers",
        path=f"workers.{queue}.workflow_task_pollers",
        knob="maxConcurrentWorkflowTaskPollers",
        watch="histogram_quantile(0.99, rate(temporal_workflow_task_schedule_to_start_latency_bucket"
        f'{{task_queue="{queue}"}}[5m]))',
        change="restart",
        value=pollers.value,
    )
    assert pollers.value


FILE = """temporal:
  sql:
    initial: 2
  frontend: {replicas: 3, cpu: 2}
dependencies:
  bank:
    latency: 5 ms
    bulkhead: 7
workflows:
  checkout:
    steps:
      - sleep: 1 s
      - activity: {name: pay}
"""


@pytest.fixture
def document() -> Document:
    return parse(FILE, "cluster.yaml")


def test_a_written_key_is_told_by_file_and_line(document: Document) -> None:
    assert str(where(document, "temporal.sql.initial")) == "cluster.yaml:3"
    assert str(where(document, "temporal.frontend.cpu")) == "cluster.yaml:4"
    assert str(where(document, "workflows.checkout.steps.1.activity")) == "cluster.yaml:13"


def test_a_value_that_stands_for_a_mapping_is_where_its_parts_are(document: Document) -> None:
    assert str(where(document, "dependencies.bank.bulkhead.calls")) == "cluster.yaml:8"


def test_a_default_says_so_and_where_to_write_it(document: Document) -> None:
    found = where(document, "temporal.sql.max_conns")
    assert (found.line, found.is_default, found.short) == (2, True, "default")
    assert str(found) == "default; write it under temporal.sql, cluster.yaml:2"
    assert str(where(document, "constants.temporal.forward_rate")) == "default; write it at the top of cluster.yaml"


def test_an_assignment_by_hand_is_told_in_place_of_a_line() -> None:
    path = ROOT / "configs/example-cluster.yaml"
    given = "temporal.sql.max_conns=7"
    loaded = load(path, [given])
    assert str(where(loaded.document, "temporal.sql.max_conns")) == f"--set {given}"
    assert loaded.lowered.settings["connections"].value == 7


SMALL = """
name: small
temporal: {history: {replicas: 1, cpu: 2}}
postgres: {cpu: 8}
workers: {orders: {replicas: 2, cpu: 2}}
workflows:
  checkout:
    arrivals: 20/s
    task_queue: orders
    steps: [{activity: {name: pay, service: 5 ms}}]
objectives:
  - {metric: latency.checkout.mean, below: 1 s}
mitigations:
  more: {workers.orders.activity_pollers: 7}
run: {warmup: 1 s, horizon: 5 s, replications: 2}
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "small.yaml"
    path.write_text(SMALL.lstrip(), encoding="utf-8")
    return path


def _printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main([*arguments], exit_after=False)
    return capsys.readouterr().out


def test_json_tells_setting_place_and_what_to_watch_of_every_element_and_what_was_assigned(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = "temporal.sql.max_conns=7"
    how = ("--json", "--quiet", "--processes", "1", "--set", given, "--mitigation", "more")
    found = json.loads(_printed(capsys, "run", str(small), *how))
    assert found["scenario"]["set"] == [given]
    assert found["scenario"]["mitigation"] == "more"
    places = found["places"]
    assert places["connections"] == {
        "words": "connections",
        "setting": "temporal.sql.max_conns",
        "where": f"--set {given}",
        "line": None,
        "today": 7,
        "knob": "maxConns",
        "change": "restart",
        "watch": "persistence_sql_in_use / persistence_sql_max_open_conn",
    }
    assert places["orders-activity-pollers"]["where"] == f"{small}:13"  # in the mitigation
    assert places["orders-activity-pollers"]["today"] == 7
    assert places["postgres-cpu"]["where"] == f"{small}:3"
    loaded = load(small, [given], "more")
    assert set(places) == {*loaded.lowered.network.resources, *loaded.lowered.network.stations}


def test_run_names_elements_in_words_and_says_what_to_set_and_watch(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = _printed(capsys, "run", str(small), "--quiet", "--processes", "1")
    tables, told = printed.split("FULL FIRST")[1].split("SET AND WATCH")
    assert "orders' activity forwarder of partition 1" in tables
    assert "orders-activity-forward-1" not in tables
    assert told.count("constants.temporal.forward_rate") == 1  # which is that of all of them
    assert "    watch  " in told
    assert "   default   " in told


def test_check_says_what_to_set_for_the_bottleneck_and_leaves_bookkeeping_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = ROOT / "configs/children.yaml"
    printed = _printed(capsys, "check", str(path))
    assert "-home" not in printed
    assert "where a child workflow belongs" not in printed
    after = " ".join(printed.split("bottleneck")[1].split())
    assert "   watch" in printed.split("bottleneck")[1]
    assert ".yaml:" in after or "default" in after


def test_explain_says_beside_each_element_where_it_comes_from(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = _printed(capsys, "explain", str(small))
    assert f"  # PostgreSQL's CPU: postgres.cpu, {small}:3\n" in printed
    default = f"default; write it under workers.orders, {small}:4"
    assert f"  # orders' activity pollers: workers.orders.activity_pollers, {default}\n" in printed


def test_the_page_says_what_to_set_and_watch(small: Path) -> None:
    page = as_page(blocks(predict(load(small), Options(processes=1)).summary, None))
    assert "What to set and what to watch" in page
    assert "<code>postgres.cpu = 8</code>" in page
    assert "<code>temporal.sql.max_conns" in page
