"""Names and how a list of one-key mappings chooses its variant. No element is defined here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import Field

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_\-]*$")]
"""Name of an element: letters, digits, `_` and `-`; no dot, since metric names use the dot as separator."""


def tag_by_key(variants: dict[str, str]) -> Callable[[Any], str | None]:
    """Chooses the variant of a union by the first key of `variants` that the mapping holds.

    variants: YAML key to tag. A model instance answers with the tag of its own class attribute `TAG`.
    Gives None when nothing fits; the reader then lists the keys that would.
    """

    def choose(value: Any) -> str | None:
        if isinstance(value, dict):
            for key, tag in variants.items():
                if key in value:
                    return tag
            return None
        tag = getattr(type(value), "TAG", None)
        return tag if isinstance(tag, str) else None

    return choose
