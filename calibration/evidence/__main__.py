"""`python -m calibration.evidence make [NAME ...]` checks the claims whose evidence is missing or stale; `check` lists
them; `slice` repeats a fiftieth of all claims, another one at each commit.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from calibration.evidence.plugin import KEEP, WANTED
from calibration.evidence.record import PASSED, name_of, names, read, write
from calibration.evidence.sources import ROOT, digest

SLICES = 50


def main(arguments: list[str]) -> int:
    """Gives 0 where all that was asked for holds."""
    verb, *given = arguments or [""]
    if verb == "make":
        return make(given)
    if verb == "check":
        wrong = [*wanting(claims()), *no_more(claims())]
        print(*wrong, "evidence: `make evidence` makes it" if wrong else "evidence: whole", sep="\n")
        return bool(wrong)
    if verb == "slice":
        return run(slice_of(claims(), number_of_commits()), keep=False)
    print(__doc__, file=sys.stderr)
    return 2


def make(given: list[str]) -> int:
    """Run what is missing or stale under the names given, under all without any, and drop what no test claims."""
    there = claims()
    known = sorted({name_of(one.partition("::")[0]) for one in there})
    unknown = [name for name in given if name not in known]
    if unknown:
        print(f"no evidence is called {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    for name in given or known:
        _forget(name, there)
    wanted = [one for one in missing(there) if not given or name_of(one.partition("::")[0]) in given]
    print(f"evidence: {len(wanted)} of {len(there)} claims to check", flush=True)
    return run(wanted, keep=True) if wanted else 0


def _forget(name: str, there: list[str]) -> None:
    """Drop files and claims that are no more."""
    evidence = read(name)
    by_file = _by_file(there)
    kept = {file: one for file, one in evidence.files.items() if file in by_file}
    changed = kept.keys() != evidence.files.keys()
    for file, one in kept.items():
        gone = one.claims.keys() - by_file[file]
        changed |= bool(gone)
        for claim in gone:
            del one.claims[claim]
    if changed:
        write(name, kept)


def claims() -> list[str]:
    """Every test that is marked `long`, as pytest calls it."""
    if not _collected:
        with contextlib.redirect_stdout(io.StringIO()):
            ended = pytest.main(
                ["--collect-only", "-q", "-m", "long", "-p", "no:cacheprovider", str(ROOT / "tests")], [_Collector()]
            )
        assert ended == 0, f"pytest cannot collect the tests: exit {ended}"
    return _collected


_collected: list[str] = []


class _Collector:
    def pytest_collection_finish(self, session: Any) -> None:
        """Keep the names."""
        _collected.extend(item.nodeid for item in session.items)


def missing(there: list[str]) -> Iterator[str]:
    """Claims without fresh evidence that they hold."""
    for file, of_file in _by_file(there).items():
        kept = read(name_of(file)).files.get(file)
        fresh = kept is not None and kept.digest == digest(ROOT / file)
        for claim in of_file:
            if kept is None or not fresh or claim not in kept.claims or kept.claims[claim].outcome != PASSED:
                yield f"{file}::{claim}"


def wanting(there: list[str]) -> Iterator[str]:
    """A line about each claim without fresh evidence, and about each name with evidence of what is no more."""
    without: dict[str, int] = defaultdict(int)
    for one in missing(there):
        without[one.partition("::")[0]] += 1
    for file, count in without.items():
        kept = read(name_of(file)).files.get(file)
        why = "none yet" if kept is None else "stale" if kept.digest != digest(ROOT / file) else "not all hold"
        yield f"{file}: evidence of {count} claims is missing ({why}): make evidence-{name_of(file)}"
    by_file = _by_file(there)
    for name in names():
        for file, of_file in read(name).files.items():
            for claim in of_file.claims.keys() - set(by_file.get(file, ())):
                yield f"{name}.json: {file}::{claim} is no more: make evidence-{name}"


def no_more(there: list[str]) -> Iterator[str]:
    """A line about each test of `tests/long.txt` that is no more."""
    listed = (ROOT / "tests" / "long.txt").read_text(encoding="utf-8").splitlines()
    known = set(there)
    for line in listed:
        name = line.partition(" ")[2]
        if not line.startswith("#") and name not in known:
            yield f"tests/long.txt: {name} is no more: take the line out"


def _by_file(there: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for one in there:
        file, _, claim = one.partition("::")
        found[file].append(claim)
    return found


def slice_of(there: list[str], number: int) -> list[str]:
    """The claims of a slice, of SLICES in turn."""
    return [one for one in there if int(hashlib.sha256(one.encode()).hexdigest(), 16) % SLICES == number % SLICES]


def number_of_commits() -> int:
    """How many commits there are up to this one; 0 outside of a repository."""
    counted = subprocess.run(
        ["git", "rev-list", "--count", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return int(counted.stdout) if counted.returncode == 0 else 0


def run(wanted: list[str], keep: bool) -> int:
    """Run claims on all cores."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "wanted.json"
        file.write_text(json.dumps(wanted), encoding="utf-8")
        files = sorted({one.partition("::")[0] for one in wanted})
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-n",
            str(os.cpu_count()),
            "-m",
            "long",
            "-p",
            "calibration.evidence.plugin",
            *files,
        ]
        environment = {**os.environ, WANTED: str(file), KEEP: "1" if keep else "0"}
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
