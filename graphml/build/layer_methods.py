"""The `add_...` methods of the builder, one for each kind of layer.

Generated from table.py, parameters.py and the operators. To change a method, change these and run `python generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.message import Message
from numpy.typing import ArrayLike

from graphml.build import cells, irregular, weighted
from graphml.build.core import Core
from graphml.spec.attributes import Choice
from graphml.spec.weights import Quantized
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer


class LayerMethods(Core):
    """`add_<name>(name, ...)` for every kind of layer: each appends a layer and returns its message.

    The message is the one in the network and may be changed. A name of a mode or function may be written in any case.
    Weights are stored as float32; the builder's `add` stores other types too.

    Raises:
        SpecError: If the arguments do not describe a layer. It names the method and the layer.
        GraphError: If the name is taken, or the layer has too few or too many inputs or outputs.
            The network is unchanged in both cases.
    """

    def add_softmax(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `softmax` (specification 1).

        Softmax over the channels: exp(x) / sum(exp(x)).

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_softmax", "softmax", name, input_name, output_name)

    def add_copy(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `copy` (specification 4).

        x itself: the one layer that may overwrite a blob.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_copy", "copy", name, input_name, output_name)

    def add_loop_break(self, name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `loopBreak` (specification 4).

        Leave the innermost loop at once.

        Args:
            name: Name of the layer, unique in the network.
        """
        return self._add_layer("add_loop_break", "loopBreak", name, None, None)

    def add_loop_continue(self, name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `loopContinue` (specification 4).

        Continue with the next iteration of the innermost loop.

        Args:
            name: Name of the layer, unique in the network.
        """
        return self._add_layer("add_loop_continue", "loopContinue", name, None, None)

    def add_ceil(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `ceil` (specification 4).

        The smallest integer that is not below x.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_ceil", "ceil", name, input_name, output_name)

    def add_floor(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `floor` (specification 4).

        The largest integer that is not above x.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_floor", "floor", name, input_name, output_name)

    def add_sign(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `sign` (specification 4).

        1 for positive numbers, -1 for negative ones, 0 for 0.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_sign", "sign", name, input_name, output_name)

    def add_round(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `round` (specification 4).

        The nearest integer; on a tie the even one, as in NumPy.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_round", "round", name, input_name, output_name)

    def add_exp2(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `exp2` (specification 4).

        2 to the power of x.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_exp2", "exp2", name, input_name, output_name)

    def add_sin(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `sin` (specification 4).

        The sine, in radians.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_sin", "sin", name, input_name, output_name)

    def add_cos(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `cos` (specification 4).

        The cosine, in radians.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_cos", "cos", name, input_name, output_name)

    def add_tan(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `tan` (specification 4).

        The tangent, in radians.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_tan", "tan", name, input_name, output_name)

    def add_asin(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `asin` (specification 4).

        The inverse of the sine, from -pi/2 to pi/2; NaN beyond -1 and 1.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_asin", "asin", name, input_name, output_name)

    def add_acos(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `acos` (specification 4).

        The inverse of the cosine, from 0 to pi; NaN beyond -1 and 1.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_acos", "acos", name, input_name, output_name)

    def add_atan(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `atan` (specification 4).

        The inverse of the tangent, from -pi/2 to pi/2.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_atan", "atan", name, input_name, output_name)

    def add_sinh(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `sinh` (specification 4).

        The hyperbolic sine.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_sinh", "sinh", name, input_name, output_name)

    def add_cosh(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `cosh` (specification 4).

        The hyperbolic cosine.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_cosh", "cosh", name, input_name, output_name)

    def add_tanh(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `tanh` (specification 4).

        The hyperbolic tangent.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_tanh", "tanh", name, input_name, output_name)

    def add_asinh(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `asinh` (specification 4).

        The inverse of the hyperbolic sine.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_asinh", "asinh", name, input_name, output_name)

    def add_acosh(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `acosh` (specification 4).

        The inverse of the hyperbolic cosine, 0 or more; NaN below 1.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_acosh", "acosh", name, input_name, output_name)

    def add_atanh(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `atanh` (specification 4).

        The inverse of the hyperbolic tangent; infinite at -1 and 1, NaN beyond.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_atanh", "atanh", name, input_name, output_name)

    def add_erf(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `erf` (specification 4).

        The error function, 2 / sqrt(pi) * integral of exp(-t^2) from 0 to x.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_erf", "erf", name, input_name, output_name)

    def add_mod_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `modBroadcastable` (specification 4).

        The remainder of x divided by y, elementwise; it has the sign of y, as in NumPy.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_mod_broadcastable", "modBroadcastable", name, input_names, output_name)

    def add_min_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `minBroadcastable` (specification 4).

        The smallest of all inputs, elementwise.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_min_broadcastable", "minBroadcastable", name, input_names, output_name)

    def add_max_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `maxBroadcastable` (specification 4).

        The largest of all inputs, elementwise.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_max_broadcastable", "maxBroadcastable", name, input_names, output_name)

    def add_add_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `addBroadcastable` (specification 4).

        The sum of all inputs, elementwise.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_add_broadcastable", "addBroadcastable", name, input_names, output_name)

    def add_pow_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `powBroadcastable` (specification 4).

        x to the power of y, elementwise; NaN for fractional powers of negative numbers.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_pow_broadcastable", "powBroadcastable", name, input_names, output_name)

    def add_divide_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `divideBroadcastable` (specification 4).

        x / y, where division by 0 gives an infinity or NaN, elementwise.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_divide_broadcastable", "divideBroadcastable", name, input_names, output_name)

    def add_floor_div_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `floorDivBroadcastable` (specification 4).

        x / y, rounded down (not towards 0), elementwise.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_floor_div_broadcastable", "floorDivBroadcastable", name, input_names, output_name)

    def add_multiply_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `multiplyBroadcastable` (specification 4).

        The product of all inputs, elementwise.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_multiply_broadcastable", "multiplyBroadcastable", name, input_names, output_name)

    def add_subtract_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `subtractBroadcastable` (specification 4).

        x - y, elementwise.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_subtract_broadcastable", "subtractBroadcastable", name, input_names, output_name)

    def add_gather_nd(self, name: str, input_names: Sequence[str] | str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `gatherND` (specification 4).

        The elements or slices of x at positions of several coordinates, which are in the last axis of the indices.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_gather_nd", "gatherND", name, input_names, output_name)

    def add_get_shape(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `getShape` (specification 4).

        The shape of x as numbers.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_get_shape", "getShape", name, input_name, output_name)

    def add_broadcast_to_like(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `broadcastToLike` (specification 4).

        x broadcast to the shape of the second input, whose values do not matter.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_broadcast_to_like", "broadcastToLike", name, input_names, output_name)

    def add_broadcast_to_dynamic(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `broadcastToDynamic` (specification 4).

        x broadcast to the shape that the second input holds, known when the network is traced; as in NumPy.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_broadcast_to_dynamic", "broadcastToDynamic", name, input_names, output_name)

    def add_reshape_like(self, name: str, input_names: Sequence[str] | str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `reshapeLike` (specification 4).

        x in the shape of the second input, whose values do not matter.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_reshape_like", "reshapeLike", name, input_names, output_name)

    def add_reshape_dynamic(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reshapeDynamic` (specification 4).

        x in the shape that the second input holds, known when the network is traced; one -1 takes the remaining

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_reshape_dynamic", "reshapeDynamic", name, input_names, output_name)

    def add_where_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `whereBroadcastable` (specification 4).

        x where the condition is not zero, else y. All three broadcast.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_where_broadcastable", "whereBroadcastable", name, input_names, output_name)

    def add_where_nonzero(self, name: str, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `whereNonZero` (specification 4).

        The positions of all elements that are not zero, in row-major order.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_where_nonzero", "whereNonZero", name, input_name, output_name)

    def add_reduce_sum(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reduceSum` (specification 4).

        The sum, along `axes`, which may count from the end.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axes: Axes to reduce; negative ones count from the end. Default: all.
            keepdims: Keep the reduced axes, with length 1.
            reduce_all: Reduce all axes; axes is then unused.
        """
        return self._add_layer(
            "add_reduce_sum",
            "reduceSum",
            name,
            input_name,
            output_name,
            irregular.reduction,
            axes=axes,
            keepdims=keepdims,
            reduce_all=reduce_all,
        )

    def add_reduce_prod(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reduceProd` (specification 4).

        The product, along `axes`, which may count from the end.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axes: Axes to reduce; negative ones count from the end. Default: all.
            keepdims: Keep the reduced axes, with length 1.
            reduce_all: Reduce all axes; axes is then unused.
        """
        return self._add_layer(
            "add_reduce_prod",
            "reduceProd",
            name,
            input_name,
            output_name,
            irregular.reduction,
            axes=axes,
            keepdims=keepdims,
            reduce_all=reduce_all,
        )

    def add_reduce_mean(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reduceMean` (specification 4).

        The mean, along `axes`, which may count from the end.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axes: Axes to reduce; negative ones count from the end. Default: all.
            keepdims: Keep the reduced axes, with length 1.
            reduce_all: Reduce all axes; axes is then unused.
        """
        return self._add_layer(
            "add_reduce_mean",
            "reduceMean",
            name,
            input_name,
            output_name,
            irregular.reduction,
            axes=axes,
            keepdims=keepdims,
            reduce_all=reduce_all,
        )

    def add_reduce_max(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reduceMax` (specification 4).

        The maximum, along `axes`, which may count from the end.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axes: Axes to reduce; negative ones count from the end. Default: all.
            keepdims: Keep the reduced axes, with length 1.
            reduce_all: Reduce all axes; axes is then unused.
        """
        return self._add_layer(
            "add_reduce_max",
            "reduceMax",
            name,
            input_name,
            output_name,
            irregular.reduction,
            axes=axes,
            keepdims=keepdims,
            reduce_all=reduce_all,
        )

    def add_reduce_min(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reduceMin` (specification 4).

        The minimum, along `axes`, which may count from the end.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axes: Axes to reduce; negative ones count from the end. Default: all.
            keepdims: Keep the reduced axes, with length 1.
            reduce_all: Reduce all axes; axes is then unused.
        """
        return self._add_layer(
            "add_reduce_min",
            "reduceMin",
            name,
            input_name,
            output_name,
            irregular.reduction,
            axes=axes,
            keepdims=keepdims,
            reduce_all=reduce_all,
        )

    def add_reduce_l1(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reduceL1` (specification 4).

        The sum of absolute values, along `axes`, which may count from the end.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axes: Axes to reduce; negative ones count from the end. Default: all.
            keepdims: Keep the reduced axes, with length 1.
            reduce_all: Reduce all axes; axes is then unused.
        """
        return self._add_layer(
            "add_reduce_l1",
            "reduceL1",
            name,
            input_name,
            output_name,
            irregular.reduction,
            axes=axes,
            keepdims=keepdims,
            reduce_all=reduce_all,
        )

    def add_reduce_l2(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reduceL2` (specification 4).

        The square root of the sum of squares, with gradient 0 at zero, along `axes`, which may count from the end.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axes: Axes to reduce; negative ones count from the end. Default: all.
            keepdims: Keep the reduced axes, with length 1.
            reduce_all: Reduce all axes; axes is then unused.
        """
        return self._add_layer(
            "add_reduce_l2",
            "reduceL2",
            name,
            input_name,
            output_name,
            irregular.reduction,
            axes=axes,
            keepdims=keepdims,
            reduce_all=reduce_all,
        )

    def add_reduce_sumsquare(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reduceSumSquare` (specification 4).

        The sum of squares, along `axes`, which may count from the end.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axes: Axes to reduce; negative ones count from the end. Default: all.
            keepdims: Keep the reduced axes, with length 1.
            reduce_all: Reduce all axes; axes is then unused.
        """
        return self._add_layer(
            "add_reduce_sumsquare",
            "reduceSumSquare",
            name,
            input_name,
            output_name,
            irregular.reduction,
            axes=axes,
            keepdims=keepdims,
            reduce_all=reduce_all,
        )

    def add_reduce_logsum(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reduceLogSum` (specification 4).

        The logarithm of the sum, along `axes`, which may count from the end.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axes: Axes to reduce; negative ones count from the end. Default: all.
            keepdims: Keep the reduced axes, with length 1.
            reduce_all: Reduce all axes; axes is then unused.
        """
        return self._add_layer(
            "add_reduce_logsum",
            "reduceLogSum",
            name,
            input_name,
            output_name,
            irregular.reduction,
            axes=axes,
            keepdims=keepdims,
            reduce_all=reduce_all,
        )

    def add_reduce_logsumexp(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reduceLogSumExp` (specification 4).

        The logarithm of the sum of exponentials, without overflow, along `axes`, which may count from the end.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axes: Axes to reduce; negative ones count from the end. Default: all.
            keepdims: Keep the reduced axes, with length 1.
            reduce_all: Reduce all axes; axes is then unused.
        """
        return self._add_layer(
            "add_reduce_logsumexp",
            "reduceLogSumExp",
            name,
            input_name,
            output_name,
            irregular.reduction,
            axes=axes,
            keepdims=keepdims,
            reduce_all=reduce_all,
        )

    def add_random_normal_like(
        self,
        name: str,
        input_name: str,
        output_name: str,
        mean: float = 0.0,
        stddev: float = 0.0,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `randomNormalLike` (specification 4).

        Normally distributed numbers in the shape of x, whatever its values.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            mean: Mean of the distribution.
            stddev: Standard deviation of the distribution (field `std_dev`).
            seed: Seed that gives the same numbers each time; -1: different ones.
        """
        return self._add_layer(
            "add_random_normal_like",
            "randomNormalLike",
            name,
            input_name,
            output_name,
            mean=mean,
            std_dev=stddev,
            seed=seed,
        )

    def add_random_normal_static(
        self,
        name: str,
        output_name: str,
        output_shape: Sequence[int],
        mean: float = 0.0,
        stddev: float = 0.0,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `randomNormalStatic` (specification 4).

        Normally distributed numbers in a fixed shape.

        Args:
            name: Name of the layer, unique in the network.
            output_name: Blob that the layer writes.
            output_shape: Shape of the result.
            mean: Mean of the distribution.
            stddev: Standard deviation of the distribution (field `std_dev`).
            seed: Seed that gives the same numbers each time; -1: different ones.
        """
        return self._add_layer(
            "add_random_normal_static",
            "randomNormalStatic",
            name,
            None,
            output_name,
            output_shape=output_shape,
            mean=mean,
            std_dev=stddev,
            seed=seed,
        )

    def add_random_normal_dynamic(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        mean: float = 0.0,
        stddev: float = 0.0,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `randomNormalDynamic` (specification 4).

        Normally distributed numbers in the shape that the input holds, known when the network is traced.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            mean: Mean of the distribution.
            stddev: Standard deviation of the distribution (field `std_dev`).
            seed: Seed that gives the same numbers each time; -1: different ones.
        """
        return self._add_layer(
            "add_random_normal_dynamic",
            "randomNormalDynamic",
            name,
            input_names,
            output_name,
            mean=mean,
            std_dev=stddev,
            seed=seed,
        )

    def add_random_uniform_like(
        self,
        name: str,
        input_name: str,
        output_name: str,
        minval: float = 0.0,
        maxval: float = 1.0,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `randomUniformLike` (specification 4).

        Uniformly distributed numbers in [min_val, max_val) in the shape of x, whatever its values.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            minval: Lower bound (field `min_val`).
            maxval: Upper bound, not included (field `max_val`).
            seed: Seed that gives the same numbers each time; -1: different ones.
        """
        return self._add_layer(
            "add_random_uniform_like",
            "randomUniformLike",
            name,
            input_name,
            output_name,
            min_val=minval,
            max_val=maxval,
            seed=seed,
        )

    def add_random_uniform_static(
        self,
        name: str,
        output_name: str,
        output_shape: Sequence[int],
        minval: float = 0.0,
        maxval: float = 1.0,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `randomUniformStatic` (specification 4).

        Uniformly distributed numbers in [min_val, max_val) in a fixed shape.

        Args:
            name: Name of the layer, unique in the network.
            output_name: Blob that the layer writes.
            output_shape: Shape of the result.
            minval: Lower bound (field `min_val`).
            maxval: Upper bound, not included (field `max_val`).
            seed: Seed that gives the same numbers each time; -1: different ones.
        """
        return self._add_layer(
            "add_random_uniform_static",
            "randomUniformStatic",
            name,
            None,
            output_name,
            output_shape=output_shape,
            min_val=minval,
            max_val=maxval,
            seed=seed,
        )

    def add_random_uniform_dynamic(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        minval: float = 0.0,
        maxval: float = 1.0,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `randomUniformDynamic` (specification 4).

        Uniformly distributed numbers in [min_val, max_val) in the shape that the input holds, known when the network is

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            minval: Lower bound (field `min_val`).
            maxval: Upper bound, not included (field `max_val`).
            seed: Seed that gives the same numbers each time; -1: different ones.
        """
        return self._add_layer(
            "add_random_uniform_dynamic",
            "randomUniformDynamic",
            name,
            input_names,
            output_name,
            min_val=minval,
            max_val=maxval,
            seed=seed,
        )

    def add_random_bernoulli_like(
        self,
        name: str,
        input_name: str,
        output_name: str,
        prob: float = 0.5,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `randomBernoulliLike` (specification 4).

        Ones with probability `prob`, else zeros, in the shape of x, whatever its values.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            prob: Probability of a one, 0 to 1.
            seed: Seed that gives the same numbers each time; -1: different ones.
        """
        return self._add_layer(
            "add_random_bernoulli_like",
            "randomBernoulliLike",
            name,
            input_name,
            output_name,
            prob=prob,
            seed=seed,
        )

    def add_random_bernoulli_static(
        self,
        name: str,
        output_name: str,
        output_shape: Sequence[int],
        prob: float = 0.5,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `randomBernoulliStatic` (specification 4).

        Ones with probability `prob`, else zeros, in a fixed shape.

        Args:
            name: Name of the layer, unique in the network.
            output_name: Blob that the layer writes.
            output_shape: Shape of the result.
            prob: Probability of a one, 0 to 1.
            seed: Seed that gives the same numbers each time; -1: different ones.
        """
        return self._add_layer(
            "add_random_bernoulli_static",
            "randomBernoulliStatic",
            name,
            None,
            output_name,
            output_shape=output_shape,
            prob=prob,
            seed=seed,
        )

    def add_random_bernoulli_dynamic(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        prob: float = 0.5,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `randomBernoulliDynamic` (specification 4).

        Ones with probability `prob`, else zeros, in the shape that the input holds, known when the network is traced.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            prob: Probability of a one, 0 to 1.
            seed: Seed that gives the same numbers each time; -1: different ones.
        """
        return self._add_layer(
            "add_random_bernoulli_dynamic",
            "randomBernoulliDynamic",
            name,
            input_names,
            output_name,
            prob=prob,
            seed=seed,
        )

    def add_inner_product(
        self,
        name: str,
        W: ArrayLike | Quantized | bytes,
        b: ArrayLike | None,
        input_channels: int,
        output_channels: int,
        has_bias: bool,
        input_name: str,
        output_name: str,
        int_8_dynamic_quantize: bool = False,
        is_quantized_weight: bool = False,
        quantization_type: str | None = "linear",
        nbits: int = 8,
        quant_scale: ArrayLike | None = None,
        quant_bias: ArrayLike | None = None,
        quant_lut: ArrayLike | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `innerProduct` (specification 1).

        A dense layer: x W^T + b, W of shape [out, in].

        Args:
            name: Name of the layer, unique in the network.
            W: Weights [output_channels, input_channels].
            b: Bias [output_channels]; unused unless has_bias.
            input_channels: Channels of x.
            output_channels: Channels of the output.
            has_bias: Whether b is added.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            int_8_dynamic_quantize: Quantize x to 8 bits as well when the model runs. Takes 8-bit weights with one
                scale and no quant_bias.
            is_quantized_weight: Whether W is bytes; an array is then refused.
            quantization_type: "linear" or "lut": what the bytes of W mean.
            nbits: Bits of a weight, 1 to 8, if W is bytes.
            quant_scale: Linear quantization: one factor, or one for each output channel.
            quant_bias: Linear quantization: one offset, or one for each output channel.
            quant_lut: Table quantization: the 2 ** nbits values.
        """
        return self._add_layer(
            "add_inner_product",
            "innerProduct",
            name,
            input_name,
            output_name,
            weighted.inner_product,
            W=W,
            b=b,
            input_channels=input_channels,
            output_channels=output_channels,
            has_bias=has_bias,
            int_8_dynamic_quantize=int_8_dynamic_quantize,
            is_quantized_weight=is_quantized_weight,
            quantization_type=quantization_type,
            nbits=nbits,
            quant_scale=quant_scale,
            quant_bias=quant_bias,
            quant_lut=quant_lut,
        )

    def add_embedding(
        self,
        name: str,
        W: ArrayLike | Quantized | bytes,
        b: ArrayLike | None,
        input_dim: int,
        output_channels: int,
        has_bias: bool,
        input_name: str,
        output_name: str,
        is_quantized_weight: bool = False,
        quantization_type: str | None = "linear",
        nbits: int = 8,
        quant_scale: ArrayLike | None = None,
        quant_bias: ArrayLike | None = None,
        quant_lut: ArrayLike | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `embedding` (specification 1).

        One column of `weights` [out, vocabulary] for each index, plus bias.

        Args:
            name: Name of the layer, unique in the network.
            W: Vectors [output_channels, input_dim]: column i is the vector of index i.
            b: Bias [output_channels]; unused unless has_bias.
            input_dim: Size of the vocabulary.
            output_channels: Length of a vector.
            has_bias: Whether b is added.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            is_quantized_weight: Whether W is bytes; an array is then refused.
            quantization_type: "linear" or "lut": what the bytes of W mean.
            nbits: Bits of a weight, 1 to 8, if W is bytes.
            quant_scale: Linear quantization: one factor, or one for each output channel.
            quant_bias: Linear quantization: one offset, or one for each output channel.
            quant_lut: Table quantization: the 2 ** nbits values.
        """
        return self._add_layer(
            "add_embedding",
            "embedding",
            name,
            input_name,
            output_name,
            weighted.embedding,
            W=W,
            b=b,
            input_dim=input_dim,
            output_channels=output_channels,
            has_bias=has_bias,
            is_quantized_weight=is_quantized_weight,
            quantization_type=quantization_type,
            nbits=nbits,
            quant_scale=quant_scale,
            quant_bias=quant_bias,
            quant_lut=quant_lut,
        )

    def add_embedding_nd(
        self,
        name: str,
        input_name: str,
        output_name: str,
        vocab_size: int,
        embedding_size: int,
        W: ArrayLike | Quantized | bytes,
        b: ArrayLike | None = None,
        is_quantized_weight: bool = False,
        quantization_type: str | None = "linear",
        nbits: int = 8,
        quant_scale: ArrayLike | None = None,
        quant_bias: ArrayLike | None = None,
        quant_lut: ArrayLike | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `embeddingND` (specification 4).

        One column of `weights` [size, vocabulary] for each index, plus bias.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            vocab_size: Size of the vocabulary.
            embedding_size: Length of a vector.
            W: Vectors [embedding_size, vocab_size]: column i is the vector of index i.
            b: Bias [embedding_size].
            is_quantized_weight: Whether W is bytes; an array is then refused.
            quantization_type: "linear" or "lut": what the bytes of W mean.
            nbits: Bits of a weight, 1 to 8, if W is bytes.
            quant_scale: Linear quantization: one factor, or one for each output channel.
            quant_bias: Linear quantization: one offset, or one for each output channel.
            quant_lut: Table quantization: the 2 ** nbits values.
        """
        return self._add_layer(
            "add_embedding_nd",
            "embeddingND",
            name,
            input_name,
            output_name,
            weighted.embedding_nd,
            vocab_size=vocab_size,
            embedding_size=embedding_size,
            W=W,
            b=b,
            is_quantized_weight=is_quantized_weight,
            quantization_type=quantization_type,
            nbits=nbits,
            quant_scale=quant_scale,
            quant_bias=quant_bias,
            quant_lut=quant_lut,
        )

    def add_batched_mat_mul(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        transpose_a: bool = False,
        transpose_b: bool = False,
        weight_matrix_rows: int = 0,
        weight_matrix_columns: int = 0,
        W: ArrayLike | Quantized | bytes | None = None,
        bias: ArrayLike | None = None,
        int_8_dynamic_quantize: bool = False,
        is_quantized_weight: bool = False,
        quantization_type: str | None = "linear",
        nbits: int = 8,
        quant_scale: ArrayLike | None = None,
        quant_bias: ArrayLike | None = None,
        quant_lut: ArrayLike | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `batchedMatmul` (specification 4).

        Matrix products of the last two axes; the axes before them broadcast.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            transpose_a: Swap the last two axes of the first input; two inputs only.
            transpose_b: Swap the last two axes of the second input; two inputs only.
            weight_matrix_rows: Rows of W; one input only.
            weight_matrix_columns: Columns of W; one input only.
            W: Second factor [weight_matrix_rows, weight_matrix_columns]; one input only.
            bias: Bias [weight_matrix_columns]; one input only.
            int_8_dynamic_quantize: Quantize x to 8 bits as well when the model runs. Takes 8-bit weights with one
                scale and no quant_bias.
            is_quantized_weight: Whether W is bytes; an array is then refused.
            quantization_type: "linear" or "lut": what the bytes of W mean.
            nbits: Bits of a weight, 1 to 8, if W is bytes.
            quant_scale: Linear quantization: one factor, or one for each output channel.
            quant_bias: Linear quantization: one offset, or one for each output channel.
            quant_lut: Table quantization: the 2 ** nbits values.
        """
        return self._add_layer(
            "add_batched_mat_mul",
            "batchedMatmul",
            name,
            input_names,
            output_name,
            weighted.batched_mat_mul,
            transpose_a=transpose_a,
            transpose_b=transpose_b,
            weight_matrix_rows=weight_matrix_rows,
            weight_matrix_columns=weight_matrix_columns,
            W=W,
            bias=bias,
            int_8_dynamic_quantize=int_8_dynamic_quantize,
            is_quantized_weight=is_quantized_weight,
            quantization_type=quantization_type,
            nbits=nbits,
            quant_scale=quant_scale,
            quant_bias=quant_bias,
            quant_lut=quant_lut,
        )

    def add_load_constant(
        self,
        name: str,
        output_name: str,
        constant_value: ArrayLike,
        shape: Sequence[int],
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `loadConstant` (specification 1).

        A stored array [C, H, W] as the rank-5 blob [1, 1, C, H, W], whatever the mapping of inputs.

        Args:
            name: Name of the layer, unique in the network.
            output_name: Blob that the layer writes.
            constant_value: Elements of the array; as many as shape says.
            shape: Shape [C, H, W] of the array.
        """
        return self._add_layer(
            "add_load_constant",
            "loadConstant",
            name,
            None,
            output_name,
            weighted.load_constant,
            constant_value=constant_value,
            shape=shape,
        )

    def add_load_constant_nd(
        self,
        name: str,
        output_name: str,
        constant_value: ArrayLike,
        shape: Sequence[int],
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `loadConstantND` (specification 4).

        A stored array, unchanged.

        Args:
            name: Name of the layer, unique in the network.
            output_name: Blob that the layer writes.
            constant_value: Elements of the array; as many as shape says.
            shape: Shape of the array.
        """
        return self._add_layer(
            "add_load_constant_nd",
            "loadConstantND",
            name,
            None,
            output_name,
            weighted.load_constant,
            constant_value=constant_value,
            shape=shape,
        )

    def add_scale(
        self,
        name: str,
        W: ArrayLike,
        b: ArrayLike | None,
        has_bias: bool,
        input_name: str,
        output_name: str,
        shape_scale: Sequence[int] | None = None,
        shape_bias: Sequence[int] | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `scale` (specification 1).

        x * scale + bias; the bias may be absent.

        Args:
            name: Name of the layer, unique in the network.
            W: Factors; as many as shape_scale says.
            b: Summands; as many as shape_bias says. Unused unless has_bias.
            has_bias: Whether b is added.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            shape_scale: Shape of W: [1], [C], [1, H, W] or [C, H, W]. Default: taken from W.
            shape_bias: Shape of b: [1], [C], [1, H, W] or [C, H, W]. Default: taken from b.
        """
        return self._add_layer(
            "add_scale",
            "scale",
            name,
            input_name,
            output_name,
            weighted.scale,
            W=W,
            b=b,
            has_bias=has_bias,
            shape_scale=shape_scale,
            shape_bias=shape_bias,
        )

    def add_bias(
        self,
        name: str,
        b: ArrayLike,
        input_name: str,
        output_name: str,
        shape_bias: Sequence[int] | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `bias` (specification 1).

        x + bias.

        Args:
            name: Name of the layer, unique in the network.
            b: Summands; as many as shape_bias says.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            shape_bias: Shape of b: [1], [C], [1, H, W] or [C, H, W]. Default: taken from b.
        """
        return self._add_layer(
            "add_bias",
            "bias",
            name,
            input_name,
            output_name,
            weighted.bias,
            b=b,
            shape_bias=shape_bias,
        )

    def add_convolution(
        self,
        name: str,
        kernel_channels: int,
        output_channels: int,
        height: int,
        width: int,
        stride_height: int,
        stride_width: int,
        border_mode: str,
        groups: int,
        W: ArrayLike | Quantized | bytes | None,
        b: ArrayLike | None,
        has_bias: bool,
        is_deconv: bool = False,
        output_shape: Sequence[int] | None = None,
        input_name: Sequence[str] | str = "data",
        output_name: str = "out",
        dilation_factors: Sequence[int] = (1, 1),
        padding_top: int = 0,
        padding_bottom: int = 0,
        padding_left: int = 0,
        padding_right: int = 0,
        same_padding_asymmetry_mode: str = "BOTTOM_RIGHT_HEAVY",
        quantization_type: str | None = None,
        nbits: int = 8,
        quant_scale: ArrayLike | None = None,
        quant_bias: ArrayLike | None = None,
        quant_lut: ArrayLike | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `convolution` (specification 1).

        Each output pixel is the sum of products of a kernel with the window of the image around it.

        Args:
            name: Name of the layer, unique in the network.
            kernel_channels: Channels of x divided by groups; transposed convolution: channels of x.
            output_channels: Channels of the output.
            height: Height of the window.
            width: Width of the window.
            stride_height: Step of the window along the height.
            stride_width: Step of the window along the width.
            border_mode: "valid" or "same".
            groups: Number of groups; divides both numbers of channels.
            W: Kernels [height, width, kernel_channels, output_channels]; transposed convolution: [height, width,
                kernel_channels, output_channels / groups]. Unused if a second input is the kernel.
            b: Bias [output_channels]; unused unless has_bias.
            has_bias: Whether b is added.
            is_deconv: Transposed convolution.
            output_shape: Size of the result [H, W]; transposed convolution only.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            dilation_factors: Dilation of the kernel [height, width].
            padding_top: Rows of zeros at the top, for "valid".
            padding_bottom: Rows of zeros at the bottom, for "valid".
            padding_left: Columns of zeros on the left, for "valid".
            padding_right: Columns of zeros on the right, for "valid".
            same_padding_asymmetry_mode: "BOTTOM_RIGHT_HEAVY" or "TOP_LEFT_HEAVY": the side that gets an extra row
                or column of "same" padding.
            quantization_type: "linear" or "lut": what the bytes of W mean.
            nbits: Bits of a weight, 1 to 8, if W is bytes.
            quant_scale: Linear quantization: one factor, or one for each output channel.
            quant_bias: Linear quantization: one offset, or one for each output channel.
            quant_lut: Table quantization: the 2 ** nbits values.
        """
        return self._add_layer(
            "add_convolution",
            "convolution",
            name,
            input_name,
            output_name,
            weighted.convolution,
            kernel_channels=kernel_channels,
            output_channels=output_channels,
            height=height,
            width=width,
            stride_height=stride_height,
            stride_width=stride_width,
            border_mode=border_mode,
            groups=groups,
            W=W,
            b=b,
            has_bias=has_bias,
            is_deconv=is_deconv,
            output_shape=output_shape,
            dilation_factors=dilation_factors,
            padding_top=padding_top,
            padding_bottom=padding_bottom,
            padding_left=padding_left,
            padding_right=padding_right,
            same_padding_asymmetry_mode=same_padding_asymmetry_mode,
            quantization_type=quantization_type,
            nbits=nbits,
            quant_scale=quant_scale,
            quant_bias=quant_bias,
            quant_lut=quant_lut,
        )

    def add_convolution3d(
        self,
        name: str,
        input_channels: int,
        output_channels: int,
        depth: int,
        height: int,
        width: int,
        W: ArrayLike,
        b: ArrayLike | None,
        has_bias: bool,
        groups: int = 1,
        stride_depth: int = 1,
        stride_height: int = 1,
        stride_width: int = 1,
        dilation_width: int = 1,
        dilation_height: int = 1,
        dilation_depth: int = 1,
        is_deconv: bool = False,
        output_shape: Sequence[int] | None = None,
        padding_mode: str = "valid",
        padding_front: int = 0,
        padding_back: int = 0,
        padding_top: int = 0,
        padding_bottom: int = 0,
        padding_left: int = 0,
        padding_right: int = 0,
        input_name: str = "data",
        output_name: str = "out",
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `convolution3d` (specification 5).

        Each output element is the sum of products of a kernel with the window of the volume around it.

        Args:
            name: Name of the layer, unique in the network.
            input_channels: Channels of x.
            output_channels: Channels of the output.
            depth: Depth of the kernel.
            height: Height of the window.
            width: Width of the window.
            W: Kernels [output_channels, input_channels / groups, depth, height, width]; transposed convolution:
                [output_channels / groups, input_channels, depth, height, width].
            b: Bias [output_channels]; unused unless has_bias.
            has_bias: Whether b is added.
            groups: Number of groups; divides both numbers of channels.
            stride_depth: Step of the window along the depth.
            stride_height: Step of the window along the height.
            stride_width: Step of the window along the width.
            dilation_width: Dilation of the kernel along the width.
            dilation_height: Dilation of the kernel along the height.
            dilation_depth: Dilation of the kernel along the depth.
            is_deconv: Transposed convolution.
            output_shape: Size of the result [depth, height, width]; transposed convolution only.
            padding_mode: "valid", "same" or "custom".
            padding_front: Padding at the front, in elements, for "custom".
            padding_back: Padding at the back, in elements, for "custom".
            padding_top: Padding at the top, in elements, for "custom".
            padding_bottom: Padding at the bottom, in elements, for "custom".
            padding_left: Padding at the left, in elements, for "custom".
            padding_right: Padding at the right, in elements, for "custom".
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer(
            "add_convolution3d",
            "convolution3d",
            name,
            input_name,
            output_name,
            weighted.convolution3d,
            input_channels=input_channels,
            output_channels=output_channels,
            depth=depth,
            height=height,
            width=width,
            W=W,
            b=b,
            has_bias=has_bias,
            groups=groups,
            stride_depth=stride_depth,
            stride_height=stride_height,
            stride_width=stride_width,
            dilation_width=dilation_width,
            dilation_height=dilation_height,
            dilation_depth=dilation_depth,
            is_deconv=is_deconv,
            output_shape=output_shape,
            padding_mode=padding_mode,
            padding_front=padding_front,
            padding_back=padding_back,
            padding_top=padding_top,
            padding_bottom=padding_bottom,
            padding_left=padding_left,
            padding_right=padding_right,
        )

    def add_pooling(
        self,
        name: str,
        height: int,
        width: int,
        stride_height: int,
        stride_width: int,
        layer_type: str,
        padding_type: str,
        input_name: str,
        output_name: str,
        exclude_pad_area: bool = True,
        is_global: bool = False,
        padding_top: int = 0,
        padding_bottom: int = 0,
        padding_left: int = 0,
        padding_right: int = 0,
        same_padding_asymmetry_mode: str = "BOTTOM_RIGHT_HEAVY",
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `pooling` (specification 1).

        The maximum, the mean or the square root of the sum of squares of each window.

        Args:
            name: Name of the layer, unique in the network.
            height: Height of the window.
            width: Width of the window.
            stride_height: Step of the window along the height.
            stride_width: Step of the window along the width.
            layer_type: "MAX", "AVERAGE" or "L2".
            padding_type: "VALID", "SAME" or "INCLUDE_LAST_PIXEL", which pads with padding_top and padding_left on
                both sides.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            exclude_pad_area: Average: divide by the number of elements of x in the window, without the padding.
            is_global: One window for the whole image; its size, stride and padding are then unused.
            padding_top: Rows of zeros at the top, for "valid".
            padding_bottom: Rows of zeros at the bottom, for "valid".
            padding_left: Columns of zeros on the left, for "valid".
            padding_right: Columns of zeros on the right, for "valid".
            same_padding_asymmetry_mode: "BOTTOM_RIGHT_HEAVY" or "TOP_LEFT_HEAVY": the side that gets an extra row
                or column of "same" padding.
        """
        return self._add_layer(
            "add_pooling",
            "pooling",
            name,
            input_name,
            output_name,
            irregular.pooling,
            height=height,
            width=width,
            stride_height=stride_height,
            stride_width=stride_width,
            layer_type=layer_type,
            padding_type=padding_type,
            exclude_pad_area=exclude_pad_area,
            is_global=is_global,
            padding_top=padding_top,
            padding_bottom=padding_bottom,
            padding_left=padding_left,
            padding_right=padding_right,
            same_padding_asymmetry_mode=same_padding_asymmetry_mode,
        )

    def add_pooling3d(
        self,
        name: str,
        input_name: str,
        output_name: str,
        pooling_type: str,
        kernel_depth: int,
        kernel_height: int,
        kernel_width: int,
        stride_depth: int,
        stride_height: int,
        stride_width: int,
        padding_mode: str = "valid",
        custom_padding_front: int = 0,
        custom_padding_back: int = 0,
        custom_padding_top: int = 0,
        custom_padding_bottom: int = 0,
        custom_padding_left: int = 0,
        custom_padding_right: int = 0,
        average_pooling_count_excludes_padding: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `pooling3d` (specification 5).

        The maximum or the mean of each box of a volume.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            pooling_type: "MAX" or "AVERAGE".
            kernel_depth: Depth of the window.
            kernel_height: Height of the window.
            kernel_width: Width of the window.
            stride_depth: Step of the window along the depth.
            stride_height: Step of the window along the height.
            stride_width: Step of the window along the width.
            padding_mode: "valid", "same" or "custom".
            custom_padding_front: Padding at the front, in elements, for "custom".
            custom_padding_back: Padding at the back, in elements, for "custom".
            custom_padding_top: Padding at the top, in elements, for "custom".
            custom_padding_bottom: Padding at the bottom, in elements, for "custom".
            custom_padding_left: Padding at the left, in elements, for "custom".
            custom_padding_right: Padding at the right, in elements, for "custom".
            average_pooling_count_excludes_padding: Average: divide by the number of elements of x in the window,
                without the padding.
        """
        return self._add_layer(
            "add_pooling3d",
            "pooling3d",
            name,
            input_name,
            output_name,
            irregular.pooling3d,
            pooling_type=pooling_type,
            kernel_depth=kernel_depth,
            kernel_height=kernel_height,
            kernel_width=kernel_width,
            stride_depth=stride_depth,
            stride_height=stride_height,
            stride_width=stride_width,
            padding_mode=padding_mode,
            custom_padding_front=custom_padding_front,
            custom_padding_back=custom_padding_back,
            custom_padding_top=custom_padding_top,
            custom_padding_bottom=custom_padding_bottom,
            custom_padding_left=custom_padding_left,
            custom_padding_right=custom_padding_right,
            average_pooling_count_excludes_padding=average_pooling_count_excludes_padding,
        )

    def add_global_pooling3d(
        self,
        name: str,
        input_name: str,
        output_name: str,
        pooling_type: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `globalPooling3d` (specification 5).

        The maximum or the mean of each channel of a volume.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            pooling_type: "MAX" or "AVERAGE" (field `type`).
        """
        return self._add_layer(
            "add_global_pooling3d",
            "globalPooling3d",
            name,
            input_name,
            output_name,
            type=pooling_type,
        )

    def add_padding(
        self,
        name: str,
        left: int = 0,
        right: int = 0,
        top: int = 0,
        bottom: int = 0,
        value: float = 0,
        input_name: str = "data",
        output_name: str = "out",
        padding_type: str = "constant",
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `padding` (specification 1).

        Pad an image: with a constant, its reflection without the edge, or its edge repeated.

        Args:
            name: Name of the layer, unique in the network.
            left: Columns at the left.
            right: Columns at the right.
            top: Rows at the top.
            bottom: Rows at the bottom.
            value: Value of the padding, for constant padding.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            padding_type: "constant", "reflection" or "replication".
        """
        return self._add_layer(
            "add_padding",
            "padding",
            name,
            input_name,
            output_name,
            irregular.padding,
            left=left,
            right=right,
            top=top,
            bottom=bottom,
            value=value,
            padding_type=padding_type,
        )

    def add_crop(
        self,
        name: str,
        left: int,
        right: int,
        top: int,
        bottom: int,
        offset: Sequence[int],
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `crop` (specification 1).

        An image without its borders.

        Args:
            name: Name of the layer, unique in the network.
            left: Columns at the left.
            right: Columns at the right.
            top: Rows at the top.
            bottom: Rows at the bottom.
            offset: First row and column that is kept; two inputs only.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
        """
        return self._add_layer(
            "add_crop",
            "crop",
            name,
            input_names,
            output_name,
            irregular.crop,
            left=left,
            right=right,
            top=top,
            bottom=bottom,
            offset=offset,
        )

    def add_upsample(
        self,
        name: str,
        scaling_factor_h: float,
        scaling_factor_w: float,
        input_name: str,
        output_name: str,
        mode: str = "NN",
        linear_upsample_mode: str = "DEFAULT",
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `upsample` (specification 1).

        An image enlarged by a factor: pixels repeated (NN), or interpolated (BILINEAR).

        Args:
            name: Name of the layer, unique in the network.
            scaling_factor_h: Factor of the height; fractions need ALIGN_CORNERS_TRUE or ALIGN_CORNERS_FALSE.
            scaling_factor_w: Factor of the width; fractions need ALIGN_CORNERS_TRUE or ALIGN_CORNERS_FALSE.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            mode: "NN" or "BILINEAR".
            linear_upsample_mode: "DEFAULT", "ALIGN_CORNERS_TRUE" or "ALIGN_CORNERS_FALSE", for BILINEAR.
        """
        return self._add_layer(
            "add_upsample",
            "upsample",
            name,
            input_name,
            output_name,
            irregular.upsample,
            scaling_factor_h=scaling_factor_h,
            scaling_factor_w=scaling_factor_w,
            mode=mode,
            linear_upsample_mode=linear_upsample_mode,
        )

    def add_resize_bilinear(
        self,
        name: str,
        input_name: str,
        output_name: str,
        target_height: int = 1,
        target_width: int = 1,
        mode: str = "ALIGN_ENDPOINTS_MODE",
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `resizeBilinear` (specification 3).

        An image of a given size, by bilinear interpolation.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            target_height: Height of the result, in pixels.
            target_width: Width of the result, in pixels.
            mode: "STRICT_ALIGN_ENDPOINTS_MODE", "ALIGN_ENDPOINTS_MODE", "UPSAMPLE_MODE" or "ROI_ALIGN_MODE": where
                the samples are taken along an axis.
        """
        return self._add_layer(
            "add_resize_bilinear",
            "resizeBilinear",
            name,
            input_name,
            output_name,
            irregular.resize_bilinear,
            target_height=target_height,
            target_width=target_width,
            mode=mode,
        )

    def add_crop_resize(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        target_height: int = 1,
        target_width: int = 1,
        mode: str = "STRICT_ALIGN_ENDPOINTS_MODE",
        normalized_roi: bool = False,
        box_indices_mode: str = "CORNERS_HEIGHT_FIRST",
        spatial_scale: float = 1.0,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `cropResize` (specification 3).

        Boxes cut out of images and resized, by bilinear interpolation.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            target_height: Height of the result, in pixels.
            target_width: Width of the result, in pixels.
            mode: "STRICT_ALIGN_ENDPOINTS_MODE", "ALIGN_ENDPOINTS_MODE", "UPSAMPLE_MODE" or "ROI_ALIGN_MODE": where
                the samples are taken along an axis.
            normalized_roi: Whether boxes are given in 0 to 1 instead of pixels.
            box_indices_mode: "CORNERS_HEIGHT_FIRST", "CORNERS_WIDTH_FIRST", "CENTER_SIZE_HEIGHT_FIRST" or
                "CENTER_SIZE_WIDTH_FIRST": what the four numbers of a box are.
            spatial_scale: Factor that the coordinates of boxes are multiplied by.
        """
        return self._add_layer(
            "add_crop_resize",
            "cropResize",
            name,
            input_names,
            output_name,
            irregular.crop_resize,
            target_height=target_height,
            target_width=target_width,
            mode=mode,
            normalized_roi=normalized_roi,
            box_indices_mode=box_indices_mode,
            spatial_scale=spatial_scale,
        )

    def add_activation(
        self,
        name: str,
        non_linearity: str,
        input_name: str,
        output_name: str,
        params: ArrayLike | Sequence[ArrayLike] | None = None,
        input_rank: int | None = None,
        input_shape: Sequence[int] | None = None,
        output_rank: int | None = None,
        output_shape: Sequence[int] | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `activation` (specification 1).

        One of thirteen functions, applied to each element.

        Args:
            name: Name of the layer, unique in the network.
            non_linearity: "RELU", "SIGMOID", "TANH", "SOFTPLUS", "SOFTSIGN", "LINEAR", "SCALED_TANH",
                "SIGMOID_HARD", "LEAKYRELU", "ELU", "THRESHOLDEDRELU", "PRELU" or "PARAMETRICSOFTPLUS".
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            params: Parameters of the function: alpha, or alpha and beta; for PRELU alpha [C], for
                PARAMETRICSOFTPLUS alpha [C] and beta [C]. Default: the usual values, if there are any.
            input_rank: Rank of the input, a hint for readers of the file.
            input_shape: Shape of the input, a hint for readers of the file.
            output_rank: Rank of the output, a hint for readers of the file.
            output_shape: Shape of the output, a hint for readers of the file.
        """
        return self._add_layer(
            "add_activation",
            "activation",
            name,
            input_name,
            output_name,
            irregular.activation,
            non_linearity=non_linearity,
            params=params,
            input_rank=input_rank,
            input_shape=input_shape,
            output_rank=output_rank,
            output_shape=output_shape,
        )

    def add_elementwise(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        mode: str,
        alpha: float | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `add`, `multiply`, `concat`, `dot`, `max`, `min` or `average` (specification 1).

        - `add`: The sum of all inputs; with a single input, x + alpha.
        - `multiply`: The product of all inputs; with a single input, x * alpha.
        - `concat`: All inputs concatenated along the channels, or along the sequence (axis -5).
        - `dot`: The dot product of two vectors of channels, or the cosine of the angle between them.
        - `max`: The elementwise maximum of all inputs, which broadcast.
        - `min`: The elementwise minimum of all inputs, which broadcast.
        - `average`: The elementwise mean of all inputs, which broadcast.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            mode: "ADD", "MULTIPLY", "CONCAT", "SEQUENCE_CONCAT", "DOT", "COS", "MAX", "MIN" or "AVE".
            alpha: Second operand of ADD and MULTIPLY; one input only.
        """
        return self._add_layer(
            "add_elementwise",
            irregular.elementwise_kind,
            name,
            input_names,
            output_name,
            irregular.elementwise,
            mode=mode,
            alpha=alpha,
        )

    def add_unary(
        self,
        name: str,
        input_name: str,
        output_name: str,
        mode: str,
        alpha: float = 1.0,
        shift: float = 0,
        scale: float = 1.0,
        epsilon: float | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `unary` (specification 1).

        f(scale * x + shift), elementwise, for one of eight functions f.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            mode: "SQRT", "RSQRT", "INVERSE", "POWER", "EXP", "LOG", "ABS" or "THRESHOLD".
            alpha: Exponent of POWER, lower bound of THRESHOLD.
            shift: Number that is added to scale * x before the function is applied.
            scale: Factor that x is multiplied by before the function is applied; 0 means 1.
            epsilon: Number that is added to the argument of RSQRT and INVERSE. Default: 1e-4 for them.
        """
        return self._add_layer(
            "add_unary",
            "unary",
            name,
            input_name,
            output_name,
            irregular.unary,
            mode=mode,
            alpha=alpha,
            shift=shift,
            scale=scale,
            epsilon=epsilon,
        )

    def add_gelu(self, name: str, input_name: str, output_name: str, mode: str = "EXACT") -> NeuralNetworkLayer:
        """Append a layer of kind `gelu` (specification 4).

        x times the probability that a standard normal number is below x, exactly or by one of two approximations.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            mode: "EXACT", "TANH_APPROXIMATION" or "SIGMOID_APPROXIMATION".
        """
        return self._add_layer("add_gelu", "gelu", name, input_name, output_name, mode=mode)

    def add_clip(
        self,
        name: str,
        input_name: str,
        output_name: str,
        min_value: float = 0.0,
        max_value: float = 1.0,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `clip` (specification 4).

        min(max(x, min_val), max_val).

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            min_value: Lower bound (field `min_val`).
            max_value: Upper bound (field `max_val`).
        """
        return self._add_layer("add_clip", "clip", name, input_name, output_name, min_val=min_value, max_val=max_value)

    def add_clamped_relu(
        self,
        name: str,
        input_name: str,
        output_name: str,
        alpha: float = 0.0,
        beta: float = 6.0,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `clampedReLU` (specification 5).

        min(beta, x) where x >= 0, min(beta, alpha * x) below.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            alpha: Slope for negative numbers.
            beta: Upper bound.
        """
        return self._add_layer("add_clamped_relu", "clampedReLU", name, input_name, output_name, alpha=alpha, beta=beta)

    def add_greater_than(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        use_greater_than_equal: bool = False,
        alpha: float = 0.0,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `greaterThan` or `greaterEqual` (specification 4).

        - `greaterThan`: 1 where x > y, 0 elsewhere; with a single input y is `alpha`.
        - `greaterEqual`: 1 where x >= y, 0 elsewhere; with a single input y is `alpha`.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            use_greater_than_equal: Compare with >= instead of >.
            alpha: Right-hand side of the comparison; one input only.
        """
        return self._add_layer(
            "add_greater_than",
            irregular.greater_kind,
            name,
            input_names,
            output_name,
            irregular.comparison,
            use_greater_than_equal=use_greater_than_equal,
            alpha=alpha,
        )

    def add_less_than(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        use_less_than_equal: bool = False,
        alpha: float = 0.0,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `lessThan` or `lessEqual` (specification 4).

        - `lessThan`: 1 where x < y, 0 elsewhere; with a single input y is `alpha`.
        - `lessEqual`: 1 where x <= y, 0 elsewhere; with a single input y is `alpha`.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            use_less_than_equal: Compare with <= instead of <.
            alpha: Right-hand side of the comparison; one input only.
        """
        return self._add_layer(
            "add_less_than",
            irregular.less_kind,
            name,
            input_names,
            output_name,
            irregular.comparison,
            use_less_than_equal=use_less_than_equal,
            alpha=alpha,
        )

    def add_equal(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        alpha: float = 0.0,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `equal` (specification 4).

        1 where x = y, 0 elsewhere; with a single input y is `alpha`.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            alpha: Right-hand side of the comparison; one input only.
        """
        return self._add_layer("add_equal", "equal", name, input_names, output_name, irregular.comparison, alpha=alpha)

    def add_not_equal(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        alpha: float = 0.0,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `notEqual` (specification 4).

        1 where x != y, 0 elsewhere; with a single input y is `alpha`.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            alpha: Right-hand side of the comparison; one input only.
        """
        return self._add_layer(
            "add_not_equal",
            "notEqual",
            name,
            input_names,
            output_name,
            irregular.comparison,
            alpha=alpha,
        )

    def add_logical(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        mode: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `logicalAnd`, `logicalOr`, `logicalXor` or `logicalNot` (specification 4).

        - `logicalAnd`: 1 where, of x and y, both are not 0; 0 elsewhere.
        - `logicalOr`: 1 where, of x and y, at least one is not 0; 0 elsewhere.
        - `logicalXor`: 1 where, of x and y, exactly one is not 0; 0 elsewhere.
        - `logicalNot`: 1 where x is 0, 0 elsewhere.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            mode: "AND", "OR", "XOR" or "NOT".
        """
        return self._add_layer(
            "add_logical",
            irregular.logical_kind,
            name,
            input_names,
            output_name,
            irregular.logical,
            mode=mode,
        )

    def add_batchnorm(
        self,
        name: str,
        channels: int,
        gamma: ArrayLike,
        beta: ArrayLike,
        mean: ArrayLike | None = None,
        variance: ArrayLike | None = None,
        input_name: str = "data",
        output_name: str = "out",
        compute_mean_var: bool = False,
        instance_normalization: bool = False,
        epsilon: float = 1e-05,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `batchnorm` (specification 1).

        Batch normalization: gamma * (x - mean) / sqrt(variance + epsilon) + beta, per channel.

        Args:
            name: Name of the layer, unique in the network.
            channels: Channels of x.
            gamma: Factors [channels].
            beta: Summands [channels].
            mean: Means [channels]; unused with compute_mean_var.
            variance: Variances [channels]; unused with compute_mean_var.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            compute_mean_var: Compute mean and variance from x.
            instance_normalization: With compute_mean_var: compute them for each sample, instead of for the whole
                batch.
            epsilon: Added to keep the division finite.
        """
        return self._add_layer(
            "add_batchnorm",
            "batchnorm",
            name,
            input_name,
            output_name,
            weighted.batchnorm,
            channels=channels,
            gamma=gamma,
            beta=beta,
            mean=mean,
            variance=variance,
            compute_mean_var=compute_mean_var,
            instance_normalization=instance_normalization,
            epsilon=epsilon,
        )

    def add_layer_normalization(
        self,
        name: str,
        input_name: str,
        output_name: str,
        normalized_shape: Sequence[int],
        gamma: ArrayLike,
        beta: ArrayLike,
        eps: float = 1e-05,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `layerNormalization` (specification 4).

        Layer normalization over the last axes: gamma * (x - mean) / sqrt(variance + eps) + beta.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            normalized_shape: Sizes of the last axes of x, over which mean and variance are computed.
            gamma: Factors, of the shape normalized_shape.
            beta: Summands, of the shape normalized_shape.
            eps: Added to keep the division finite.
        """
        return self._add_layer(
            "add_layer_normalization",
            "layerNormalization",
            name,
            input_name,
            output_name,
            weighted.layer_normalization,
            normalized_shape=normalized_shape,
            gamma=gamma,
            beta=beta,
            eps=eps,
        )

    def add_lrn(
        self,
        name: str,
        input_name: str,
        output_name: str,
        alpha: float,
        beta: float,
        local_size: int,
        k: float = 1.0,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `lrn` (specification 1).

        Local response normalization: x / (k + alpha / n * s)^beta; s sums squares over n neighbouring channels.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            alpha: Factor of the sum of squares.
            beta: Exponent of the denominator.
            local_size: Width of the window, in channels.
            k: Constant term of the denominator; 0 means 1.
        """
        return self._add_layer(
            "add_lrn",
            "lrn",
            name,
            input_name,
            output_name,
            alpha=alpha,
            beta=beta,
            local_size=local_size,
            k=k,
        )

    def add_mvn(
        self,
        name: str,
        input_name: str,
        output_name: str,
        across_channels: bool = True,
        normalize_variance: bool = True,
        epsilon: float = 1e-05,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `mvn` (specification 1).

        Mean and variance normalization of each instance: over height and width, or over channels too.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            across_channels: One mean over channels, height and width, instead of one for each channel.
            normalize_variance: Divide by the standard deviation as well.
            epsilon: Added to keep the division finite.
        """
        return self._add_layer(
            "add_mvn",
            "mvn",
            name,
            input_name,
            output_name,
            across_channels=across_channels,
            normalize_variance=normalize_variance,
            epsilon=epsilon,
        )

    def add_l2_normalize(
        self,
        name: str,
        input_name: str,
        output_name: str,
        epsilon: float = 1e-05,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `l2normalize` (specification 1).

        x / sqrt(sum of squares + epsilon), where the sum is over channels, height and width together.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            epsilon: Added to keep the division finite.
        """
        return self._add_layer("add_l2_normalize", "l2normalize", name, input_name, output_name, epsilon=epsilon)

    def add_softmax_nd(self, name: str, input_name: str, output_name: str, axis: int) -> NeuralNetworkLayer:
        """Append a layer of kind `softmaxND` (specification 4).

        Softmax along one axis: exp(x) / sum(exp(x)).

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axis: Axis; a negative one counts from the end.
        """
        return self._add_layer("add_softmax_nd", "softmaxND", name, input_name, output_name, axis=axis)

    def add_simple_rnn(
        self,
        name: str,
        W_h: ArrayLike,
        W_x: ArrayLike,
        b: ArrayLike | None,
        hidden_size: int,
        input_size: int,
        activation: str | Choice,
        input_names: Sequence[str] | str,
        output_names: Sequence[str] | str,
        output_all: bool = False,
        reverse_input: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `simpleRecurrent` (specification 1).

        y_t = f(clip(W x_t + R y_{t-1} + b)), f an activation, clip to +-50.

        Args:
            name: Name of the layer, unique in the network.
            W_h: Weights of the state [hidden_size, hidden_size].
            W_x: Weights of x [hidden_size, input_size].
            b: Bias [hidden_size].
            hidden_size: Size of the state and of the output.
            input_size: Size of an element of the sequence.
            activation: Activation of the output: "SIGMOID", "TANH", "RELU", "LINEAR", "SIGMOID_HARD" or
                "SCALED_TANH", or a `Choice` with other parameters.
            input_names: Blobs that the layer reads, in order.
            output_names: Blobs that the layer writes, in order.
            output_all: Return the output of every step instead of the last one only.
            reverse_input: Read the sequence from its end.
        """
        return self._add_layer(
            "add_simple_rnn",
            "simpleRecurrent",
            name,
            input_names,
            output_names,
            cells.simple_rnn,
            W_h=W_h,
            W_x=W_x,
            b=b,
            hidden_size=hidden_size,
            input_size=input_size,
            activation=activation,
            output_all=output_all,
            reverse_input=reverse_input,
        )

    def add_gru(
        self,
        name: str,
        W_h: Sequence[ArrayLike],
        W_x: Sequence[ArrayLike],
        b: Sequence[ArrayLike] | None,
        hidden_size: int,
        input_size: int,
        input_names: Sequence[str] | str,
        output_names: Sequence[str] | str,
        activation: str | Choice = "TANH",
        inner_activation: str | Choice = "SIGMOID_HARD",
        output_all: bool = False,
        reverse_input: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `gru` (specification 1).

        Gated recurrent unit, the reset applied to the state before its product with R_o.

        Args:
            name: Name of the layer, unique in the network.
            W_h: Weights of the state [hidden_size, hidden_size] of each gate in the order update (z), reset (r),
                output (o).
            W_x: Weights of x [hidden_size, input_size] of each gate in the order update (z), reset (r), output (o).
            b: Bias [hidden_size] of each gate in the order update (z), reset (r), output (o).
            hidden_size: Size of the state and of the output.
            input_size: Size of an element of the sequence.
            input_names: Blobs that the layer reads, in order.
            output_names: Blobs that the layer writes, in order.
            activation: Activation of the output: "SIGMOID", "TANH", "RELU", "LINEAR", "SIGMOID_HARD" or
                "SCALED_TANH", or a `Choice` with other parameters.
            inner_activation: Activation of the gates: "SIGMOID", "TANH", "RELU", "LINEAR", "SIGMOID_HARD" or
                "SCALED_TANH", or a `Choice` with other parameters.
            output_all: Return the output of every step instead of the last one only.
            reverse_input: Read the sequence from its end.
        """
        return self._add_layer(
            "add_gru",
            "gru",
            name,
            input_names,
            output_names,
            cells.gru,
            W_h=W_h,
            W_x=W_x,
            b=b,
            hidden_size=hidden_size,
            input_size=input_size,
            activation=activation,
            inner_activation=inner_activation,
            output_all=output_all,
            reverse_input=reverse_input,
        )

    def add_unilstm(
        self,
        name: str,
        W_h: Sequence[ArrayLike],
        W_x: Sequence[ArrayLike],
        b: Sequence[ArrayLike] | None,
        hidden_size: int,
        input_size: int,
        input_names: Sequence[str] | str,
        output_names: Sequence[str] | str,
        inner_activation: str | Choice = "SIGMOID",
        cell_state_update_activation: str | Choice = "TANH",
        output_activation: str | Choice = "TANH",
        peep: Sequence[ArrayLike] | None = None,
        output_all: bool = False,
        forget_bias: bool = False,
        coupled_input_forget_gate: bool = False,
        cell_clip_threshold: float = 50000.0,
        reverse_input: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `uniDirectionalLSTM` (specification 1).

        Long short-term memory: gates i, f, o and block input z, with a cell c beside the output y.

        Args:
            name: Name of the layer, unique in the network.
            W_h: Weights of the state [hidden_size, hidden_size] of each gate in the order input (i), forget (f),
                output (o), block input (z).
            W_x: Weights of x [hidden_size, input_size] of each gate in the order input (i), forget (f), output (o),
                block input (z).
            b: Bias [hidden_size] of each gate in the order input (i), forget (f), output (o), block input (z).
            hidden_size: Size of the state and of the output.
            input_size: Size of an element of the sequence.
            input_names: Blobs that the layer reads, in order.
            output_names: Blobs that the layer writes, in order.
            inner_activation: Activation of the gates: "SIGMOID", "TANH", "RELU", "LINEAR", "SIGMOID_HARD" or
                "SCALED_TANH", or a `Choice` with other parameters.
            cell_state_update_activation: Activation of the block input, like inner_activation.
            output_activation: Activation of the cell before the output gate, like inner_activation.
            peep: Peephole weights [hidden_size] of the gates i, f and o.
            output_all: Return the output of every step instead of the last one only.
            forget_bias: Add 1 to the bias of the forget gate.
            coupled_input_forget_gate: Use 1 - i as the forget gate.
            cell_clip_threshold: Largest absolute value that enters an activation; 0 means 50.
            reverse_input: Read the sequence from its end.
        """
        return self._add_layer(
            "add_unilstm",
            "uniDirectionalLSTM",
            name,
            input_names,
            output_names,
            cells.unilstm,
            W_h=W_h,
            W_x=W_x,
            b=b,
            hidden_size=hidden_size,
            input_size=input_size,
            inner_activation=inner_activation,
            cell_state_update_activation=cell_state_update_activation,
            output_activation=output_activation,
            peep=peep,
            output_all=output_all,
            forget_bias=forget_bias,
            coupled_input_forget_gate=coupled_input_forget_gate,
            cell_clip_threshold=cell_clip_threshold,
            reverse_input=reverse_input,
        )

    def add_bidirlstm(
        self,
        name: str,
        W_h: Sequence[ArrayLike],
        W_x: Sequence[ArrayLike],
        b: Sequence[ArrayLike] | None,
        W_h_back: Sequence[ArrayLike],
        W_x_back: Sequence[ArrayLike],
        b_back: Sequence[ArrayLike] | None,
        hidden_size: int,
        input_size: int,
        input_names: Sequence[str] | str,
        output_names: Sequence[str] | str,
        inner_activation: str | Choice = "SIGMOID",
        cell_state_update_activation: str | Choice = "TANH",
        output_activation: str | Choice = "TANH",
        peep: Sequence[ArrayLike] | None = None,
        peep_back: Sequence[ArrayLike] | None = None,
        output_all: bool = False,
        forget_bias: bool = False,
        coupled_input_forget_gate: bool = False,
        cell_clip_threshold: float = 50000.0,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `biDirectionalLSTM` (specification 1).

        Two LSTMs, one from each end of the sequence, their outputs side by side along the channels.

        Args:
            name: Name of the layer, unique in the network.
            W_h: Weights of the state [hidden_size, hidden_size] of each gate of the forward direction in the order
                input (i), forget (f), output (o), block input (z).
            W_x: Weights of x [hidden_size, input_size] of each gate of the forward direction in the order input
                (i), forget (f), output (o), block input (z).
            b: Bias [hidden_size] of each gate of the forward direction in the order input (i), forget (f), output
                (o), block input (z).
            W_h_back: Weights of the state [hidden_size, hidden_size] of each gate of the backward direction in the
                order input (i), forget (f), output (o), block input (z).
            W_x_back: Weights of x [hidden_size, input_size] of each gate of the backward direction in the order
                input (i), forget (f), output (o), block input (z).
            b_back: Bias [hidden_size] of each gate of the backward direction in the order input (i), forget (f),
                output (o), block input (z).
            hidden_size: Size of the state and of the output.
            input_size: Size of an element of the sequence.
            input_names: Blobs that the layer reads, in order.
            output_names: Blobs that the layer writes, in order.
            inner_activation: Activation of the gates: "SIGMOID", "TANH", "RELU", "LINEAR", "SIGMOID_HARD" or
                "SCALED_TANH", or a `Choice` with other parameters.
            cell_state_update_activation: Activation of the block input, like inner_activation.
            output_activation: Activation of the cell before the output gate, like inner_activation.
            peep: Peephole weights [hidden_size] of the gates i, f and o.
            peep_back: Peephole weights of the backward direction, like peep.
            output_all: Return the output of every step instead of the last one only.
            forget_bias: Add 1 to the bias of the forget gate.
            coupled_input_forget_gate: Use 1 - i as the forget gate.
            cell_clip_threshold: Largest absolute value that enters an activation; 0 means 50.
        """
        return self._add_layer(
            "add_bidirlstm",
            "biDirectionalLSTM",
            name,
            input_names,
            output_names,
            cells.bidirlstm,
            W_h=W_h,
            W_x=W_x,
            b=b,
            W_h_back=W_h_back,
            W_x_back=W_x_back,
            b_back=b_back,
            hidden_size=hidden_size,
            input_size=input_size,
            inner_activation=inner_activation,
            cell_state_update_activation=cell_state_update_activation,
            output_activation=output_activation,
            peep=peep,
            peep_back=peep_back,
            output_all=output_all,
            forget_bias=forget_bias,
            coupled_input_forget_gate=coupled_input_forget_gate,
            cell_clip_threshold=cell_clip_threshold,
        )

    def add_flatten(self, name: str, mode: int, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `flatten` (specification 1).

        Channels, height and width as one axis of channels; CHANNEL_LAST reads with the channel varying fastest.

        Args:
            name: Name of the layer, unique in the network.
            mode: 0: channels first, 1: channels last.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_flatten", "flatten", name, input_name, output_name, irregular.flatten, mode=mode)

    def add_flatten_to_2d(self, name: str, input_name: str, output_name: str, axis: int = 1) -> NeuralNetworkLayer:
        """Append a layer of kind `flattenTo2D` (specification 4).

        A matrix: the axes before `axis` are its rows, the others its columns.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axis: First axis that is merged into the columns.
        """
        return self._add_layer("add_flatten_to_2d", "flattenTo2D", name, input_name, output_name, axis=axis)

    def add_permute(self, name: str, dim: Sequence[int], input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `permute` (specification 1).

        Sequence, channels, height and width in another order; the batch axis stays.

        Args:
            name: Name of the layer, unique in the network.
            dim: New order of the axes 0 sequence, 1 channels, 2 height, 3 width (field `axis`).
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer("add_permute", "permute", name, input_name, output_name, axis=dim)

    def add_transpose(
        self,
        name: str,
        axes: Sequence[int],
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `transpose` (specification 4).

        The axes in another order: axis i of the result is axis axes[i] of x.

        Args:
            name: Name of the layer, unique in the network.
            axes: Axis of x that becomes axis i, for each i.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer(
            "add_transpose",
            "transpose",
            name,
            input_name,
            output_name,
            irregular.transpose,
            axes=axes,
        )

    def add_reshape(
        self,
        name: str,
        input_name: str,
        output_name: str,
        target_shape: Sequence[int],
        mode: int,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reshape` (specification 1).

        The elements of each sample, in order, in a new shape [C, H, W] or [Seq, C, H, W].

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            target_shape: New shape [C, H, W] or [sequence, C, H, W].
            mode: 0: channels first, any other number: channels last.
        """
        return self._add_layer(
            "add_reshape",
            "reshape",
            name,
            input_name,
            output_name,
            irregular.reshape,
            target_shape=target_shape,
            mode=mode,
        )

    def add_reshape_static(
        self,
        name: str,
        input_name: str,
        output_name: str,
        output_shape: Sequence[int],
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reshapeStatic` (specification 4).

        x in a fixed shape, where one -1 takes the remaining elements.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            output_shape: New shape; one -1 takes the remaining elements (field `target_shape`).
        """
        return self._add_layer(
            "add_reshape_static",
            "reshapeStatic",
            name,
            input_name,
            output_name,
            target_shape=output_shape,
        )

    def add_rank_preserving_reshape(
        self,
        name: str,
        input_name: str,
        output_name: str,
        output_shape: Sequence[int],
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `rankPreservingReshape` (specification 4).

        x in another shape of the same rank, where a 0 keeps an axis as it is and one -1 takes the remaining elements.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            output_shape: New shape; 0 keeps the size of an axis, one -1 takes the remaining elements (field
                `target_shape`).
        """
        return self._add_layer(
            "add_rank_preserving_reshape",
            "rankPreservingReshape",
            name,
            input_name,
            output_name,
            target_shape=output_shape,
        )

    def add_expand_dims(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int],
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `expandDims` (specification 4).

        x with additional axes of length 1.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axes: Positions of the new axes in the result; may be negative.
        """
        return self._add_layer("add_expand_dims", "expandDims", name, input_name, output_name, axes=axes)

    def add_squeeze(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        squeeze_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `squeeze` (specification 4).

        x without the named axes, or with `squeeze_all` without any of length 1.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axes: Axes of length 1 to remove; may be negative. Unused with squeeze_all.
            squeeze_all: Remove every axis of length 1.
        """
        return self._add_layer(
            "add_squeeze",
            "squeeze",
            name,
            input_name,
            output_name,
            axes=axes,
            squeeze_all=squeeze_all,
        )

    def add_reorganize_data(
        self,
        name: str,
        input_name: str,
        output_name: str,
        mode: str = "SPACE_TO_DEPTH",
        block_size: int = 2,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reorganizeData` (specification 1).

        Square blocks of pixels become channels, or channels become blocks of pixels.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            mode: "SPACE_TO_DEPTH", "DEPTH_TO_SPACE" or "PIXEL_SHUFFLE".
            block_size: Side of a block, at least 2.
        """
        return self._add_layer(
            "add_reorganize_data",
            "reorganizeData",
            name,
            input_name,
            output_name,
            mode=mode,
            block_size=block_size,
        )

    def add_reverse(
        self,
        name: str,
        input_name: str,
        output_name: str,
        reverse_dim: Sequence[bool] | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reverse` (specification 4).

        Reverse every axis that `reverse_dim` marks.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            reverse_dim: Whether to reverse, for each axis of x. Default: a single True.
        """
        return self._add_layer(
            "add_reverse",
            "reverse",
            name,
            input_name,
            output_name,
            irregular.reverse,
            reverse_dim=reverse_dim,
        )

    def add_reverse_sequence(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        batch_axis: int = 0,
        seq_axis: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reverseSeq` (specification 4).

        Reverse the first `lengths[b]` elements of each sequence b; the rest stays in place.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            batch_axis: Axis of the batch; comes before seq_axis.
            seq_axis: Axis of the sequence (field `sequence_axis`).
        """
        return self._add_layer(
            "add_reverse_sequence",
            "reverseSeq",
            name,
            input_names,
            output_name,
            batch_axis=batch_axis,
            sequence_axis=seq_axis,
        )

    def add_sequence_repeat(self, name: str, nrep: int, input_name: str, output_name: str) -> NeuralNetworkLayer:
        """Append a layer of kind `sequenceRepeat` (specification 1).

        The whole sequence repeated along its axis, -5.

        Args:
            name: Name of the layer, unique in the network.
            nrep: Number of repetitions (field `n_repetitions`).
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
        """
        return self._add_layer(
            "add_sequence_repeat",
            "sequenceRepeat",
            name,
            input_name,
            output_name,
            n_repetitions=nrep,
        )

    def add_tile(
        self,
        name: str,
        input_name: Sequence[str] | str,
        output_name: str,
        reps: Sequence[int] = (),
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `tile` (specification 4).

        x repeated as a whole along its axes.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            reps: Number of repetitions for each axis; one input only.
        """
        return self._add_layer("add_tile", "tile", name, input_name, output_name, irregular.tile, reps=reps)

    def add_stack(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        axis: int = 0,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `stack` (specification 4).

        Stack all inputs along a new axis.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            axis: Position of the new axis in the result; may be negative.
        """
        return self._add_layer("add_stack", "stack", name, input_names, output_name, axis=axis)

    def add_concat_nd(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        axis: int,
        interleave: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `concatND` (specification 4).

        Concatenate all inputs along an axis; with `interleave`, first all their first elements, then the second ones
        ...

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            axis: Axis; a negative one counts from the end.
            interleave: Alternate between the inputs, which must then have equal shapes.
        """
        return self._add_layer(
            "add_concat_nd",
            "concatND",
            name,
            input_names,
            output_name,
            axis=axis,
            interleave=interleave,
        )

    def add_split(self, name: str, input_name: str, output_names: Sequence[str] | str) -> NeuralNetworkLayer:
        """Append a layer of kind `split` (specification 1).

        The channels in `n_outputs` equal parts.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_names: Blobs that the layer writes, in order.
        """
        return self._add_layer("add_split", "split", name, input_name, output_names, irregular.split)

    def add_split_nd(
        self,
        name: str,
        input_name: str,
        output_names: Sequence[str] | str,
        axis: int,
        num_splits: int = 2,
        split_sizes: Sequence[int] | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `splitND` (specification 4).

        Consecutive parts of one axis: of the given sizes or, without them, `num_splits` parts as equal as possible.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_names: Blobs that the layer writes, in order.
            axis: Axis; a negative one counts from the end.
            num_splits: Number of parts; unused with split_sizes.
            split_sizes: Size of each part. Default: num_splits parts.
        """
        return self._add_layer(
            "add_split_nd",
            "splitND",
            name,
            input_name,
            output_names,
            irregular.split_nd,
            axis=axis,
            num_splits=num_splits,
            split_sizes=split_sizes,
        )

    def add_constant_pad(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        value: float = 0.0,
        pad_to_given_output_size_mode: bool = False,
        pad_amounts: Sequence[int] = (),
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `constantPad` (specification 4).

        x padded with a constant before and after each axis.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            value: Value of the padding.
            pad_to_given_output_size_mode: The amounts are the sizes of the result; one number of each pair is then
                0.
            pad_amounts: Elements before and after each axis: 2 numbers for each axis; one input only.
        """
        return self._add_layer(
            "add_constant_pad",
            "constantPad",
            name,
            input_names,
            output_name,
            value=value,
            pad_to_given_output_size_mode=pad_to_given_output_size_mode,
            pad_amounts=pad_amounts,
        )

    def add_slice(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axis: str,
        start_index: int = 0,
        end_index: int = -1,
        stride: int = 1,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `slice` (specification 1).

        Every `stride`-th position of [start, end) along channels, height or width.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axis: "channel", "height" or "width".
            start_index: First position; a negative one counts from the end.
            end_index: Position after the last one; a negative one counts from the end.
            stride: Distance between two positions, at least 1.
        """
        return self._add_layer(
            "add_slice",
            "slice",
            name,
            input_name,
            output_name,
            irregular.slice_axis,
            axis=axis,
            start_index=start_index,
            end_index=end_index,
            stride=stride,
        )

    def add_slice_by_size(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        axis: int,
        size: int,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `sliceBySize` (specification 5).

        `size` consecutive elements of one axis from `begin` on, which may depend on data.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            axis: Axis; a negative one counts from the end.
            size: Number of elements along the axis.
        """
        return self._add_layer("add_slice_by_size", "sliceBySize", name, input_names, output_name, axis=axis, size=size)

    def add_slice_static(
        self,
        name: str,
        input_name: str,
        output_name: str,
        begin_ids: Sequence[int],
        end_ids: Sequence[int],
        strides: Sequence[int],
        begin_masks: Sequence[bool],
        end_masks: Sequence[bool],
        squeeze_masks: Sequence[bool] | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `sliceStatic` (specification 4).

        Python's x[begin:end:stride] on every axis.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            begin_ids: First position for each axis.
            end_ids: Position after the last one, for each axis.
            strides: Distance between two positions for each axis; not 0.
            begin_masks: Whether to begin at the start of the axis, for each axis.
            end_masks: Whether to continue to the end of the axis, for each axis.
            squeeze_masks: Whether to take one position and remove the axis, for each axis.
        """
        return self._add_layer(
            "add_slice_static",
            "sliceStatic",
            name,
            input_name,
            output_name,
            irregular.slice_static,
            begin_ids=begin_ids,
            end_ids=end_ids,
            strides=strides,
            begin_masks=begin_masks,
            end_masks=end_masks,
            squeeze_masks=squeeze_masks,
        )

    def add_slice_dynamic(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        end_ids: Sequence[int] | None = None,
        strides: Sequence[int] | None = None,
        begin_masks: Sequence[bool] | None = None,
        end_masks: Sequence[bool] | None = None,
        squeeze_masks: Sequence[bool] | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `sliceDynamic` (specification 4).

        `sliceStatic` with its lists as inputs: begin, then end, strides, begin, end and squeeze masks.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            end_ids: Position after the last one, for each axis.
            strides: Distance between two positions for each axis; not 0.
            begin_masks: Whether to begin at the start of the axis, for each axis.
            end_masks: Whether to continue to the end of the axis, for each axis.
            squeeze_masks: Whether to take one position and remove the axis, for each axis.
        """
        return self._add_layer(
            "add_slice_dynamic",
            "sliceDynamic",
            name,
            input_names,
            output_name,
            irregular.slice_dynamic,
            end_ids=end_ids,
            strides=strides,
            begin_masks=begin_masks,
            end_masks=end_masks,
            squeeze_masks=squeeze_masks,
        )

    def add_sliding_windows(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axis: int,
        window_size: int,
        step: int = 1,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `slidingWindows` (specification 4).

        Every `step`-th window of consecutive elements of one axis.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axis: Axis; a negative one counts from the end.
            window_size: Length of a window, in elements.
            step: Distance between the starts of two windows, in elements.
        """
        return self._add_layer(
            "add_sliding_windows",
            "slidingWindows",
            name,
            input_name,
            output_name,
            axis=axis,
            window_size=window_size,
            step=step,
        )

    def add_gather(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        axis: int = 0,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `gather` (specification 4).

        The slices of x at the given positions of one axis.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            axis: Axis; a negative one counts from the end.
        """
        return self._add_layer("add_gather", "gather", name, input_names, output_name, axis=axis)

    def add_gather_along_axis(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        axis: int = 0,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `gatherAlongAxis` (specification 4).

        One element of x for each index, from the given position on the axis and the index's own position on all others.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            axis: Axis; a negative one counts from the end.
        """
        return self._add_layer("add_gather_along_axis", "gatherAlongAxis", name, input_names, output_name, axis=axis)

    def add_scatter(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        axis: int = 0,
        mode: str = "UPDATE",
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `scatter` (specification 4).

        x with slices of one axis replaced, increased, multiplied ... by the updates.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            axis: Axis; a negative one counts from the end.
            mode: "UPDATE", "ADD", "SUB", "MUL", "DIV", "MAX" or "MIN": how an update changes the element.
        """
        return self._add_layer(
            "add_scatter",
            "scatter",
            name,
            input_names,
            output_name,
            irregular.scatter,
            axis=axis,
            mode=mode,
        )

    def add_scatter_along_axis(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        axis: int = 0,
        mode: str = "UPDATE",
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `scatterAlongAxis` (specification 4).

        x with the elements that `gatherAlongAxis` would read replaced, increased, multiplied ... by the updates.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            axis: Axis; a negative one counts from the end.
            mode: "UPDATE", "ADD", "SUB", "MUL", "DIV", "MAX" or "MIN": how an update changes the element.
        """
        return self._add_layer(
            "add_scatter_along_axis",
            "scatterAlongAxis",
            name,
            input_names,
            output_name,
            irregular.scatter,
            axis=axis,
            mode=mode,
        )

    def add_scatter_nd(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        mode: str = "UPDATE",
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `scatterND` (specification 4).

        x with elements or slices at positions of several coordinates replaced, increased ... by the updates.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            mode: "UPDATE", "ADD", "SUB", "MUL", "DIV", "MAX" or "MIN": how an update changes the element.
        """
        return self._add_layer(
            "add_scatter_nd",
            "scatterND",
            name,
            input_names,
            output_name,
            irregular.scatter_nd,
            mode=mode,
        )

    def add_matrix_band_part(
        self,
        name: str,
        input_name: str,
        output_name: str,
        num_lower: int = -1,
        num_upper: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `matrixBandPart` (specification 4).

        The band of each innermost matrix: `num_lower` diagonals below the main one, `num_upper` above; the rest is 0.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            num_lower: Diagonals that are kept below the main one; negative: all.
            num_upper: Diagonals that are kept above the main one; negative: all.
        """
        return self._add_layer(
            "add_matrix_band_part",
            "matrixBandPart",
            name,
            input_name,
            output_name,
            num_lower=num_lower,
            num_upper=num_upper,
        )

    def add_lower_triangular(self, name: str, input_name: str, output_name: str, k: int = 0) -> NeuralNetworkLayer:
        """Append a layer of kind `lowerTriangular` (specification 4).

        Each innermost matrix up to its k-th diagonal (above the main one where k > 0); what is above it is 0.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            k: Diagonal: 0 is the main one, positive ones are above it.
        """
        return self._add_layer("add_lower_triangular", "lowerTriangular", name, input_name, output_name, k=k)

    def add_upper_triangular(self, name: str, input_name: str, output_name: str, k: int = 0) -> NeuralNetworkLayer:
        """Append a layer of kind `upperTriangular` (specification 4).

        Each innermost matrix from its k-th diagonal (above the main one where k > 0); what is below it is 0.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            k: Diagonal: 0 is the main one, positive ones are above it.
        """
        return self._add_layer("add_upper_triangular", "upperTriangular", name, input_name, output_name, k=k)

    def add_fill_like(self, name: str, input_name: str, output_name: str, value: float = 0.0) -> NeuralNetworkLayer:
        """Append a layer of kind `fillLike` (specification 4).

        One value in the shape of x.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            value: The value.
        """
        return self._add_layer("add_fill_like", "fillLike", name, input_name, output_name, value=value)

    def add_fill_static(
        self,
        name: str,
        output_name: str,
        output_shape: Sequence[int],
        value: float = 0.0,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `fillStatic` (specification 4).

        One value in a fixed shape.

        Args:
            name: Name of the layer, unique in the network.
            output_name: Blob that the layer writes.
            output_shape: Shape of the result (field `target_shape`).
            value: The value.
        """
        return self._add_layer(
            "add_fill_static",
            "fillStatic",
            name,
            None,
            output_name,
            target_shape=output_shape,
            value=value,
        )

    def add_fill_dynamic(
        self,
        name: str,
        input_name: str,
        output_name: str,
        value: float = 0.0,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `fillDynamic` (specification 4).

        One value in the shape that the input holds, known when the network is traced.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            value: The value.
        """
        return self._add_layer("add_fill_dynamic", "fillDynamic", name, input_name, output_name, value=value)

    def add_broadcast_to_static(
        self,
        name: str,
        input_name: str,
        output_name: str,
        output_shape: Sequence[int],
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `broadcastToStatic` (specification 4).

        x broadcast to a fixed shape, aligned at the ends, as in NumPy.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            output_shape: Shape of the result (field `target_shape`).
        """
        return self._add_layer(
            "add_broadcast_to_static",
            "broadcastToStatic",
            name,
            input_name,
            output_name,
            target_shape=output_shape,
        )

    def add_range_static(
        self,
        name: str,
        output_name: str,
        input_names: Sequence[str] | str | None = None,
        end: float = 1,
        start: float = 0,
        step: float = 1,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `rangeStatic` (specification 4).

        Evenly spaced numbers from the start up to the end, which is excluded.

        Args:
            name: Name of the layer, unique in the network.
            output_name: Blob that the layer writes.
            input_names: Blobs that the layer reads, in order.
            end: End of the range, which is not part of it; without inputs only (field `end_value`).
            start: First number; unless it is an input (field `start_value`).
            step: Difference between two numbers (field `step_size_value`).
        """
        return self._add_layer(
            "add_range_static",
            "rangeStatic",
            name,
            input_names,
            output_name,
            end_value=end,
            start_value=start,
            step_size_value=step,
        )

    def add_range_dynamic(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        start: float = 0,
        step: float = 1,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `rangeDynamic` (specification 4).

        `rangeStatic` with the end and, when given, start and step as inputs, known when the network is traced.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            start: First number; unless it is an input (field `start_value`).
            step: Difference between two numbers (field `step_size_value`).
        """
        return self._add_layer(
            "add_range_dynamic",
            "rangeDynamic",
            name,
            input_names,
            output_name,
            start_value=start,
            step_size_value=step,
        )

    def add_one_hot(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        one_hot_vector_size: int | None = None,
        axis: int = -1,
        on_value: float = 1.0,
        off_value: float = 0.0,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `oneHot` (specification 5).

        `on_value` at the index given by x along a new axis, `off_value` elsewhere, and everywhere for an index outside

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            one_hot_vector_size: Length of the new axis; one input only.
            axis: Position of the new axis in the result; may be negative.
            on_value: Value at the index.
            off_value: Value everywhere else.
        """
        return self._add_layer(
            "add_one_hot",
            "oneHot",
            name,
            input_names,
            output_name,
            one_hot_vector_size=one_hot_vector_size,
            axis=axis,
            on_value=on_value,
            off_value=off_value,
        )

    def add_categorical_distribution(
        self,
        name: str,
        input_name: str,
        output_name: str,
        num_samples: int,
        is_logits: bool = True,
        eps: float = 1e-10,
        temperature: float = 1.0,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `categoricalDistribution` (specification 4).

        Categories drawn along the last axis of x, as integers from 0.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            num_samples: Number of draws, at least 1.
            is_logits: Whether x holds logarithms of probabilities instead of probabilities.
            eps: Added to keep the logarithm finite.
            temperature: Divisor of the logarithms; above 1 it flattens the distribution.
            seed: Seed that gives the same numbers each time; -1: different ones.
        """
        return self._add_layer(
            "add_categorical_distribution",
            "categoricalDistribution",
            name,
            input_name,
            output_name,
            num_samples=num_samples,
            is_logits=is_logits,
            eps=eps,
            temperature=temperature,
            seed=seed,
        )

    def add_reduce(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axis: str,
        mode: str,
        epsilon: float = 1e-06,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `reduce` (specification 1).

        One of ten reductions over channels, height, width, or several of them; the axes stay, with size 1.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axis: "CHW", "HW", "C", "H" or "W".
            mode: "SUM", "AVG", "PROD", "LOGSUM", "SUMSQUARE", "L1", "L2", "MAX", "MIN" or "ARGMAX".
            epsilon: Number that is added to x before the logarithm, for LOGSUM.
        """
        return self._add_layer(
            "add_reduce",
            "reduce",
            name,
            input_name,
            output_name,
            axis=axis,
            mode=mode,
            epsilon=epsilon,
        )

    def add_argmax(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axis: int,
        keepdims: bool = True,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `argMax` (specification 4).

        The position of the maximum along an axis, as a float; the first of equal ones.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axis: Axis; a negative one counts from the end.
            keepdims: Keep the reduced axes, with length 1.
        """
        return self._add_layer(
            "add_argmax",
            "argMax",
            name,
            input_name,
            output_name,
            irregular.position,
            axis=axis,
            keepdims=keepdims,
        )

    def add_argmin(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axis: int,
        keepdims: bool = True,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `argMin` (specification 4).

        The position of the minimum along an axis, as a float; the first of equal ones.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axis: Axis; a negative one counts from the end.
            keepdims: Keep the reduced axes, with length 1.
        """
        return self._add_layer(
            "add_argmin",
            "argMin",
            name,
            input_name,
            output_name,
            irregular.position,
            axis=axis,
            keepdims=keepdims,
        )

    def add_argsort(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axis: int = 0,
        descending: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `argSort` (specification 5).

        The positions, as floats, that sort the elements along an axis; equal elements keep their order.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            output_name: Blob that the layer writes.
            axis: Axis; a negative one counts from the end.
            descending: Largest number first.
        """
        return self._add_layer(
            "add_argsort",
            "argSort",
            name,
            input_name,
            output_name,
            axis=axis,
            descending=descending,
        )

    def add_topk(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_names: Sequence[str] | str,
        k: int = 0,
        axis: int = 0,
        use_bottom_k: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `topK` (specification 4).

        The K largest numbers along an axis in descending order, or the K smallest ascending, and their positions.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_names: Blobs that the layer writes, in order.
            k: How many numbers to return; one input only.
            axis: Axis; a negative one counts from the end.
            use_bottom_k: Return the smallest numbers instead of the largest.
        """
        return self._add_layer(
            "add_topk",
            "topK",
            name,
            input_names,
            output_names,
            k=k,
            axis=axis,
            use_bottom_k=use_bottom_k,
        )

    def add_cumsum(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        axis: int = -1,
        reverse: bool = False,
        exclusive: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `cumSum` (specification 5).

        The cumulative sum along an axis, from its start or, with `reverse`, from its end.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_name: Blob that the layer writes.
            axis: Axis; a negative one counts from the end.
            reverse: Sum from the end of the axis.
            exclusive: Sum only the elements before each element (field `exclude_final_sum`).
        """
        return self._add_layer(
            "add_cumsum",
            "cumSum",
            name,
            input_names,
            output_name,
            axis=axis,
            reverse=reverse,
            exclude_final_sum=exclusive,
        )

    def add_nms(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_names: Sequence[str] | str,
        iou_threshold: float = 0.5,
        score_threshold: float = 0.0,
        max_boxes: int = 1,
        per_class_suppression: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `NonMaximumSuppression` (specification 4).

        The boxes that survive non-maximum suppression, best first, padded to a fixed number.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_names: Blobs that the layer writes, in order.
            iou_threshold: Overlap (intersection over union, 0 to 1) above which a box is suppressed.
            score_threshold: Score below which a box is ignored.
            max_boxes: Largest number of boxes to keep.
            per_class_suppression: Let a box suppress only boxes of the same class.
        """
        return self._add_layer(
            "add_nms",
            "NonMaximumSuppression",
            name,
            input_names,
            output_names,
            iou_threshold=iou_threshold,
            score_threshold=score_threshold,
            max_boxes=max_boxes,
            per_class_suppression=per_class_suppression,
        )

    def add_branch(
        self,
        name: str,
        input_name: str,
        if_branch: Message | Core | None = None,
        else_branch: Message | Core | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `branch` (specification 4).

        Run one of two networks: the first when the predicate is further from zero than 1e-6, else the second, if any.

        Args:
            name: Name of the layer, unique in the network.
            input_name: Blob that the layer reads.
            if_branch: Builder or message of the network to run if the input is not 0; may be filled in later.
            else_branch: Builder or message of the network to run if the input is 0.
        """
        return self._add_layer(
            "add_branch",
            "branch",
            name,
            input_name,
            None,
            if_branch=if_branch,
            else_branch=else_branch,
        )

    def add_loop(
        self,
        name: str,
        body_network: Message | Core | None = None,
        input_name: str | None = None,
        condition: str | None = None,
        condition_network: Message | Core | None = None,
        max_iterations: int | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `loop` (specification 4).

        Run a network repeatedly.

        Args:
            name: Name of the layer, unique in the network.
            body_network: Builder or message of the network to repeat; may be filled in later.
            input_name: Blob with the number of iterations. Default: max_iterations.
            condition: Blob of condition_network that says whether to continue.
            condition_network: Builder or message of the network that runs before each iteration.
            max_iterations: Largest number of iterations. Default: no limit.
        """
        return self._add_layer(
            "add_loop",
            "loop",
            name,
            input_name,
            None,
            irregular.loop,
            body_network=body_network,
            condition=condition,
            condition_network=condition_network,
            max_iterations=max_iterations,
        )

    def add_custom(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_names: Sequence[str] | str,
        custom_proto_spec: Message | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer of kind `custom` (specification 2).

        The result of the function of the layer's class.

        Args:
            name: Name of the layer, unique in the network.
            input_names: Blobs that the layer reads, in order.
            output_names: Blobs that the layer writes, in order.
            custom_proto_spec: The layer's parameters: a CustomLayerParams message, of this package or another.
        """
        return self._add_layer(
            "add_custom",
            "custom",
            name,
            input_names,
            output_names,
            irregular.custom,
            custom_proto_spec=custom_proto_spec,
        )
