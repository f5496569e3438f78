"""The decorators of everything compiled, and how its machine code is loaded. `object_files` keeps it on disk.

Numba is imported only to compile, in one of the two ways of `sim.draws.compiler`: it takes half a second to import and
as long again to find its functions, and what it has made is a file that LLVM loads in milliseconds. With
NUMBA_DISABLE_JIT=1 the decorated functions stay plain Python; they give the same bits. What is compiled lives in the
files that use the decorators.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from sim.draws import object_files
from sim.draws.compiler import maker

F = TypeVar("F", bound=Callable[..., Any])

COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
"""Whether functions are compiled in this process."""

# Numba lets signed integers overflow into undefined behaviour, so what has to wrap is unsigned there. Plain Python
# integers do not wrap: every product or sum of words is masked, which changes nothing in compiled code.
word = cast(Callable[[int], int], np.uint64 if COMPILED else int)
"""Makes an unsigned 64-bit word of a non-negative integer."""

signed = cast(Callable[[int], int], np.int64 if COMPILED else int)
"""Makes an int64 of a word below 2^63."""


def constants(values: list[float]) -> Any:
    """A table for compiled functions; its items are plain floats where nothing is compiled."""
    return np.array(values) if COMPILED else tuple(values)


# -- decorators --------------------------------------------------------------------------------------------


class Part:
    """A function that is compiled as a part of those that call it; Python cannot call it.

    source: gives the function. signature: types of what it gives and takes, as in `njit`; None has them from its
    annotations. laid_in: whether compiled callers have it as a part of themselves, whatever its size. compiled: what
    Numba made of it.
    """

    def __init__(self, source: Callable[[], Any], name: str, signature: str | None, laid_in: bool) -> None:
        self.source = source
        self.name = name
        self.signature = signature
        self.laid_in = laid_in
        self.compiled: Any = None


_entries: list[Entry] = []
"""All entries of the modules that have been imported."""


class Entry(Part):
    """A function that Python calls; its machine code is loaded, or made, at the first call."""

    call: Callable[..., Any] | None = None

    def __init__(self, source: Callable[[], Any], name: str, signature: str, laid_in: bool) -> None:
        super().__init__(source, name, signature, laid_in)
        _entries.append(self)

    def __call__(self, *arguments: Any) -> Any:
        """What the machine code gives."""
        if self.call is None:
            self.call = _loaded(self)
        return self.call(*arguments)


def is_on_disk(name: str) -> bool:
    """Whether machine code of an entry that this machine can load is on disk, whole, or none is needed."""
    return not COMPILED or object_files.found(name) is not None


def prepare(function: Callable[..., Any]) -> None:
    """Load the machine code of an entry now; it is made, if it is not on disk."""
    if isinstance(function, Entry) and function.call is None:
        function.call = _loaded(function)


def _all() -> list[Entry]:
    for module in ("sim.draws.sampler", "sim.engine.fast.engine"):
        import_module(module)  # between them they import all that have entries
    return _entries


def make_native() -> bool:
    """Make the machine code of all entries for this very processor, where it is not on disk; whether any was made."""
    missing = [entry for entry in _all() if object_files.native(entry.name) is None]
    for entry in missing:
        _made(entry)
    return bool(missing)


def make_portable(folder: Path) -> None:
    """Write the machine code of all entries for any processor of `object_files.LEVEL`. Raises OSError.

    Call it before anything imports Numba, which reads the processor to compile for once, when it is imported.
    """
    os.environ.update(object_files.LEVEL_SETTINGS)
    object_code = maker()
    for entry in _all():
        object_files.write_portable(folder, entry.name, object_code(entry))


def njit(signature: str, laid_in: bool = False) -> Callable[[F], F]:
    """Compile a function that Python calls, for the one signature given, when it is first called.

    Arrays (`float64[::1]`) arrive as pointers to their first item. Arithmetic stays as written (no fast-math, hence no
    contraction and no reordering) and division by zero follows IEEE 754. laid_in: compiled callers have it as a part
    of themselves, whatever its size, so that their loops over it can use vector instructions.
    """

    def compiled(function: F) -> F:
        return cast(F, Entry(lambda: function, function.__name__, signature, laid_in)) if COMPILED else function

    return compiled


def inner(function: F) -> F:
    """Compile a function as a part of those that call it, for the types that its annotations name."""
    return cast(F, Part(lambda: function, function.__name__, None, False)) if COMPILED else function


def entry_of(module: str, name: str, signature: str) -> Callable[..., Any]:
    """A plain function of a module, as `njit` would make it; the module is imported only to compile it."""

    def source() -> Any:
        return getattr(import_module(module), name)

    return Entry(source, name, signature, False) if COMPILED else cast(Callable[..., Any], source())


class Constants(type):
    """The type of classes whose attributes are constants to compiled functions, as the names of a module are."""

    def __setattr__(cls, name: str, value: Any) -> None:
        raise AttributeError(f"{cls.__name__}.{name} is a constant")


class _Prefetch:
    """The processor's own instruction, where it is compiled."""


def _no_prefetch(words: Any, at: int) -> None:
    """Nothing to do where nothing is compiled."""


prefetch = cast(Callable[[Any, int], None], _Prefetch() if COMPILED else _no_prefetch)
"""Have the processor bring a word near, as it will be read soon; says nothing about when, and changes nothing."""


# -- loading -----------------------------------------------------------------------------------------------

NEAR = os.name != "nt"
"""Whether code and constants lie within 2 GiB, so that they are reached directly. LLVM has another way on Windows."""

_engines: list[Any] = []  # they own the code, which must outlive all calls

_C_TYPES: dict[str, Any] = {
    "int64": ctypes.c_int64,
    "uint64": ctypes.c_uint64,
    "float64": ctypes.c_double,
    "boolean": ctypes.c_bool,
}


_NO_BYTES = ctypes.c_char * 0  # found at the beginning of arrays of any size


class _Items:
    """A writable array without gaps, taken by C as the address of its first item."""

    @staticmethod
    def from_param(array: Any) -> Any:
        return ctypes.byref(_NO_BYTES.from_buffer(array))


def parse(signature: str) -> tuple[str, int, list[str]]:
    """What a function gives, how many of it (0: one that is no tuple), and what it takes; pointers end in `*`."""
    found = re.fullmatch(r"(?:UniTuple\((\w+), (\d+)\)|(\w+))\((.*)\)", signature)
    assert found is not None, signature
    item, count, alone, taken = found.groups()
    return item or alone, int(count or 0), [one.replace("[::1]", "*") for one in taken.split(", ")]


def _loaded(entry: Entry) -> Callable[..., Any]:
    """The machine code of an entry, as Python calls it; made now if it is not on disk."""
    code = _machine_code(entry)
    assert entry.signature is not None
    gives, count, takes = parse(entry.signature)
    types: list[Any] = [_Items if one.endswith("*") else _C_TYPES[one] for one in takes]
    if not count:
        return ctypes.CFUNCTYPE(_C_TYPES[gives], *types)(_address(code))
    several: Any = _C_TYPES[gives] * count
    fill = ctypes.CFUNCTYPE(None, ctypes.POINTER(several), *types)(_address(code))

    def call(*arguments: Any) -> tuple[Any, ...]:
        result = several()
        fill(result, *arguments)
        return tuple(result)

    return call


def _machine_code(entry: Entry) -> bytes:
    """The machine code of an entry, from the disk if it is there."""
    code = object_files.found(entry.name)
    return _made(entry) if code is None else code


def _made(entry: Entry) -> bytes:
    """The machine code of an entry for this processor, made now and kept."""
    object_code = maker()
    code = object_files.native(entry.name)  # the way may be another one, now that Numba has been asked
    if code is None:
        code = object_code(entry)
        object_files.keep(entry.name, code)
    return code


def _address(code: bytes) -> int:
    """Load machine code; gives the address of its entry."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine, use_lmm=NEAR or None)
    if os.environ.get("NUMBA_ENABLE_PROFILING", "0") not in ("", "0"):
        engine.enable_jit_events()
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    return int(engine.get_function_address("entry"))
