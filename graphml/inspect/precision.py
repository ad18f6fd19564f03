"""What half precision does to a model: which operations overflow, underflow or drift, and how to fix it.

Start with `precision`, which runs a network or program in float32 and in half precision on the same inputs and
measures each operation; `mending` searches for the operations that must stay in float32, `mixed` runs a graph in both.
"""

# JAX is only partly typed
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import FeatureError, UnsupportedError, quoted, with_article
from graphml.graph import ABSENT
from graphml.inspect.drawing import draws, index_limits
from graphml.inspect.measure import measure
from graphml.inspect.mending import Mend, Trial, search
from graphml.inspect.mixed import Arrays, MixedRun, Precisions, is_constant
from graphml.inspect.precision_notes import note_of, note_of_given
from graphml.interpreter.lower import lower
from graphml.models import load
from graphml.models.graph_model import GraphModel
from graphml.models.model import Model
from graphml.models.network import NeuralNetwork

HalfPrecision = Literal["float16", "declared"]

_HALF = ("float16", "bfloat16")


@dataclass(frozen=True)
class PrecisionRow:
    """One value in float32 and in half precision. Counts are of its elements.

    Attributes:
        blob: Its name.
        operation: The name of the operation that computes it.
        kind: The kind of operation or layer that computes it; or "input" or "constant".
        label: A description of what computes it.
        shape: Its shape.
        type: Its type in half precision; float32 where nothing asks for less.
        largest: Its largest magnitude in float32, of the finite numbers.
        overflow: Numbers that are infinite and finite in float32.
        nan: Numbers that are NaN and not in float32.
        underflow: Numbers that are 0 and not in float32.
        nonfinite: Numbers that are not finite in float32 either.
        error: The largest difference, relative to `largest`; infinite where there is an overflow, a NaN or another
            shape.
        own: The error of the operation itself: that of its result from float32 inputs, which are rounded first.
        note: An explanation; may be empty.
    """

    blob: str
    operation: str
    kind: str
    label: str
    shape: tuple[int, ...]
    type: str
    largest: float
    overflow: int
    nan: int
    underflow: int
    nonfinite: int
    error: float
    own: float
    note: str = ""

    @property
    def is_given(self) -> bool:
        """Whether it is an input or a constant, which are judged by the operations that read them."""
        return self.kind in ("input", "constant")

    def fails(self, tolerance: float) -> bool:
        """Whether it overflows, becomes NaN or differs by more than the tolerance."""
        return not self.error <= tolerance  # the error is infinite for an overflow or a NaN


@dataclass(frozen=True)
class PrecisionReport:
    """The result of `precision`.

    Attributes:
        rows: One for each value: inputs, constants, and what is computed, in the order in which it is computed.
        outputs: The outputs of the model.
        tolerance: The largest accepted error.
        half: What half precision means: "float16" for all floats, "declared" for the types that a program declares.
        strict: Whether sums are accumulated in half precision too.
        outputs_only: Whether only outputs are judged.
        mend: The operations that must stay in float32; None if nothing fails, or it was not requested.
    """

    rows: tuple[PrecisionRow, ...]
    outputs: frozenset[str]
    tolerance: float
    half: HalfPrecision
    strict: bool
    outputs_only: bool
    mend: Mend | None = None

    @property
    def start(self) -> PrecisionRow | None:
        """The first operation at which half precision exceeds the tolerance or overflows."""
        return next((row for row in self.rows if not row.is_given and row.fails(self.tolerance)), None)

    @property
    def holds(self) -> bool:
        """Whether no judged value exceeds the tolerance or overflows."""
        return not any(row.fails(self.tolerance) for row in self.judged)

    @property
    def judged(self) -> tuple[PrecisionRow, ...]:
        """The rows that decide whether half precision is good enough."""
        computed = (row for row in self.rows if not row.is_given)
        return tuple(row for row in computed if not self.outputs_only or row.blob in self.outputs)

    @property
    def is_half(self) -> bool:
        """Whether anything is computed in half precision at all."""
        return any(row.type in _HALF for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data for JSON; an infinite error is None."""
        start = self.start
        mend = self.mend
        return {
            "holds": self.holds,
            "tolerance": self.tolerance,
            "half": self.half,
            "strict": self.strict,
            "judged": "outputs" if self.outputs_only else "operations",
            "first": None if start is None else start.blob,
            "mend": None
            if mend is None
            else {
                "operations": list(mend.operations),
                "mends": mend.mends,
                "minimal": mend.minimal,
                "runs": mend.runs,
            },
            "values": [_plain(row) for row in self.rows],
        }


def precision(
    model: Model | str | Path,
    inputs: Mapping[str, Any] | None = None,
    *,
    half: HalfPrecision | None = None,
    strict: bool = False,
    tolerance: float = 1e-2,
    outputs_only: bool = False,
    mend: bool = True,
    seed: int = 0,
) -> PrecisionReport:
    """Run a model in float32 and in half precision, and measure each operation.

    Operations run one by one, so each result is rounded; branches and loops count as one operation each.

    Args:
        model: A neural network or an ML Program, or the file of one.
        inputs: {input: value}, as `predict` takes them; None draws them, see `graphml.inspect.drawing`. States are
            zeros.
        half: "float16": every float is a float16. "declared": every float has the type that the program declares. None:
            "declared" for programs, "float16" for networks, whose values have no declared types.
        strict: Whether sums are accumulated in half precision, as on processors without wider accumulators, instead of
            in float32.
        tolerance: The largest accepted error, relative to the largest magnitude of each value.
        outputs_only: Judge the outputs instead of every operation.
        mend: Search for the operations that must stay in float32 if half precision does not hold.
        seed: The random seed of drawn inputs and random operations.

    Returns:
        The report.

    Raises:
        UnsupportedError: The model is neither a network nor a program.
        FeatureError: The model does not take the inputs, none can be drawn, or a network is asked for declared types.
    """
    found = model if isinstance(model, Model) else load(model)
    if not isinstance(found, GraphModel):
        raise UnsupportedError(
            f"only neural networks and ML Programs compute in half precision; this is {with_article(found.kind)}"
        )
    network = isinstance(found, NeuralNetwork)
    if network and half == "declared":
        raise FeatureError("a network declares no types of intermediate values: half precision means float16 there")
    meaning = half if half is not None else "float16" if network else "declared"
    found.refuse_unless_usable()
    if inputs is None:
        inputs = next(draws(found.description.inputs, index_limits(found.lower()), seed, [{}]))
    arrays = found.arrays(inputs)
    precisions = _precisions(found, meaning, strict)
    declared = precisions.full.interface.declared_state()
    state = {name: jnp.zeros(form.shape, form.dtype) for name, form in declared.items()} or None

    def start() -> MixedRun:
        return precisions.start(arrays, state, jax.random.key(seed))

    rows, reference = _measured(precisions, start(), start(), wide_sums=not (network or strict))
    outputs = frozenset(found.graph.outputs)
    report = PrecisionReport(rows, outputs, tolerance, meaning, strict, outputs_only)
    if report.holds or not mend:
        return report
    trial = Trial(
        precisions,
        start,
        reference,
        lambda full, made: measure(full, made).exceeds(tolerance),
        outputs if outputs_only else None,
    )
    return replace(report, mend=search(trial))


def _precisions(model: GraphModel, half: HalfPrecision, strict: bool) -> Precisions:
    options: dict[str, Any] = {
        "custom_layers": model.custom_layers,
        "max_iterations": model.configuration.max_loop_iterations,
        "max_array_bytes": model.configuration.max_array_bytes,
    }
    dtype = jnp.float16 if half == "float16" else None
    return Precisions(
        lower(model.graph, model.interface, dtype=jnp.float32, **options),
        lower(model.graph, model.interface, dtype=dtype, low_precision=strict, **options),
    )


# Measuring -----------------------------------------------------------------------------------------------------------


def _measured(
    precisions: Precisions, full: MixedRun, half: MixedRun, *, wide_sums: bool
) -> tuple[tuple[PrecisionRow, ...], list[Arrays]]:
    """The rows, and what each node computes in float32. full, half: new runs."""
    graph = precisions.full.graph
    rows = [
        _given_row(name, "input", name, f"input {quoted(name)}", full.exact(name), half.blobs[name])
        for name in (*graph.inputs, *graph.state)
    ]
    reference: list[Arrays] = []
    vanished = {row.blob for row in rows if row.underflow}
    for position, node in enumerate(precisions.nodes):
        narrow = half.results(position, wide=False)
        precisions.types |= {name: np.dtype(value.dtype) for name, value in narrow.items()}
        exact = full.results(position, wide=True)
        given = precisions.is_given(node)
        own = narrow if given else full.results(position, wide=False)
        reads = [None if name == ABSENT else full.blobs.get(name) for name in node.inputs]
        gone = [name for name in node.inputs if name in vanished]
        for name, value in exact.items():
            if is_constant(node):
                row = _given_row(name, "constant", node.name, f"constant {quoted(node.name)}", value, narrow[name])
            else:
                found = measure(value, narrow[name])
                facts = name, node.name, node.kind, node.label, tuple(value.shape), _type(narrow[name])
                note = ""
                if facts[-1] in _HALF or found.error > 0:
                    note = note_of(node, reads, found, gone, size=np.size(value), wide_sums=wide_sums)
                row = PrecisionRow(*facts, *found, measure(value, own[name]).error, note)
            (vanished.add if row.underflow else vanished.discard)(name)
            rows.append(row)
        half.take(position, narrow)
        full.take(position, exact)
        reference.append({name: np.asarray(value) for name, value in exact.items()})
    return tuple(rows), reference


def _given_row(blob: str, kind: str, name: str, label: str, exact: Any, narrow: Any) -> PrecisionRow:
    found = measure(exact, narrow)
    facts = blob, name, kind, label, tuple(exact.shape), _type(narrow)
    return PrecisionRow(*facts, *found, found.error, note_of_given(kind, exact, found))


def _type(value: Any) -> str:
    return np.dtype(value.dtype).name


def _plain(row: PrecisionRow) -> dict[str, Any]:
    facts = asdict(row)
    return {name: None if isinstance(value, float) and math.isinf(value) else value for name, value in facts.items()}
