"""The explained model: the JSON Schema agrees with what the reader takes, and the text has a line to paste for all."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import Field, Tag

from sim.errors import InputErrors
from sim.scenario.reading.reader import load_yaml, parse, validate
from sim.scenario.reading.schema import describe, schema_text
from sim.scenario.reading.shape import shape_of
from sim.spec import Spec, chosen_by_key
from sim.units import Bytes, Cores, Duration, IntRange, PositiveCount, PositiveDuration, Rate, Ratio, UsdPerMonth


class Constant(Spec):
    """Always the same."""

    plain_value_is = "constant"
    constant_ns: Duration
    """The duration."""


class LogNormal(Spec):
    """Log-normal by two percentiles."""

    p50_ns: PositiveDuration
    """Median."""

    p99_ns: PositiveDuration
    """99th percentile."""


Service = Annotated[
    Annotated[Constant, Tag("constant")] | Annotated[LogNormal, Tag("log_normal")],
    chosen_by_key({"constant": "constant", "p50": "log_normal", "p99": "log_normal"}, plain="constant"),
]


class Activity(Spec):
    """Work that a worker does."""

    service: Service
    """How long it works."""

    tries: int = Field(3, ge=1, le=9)
    """Attempts."""


class Loop(Spec):
    """Steps over and over."""

    loop: tuple[Step, ...] = Field(min_length=1)
    """The steps."""


class ActivityStep(Spec):
    """A step that works."""

    activity: Activity
    """The work."""


Step = Annotated[
    Annotated[ActivityStep, Tag("activity")] | Annotated[Loop, Tag("loop")],
    chosen_by_key({"activity": "activity", "loop": "loop"}),
]


class WorkerPool(Spec):
    """Pods that poll one task queue."""

    replicas: IntRange
    """Pods; a range lets an autoscaler choose."""

    cpu_cores: Cores = 2.0
    """Cores of one pod."""

    memory_bytes: Bytes = 8 * 2**30
    """Memory of one pod."""

    cache: PositiveCount = 1000
    """Executions in memory."""

    overlap: Literal["skip", "buffer"] = "skip"
    """What happens to the next one."""

    start_delay_ns: Duration | None = None
    """Time until a new pod works."""

    price_usd_per_month: UsdPerMonth = 73.0
    """Price of one pod."""


Name = Annotated[str, Field(pattern="^[a-z]+$", json_schema_extra={"x-form": "of small letters"})]


class Shop(Spec):
    """The whole file."""

    name: Name
    """What it is called."""

    arrivals_per_s: Rate = 1.0
    """How often one comes."""

    share_ratio: Ratio = 0.5
    """Share of something."""

    steps: tuple[Step, ...] = ()
    """What is done."""

    workers: dict[Name, WorkerPool] = Field(default_factory=dict)
    """Pools by task queue."""

    window_ns: tuple[Duration, Duration] = (0, 1)
    """From and to."""


VALID = """\
name: shop
arrivals: 40/s
share: 5 %
window: [1 s, 1h30m]
steps:
  - activity: {service: 5 ms}
  - loop: [{activity: {service: {p50: 5 ms, p99: 1.5 s}, tries: 2}}, {activity: {service: {constant: 0}}}]
workers:
  orders: {replicas: 6..18, cpu: 500m, memory: 8 GiB, cache: "10,000", start_delay: 45 s, price: $0.10/h}
  payouts: {replicas: 4, cpu: 2, overlap: buffer, start_delay: null}
"""


def editor() -> jsonschema.Draft202012Validator:
    schema = json.loads(schema_text(Shop))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_an_editor_accepts_what_the_reader_accepts() -> None:
    editor().validate(load_yaml(VALID, "x.yaml"))
    validate(parse(VALID, "x.yaml"), Shop)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("replicas: 4", "replica: 4"),
        ("arrivals: 40/s", "arrivals: 40"),
        ("share: 5 %", "share: 5"),
        ("price: $0.10/h", "price: 0.10"),
        ("memory: 8 GiB", "memory: 8 gib"),
        ("overlap: buffer", "overlap: bufer"),
        ("{service: 5 ms}", "{service: {p50: 5 ms}}"),
        ("tries: 2", "tries: 0"),
        ("[1 s, 1h30m]", "[1 s]"),
        ("name: shop", "title: shop"),
        ("name: shop", "name: Shop 2"),
        ("  payouts:", "  payouts2:"),
    ],
)
def test_an_editor_refuses_what_the_reader_refuses(right: str, wrong: str) -> None:
    assert right in VALID
    text = VALID.replace(right, wrong)
    assert not editor().is_valid(load_yaml(text, "x.yaml"))
    with pytest.raises(InputErrors):
        validate(parse(text, "x.yaml"), Shop)


def test_the_text_tells_kind_bounds_default_and_meaning_of_every_key() -> None:
    assert describe(Shop, "workers") == (
        "workers: a mapping of names, each a worker pool\n"
        "  Pools by task queue.\n"
        "\n"
        "  workers: {name: {replicas: 6..18}}\n"
        "\n"
        "worker pool:\n"
        "  Pods that poll one task queue.\n"
        "\n"
        "  replicas: 6..18\n"
        "      a whole number or range (1 or more, or a range from 0 on, the lower end first); required\n"
        "      Pods; a range lets an autoscaler choose.\n"
        "\n"
        "  cpu: 2.0\n"
        "      a number of cores (more than 0); default 2.0\n"
        "      Cores of one pod.\n"
        "\n"
        "  memory: 8 GiB\n"
        "      a size (0 or more); default 8 GiB\n"
        "      Memory of one pod.\n"
        "\n"
        "  cache: 1000\n"
        "      a whole number (1 or more); default 1000\n"
        "      Executions in memory.\n"
        "\n"
        "  overlap: skip\n"
        "      one of skip, buffer; default skip\n"
        "      What happens to the next one.\n"
        "\n"
        "  start_delay: 250 ms\n"
        "      a duration (0 or more); may be left out\n"
        "      Time until a new pod works.\n"
        "\n"
        "  price: 73 USD/month\n"
        "      a price per time (0 or more); default 73 USD/month\n"
        "      Price of one pod.\n"
    )


def test_a_text_of_a_certain_form_is_explained_in_words_where_the_model_has_some() -> None:
    assert "  name: text\n      text (of small letters); required\n" in describe(Shop)


@pytest.mark.parametrize(
    "path",
    [
        "workers.orders.cpu",
        "workers.*.cpu",
        "workers.cpu",
        "steps.activity.service",
        "steps.0.activity.service",
        "steps.1.loop.0.activity.service.p50",
        "window",
    ],
)
def test_names_and_indexes_in_a_path_may_be_anything_or_left_out(path: str) -> None:
    assert describe(Shop, path)


@pytest.mark.parametrize("path", ["", "workers", "steps", "steps.loop", "steps.activity", "steps.activity.service"])
def test_every_line_to_paste_is_taken_by_the_reader(path: str) -> None:
    lines = re.findall(r"^  (\w+: .+)$", describe(Shop, path), re.MULTILINE)
    assert lines
    for line in lines:
        ((key, value),) = load_yaml(line, "x.yaml").items()
        editor_of_key(path, key).validate(value)


def editor_of_key(path: str, key: str) -> jsonschema.Draft202012Validator:
    """A validator for what may stand at `key`, wherever under `path` that is."""
    whole: dict[str, Any] = json.loads(schema_text(Shop))
    definitions = [whole, *whole["$defs"].values()]
    mappings = [one for some in definitions for one in [some, *some.get("anyOf", ())] if "properties" in one]
    schemas = [one["properties"][key] for one in mappings if key in one["properties"]]
    return jsonschema.Draft202012Validator({"anyOf": schemas, "$defs": whole["$defs"]})


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("workrs", "did you mean `workers`?"),
        ("workers.orders.replica", "did you mean `replicas`?"),
        ("steps.0.activty", "did you mean `activity`?"),
        ("name.first", "is not a key there"),
        ("zzz", "keys here: name, arrivals, share, steps, workers, window"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_with_what_would_do(path: str, words: str) -> None:
    with pytest.raises(InputErrors, match=re.escape(words)):
        describe(Shop, path)


def test_where_else_a_key_belongs_is_found_through_lists_and_names() -> None:
    assert shape_of(Shop).places_of("tries") == [(("steps", "*", "activity", "tries"), "activity")]
    assert shape_of(Shop).places_of("replicas") == [(("workers", "*", "replicas"), "worker pool")]
