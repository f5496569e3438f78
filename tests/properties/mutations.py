"""Scenarios that are spoilt at random, and what `sim check` makes of them: `python -m mutations SEED COUNT FILE...`.

A mutation changes the data (a value dropped, doubled, moved or replaced by a hostile one) or the text itself. Whatever
it is, the answer is an estimate or a list of problems. Prints every other one, as a line of JSON.
"""

from __future__ import annotations

import json
import random
import re
import resource
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from sim.analytic.estimate import estimate
from sim.errors import InputErrors
from sim.lower.load import load
from sim.scenario.reading.reader import read
from sim.studies.loading.inputs import check_inputs
from sim.studies.metrics.completions import completions_of

MEMORY = 2 << 30
"""Bytes of address space that a process has for it."""
SECONDS = 60
"""What takes longer is taken for a loop without end; the largest configuration takes two."""

HOSTILE: tuple[Any, ...] = (
    *(0, 1, -1, 2, 7, 0.5, -0.0, 1e-300, 1e300, 10**9, 10**18, 10**400, 3_000_000_000, 2**63, 2**63 - 1),
    *(float("nan"), float("inf"), True, None, "", " ", "\0", "\u202e", "\N{BOM}", "name", "a" * 10_000, "1.2.3"),
    *("0 s", "1 ns", "1e300 s", "-5 s", "100000 years", "nan s", "0/s", "1e9/s", "1e-9/s", "1e300/s", "5 %", "101 %"),
    *("-1 %", "0 B", "1 PiB", "1e30 GiB", "0 USD/month", "inf", "..", "0..0", "5..1", "0..100000", "on", "../../etc"),
    *([], {}, [[]], [{}], {"": 0}, {"constant": 0}, {"poisson": 0}, {"exponential": "0 s"}, {"mean": "1 s", "cv": 0}),
    *({"mean": "1 s", "cv": 1e9}, {"uniform": ["1 s", "1 s"]}, {"pareto": {"scale": "1 s", "shape": 0.01}}),
    *({"trace": "x"}, {"closed": 10**7}, {"burst": 0}, {"geometric": 1e9}, {"between": [0, 0]}, {"renewal": "0 s"}),
)


WAYS = ("drop", "replace", "replace", "scale", "scale", "scale", "copy", "double", "nest", "rename")
FACTORS = (-1.0, 0.0, 1e-12, 1e-6, 1e-3, 0.1, 10.0, 1e3, 1e5, 1e9, 1e15)


def scaled(value: Any, factor: float) -> Any:
    """A number times a factor, also one with a unit behind it; all else as it is."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return round(value * factor) if isinstance(value, int) else value * factor
    found = re.match(r"\s*[\d.]+", value) if isinstance(value, str) else None
    if found is None or found[0].count(".") > 1:
        return value
    return f"{float(found[0]) * factor:.12g}{value[found.end() :]}"


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all values."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places_in(value[key], (*path, key))


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def spoilt(data: Any, dice: random.Random) -> str:
    """Change data in place, one to three times; gives in words what was done."""
    done = []
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        every = list(places_in(data))
        if not every:
            break
        path = dice.choice(every)
        inside, key = at(data, path[:-1]), path[-1]
        what = dice.choice(WAYS)
        if what == "drop":
            del inside[key]
        elif what == "replace":
            inside[key] = dice.choice(HOSTILE)
            what = f"replace by {str(inside[key])[:40]!r}"
        elif what == "copy":
            other = dice.choice(every)
            inside[key] = json.loads(json.dumps(at(data, other)))
            what = f"copy from {other}"
        elif what == "double" and isinstance(inside, list):
            inside.insert(key, inside[key])
        elif what == "nest":
            for _ in range(dice.choice((1, 3, 60))):
                inside[key] = [inside[key]] if dice.random() < 0.5 else {str(key): inside[key]}
        elif what == "rename" and isinstance(inside, dict):
            inside[dice.choice(("x", "name", "é", str(key) + "_", ""))] = inside.pop(key)
        elif what == "scale":
            inside[key] = scaled(inside[key], dice.choice(FACTORS))
            what = f"scale to {str(inside[key])[:40]!r}"
        done.append(f"{what} at {'.'.join(map(str, path))}")
    return "; ".join(done)


def torn(text: str, dice: random.Random) -> tuple[str, str]:
    """A text with something taken out, doubled or put in, and what was done."""
    begin = dice.randrange(len(text))
    end = min(len(text), begin + dice.choice((1, 1, 3, 30, 300)))
    what = dice.choice(("cut", "double", "swap", "put in"))
    if what == "cut":
        return text[:begin] + text[end:], f"cut {begin}:{end}"
    if what == "double":
        return text[:end] + text[begin:end] + text[end:], f"double {begin}:{end}"
    if what == "swap":
        return text[:begin] + text[begin:end][::-1] + text[end:], f"swap {begin}:{end}"
    sign = dice.choice(
        ("\t", ":", "{", "}", "[", "- ", "&a ", "*a", "!!x ", "\0", "\x85", "'", '"', "|", "#", "0", "-", "9" * 40)
    )
    return text[:begin] + sign + text[begin:], f"put {sign!r} in at {begin}"


def check(text: str) -> None:
    """What `sim check` does."""
    loaded = load(text)
    check_inputs(loaded)
    estimate(loaded.lowered.network)
    completions_of(loaded.scenario)


def mutant(file: Path, seed: int) -> tuple[str, str]:
    """A spoilt scenario, and what was done to it."""
    dice = random.Random(f"{file.name} {seed}")
    if dice.random() < 0.2:
        return torn(file.read_text(encoding="utf-8"), dice)
    data = read(file).data
    done = spoilt(data, dice)
    return yaml.dump(data, allow_unicode=True, sort_keys=False, default_flow_style=False), done


def too_long(*_: object) -> None:
    raise TimeoutError(f"longer than {SECONDS} s")


def main(seed: int, count: int, files: list[Path]) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, too_long)
    for number in range(seed, seed + count):
        file = files[number % len(files)]
        text, done = mutant(file, number)
        signal.alarm(SECONDS)
        try:
            check(text + "\n")
        except InputErrors:
            pass
        except Exception as error:
            frames = [
                f"{one.filename.split('/sim/')[-1]}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)
            ]
            told = {"file": str(file), "seed": number, "done": done, "error": f"{type(error).__name__}: {error}"[:300]}
            print(json.dumps(told | {"frames": frames[-5:]}), flush=True)
        finally:
            signal.alarm(0)
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), [Path(one) for one in sys.argv[3:]]))
