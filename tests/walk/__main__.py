"""`python -m tests.walk`: write the scenarios of the walk anew, when the schema has got a key or a choice."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from tests.walk.grow import grown
from tests.walk.seeds import SEEDS
from tests.walk.uses import every_use, uses_in

FOLDER = Path(__file__).parent / "scenarios"


def written(data: Any) -> str:
    """A scenario as the text of a file."""
    return yaml.safe_dump(data, sort_keys=False, width=118, default_flow_style=None, allow_unicode=True)


def main() -> int:
    """Write them; say what no scenario uses, and why."""
    result = grown(SEEDS)
    for file in FOLDER.glob("*.yaml"):
        file.unlink()
    for name, data in result.scenarios.items():
        head = "# Made by `python -m tests.walk`: small; together these use all that may be written.\n"
        (FOLDER / f"{name}.yaml").write_text(head + written(data), encoding="utf-8")
    unused = every_use().difference(*map(uses_in, result.scenarios.values()))
    for use in sorted(unused):
        print(f"{use.model} {use.key} {use.choice}: {result.refused.get(use, 'was never tried')}")
    return bool(unused)


if __name__ == "__main__":
    sys.exit(main())
