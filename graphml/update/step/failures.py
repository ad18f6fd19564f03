"""Failures of tracing and training, turned into errors that name the layer at fault."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import GraphmlError, UpdateError
from graphml.graph import Node, read_by, written_by
from graphml.interpreter.lower import Lowered
from graphml.update.step.trunk import Parts, merge, piece

_NOTE = "in layer "  # the interpreter adds a note like this to errors of other libraries


@contextlib.contextmanager
def as_update_errors(find_layer: Callable[[], str | None] = lambda: None) -> Generator[None, None, None]:
    """Turn exceptions that are not errors of graphml into an UpdateError that names the layer.

    Args:
        find_layer: called after a failure that does not name the layer itself; returns the label of the layer.
    """
    try:
        yield
    except GraphmlError:
        raise
    except Exception as error:
        failure = UpdateError(f"training failed with {type(error).__name__}: {error}")
        label = _noted(error) or find_layer()
        raise (failure if label is None else failure.in_context(label)) from error


def faulty_in_tail(parts: Parts, train: Any, frozen: Any, blobs: Mapping[str, Any]) -> str | None:
    """The label of the layer that fails when the tail is trained on the first row of blobs; None if none does."""
    params = merge(train, frozen)
    one = {name: np.asarray(blob[0]) for name, blob in blobs.items()}
    return _without_gradient(parts, params, one) or _failing(parts.plain, params, one)


def faulty_in_trunk(parts: Parts, params: Any, inputs: Mapping[str, Any]) -> str | None:
    """The label of the layer that fails in the trunk on the first row of inputs; None if none does."""
    return _failing(parts.trunk, params, {name: np.asarray(value[0]) for name, value in inputs.items()})


def _noted(error: Exception) -> str | None:
    notes = getattr(error, "__notes__", ())
    return next((note.removeprefix("in ") for note in notes if note.startswith(_NOTE)), None)


def _without_gradient(parts: Parts, params: Any, one: Mapping[str, Any]) -> str | None:
    """The last layer without a gradient. Errors of a backward pass do not say where they arose, so each layer is traced
    by itself."""
    lowered = parts.plain
    try:
        found = jax.eval_shape(lambda blobs: lowered.intermediates(params, blobs, key=jax.random.key(0)), one)
    except Exception:
        return None  # the forward pass fails
    blobs = {**one, **found}
    for node in reversed(lowered.graph.body.nodes):
        try:
            jax.eval_shape(jax.grad(_sum_of(lowered, node, params)), {name: blobs[name] for name in read_by(node)})
        except Exception:
            return node.label
    return None


def _sum_of(lowered: Lowered, node: Node, params: Any) -> Callable[[Mapping[str, Any]], Any]:
    """One layer, as a function that returns a scalar."""
    alone = piece(lowered, (node,), sorted(read_by(node)), sorted(written_by(node)))

    def total(inputs: Mapping[str, Any]) -> Any:
        outputs = alone.fn(params, inputs, key=jax.random.key(0), train=True)
        return sum(jnp.sum(output) for output in outputs.values())

    return total


def _failing(lowered: Lowered, params: Any, inputs: Mapping[str, Any]) -> str | None:
    """The label of the layer that fails when layers run one by one, not compiled."""
    try:
        jax.block_until_ready(lowered.intermediates(params, inputs, key=jax.random.key(0)))
    except GraphmlError as error:
        first = str(error).partition("\n")[0]
        return first if first.startswith("layer ") else None
    except Exception as error:
        return _noted(error)
    return None
