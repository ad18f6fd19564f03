"""What goes wrong while a network is traced for training, or trained, as an error of graphml that names the layer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import GraphmlError, UpdateError
from graphml.graph import Node, read_by, written_by
from graphml.interpreter.lower import Lowered
from graphml.update.step.trunk import Parts, merge, piece

_NOTE = "in layer "  # how the interpreter marks an error that it lets pass


@contextlib.contextmanager
def typed(find_layer: Callable[[], str | None] = lambda: None) -> Iterator[None]:
    """Whatever is raised inside is an error of graphml: any other becomes an UpdateError with the layer.

    find_layer: the label of the layer at fault, where the error itself does not say it; called after a failure only.
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
    """The label of the layer that keeps the tail from being trained on the first row of blobs; None if there is none,
    or if it takes more rows to find it."""
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
    """The last layer that cannot be traced backwards. Errors of a backward pass do not say where they come from, so
    each layer is traced alone."""
    lowered = parts.plain
    try:
        found = jax.eval_shape(lambda blobs: lowered.intermediates(params, blobs, key=jax.random.key(0)), one)
    except Exception:
        return None  # it fails on its way forward
    blobs = {**one, **found}
    for node in reversed(lowered.graph.body.nodes):
        try:
            jax.eval_shape(jax.grad(_sum_of(lowered, node, params)), {name: blobs[name] for name in read_by(node)})
        except Exception:
            return node.label
    return None


def _sum_of(lowered: Lowered, node: Node, params: Any) -> Callable[[Mapping[str, Any]], Any]:
    """One layer as a function to a number."""
    alone = piece(lowered, (node,), sorted(read_by(node)), sorted(written_by(node)))

    def total(inputs):
        outputs = alone.fn(params, inputs, key=jax.random.key(0), train=True)
        return sum(jnp.sum(output) for output in outputs.values())

    return total


def _failing(lowered: Lowered, params: Any, inputs: Mapping[str, Any]) -> str | None:
    """The layer that fails when they run one after the other, outside of any program."""
    try:
        jax.block_until_ready(lowered.intermediates(params, inputs, key=jax.random.key(0)))
    except GraphmlError as error:
        first = str(error).partition("\n")[0]
        return first if first.startswith("layer ") else None
    except Exception as error:
        return _noted(error)
    return None
