"""Reports about a conversion: before it (`Explanation`) and after it (`Conversion`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphml.convert.request import Input
from graphml.convert.source import OperatorUse

WAYS_OUT = (
    "check=False (--no-check) converts without this comparison, tolerance=... (--tolerance) accepts larger errors"
)
"""What can be done about a difference, in Python and on the command line."""


@dataclass(frozen=True)
class OutputCheck:
    """How much an output of the result differs from that of the source.

    Attributes:
        output: Its name.
        error: The largest difference, relative to the largest value of the source.
        largest: The largest value of the source.
        spread: The range of the values of the source. An error is as small as it seems only if it is small compared
            with this.
        labels: How many labels were compared; `error` is then the fraction that differs. 0: numbers were compared.
    """

    output: str
    error: float
    largest: float
    spread: float
    labels: int = 0

    def __str__(self) -> str:
        if self.labels:
            return f"{self.output}: {round(self.error * self.labels)} of {self.labels} labels differ"
        share = self.error * self.largest
        close = f", {share / self.spread:.2g} of their spread" if 0 < self.spread < self.largest / 10 else ""
        return f"{self.output}: largest difference {share:.3g}, {self.error:.2g} of the largest number{close}"


@dataclass(frozen=True)
class Check:
    """The comparison of a result with its source.

    Attributes:
        outputs: One for each output, for the inputs on which it differs most.
        shapes: Descriptions of the input shapes that were tried.
        notes: What could not be compared, and why.
    """

    outputs: tuple[OutputCheck, ...]
    shapes: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def error(self) -> float:
        """The largest relative error; 0 if nothing could be compared."""
        return max((output.error for output in self.outputs), default=0.0)


@dataclass(frozen=True)
class Conversion:
    """How a model was converted.

    Attributes:
        source: A description of what was converted.
        to: "neuralnetwork" or "mlprogram", or the kind of the model that an estimator became.
        by: The converter, with its version.
        lines: What each part of the source became, where this is known.
        notes: Notes for the caller.
        trainable: The layers that can be trained on a device.
        check: The comparison with the source; None if it was not requested.
    """

    source: str
    to: str
    by: str
    lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    trainable: tuple[str, ...] = ()
    check: Check | None = None

    def __str__(self) -> str:
        found = [f"{self.source} -> {self.to}, by {self.by}"]
        if self.lines:
            found.append(f"nodes that became layers: {len(self.lines)}")
        if self.trainable:
            found.append(f"trainable: {', '.join(self.trainable)}")
        if self.check is None:
            found.append("not compared with the source")
        else:
            found += [f"compared with the source for {shape}" for shape in self.check.shapes]
            found += [f"  {output}" for output in self.check.outputs] + list(self.check.notes)
        return "\n".join([*found, *self.notes])


@dataclass(frozen=True)
class Explanation:
    """What a conversion would do.

    Attributes:
        source: A description of the source.
        inputs: {name: input}.
        operators: The operators of the source; those that cannot be converted come first.
        weights: The number of elements of all weights.
        trainable: The names of the weights that would be trainable.
    """

    source: str
    inputs: Mapping[str, Input]
    operators: tuple[OperatorUse, ...]
    weights: int
    trainable: tuple[str, ...] = ()

    @property
    def unsupported(self) -> tuple[OperatorUse, ...]:
        """The operators that cannot be converted."""
        return tuple(use for use in self.operators if use.unsupported)

    @property
    def dynamic(self) -> Mapping[str, Input]:
        """The inputs whose shapes may change."""
        return {name: one for name, one in self.inputs.items() if one.flexible}

    def __str__(self) -> str:
        found = [self.source, *(f"input {name}: {one}" for name, one in self.inputs.items())]
        found += ["operators:", *(f"  {use}" for use in self.operators)]
        if self.weights:
            found += [f"weights: {self.weights:,} numbers"]
            found += [f"trainable: {', '.join(self.trainable) or 'nothing'}"]
        missing = len(self.unsupported)
        found += [f"{missing} kinds of operators cannot be converted" if missing else "every operator can be converted"]
        return "\n".join(found)
