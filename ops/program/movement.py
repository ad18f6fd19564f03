"""Movement: the same elements in other places."""

from __future__ import annotations

import jax.numpy as jnp

from graphml.errors import ShapeError
from graphml.ops.kernels import movement as kernels
from graphml.ops.kernels.arrays import Array, array_namespace
from graphml.ops.kernels.axes import normalize_axis
from graphml.ops.program._images import laid, laid_axis
from graphml.ops.program._known import known_integers
from graphml.ops.program._windows import image_either
from graphml.ops.program.dialect import operation


@operation("transpose", version=15)
def transpose(x: Array, *, perm: tuple[int, ...]) -> Array:
    """The axes in another order: axis i of the result is axis perm[i] of x.

    Args:
        x: any rank R.
        perm: a permutation of the axes, which may count from the end.

    Returns:
        Rank R.

    Raises:
        ShapeError: `perm` is not a permutation.

    Source: the operation transpose of ML Programs (iOS 15).
    """
    axes = [axis + x.ndim if axis < 0 else axis for axis in perm]
    if sorted(axes) != list(range(x.ndim)):
        raise ShapeError(f"perm is {list(perm)}, which is not a permutation of {list(range(x.ndim))}")
    return x.transpose(axes)


@operation("tile", version=15, concrete=(1,), layout=image_either)
def tile(x: Array, reps: Array) -> Array:
    """x repeated as a whole along its axes.

    Args:
        x: rank R.
        reps: integers [R], how often along each axis; known when the program is traced.

    Returns:
        Rank R.

    Raises:
        ShapeError: there is not one number for each axis, or one is not positive.

    Source: the operation tile of ML Programs (iOS 15).
    """
    times = known_integers(reps, "reps")
    if len(times) != x.ndim or min(times, default=1) < 1:
        raise ShapeError(f"reps is {list(times)}; x has rank {x.ndim} and needs a positive number for each axis")
    return kernels.tile(x, laid(times, x.ndim))


@operation("reverse", version=15, layout=image_either)
def reverse(x: Array, *, axes: tuple[int, ...] | None) -> Array:
    """Reverse some axes.

    Args:
        x: any rank.
        axes: may count from the end; all unless given.

    Returns:
        The shape of x.

    Raises:
        ShapeError: there is no such axis.

    Source: the operation reverse of ML Programs (iOS 15).
    """
    named = range(x.ndim) if axes is None else axes
    return array_namespace(x).flip(x, tuple({laid_axis(axis, x.ndim) for axis in named}))


@operation("reverse_sequence", version=15)
def reverse_sequence(x: Array, lengths: Array, *, seq_axis: int, batch_axis: int) -> Array:
    """Reverse the first `lengths[b]` elements of each sequence b; the rest stays in place.

    Args:
        x: any rank >= 2.
        lengths: integers [B], B the size of `batch_axis`; a length beyond the axis means all of it.
        seq_axis: the axis of the elements; may count from the end.
        batch_axis: the axis of the sequences; may count from the end.

    Returns:
        The shape of x.

    Raises:
        ShapeError: sizes or axes do not match.

    Source: the operation reverse_sequence of ML Programs (iOS 15).
    """
    sequence, batch = normalize_axis(seq_axis, x.ndim), normalize_axis(batch_axis, x.ndim)
    if batch == sequence:
        raise ShapeError(f"seq_axis and batch_axis are both {batch}; they must be different axes")
    if lengths.shape != (x.shape[batch],):
        raise ShapeError(f"lengths have shape {list(lengths.shape)}; it must be [{x.shape[batch]}], as the batch")
    return kernels.reverse_sequence(x, lengths.astype(jnp.int32), batch_axis=batch, sequence_axis=sequence)
