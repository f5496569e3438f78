"""Events of Temporal's histories, as `temporal workflow show --output json` and the SDKs' `to_json` write them.

One history a file, one a line, or a list of them; a list of events is one history, too. Source: Temporal API, message
HistoryEvent, temporal/api/history/v1/message.proto, read 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.observed.moments import instant_ns, length_ns
from sim.observed.text import json_lines, refused

_HINT = "write   temporal workflow show --workflow-id ID --output json > FILE"
_PREFIX = "EVENT_TYPE_"


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its number, what it is (`ActivityTaskStarted`), when, and its attributes."""

    id: int
    kind: str
    t_ns: int
    attributes: Mapping[str, Any]

    @property
    def scheduled_by(self) -> int:
        """The number of the event that scheduled what this one is about; 0 where there is none."""
        return int(self.attributes.get("scheduledEventId", 0))

    @property
    def started_by(self) -> int:
        """The number of the event that started what this one is about; 0 where there is none."""
        return int(self.attributes.get("startedEventId", 0))

    def name(self, key: str) -> str:
        """The name inside an attribute such as `activityType`."""
        return str(self.attributes.get(key, {}).get("name", ""))

    def length_ns(self, key: str) -> int:
        """An attribute that is a length of time; 0 where it is not set."""
        return length_ns(self.attributes.get(key, "0s"))


def is_history(data: Any) -> bool:
    """Whether a JSON value is a history."""
    return isinstance(data, dict) and bool(
        {"events", "eventType"} & set(data) or "events" in (data.get("history") or {})
    )


def histories(path: Path) -> Iterator[list[Event]]:
    """The events of each history in a file. Raises InputErrors."""
    for line, data in json_lines(path):
        if isinstance(data, list) and data and isinstance(data[0], dict) and "eventType" in data[0]:
            data = {"events": data}
        for one in data if isinstance(data, list) else [data]:
            if not is_history(one):
                raise refused(path, "is no workflow history: `events` is expected", _HINT, line)
            yield _events(path, line, one.get("history", one)["events"])


def _events(path: Path, line: int, rows: list[dict[str, Any]]) -> list[Event]:
    events = []
    for number, row in enumerate(rows, 1):
        try:
            attributes: Mapping[str, Any] = next(
                (value for key, value in row.items() if key.endswith("EventAttributes")), {}
            )
            events.append(
                Event(int(row["eventId"]), _kind(row["eventType"]), instant_ns(row["eventTime"]), attributes)
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            what = f"has no `{error.args[0]}`" if isinstance(error, KeyError) else str(error)
            raise refused(path, f"event {number} of the history: {what}", _HINT, line) from None
    if not events or events[0].kind != "WorkflowExecutionStarted":
        raise refused(path, "the history does not begin with WorkflowExecutionStarted", _HINT, line)
    return events


def _kind(name: Any) -> str:
    """`TimerFired` of EVENT_TYPE_TIMER_FIRED and, as older exports write it, TimerFired."""
    if not isinstance(name, str):
        raise ValueError(f"`eventType` is {json.dumps(name)}; a name such as {_PREFIX}TIMER_FIRED is expected")
    if not name.startswith(_PREFIX):
        return name
    return "".join(word.capitalize() for word in name.removeprefix(_PREFIX).split("_"))
