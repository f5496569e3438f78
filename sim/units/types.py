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

from sim.units import money, parse, show
from sim.units.money import Money
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

_duration = Quantity(
    kind="duration",
    unit="ns",
    read=parse.parse_duration_ns,
    write=show.write_duration_ns,
    pattern=_DURATION,
    examples=("250 ms", "1h30m", "3 days"),
    bounds=_FROM_0,
    number=_ZERO,
)
_positive_duration = Quantity(
    kind="duration",
    unit="ns",
    read=parse.parse_positive_duration_ns,
    write=show.write_duration_ns,
    pattern=_DURATION,
    examples=("250 ms", "1h30m", "3 days"),
    bounds=_ABOVE_0,
    number=None,
)
_signed_duration = Quantity(
    kind="duration with a sign",
    unit="ns",
    read=parse.parse_signed_duration_ns,
    write=show.write_signed_duration_ns,
    pattern=rf"[+-]?\s*{_DURATION}",
    examples=("+30 s", "-250 ms"),
    bounds="",
    number=_ZERO,
)
_rate = Quantity(
    kind="rate",
    unit="1/s",
    read=parse.parse_rate_per_s,
    write=show.write_rate_per_s,
    pattern=_RATE,
    examples=("50/s", "2/week"),
    bounds=_FROM_0,
    number=_ZERO,
)
_positive_rate = Quantity(
    kind="rate",
    unit="1/s",
    read=parse.parse_positive_rate_per_s,
    write=show.write_rate_per_s,
    pattern=_RATE,
    examples=("50/s", "2/week"),
    bounds=_ABOVE_0,
    number=None,
)
_ratio = Quantity(
    kind="share",
    unit="",
    read=parse.parse_ratio,
    write=show.write_ratio,
    pattern=rf"{_NUMBER}\s*%?",
    examples=("5 %", 0.05),
    bounds="0 to 1 (0 % to 100 %)",
    number={"type": "number", "minimum": 0, "maximum": 1},
)
_growth = Quantity(
    kind="growth",
    unit="1/month",
    read=parse.parse_growth_per_month,
    write=show.write_growth_per_month,
    pattern=rf"[+-]?{_NUMBER}\s*%?\s*{_PER_TIME}",
    examples=("4 %/month", "50 %/year"),
    bounds="above -100 %",
    number=_ZERO,
)
_bytes = Quantity(
    kind="size",
    unit="B",
    read=parse.parse_bytes,
    write=show.write_bytes,
    pattern=rf"{_NUMBER}\s*(?:{_one_of(BYTES)})",
    examples=("8 GiB", "500 MB"),
    bounds=_FROM_0,
    number=_ZERO,
)
_byte_rate = Quantity(
    kind="throughput",
    unit="B/s",
    read=parse.parse_bytes_per_s,
    write=show.write_bytes_per_s,
    pattern=rf"{_NUMBER}\s*(?:(?:{_one_of({**BYTES, **BYTES_OF_BITS})})\s*{_PER_TIME}"
    rf"|{_one_of(PER_SECOND_IN_THE_NAME)})",
    examples=("500 MB/s", "10 Gbit/s"),
    bounds=_FROM_0,
    number=_ZERO,
)
_cores = Quantity(
    kind="number of cores",
    unit="cores",
    read=parse.parse_cores,
    write=float,
    pattern=rf"{_NUMBER}\s*(?:{_one_of(CORES)})?",
    examples=("8 vCPU", 0.5, "500m"),
    bounds=_ABOVE_0,
    number={"type": "number", "exclusiveMinimum": 0},
)
_count = Quantity(
    kind="whole number",
    unit="",
    read=parse.parse_count,
    write=int,
    pattern=_COUNT,
    examples=(20000, "10,000", "300k"),
    bounds=_FROM_0,
    number={"type": "integer", "minimum": 0, "maximum": parse.MOST_COUNT},
)
_positive_count = Quantity(
    kind="whole number",
    unit="",
    read=parse.parse_positive_count,
    write=int,
    pattern=_COUNT,
    examples=(20000, "10,000", "300k"),
    bounds="1 or more",
    number={"type": "integer", "minimum": 1, "maximum": parse.MOST_COUNT},
)
_int_range = Quantity(
    kind="whole number or range",
    unit="",
    read=parse.parse_int_range,
    write=show.write_int_range,
    pattern=rf"{_COUNT}(?:\s*(?:\.\.|…)\s*{_COUNT})?",
    examples=("6..18", 6),
    bounds="1 or more, or a range from 0 on, the lower end first",
    number={"type": "integer", "minimum": 1, "maximum": parse.MOST_IN_RANGE},
)
_events_in_time = Quantity(
    kind="number of events in a time",
    unit="",
    read=parse.parse_events_in_time,
    write=show.write_events_in_time,
    pattern=rf"{_COUNT}\s+in\s+{_DURATION}",
    examples=("2 in 3 years", "0 in 5 years"),
    bounds=_FROM_0,
    number=None,
)
_money = Quantity(
    kind="price",
    unit="",
    read=money.parse_money,
    write=str,
    pattern=rf"-?{_MONEY}\s*(?:(?:/|per)\s*\S.*)?",
    examples=("25 USD", "0.08 USD/GB-month"),
    bounds="",
    number=None,
)
_usd = Quantity(
    kind="sum of money",
    unit="USD",
    read=money.parse_usd,
    write=show.write_usd,
    pattern=_MONEY,
    examples=("25 USD", "$25"),
    bounds=_FROM_0,
    number=_ZERO,
)
_usd_per_month = Quantity(
    kind="price per time",
    unit="USD/month",
    read=money.parse_usd_per_month,
    write=show.write_usd_per_month,
    pattern=rf"{_MONEY}\s*{_PER_TIME}",
    examples=("1108.37 USD/month", "$0.10/h"),
    bounds=_FROM_0,
    number=_ZERO,
)
_usd_per_hour = Quantity(
    kind="price per time",
    unit="USD/h",
    read=money.parse_usd_per_hour,
    write=show.write_usd_per_hour,
    pattern=rf"{_MONEY}\s*{_PER_TIME}",
    examples=("$0.10/h", "400 USD/min"),
    bounds=_FROM_0,
    number=_ZERO,
)

# What each is once parsed: the first argument, in the unit named above.
Duration = Annotated[int, _duration]
PositiveDuration = Annotated[int, _positive_duration]
SignedDuration = Annotated[int, _signed_duration]
Rate = Annotated[float, _rate]
PositiveRate = Annotated[float, _positive_rate]
Ratio = Annotated[float, _ratio]
GrowthPerMonth = Annotated[float, _growth]
Bytes = Annotated[int, _bytes]
ByteRate = Annotated[float, _byte_rate]
Cores = Annotated[float, _cores]
Count = Annotated[int, _count]
PositiveCount = Annotated[int, _positive_count]
IntRange = Annotated[tuple[int, int], _int_range]
EventsInTime = Annotated[tuple[int, int], _events_in_time]
AnyMoney = Annotated[Money, _money]
Usd = Annotated[float, _usd]
UsdPerMonth = Annotated[float, _usd_per_month]
UsdPerHour = Annotated[float, _usd_per_hour]
