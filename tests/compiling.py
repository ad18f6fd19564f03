"""How tests compile: quickly, apart from some programs of each operator, and several cases in one program.

What a small program costs is mostly compiling it, and most of that is the same for every program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import pytest

# XLA options for programs that run once or twice. `conftest` makes them the default of all tests, and of the processes
# that tests start, unless the environment has XLA_FLAGS.
QUICK = {
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}
# for programs that run longer than they compile: as fast as those of users, and compiled in less than half the time
LONG_RUNS = {**QUICK, "xla_backend_optimization_level": 1}
# the values that these options have for users
USERS = {
    "xla_backend_optimization_level": 3,
    "xla_llvm_disable_expensive_passes": False,
    "xla_cpu_use_fusion_emitters": True,
    "xla_cpu_parallel_codegen_split_count": 32,
}


def as_flags(options: dict[str, Any]) -> str:
    """Options as XLA_FLAGS has them."""
    return " ".join(f"--{name}={str(value).lower()}" for name, value in options.items())


def together(calls: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]], options: dict[str, Any] = QUICK) -> list[Any]:
    """The results of several calls, compiled as one program.

    Args:
        calls: A function and its arguments each, as for `jax.jit`.
        options: For XLA; USERS compiles as users do.

    Returns:
        The result of each call, in NumPy arrays: to look at a part of a JAX array compiles a program. An error while
        tracing says in a note which call it came from.
    """
    program = one_program([function for function, _ in calls], options)
    return list(jax.device_get(program([arguments for _, arguments in calls])))


def one_program(
    functions: Sequence[Callable[..., Any]], options: dict[str, Any] = QUICK
) -> Callable[[Sequence[tuple[Any, ...]]], tuple[Any, ...]]:
    """Several functions compiled as one: the arguments of each -> the result of each. To call more than once."""

    def program(arguments: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
        results = []
        for i, (function, own) in enumerate(zip(functions, arguments, strict=True)):
            try:
                results.append(function(*own))
            except Exception as error:
                error.add_note(f"in call {i} of the {len(functions)} that are compiled together")
                raise
        return tuple(results)

    return jax.jit(program, compiler_options=options)


def models_compile_with(patch: pytest.MonkeyPatch, options: dict[str, Any]) -> None:
    """From here on the programs of models are compiled with these options, LONG_RUNS or USERS."""
    from graphml.models.compile import programs

    patch.setattr(programs, "_CPU_FLOAT32", {**programs._CPU_FLOAT32, **options})
