"""`python -m calibration.estimate truth [NAME ...]` runs what a first estimate is judged by, and writes truth.json.

Without names all that is missing is run, one scenario after the other, and each is written as soon as it is known.
An entry whose scenario has changed since is run again, as is one that is named. `--held-out` takes the generated
deployments that are held out, when no names are given.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from calibration.estimate.systems import names, text_of
from calibration.estimate.truth import truth_of
from sim.files import read_text, write_text
from sim.lower.load import load

FILE = Path(__file__).parent / "truth.json"
DIGITS = 5
"""Significant digits of what is kept: the last is noise."""


def main(arguments: list[str]) -> int:
    """Gives 0 where all that was asked for is written."""
    parser = argparse.ArgumentParser(prog="python -m calibration.estimate", description=__doc__.split("\n\n")[0])
    parser.add_argument("verb", choices=["truth"])
    parser.add_argument("name", nargs="*", help="such as coinbase, pathologies/retry-storm, generated-7")
    parser.add_argument("--held-out", action="store_true", help="the generated deployments that are held out")
    given = parser.parse_args(arguments)
    known: dict[str, Any] = json.loads(read_text(FILE)) if FILE.exists() else {}
    for name in given.name or names(given.held_out):
        text = text_of(name)
        digest = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        if not given.name and known.get(name, {}).get("digest") == digest:
            continue
        begun = time.process_time()
        truth = asdict(truth_of(load(text)))
        entry = {"digest": digest, "cpu_s": time.process_time() - begun, **truth}
        known[name] = rounded(entry)
        write_text(FILE, json.dumps(dict(sorted(known.items())), indent=1) + "\n")
        print(line(name, known[name]), flush=True)
    return 0


def line(name: str, entry: dict[str, Any]) -> str:
    """One scenario in one line."""
    if entry["limit"] is None:
        return f"{name:28} {entry['kind']}, no limit   ({entry['cpu_s']:.1f} s)"
    joined = " + " if entry["together"] else ", "
    places = joined.join(entry["full"]) or "no single place"
    return f"{name:28} {entry['limit']:.4g} +- {entry['noise']:.1%}  {places}   ({entry['cpu_s']:.1f} s)"


def rounded(value: Any) -> Any:
    """The same with no more digits than it is worth."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
