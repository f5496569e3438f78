"""The HTML page: complete, offline, the same bytes each time, and safe whatever the scenario is called.

The page is read back with the standard library's HTML parser, as a browser would; no browser is needed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import plotly.offline
import pytest
import report_fixture as fixture

from sim.cost.bill import bill as make_bill
from sim.cost.catalogue import load_catalogue
from sim.cost.usage import NodeUse, Usage
from sim.figure import Figure
from sim.report.page import page as as_page
from sim.stats.summary import Summary
from sim.studies.run.blocks import blocks

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """Elements, attributes and text of a page; scripts and styles apart."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.style = ""
        self._texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if tag not in VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["script"]:
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)
        elif self._open[-1:] == ["style"]:
            self.style += data
        else:
            self._texts.append(data)

    @property
    def text(self) -> str:
        """Everything that is read, with single spaces."""
        return " ".join(" ".join(self._texts).split())

    def ids(self) -> list[str]:
        """Ids of the elements, in their order."""
        return [attributes["id"] or "" for _, attributes in self.tags if "id" in attributes]


@pytest.fixture(scope="module")
def html() -> str:
    return as_page(blocks(fixture.summary(), fixture.bill()))


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_the_page_asks_the_network_for_nothing(page: Page) -> None:
    for tag, attributes in page.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form"), tag
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    assert "url(" not in page.style
    assert "@import" not in page.style


def test_only_the_scripts_of_this_package_may_run(page: Page) -> None:
    (policy,) = (a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    directives = dict(directive.split(" ", 1) for directive in policy.split("; "))
    running = [text for attributes, text in page.scripts if "type" not in attributes]
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in running]
    assert len(running) == 2
    assert directives["script-src"] == " ".join(f"'sha256-{digest}'" for digest in digests)


def test_the_library_is_the_version_that_plotly_py_was_made_for_and_carries_its_licence(html: str) -> None:
    version = plotly.offline.get_plotlyjs_version()
    assert html.count(f"plotly.js (basic - minified) v{version}") == 1
    licence = (files("sim.report") / "assets" / "plotly-LICENSE.txt").read_text(encoding="utf-8")
    assert "MIT License" in licence
    assert licence in html


def test_the_same_prediction_gives_the_same_bytes(html: str) -> None:
    assert as_page(blocks(fixture.summary(), fixture.bill())) == html
    assert len(html) < 2_000_000


def test_verdicts_come_first_and_every_section_follows(page: Page) -> None:
    sections = [attributes.get("id") for tag, attributes in page.tags if tag == "section"]
    assert sections == [
        *("verdicts", "latency", "timelines", "recovery", "time", "monitors"),
        *("bill", "metrics", "assumptions", "repeat"),
    ]
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links == [f"#{section}" for section in sections]


def test_a_verdict_is_told_by_sign_and_word_not_by_colour_alone(page: Page) -> None:
    assert "Of 6 objectives: 1 missed, 2 undecided, 3 met" in page.text
    for words in ("✓ met", "✗ missed", "? undecided"):
        assert words in page.text


def test_nothing_of_the_prediction_is_left_out(page: Page) -> None:
    summary, bill = fixture.summary(), fixture.bill()
    wanted = [summary.name, summary.file, summary.hash, summary.command, "seed 1", "12.3 M events", "41.3 s", "numpy"]
    wanted += [*summary.metrics, *summary.warnings, *bill.not_priced, bill.catalogue]
    wanted += [objective.target for objective in summary.objectives]
    wanted += [recovery.fault for recovery in summary.recovery]
    wanted += [line.strip() for monitor in summary.monitors for line in monitor.trace]
    wanted += [text for item in bill.items for text in (item.item, item.source, item.price.source.date)]
    wanted += [text for one in summary.assumptions for text in (one.what, one.value, one.source)]
    wanted += ["a p99.9 needs 4 h of this load", "2 of 20 episodes never came back: metastable", "p95 19.5 s"]
    wanted += ["4,756.78", "3,325.11", "execution 1712 of replication 3", "assumed, no source"]
    missing = [text for text in wanted if " ".join(text.split()) not in page.text]
    assert missing == []


def test_what_a_fault_takes_for_good_is_told_where_a_place_can_be_lost(page: Page) -> None:
    summary = fixture.summary()
    losses = {
        "rpo": Figure(0.0113, "s", 0.004, 0.019, 0.95, 10),
        "lost_writes": Figure(12.0, "", 8.0, 16.0, 0.95, 10),
        "unreplicated": Figure(21.0, "", 14.0, 28.0, 0.95, 10),
    }
    lossy = replace(summary, recovery=(replace(summary.recovery[0], losses=losses), *summary.recovery[1:]))
    assert "Lost for good" not in page.text
    told = Page(as_page(blocks(lossy, None))).text
    assert "Lost for good" in told
    for words in ("recovery point", "11.3 ms", "writes lost", "their events"):
        assert words in told


def test_each_chart_has_a_place_a_name_and_a_description(page: Page) -> None:
    specs = {
        attributes["data-chart"]: json.loads(text) for attributes, text in page.scripts if "data-chart" in attributes
    }
    places = {a["id"]: a["aria-label"] for _, a in page.tags if a.get("role") == "img"}
    assert specs.keys() == places.keys()
    assert all(places.values())
    assert len(specs) == 1 + 3 * 3 + 1  # latency; three kinds of series, base and two drills; where the time goes
    assert all("template" not in spec["layout"] for spec in specs.values())


def test_every_table_says_what_its_columns_and_rows_are(html: str) -> None:
    for table in re.findall(r"<table.*?</table>", html, re.DOTALL):
        assert 'scope="col"' in table
        assert 'scope="row"' in table


HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'<a href='https://evil.example'>&amp;"


def hostile() -> Summary:
    """The prediction with every string that a scenario can set replaced by an attack."""
    summary = fixture.summary()
    curve, split = next(iter(summary.curves.values())), next(iter(summary.splits.values()))
    attack = Figure(1.0, HOSTILE, 0.9, 1.1, 0.95, 20, HOSTILE)
    return replace(
        summary,
        name=HOSTILE,
        file=HOSTILE,
        hash=HOSTILE,
        command=HOSTILE,
        metrics={HOSTILE: attack, f"latency.{HOSTILE}.p99": attack, f"throughput.{HOSTILE}": attack},
        objectives=(
            *(replace(one, name=HOSTILE, target=HOSTILE, metric=HOSTILE) for one in summary.objectives),
            replace(summary.objectives[1], name=HOSTILE, metric=f"{HOSTILE}.p99"),
        ),
        recovery=tuple(replace(one, fault=HOSTILE, lost=attack) for one in summary.recovery),
        monitors=tuple(replace(one, name=HOSTILE, trace=(HOSTILE,)) for one in summary.monitors),
        warnings=(HOSTILE,),
        curves={HOSTILE: curve},
        timelines=tuple(
            replace(
                line,
                fault=None if line.fault is None else HOSTILE,
                series=tuple(replace(one, name=f"queue.{HOSTILE}", unit=HOSTILE) for one in line.series[:1]),
            )
            for line in summary.timelines
        ),
        splits={HOSTILE: replace(split, mean_s={HOSTILE: 1.0, f"wait.{HOSTILE}": 2.0})},
        assumptions=tuple(replace(one, what=HOSTILE, value=HOSTILE, source=HOSTILE) for one in summary.assumptions),
        provenance={HOSTILE: HOSTILE, "versions": {HOSTILE: HOSTILE}},
    )


def test_a_hostile_scenario_gets_no_element_and_no_script_into_the_page(page: Page) -> None:
    attacked = Page(as_page(blocks(hostile(), fixture.bill())))
    assert {tag for tag, _ in attacked.tags} <= {tag for tag, _ in page.tags}
    assert [text for attributes, text in attacked.scripts if "type" not in attributes] == [
        text for attributes, text in page.scripts if "type" not in attributes
    ]
    assert not any("onerror" in attributes for _, attributes in attacked.tags)
    assert attacked.text.count(HOSTILE) > 20


def test_plotly_gets_names_without_tags(page: Page) -> None:
    attacked = Page(as_page(blocks(hostile(), fixture.bill())))
    for attributes, text in attacked.scripts:
        if "data-chart" in attributes:
            assert "<" not in text
            # plotly reads <a> and <br> in any text of a chart; the only one of these that we write is <br>.
            assert set(re.findall(r"<[^>]*>", " ".join(strings(json.loads(text))))) <= {
                "<br>",
                "<extra></extra>",
                "<extra>",
                "</extra>",
            }


def strings(value: object) -> list[str]:
    """All strings in a JSON value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    return [text for item in value for text in strings(item)] if isinstance(value, list) else []


def test_a_run_with_nothing_declared_has_a_page_too() -> None:
    page = Page(as_page(blocks(fixture.bare(), None)))
    assert "The scenario declares no objectives, so nothing is judged" in page.text
    assert [attributes.get("id") for tag, attributes in page.tags if tag == "section"] == [
        *("verdicts", "metrics", "assumptions", "repeat")
    ]


def test_the_node_comparison_comes_with_the_price_of_the_benchmark_only(page: Page) -> None:
    assert "AWS m5.2xlarge, 4 x 1 TiB gp3" in page.text
    assert "-500.37" in page.text
    usage = Usage(window_hours=1, steady=True, nodes=(NodeUse("nodes", "m7g.2xlarge", Figure.exact(3, "h")),))
    other = Page(as_page(blocks(fixture.summary(), make_bill(usage, load_catalogue("aws-us-east-1")))))
    assert "AWS m5.2xlarge, 4 x 1 TiB gp3" not in other.text


def test_a_campaign_has_a_price_for_a_run_and_says_what_is_missing_for_a_month() -> None:
    usage = Usage(window_hours=72, steady=False, nodes=(NodeUse("nodes", "m7g.2xlarge", Figure.exact(720, "h")),))
    page = Page(as_page(blocks(fixture.summary(), make_bill(usage, load_catalogue("aws-us-east-1")))))
    assert "USD/run" in page.text
    assert "run: {runs: 30}" in page.text
