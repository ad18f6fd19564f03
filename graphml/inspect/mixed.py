"""A graph that runs node by node, each node in float32 or in half precision.

Values are rounded exactly between operations: nodes that run one by one are not fused by a compiler, which would keep
more digits between operations. A node in float32 reads float32 values where they exist, and a node in half precision
rounds its inputs, like a program with casts between the two.
"""

# JAX is only partly typed
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml import catalogue
from graphml.graph import ABSENT, Node, Region, live_after, used, written_by
from graphml.interpreter.evaluate import run_region
from graphml.interpreter.layout import wire
from graphml.interpreter.lower import Lowered

Arrays = dict[str, Any]


class Precisions:
    """One graph in float32 and in half precision.

    Args:
        full: The graph in float32.
        half: The same graph in half precision.

    Attributes:
        nodes: Its nodes, without those inside of branches and loops.
        types: The type of each blob in half precision, of those that have been computed.
    """

    def __init__(self, full: Lowered, half: Lowered) -> None:
        self.full, self.half = full, half
        self.nodes = full.graph.body.nodes
        self.types: dict[str, np.dtype[Any]] = {}
        self.live = live_after(full.graph.body, frozenset((*full.graph.outputs, *full.graph.state)))

    def is_given(self, node: Node) -> bool:
        """Whether the values of a node are given in either precision: constants, and random numbers, which are the same
        in both."""
        return is_constant(node) or catalogue.row(node).random

    def start(self, inputs: Mapping[str, Any], state: Mapping[str, Any] | None, key: jax.Array | None) -> MixedRun:
        """A run that has not computed anything yet; takes the arguments of `Lowered.fn`."""
        return MixedRun(self, inputs, state, key)


class MixedRun:
    """One run of a graph; see `Precisions.start`.

    Attributes:
        blobs: Everything that has been computed so far and is not overwritten.
    """

    def __init__(
        self,
        precisions: Precisions,
        inputs: Mapping[str, Any],
        state: Mapping[str, Any] | None,
        key: jax.Array | None,
    ) -> None:
        self._precisions = precisions
        full, half = precisions.full, precisions.half
        self._evaluations = {True: full.evaluation(full.params, key), False: half.evaluation(half.params, key)}
        self._exact = {name: wire(value) for name, value in full.enter(inputs, state).items()}
        self.blobs: Arrays = {name: wire(value) for name, value in half.enter(inputs, state).items()}
        precisions.types |= {name: np.dtype(value.dtype) for name, value in self.blobs.items()}

    def exact(self, name: str) -> Any:
        """An input or constant in float32."""
        return self._exact[name]

    def results(self, position: int, *, wide: bool) -> Arrays:
        """The results of a node from the blobs of this run, which are not changed.

        Args:
            position: The position of the node.
            wide: Whether it computes in float32.
        """
        values = self._evaluated(position, wide=wide)
        if not wide and catalogue.row(self._precisions.nodes[position]).random:
            drawn = self._evaluated(position, wide=True)
            return {name: drawn[name].astype(value.dtype) for name, value in values.items()}
        return values

    def _evaluated(self, position: int, *, wide: bool) -> Arrays:
        node = self._precisions.nodes[position]
        names = [name for name in used(node) | set(node.inputs) if name != ABSENT and name in self.blobs]
        env = {name: self._as_full(name) if wide else self._as_half(name) for name in names}
        evaluation = self._evaluations[wide]
        keep = frozenset(node.outputs) | self._precisions.live[position]
        with catalogue.lowering_for(evaluation.target):
            run_region(Region((node,)), env, keep, evaluation)
        return {name: wire(env[name]) for name in sorted(written_by(node) & keep) if name in env}

    def take(self, position: int, values: Arrays) -> None:
        """Continue with these values as the results of a node."""
        node = self._precisions.nodes[position]
        for name in written_by(node):
            self._exact.pop(name, None)
        if self._precisions.is_given(node):
            self._exact |= self._evaluated(position, wide=True)
        self.blobs |= values

    def _as_full(self, name: str) -> Any:
        value = self._exact.get(name, self.blobs[name])
        return value.astype(np.float32) if _is_float(value) and value.dtype != np.float32 else value

    def _as_half(self, name: str) -> Any:
        value = self.blobs[name]
        wanted = self._precisions.types.get(name, value.dtype)
        return value.astype(wanted) if _is_float(value) and value.dtype != wanted else value


def is_constant(node: Node) -> bool:
    """Whether a node is a stored constant."""
    return not node.inputs and not node.regions and catalogue.has_role(node, "constant")


def _is_float(value: Any) -> bool:
    return bool(jnp.issubdtype(value.dtype, jnp.floating))
