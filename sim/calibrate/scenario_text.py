"""Pieces of scenarios that are written from observations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any


def name_of(text: str) -> str:
    """A name that scenarios allow: other characters than letters, digits, _ and - become -."""
    plain = re.sub(r"[^A-Za-z0-9_\-]+", "-", text).strip("-") or "unnamed"
    return plain if re.match(r"[A-Za-z_]", plain) else f"_{plain}"


def section(key: str, value: Any) -> Iterator[str]:
    """A section of a file: a mapping with a line for each entry, in YAML's flow style, anything else in one line."""
    if isinstance(value, Mapping) and value:
        yield f"{key}:"
        for name, one in value.items():
            yield f"  {name}: {flow(one)}"
    else:
        yield f"{key}: {flow(value)}"


def flow(value: Any) -> str:
    """One line of YAML; mappings without quotes around plain keys."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(flow(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)
