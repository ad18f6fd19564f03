"""Compiled programs: when a model is traced, with which compiler options, and for how many rows at once.

A model is compiled to one program for each set of input shapes. If a shape depends on values, there are
several programs, and the host reads these values between them (`graphml.interpreter.stages`).
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from graphml.allocator import return_free_memory
from graphml.errors import UnsupportedError
from graphml.interpreter.loop import MOST_ITERATIONS
from graphml.interpreter.lower import Lowered
from graphml.interpreter.programs import MOST, Compiled, Latest, forms_of_inputs
from graphml.interpreter.stages import Staged
from graphml.models.compile.batches import ROW_BY_ROW, Batches, batches_of
from graphml.models.compile.cache import Cache
from graphml.models.compile.cache_keys import digest, flags
from graphml.models.compile.content import content_key, shared
from graphml.models.compile.once import once
from graphml.models.compile.parallel import in_threads
from graphml.models.compile.preparation import Preparation
from graphml.models.configuration import Device

# On CPUs XLA's own convolutions and products are faster in float32 inference than the library that it prefers, and wide
# vectors, if the CPU has them, double the speed of functions such as exp and tanh.
_CPU_FLOAT32 = {"xla_cpu_experimental_ynn_fusion_type": "", "xla_cpu_prefer_vector_width": 512}
_CPU_TRAINING = {"xla_cpu_prefer_vector_width": 512}  # the gradients of convolutions are faster in that library

_LONG = 1.0  # seconds of a compilation that leaves enough memory free to be returned, which takes some 40 ms

Arrays = Mapping[str, Any] | None


def compiler_options(platform: str, dtype: Any = jnp.float32) -> dict[str, Any]:
    """The XLA options for inference, without those that the installed jaxlib does not accept.

    Args:
        platform: cpu, cuda, tpu ...
        dtype: The type that the network computes in; None: each value in its stored type.
    """
    return dict(_accepted(tuple(_wanted_options(platform, dtype).items())))


def training_options(platform: str) -> dict[str, Any]:
    """The same for training."""
    return dict(_accepted(tuple(_CPU_TRAINING.items()))) if platform == "cpu" else {}


def _wanted_options(platform: str, dtype: Any = jnp.float32) -> dict[str, Any]:
    return _CPU_FLOAT32 if platform == "cpu" and dtype == jnp.float32 else {}


@functools.cache
def _accepted(options: tuple[tuple[str, Any], ...]) -> tuple[tuple[str, Any], ...]:
    if not options or _compiles(dict(options)):
        return options
    return tuple(item for item in options if _compiles(dict([item])))


def _compiles(options: dict[str, Any]) -> bool:
    cpu = jax.devices("cpu")[0]
    try:
        jax.jit(lambda x: x, compiler_options=options).lower(jax.device_put(np.float32(0), cpu)).compile()
    except Exception:  # the type of the error for an unknown option differs between versions
        return False
    return True


@dataclass(frozen=True)
class Compilation:
    """A program that was traced and compiled.

    Attributes:
        what: The program.
        why: What it was compiled for.
        seconds: The time until its first result.
    """

    what: str
    why: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.what} ({self.why}): {self.seconds:.2f} s"


class Kept(NamedTuple):
    """The leaves of prepared weights from a cache directory, without their tree structure."""

    leaves: list[jax.Array]


class _SharedPrograms:
    """What models of equal content share: see `graphml.models.compile.content`. It holds no reference to them.

    Args:
        options: Compiler options.
        most: For how many sets of input shapes programs stay in memory, the most recently used; likewise for rows.
        cache: The part of a cache directory for these models; None: no cache directory.
    """

    def __init__(self, options: dict[str, Any], most: int, cache: Cache | None = None) -> None:
        def stored(rows: bool, which: Any, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
            assert cache is not None
            return cache.program((rows, *which), function, arguments, options)

        if cache is None:
            settings: dict[str, Any] = {"most": most, "which": forms_of_inputs, "compiler_options": options}
            self.one = Compiled(_traced_by_caller, **settings)
            self.many = Compiled(_rows_traced_by_caller, **settings)
        else:
            settings = {"most": most, "which": _stored_call}
            self.one = Compiled(_stored_by_caller, make=functools.partial(stored, False), **settings)
            self.many = Compiled(_stored_rows_by_caller, make=functools.partial(stored, True), **settings)
        self.preparations: Latest[Preparation] = Latest(most)
        self.batches: Latest[Batches] = Latest(most)  # shapes of the inputs -> how rows of these shapes run


class _Caller(threading.local):
    """The model that this thread runs: a program that models share is traced from the one that needs it first."""

    program: Program | None = None
    traces = 0


_caller = _Caller()


def _traced_by_caller(*arguments: Any) -> Any:
    assert _caller.program is not None
    return _caller.program.traced(*arguments)


def _rows_traced_by_caller(*arguments: Any) -> Any:
    assert _caller.program is not None
    return _caller.program.rows_traced(*arguments)


def _stored_by_caller(leaves: list[jax.Array], *rest: Any) -> Any:
    return _traced_by_caller(Kept(leaves), *rest)


def _stored_rows_by_caller(leaves: list[jax.Array], *rest: Any) -> Any:
    return _rows_traced_by_caller(Kept(leaves), *rest)


def _stored_call(leaves: list[jax.Array], inputs: Mapping[str, Any], key: jax.Array | None, *state: Any) -> Any:
    shapes = tuple((name, value.shape, value.dtype.name) for name, value in sorted(inputs.items()))
    return shapes, None if key is None else str(jax.typeof(key)), flags()


class Program:
    """A model compiled for one device, independent of its weights: models that `with_parameters` makes share one, and
    models of equal content share what it has compiled.

    Args:
        lower: Makes the function, when it is needed.
        platform: The platform of the device.
        device: The device; None: JAX's default device at the time of a call.
        cache: The part of a cache directory for this model.
        dtype: What it computes in; None: each value in its stored type.
        most: For how many sets of input shapes programs stay in memory, the most recently used; likewise for rows.

    Attributes:
        compilations: What was traced, and so compiled by XLA: once for each set of input shapes, unless a cache
            directory already has the program.
    """

    def __init__(
        self,
        lower: Callable[[], Lowered],
        platform: str,
        device: Device | None,
        cache: Cache | None = None,
        *,
        dtype: Any = jnp.float32,
        most: int = MOST,
    ) -> None:
        self._lower = lower
        self.compilations: list[Compilation] = []
        self._device = device
        self._cache = cache
        self._most = most
        self._needs_stages: bool | None = None  # whether its shapes depend on values; None: not known yet
        self._stored: Any = None  # the shapes and types of stored weights; None: not known yet
        if cache is None:
            options = compiler_options(platform, dtype)
        else:
            options = cache.options(_wanted_options(platform, dtype), lambda: compiler_options(platform, dtype))
        self._options = options

    @once
    def lowered(self) -> Lowered:
        return self._lower()

    @once
    def _programs(self) -> _SharedPrograms:
        key = content_key(self.lowered, str(self._device), self._most, self._options)
        return shared(key, lambda: _SharedPrograms(self._options, self._most))

    @once
    def _stored_programs(self) -> _SharedPrograms:
        cache = self._cache
        assert cache is not None
        key = digest(cache.folder, cache.key, str(self._device), self._most, self._options)
        return shared(key, lambda: _SharedPrograms(self._options, self._most, cache))

    @property
    def trace_count(self) -> int:
        return len(self.compilations)

    @once
    def staged(self) -> Staged:
        """The network in stages, for those whose shapes depend on values."""

        def traced(what: str, seconds: float) -> None:
            self.compilations.append(Compilation("a stage", what, seconds))

        return Staged(self.lowered, prepared=True, compiler_options=self._options, traced=traced)

    def traced(self, prepared: Any, inputs: Any, key: Any, state: Any = None) -> Any:
        """The network, for a program that is traced. It is called by that program."""
        _caller.traces += 1
        return self.lowered.run_prepared(self._tree(prepared), inputs, key=key, state=state)

    def rows_traced(self, prepared: Any, inputs: Any, key: Any) -> Any:
        """`traced` for many rows."""
        one = key is None or key.ndim == 0
        return jax.vmap(self.traced, in_axes=(None, 0, None if one else 0))(prepared, inputs, key)

    def _on_device(self):
        return contextlib.nullcontext() if self._device is None else jax.default_device(self._device)

    def prepare(self, params: Mapping[str, Any]) -> Any:
        """Weights on the device, in the form in which the layers use them; those used as stored are not copied."""
        known = self.lowered.known
        params = {k: v for k, v in params.items() if k not in known}
        self._stored = _without_values(params)
        forms, tree = jax.tree.flatten(self._stored)
        with self._on_device():
            preparations = self._programs.preparations
            preparation = preparations.get((tree, tuple(forms)))
            if preparation is None:
                preparation = Preparation(self.lowered, tree, forms)
                preparations.put((tree, tuple(forms)), preparation)
            return preparation(jax.tree.leaves(params), self._device)

    def prepare_kept(self, params: Callable[[], Mapping[str, Any]]) -> Any:
        """`prepare` for the weights of the file, whose prepared form may be in the cache directory."""
        if self._cache is None:
            return self.prepare(params())
        with self._on_device():
            leaves = self._cache.weights
            if leaves is None:
                leaves = jax.tree.leaves(self.prepare(params()))
                self._cache.keep_weights(leaves)
            return Kept(jax.device_put(leaves, self._device))

    def _tree(self, prepared: Any) -> Any:
        return self._kept_tree.unflatten(prepared.leaves) if isinstance(prepared, Kept) else prepared

    @functools.cached_property
    def _kept_tree(self) -> Any:
        return jax.tree.structure(jax.eval_shape(self.lowered.prepare, self._stored_forms()))

    def _stored_forms(self) -> Any:
        """The weights as stored, with shapes and types instead of arrays."""
        if self._stored is None:
            self._stored = _without_values(self.lowered.read_params())
        return self._stored

    def _call(
        self,
        prepared: Any,
        inputs: Mapping[str, Any],
        key: jax.Array | None,
        state: Arrays = None,
        *,
        rows: bool = False,
    ) -> Any:
        outer, before, start = _caller.program, _caller.traces, time.perf_counter()
        arguments = (prepared, inputs, key) if state is None else (prepared, inputs, key, state)
        _caller.program = self
        try:
            outputs = self._compiled(arguments, rows)
        finally:
            _caller.program = outer
        if _caller.traces > before:
            jax.block_until_ready(outputs)
            shapes = ", ".join(f"{name} {list(np.shape(value))}" for name, value in sorted(inputs.items()))
            what = "the network for rows" if rows else "the network"
            self.compilations.append(Compilation(what, f"first call for {shapes}", time.perf_counter() - start))
            if self.compilations[-1].seconds > _LONG:
                return_free_memory()
        return outputs

    def _compiled(self, arguments: tuple[Any, ...], rows: bool) -> Any:
        prepared, *rest = arguments
        if isinstance(prepared, Kept) and self._cache is not None:
            programs, prepared = self._stored_programs, prepared.leaves
        else:
            programs = self._programs
        return (programs.many if rows else programs.one)(prepared, *rest)

    def run(self, prepared: Any, inputs: Mapping[str, Any], key: jax.Array | None = None, state: Arrays = None) -> Any:
        """The outputs for one set of inputs; of a model that has a state: the outputs, and the state after them."""
        self._check_counts(inputs)
        if self._device is None:
            return self._run(prepared, inputs, key, state)
        with jax.default_device(self._device):  # inputs may come from another one
            inputs, state = jax.device_put((inputs, state), self._device)
            return self._run(prepared, inputs, key, state)

    def run_in_turn(
        self, prepared: Any, rows: Sequence[Mapping[str, Any]], key: jax.Array | None, state: Mapping[str, Any]
    ) -> tuple[list[Mapping[str, Any]], Mapping[str, Any]]:
        """The outputs of many rows of a model that has a state, each with the state that the previous row has left;
        and the last state. key: one for all rows, or one for each."""
        out: list[Mapping[str, Any]] = []
        for i, row in enumerate(rows):
            outputs, state = self.run(prepared, row, _for_rows(key, i), state)
            out.append(outputs)
        return out, state

    def _check_counts(self, inputs: Mapping[str, Any]) -> None:
        # a program of the cache directory runs without the network, which is read only where it may matter
        if any(np.size(value) == 1 and not np.asarray(value).item() < MOST_ITERATIONS for value in inputs.values()):
            self.lowered.check_counts(inputs)

    def _run(self, prepared: Any, inputs: Mapping[str, Any], key: jax.Array | None, state: Arrays) -> Any:
        if not self.in_stages(prepared):
            try:
                return self._call(prepared, inputs, key, state)
            except UnsupportedError:
                self._needs_stages = True
        return self.staged(self._tree(prepared), inputs, key, state=state)

    def in_stages(self, prepared: Any) -> bool:
        """Whether the network is known to run in stages. What a cache directory has compiled is one program."""
        needed = self._needs_stages
        if needed is None:
            needed = self._needs_stages = not isinstance(prepared, Kept) and self.lowered.endless
        return needed

    def run_rows(
        self, prepared: Any, rows: Sequence[Mapping[str, Any]], key: jax.Array | None = None
    ) -> list[Mapping[str, Any]]:
        """The outputs of many rows, in order. Rows of equal shapes run in one call, filled up to a power of two with
        copies of the last, so that a new batch size seldom needs compiling; if several calls are needed, they run in
        threads, one for each core. key: one for all rows, or one for each."""
        groups: dict[Any, list[int]] = {}
        for i, row in enumerate(rows):
            self._check_counts(row)
            groups.setdefault(tuple((n, np.shape(v), v.dtype) for n, v in sorted(row.items())), []).append(i)
        out: list[Any] = [None] * len(rows)
        for group in groups.values():
            alone = len(group) == 1 or self.in_stages(prepared)
            step, calls = ROW_BY_ROW if alone else self._batches(rows[group[0]], _for_rows(key, group[0]))
            parts = [group[start : start + step] for start in range(0, len(group), step)]
            run = functools.partial(self._run_part, prepared, rows, key, calls > 1)
            for part, results in zip(parts, in_threads(run, parts, calls), strict=True):
                for i, each in zip(part, results, strict=True):
                    out[i] = each
        return out

    def _batches(self, row: Mapping[str, Any], key: jax.Array | None) -> Batches:
        shapes = tuple((name, np.shape(value)) for name, value in sorted(row.items()))
        known = self._programs.batches.get(shapes)
        if known is None:
            known = batches_of(self.lowered, self._stored_forms(), row, key)
            self._programs.batches.put(shapes, known)
        return known

    def run_stacked(self, prepared: Any, inputs: Mapping[str, Any]) -> Mapping[str, jax.Array]:
        """The outputs of rows that are stacked along a first axis, from one call; the axis may be sharded."""
        return self._call(prepared, inputs, None, rows=True)

    def _run_part(
        self, prepared: Any, rows: Sequence[Mapping[str, Any]], key: jax.Array | None, wait: bool, part: list[int]
    ) -> Sequence[Mapping[str, Any]]:
        """The outputs of the rows at these indices, which have equal shapes. wait: until they are computed."""
        found = self._run_equal(prepared, [rows[i] for i in part], _for_rows(key, np.array(part)))
        return jax.block_until_ready(found) if wait else found

    def _run_equal(self, prepared, rows, key):
        if len(rows) > 1 and rows[0] and not self.in_stages(prepared):
            places = np.minimum(np.arange(1 << (len(rows) - 1).bit_length()), len(rows) - 1)
            stacked = {name: np.stack([np.asarray(rows[i][name]) for i in places]) for name in rows[0]}
            try:
                with self._on_device():
                    results = jax.device_get(self._call(prepared, stacked, _for_rows(key, places), rows=True))
            except UnsupportedError:
                self._needs_stages = True
            else:
                return [{name: value[i] for name, value in results.items()} for i in range(len(rows))]
        return [self.run(prepared, row, _for_rows(key, i)) for i, row in enumerate(rows)]


def _without_values(params: Any) -> Any:
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), params)


def _for_rows(key: jax.Array | None, places: Any) -> jax.Array | None:
    """The key of a row, or those of some rows. key: one for all rows, or one for each."""
    return key if key is None or key.ndim == 0 else key[places]
