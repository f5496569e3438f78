"""The price catalogue says what its sources say, and refuses what it does not know.

Expected figures are typed from the sources named in sim/cost/prices/*.yaml, per month of 730 h.
"""

from __future__ import annotations

import pytest

from sim.cost.catalogue import FOLDER, Catalogue, Price, Service, Source, Tier, load_catalogue, parse_catalogue
from sim.cost.terms import SavingsPlan, Terms
from sim.errors import InputErrors
from sim.units import HOURS_PER_MONTH


@pytest.fixture
def aws() -> Catalogue:
    return load_catalogue("aws-us-east-1")


def plain(*tiers: tuple[float, float], free: float = 0.0) -> Price:
    nobody = Source(title="test", date="undated", verified=True)
    levels = tuple(Tier(up_to=up_to, price=price) for up_to, price in tiers)
    return Price("x", "unit", levels, "USD", "", "", Service("p", "s", "Other"), nobody, free=free)


@pytest.mark.parametrize(
    ("node", "usd_per_month"),
    [
        ("m5.2xlarge", 280.32),
        ("m7i.2xlarge", 294.34),
        ("m7g.2xlarge", 238.27),
        ("m8g.2xlarge", 262.10),
        ("r6g.2xlarge", 294.34),
        ("r7g.4xlarge", 625.46),
        ("r8g.2xlarge", 344.03),
        ("i3.2xlarge", 455.52),
        ("i4i.2xlarge", 500.78),
        ("i4i.4xlarge", 1002.29),
        ("t3.medium", 30.37),
        ("g6.xlarge", 587.50),
        ("db.t3.large", 105.85),
        ("aurora.db.r6g.2xlarge", 264.22),
    ],
)
def test_a_node_costs_a_month_what_its_source_prints(aws: Catalogue, node: str, usd_per_month: float) -> None:
    assert round(aws.node(node).per_hour * HOURS_PER_MONTH, 2) == usd_per_month


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_price_names_currency_unit_region_basis_date_and_source(path) -> None:
    catalogue = load_catalogue(path.stem)
    disks = [
        price for disk in catalogue.disks.values() for price in (disk.storage, disk.iops, disk.throughput) if price
    ]
    prices = [*catalogue.nodes.values(), *disks, *catalogue.meters.values()]
    assert prices
    for price in prices:
        assert price.currency == "USD"
        assert price.unit
        assert price.region
        assert price.basis
        assert price.source.date
        assert price.source.title


def test_rds_memory_classes_and_the_p30_disk_are_marked_unverified(aws: Catalogue) -> None:
    assert not aws.node("db.r6g.2xlarge").source.verified
    assert not load_catalogue("azure-2018-node").meter("p30").source.verified
    assert aws.node("m5.2xlarge").source.verified


def test_an_unknown_node_is_refused_with_its_neighbours_and_where_it_stands(aws: Catalogue) -> None:
    with pytest.raises(InputErrors) as error:
        aws.node("m7g.2xlrage", "kubernetes.node")
    (problem,) = error.value.problems
    assert problem.path == "kubernetes.node"
    assert "aws-us-east-1@2026-07-20" in problem.message
    assert "`m7g.2xlarge`" in problem.hint


@pytest.mark.parametrize("lookup", ["disk", "meter"])
def test_an_unknown_disk_or_meter_is_refused(aws: Catalogue, lookup: str) -> None:
    with pytest.raises(InputErrors, match="which is not a"):
        getattr(aws, lookup)("zzz")


def test_a_catalogue_is_had_by_its_date_and_by_no_other_date() -> None:
    assert load_catalogue("aws-us-east-1@2026-07-20") == load_catalogue("aws-us-east-1")
    with pytest.raises(InputErrors, match="2026-07-20"):
        load_catalogue("aws-us-east-1@2027-01-01")
    with pytest.raises(InputErrors, match="aws-us-east-1, azure-2018-node, temporal-cloud"):
        load_catalogue("gcp")


def test_a_price_of_the_users_own_wins_and_no_discount_is_taken_off_it(aws: Catalogue) -> None:
    own = aws.with_nodes({"pg": 1108.37, "m5.2xlarge": 219.0})
    assert own.node("pg").unit_price == 1108.37
    assert own.node("m5.2xlarge").per_hour == pytest.approx(0.3)
    terms = Terms(discount=0.07, savings_plan=SavingsPlan(1, 0.6, 0.26))
    assert terms.reduction(own.node("pg"), own).effective == 1.0
    assert aws.node("m5.2xlarge").per_hour == 0.384


def test_tiers_fill_one_after_another(aws: Catalogue) -> None:
    io2 = aws.disk("io2").iops
    assert io2 is not None
    assert io2.amount(32000) == pytest.approx(32000 * 0.065)
    assert io2.amount(70000) == pytest.approx(32000 * 0.065 + 32000 * 0.046 + 6000 * 0.032)


def test_egress_is_priced_by_tier_and_ends_where_the_list_ends(aws: Catalogue) -> None:
    egress = aws.meter("egress")
    assert egress.amount(20 * 1024) == pytest.approx(10 * 1024 * 0.09 + 10 * 1024 * 0.085)
    assert egress.unlisted(150 * 1024) == 0
    assert egress.unlisted(151 * 1024) == 1024
    assert egress.amount(151 * 1024) == egress.amount(150 * 1024)


def test_what_is_included_is_free_and_tiers_count_after_it() -> None:
    price = plain((5, 10.0), (10, 1.0), free=100)
    assert price.amount(100) == 0
    assert price.amount(107) == 5 * 10 + 2 * 1
    assert price.unlisted(112) == 2


def test_the_amount_never_falls_when_the_quantity_grows() -> None:
    price = plain((5, 10.0), (7, 0.0), (9, 2.0), free=1)
    amounts = [price.amount(quantity / 10) for quantity in range(150)]
    assert amounts == sorted(amounts)


def test_discount_and_savings_plan_multiply(aws: Catalogue) -> None:
    terms = Terms(discount=0.07, savings_plan=SavingsPlan(years=1, coverage=0.6, saving=0.26))
    assert terms.reduction(aws.node("m7g.2xlarge"), aws).effective == pytest.approx(0.93 * (1 - 0.6 * 0.26))
    assert terms.reduction(aws.node("db.r6g.2xlarge"), aws).effective == pytest.approx(0.93)


def test_three_years_upfront_cost_what_the_reservation_costs(aws: Catalogue) -> None:
    terms = Terms(savings_plan=SavingsPlan(years=3, coverage=1.0))
    price = aws.node("m5.2xlarge")
    effective = terms.reduction(price, aws).effective * price.per_hour * HOURS_PER_MONTH
    assert effective == pytest.approx(105.39, abs=1e-9)


@pytest.mark.parametrize(("years", "node"), [(1, "m5.2xlarge"), (3, "m7g.2xlarge")])
def test_a_plan_without_a_known_rate_asks_for_it(aws: Catalogue, years, node: str) -> None:
    with pytest.raises(InputErrors, match=r"savings_plan\.saving"):
        Terms(savings_plan=SavingsPlan(years, 0.6)).reduction(aws.node(node), aws)


def test_spot_needs_a_saving_and_takes_no_other_reduction(aws: Catalogue) -> None:
    with pytest.raises(InputErrors, match="spot_saving"):
        Terms().reduction(aws.node("m5.2xlarge"), aws, spot=True)
    terms = Terms(discount=0.07, savings_plan=SavingsPlan(1, 0.6, 0.26), spot_saving=0.6)
    assert terms.reduction(aws.node("m5.2xlarge"), aws, spot=True).effective == pytest.approx(0.4)


def valid_file() -> dict:
    return {
        "catalogue": "c",
        "provider": "p",
        "region": "r",
        "currency": "USD",
        "date": "2027-01-01",
        "sources": {"s": {"title": "t", "date": "2027-01", "verified": True}},
        "services": {"v": {"name": "n", "category": "Compute"}},
        "nodes": [{"service": "v", "basis": "b", "unit": "h", "source": "s", "prices": {"a": 1.5}}],
        "meters": {"m": {"service": "v", "source": "s", "unit": "GB", "price": 2}},
    }


def test_a_catalogue_is_read_from_plain_data() -> None:
    assert parse_catalogue(valid_file()).node("a").per_hour == 1.5


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("meters", {"m": {"service": "v", "source": "s", "unit": "GB"}}, "either `price` or `tiers`"),
        (
            "meters",
            {"m": {"service": "v", "source": "s", "unit": "GB", "tiers": [{"up_to": 2, "price": 1}] * 2}},
            "does not rise",
        ),
        (
            "meters",
            {"m": {"service": "v", "source": "q", "unit": "GB", "price": 1}},
            "`q`, which is not under `sources`",
        ),
        ("meters", {"m": {"service": "w", "source": "s", "unit": "GB", "price": 1}}, "not under `services`"),
        ("nodes", valid_file()["nodes"] * 2, "has two prices"),
        ("sources", {"s": {"title": "t", "date": "2027-01"}}, "verified"),
        ("colour", "red", "colour"),
        ("reserved_3_years_all_upfront", {"source": "q", "prices": {"a": 1}}, "`q`, which is not under `sources`"),
    ],
)
def test_a_faulty_catalogue_is_refused_for_its_own_reason(key: str, value: object, reason: str) -> None:
    with pytest.raises(InputErrors, match=reason):
        parse_catalogue({**valid_file(), key: value}, "prices.yaml")
