"""Machine code on disk: where it is kept, where it is looked for, and what is taken of what lies there.

| looked for in | made by | made for |
|---|---|---|
| the user's cache: a folder for each state of sources, Python, Numba | the first run, `sim compile` | this processor |
| the same in a folder of the user's own among the temporary files | the same, if the cache takes nothing | the same |
| `machine_code` in the package, of a wheel only | `make wheel` | Linux on any x86-64-v3 |

A file opens with a digest of the code, and of all that the code was made of and for. Nothing but a whole file that was
made of these sources is ever loaded: code that is cut, changed or foreign would end the process.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import platform
import shutil
import stat
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from sim.draws.compiler import HOOKS, version_file, way
from sim.files import reason_of, write_bytes

PACKAGE = Path(__file__).resolve().parents[1]
_UNUSED_DAYS = 30
_NO_MATTER = ("NUMBA_CACHE_DIR", "NUMBA_NUM_THREADS")
"""Settings that change no machine code; processes that joblib starts have the second one."""


# -- what machine code is made of ----------------------------------------------------------------------------


def sources(package: Path = PACKAGE) -> list[Path]:
    """Sources that machine code may depend on: those of compiled functions, and all that these import a value from."""
    flat = [
        path
        for name in (".", "draws", "engine", "network", "results", "units")
        for path in (package / name).glob("*.py")
    ]
    return sorted([*flat, *(package / "engine" / "fast").rglob("*.py")])


def source_hash(package: Path = PACKAGE) -> str:
    """Hash of every source that machine code may depend on."""
    digest = hashlib.blake2b(digest_size=12)
    for path in sources(package):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@cache
def folder_name() -> str:
    """Hash of everything the machine code depends on but the machine: sources, Python, Numba.

    A folder named by this hash cannot be stale, whichever function or constant has changed.
    """
    digest = hashlib.blake2b(sys.version.encode(), digest_size=12)
    for library in ("numba", "llvmlite"):
        digest.update(version_file(library) + b"\0")
    digest.update(_of_these_sources().encode())
    return digest.hexdigest()


@cache
def _of_these_sources() -> str:
    return source_hash()


@cache
def _settings() -> list[tuple[str, str]]:
    """What Numba was told."""
    return sorted(item for item in os.environ.items() if item[0].startswith("NUMBA_") and item[0] not in _NO_MATTER)


@cache
def _machine() -> str:
    """A hash of the machine and of what Numba was told."""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features().flatten()
    machine = f"{llvm.get_process_triple()} {llvm.get_host_cpu_name()} {features} {_settings()}"
    return hashlib.blake2b(machine.encode(), digest_size=6).hexdigest()


# -- files ---------------------------------------------------------------------------------------------------

_DIGEST = 32
"""Bytes in front of the machine code: a hash of it, and of what it is."""


def _digest(what: str, code: bytes) -> bytes:
    return hashlib.blake2b(what.encode() + b"\0" + code, digest_size=_DIGEST).digest()


def _read(path: Path, what: str) -> bytes | None:
    """The machine code in a file; None where there is none, or it is not what was written, or not that of `what`."""
    try:
        kept = path.read_bytes()
    except OSError:
        return None
    code = kept[_DIGEST:]
    return code if code and kept[:_DIGEST] == _digest(what, code) else None


def found(name: str) -> bytes | None:
    """The machine code of an entry that is on disk: for this processor, or else what came with the package."""
    code = native(name)
    if code is None and _is_at_level() and way() == HOOKS and not _settings():
        code = _read(PORTABLE / f"{name}.o", _portable(name))
    return code


def native(name: str) -> bytes | None:
    """The machine code of an entry for this processor that is on disk."""
    place = native_file(name)
    return None if place is None else _read(place, _native(name))


def native_file(name: str) -> Path | None:
    """The file in which the machine code of an entry for this processor is, whole."""
    for folder in (cache_folder(), _own_folder()):
        if folder is not None and _read(folder / _native(name), _native(name)) is not None:
            with suppress(OSError):
                os.utime(folder)  # in use
            return folder / _native(name)
    return None


def _native(name: str) -> str:
    return f"{name}-{_machine()}.o" if way() == HOOKS else f"{name}-{_machine()}-{way()}.o"


def keep(name: str, code: bytes) -> None:
    """Put machine code for this processor where others find it; they see all of it or nothing.

    Where the user's cache takes nothing, it goes to a folder of the user's own among the temporary files; where that
    one is not to be trusted, to one that lasts as long as this process and is that of all which it starts. A disk that
    takes no more does without.
    """
    chosen = cache_folder()
    try:
        _write(chosen, name, code)
    except OSError as error:
        _refused[name] = f"{chosen} cannot be written ({reason_of(error)})"
        with suppress(OSError):
            own = _own_folder(make=True)
            if own is None:
                # Never a folder that others may write, or a predictable name of theirs: the cache holds code.
                base = tempfile.mkdtemp(prefix="durasim-")
                atexit.register(shutil.rmtree, base, ignore_errors=True)
                os.environ["NUMBA_CACHE_DIR"] = base
                own = cache_folder()
            _write(own, name, code)


_refused: dict[str, str] = {}
"""Why the user's cache does not have an entry that was made in this process."""


def remark(name: str) -> str:
    """Where an entry is kept now, if the user's cache did not take it; empty if it did."""
    if name not in _refused:
        return ""
    place = native_file(name)
    if place is None:
        return f"{_refused[name]}: kept nowhere, and compiled again next time"
    is_private = place.parent == cache_folder()
    return f"{_refused[name]}: kept in {place.parent}{' while this command runs' if is_private else ''}"


def _write(folder: Path, name: str, code: bytes) -> None:
    """Write machine code. Folders of other versions that nobody has used for a month are removed on the way."""
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / _native(name), _digest(_native(name), code) + code)
    with suppress(OSError):  # another process may be tidying too
        for other in folder.parent.iterdir():
            if time.time() - other.stat().st_mtime > _UNUSED_DAYS * 86_400:
                shutil.rmtree(other, ignore_errors=True)


# -- folders -------------------------------------------------------------------------------------------------


def cache_folder() -> Path:
    """The folder in the user's cache: in NUMBA_CACHE_DIR, or the operating system's folder for caches."""
    return _cache_base() / "durasim" / folder_name()


def _cache_base() -> Path:
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        return Path(chosen)
    home = Path(os.path.expanduser("~"))
    if platform.system() == "Windows":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if platform.system() == "Darwin":
        return home / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")


def _own_folder(make: bool = False) -> Path | None:
    """The folder among the temporary files; None where there is none, or others than the user can look into it."""
    user = os.getuid() if hasattr(os, "getuid") else 0  # elsewhere temporary files are the user's own
    try:
        base = Path(tempfile.gettempdir()) / f"durasim-{user}"
        if make:
            with suppress(FileExistsError):
                base.mkdir(mode=0o700)
        is_there = base.lstat()
    except OSError:
        return None
    private = not hasattr(os, "getuid") or (is_there.st_uid == user and not is_there.st_mode & 0o077)
    return base / folder_name() if stat.S_ISDIR(is_there.st_mode) and private else None


# -- what comes with the package ------------------------------------------------------------------------------

PORTABLE = PACKAGE / "machine_code"
"""Machine code that came with the package, in a wheel; a checkout has none."""
LEVEL = "x86-64-v3"
"""Processors that it is for, as compilers call them: Intel's since 2013, AMD's since 2015."""
LEVEL_SETTINGS = {"NUMBA_CPU_NAME": LEVEL, "NUMBA_CPU_FEATURES": ""}
"""What Numba has to be told to compile for them."""
_FEATURES = {"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cx16", "sahf"}
_FEATURES |= {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"}
"""What such a processor has, and older ones lack. Source: System V ABI for AMD64, table 3.1 (2021)."""


def has_level_system() -> bool:
    """Whether this is Linux on x86-64."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


def _is_at_level() -> bool:
    if not has_level_system():
        return False
    import llvmlite.binding as llvm

    has = llvm.get_host_cpu_features()
    return all(has.get(feature) for feature in _FEATURES)


def _portable(name: str) -> str:
    """What the code of an entry is. It calls nothing of Python, NumPy or Numba: any version of theirs may load it."""
    return f"{name} {LEVEL} {_of_these_sources()}"


def write_portable(folder: Path, name: str, code: bytes) -> None:
    """Write machine code that was made for `LEVEL`. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / f"{name}.o", _digest(_portable(name), code) + code)
