"""The bill of a prediction as blocks: items with their sources, cost of a unit of work, what is not priced, nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sim.cost.bill import Bill, Item
from sim.cost.nodes import BuiltNode, benchmark_node, node_comparison
from sim.figure import Figure
from sim.report.blocks import (
    Block,
    Cell,
    Folded,
    Heading,
    InTerminal,
    Items,
    OnPage,
    Paragraph,
    Row,
    Section,
    Table,
    Together,
)
from sim.report.wording import (
    REFUSED,
    interval_of,
    margin_of,
    period_of,
    price_of,
    quantity_of,
    show,
    total_of,
    unit_costs,
    value_of,
)
from sim.units import format_ratio

OF_2018 = (
    "The node price on this bill is that of a benchmark of 2018. Here it is put together from its parts, beside nodes "
    "of like shape at list price. This compares prices, not speed."
)
DOWNTIME = "downtime, a cost to the business beside the bill"


def bill_blocks(bill: Bill) -> Iterator[Block]:
    """The section of the bill."""
    explained = f"Usage measured in the runs times the prices of {bill.catalogue}; a month is 730 h."
    if bill.terms.discount:
        explained += f" A private discount of {format_ratio(bill.terms.discount)} is taken off."
    if bill.terms.savings_plan:
        explained += f" Savings plan: {bill.terms.savings_plan}."
    costs = dict(unit_costs(bill))
    if bill.downtime_per_year is not None:
        costs[DOWNTIME] = bill.downtime_per_year
    unit_rows = tuple(Row(name, (figure, figure.note)) for name, figure in costs.items())
    units = Table(("cost", "how it is reckoned"), unit_rows, subject="of", caption="Cost per unit of work", left=(1,))
    nodes = _node_rows(bill)
    yield Section(
        "bill",
        "Bill",
        "Bill",
        (
            OnPage((Paragraph(explained, kind="explained"),)),
            Together(
                (
                    _items(bill),
                    *_remarks(bill),
                    InTerminal(
                        tuple(Paragraph(f"{name}: {value_of(one)} {margin_of(one)}", 1) for name, one in costs.items())
                    ),
                    *(Paragraph(f"[{number}] {one}", 1, 5, "remark") for number, one in enumerate(_sources(bill), 1)),
                    InTerminal((Items("Not priced", bill.not_priced),)),
                )
            ),
            InTerminal((_nodes(nodes),) if nodes else ()),
            OnPage(((units,) if costs else ()) + (Items("Not priced", bill.not_priced),)),
            OnPage(tuple(_nodes_of_a_page(nodes)) if nodes else ()),
        ),
    )


def _sources(bill: Bill) -> list[str]:
    return list(dict.fromkeys(map(_source, bill.items)))


def _source(item: Item) -> str:
    return f"{item.source}, {item.price.source.date}"


def _items(bill: Bill) -> Table:
    sources = _sources(bill)
    rows = []
    for item in bill.items:
        cells = (
            quantity_of(item),
            f"{price_of(item.unit_price)}/{item.price.unit}",
            Cell(_usd(item.cost), _list_price(item)),
            f"[{sources.index(_source(item)) + 1}]",
        )
        of = f"{item.price.basis}{f', {item.price.region}' if item.price.region else ''}"
        rows.append(Row(item.item, cells, notes=(of,)))
    heads = ("quantity", "unit price", period_of(bill), "price from")
    total = total_of(bill)
    interval = interval_of(total)
    foot = Row("total", ("", "", Cell(_usd(total), (interval,) if interval else ()), ""))
    return Table(heads, tuple(rows), "BILL", "item", foot=(foot,))


def _usd(figure: Figure) -> str:
    return REFUSED if figure.value is None else f"{figure.value:,.2f}"


def _list_price(item: Item) -> tuple[str, ...]:
    """What it costs at list price, where less is paid."""
    if item.cost.value is None or item.list_cost.value is None or item.reduction.effective >= 1:
        return ()
    return (f"list {item.list_cost.value:,.2f}",)


def _remarks(bill: Bill) -> Iterator[Block]:
    """How far the total reaches, and what is to be known of it."""
    total = total_of(bill)
    interval = interval_of(total)
    if interval not in ("", "exact"):
        yield InTerminal((Paragraph(f"total within {interval}", 1),))
    for figure in dict.fromkeys((total, bill.total_per_month)):
        if figure.note:
            yield Paragraph(figure.note, 1, kind="remark")


# -- the node of the benchmark of 2018 ------------------------------------------------------------------------------


def _node_rows(bill: Bill) -> Sequence[BuiltNode]:
    """Today's equivalents of the node of the 2018 benchmark, if the bill has a node at that price; else nothing."""
    price = round(benchmark_node().usd_per_month, 2)
    own = (item.price for item in bill.items if item.price.own)
    return node_comparison() if any(one.unit == "month" and round(one.unit_price, 2) == price for one in own) else ()


def _nodes(nodes: Sequence[BuiltNode]) -> Table:
    rows = []
    benchmark = nodes[0].usd_per_month
    for index, one in enumerate(nodes):
        usd = one.usd_per_month
        difference = f"{usd - benchmark:+,.2f}" if index else ""
        cells = (f"{usd:,.2f}", f"{3 * usd:,.0f}", f"{30 * usd:,.0f}", difference, f"{usd / benchmark:.2f}")
        rows.append(Row(one.name, cells, notes=(one.note,) if index else ()))
    heads = ("USD/month", "3 nodes", "30 nodes", "difference", "ratio")
    return Table(heads, tuple(rows), "THE NODE AND TODAY'S EQUIVALENTS", "node", drawn=(4,))


def _nodes_of_a_page(nodes: Sequence[BuiltNode]) -> Iterator[Block]:
    rows = []
    for node in nodes:
        for part in node.components:
            price = part.price
            source = price.source
            cells = (
                Cell(price.sku, (price.basis,)),
                show(part.billed, price.unit),
                price_of(price.unit_price),
                f"{part.usd_per_month:,.2f}",
                f"{'' if source.verified else 'UNVERIFIED: '}{source.title}, {source.date}",
            )
            rows.append(Row(node.name, cells))
    heads = ("part", "quantity", "unit price", "USD/month", "source")
    parts = Table(heads, tuple(rows), subject="node", left=(0, 4))
    yield Heading("The node and today's equivalents")
    yield Paragraph(OF_2018, kind="explained")
    yield _nodes(nodes)
    yield Paragraph(nodes[0].note, kind="explained")
    yield Folded("The parts of each node", (parts,))
