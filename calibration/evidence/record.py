"""What is kept of a claim, and the files that hold it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sim.files import write_text

HERE = Path(__file__).parent
PASSED = "passed"


@dataclass
class Claim:
    """How a claim ended, after how many seconds, and the figures that its test has told by `record_property`."""

    outcome: str
    seconds: float
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass
class OfFile:
    """Evidence of a file of tests: the digest of its sources, and its claims by name."""

    digest: str
    claims: dict[str, Claim] = field(default_factory=dict)


@dataclass
class Evidence:
    """Evidence of one name. made: the day; files: by path from the project's root."""

    command: str
    made: str
    host: str
    files: dict[str, OfFile]


def name_of(path: str) -> str:
    """The name under which evidence of a file of tests is kept: its folder in `tests`, or its own name."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else parts[1].removeprefix("test_").removesuffix(".py")


def read(name: str) -> Evidence:
    """What is kept under a name; nothing where there is no such file yet."""
    path = HERE / f"{name}.json"
    if not path.exists():
        return Evidence(f"make evidence-{name}", "", "", {})
    read = json.loads(path.read_text(encoding="utf-8"))
    files = {
        file: OfFile(one["digest"], {name: Claim(**claim) for name, claim in one["claims"].items()})
        for file, one in read.pop("files").items()
    }
    return Evidence(**read, files=files)


def write(name: str, files: dict[str, OfFile]) -> None:
    """Keep evidence under a name, with today's date and this host."""
    made = Evidence(
        f"make evidence-{name}", datetime.now(UTC).date().isoformat(), _host(), dict(sorted(files.items()))
    )
    document = asdict(made)
    for of_file in document["files"].values():
        of_file["claims"] = {claim: _short(one) for claim, one in sorted(of_file["claims"].items())}
    write_text(HERE / f"{name}.json", json.dumps(document, indent=1) + "\n")


def _short(claim: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in claim.items() if value != {}}


def names() -> Iterable[str]:
    """Names under which there is evidence."""
    return sorted(path.stem for path in HERE.glob("*.json"))


def _host() -> str:
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"
