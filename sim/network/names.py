"""Names of elements. No element is defined here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Name = Annotated[
    str,
    Field(pattern=r"^[A-Za-z_][A-Za-z0-9_\-]*$", json_schema_extra={"x-form": "of letters, digits, _ and -"}),
]
"""Name of an element; no dot, since metric names use the dot as separator."""
