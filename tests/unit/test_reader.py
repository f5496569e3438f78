"""Reading YAML strictly and turning mistakes into problems; each single trap has a file in `tests/invalid/reader`."""

from __future__ import annotations

import doctest
from pathlib import Path
from types import ModuleType
from typing import Annotated

import pytest
import yaml
from pydantic import Field, model_validator

import sim.errors
import sim.network.kinds
import sim.scenario.reading.schema
import sim.spec
from sim.errors import InputErrors
from sim.scenario.reading.document import Document
from sim.scenario.reading.reader import load_yaml, parse, read, validate
from sim.spec import Spec
from sim.units import Duration, IntRange, Ratio

TEXT = """\
name: shop
pools: &pools
  orders:
    replicas: 6..18
    waits: [1 s, 2 s]
  payouts: {replicas: 4}
"""


@pytest.mark.parametrize("module", [sim.errors, sim.network.kinds, sim.scenario.reading.schema, sim.spec])
def test_the_examples_in_docstrings_hold(module: ModuleType) -> None:
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e6", 1_000_000.0),
        ("1E-3", 0.001),
        ("1_000", 1000),
        ("-5", -5),
        ("0", 0),
        (".5", 0.5),
        ("1.", 1.0),
        ("0x1F", 31),
        ("2026-07-20", "2026-07-20"),
        ("03:00", "03:00"),
        ("6..18", "6..18"),
        ("4 %/month", "4 %/month"),
        ("'010'", "010"),
        ('"off"', "off"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("''", ""),
        ("y", "y"),
        ("=", "="),
    ],
)
def test_a_value_is_what_a_reader_of_yaml_1_2_expects(text: str, value: object) -> None:
    read_value = load_yaml(f"key: {text}", "x.yaml")["key"]
    assert read_value == value
    assert type(read_value) is type(value)


def test_the_place_of_every_key_and_value_is_known() -> None:
    document = parse(TEXT, "x.yaml")
    assert document.position(("pools", "orders", "replicas")) == (4, 15)
    assert document.position(("pools", "orders", "replicas"), "key") == (4, 5)
    assert document.position(("pools", "orders", "waits", 1)) == (5, 18)
    assert document.position(("pools", "payouts")) == (6, 12)


def test_what_is_not_in_the_file_has_the_place_of_what_would_enclose_it() -> None:
    document = parse(TEXT, "x.yaml")
    assert document.position(("pools", "payouts", "cpu")) == (6, 12)
    assert document.position(("pools", "payouts", "cpu"), "key") == (6, 12)
    assert document.position(("prices", "discount")) == (1, 1)


def test_a_mapping_merged_in_gives_way_to_the_keys_beside_it() -> None:
    data = load_yaml("a: &a {x: 1, y: 2}\nb: {y: 3, <<: *a}\nc: {<<: [*a, {x: 9, z: 4}]}\n", "x.yaml")
    assert data["b"] == {"x": 1, "y": 3}
    assert data["c"] == {"x": 1, "y": 2, "z": 4}


def test_what_an_alias_repeats_is_data_of_its_own() -> None:
    data = load_yaml("a: &a {x: 1}\nb: *a\n", "x.yaml")
    data["b"]["x"] = 2
    assert data["a"] == {"x": 1}


TEXTS = [
    TEXT,
    "",
    "# a comment?\n",
    "a: |\n  one\n  two\nb: >-\n  one\n\n  two\nc: 'it''s'\nd: \"\\x41\"\n",
    "a: &a {x: 1}\nb: {<<: *a, y: [1, [], {}, ~]}\n? c\n: d\n",
    "a: {b?: 1}\n",
    "a: {kind: !x, b: 1}\n",
    "a:\t1\n",
    "a: \ufeffb: 1\n",
    "a: [1, 2\n",
    "a: *b\n",
    "grüße: {größe: 1, 日本: 2}\r\n",
    "# one\x85a:\t1\n",
]


@pytest.mark.parametrize("text", TEXTS)
def test_both_parsers_of_yaml_find_the_same_at_the_same_places(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> object:
        try:
            return parse(text, "x.yaml")
        except InputErrors as error:
            return error.problems

    quick = found()
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert quick == found()


def test_merging_nothing_a_billion_times_is_refused() -> None:
    lines = ["a0: &a0 {}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 10)]
    with pytest.raises(InputErrors, match="more than 200,000 values"):
        parse("\n".join(lines), "x.yaml")


def test_a_file_that_cannot_be_read_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("name: Zürich".encode("latin-1"))
    (tmp_path / "folder.yaml").mkdir()
    for name, words in [("none.yaml", "no such file"), ("latin.yaml", "not UTF-8"), ("folder.yaml", "directory")]:
        with pytest.raises(InputErrors, match=words) as caught:
            read(tmp_path / name)
        assert caught.value.problems[0].file.endswith(name)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    (tmp_path / "windows.yaml").write_bytes(b"\xef\xbb\xbfname: shop\r\n")
    assert read(tmp_path / "windows.yaml").data == {"name": "shop"}


class Pool(Spec):
    """A pool."""

    replicas: IntRange
    """Pods."""

    waits_ns: tuple[Duration, ...] = ()
    """Waits."""

    share_ratio: Ratio = 1.0
    """Share."""


Name = Annotated[str, Field(pattern="^[a-z]+$", json_schema_extra={"x-form": "of small letters"})]


class Shop(Spec):
    """A shop."""

    name: str
    """Name."""

    pools: dict[Name, Pool] = Field(default_factory=dict)
    """Pools."""

    closed: bool = False
    """Closed."""

    @model_validator(mode="after")
    def _is_open(self) -> Shop:
        assert self.name != "impossible", "a state that cannot be"
        if self.closed:
            raise ValueError("is closed")
        return self


def problems_of(document: Document) -> list[str]:
    with pytest.raises(InputErrors) as caught:
        validate(document, Shop)
    return [f"{one.line}:{one.column} {one.path}: {one.message}" for one in caught.value.problems]


def test_a_document_without_mistakes_becomes_the_model() -> None:
    shop = validate(parse(TEXT, "x.yaml"), Shop)
    assert shop.pools["orders"] == Pool(replicas=(6, 18), waits_ns=(1_000_000_000, 2_000_000_000))


def test_what_the_reader_and_what_the_model_find_is_told_together_in_the_order_of_the_file() -> None:
    text = "name: 7\npools:\n  a: {replicas: 010, waits: [1 s, 2], share: 50}\n  a: {}\n  b: {replica: 3}\n"
    assert problems_of(parse(text, "x.yaml")) == [
        "1:7 name: is 7; text is expected",
        "3:17 pools.a.replicas: is 8, which YAML made of 010",
        "3:35 pools.a.waits.1: is 2 without a unit; a duration is expected",
        "3:46 pools.a.share: is 50; a share between 0 and 1 is expected",
        "4:3 pools.a: is given twice, first in line 3, column 3",
        "5:7 pools.b.replica: is not a key of a pool; did you mean `replicas`?",
    ]


def test_the_attribute_name_with_its_unit_is_no_key_of_a_file() -> None:
    text = "name: x\npools: {a: {replicas: 1, waits_ns: [5]}}"
    assert problems_of(parse(text, "x.yaml")) == [
        "2:26 pools.a.waits_ns: is not a key of a pool; did you mean `waits`?"
    ]


def test_a_name_that_cannot_be_one_is_told_at_the_name_and_nothing_under_it_is() -> None:
    text = "name: x\npools:\n  Orders 2: {replicas: x}"
    assert problems_of(parse(text, "x.yaml")) == [
        "3:3 pools.Orders 2: is not a name for this place; text of small letters is expected"
    ]


def test_a_plain_error_of_a_validator_is_told_in_its_own_words() -> None:
    assert problems_of(parse("name: x\nclosed: true", "x.yaml")) == ["1:1 : is closed"]


def test_a_broken_assertion_in_a_model_is_no_mistake_of_the_user() -> None:
    with pytest.raises(AssertionError, match="a state that cannot be"):
        validate(parse("name: impossible", "x.yaml"), Shop)


def test_problems_are_printed_with_file_line_and_column() -> None:
    with pytest.raises(InputErrors) as caught:
        validate(parse("name: x\npools: {a: {cpu: 3}}", "configs/x.yaml"), Shop)
    assert str(caught.value) == (
        "configs/x.yaml:2:12  pools.a.replicas\n"
        "    is missing; a pool needs it\n"
        "    add   replicas: 6..18\n"
        "configs/x.yaml:2:13  pools.a.cpu\n"
        "    is not a key of a pool\n"
        "    keys here: replicas, waits, share\n"
        "\n"
        "2 problems; nothing was run."
    )
