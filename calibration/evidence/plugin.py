"""For pytest: run the claims that are wanted only, and keep how each ends as soon as it has ended."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from calibration.evidence.record import Claim, OfFile, name_of, read, write
from calibration.evidence.sources import ROOT, digest

WANTED = "EVIDENCE_WANTED"
"""Environment variable: a file with the list of the claims to run."""
KEEP = "EVIDENCE_KEEP"
"""Environment variable: `1` where what comes of them is to be kept."""


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leave out what is not wanted."""
    wanted = set(json.loads(Path(os.environ[WANTED]).read_text(encoding="utf-8")))
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in wanted])
    items[:] = [item for item in items if item.nodeid in wanted]


class Keeper:
    """Writes each claim's end to the evidence of its name, so that nothing is lost where the run is stopped."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, OfFile]] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep the end of a claim: of its call, or of a fixture that failed."""
        if report.when != "call" and report.passed:
            return
        file, _, claim = report.nodeid.partition("::")
        name = name_of(file)
        files = self.kept.setdefault(name, read(name).files)
        now = digest(ROOT / file)
        if file not in files or files[file].digest != now:
            files[file] = OfFile(now)
        files[file].claims[claim] = Claim(report.outcome, round(report.duration, 1), dict(report.user_properties))
        write(name, files)


def pytest_configure(config: Any) -> None:
    """The process that is told of all ends is the one without `workerinput`."""
    if os.environ.get(KEEP) == "1" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Keeper())
