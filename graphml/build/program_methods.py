"""The methods of the program builder, one for each operation.

Generated from the table of operations and the operators. To change a method, change these and run `python generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from graphml.build.program_core import Argument, ProgramCore, Value


class ProgramMethods(ProgramCore):
    """`<operation>(...)` for every operation: each appends it to the block under construction and returns its results.

    Raises:
        SpecError: If the operator set has no such operation, or a parameter is missing or not constant.
        GraphError: If the operation does not take these values.
        ShapeError: If their shapes do not fit. All errors name the operation.
    """

    def abs(self, x: Argument, *, name: str | None = None) -> Value:
        """The absolute value.

        The operation `abs` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("abs", name, {"x": x})

    def acos(self, x: Argument, *, name: str | None = None) -> Value:
        """The inverse of the cosine, from 0 to pi; NaN beyond -1 and 1.

        The operation `acos` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("acos", name, {"x": x})

    def add(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """x + y, elementwise.

        The operation `add` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("add", name, {"x": x, "y": y})

    def affine(
        self,
        x: Argument,
        transform_matrix: Argument,
        output_height: int,
        output_width: int,
        sampling_mode: str,
        padding_mode: str,
        padding_value: float,
        coordinates_mode: str,
        align_corners: bool,
        *,
        name: str | None = None,
    ) -> Value:
        """An image under an affine map: the pixel at (w, h) comes from (a0 w + a1 h + a2, b0 w + b1 h + b2).

        The operation `affine` (since iOS 15).

        Args:
            x: [batch, channels, height, width].
            transform_matrix: [a0, a1, a2, b0, b1, b2] for each image, [batch, 6], or for all of them, [1, 6].
            output_height: the height of the result.
            output_width: the width of the result.
            sampling_mode: see `resample`.
            padding_mode: see `resample`.
            padding_value: see `resample`.
            coordinates_mode: the unit along both images, see `resample`. A single row or column of the result is in the
                middle.
            align_corners: see `resample`; of both images.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "affine",
            name,
            {
                "x": x,
                "transform_matrix": transform_matrix,
                "output_height": output_height,
                "output_width": output_width,
                "sampling_mode": sampling_mode,
                "padding_mode": padding_mode,
                "padding_value": padding_value,
                "coordinates_mode": coordinates_mode,
                "align_corners": align_corners,
            },
        )

    def argsort(
        self,
        x: Argument,
        *,
        axis: int | None = None,
        ascending: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The positions that sort the elements along an axis; equal elements keep their order.

        The operation `argsort` (since iOS 15).

        Args:
            x: any rank >= 1.
            axis: may count from the end.
            ascending: whether the smallest comes first; otherwise the largest.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("argsort", name, {"x": x, "axis": axis, "ascending": ascending})

    def asin(self, x: Argument, *, name: str | None = None) -> Value:
        """The inverse of the sine, from -pi/2 to pi/2; NaN beyond -1 and 1.

        The operation `asin` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("asin", name, {"x": x})

    def atan(self, x: Argument, *, name: str | None = None) -> Value:
        """The inverse of the tangent, from -pi/2 to pi/2.

        The operation `atan` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("atan", name, {"x": x})

    def atanh(self, x: Argument, *, name: str | None = None) -> Value:
        """The inverse of the hyperbolic tangent; infinite at -1 and 1, NaN beyond.

        The operation `atanh` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("atanh", name, {"x": x})

    def avg_pool(
        self,
        x: Argument,
        kernel_sizes: Sequence[int],
        pad_type: str,
        *,
        exclude_padding_from_average: bool | None = None,
        strides: Sequence[int] | None = None,
        pad: Sequence[int] | None = None,
        ceil_mode: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The mean of each window.

        The operation `avg_pool` (since iOS 15).

        Args:
            x: as in `max_pool`.
            kernel_sizes: as in `max_pool`.
            pad_type: as in `max_pool`.
            exclude_padding_from_average: whether a mean divides by the elements of x in the window alone. Otherwise the
                zeros of the padding count too, but not what ceil_mode adds to it, as in PyTorch, which the format
                refers to.
            strides: as in `max_pool`.
            pad: as in `max_pool`.
            ceil_mode: as in `max_pool`.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "avg_pool",
            name,
            {
                "x": x,
                "kernel_sizes": kernel_sizes,
                "pad_type": pad_type,
                "exclude_padding_from_average": exclude_padding_from_average,
                "strides": strides,
                "pad": pad,
                "ceil_mode": ceil_mode,
            },
        )

    def band_part(
        self,
        x: Argument,
        *,
        lower: int | None = None,
        upper: int | None = None,
        name: str | None = None,
    ) -> Value:
        """The band of each innermost matrix: `lower` diagonals below the main one, `upper` above; the rest is 0.

        The operation `band_part` (since iOS 15).

        Args:
            x: [..., rows, columns].
            lower: a negative number keeps all diagonals on its side.
            upper: as `lower`.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("band_part", name, {"x": x, "lower": lower, "upper": upper})

    def batch_norm(
        self,
        x: Argument,
        mean: Argument,
        variance: Argument,
        gamma: Argument | None = None,
        beta: Argument | None = None,
        *,
        epsilon: float | None = None,
        name: str | None = None,
    ) -> Value:
        """Batch normalization: gamma * (x - mean) / sqrt(variance + epsilon) + beta, for each channel.

        The operation `batch_norm` (since iOS 15).

        Args:
            x: [N, C, *space], with one to three axes of space.
            mean: [C]; `prepare` has folded it into gamma and beta.
            variance: [C], as mean.
            gamma: [C]; 1 when absent.
            beta: [C]; 0 when absent.
            epsilon: added to the variance.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "batch_norm",
            name,
            {
                "x": x,
                "mean": mean,
                "variance": variance,
                "gamma": gamma,
                "beta": beta,
                "epsilon": epsilon,
            },
        )

    def batch_to_space(
        self,
        x: Argument,
        block_shape: Sequence[int],
        crops: ArrayLike,
        *,
        name: str | None = None,
    ) -> Value:
        """The inverse of `space_to_batch`: images become the pixels of blocks, and borders are cropped.

        The operation `batch_to_space` (since iOS 15).

        Args:
            x: [N, C, H, W].
            block_shape: height a and width b of a block.
            crops: int32 [2, 2], what is cut off before and after height and width.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("batch_to_space", name, {"x": x, "block_shape": block_shape, "crops": crops})

    def cast(self, x: Argument, dtype: str, *, name: str | None = None) -> Value:
        """The elements of x in another type.

        The operation `cast` (since iOS 15).

        Args:
            x: any shape.
            dtype: bool, fp16, fp32, int32, and from iOS 17 on int16, int8, uint16 and uint8. Any value but 0 is true.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("cast", name, {"x": x, "dtype": dtype})

    def ceil(self, x: Argument, *, name: str | None = None) -> Value:
        """The smallest integer that is not below x.

        The operation `ceil` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("ceil", name, {"x": x})

    def clamped_relu(self, x: Argument, alpha: float, beta: float, *, name: str | None = None) -> Value:
        """min(beta, x) where x >= 0, min(beta, alpha * x) below.

        The operation `clamped_relu` (since iOS 15).

        Args:
            x: any shape.
            alpha: slope below 0.
            beta: the largest result.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("clamped_relu", name, {"x": x, "alpha": alpha, "beta": beta})

    def clip(self, x: Argument, alpha: float, beta: float, *, name: str | None = None) -> Value:
        """min(max(x, alpha), beta).

        The operation `clip` (since iOS 15).

        Args:
            x: any shape.
            alpha: the smallest result, unless beta is smaller.
            beta: the largest result.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("clip", name, {"x": x, "alpha": alpha, "beta": beta})

    def concat(
        self,
        values: Sequence[Argument],
        axis: int,
        *,
        interleave: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """Concatenate along an axis; with `interleave`, first all their first elements, then the second ones ...

        The operation `concat` (since iOS 15).

        Args:
            values: arrays of equal shape, except on the axis unless `interleave` is set. Scalars count as vectors of
                one element.
            axis: may count from the end.
            interleave: see above.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("concat", name, {"values": values, "axis": axis, "interleave": interleave})

    def conv(
        self,
        x: Argument,
        weight: Argument,
        bias: Argument | None = None,
        *,
        strides: Sequence[int] | None = None,
        pad_type: str | None = None,
        pad: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        groups: int | None = None,
        name: str | None = None,
    ) -> Value:
        """Each element of the result is the sum of products of a kernel with the window of x around it.

        The operation `conv` (since iOS 15).

        Args:
            x: [N, C, *space], with one to three axes of space.
            weight: [out, C / groups, *kernel], turned into a `Kernel` by `prepare`.
            bias: [out].
            strides: elements from one window to the next, for each axis of space; 1 when absent.
            pad_type: `valid` (no zeros), `same` (ceil(size / stride) windows, with zeros on both sides, an extra one at
                the end), `same_lower` (an extra one at the start; iOS 16) or `custom` (zeros as `pad` says).
            pad: zeros before and after each axis; used by `custom` alone.
            dilations: spread the kernel.
            groups: parts of the channels that are convolved separately.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "conv",
            name,
            {
                "x": x,
                "weight": weight,
                "bias": bias,
                "strides": strides,
                "pad_type": pad_type,
                "pad": pad,
                "dilations": dilations,
                "groups": groups,
            },
        )

    def conv_quantized(
        self,
        x: Argument,
        weight: Argument,
        quantization_type: str,
        quant_scale: ArrayLike,
        quant_bias: ArrayLike,
        bias: Argument | None = None,
        *,
        nbits: int | None = None,
        strides: Sequence[int] | None = None,
        pad_type: str | None = None,
        pad: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        groups: int | None = None,
        name: str | None = None,
    ) -> Value:
        """`conv` with a weight of codes: weight * quant_scale + quant_bias.

        The operation `conv_quantized` (since iOS 15).

        Args:
            x: as in `conv`.
            weight: codes, one byte each, in the shape that `conv` takes.
            quantization_type: `linear`. `lut` is refused, since the format has no parameter for the table.
            quant_scale: one number, or one for each output channel.
            quant_bias: as quant_scale.
            bias: [out].
            nbits: bits of a code; each fills a byte here, so they are not needed.
            strides: as in `conv`.
            pad_type: as in `conv`; `valid` when absent.
            pad: as in `conv`.
            dilations: as in `conv`.
            groups: as in `conv`; 1 when absent.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "conv_quantized",
            name,
            {
                "x": x,
                "weight": weight,
                "quantization_type": quantization_type,
                "quant_scale": quant_scale,
                "quant_bias": quant_bias,
                "bias": bias,
                "nbits": nbits,
                "strides": strides,
                "pad_type": pad_type,
                "pad": pad,
                "dilations": dilations,
                "groups": groups,
            },
        )

    def conv_transpose(
        self,
        x: Argument,
        weight: Argument,
        bias: Argument | None = None,
        *,
        pad: Sequence[int] | None = None,
        output_shape: Sequence[int] | None = None,
        pad_type: str | None = None,
        strides: Sequence[int] | None = None,
        dilations: Sequence[int] | None = None,
        groups: int | None = None,
        name: str | None = None,
    ) -> Value:
        """The transpose of `conv`: each element of x adds a multiple of the kernel to the result.

        The operation `conv_transpose` (since iOS 15).

        Args:
            x: [N, C, *space], with one to three axes of space.
            weight: [C, out / groups, *kernel], turned into a `Kernel` by `prepare`.
            bias: [out].
            pad: elements that are cut off before and after each axis of the result; used by `custom` alone.
            output_shape: [N, out, *space] of the result, or its axes of space alone. It takes the place of the padding:
                both ends lose equally much, the end one more if needed; elements that the kernel does not reach are 0.
            pad_type: `valid` (nothing is cut off), `same` (size * stride elements are left, the end loses the odd one),
                `same_lower` (the start loses it) or `custom`.
            strides: elements of the result from one element of x to the next; 1 when absent.
            dilations: spread the kernel.
            groups: parts of the channels that are convolved separately.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "conv_transpose",
            name,
            {
                "x": x,
                "weight": weight,
                "bias": bias,
                "pad": pad,
                "output_shape": output_shape,
                "pad_type": pad_type,
                "strides": strides,
                "dilations": dilations,
                "groups": groups,
            },
        )

    def cos(self, x: Argument, *, name: str | None = None) -> Value:
        """The cosine, in radians.

        The operation `cos` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("cos", name, {"x": x})

    def cosh(self, x: Argument, *, name: str | None = None) -> Value:
        """The hyperbolic cosine.

        The operation `cosh` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("cosh", name, {"x": x})

    def crop(self, x: Argument, crop_height: ArrayLike, crop_width: ArrayLike, *, name: str | None = None) -> Value:
        """An image without its borders.

        The operation `crop` (since iOS 15).

        Args:
            x: [..., height, width], rank 3 or more.
            crop_height: how many pixels to remove at the top and at the bottom.
            crop_width: how many at the left and at the right.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("crop", name, {"x": x, "crop_height": crop_height, "crop_width": crop_width})

    def crop_resize(
        self,
        x: Argument,
        boxes: Argument | None = None,
        box_indices: Argument | None = None,
        *,
        roi: Argument | None = None,
        target_height: int | None = None,
        target_width: int | None = None,
        normalized_coordinates: bool | None = None,
        spatial_scale: float | None = None,
        box_coordinate_mode: str | None = None,
        sampling_mode: str | None = None,
        pad_value: float | None = None,
        name: str | None = None,
    ) -> Value:
        """Boxes cut out of one image each and resized, by bilinear interpolation.

        The operation `crop_resize` (since iOS 15).

        Args:
            x: see `crop_resize`.
            boxes: [n, 4], floats or integers.
            box_indices: [n], the image of each box; when absent, box i is for image i. An index outside the batch means
                the nearest image.
            roi: see `crop_resize`.
            target_height: of the result.
            target_width: of the result.
            normalized_coordinates: see `crop_resize`.
            spatial_scale: see `crop_resize`.
            box_coordinate_mode: see `crop_resize`.
            sampling_mode: see `crop_resize`.
            pad_value: see `crop_resize_padded`.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "crop_resize",
            name,
            {
                "x": x,
                "boxes": boxes,
                "box_indices": box_indices,
                "roi": roi,
                "target_height": target_height,
                "target_width": target_width,
                "normalized_coordinates": normalized_coordinates,
                "spatial_scale": spatial_scale,
                "box_coordinate_mode": box_coordinate_mode,
                "sampling_mode": sampling_mode,
                "pad_value": pad_value,
            },
        )

    def cumsum(
        self,
        x: Argument,
        *,
        axis: int | None = None,
        exclusive: bool | None = None,
        reverse: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The cumulative sum along an axis, from its start or, with `reverse`, from its end.

        The operation `cumsum` (since iOS 15).

        Args:
            x: any rank >= 1.
            axis: may count from the end.
            exclusive: whether each sum stops before its own element, so that the first is 0.
            reverse: see above.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("cumsum", name, {"x": x, "axis": axis, "exclusive": exclusive, "reverse": reverse})

    def depth_to_space(self, x: Argument, block_size: int, *, name: str | None = None) -> Value:
        """The inverse of `space_to_depth`.

        The operation `depth_to_space` (since iOS 15).

        Args:
            x: [N, C, H, W].
            block_size: the side b of a block.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("depth_to_space", name, {"x": x, "block_size": block_size})

    def dequantize(
        self,
        input: Argument,
        scale: Argument,
        zero_point: Argument | None = None,
        *,
        axis: int | None = None,
        name: str | None = None,
    ) -> Value:
        """scale * (input - zero_point).

        The operation `dequantize` (since iOS 17).

        Args:
            input: integers of any shape.
            scale: a scalar, or a vector along `axis`.
            zero_point: as scale, of the type of the input; 0 where it is absent.
            axis: the axis of vectors; may count from the end. None for scalars.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "dequantize",
            name,
            {
                "input": input,
                "scale": scale,
                "zero_point": zero_point,
                "axis": axis,
            },
        )

    def einsum(self, values: Sequence[Argument], equation: str, *, name: str | None = None) -> Value:
        """Sums of products along named axes.

        The operation `einsum` (since iOS 15).

        Args:
            values: arrays, whose axes the equation names; an axis of size 1 broadcasts. The format promises two.
            equation: as in NumPy, such as "nchw,nwhu->nchu".
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("einsum", name, {"values": values, "equation": equation})

    def elu(self, x: Argument, alpha: float, *, name: str | None = None) -> Value:
        """x where x >= 0, alpha * (exp(x) - 1) below.

        The operation `elu` (since iOS 15).

        Args:
            x: any shape.
            alpha: minus the limit for x towards -infinity.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("elu", name, {"x": x, "alpha": alpha})

    def equal(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether x = y; false for NaN, elementwise.

        The operation `equal` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("equal", name, {"x": x, "y": y})

    def erf(self, x: Argument, *, name: str | None = None) -> Value:
        """The error function, 2 / sqrt(pi) * integral of exp(-t^2) from 0 to x.

        The operation `erf` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("erf", name, {"x": x})

    def exp(self, x: Argument, *, name: str | None = None) -> Value:
        """e to the power of x.

        The operation `exp` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("exp", name, {"x": x})

    def exp2(self, x: Argument, *, name: str | None = None) -> Value:
        """2 to the power of x. For integers the result is an integer, and a negative power gives 0.

        The operation `exp2` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("exp2", name, {"x": x})

    def expand_dims(self, x: Argument, axes: Sequence[int], *, name: str | None = None) -> Value:
        """x with additional axes of length 1.

        The operation `expand_dims` (since iOS 15).

        Args:
            x: any shape.
            axes: their positions in the result; may count from the end.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("expand_dims", name, {"x": x, "axes": axes})

    def fill(self, shape: Argument, value: Argument | None = None, *, name: str | None = None) -> Value:
        """An array of one value.

        The operation `fill` (since iOS 15).

        Args:
            shape: int32 [R], known when the program is traced.
            value: [], the value; the float 0 unless given.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("fill", name, {"shape": shape, "value": value})

    def fill_like(self, ref_tensor: Argument, value: Argument | None = None, *, name: str | None = None) -> Value:
        """One value in the shape of another array.

        The operation `fill_like` (since iOS 16).

        Args:
            ref_tensor: any shape; its values do not matter.
            value: [], the value; the float 0 unless given.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("fill_like", name, {"ref_tensor": ref_tensor, "value": value})

    def flatten2d(self, x: Argument, *, axis: int | None = None, name: str | None = None) -> Value:
        """A matrix: the axes before `axis` are its rows, the others its columns.

        The operation `flatten2d` (since iOS 15).

        Args:
            x: any rank.
            axis: may count from the end, and may be the rank itself, which gives one column.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("flatten2d", name, {"x": x, "axis": axis})

    def floor(self, x: Argument, *, name: str | None = None) -> Value:
        """The largest integer that is not above x.

        The operation `floor` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("floor", name, {"x": x})

    def floor_div(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """x / y, rounded down (not towards 0), elementwise.

        The operation `floor_div` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the divisor, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("floor_div", name, {"x": x, "y": y})

    def gather(
        self,
        x: Argument,
        indices: Argument,
        *,
        axis: int | None = None,
        batch_dims: int | None = None,
        validate_indices: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The slices of x at the given positions of one axis, which may differ for the members of a batch.

        The operation `gather` (since iOS 15).

        Args:
            x: [*B, ...], rank >= 1.
            indices: integers [*B, *N] from 0 on. An index outside of the axis reads its nearest element.
            axis: may count from the end; not one of B.
            batch_dims: the number of axes B that x and indices share.
            validate_indices: whether known indices outside of the axis are an error.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "gather",
            name,
            {
                "x": x,
                "indices": indices,
                "axis": axis,
                "batch_dims": batch_dims,
                "validate_indices": validate_indices,
            },
        )

    def gather_along_axis(
        self,
        x: Argument,
        indices: Argument,
        *,
        axis: int | None = None,
        validate_indices: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """One element of x for each index, from the given position on the axis and the index's own position on all
        others.

        The operation `gather_along_axis` (since iOS 15).

        Args:
            x: rank >= 1.
            indices: integers from 0 on, the shape of x except on the axis. An index outside of the axis reads its
                nearest element.
            axis: may count from the end.
            validate_indices: whether known indices outside of the axis are an error.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "gather_along_axis",
            name,
            {
                "x": x,
                "indices": indices,
                "axis": axis,
                "validate_indices": validate_indices,
            },
        )

    def gather_nd(
        self,
        x: Argument,
        indices: Argument,
        *,
        batch_dims: int | None = None,
        validate_indices: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The elements or slices of x at positions of several coordinates, which may differ for the members of a
        batch.

        The operation `gather_nd` (since iOS 15).

        Args:
            x: [*B, ...], rank >= B + m.
            indices: integers [*B, *K, m] from 0 on. An index outside of an axis reads its nearest element.
            batch_dims: the number of axes B that x and indices share.
            validate_indices: whether known indices outside of their axis are an error.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "gather_nd",
            name,
            {
                "x": x,
                "indices": indices,
                "batch_dims": batch_dims,
                "validate_indices": validate_indices,
            },
        )

    def gelu(self, x: Argument, *, mode: str | None = None, name: str | None = None) -> Value:
        """x times the probability that a standard normal number is below x, exactly or by one of two approximations.

        The operation `gelu` (since iOS 15).

        Args:
            x: any shape.
            mode: EXACT, TANH_APPROXIMATION, or SIGMOID_APPROXIMATION, which is x * sigmoid(1.702 * x).
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("gelu", name, {"x": x, "mode": mode})

    def greater(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether x > y; false for NaN, elementwise.

        The operation `greater` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("greater", name, {"x": x, "y": y})

    def greater_equal(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether x >= y; false for NaN, elementwise.

        The operation `greater_equal` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("greater_equal", name, {"x": x, "y": y})

    def gru(
        self,
        x: Argument,
        initial_h: Argument,
        weight_ih: Argument,
        weight_hh: Argument,
        bias: Argument | None = None,
        input_bias: Argument | None = None,
        *,
        direction: str | None = None,
        output_sequence: bool | None = None,
        recurrent_activation: str | None = None,
        activation: str | None = None,
        reset_after: bool | None = None,
        name: str | None = None,
    ) -> tuple[Value, ...]:
        """Gated recurrent units, the reset applied to the state before or after its product.

        The operation `gru` (since iOS 15).

        Args:
            x: [steps, batch, in].
            initial_h: the state before the first step, [batch, size].
            weight_ih: see `gru`.
            weight_hh: see `gru`.
            bias: b, beside the product with the state: stored as [3 * size]; here see `_gru_weights`.
            input_bias: b', beside the product with the input, stored as [3 * size].
            direction: see `gru`.
            output_sequence: see `gru`.
            recurrent_activation: see `gru`.
            activation: see `gru`.
            reset_after: whether the reset scales the product with the state and its bias; absent, it scales the state.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "gru",
            name,
            {
                "x": x,
                "initial_h": initial_h,
                "weight_ih": weight_ih,
                "weight_hh": weight_hh,
                "bias": bias,
                "input_bias": input_bias,
                "direction": direction,
                "output_sequence": output_sequence,
                "recurrent_activation": recurrent_activation,
                "activation": activation,
                "reset_after": reset_after,
            },
        )

    def identity(self, x: Argument, *, name: str | None = None) -> Value:
        """A value under another name.

        The operation `identity` (since iOS 15).

        Args:
            x: any value.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("identity", name, {"x": x})

    def instance_norm(
        self,
        x: Argument,
        gamma: Argument | None = None,
        beta: Argument | None = None,
        *,
        epsilon: float | None = None,
        name: str | None = None,
    ) -> Value:
        """gamma * (x - mean) / sqrt(variance + epsilon) + beta, with the statistics of each channel of each instance.

        The operation `instance_norm` (since iOS 15).

        Args:
            x: [N, C, *space], with one to three axes of space (the format promises one or two).
            gamma: [C]; 1 when absent.
            beta: [C]; 0 when absent.
            epsilon: added to the variance, which is the biased one.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("instance_norm", name, {"x": x, "gamma": gamma, "beta": beta, "epsilon": epsilon})

    def inverse(self, x: Argument, *, epsilon: float | None = None, name: str | None = None) -> Value:
        """1 / (x + epsilon), which is 10000 at 0 with the default epsilon.

        The operation `inverse` (since iOS 15).

        Args:
            x: any shape.
            epsilon: added to x, exactly as the file stores it, in half precision too.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("inverse", name, {"x": x, "epsilon": epsilon})

    def l2_norm(self, x: Argument, *, epsilon: float | None = None, name: str | None = None) -> Value:
        """x / sqrt(sum of squares + epsilon), where the sum is over the last three axes.

        The operation `l2_norm` (since iOS 15).

        Args:
            x: rank 3 or more.
            epsilon: added to the sum.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("l2_norm", name, {"x": x, "epsilon": epsilon})

    def l2_pool(
        self,
        x: Argument,
        kernel_sizes: Sequence[int],
        pad_type: str,
        *,
        strides: Sequence[int] | None = None,
        pad: Sequence[int] | None = None,
        ceil_mode: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The square root of the sum of squares of each window.

        The operation `l2_pool` (since iOS 15).

        Args:
            x: as in `max_pool`.
            kernel_sizes: as in `max_pool`.
            pad_type: as in `max_pool`.
            strides: as in `max_pool`.
            pad: as in `max_pool`.
            ceil_mode: as in `max_pool`.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "l2_pool",
            name,
            {
                "x": x,
                "kernel_sizes": kernel_sizes,
                "pad_type": pad_type,
                "strides": strides,
                "pad": pad,
                "ceil_mode": ceil_mode,
            },
        )

    def layer_norm(
        self,
        x: Argument,
        gamma: Argument | None = None,
        beta: Argument | None = None,
        *,
        axes: Sequence[int] | None = None,
        epsilon: float | None = None,
        name: str | None = None,
    ) -> Value:
        """gamma * (x - mean) / sqrt(variance + epsilon) + beta, with the statistics over some axes.

        The operation `layer_norm` (since iOS 15).

        Args:
            x: any shape.
            gamma: the sizes of x along the axes, in the order of x; 1 when absent.
            beta: as gamma; 0 when absent.
            axes: any set of axes, which may count from the end; all of them when absent.
            epsilon: added to the variance, which is the biased one.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "layer_norm",
            name,
            {
                "x": x,
                "gamma": gamma,
                "beta": beta,
                "axes": axes,
                "epsilon": epsilon,
            },
        )

    def leaky_relu(self, x: Argument, alpha: float, *, name: str | None = None) -> Value:
        """x where x >= 0, alpha * x below.

        The operation `leaky_relu` (since iOS 15).

        Args:
            x: any shape.
            alpha: slope below 0.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("leaky_relu", name, {"x": x, "alpha": alpha})

    def less(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether x < y; false for NaN, elementwise.

        The operation `less` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("less", name, {"x": x, "y": y})

    def less_equal(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether x <= y; false for NaN, elementwise.

        The operation `less_equal` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("less_equal", name, {"x": x, "y": y})

    def linear(self, x: Argument, weight: Argument, bias: Argument | None = None, *, name: str | None = None) -> Value:
        """A dense layer: x W^T + b, W of shape [out, in].

        The operation `linear` (since iOS 15).

        Args:
            x: [..., in]; the format promises ranks 1 to 3.
            weight: W, transposed to [in, out] by `prepare`.
            bias: [out]; 0 when absent.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("linear", name, {"x": x, "weight": weight, "bias": bias})

    def linear_activation(self, x: Argument, alpha: float, beta: float, *, name: str | None = None) -> Value:
        """alpha * x + beta.

        The operation `linear_activation` (since iOS 15).

        Args:
            x: any shape.
            alpha: the slope.
            beta: the result for x = 0.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("linear_activation", name, {"x": x, "alpha": alpha, "beta": beta})

    def list_gather(self, ls: Argument, indices: Argument, *, name: str | None = None) -> Value:
        """Several elements of a list as one array.

        The operation `list_gather` (since iOS 15).

        Args:
            ls: the list.
            indices: integers [n]; an index outside of the list reads its nearest element.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("list_gather", name, {"ls": ls, "indices": indices})

    def list_length(self, ls: Argument, *, name: str | None = None) -> Value:
        """The length of a list.

        The operation `list_length` (since iOS 15).

        Args:
            ls: the list.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("list_length", name, {"ls": ls})

    def list_read(self, ls: Argument, index: Argument, *, name: str | None = None) -> Value:
        """One element of a list.

        The operation `list_read` (since iOS 15).

        Args:
            ls: the list.
            index: integer []; an index outside of the list reads its nearest element.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("list_read", name, {"ls": ls, "index": index})

    def list_scatter(self, ls: Argument, indices: Argument, value: Argument, *, name: str | None = None) -> Value:
        """A list with several elements replaced.

        The operation `list_scatter` (since iOS 15).

        Args:
            ls: the list.
            indices: integers [n], known when the program is traced where the list grows. Writing elsewhere does
                nothing.
            value: [n, *shape of an element].
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("list_scatter", name, {"ls": ls, "indices": indices, "value": value})

    def list_write(self, ls: Argument, index: Argument, value: Argument, *, name: str | None = None) -> Value:
        """A list with one element replaced.

        The operation `list_write` (since iOS 15).

        Args:
            ls: the list.
            index: integer [], known when the program is traced where the list grows. Writing elsewhere does nothing.
            value: the element.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("list_write", name, {"ls": ls, "index": index, "value": value})

    def local_response_norm(
        self,
        x: Argument,
        size: int,
        *,
        alpha: float | None = None,
        beta: float | None = None,
        k: float | None = None,
        name: str | None = None,
    ) -> Value:
        """x / (k + alpha / size * s)^beta, where s sums the squares of `size` neighbouring channels.

        The operation `local_response_norm` (since iOS 15).

        Args:
            x: [N, C, *space], with one or two axes of space.
            size: the length of the window. It is centred and filled with zeros outside; an even one has its larger half
                after the channel, as in ONNX (the format does not say).
            alpha: factor of the sum.
            beta: the exponent.
            k: added to the sum.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "local_response_norm",
            name,
            {
                "x": x,
                "size": size,
                "alpha": alpha,
                "beta": beta,
                "k": k,
            },
        )

    def log(self, x: Argument, *, epsilon: float | None = None, name: str | None = None) -> Value:
        """The natural logarithm of x + epsilon, NaN where that is negative.

        The operation `log` (since iOS 15).

        Args:
            x: any shape.
            epsilon: added to x, exactly as the file stores it, in half precision too. The usual 1e-45 matters at 0
                only, where the result is -103.28; half precision stores it as 0, and the result is -infinity.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("log", name, {"x": x, "epsilon": epsilon})

    def logical_and(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether x and y are both true, elementwise.

        The operation `logical_and` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("logical_and", name, {"x": x, "y": y})

    def logical_not(self, x: Argument, *, name: str | None = None) -> Value:
        """True where x is false.

        The operation `logical_not` (since iOS 15).

        Args:
            x: bools of any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("logical_not", name, {"x": x})

    def logical_or(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether at least one of x and y is true, elementwise.

        The operation `logical_or` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("logical_or", name, {"x": x, "y": y})

    def logical_xor(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether exactly one of x and y is true, elementwise.

        The operation `logical_xor` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("logical_xor", name, {"x": x, "y": y})

    def lstm(
        self,
        x: Argument,
        initial_h: Argument,
        initial_c: Argument,
        weight_ih: Argument,
        weight_hh: Argument,
        bias: Argument | None = None,
        peephole: Argument | None = None,
        weight_ih_back: Argument | None = None,
        weight_hh_back: Argument | None = None,
        bias_back: Argument | None = None,
        peephole_back: Argument | None = None,
        *,
        direction: str | None = None,
        output_sequence: bool | None = None,
        recurrent_activation: str | None = None,
        cell_activation: str | None = None,
        activation: str | None = None,
        clip: float | None = None,
        name: str | None = None,
    ) -> tuple[Value, ...]:
        """Long short-term memory: gates i, f and o and the cell's input z, with a cell c beside the output h.

        The operation `lstm` (since iOS 15).

        Args:
            x: [steps, batch, in].
            initial_h: the output before the first step, [batch, size]; with two directions [batch, 2 * size], the
                forward one first.
            initial_c: the cell, as initial_h.
            weight_ih: matrices of the input, forget and output gate and of the cell, stored as [4 * size, in]; here see
                `_lstm_weights`.
            weight_hh: likewise of the state, stored as [4 * size, size].
            bias: likewise, [4 * size].
            peephole: p of the input, forget and output gate, [3 * size].
            weight_ih_back: as weight_ih, of the backward direction of two.
            weight_hh_back: as weight_hh.
            bias_back: as bias.
            peephole_back: as peephole.
            direction: `forward`, `reverse` as in `rnn`, or `bidirectional`: one cell from each end of the steps, and
                each step has what both computed there.
            output_sequence: whether all outputs are returned, or the last one of each direction.
            recurrent_activation: f, see `rnn`.
            cell_activation: g.
            activation: k.
            clip: the cell is clipped to [-clip, clip]; None means no limit.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "lstm",
            name,
            {
                "x": x,
                "initial_h": initial_h,
                "initial_c": initial_c,
                "weight_ih": weight_ih,
                "weight_hh": weight_hh,
                "bias": bias,
                "peephole": peephole,
                "weight_ih_back": weight_ih_back,
                "weight_hh_back": weight_hh_back,
                "bias_back": bias_back,
                "peephole_back": peephole_back,
                "direction": direction,
                "output_sequence": output_sequence,
                "recurrent_activation": recurrent_activation,
                "cell_activation": cell_activation,
                "activation": activation,
                "clip": clip,
            },
        )

    def make_list(
        self,
        elem_shape: Sequence[Argument],
        init_length: Argument | None = None,
        *,
        dynamic_length: bool | None = None,
        dtype: str | None = None,
        name: str | None = None,
    ) -> Value:
        """A list of zeros.

        The operation `make_list` (since iOS 15).

        Args:
            elem_shape: the shape of an element. It is unknown where a size is not positive, or a name.
            init_length: [], the length: 1 unless given; known when the program is traced.
            dynamic_length: whether the length may change; `grows` says whether it does.
            dtype: the type of the elements.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "make_list",
            name,
            {
                "elem_shape": elem_shape,
                "init_length": init_length,
                "dynamic_length": dynamic_length,
                "dtype": dtype,
            },
        )

    def matmul(
        self,
        x: Argument,
        y: Argument,
        *,
        transpose_x: bool | None = None,
        transpose_y: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """Matrix products of the last two axes, by the rules of NumPy.

        The operation `matmul` (since iOS 15).

        Args:
            x: [..., M, K], or [K], a row vector whose axis is dropped.
            y: [..., K, N], or [K], a column vector whose axis is dropped; already transposed by `prepare`. The axes
                before the last two broadcast.
            transpose_x: whether to swap the last two axes of x first; ignored for a vector.
            transpose_y: as transpose_x.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("matmul", name, {"x": x, "y": y, "transpose_x": transpose_x, "transpose_y": transpose_y})

    def max_pool(
        self,
        x: Argument,
        kernel_sizes: Sequence[int],
        pad_type: str,
        *,
        strides: Sequence[int] | None = None,
        pad: Sequence[int] | None = None,
        ceil_mode: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The maximum of each window. Padding is -inf.

        The operation `max_pool` (since iOS 15).

        Args:
            x: [N, C, *space], with one to three axes of space.
            kernel_sizes: of a window, for each axis of space.
            pad_type: `valid` (no padding), `same` (ceil(size / stride) windows, an extra element of padding at the
                end), `same_lower` (at the start; iOS 16) or `custom`.
            strides: elements from one window to the next; 1 when absent.
            pad: padding before and after each axis; used by `custom` alone.
            ceil_mode: whether the number of windows is rounded up. A last window that would start in the padding after
                x is left out.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "max_pool",
            name,
            {
                "x": x,
                "kernel_sizes": kernel_sizes,
                "pad_type": pad_type,
                "strides": strides,
                "pad": pad,
                "ceil_mode": ceil_mode,
            },
        )

    def maximum(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """The larger of x and y; NaN where one of them is NaN, elementwise.

        The operation `maximum` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("maximum", name, {"x": x, "y": y})

    def minimum(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """The smaller of x and y; NaN where one of them is NaN, elementwise.

        The operation `minimum` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("minimum", name, {"x": x, "y": y})

    def mod(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """The remainder of x divided by y, elementwise; it has the sign of y, as in Python.

        The operation `mod` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the divisor, of the same type; 0 gives NaN for floats and 0 for integers.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("mod", name, {"x": x, "y": y})

    def mul(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """x * y, elementwise.

        The operation `mul` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("mul", name, {"x": x, "y": y})

    def non_maximum_suppression(
        self,
        boxes: Argument,
        scores: Argument,
        iou_threshold: float,
        max_boxes: int,
        *,
        score_threshold: Argument | None = None,
        per_class_suppression: bool | None = None,
        name: str | None = None,
    ) -> tuple[Value, ...]:
        """The boxes that do not overlap with better ones, best first, padded to a fixed number.

        The operation `non_maximum_suppression` (since iOS 15).

        Args:
            boxes: [n, 4, B], as in `non_maximum_suppression` with the boxes along the last axis.
            scores: [n, K, B].
            iou_threshold: see `non_maximum_suppression`.
            max_boxes: how many boxes are returned.
            score_threshold: boxes with lower scores are ignored; if all are, the best one is kept anyway.
            per_class_suppression: see `non_maximum_suppression`.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "non_maximum_suppression",
            name,
            {
                "boxes": boxes,
                "scores": scores,
                "iou_threshold": iou_threshold,
                "max_boxes": max_boxes,
                "score_threshold": score_threshold,
                "per_class_suppression": per_class_suppression,
            },
        )

    def non_zero(self, x: Argument, *, name: str | None = None) -> Value:
        """The positions of all elements that are not zero, in row-major order.

        The operation `non_zero` (since iOS 15).

        Args:
            x: rank R; its values are known when the program is traced, unless `sizes` is given.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("non_zero", name, {"x": x})

    def not_equal(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether x != y; true for NaN, elementwise.

        The operation `not_equal` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("not_equal", name, {"x": x, "y": y})

    def one_hot(
        self,
        indices: Argument,
        one_hot_vector_size: Argument,
        on_value: Argument | None = None,
        off_value: Argument | None = None,
        *,
        axis: int | None = None,
        name: str | None = None,
    ) -> Value:
        """`on_value` at each index along a new axis, `off_value` elsewhere.

        The operation `one_hot` (since iOS 15).

        Args:
            indices: integers, rank R. Those outside of [0, size), also negative ones, give `off_value` everywhere.
            one_hot_vector_size: [], the size of the new axis; known when the program is traced.
            on_value: [], the int32 1 unless given.
            off_value: [], the int32 0 unless given.
            axis: the position of the new axis in the result; may count from the end.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "one_hot",
            name,
            {
                "indices": indices,
                "one_hot_vector_size": one_hot_vector_size,
                "on_value": on_value,
                "off_value": off_value,
                "axis": axis,
            },
        )

    def pad(
        self,
        x: Argument,
        pad: Argument,
        *,
        mode: str | None = None,
        constant_val: float | None = None,
        name: str | None = None,
    ) -> Value:
        """Pad x: with a constant, its reflection without the edge, or its edge repeated.

        The operation `pad` (since iOS 15).

        Args:
            x: any rank.
            pad: integers [2 N], known when the program is traced: how many elements before and after each of the last N
                axes in turn.
            mode: constant, reflect or replicate.
            constant_val: the constant.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("pad", name, {"x": x, "pad": pad, "mode": mode, "constant_val": constant_val})

    def pixel_shuffle(self, x: Argument, upscale_factor: int, *, name: str | None = None) -> Value:
        """`depth_to_space`, where the position within the block varies faster than the new channel.

        The operation `pixel_shuffle` (since iOS 15).

        Args:
            x: [N, C, H, W].
            upscale_factor: the side f of a block.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("pixel_shuffle", name, {"x": x, "upscale_factor": upscale_factor})

    def pixel_unshuffle(self, x: Argument, downscale_factor: int, *, name: str | None = None) -> Value:
        """The inverse of `pixel_shuffle`.

        The operation `pixel_unshuffle` (since iOS 16).

        Args:
            x: [N, C, H, W].
            downscale_factor: the side f of a block.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("pixel_unshuffle", name, {"x": x, "downscale_factor": downscale_factor})

    def pow(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """x to the power of y, elementwise; NaN for fractional powers of negative numbers.

        The operation `pow` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the exponent, of the same type. Derivatives with respect to y are 0 where x is not positive.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("pow", name, {"x": x, "y": y})

    def prelu(self, x: Argument, alpha: Argument, *, name: str | None = None) -> Value:
        """x where x >= 0, alpha * x below, with an alpha for each channel.

        The operation `prelu` (since iOS 15).

        Args:
            x: [batch, C, ...], of rank 3 to 5.
            alpha: [C], slopes below 0.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("prelu", name, {"x": x, "alpha": alpha})

    def quantize(
        self,
        input: Argument,
        scale: Argument,
        output_dtype: str,
        zero_point: Argument | None = None,
        *,
        axis: int | None = None,
        name: str | None = None,
    ) -> Value:
        """round(input / scale) + zero_point, clipped to the range of the type.

        The operation `quantize` (since iOS 17).

        Args:
            input: any shape.
            scale: a scalar, or a vector along `axis`.
            output_dtype: int8 or uint8.
            zero_point: as scale, of the type of the result; 0 where it is absent.
            axis: the axis of vectors; may count from the end. None for scalars.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "quantize",
            name,
            {
                "input": input,
                "scale": scale,
                "output_dtype": output_dtype,
                "zero_point": zero_point,
                "axis": axis,
            },
        )

    def random_bernoulli(
        self,
        shape: Argument,
        prob: Argument | None = None,
        *,
        seed: int | None = None,
        name: str | None = None,
    ) -> Value:
        """Ones with a probability, else zeros.

        The operation `random_bernoulli` (since iOS 15).

        Args:
            shape: [R], known when the program is traced.
            prob: a scalar, the probability of 1; 0.5 where it is absent.
            seed: of the operation.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("random_bernoulli", name, {"shape": shape, "prob": prob, "seed": seed})

    def random_categorical(
        self,
        x: Argument,
        *,
        mode: str | None = None,
        size: int | None = None,
        seed: int | None = None,
        name: str | None = None,
    ) -> Value:
        """Categories drawn along the last axis of x, as integers from 0.

        The operation `random_categorical` (since iOS 15).

        Args:
            x: [..., categories].
            mode: logits, or probs: probabilities, which need not sum up to 1.
            size: how many are drawn for each row.
            seed: of the operation.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("random_categorical", name, {"x": x, "mode": mode, "size": size, "seed": seed})

    def random_normal(
        self,
        shape: Argument,
        mean: Argument | None = None,
        stddev: Argument | None = None,
        *,
        seed: int | None = None,
        name: str | None = None,
    ) -> Value:
        """Normally distributed numbers.

        The operation `random_normal` (since iOS 15).

        Args:
            shape: [R], known when the program is traced.
            mean: a scalar, the mean of the distribution; 0 where it is absent.
            stddev: a scalar, its standard deviation; 1 where it is absent.
            seed: of the operation.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("random_normal", name, {"shape": shape, "mean": mean, "stddev": stddev, "seed": seed})

    def random_uniform(
        self,
        shape: Argument,
        low: Argument | None = None,
        high: Argument | None = None,
        *,
        seed: int | None = None,
        name: str | None = None,
    ) -> Value:
        """Uniformly distributed numbers in [low, high).

        The operation `random_uniform` (since iOS 15).

        Args:
            shape: [R], known when the program is traced.
            low: a scalar, the smallest number; 0 where it is absent.
            high: a scalar, the end of the range, which is never drawn; 1 where it is absent.
            seed: of the operation.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("random_uniform", name, {"shape": shape, "low": low, "high": high, "seed": seed})

    def range_1d(self, end: Argument, start: Argument, step: Argument, *, name: str | None = None) -> Value:
        """Evenly spaced numbers from the start up to the end, which is excluded.

        The operation `range_1d` (since iOS 15).

        Args:
            end: [], as start and step, of one type; known when the program is traced.
            start: [], the first number.
            step: [], the difference between neighbours; may be negative.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("range_1d", name, {"end": end, "start": start, "step": step})

    def read_state(self, input: Argument, *, name: str | None = None) -> Value:
        """The value of a state at this point of the program.

        The operation `read_state` (since iOS 18).

        Args:
            input: the state.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("read_state", name, {"input": input})

    def real_div(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """x / y, elementwise, where division by 0 gives an infinity or NaN.

        The operation `real_div` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the divisor, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("real_div", name, {"x": x, "y": y})

    def reduce_argmax(
        self,
        x: Argument,
        *,
        axis: int | None = None,
        keep_dims: bool | None = None,
        output_dtype: str | None = None,
        name: str | None = None,
    ) -> Value:
        """The position of the maximum along an axis, the first of equal ones (the format does not say).

        The operation `reduce_argmax` (since iOS 15).

        Args:
            x: any rank >= 1. A NaN counts as the maximum.
            axis: may count from the end.
            keep_dims: whether the axis stays, with size 1.
            output_dtype: int32 or uint16.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "reduce_argmax",
            name,
            {
                "x": x,
                "axis": axis,
                "keep_dims": keep_dims,
                "output_dtype": output_dtype,
            },
        )

    def reduce_argmin(
        self,
        x: Argument,
        *,
        axis: int | None = None,
        keep_dims: bool | None = None,
        output_dtype: str | None = None,
        name: str | None = None,
    ) -> Value:
        """The position of the minimum along an axis, the first of equal ones (the format does not say).

        The operation `reduce_argmin` (since iOS 15).

        Args:
            x: any rank >= 1. A NaN counts as the minimum.
            axis: may count from the end.
            keep_dims: whether the axis stays, with size 1.
            output_dtype: int32 or uint16.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "reduce_argmin",
            name,
            {
                "x": x,
                "axis": axis,
                "keep_dims": keep_dims,
                "output_dtype": output_dtype,
            },
        )

    def reduce_l1_norm(
        self,
        x: Argument,
        *,
        axes: ArrayLike | None = None,
        keep_dims: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The sum of absolute values, along `axes`.

        The operation `reduce_l1_norm` (since iOS 15).

        Args:
            x: any shape.
            axes: may count from the end; None for all. An empty list reduces nothing.
            keep_dims: whether the axes stay, with size 1.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("reduce_l1_norm", name, {"x": x, "axes": axes, "keep_dims": keep_dims})

    def reduce_l2_norm(
        self,
        x: Argument,
        *,
        axes: ArrayLike | None = None,
        keep_dims: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The square root of the sum of squares, with gradient 0 at zero, along `axes`.

        The operation `reduce_l2_norm` (since iOS 15).

        Args:
            x: any shape.
            axes: may count from the end; None for all. An empty list reduces nothing.
            keep_dims: whether the axes stay, with size 1.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("reduce_l2_norm", name, {"x": x, "axes": axes, "keep_dims": keep_dims})

    def reduce_log_sum(
        self,
        x: Argument,
        *,
        axes: ArrayLike | None = None,
        keep_dims: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The logarithm of the sum, along `axes`.

        The operation `reduce_log_sum` (since iOS 15).

        Args:
            x: any shape.
            axes: may count from the end; None for all. An empty list reduces nothing.
            keep_dims: whether the axes stay, with size 1.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("reduce_log_sum", name, {"x": x, "axes": axes, "keep_dims": keep_dims})

    def reduce_log_sum_exp(
        self,
        x: Argument,
        *,
        axes: ArrayLike | None = None,
        keep_dims: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The logarithm of the sum of exponentials, without overflow, along `axes`.

        The operation `reduce_log_sum_exp` (since iOS 15).

        Args:
            x: any shape.
            axes: may count from the end; None for all. An empty list reduces nothing.
            keep_dims: whether the axes stay, with size 1.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("reduce_log_sum_exp", name, {"x": x, "axes": axes, "keep_dims": keep_dims})

    def reduce_max(
        self,
        x: Argument,
        *,
        axes: ArrayLike | None = None,
        keep_dims: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The maximum, along `axes`.

        The operation `reduce_max` (since iOS 15).

        Args:
            x: any shape.
            axes: may count from the end; None for all. An empty list reduces nothing.
            keep_dims: whether the axes stay, with size 1.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("reduce_max", name, {"x": x, "axes": axes, "keep_dims": keep_dims})

    def reduce_mean(
        self,
        x: Argument,
        *,
        axes: ArrayLike | None = None,
        keep_dims: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The mean, along `axes`.

        The operation `reduce_mean` (since iOS 15).

        Args:
            x: any shape.
            axes: may count from the end; None for all. An empty list reduces nothing.
            keep_dims: whether the axes stay, with size 1.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("reduce_mean", name, {"x": x, "axes": axes, "keep_dims": keep_dims})

    def reduce_min(
        self,
        x: Argument,
        *,
        axes: ArrayLike | None = None,
        keep_dims: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The minimum, along `axes`.

        The operation `reduce_min` (since iOS 15).

        Args:
            x: any shape.
            axes: may count from the end; None for all. An empty list reduces nothing.
            keep_dims: whether the axes stay, with size 1.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("reduce_min", name, {"x": x, "axes": axes, "keep_dims": keep_dims})

    def reduce_prod(
        self,
        x: Argument,
        *,
        axes: ArrayLike | None = None,
        keep_dims: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The product, along `axes`.

        The operation `reduce_prod` (since iOS 15).

        Args:
            x: any shape.
            axes: may count from the end; None for all. An empty list reduces nothing.
            keep_dims: whether the axes stay, with size 1.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("reduce_prod", name, {"x": x, "axes": axes, "keep_dims": keep_dims})

    def reduce_sum(
        self,
        x: Argument,
        *,
        axes: ArrayLike | None = None,
        keep_dims: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The sum, along `axes`.

        The operation `reduce_sum` (since iOS 15).

        Args:
            x: any shape.
            axes: may count from the end; None for all. An empty list reduces nothing.
            keep_dims: whether the axes stay, with size 1.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("reduce_sum", name, {"x": x, "axes": axes, "keep_dims": keep_dims})

    def reduce_sum_square(
        self,
        x: Argument,
        *,
        axes: ArrayLike | None = None,
        keep_dims: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """The sum of squares, along `axes`.

        The operation `reduce_sum_square` (since iOS 15).

        Args:
            x: any shape.
            axes: may count from the end; None for all. An empty list reduces nothing.
            keep_dims: whether the axes stay, with size 1.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("reduce_sum_square", name, {"x": x, "axes": axes, "keep_dims": keep_dims})

    def relu(self, x: Argument, *, name: str | None = None) -> Value:
        """x where it is positive, otherwise 0.

        The operation `relu` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("relu", name, {"x": x})

    def relu6(self, x: Argument, *, name: str | None = None) -> Value:
        """x clipped to [0, 6].

        The operation `relu6` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("relu6", name, {"x": x})

    def resample(
        self,
        x: Argument,
        coordinates: Argument,
        sampling_mode: str,
        padding_mode: str,
        padding_value: float,
        coordinates_mode: str,
        align_corners: bool,
        *,
        name: str | None = None,
    ) -> Value:
        """An image read at given coordinates.

        The operation `resample` (since iOS 15).

        Args:
            x: [batch, channels, height, width].
            coordinates: [batch, new height, new width, 2]: where each new pixel comes from, along the width and then
                along the height. Floats or integers.
            sampling_mode: bilinear, or nearest, which takes the nearest pixel (on a tie, the even one).
            padding_mode: what surrounds the image: the padding value (constant), the edge (border), or the image
                reflected at the centres of the pixels of its edge (reflection) or at their outer edges (symmetric).
            padding_value: the value for `constant`; at the edge it is interpolated with pixels.
            coordinates_mode: unnormalized (pixels), or the image from one end to the other: normalized_zero_to_one or
                normalized_minus_one_to_one.
            align_corners: whether these ends are the centres of the corner pixels, or their outer edges; ignored for
                unnormalized coordinates.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "resample",
            name,
            {
                "x": x,
                "coordinates": coordinates,
                "sampling_mode": sampling_mode,
                "padding_mode": padding_mode,
                "padding_value": padding_value,
                "coordinates_mode": coordinates_mode,
                "align_corners": align_corners,
            },
        )

    def reshape(self, x: Argument, shape: Argument, *, name: str | None = None) -> Value:
        """x in another shape.

        The operation `reshape` (since iOS 15).

        Args:
            x: any shape.
            shape: integers [R], known when the program is traced. One -1 takes the remaining elements; a 0 is the size
                of the axis of x at the same position from the end, or 1 where x has no such axis.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("reshape", name, {"x": x, "shape": shape})

    def reshape_like(
        self,
        x: Argument,
        ref_tensors: Sequence[Argument],
        begins: Sequence[Argument],
        ends: Sequence[Argument],
        end_masks: Sequence[Argument],
        *,
        name: str | None = None,
    ) -> Value:
        """x in a shape assembled from pieces of other shapes.

        The operation `reshape_like` (since iOS 16).

        Args:
            x: any shape.
            ref_tensors: any shapes; their values do not matter.
            begins: for each of them, the first axis of the piece.
            ends: the axis before which it stops. Both follow Python's rules of slices.
            end_masks: whether it continues to the last axis instead.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "reshape_like",
            name,
            {
                "x": x,
                "ref_tensors": ref_tensors,
                "begins": begins,
                "ends": ends,
                "end_masks": end_masks,
            },
        )

    def resize(
        self,
        x: Argument,
        shape: Argument,
        resized_dims: int,
        *,
        interpolation_mode: str | None = None,
        sampling_mode: str | None = None,
        name: str | None = None,
    ) -> Value:
        """An array with its last axes resized, by interpolation.

        The operation `resize` (since iOS 17).

        Args:
            x: any shape.
            shape: [k], integers, known when the program is traced; the last ones are the sizes of the last axes of x,
                where 0 keeps the size of an axis.
            resized_dims: how many axes are resized.
            interpolation_mode: LINEAR, or NEAREST_NEIGHBOR, which takes the pixel nearest to the sample (on a tie, the
                later one).
            sampling_mode: where the samples are, see `resize_bilinear`. For NEAREST_NEIGHBOR, DEFAULT is the same as
                UNALIGN_CORNERS: the common converter writes it for TensorFlow's resizing with half_pixel_centers.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "resize",
            name,
            {
                "x": x,
                "shape": shape,
                "resized_dims": resized_dims,
                "interpolation_mode": interpolation_mode,
                "sampling_mode": sampling_mode,
            },
        )

    def resize_bilinear(
        self,
        x: Argument,
        *,
        target_size_height: int | None = None,
        target_size_width: int | None = None,
        sampling_mode: str | None = None,
        name: str | None = None,
    ) -> Value:
        """An image of a given size, by bilinear interpolation.

        The operation `resize_bilinear` (since iOS 15).

        Args:
            x: [..., height, width], rank 3 or more.
            target_size_height: the new height.
            target_size_width: the new width.
            sampling_mode: the position of sample i of m on n pixels: i (n - 1) / (m - 1) for STRICT_ALIGN_CORNERS and
                ALIGN_CORNERS, which differ where m is 1: 0 and (n - 1) / 2; i n / m for DEFAULT; (i + 0.5) max(1, n -
                1) / m for OFFSET_CORNERS; (i + 0.5) n / m - 0.5 for UNALIGN_CORNERS; never before the first pixel or
                after the last.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "resize_bilinear",
            name,
            {
                "x": x,
                "target_size_height": target_size_height,
                "target_size_width": target_size_width,
                "sampling_mode": sampling_mode,
            },
        )

    def resize_nearest_neighbor(
        self,
        x: Argument,
        target_size_height: int,
        target_size_width: int,
        *,
        name: str | None = None,
    ) -> Value:
        """An image of a given size; each new pixel is the old one that contains its centre.

        The operation `resize_nearest_neighbor` (since iOS 15).

        Args:
            x: [..., height, width], rank 3 or more.
            target_size_height: the new height.
            target_size_width: the new width.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "resize_nearest_neighbor",
            name,
            {
                "x": x,
                "target_size_height": target_size_height,
                "target_size_width": target_size_width,
            },
        )

    def reverse(self, x: Argument, *, axes: Sequence[int] | None = None, name: str | None = None) -> Value:
        """Reverse some axes.

        The operation `reverse` (since iOS 15).

        Args:
            x: any rank.
            axes: may count from the end; all unless given.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("reverse", name, {"x": x, "axes": axes})

    def reverse_sequence(
        self,
        x: Argument,
        lengths: Argument,
        *,
        seq_axis: int | None = None,
        batch_axis: int | None = None,
        name: str | None = None,
    ) -> Value:
        """Reverse the first `lengths[b]` elements of each sequence b; the rest stays in place.

        The operation `reverse_sequence` (since iOS 15).

        Args:
            x: any rank >= 2.
            lengths: integers [B], B the size of `batch_axis`; a length beyond the axis means all of it.
            seq_axis: the axis of the elements; may count from the end.
            batch_axis: the axis of the sequences; may count from the end.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "reverse_sequence",
            name,
            {
                "x": x,
                "lengths": lengths,
                "seq_axis": seq_axis,
                "batch_axis": batch_axis,
            },
        )

    def rnn(
        self,
        x: Argument,
        initial_h: Argument,
        weight_ih: Argument,
        weight_hh: Argument,
        bias: Argument | None = None,
        *,
        direction: str | None = None,
        output_sequence: bool | None = None,
        activation: str | None = None,
        name: str | None = None,
    ) -> tuple[Value, ...]:
        """A simple recurrent network: h_t = f(W x_t + R h_(t-1) + b).

        The operation `rnn` (since iOS 15).

        Args:
            x: [steps, batch, in].
            initial_h: the state before the first step, [batch, size].
            weight_ih: W, stored as [size, in]; here as `prepare` makes it, [in, size].
            weight_hh: R, stored as [size, size]; here its transpose.
            bias: b, [size].
            direction: `forward`, or `reverse`, which reads x from its last step to the first; outputs are in the order
                in which they are computed.
            output_sequence: whether all outputs are returned, or the last one.
            activation: f: relu, tanh, sigmoid, sigmoid_hard (0.2 x + 0.5 in [0, 1]), scaled_tanh (tanh) or linear (x).
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "rnn",
            name,
            {
                "x": x,
                "initial_h": initial_h,
                "weight_ih": weight_ih,
                "weight_hh": weight_hh,
                "bias": bias,
                "direction": direction,
                "output_sequence": output_sequence,
                "activation": activation,
            },
        )

    def round(self, x: Argument, *, name: str | None = None) -> Value:
        """The nearest integer; on a tie the even one (the format does not say).

        The operation `round` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("round", name, {"x": x})

    def rsqrt(self, x: Argument, *, epsilon: float | None = None, name: str | None = None) -> Value:
        """1 / sqrt(x + epsilon), NaN where that is negative.

        The operation `rsqrt` (since iOS 15).

        Args:
            x: any shape.
            epsilon: added to x, exactly as the file stores it, in half precision too, where the usual 1e-12 is 0.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("rsqrt", name, {"x": x, "epsilon": epsilon})

    def scaled_dot_product_attention(
        self,
        query: Argument,
        key: Argument,
        value: Argument,
        attn_mask: Argument | None = None,
        *,
        name: str | None = None,
    ) -> Value:
        """softmax(Q K^T / sqrt(E) + mask) V: for each query the mean of values, weighted by how well their keys match.

        The operation `scaled_dot_product_attention` (since iOS 18).

        Args:
            query: [..., L, E], rank 3 or more.
            key: [..., S, E]. The axes before the last two broadcast.
            value: [..., S, V].
            attn_mask: broadcasts over [..., L, S]: bool, whether a key counts, or floats that are added to the scores.
                A query for which no key counts gives NaN, as in PyTorch, which the format refers to.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "scaled_dot_product_attention",
            name,
            {
                "query": query,
                "key": key,
                "value": value,
                "attn_mask": attn_mask,
            },
        )

    def scaled_tanh(self, x: Argument, alpha: float, beta: float, *, name: str | None = None) -> Value:
        """alpha * tanh(beta * x).

        The operation `scaled_tanh` (since iOS 15).

        Args:
            x: any shape.
            alpha: factor of the result.
            beta: factor of x.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("scaled_tanh", name, {"x": x, "alpha": alpha, "beta": beta})

    def scatter(
        self,
        data: Argument,
        indices: Argument,
        updates: Argument,
        *,
        axis: int | None = None,
        mode: str | None = None,
        validate_indices: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """`data` with slices of one axis replaced, increased, multiplied ... by updates.

        The operation `scatter` (since iOS 15).

        Args:
            data: rank >= 1.
            indices: integers [C] from 0 on. An index outside of the axis writes nothing.
            updates: the shape of `data` with C on the axis.
            axis: may count from the end.
            mode: as in `scatter`.
            validate_indices: whether known indices outside of the axis are an error.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "scatter",
            name,
            {
                "data": data,
                "indices": indices,
                "updates": updates,
                "axis": axis,
                "mode": mode,
                "validate_indices": validate_indices,
            },
        )

    def scatter_along_axis(
        self,
        data: Argument,
        indices: Argument,
        updates: Argument,
        *,
        axis: int | None = None,
        mode: str | None = None,
        validate_indices: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """`data` with the elements that `gather_along_axis` reads replaced, increased, multiplied ... by updates.

        The operation `scatter_along_axis` (since iOS 15).

        Args:
            data: rank >= 1.
            indices: integers from 0 on, the shape of `data` except on the axis. An index outside of it writes nothing.
            updates: the shape of the indices.
            axis: may count from the end.
            mode: as in `scatter`.
            validate_indices: whether known indices outside of the axis are an error.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "scatter_along_axis",
            name,
            {
                "data": data,
                "indices": indices,
                "updates": updates,
                "axis": axis,
                "mode": mode,
                "validate_indices": validate_indices,
            },
        )

    def scatter_nd(
        self,
        data: Argument,
        indices: Argument,
        updates: Argument,
        *,
        mode: str | None = None,
        validate_indices: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """`data` with elements or slices at positions of several coordinates replaced, increased ... by updates.

        The operation `scatter_nd` (since iOS 15).

        Args:
            data: rank >= m.
            indices: integers [*K, m] from 0 on. An index outside of its axis writes nothing.
            updates: [*K] followed by the axes of `data` after the first m.
            mode: as in `scatter`.
            validate_indices: whether known indices outside of their axis are an error.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "scatter_nd",
            name,
            {
                "data": data,
                "indices": indices,
                "updates": updates,
                "mode": mode,
                "validate_indices": validate_indices,
            },
        )

    def select(self, cond: Argument, a: Argument, b: Argument, *, name: str | None = None) -> Value:
        """a where a condition is true, b elsewhere.

        The operation `select` (since iOS 15).

        Args:
            cond: bools, of a shape that broadcasts against those of a and b.
            a: what is chosen where the condition is true.
            b: what is chosen elsewhere, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("select", name, {"cond": cond, "a": a, "b": b})

    def shape(self, x: Argument, *, name: str | None = None) -> Value:
        """The shape of x.

        The operation `shape` (since iOS 15).

        Args:
            x: rank R.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("shape", name, {"x": x})

    def sigmoid(self, x: Argument, *, name: str | None = None) -> Value:
        """1 / (1 + exp(-x)).

        The operation `sigmoid` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("sigmoid", name, {"x": x})

    def sigmoid_hard(self, x: Argument, alpha: float, beta: float, *, name: str | None = None) -> Value:
        """alpha * x + beta, clipped to [0, 1].

        The operation `sigmoid_hard` (since iOS 15).

        Args:
            x: any shape.
            alpha: the slope between the limits.
            beta: the result for x = 0.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("sigmoid_hard", name, {"x": x, "alpha": alpha, "beta": beta})

    def sign(self, x: Argument, *, name: str | None = None) -> Value:
        """1 for positive numbers, -1 for negative ones, 0 for 0.

        The operation `sign` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("sign", name, {"x": x})

    def silu(self, x: Argument, *, name: str | None = None) -> Value:
        """x times its sigmoid.

        The operation `silu` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("silu", name, {"x": x})

    def sin(self, x: Argument, *, name: str | None = None) -> Value:
        """The sine, in radians.

        The operation `sin` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("sin", name, {"x": x})

    def sinh(self, x: Argument, *, name: str | None = None) -> Value:
        """The hyperbolic sine.

        The operation `sinh` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("sinh", name, {"x": x})

    def slice_by_index(
        self,
        x: Argument,
        begin: Argument,
        end: Argument,
        *,
        stride: Sequence[int] | None = None,
        begin_mask: Sequence[bool] | None = None,
        end_mask: Sequence[bool] | None = None,
        squeeze_mask: Sequence[bool] | None = None,
        name: str | None = None,
    ) -> Value:
        """Python's x[begin:end:stride] on every axis.

        The operation `slice_by_index` (since iOS 15).

        Args:
            x: rank R.
            begin: integers [R], the first position on each axis; negative ones count from the end, and those beyond the
                edges are clamped. Known when the program is traced, as `end`, unless `sizes` is given, or every axis is
                squeezed or has both masks.
            end: integers [R], the position before which the slice stops.
            stride: from one position to the next, 1 unless given; not 0.
            begin_mask: whether the slice starts at the edge, where a negative stride starts at the last element.
            end_mask: whether it stops at the edge.
            squeeze_mask: whether the one position `begin`, or 0 with its begin mask, is taken and the axis dropped.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "slice_by_index",
            name,
            {
                "x": x,
                "begin": begin,
                "end": end,
                "stride": stride,
                "begin_mask": begin_mask,
                "end_mask": end_mask,
                "squeeze_mask": squeeze_mask,
            },
        )

    def slice_by_size(self, x: Argument, begin: Argument, size: Argument, *, name: str | None = None) -> Value:
        """Consecutive elements of every axis from a position on, which may depend on data.

        The operation `slice_by_size` (since iOS 15).

        Args:
            x: rank R.
            begin: integers [R]; negative ones count from the end. Where fewer elements follow than `size`, the position
                is moved back. Known when the program is traced where a size is -1.
            size: integers [R], known when the program is traced; -1 means all elements that follow.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("slice_by_size", name, {"x": x, "begin": begin, "size": size})

    def slice_update(
        self,
        x: Argument,
        update: Argument,
        begin: Argument,
        end: Argument,
        *,
        stride: Sequence[int] | None = None,
        begin_mask: Sequence[bool] | None = None,
        end_mask: Sequence[bool] | None = None,
        squeeze_mask: Sequence[bool] | None = None,
        name: str | None = None,
    ) -> Value:
        """x with the elements replaced that `slice_by_index` reads.

        The operation `slice_update` (since iOS 18).

        Args:
            x: rank R.
            update: the shape of the slice.
            begin: as in `slice_by_index`, and `end` too. Known when the program is traced where a stride is not 1;
                otherwise the shape of the update says how many elements are replaced. A computed position from which
                the update does not fit is moved back.
            end: see `begin`.
            stride: as in `slice_by_index`, like those below.
            begin_mask: see above.
            end_mask: see above.
            squeeze_mask: see above.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "slice_update",
            name,
            {
                "x": x,
                "update": update,
                "begin": begin,
                "end": end,
                "stride": stride,
                "begin_mask": begin_mask,
                "end_mask": end_mask,
                "squeeze_mask": squeeze_mask,
            },
        )

    def sliding_windows(
        self,
        x: Argument,
        axis: int,
        size: int,
        *,
        stride: int | None = None,
        name: str | None = None,
    ) -> Value:
        """Every `stride`-th window of consecutive elements of one axis.

        The operation `sliding_windows` (since iOS 15).

        Args:
            x: rank >= 1 with length L on the axis.
            axis: may count from the end.
            size: elements of a window.
            stride: elements from one window to the next.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("sliding_windows", name, {"x": x, "axis": axis, "size": size, "stride": stride})

    def softmax(self, x: Argument, *, axis: int | None = None, name: str | None = None) -> Value:
        """exp(x) / sum(exp(x)) along an axis.

        The operation `softmax` (since iOS 15).

        Args:
            x: any shape of rank 1 or more.
            axis: the axis; negative ones count from the end.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("softmax", name, {"x": x, "axis": axis})

    def softplus(self, x: Argument, *, name: str | None = None) -> Value:
        """log(1 + exp(x)), without overflow and without losing small values.

        The operation `softplus` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("softplus", name, {"x": x})

    def softplus_parametric(self, x: Argument, alpha: Argument, beta: Argument, *, name: str | None = None) -> Value:
        """alpha * log(1 + exp(beta * x)), with an alpha and a beta for each channel.

        The operation `softplus_parametric` (since iOS 15).

        Args:
            x: [batch, C, ...], of rank 3 to 5.
            alpha: [C], factors of the result.
            beta: [C], factors of x.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("softplus_parametric", name, {"x": x, "alpha": alpha, "beta": beta})

    def softsign(self, x: Argument, *, name: str | None = None) -> Value:
        """x / (1 + |x|).

        The operation `softsign` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("softsign", name, {"x": x})

    def space_to_batch(
        self,
        x: Argument,
        block_shape: Sequence[int],
        paddings: ArrayLike,
        *,
        name: str | None = None,
    ) -> Value:
        """The pixels of each block become images, after padding with zeros. The position within the block varies
        slower than the old image.

        The operation `space_to_batch` (since iOS 15).

        Args:
            x: [N, C, H, W].
            block_shape: height a and width b of a block.
            paddings: int32 [2, 2], what is added before and after height and width.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("space_to_batch", name, {"x": x, "block_shape": block_shape, "paddings": paddings})

    def space_to_depth(self, x: Argument, block_size: int, *, name: str | None = None) -> Value:
        """Square blocks of pixels become channels; the position within the block varies slower than the old channel.

        The operation `space_to_depth` (since iOS 15).

        Args:
            x: [N, C, H, W].
            block_size: the side b of a block.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("space_to_depth", name, {"x": x, "block_size": block_size})

    def split(
        self,
        x: Argument,
        axis: int,
        *,
        num_splits: int | None = None,
        split_sizes: Sequence[int] | None = None,
        name: str | None = None,
    ) -> tuple[Value, ...]:
        """Consecutive parts of one axis: of the given sizes or, without them, `num_splits` equal ones.

        The operation `split` (since iOS 15).

        Args:
            x: any rank >= 1.
            axis: may count from the end.
            num_splits: the number of parts; ignored if `split_sizes` is given.
            split_sizes: the sizes of the parts.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "split",
            name,
            {
                "x": x,
                "axis": axis,
                "num_splits": num_splits,
                "split_sizes": split_sizes,
            },
        )

    def sqrt(self, x: Argument, *, name: str | None = None) -> Value:
        """The square root; NaN for negative numbers.

        The operation `sqrt` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("sqrt", name, {"x": x})

    def square(self, x: Argument, *, name: str | None = None) -> Value:
        """x * x.

        The operation `square` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("square", name, {"x": x})

    def squeeze(self, x: Argument, *, axes: Sequence[int] | None = None, name: str | None = None) -> Value:
        """x without those of the named axes that have length 1; the others stay.

        The operation `squeeze` (since iOS 15).

        Args:
            x: any shape.
            axes: may count from the end; all axes unless given.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("squeeze", name, {"x": x, "axes": axes})

    def stack(self, values: Sequence[Argument], axis: int, *, name: str | None = None) -> Value:
        """Stack along a new axis.

        The operation `stack` (since iOS 15).

        Args:
            values: arrays of equal shape.
            axis: the position of the new axis in the result; may count from the end.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("stack", name, {"values": values, "axis": axis})

    def sub(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """x - y, elementwise.

        The operation `sub` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("sub", name, {"x": x, "y": y})

    def tan(self, x: Argument, *, name: str | None = None) -> Value:
        """The tangent, in radians.

        The operation `tan` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("tan", name, {"x": x})

    def tanh(self, x: Argument, *, name: str | None = None) -> Value:
        """The hyperbolic tangent.

        The operation `tanh` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("tanh", name, {"x": x})

    def threshold(self, x: Argument, alpha: float, *, name: str | None = None) -> Value:
        """max(x, alpha).

        The operation `threshold` (since iOS 15).

        Args:
            x: any shape.
            alpha: the smallest result.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("threshold", name, {"x": x, "alpha": alpha})

    def thresholded_relu(self, x: Argument, alpha: float, *, name: str | None = None) -> Value:
        """x where x >= alpha, otherwise 0.

        The operation `thresholded_relu` (since iOS 15).

        Args:
            x: any shape.
            alpha: the smallest number that stays.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("thresholded_relu", name, {"x": x, "alpha": alpha})

    def tile(self, x: Argument, reps: Argument, *, name: str | None = None) -> Value:
        """x repeated as a whole along its axes.

        The operation `tile` (since iOS 15).

        Args:
            x: rank R.
            reps: integers [R], how often along each axis; known when the program is traced.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("tile", name, {"x": x, "reps": reps})

    def topk(
        self,
        x: Argument,
        *,
        k: int | None = None,
        axis: int | None = None,
        ascending: bool | None = None,
        sort: bool | None = None,
        return_indices: bool | None = None,
        output_indices_dtype: str | None = None,
        name: str | None = None,
    ) -> Value | tuple[Value, ...]:
        """The k largest numbers along an axis in descending order, or the k smallest ascending, and their positions.

        The operation `topk` (since iOS 15).

        Args:
            x: any rank >= 1.
            k: how many; -1 means all.
            axis: may count from the end.
            ascending: whether to return the smallest.
            sort: without it any order is allowed; the result is sorted anyway.
            return_indices: whether to return the positions too.
            output_indices_dtype: the type of the positions, int32 or uint16.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "topk",
            name,
            {
                "x": x,
                "k": k,
                "axis": axis,
                "ascending": ascending,
                "sort": sort,
                "return_indices": return_indices,
                "output_indices_dtype": output_indices_dtype,
            },
        )

    def transpose(self, x: Argument, perm: Sequence[int], *, name: str | None = None) -> Value:
        """The axes in another order: axis i of the result is axis perm[i] of x.

        The operation `transpose` (since iOS 15).

        Args:
            x: any rank R.
            perm: a permutation of the axes, which may count from the end.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("transpose", name, {"x": x, "perm": perm})

    def upsample_bilinear(
        self,
        x: Argument,
        *,
        scale_factor_height: float | None = None,
        scale_factor_width: float | None = None,
        align_corners: bool | None = None,
        half_pixel_centers: bool | None = None,
        name: str | None = None,
    ) -> Value:
        """An image scaled by factors, by bilinear interpolation.

        The operation `upsample_bilinear` (since iOS 15).

        Args:
            x: [..., height, width], rank 3 or more.
            scale_factor_height: a positive number; the new height is the product, rounded down.
            scale_factor_width: likewise.
            align_corners: whether the centres of the corner pixels match.
            half_pixel_centers: without `align_corners`, whether the outer edges of the corner pixels match, or the
                first sample is the first pixel. When absent, the opposite of `align_corners`.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "upsample_bilinear",
            name,
            {
                "x": x,
                "scale_factor_height": scale_factor_height,
                "scale_factor_width": scale_factor_width,
                "align_corners": align_corners,
                "half_pixel_centers": half_pixel_centers,
            },
        )

    def upsample_nearest_neighbor(
        self,
        x: Argument,
        *,
        scale_factor_height: float | None = None,
        scale_factor_width: float | None = None,
        name: str | None = None,
    ) -> Value:
        """An image scaled by factors; each new pixel is the old one in which it begins.

        The operation `upsample_nearest_neighbor` (since iOS 15).

        Args:
            x: [..., height, width], rank 3 or more.
            scale_factor_height: a positive number; the new height is the product, rounded down.
            scale_factor_width: likewise.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation(
            "upsample_nearest_neighbor",
            name,
            {
                "x": x,
                "scale_factor_height": scale_factor_height,
                "scale_factor_width": scale_factor_width,
            },
        )

    def write_state(self, input: Argument, data: Argument, *, name: str | None = None) -> None:
        """Give a state a new value, which later operations read.

        The operation `write_state` (since iOS 18).

        Args:
            input: the state.
            data: the value, of the same shape and type.
            name: The name of the operation and of its first result. Default: generated.
        """
        return self._operation("write_state", name, {"input": input, "data": data})
