"""The compiled program as text, for `sim explain --program`: names, then step by step, as the fast engine has them."""

from __future__ import annotations

from collections.abc import Iterator

from sim.engine.fast import layout
from sim.engine.fast.compile import compile_network
from sim.lower.load import Loaded


def program_text(loaded: Loaded) -> str:
    """Tables of names and the words of every step; a handle is the number of a record's first word."""
    return "\n".join(_lines(loaded))


def _lines(loaded: Loaded) -> Iterator[str]:
    program = compile_network(loaded.lowered.network)
    words = program.words
    yield f"program of {loaded.scenario.name}: {program.size:,} words, {len(program.streams)} streams of draws"
    main, child = words[layout.Header.MAIN_SIZE], words[layout.Header.CHILD_SIZE]
    yield f"a job of a main line takes {main} words, a child {child}"
    yield ""
    yield "handle    what"
    for name, handle in sorted(program.handles.items(), key=lambda item: item[1]):
        yield f"{handle:<9} {name}"
    for title, names in (
        ("states of the split of latency", program.states),
        ("failures", program.errors),
        ("operations", program.operations),
        ("affinities", program.affinities),
        ("attributes", program.attributes),
    ):
        if names:
            yield ""
            yield f"{title}: {', '.join(f'{number} {name}' for name, number in names.items() if name)}"
    yield ""
    yield "step      code next      element stream, then its words"
    at = sorted(program.steps)
    ends = [handle for handle, _, _ in at[1:]] + [len(words)]
    for (handle, kind, stream), end in zip(at, ends, strict=True):
        code, following, element = words[handle : handle + 3]
        rest = words[handle + layout.Step.SIZE : min(end, handle + layout.AttemptStep.SIZE)]
        yield f"{handle:<9} {code:<4} {following:<9} {element:<7} {stream} ({kind}) {' '.join(map(str, rest))}"
