"""The `Annotated` types that models use for quantities: parsed on the way in, written back in JSON.

What each accepts is defined in `parse`; here it is given to pydantic, and to editors as JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from sim.units import parse, show
from sim.units.tables import BYTES, BYTES_OF_BITS, CORES, MULTIPLES, PER_SECOND_IN_THE_NAME, TIME


@dataclass(frozen=True, slots=True, eq=False)  # compared and hashed by identity, as a type is
class Quantity:
    """What makes a field accept a quantity.

    kind: what a person calls it ("duration").
    unit: of the parsed value, "" where there is none.
    read, write: from what the file has to the value, and back.
    pattern: regular expression (ECMA dialect) of the texts that are accepted; a superset is fine.
    examples: what an editor offers; the first is what `sim schema` shows.
    bounds: in words.
    number: JSON Schema of the bare numbers that are accepted, None where a unit is always needed.
    """

    kind: str
    unit: str
    read: Callable[[object], Any]
    write: Callable[[Any], Any]
    pattern: str
    examples: tuple[str | int | float, ...]
    bounds: str
    number: Mapping[str, Any] | None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            self.read,
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(self.write, when_used="json-unless-none"),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        likeness = " or ".join(str(example) for example in self.examples)
        text = {
            "type": "string",
            "pattern": rf"^\s*{self.pattern}\s*$",
            "patternErrorMessage": f"a {self.kind} is expected, such as {likeness}",
        }
        return {
            "anyOf": [text] if self.number is None else [text, dict(self.number)],
            "examples": list(self.examples),
            "x-kind": self.kind,
            "x-unit": self.unit,
            "x-bounds": self.bounds,
        }


def _one_of(names: Mapping[str, object]) -> str:
    return "|".join(sorted((re.escape(name) for name in names if name), key=lambda name: (-len(name), name)))


_NUMBER = r"[0-9][0-9,_.]*(?:[eE][+-]?[0-9]+)?"
_TIME = rf"(?:{_one_of(TIME)})"
_PER_TIME = rf"(?:/|per)\s*{_TIME}"
_COUNT = rf"{_NUMBER}\s*(?:{_one_of(MULTIPLES)})?"
_DURATION = rf"{_NUMBER}\s*{_TIME}(?:\s*{_NUMBER}\s*{_TIME})*"
_RATE = rf"{_COUNT}\s*{_PER_TIME}"
_MONEY = rf"(?:\$|[A-Z]{{3}})?\s*{_NUMBER}\s*(?:\$|[A-Z]{{3}})?"

_ZERO = {"const": 0}
_FROM_0 = "0 or more"
_ABOVE_0 = "more than 0"

# Each is, once parsed, a number of the first argument in the unit named.
Duration = Annotated[
    int,
    Quantity(
        kind="duration",
        unit="ns",
        read=parse.parse_duration_ns,
        write=show.write_duration_ns,
        pattern=_DURATION,
        examples=("250 ms", "1h30m", "3 days"),
        bounds=_FROM_0,
        number=_ZERO,
    ),
]
PositiveDuration = Annotated[
    int,
    Quantity(
        kind="duration",
        unit="ns",
        read=parse.parse_positive_duration_ns,
        write=show.write_duration_ns,
        pattern=_DURATION,
        examples=("250 ms", "1h30m", "3 days"),
        bounds=_ABOVE_0,
        number=None,
    ),
]
SignedDuration = Annotated[
    int,
    Quantity(
        kind="duration with a sign",
        unit="ns",
        read=parse.parse_signed_duration_ns,
        write=show.write_signed_duration_ns,
        pattern=rf"[+-]?\s*{_DURATION}",
        examples=("+30 s", "-250 ms"),
        bounds="",
        number=_ZERO,
    ),
]
Rate = Annotated[
    float,
    Quantity(
        kind="rate",
        unit="1/s",
        read=parse.parse_rate_per_s,
        write=show.write_rate_per_s,
        pattern=_RATE,
        examples=("50/s", "2/week"),
        bounds=_FROM_0,
        number=_ZERO,
    ),
]
PositiveRate = Annotated[
    float,
    Quantity(
        kind="rate",
        unit="1/s",
        read=parse.parse_positive_rate_per_s,
        write=show.write_rate_per_s,
        pattern=_RATE,
        examples=("50/s", "2/week"),
        bounds=_ABOVE_0,
        number=None,
    ),
]
Ratio = Annotated[
    float,
    Quantity(
        kind="share",
        unit="",
        read=parse.parse_ratio,
        write=show.write_ratio,
        pattern=rf"{_NUMBER}\s*%?",
        examples=("5 %", 0.05),
        bounds="0 to 1 (0 % to 100 %)",
        number={"type": "number", "minimum": 0, "maximum": 1},
    ),
]
Bytes = Annotated[
    int,
    Quantity(
        kind="size",
        unit="B",
        read=parse.parse_bytes,
        write=show.write_bytes,
        pattern=rf"{_NUMBER}\s*(?:{_one_of(BYTES)})",
        examples=("8 GiB", "500 MB"),
        bounds=_FROM_0,
        number=_ZERO,
    ),
]
ByteRate = Annotated[
    float,
    Quantity(
        kind="throughput",
        unit="B/s",
        read=parse.parse_bytes_per_s,
        write=show.write_bytes_per_s,
        pattern=rf"{_NUMBER}\s*(?:(?:{_one_of({**BYTES, **BYTES_OF_BITS})})\s*{_PER_TIME}"
        rf"|{_one_of(PER_SECOND_IN_THE_NAME)})",
        examples=("500 MB/s", "10 Gbit/s"),
        bounds=_FROM_0,
        number=_ZERO,
    ),
]
Cores = Annotated[
    float,
    Quantity(
        kind="number of cores",
        unit="cores",
        read=parse.parse_cores,
        write=float,
        pattern=rf"{_NUMBER}\s*(?:{_one_of(CORES)})?",
        examples=("8 vCPU", 0.5, "500m"),
        bounds=_ABOVE_0,
        number={"type": "number", "exclusiveMinimum": 0},
    ),
]
PositiveCount = Annotated[
    int,
    Quantity(
        kind="whole number",
        unit="",
        read=parse.parse_positive_count,
        write=int,
        pattern=_COUNT,
        examples=(20000, "10,000", "300k"),
        bounds="1 or more",
        number={"type": "integer", "minimum": 1, "maximum": parse.MOST_COUNT},
    ),
]
IntRange = Annotated[
    tuple[int, int],
    Quantity(
        kind="whole number or range",
        unit="",
        read=parse.parse_int_range,
        write=show.write_int_range,
        pattern=rf"{_COUNT}(?:\s*(?:\.\.|…)\s*{_COUNT})?",
        examples=("6..18", 6),
        bounds="1 or more, or a range from 0 on, the lower end first",
        number={"type": "integer", "minimum": 1, "maximum": parse.MOST_IN_RANGE},
    ),
]
EventsInTime = Annotated[
    tuple[int, int],
    Quantity(
        kind="number of events in a time",
        unit="",
        read=parse.parse_events_in_time,
        write=show.write_events_in_time,
        pattern=rf"{_COUNT}\s+in\s+{_DURATION}",
        examples=("2 in 3 years", "0 in 5 years"),
        bounds=_FROM_0,
        number=None,
    ),
]
UsdPerMonth = Annotated[
    float,
    Quantity(
        kind="price per time",
        unit="USD/month",
        read=parse.parse_usd_per_month,
        write=show.write_usd_per_month,
        pattern=rf"{_MONEY}\s*{_PER_TIME}",
        examples=("1108.37 USD/month", "$0.10/h"),
        bounds=_FROM_0,
        number=_ZERO,
    ),
]
UsdPerHour = Annotated[
    float,
    Quantity(
        kind="price per time",
        unit="USD/h",
        read=parse.parse_usd_per_hour,
        write=show.write_usd_per_hour,
        pattern=rf"{_MONEY}\s*{_PER_TIME}",
        examples=("$0.10/h", "400 USD/min"),
        bounds=_FROM_0,
        number=_ZERO,
    ),
]
