"""The frozen trunk of a network, run over pieces of samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jax.sharding import Sharding

from graphml.models.configuration import Device
from graphml.models.graph_model import GraphModel
from graphml.update.data.samples import TrainingSamples
from graphml.update.step import failures, training
from graphml.update.step.programs import Programs


class TrunkRunner:
    """Computes what the trained tail reads of each sample: the blobs at the cut.

    Every piece is padded to the size of the first, so that all of them run in the same program.

    Attributes:
        shapes: the shapes, for one sample, of the blobs that the losses read; empty before the first piece.
    """

    def __init__(
        self,
        model: GraphModel,
        programs: Programs,
        *,
        place: Device | Sharding | None,
        split: Sharding | None = None,
        multiple: int = 1,
    ) -> None:
        """Prepare the weights of the trunk.

        Args:
            model: the network.
            programs: its compiled programs.
            place: where the weights go.
            split: how the rows of a piece are divided among devices; None leaves that to the program.
            multiple: the padded size of a piece is a multiple of this, the number of these devices.
        """
        parts = programs.parts
        used = {node.key for node in parts.trunk.graph.body.walk()} - parts.trunk.known
        self._params = jax.device_put({key: value for key, value in model.parameters.items() if key in used}, place)
        self._programs, self._split, self._multiple = programs, split, multiple
        self._tail = parts.split(model.parameters)
        self._rows = 0
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, samples: TrainingSamples) -> Mapping[str, np.ndarray]:
        """The blobs at the cut, {blob: [samples, ...]}; empty for no samples.

        Raises:
            UpdateError: a layer cannot take these samples; the message names it.
        """
        count, parts = samples.count, self._programs.parts
        if not count:
            return {}
        self._rows = max(self._rows, -(-count // self._multiple) * self._multiple)
        missing = self._rows - count
        inputs: Any = {n: np.concatenate([v, np.repeat(v[-1:], missing, 0)]) for n, v in samples.inputs.items()}
        if self._split is not None:
            inputs = jax.device_put(inputs, self._split)
        with failures.as_update_errors(lambda: failures.faulty_in_trunk(parts, self._params, inputs)):
            blobs = {n: np.asarray(blob)[:count] for n, blob in self._programs.trunk(self._params, inputs).items()}
        if not self.shapes:
            with failures.as_update_errors():
                self.shapes = training.blob_shapes(parts, *self._tail, training.Data(blobs, samples.target))
        return blobs
