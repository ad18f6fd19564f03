"""Arrays that are sharded over explicit mesh axes: the compiler places what is inside a graph.

On the axes of a mesh that `jax.make_mesh` makes, shardings are part of the types of arrays, and JAX asks for the
sharding of each reshape, gather or product that does not decide it. A graph from a file has hundreds of these. So its
arrays enter with these axes left to the compiler (`AxisType.Auto`), and its results leave with shardings that follow
from those of the inputs.
"""

# JAX's types are partly unknown
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
from jax.sharding import AbstractMesh, AxisType, PartitionSpec, get_abstract_mesh, reshard, use_abstract_mesh


def left_to_compiler(function: Callable[..., Any], params: Any, inputs: Any, state: Any, key: Any) -> Any:
    """Call a function of arrays in which the compiler decides about shardings.

    A result is sharded like an input, along the leading axes that have the same lengths in both. Axes of length 1 do
    not count, and the first input with a sharded axis among these decides. A new state is sharded like the old one.
    Without explicit axes this is a plain call.

    Args:
        function: (params, inputs, state, key) -> {output: array}, or that and {state: array} if there is a state.
        params: A tree of arrays.
        inputs: {input: array}, or another tree.
        state: {name: array}; None if there is none.
        key: A random key, or None.
    """
    given = params, inputs, state, key
    mesh = _explicit_mesh(given)
    if mesh is None:
        return function(*given)
    inner = mesh.update_axis_types(dict.fromkeys(mesh.explicit_axes, AxisType.Auto))
    with use_abstract_mesh(inner):
        results = function(*jax.tree.map(_entering, given))
    likes = [leaf for leaf in jax.tree.leaves(inputs) if _typed(leaf)]
    with use_abstract_mesh(mesh):
        if not state:
            return {name: reshard(array, _spec(array, likes)) for name, array in results.items()}
        outputs, after = results
        return (
            {name: reshard(array, _spec(array, likes)) for name, array in outputs.items()},
            {name: reshard(array, _spec(array, _old(state, name))) for name, array in after.items()},
        )


def _explicit_mesh(trees: Any) -> AbstractMesh | None:
    """The mesh with explicit axes that arrays are sharded over, or that is set; None if there is none."""
    for leaf in jax.tree.leaves(trees):
        if _typed(leaf):
            return jax.typeof(leaf).sharding.mesh
    mesh = get_abstract_mesh()
    return None if mesh.empty or not mesh.explicit_axes else mesh


def _entering(leaf: Any) -> Any:
    """The array with a type of the mesh that is set, in which the compiler decides; its devices keep what they have."""
    return reshard(leaf, PartitionSpec()) if _typed(leaf) else leaf


def _typed(leaf: Any) -> bool:
    """Whether the sharding over explicit axes is part of the type of an array. Values that are known stay known."""
    if not isinstance(leaf, jax.Array):
        return False
    mesh = jax.typeof(leaf).sharding.mesh
    return not mesh.empty and bool(mesh.explicit_axes)


def _old(state: Mapping[str, Any], name: str) -> list[Any]:
    return [state[name]] if _typed(state.get(name)) else []


def _spec(result: Any, likes: Iterable[Any]) -> PartitionSpec:
    """The sharding of a result, see `left_to_compiler`."""
    places = [axis for axis, size in enumerate(result.shape) if size > 1]
    for like in likes:
        parts = jax.typeof(like).sharding.spec
        sizes = [(size, part) for size, part in zip(like.shape, parts, strict=True) if size > 1]
        axes: list[Any] = [None] * result.ndim
        for axis, (size, part) in zip(places, sizes, strict=False):
            if result.shape[axis] != size:
                break
            axes[axis] = part
        if any(part is not None for part in axes):
            return PartitionSpec(*axes)
    return PartitionSpec()
