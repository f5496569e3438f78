"""The one file that imports Numba: the decorator of everything compiled, and the folder of its disk cache.

With NUMBA_DISABLE_JIT=1 Numba is not imported at all and the decorated functions stay plain Python; they give the
same bits. What is compiled lives in the files that use `njit`.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

PACKAGE = Path(__file__).resolve().parents[1]
_UNUSED_DAYS = 30


def source_hash(package: Path = PACKAGE) -> str:
    """Hash of everything the machine code depends on: all sources of draws and engine, Python, Numba.

    Numba itself looks only at the file a function stands in, so that a change in a function that it calls would go
    unnoticed; a folder named by this hash cannot be stale.
    """
    digest = hashlib.blake2b(f"{sys.version} {version('numba')}".encode(), digest_size=12)
    for path in sorted([*(package / "draws").glob("*.py"), *(package / "engine").rglob("*.py")]):
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
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        # Never a predictable name in a shared folder: the cache holds pickles, which are code.
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
        path = Path(chosen)
        # A process started by this one inherits the folder set below; it must not nest another inside.
        return path.parent.parent if path.parent.name == "durasim" else path
    home = Path(os.path.expanduser("~"))
    if platform.system() == "Windows":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if platform.system() == "Darwin":
        return home / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")


COMPILED = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
"""Whether `njit` compiles in this process."""

if COMPILED:
    os.environ["NUMBA_CACHE_DIR"] = str(cache_folder(_cache_base(), source_hash()))

    import numba

    _numba: Any = numba  # what is used of it is mostly not in its type annotations
    # Somebody may have imported Numba before the folder was set.
    numba.core.config.reload_config()  # type: ignore[no-untyped-call]  # Numba has no annotation there


def is_in_cache(function: str) -> bool:
    """Whether the machine code of an entry is on disk, or none is needed."""
    return not COMPILED or any(Path(os.environ["NUMBA_CACHE_DIR"]).rglob(f"*.{function}-*.nbi"))


# Numba lets signed integers overflow into undefined behaviour, so what has to wrap is unsigned there. Plain Python
# integers do not wrap: every product or sum of words is masked, which changes nothing in compiled code.
word = cast(Callable[[int], int], np.uint64 if COMPILED else int)
"""Makes an unsigned 64-bit word of a non-negative integer."""

signed = cast(Callable[[int], int], np.int64 if COMPILED else int)
"""Makes an int64 of a word below 2^63."""


def constants(values: list[float]) -> Any:
    """A table for compiled functions; its items are plain floats where nothing is compiled."""
    return np.array(values) if COMPILED else tuple(values)


def njit(signature: str, laid_in: bool = False) -> Callable[[F], F]:
    """Compile a function for the one signature given, at once, with the disk cache.

    Arithmetic stays as written (no fast-math, hence no contraction and no reordering), division by zero follows
    IEEE 754, and the global lock is released. laid_in: compiled callers have it as a part of themselves, whatever its
    size, so that their loops over it can use vector instructions.
    """

    def compiled(function: F) -> F:
        if not COMPILED:
            return function
        options = {"error_model": "numpy", "nogil": True, "_nrt": False, "forceinline": laid_in}
        decorate = _numba.njit(signature, cache=True, fastmath=False, **options)
        return cast(F, decorate(function))

    return compiled


def inner(function: F) -> F:
    """Compile a function as a part of those that call it; it has no signature and no place in the cache of its own.

    What the entry that calls it needs is linked and optimised once, with the entry; see `_link_once`.
    """
    if not COMPILED:
        return function
    options = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}
    return cast(F, _numba.njit(fastmath=False, error_model="numpy", nogil=True, **options)(function))


def _pointer(array: Any) -> Any:
    return array


if COMPILED:

    @_numba.extending.intrinsic  # type: ignore[untyped-decorator]
    def _pointer_of(context: Any, array: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return context.make_array(signature.args[0])(context, builder, arguments[0]).data

        return _numba.types.CPointer(array.dtype)(array), code


pointer: Callable[[Any], Any] = _pointer_of if COMPILED else _pointer
"""Where the words of an array begin. What takes an array is given seven numbers at each call, this is one."""


def _link_once() -> None:
    """Let Numba link and optimise the functions that an entry calls once, together with the entry.

    By itself it optimises every function together with all that it calls, so that a call tree of depth d is optimised
    d times over: the event loop with its two hundred functions would take minutes. Here a function that is compiled
    because another one calls it is translated only, and the outermost one links all of them, directly called or not.
    """
    core: Any = _numba.core
    codegen, compiler, cpu = core.codegen, core.compiler, core.cpu
    depth = [0]
    extra, internal = compiler.compile_extra, compiler.compile_internal
    finalize, executable = codegen.CPUCodeLibrary.finalize, cpu.CPUContext.get_executable

    def nested(compile_one: Callable[..., Any]) -> Callable[..., Any]:
        def compile_nested(*args: Any, **options: Any) -> Any:
            depth[0] += 1
            try:
                return compile_one(*args, **options)
            finally:
                depth[0] -= 1

        return compile_nested

    def finalize_outermost(library: Any) -> None:
        if depth[0] > 1:
            library._finalized = True
            return
        # Callers before those whom they call: LLVM leaves out what nobody has asked for so far.
        seen: set[Any] = set()
        order: list[Any] = []

        def visit(user: Any) -> None:
            for used in user._linking_libraries:
                if used not in seen:
                    seen.add(used)
                    visit(used)
                    order.append(used)

        visit(library)
        library._linking_libraries = order[::-1]
        own = {function.name for function in library._final_module.functions if not function.is_declaration}
        optimize = library._optimize_final_module

        def optimize_as_one() -> None:
            for function in library._final_module.functions:
                if not function.is_declaration and function.name not in own:
                    function.linkage = "internal"  # nobody else calls it: it may be laid into its callers
            optimize()

        library._optimize_final_module = optimize_as_one
        finalize(library)

    def executable_of_outermost(context: Any, library: Any, fndesc: Any, env: Any) -> Any:
        if depth[0] > 1:
            return [fndesc].count  # a built-in function, as Numba wants; it only stands for this one, nobody calls it
        return executable(context, library, fndesc, env)

    compiler.compile_extra, compiler.compile_internal = nested(extra), nested(internal)
    codegen.CPUCodeLibrary.finalize = finalize_outermost
    cpu.CPUContext.get_executable = executable_of_outermost


if COMPILED:
    _link_once()
