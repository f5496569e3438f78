"""The decorators of everything compiled, and how its machine code is kept on disk and found again.

Numba is imported only to compile, in one of the two ways of `sim.draws.compiler`: it takes half a second to import and
as long again to find its functions, and what it has made is a file that LLVM loads in milliseconds. With
NUMBA_DISABLE_JIT=1 the decorated functions stay plain Python; they give the same bits. What is compiled lives in the
files that use the decorators.
"""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from sim.draws.compiler import HOOKS, maker, version_file, way
from sim.files import write_bytes

F = TypeVar("F", bound=Callable[..., Any])

PACKAGE = Path(__file__).resolve().parents[1]
_UNUSED_DAYS = 30
_NO_MATTER = ("NUMBA_CACHE_DIR", "NUMBA_NUM_THREADS")
"""Settings that change no machine code; processes that joblib starts have the second one."""

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


class Entry(Part):
    """A function that Python calls; its machine code is loaded, or made, at the first call."""

    call: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        """What the machine code gives."""
        if self.call is None:
            self.call = _loaded(self)
        return self.call(*arguments)


def prepare(function: Callable[..., Any]) -> None:
    """Make the machine code of an entry now, if it is not on disk."""
    if isinstance(function, Entry) and function.call is None:
        function.call = _loaded(function)


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


# -- the disk cache ----------------------------------------------------------------------------------------


def sources(package: Path = PACKAGE) -> list[Path]:
    """Sources that machine code may depend on: those of compiled functions, and all that these import a value from."""
    flat = [
        path
        for name in (".", "draws", "engine", "network", "results", "units")
        for path in (package / name).glob("*.py")
    ]
    return sorted([*flat, *(package / "engine" / "fast").rglob("*.py")])


def source_hash(package: Path = PACKAGE) -> str:
    """Hash of everything the machine code depends on but the machine: sources, Python, Numba.

    A folder named by this hash cannot be stale, whichever function or constant has changed.
    """
    digest = hashlib.blake2b(sys.version.encode(), digest_size=12)
    for library in ("numba", "llvmlite"):
        digest.update(version_file(library) + b"\0")
    for path in sources(package):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def cache_folder(base: Path, name: str) -> Path:
    """A writable folder `<base>/durasim/<name>`; a private temporary one, removed at exit, when that cannot be.

    Folders of other versions that nobody has used for a month are removed on the way.
    """
    folder = base / "durasim" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        # Never a predictable name in a shared folder: the cache holds code.
        folder = Path(tempfile.mkdtemp(prefix="durasim-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return folder
    with suppress(OSError):  # another process may be tidying too
        for other in folder.parent.iterdir():
            if time.time() - other.stat().st_mtime > _UNUSED_DAYS * 86_400:
                shutil.rmtree(other, ignore_errors=True)
    return folder


def _cache_base() -> Path:
    """The user's NUMBA_CACHE_DIR, or the operating system's folder for caches."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    home = Path(os.path.expanduser("~"))
    if platform.system() == "Windows":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if platform.system() == "Darwin":
        return home / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")


@cache
def _place() -> tuple[Path, str]:
    """The folder of the machine code, and a hash of the machine and of what Numba was told."""
    import llvmlite.binding as llvm

    told = sorted(item for item in os.environ.items() if item[0].startswith("NUMBA_") and item[0] not in _NO_MATTER)
    machine = f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {llvm.get_host_cpu_features().flatten()} {told}"
    folder = cache_folder(_cache_base(), source_hash())
    return folder, hashlib.blake2b(machine.encode(), digest_size=6).hexdigest()


def _file(name: str) -> Path:
    folder, machine = _place()
    return folder / (f"{name}-{machine}.o" if way() == HOOKS else f"{name}-{machine}-{way()}.o")


def is_in_cache(function: str) -> bool:
    """Whether the machine code of an entry is on disk, whole, or none is needed."""
    return not COMPILED or _kept(_file(function)) is not None


_DIGEST = 32
"""Bytes in front of the machine code: a hash of it. Code that is cut or changed would end the process."""


def _digest(code: bytes) -> bytes:
    return hashlib.blake2b(code, digest_size=_DIGEST).digest()


def _kept(path: Path) -> bytes | None:
    """The machine code in a file; None where there is none, or it is not what was written."""
    try:
        kept = path.read_bytes()
    except OSError:
        return None
    code = kept[_DIGEST:]
    return code if code and kept[:_DIGEST] == _digest(code) else None


def _keep(path: Path, code: bytes) -> None:
    """Put machine code into the cache; others see all of it or nothing. One that takes no more does without."""
    with suppress(OSError):
        write_bytes(path, _digest(code) + code)


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
    path = _file(entry.name)
    code = _kept(path)
    if code is None:
        object_code = maker()
        if path != _file(entry.name):  # the way is another one, now that Numba has been asked
            path = _file(entry.name)
            code = _kept(path)
        if code is None:
            code = object_code(entry)
            _keep(path, code)
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
