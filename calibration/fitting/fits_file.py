"""Fitted parameters written as a file; `sim.calibrate.fits` reads it."""

from __future__ import annotations

import json
from typing import Any

from sim.calibrate.fits import Fits


def as_text(fits: Fits) -> str:
    """The file. Leaves are one line each, in YAML's flow style, of which JSON is a part."""
    lines = ["# Fitted parameters, written by the command below, not by hand. calibration/README.md: how to read it."]
    for key, value in fits.model_dump(by_alias=True, exclude_defaults=True, mode="json").items():
        if key in ("software", "hardware"):
            lines.append(f"{key}:")
            for name, one in value.items():
                lines += [f"  {name}:", *(f"    {inner}: {_flow(part)}" for inner, part in one.items())]
        elif isinstance(value, dict) and key != "goodness":
            lines += [f"{key}:", *(f"  {_flow(name)}: {_flow(one)}" for name, one in value.items())]
        elif isinstance(value, list):
            lines += [f"{key}:", *(f"  - {_flow(one)}" for one in value)]
        else:
            lines.append(f"{key}: {_flow(value)}")
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
