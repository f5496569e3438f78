"""Whether a prediction says that it lies where its products were measured, and how much wider its intervals get there.

Goal: nobody takes a figure of what was never measured for a calibrated one. Method: spans made by hand and real
scenarios; the wider interval against quadrature on paper.
"""

from __future__ import annotations

import doctest
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import report_fixture

import sim.studies.envelope
from sim.figure import Figure
from sim.lower.load import load
from sim.report.page import page as as_page
from sim.report.text import text as as_text
from sim.scenario.calibrated import Product, Span, calibrated
from sim.scenario.model.objectives import Bound
from sim.stats.summary import Calibration, Verdict
from sim.studies.envelope import calibration_of, features, judged_widely, spread_of, widened
from sim.studies.run.blocks import blocks
from sim.studies.run.document import document
from sim.studies.run.study import Options, predict

SHOP = Product(
    what="a shop",
    settings={
        "clients": Span(low=1, high=16),
        "version": Span(words=("15",), others="edge"),
        "store": Span(words=("sqlite",)),
    },
    used=("workers crash",),
    discrepancy={"latency.mean": 0.08, "latency.p99": 0.15},
    inputs={"latency.mean": 0.06},
)


def place(**settings: float | str) -> Calibration:
    return calibration_of(
        {"shop": {name.replace("_", " "): value for name, value in settings.items()}}, {"shop": SHOP}
    )


def test_what_the_doctests_say() -> None:
    assert doctest.testmod(sim.studies.envelope).failed == 0


def test_inside_is_where_every_setting_was_measured() -> None:
    assert place(clients=16, version="15", store="sqlite", workers_crash="used").place == "INSIDE"


def test_half_again_beyond_or_another_version_is_the_edge() -> None:
    beyond = place(clients=24, store="sqlite")
    assert (beyond.place, beyond.reasons) == ("EDGE", ("clients 24, measured 1 to 16",))
    assert place(version="16").place == "EDGE"


def test_anything_else_is_outside_and_what_weighs_most_comes_first() -> None:
    far = place(clients=25, version="16", fan_out="used")
    assert far.place == "OUTSIDE"
    assert far.reasons == ("clients 25, measured 1 to 16", "fan out not measured", "shop version 16, measured 15")
    assert place(store="cassandra").reasons == ("shop store cassandra, measured sqlite",)
    nowhere = calibration_of({"rds": {}}, {"shop": SHOP})
    assert (nowhere.place, nowhere.reasons, nowhere.discrepancy) == ("OUTSIDE", ("RDS not measured",), {})


def test_a_setting_that_stands_in_a_file_with_its_unit_is_read_as_there() -> None:
    shop = SHOP.model_copy(update={"settings": {"flush": Span(low=9e-5, high=1.4e-4, unit="s")}})
    assert calibration_of({"shop": {"flush": "81 us"}}, {"shop": shop}).reasons == (
        "flush 81 us, measured 90 us to 140 us",
    )


def test_a_network_of_its_own_uses_nothing_that_was_measured() -> None:
    assert calibration_of({}).place == "NOTHING MEASURED"


def test_noise_and_discrepancy_and_inputs_add_up_in_quadrature_on_the_logarithmic_scale() -> None:
    # Noise of 10 % up, 1.96 x hypot(0.08, 0.06) = 0.196 of what is not known.
    assert spread_of("latency.order.mean", place(clients=1)) == pytest.approx(0.1)
    wide = widened("latency.order.mean", Figure(1.0, "s", 1 / 1.1, 1.1, 0.95, 20), place(clients=1))
    assert (wide.low, wide.high) == (1 / 1.1, 1.1), "the noise stays as it is"
    assert wide.wide_high == pytest.approx(math.exp(math.hypot(math.log(1.1), 1.95996 * 0.1)))
    assert wide.wide_low == pytest.approx(1 / wide.wide_high)
    assert widened("cost.total", Figure(1.0, "USD/month", 0.9, 1.1, 0.95), place(clients=1)).wide_low is None
    assert widened("latency.order.p50", Figure(1.0, "s", 0.9, 1.1, 0.95), place(clients=1)).wide_low is None


def test_a_verdict_stays_on_the_noise_and_is_marked_where_the_wider_interval_would_turn_it() -> None:
    figure = Figure(1.0, "s", 0.98, 1.02, 0.95, 20)
    judged = Verdict("fast", "< 1.1 s", "latency.order.mean", figure, "met")
    close = judged_widely(Bound(metric="latency.order.mean", below=1.1), judged, place(clients=1))
    assert (close.verdict, close.fragile) == ("met", True)
    assert not judged_widely(Bound(metric="latency.order.mean", below=1.5), judged, place(clients=1)).fragile


def test_every_setting_of_the_file_is_one_that_scenarios_have() -> None:
    # Else a misspelt name would make everything OUTSIDE, or nothing. `clients` is for networks that stand for pgbench.
    known = calibrated()
    for config, product in (("sqlite", "temporal"), ("sqlite", "sqlite"), ("dbos", "dbos"), ("dbos", "postgres")):
        loaded = load(f"configs/{config}.yaml")
        figures = {
            "offered.encode": Figure(1.0, "1/s"),
            "offered.payment": Figure(1.0, "1/s"),
            "utilisation.any": Figure(0.5, "ratio"),
        }
        found = features(loaded.scenario, loaded.document.data, figures)[product]
        missing = known[product].settings.keys() - found.keys() - {"clients", "fewest activity slots"}
        assert not missing, (config, product)


@pytest.mark.parametrize("path", sorted(Path("configs/real").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_scenario_of_a_measured_system_lies_where_it_was_measured(path: Path) -> None:
    summary = predict(load(path), Options(replications=2, processes=1, lives=False, drills=False)).summary
    assert summary.calibration is not None
    # The only preset of PostgreSQL is that of 16, under DBOS too; what was measured is 15. Its one constant is that of
    # the measured host, until PostgreSQL's model is joined with that of its own measurements.
    changed = "constants.postgres.cpu_per_message changed by the scenario"
    reasons = (changed, "PostgreSQL version 16, measured 15") if path.stem == "dbos" else ()
    assert summary.calibration.reasons == reasons
    assert summary.calibration.place == ("OUTSIDE" if path.stem == "dbos" else "INSIDE")


def test_a_constant_of_ones_own_is_outside_of_what_was_measured() -> None:
    own = ("constants.sdk.turns=4", "constants.temporal.history_cpu=2 ms")
    for sets, reasons in (
        ((), ()),
        (own, tuple(f"{one.partition('=')[0]} changed by the scenario" for one in reversed(own))),
    ):
        loaded = load("configs/real/temporal.yaml", sets)
        found = calibration_of(features(loaded.scenario, loaded.document.data, {}))
        assert found.place == ("OUTSIDE" if sets else "INSIDE")
        assert found.reasons == reasons


QUEUE = """\
name: queue
network:
  sources: {clients: {routine: job, arrivals: {closed: 4}}}
  stations: {server: {cores: 2, service: {exponential: 10 ms}}}
  routines: {job: [{use: server}]}
run: {horizon: 10 s, warmup: none, replications: 4}
objectives: [{metric: latency.job.mean, below: 1 min}]
"""


def test_a_network_may_say_what_it_stands_for_and_where_its_settings_are() -> None:
    said = "stands_for: {product: postgres, settings: {clients: network.sources.clients.arrivals.closed}}\n"
    loaded = load(QUEUE + said, ["network.sources.clients.arrivals.closed=400"])
    summary = predict(loaded, Options(processes=1)).summary
    assert summary.calibration is not None
    [reason] = summary.calibration.reasons
    assert reason.startswith("clients 400, measured 1 to ")
    plain = predict(load(QUEUE), Options(processes=1)).summary
    assert plain.calibration is not None
    assert plain.calibration.place == "NOTHING MEASURED"
    assert "calibration: NOTHING MEASURED" in as_text(blocks(plain, None))


def test_text_page_and_document_show_both_intervals_and_where_it_lies() -> None:
    calibration = Calibration(
        "EDGE",
        ("shards 2, measured 1",),
        {"latency.mean": 0.1, "latency.p50": 0.1, "latency.p99": 0.2, "recovery": 0.1},
    )
    summary = report_fixture.summary()
    summary = replace(
        summary,
        calibration=calibration,
        metrics={name: widened(name, one, calibration) for name, one in summary.metrics.items()},
        objectives=tuple(
            replace(one, figure=widened(one.metric, one.figure, calibration), fragile=one.verdict == "met")
            for one in summary.objectives
        ),
    )
    text = as_text(blocks(summary, None))
    assert "calibration: EDGE (shards 2, measured 1)" in text
    assert "+ INPUTS" in text
    assert "met ?" in text
    assert max(map(len, text.splitlines())) <= 100
    found = document(summary, None)
    assert found["calibration"]["place"] == "EDGE"
    mean = found["metrics"]["latency.transfer.mean"]
    assert mean["wide_low"] < mean["low"] < mean["high"] < mean["wide_high"]
    json.dumps(found, allow_nan=False)
    page = as_page(blocks(summary, None))
    assert "calibration: EDGE (shards 2, measured 1)" in page
    assert "+ inputs [" in page
