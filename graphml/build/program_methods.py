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
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("abs", name, {"x": x})

    def acos(self, x: Argument, *, name: str | None = None) -> Value:
        """The inverse of the cosine, from 0 to pi; NaN beyond -1 and 1.

        The operation `acos` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("acos", name, {"x": x})

    def add(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """x + y, elementwise.

        The operation `add` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("add", name, {"x": x, "y": y})

    def asin(self, x: Argument, *, name: str | None = None) -> Value:
        """The inverse of the sine, from -pi/2 to pi/2; NaN beyond -1 and 1.

        The operation `asin` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("asin", name, {"x": x})

    def atan(self, x: Argument, *, name: str | None = None) -> Value:
        """The inverse of the tangent, from -pi/2 to pi/2.

        The operation `atan` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("atan", name, {"x": x})

    def atanh(self, x: Argument, *, name: str | None = None) -> Value:
        """The inverse of the hyperbolic tangent; infinite at -1 and 1, NaN beyond.

        The operation `atanh` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("atanh", name, {"x": x})

    def cast(self, x: Argument, dtype: str, *, name: str | None = None) -> Value:
        """The numbers of x in another type.

        The operation `cast` (since iOS 15).

        Args:
            x: any shape.
            dtype: bool, fp16, fp32, int32, and from iOS 17 on int16, int8, uint16 and uint8. Any number but 0 is true.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("cast", name, {"x": x, "dtype": dtype})

    def ceil(self, x: Argument, *, name: str | None = None) -> Value:
        """The smallest integer that is not below x.

        The operation `ceil` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("ceil", name, {"x": x})

    def clip(self, x: Argument, alpha: float, beta: float, *, name: str | None = None) -> Value:
        """min(max(x, alpha), beta).

        The operation `clip` (since iOS 15).

        Args:
            x: any shape.
            alpha: the smallest result, unless beta is smaller.
            beta: the largest result.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("clip", name, {"x": x, "alpha": alpha, "beta": beta})

    def conv(
        self,
        x: Argument,
        weight: Argument,
        *,
        bias: Argument | None = None,
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
            pad_type: `valid` (no zeros), `same` (ceil(size / stride) windows, with zeros on both sides, the odd one at
                the end), `same_lower` (the odd one at the start; iOS 16) or `custom` (zeros as `pad` says).
            pad: zeros before and after each axis; used by `custom` alone.
            dilations: spread the kernel.
            groups: parts of the channels that are convolved separately.
            name: The name of the operation and of its first result. Default: made up.
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
        *,
        bias: Argument | None = None,
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
            quantization_type: `linear`. With `lut` the format has no parameter for the table, so that is refused.
            quant_scale: one number, or one for each output channel.
            quant_bias: as quant_scale.
            bias: [out].
            nbits: bits of a code; each fills a byte here, so they are not needed.
            strides: as in `conv`.
            pad_type: as in `conv`; `valid` when absent.
            pad: as in `conv`.
            dilations: as in `conv`.
            groups: as in `conv`; 1 when absent.
            name: The name of the operation and of its first result. Default: made up.
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
        *,
        bias: Argument | None = None,
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
                both ends lose equally much, the end one more; what the kernel does not reach, at the end, is zero.
            pad_type: `valid` (nothing is cut off), `same` (size * stride elements are left, the end loses the odd one),
                `same_lower` (the start loses it) or `custom`.
            strides: elements of the result from one element of x to the next; 1 when absent.
            dilations: spread the kernel.
            groups: parts of the channels that are convolved separately.
            name: The name of the operation and of its first result. Default: made up.
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
        """The cosine, of radians.

        The operation `cos` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("cos", name, {"x": x})

    def cosh(self, x: Argument, *, name: str | None = None) -> Value:
        """The hyperbolic cosine.

        The operation `cosh` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("cosh", name, {"x": x})

    def equal(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether x = y; false for NaN, elementwise.

        The operation `equal` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("equal", name, {"x": x, "y": y})

    def erf(self, x: Argument, *, name: str | None = None) -> Value:
        """The error function, 2 / sqrt(pi) * integral of exp(-t^2) from 0 to x.

        The operation `erf` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("erf", name, {"x": x})

    def exp(self, x: Argument, *, name: str | None = None) -> Value:
        """e to the power of x.

        The operation `exp` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("exp", name, {"x": x})

    def exp2(self, x: Argument, *, name: str | None = None) -> Value:
        """2 to the power of x. Of integers it is an integer again, and a negative power gives 0.

        The operation `exp2` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("exp2", name, {"x": x})

    def floor(self, x: Argument, *, name: str | None = None) -> Value:
        """The largest integer that is not above x.

        The operation `floor` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("floor", name, {"x": x})

    def floor_div(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """x / y, rounded down and not towards 0, elementwise.

        The operation `floor_div` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the divisor, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("floor_div", name, {"x": x, "y": y})

    def greater(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether x > y; false for NaN, elementwise.

        The operation `greater` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("greater", name, {"x": x, "y": y})

    def greater_equal(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether x >= y; false for NaN, elementwise.

        The operation `greater_equal` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("greater_equal", name, {"x": x, "y": y})

    def gru(
        self,
        x: Argument,
        initial_h: Argument,
        weight_ih: Argument,
        weight_hh: Argument,
        *,
        bias: Argument | None = None,
        direction: str | None = None,
        output_sequence: bool | None = None,
        recurrent_activation: str | None = None,
        activation: str | None = None,
        reset_after: bool | None = None,
        input_bias: Argument | None = None,
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
            direction: see `gru`.
            output_sequence: see `gru`.
            recurrent_activation: see `gru`.
            activation: see `gru`.
            reset_after: whether the reset scales the product with the state and its bias; absent, it scales the state.
            input_bias: b', beside the product with the input, stored as [3 * size].
            name: The name of the operation and of its first result. Default: made up.
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
                "direction": direction,
                "output_sequence": output_sequence,
                "recurrent_activation": recurrent_activation,
                "activation": activation,
                "reset_after": reset_after,
                "input_bias": input_bias,
            },
        )

    def identity(self, x: Argument, *, name: str | None = None) -> Value:
        """A value under another name.

        The operation `identity` (since iOS 15).

        Args:
            x: any value.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("identity", name, {"x": x})

    def inverse(self, x: Argument, *, epsilon: float | None = None, name: str | None = None) -> Value:
        """1 / (x + epsilon), which is 10000 at 0 unless the file says otherwise.

        The operation `inverse` (since iOS 15).

        Args:
            x: any shape.
            epsilon: added to x; the number that the file stores, in half precision too.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("inverse", name, {"x": x, "epsilon": epsilon})

    def less(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether x < y; false for NaN, elementwise.

        The operation `less` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("less", name, {"x": x, "y": y})

    def less_equal(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether x <= y; false for NaN, elementwise.

        The operation `less_equal` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("less_equal", name, {"x": x, "y": y})

    def log(self, x: Argument, *, epsilon: float | None = None, name: str | None = None) -> Value:
        """The natural logarithm of x + epsilon, NaN where that is negative.

        The operation `log` (since iOS 15).

        Args:
            x: any shape.
            epsilon: added to x; the number that the file stores, in half precision too. The usual 1e-45 matters at 0
                only, where the result is -103.28; half precision stores it as 0, and the result is -infinity.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("log", name, {"x": x, "epsilon": epsilon})

    def logical_and(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether x and y are both true, elementwise.

        The operation `logical_and` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("logical_and", name, {"x": x, "y": y})

    def logical_not(self, x: Argument, *, name: str | None = None) -> Value:
        """True where x is false.

        The operation `logical_not` (since iOS 15).

        Args:
            x: bools of any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("logical_not", name, {"x": x})

    def logical_or(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether at least one of x and y is true, elementwise.

        The operation `logical_or` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("logical_or", name, {"x": x, "y": y})

    def logical_xor(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether exactly one of x and y is true, elementwise.

        The operation `logical_xor` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("logical_xor", name, {"x": x, "y": y})

    def lstm(
        self,
        x: Argument,
        initial_h: Argument,
        initial_c: Argument,
        weight_ih: Argument,
        weight_hh: Argument,
        *,
        bias: Argument | None = None,
        peephole: Argument | None = None,
        weight_ih_back: Argument | None = None,
        weight_hh_back: Argument | None = None,
        bias_back: Argument | None = None,
        peephole_back: Argument | None = None,
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
            clip: the cell is clipped to [-clip, clip]; None leaves it as it is.
            name: The name of the operation and of its first result. Default: made up.
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

    def maximum(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """The larger of x and y; NaN where one of them is NaN, elementwise.

        The operation `maximum` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("maximum", name, {"x": x, "y": y})

    def minimum(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """The smaller of x and y; NaN where one of them is NaN, elementwise.

        The operation `minimum` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("minimum", name, {"x": x, "y": y})

    def mod(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """The remainder of x divided by y, elementwise; it has the sign of y, as in Python.

        The operation `mod` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the divisor, of the same type; 0 gives NaN, of integers 0.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("mod", name, {"x": x, "y": y})

    def mul(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """x * y, elementwise.

        The operation `mul` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("mul", name, {"x": x, "y": y})

    def not_equal(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """Whether x != y; true for NaN, elementwise.

        The operation `not_equal` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("not_equal", name, {"x": x, "y": y})

    def pow(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """x to the power of y, elementwise; NaN for fractional powers of negative numbers.

        The operation `pow` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the exponent, of the same type. Derivatives in y are 0 where x is not positive.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("pow", name, {"x": x, "y": y})

    def read_state(self, input: Argument, *, name: str | None = None) -> Value:
        """The value of a state at this point of the program.

        The operation `read_state` (since iOS 18).

        Args:
            input: the state.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("read_state", name, {"input": input})

    def real_div(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """x / y, elementwise, where division by 0 gives an infinity or NaN.

        The operation `real_div` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the divisor, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("real_div", name, {"x": x, "y": y})

    def rnn(
        self,
        x: Argument,
        initial_h: Argument,
        weight_ih: Argument,
        weight_hh: Argument,
        *,
        bias: Argument | None = None,
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
            name: The name of the operation and of its first result. Default: made up.
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
        """The nearest integer; of two equally near ones the even one (the format leaves that open).

        The operation `round` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("round", name, {"x": x})

    def rsqrt(self, x: Argument, *, epsilon: float | None = None, name: str | None = None) -> Value:
        """1 / sqrt(x + epsilon), NaN where that is negative.

        The operation `rsqrt` (since iOS 15).

        Args:
            x: any shape.
            epsilon: added to x; the number that the file stores, in half precision too, where the usual 1e-12 is 0.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("rsqrt", name, {"x": x, "epsilon": epsilon})

    def select(self, cond: Argument, a: Argument, b: Argument, *, name: str | None = None) -> Value:
        """a where a condition is true, b elsewhere.

        The operation `select` (since iOS 15).

        Args:
            cond: bools, of a shape that broadcasts against those of a and b.
            a: what is chosen where the condition is true.
            b: what is chosen elsewhere, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("select", name, {"cond": cond, "a": a, "b": b})

    def sign(self, x: Argument, *, name: str | None = None) -> Value:
        """1 for positive numbers, -1 for negative ones, 0 for 0.

        The operation `sign` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("sign", name, {"x": x})

    def sin(self, x: Argument, *, name: str | None = None) -> Value:
        """The sine, of radians.

        The operation `sin` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("sin", name, {"x": x})

    def sinh(self, x: Argument, *, name: str | None = None) -> Value:
        """The hyperbolic sine.

        The operation `sinh` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("sinh", name, {"x": x})

    def softmax(self, x: Argument, *, axis: int | None = None, name: str | None = None) -> Value:
        """Exponentials that sum up to 1 along an axis.

        The operation `softmax` (since iOS 15).

        Args:
            x: any shape of rank 1 or more.
            axis: the axis; negative ones count from the end.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("softmax", name, {"x": x, "axis": axis})

    def sqrt(self, x: Argument, *, name: str | None = None) -> Value:
        """The square root; NaN for negative numbers.

        The operation `sqrt` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("sqrt", name, {"x": x})

    def square(self, x: Argument, *, name: str | None = None) -> Value:
        """x * x.

        The operation `square` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("square", name, {"x": x})

    def sub(self, x: Argument, y: Argument, *, name: str | None = None) -> Value:
        """x - y, elementwise.

        The operation `sub` (since iOS 15).

        Args:
            x: a shape that broadcasts against that of y.
            y: the other operand, of the same type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("sub", name, {"x": x, "y": y})

    def tan(self, x: Argument, *, name: str | None = None) -> Value:
        """The tangent, of radians.

        The operation `tan` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("tan", name, {"x": x})

    def tanh(self, x: Argument, *, name: str | None = None) -> Value:
        """The hyperbolic tangent.

        The operation `tanh` (since iOS 15).

        Args:
            x: any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("tanh", name, {"x": x})

    def threshold(self, x: Argument, alpha: float, *, name: str | None = None) -> Value:
        """max(x, alpha).

        The operation `threshold` (since iOS 15).

        Args:
            x: any shape.
            alpha: the smallest result.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("threshold", name, {"x": x, "alpha": alpha})

    def write_state(self, input: Argument, data: Argument, *, name: str | None = None) -> None:
        """Give a state another value, which operations after this one read.

        The operation `write_state` (since iOS 18).

        Args:
            input: the state.
            data: the value, of the same shape and type.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("write_state", name, {"input": input, "data": data})
