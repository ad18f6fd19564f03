"""The methods of the program builder, one for each operation.

Generated from the table of operations and the operators. To change a method, change these and run `python generate.py`.
"""

from __future__ import annotations

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

    def logical_not(self, x: Argument, *, name: str | None = None) -> Value:
        """True where x is false.

        The operation `logical_not` (since iOS 15).

        Args:
            x: bools of any shape.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("logical_not", name, {"x": x})

    def read_state(self, input: Argument, *, name: str | None = None) -> Value:
        """The value of a state at this point of the program.

        The operation `read_state` (since iOS 18).

        Args:
            input: the state.
            name: The name of the operation and of its first result. Default: made up.
        """
        return self._operation("read_state", name, {"input": input})

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
