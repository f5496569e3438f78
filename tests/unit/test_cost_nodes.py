"""The node behind the case studies' 3,325 and 33,251 USD a month, rebuilt from its parts to the cent."""

from __future__ import annotations

import pytest

from sim.cost.nodes import INFERENCE, benchmark_node, node_comparison


def test_the_benchmark_node_is_a_windows_machine_and_four_disks() -> None:
    node = benchmark_node()
    assert [round(part.usd_per_month, 2) for part in node.components] == [616.85, 491.52]
    assert round(node.usd_per_month, 2) == 1108.37


def test_both_printed_totals_of_the_case_studies_are_the_node_times_its_number() -> None:
    node = node_comparison()[0]
    assert round(3 * node.usd_per_month, 2) == 3325.11
    assert round(30 * node.usd_per_month, 2) == 33251.10
    # As printed, to the dollar; the saving of 3 nodes over 30 is the ratio of the node counts alone.
    assert [int(number * node.usd_per_month) for number in (3, 30)] == [3325, 33251]


@pytest.mark.parametrize(
    ("name", "usd_per_month"),
    [
        ("Azure D8s v3, Linux rate", 812.72),
        ("AWS m5.2xlarge", 608.00),
        ("AWS i4i.2xlarge", 500.78),
        ("AWS r6g.2xlarge", 436.26),
    ],
)
def test_todays_equivalents_cost_less(name: str, usd_per_month: float) -> None:
    (node,) = [node for node in node_comparison() if node.name.startswith(name)]
    assert round(node.usd_per_month, 2) == usd_per_month
    benchmark = benchmark_node()
    assert node.usd_per_month - benchmark.usd_per_month == pytest.approx(usd_per_month - 1108.37, abs=0.005)
    assert node.usd_per_month / benchmark.usd_per_month == pytest.approx(usd_per_month / 1108.37, rel=1e-4)


def test_the_comparison_says_that_it_is_an_inference_and_who_gave_each_price() -> None:
    nodes = node_comparison()
    assert nodes[0].note == INFERENCE
    assert INFERENCE.startswith("An inference")
    for node in nodes:
        assert node.usd_per_month == pytest.approx(sum(part.usd_per_month for part in node.components))
        for part in node.components:
            assert part.billed * part.price.unit_price == pytest.approx(part.usd_per_month)
            assert part.price.source.title
            assert part.price.source.date
