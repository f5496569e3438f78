"""The usual way of compiling, and the one file that uses private hooks of Numba: an entry and all that it calls become
one piece of machine code.

By itself Numba optimises every function together with all that it calls, so that a call tree of depth d is optimised d
times over: the event loop with its hundreds of functions would take minutes. Here a function that is compiled because
another one calls it is translated only; the entry links all of them, directly called or not, and is optimised once.

What breaks without each hook, for the event loop: CPU seconds and peak memory (with all of them 27 s, 424 MiB; Numba
0.68.1 on an idle machine, 2026-12-02; the first two while others ran beside them, and times spread by 1 s or so).

| hook | what it does | without it |
|---|---|---|
| `CPUCodeLibrary.finalize` | links a function with its callees in the end only | 145 s, 1,076 MiB |
| it and `get_executable` | as stock `njit` does | 157 s, 1,081 MiB |
| `CPUContext.get_executable` | loads nothing that nobody calls | alone: a segmentation fault |
| `CPUContext.create_cfunc_wrapper` | adds the entry that C calls | there is no `entry` to call |
| `FunctionPass`, `register_pass`, `ir` | reads `Record.FIELD` as a number | records are unknown to Numba |
| `Dispatcher.disable_compile` | one version of a function for all | 44 s, 568 MiB; code 30 % larger |
| `BaseFunction.get_call_type` | resolves each kind of operation once | 32 s |
| `CompilerBase`, `PassManager`, passes | leaves out stations that find nothing | 32 s, the same code |
| `no_cpython_wrapper`, `no_cfunc_wrapper` | no wrappers around functions | 32 s, 548 MiB |
| `forceinline` | lays small functions into their callers | code 4 % smaller, runs 0 to 14 % longer |
| `CPUCodeLibrary._optimize_functions` | no pass over single functions | no longer; code 1 % larger |
| `_nrt` | no counting of references | no longer; code 1 % larger |
| `rtsys.initialize` | compiles the runtime before ours | the same code here |
| codegen's `_module_pass_manager`, `_tm_features`, ... | Numba's passes and processor | other code |

Numba 0.62.1, 0.63.1, 0.64.0, 0.65.1, 0.66.0, 0.67.0 and 0.68.1, each with the llvmlite that it asks for, have them
all, and gave the same columns of M1 to M3 in both ways (Python 3.11, 2026-12-02).

Without them `compiler_stock` gives the same bits by documented means. `compiler` decides which way is taken.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.ir as ir
import numba

from sim.draws.compiler_shared import emitted, fetch, make_private, signature_of
from sim.draws.jit import NEAR, Constants, Entry, Part, prefetch

_numba: Any = numba
_core, _types = _numba.core, _numba.types
_target = _core.registry.cpu_target
_untyped, _typed = _core.untyped_passes, _core.typed_passes

_Function = _types.functions.BaseFunction
_Library: Any = _core.codegen.CPUCodeLibrary
_Context: Any = _core.cpu.CPUContext
_Base: Any = _core.compiler.CompilerBase
_Manager = _core.compiler_machinery.PassManager
_Pass: Any = _core.compiler_machinery.FunctionPass


@_core.compiler_machinery.register_pass(mutates_CFG=False, analysis_only=False)
class _ReadConstants(_Pass):  # type: ignore[misc]
    """Puts the number in the place of `Record.FIELD`, as Numba does itself with a name of a module."""

    _name = "read_constants"

    def __init__(self) -> None:
        super().__init__()

    def run_pass(self, state: Any) -> bool:
        """Whether anything has changed."""
        known: dict[str, Constants] = {}
        code, definitions = _core.ir, state.func_ir._definitions
        for block in state.func_ir.blocks.values():
            kept = []
            for step in block.body:
                value = getattr(step, "value", None)
                if isinstance(value, code.Global) and isinstance(value.value, Constants):
                    known[step.target.name] = value.value
                    continue
                if isinstance(value, code.Expr) and value.op == "getattr" and value.value.name in known:
                    number = getattr(known[value.value.name], value.attr)
                    step.value = code.Global(value.attr, number, value.loc)
                    definitions[step.target.name] = [step.value]
                kept.append(step)
            block.body = kept
        return bool(known)


_STATIONS = (
    _untyped.TranslateByteCode,
    _ReadConstants,
    _untyped.FixupArgs,
    _untyped.IRProcessing,
    _untyped.ReconstructSSA,
    _typed.NopythonTypeInference,
    _typed.PreLowerStripPhis,
    _typed.IRLegalization,
    _typed.AnnotateTypes,
    _typed.NativeLowering,
    _typed.NoPythonBackend,
)
_codegen = _target.target_context.codegen()

for _home, _names in (
    (_target.typing_context, "resolve_value_type"),
    (_core.cpu.CPUTargetOptions, "_nrt no_cpython_wrapper no_cfunc_wrapper forceinline"),
    (_core.dispatcher.Dispatcher, "compile disable_compile"),
    (_core.runtime.rtsys, "initialize"),
    (_Function, "get_call_type"),
    (_Library, "_optimize_functions finalize _get_module_for_linking add_ir_module"),
    (_codegen.create_library("probe"), "_codegen _finalized _final_module _linking_libraries"),
    (_codegen, "_module_pass_manager _data_layout _get_host_cpu_name _tm_features _customize_tm_options"),
    (_Context, "get_executable create_cfunc_wrapper create_module get_value_type"),
    (_target.target_context, "data_model_manager call_conv"),
):
    for _name in _names.split():
        getattr(_home, _name)  # one that is missing is missed when this file is imported, and not halfway


class _Pipeline(_Base):  # type: ignore[misc]
    """Numba's way from Python to LLVM's language, without the stations that find nothing to do here.

    Left out are closures, blocks under `with`, array expressions, parallel loops, literal arguments, and the pruning
    of dead branches, which LLVM does as well.
    """

    def define_pipelines(self) -> list[Any]:
        """The one pipeline that there is."""
        manager = _Manager("plain")
        for station in _STATIONS:
            manager.add_pass(station, station.__name__)
        manager.finalize()
        return [manager]


_OPTIONS: dict[str, Any] = {
    "fastmath": False,
    "error_model": "numpy",
    "nogil": True,
    "_nrt": False,
    "pipeline_class": _Pipeline,
}


@_numba.extending.typeof_impl.register(Part)  # type: ignore[untyped-decorator]
def _type_of(part: Part, _: Any) -> Any:
    """What Numba takes a function for when it compiles one that calls it."""
    if part.compiled is None:
        options = {**_OPTIONS, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": part.laid_in}
        part.compiled = _numba.njit(**options)(part.source())
        # One version for all who call it: Numba would make one for each combination of constants in the calls. It is
        # there before it is finished, since it may call itself.
        part.compiled.compile(signature_of(part))
        part.compiled.disable_compile()
    return _numba.typeof(part.compiled)


@_numba.extending.typeof_impl.register(type(prefetch))  # type: ignore[untyped-decorator]
def _type_of_prefetch(_: Any, __: Any) -> Any:
    return _target.typing_context.resolve_value_type(fetch)


def object_code(entry: Entry) -> bytes:
    """The machine code of an entry as an object file of this machine, in which it is called `entry`."""
    _core.runtime.rtsys.initialize(_target.target_context)  # not as a part of what follows
    with _translating():
        dispatcher: Any = _numba.njit(signature_of(entry), no_cpython_wrapper=True, **_OPTIONS)(entry.source())
        (result,) = dispatcher.overloads.values()
        return _linked(result.library)


@contextmanager
def _translating() -> Iterator[None]:
    """While this lasts, Numba translates functions to LLVM's language and does no more with them."""

    def only_lay_out(library: Any, module: Any) -> None:
        module.data_layout = library._codegen._data_layout

    def finalize(library: Any) -> None:
        library._finalized = True

    def executable(context: Any, library: Any, fndesc: Any, env: Any) -> Any:
        return [fndesc].count  # a built-in function, as Numba wants; it only stands for this one, nobody calls it

    resolve, resolved = _Function.get_call_type, {}

    def remembered(function: Any, context: Any, args: Any, kws: Any) -> Any:
        key = (function, tuple(args), tuple(dict(kws).items()))
        if key not in resolved:
            resolved[key] = resolve(function, context, args, kws)
        return resolved[key]

    changes: list[tuple[Any, str, Any]] = [
        # Twenty thousand operations of some five hundred kinds: for each, Numba would ask all who might know its type.
        (_Function, "get_call_type", remembered),
        (_Library, "_optimize_functions", only_lay_out),
        (_Library, "finalize", finalize),
        (_Context, "get_executable", executable),
        (_Context, "create_cfunc_wrapper", _add_entry),
    ]
    before = [getattr(home, name) for home, name, _ in changes]
    collected = gc.isenabled()
    gc.disable()  # hundreds of functions in the form of objects that stay: the collector would walk them all, often
    try:
        for home, name, changed in changes:
            setattr(home, name, changed)
        yield
    finally:
        for (home, name, _), one in zip(changes, before, strict=True):
            setattr(home, name, one)
        if collected:
            gc.enable()


def _add_entry(context: Any, library: Any, fndesc: Any, env: Any, call_helper: Any) -> None:
    """Add the function that C calls. Unlike Numba's own it knows no exceptions, since nothing compiled here raises."""
    module = context.create_module("entry")
    types, convention = context.data_model_manager, context.call_conv
    callee = ir.Function(module, convention.get_function_type(fndesc.restype, fndesc.argtypes), fndesc.llvm_func_name)
    gives = types[fndesc.restype].get_data_type()
    takes = [context.get_value_type(one) for one in fndesc.argtypes]
    is_tuple = isinstance(fndesc.restype, _types.BaseTuple)
    shape = ir.FunctionType(ir.VoidType(), [gives.as_pointer(), *takes]) if is_tuple else ir.FunctionType(gives, takes)
    function = ir.Function(module, shape, "entry")
    builder = ir.IRBuilder(function.append_basic_block())
    arguments = function.args[1:] if is_tuple else function.args
    _, result = convention.call_function(builder, callee, fndesc.restype, fndesc.argtypes, arguments)
    result = types[fndesc.restype].as_data(builder, result)
    if is_tuple:
        builder.store(result, function.args[0])
        builder.ret_void()
    else:
        builder.ret(result)
    library.add_ir_module(module)


def _linked(library: Any) -> bytes:
    """Link a library with all that it needs, optimise it as one, and make machine code of it."""
    codegen, module = library._codegen, library._final_module
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
    for used in order[::-1]:
        module.link_in(used._get_module_for_linking(), preserve=True)
    make_private(module)
    passes, builder = codegen._module_pass_manager()
    passes.run(module, builder)
    return emitted(module, library.name, _options(codegen))


def _options(codegen: Any) -> dict[str, Any]:
    options = {"cpu": codegen._get_host_cpu_name(), "features": codegen._tm_features, "opt": 3}
    if NEAR:
        options |= {"reloc": "pic", "codemodel": "small"}
    else:
        codegen._customize_tm_options(options)
    return options
