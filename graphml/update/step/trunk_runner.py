"""The frozen trunk of a network, run over pieces of samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from graphml.models.graph_model import GraphModel
from graphml.update.data.samples import TrainingSamples
from graphml.update.step import failures, training
from graphml.update.step.programs import Programs


class TrunkRunner:
    """Computes what the trained tail reads of each sample: the blobs at the cut.

    Attributes:
        shapes: the shapes, for one sample, of the blobs that the losses read; empty before the first piece.
    """

    def __init__(
        self,
        model: GraphModel,
        programs: Programs,
        mesh: Mesh | None = None,
    ) -> None:
        """Prepare the weights of the trunk.

        Args:
            model: the network.
            programs: its compiled programs.
            mesh: several devices among which the rows of a piece are divided, along the first axis; None: the device of
                the programs.
        """
        parts = programs.parts
        used = {node.key for node in parts.trunk.graph.body.walk()} - parts.trunk.known
        params = {key: value for key, value in model.parameters.items() if key in used}
        prepared = programs.trunk.prepare(params)
        self._prepared = prepared if mesh is None else jax.device_put(prepared, NamedSharding(mesh, PartitionSpec()))
        self._params, self._programs, self._mesh = params, programs, mesh
        self._tail = parts.split(model.parameters)
        self._rows = 0
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, samples: TrainingSamples) -> Mapping[str, np.ndarray]:
        """The blobs at the cut, {blob: [samples, ...]}; empty for no samples.

        Raises:
            UpdateError: a layer cannot take these samples; the message names it.
        """
        parts = self._programs.parts
        if not samples.count:
            return {}
        with failures.as_update_errors(lambda: failures.faulty_in_trunk(parts, self._params, samples.inputs)):
            blobs = self._on_cores(samples) if self._mesh is None else self._on_devices(samples, self._mesh)
        if not self.shapes:
            with failures.as_update_errors():
                self.shapes = training.blob_shapes(parts, *self._tail, training.Data(blobs, samples.target))
        return blobs

    def _on_cores(self, samples: TrainingSamples) -> dict[str, np.ndarray]:
        rows = [{name: values[i] for name, values in samples.inputs.items()} for i in range(samples.count)]
        found = self._programs.trunk.run_rows(self._prepared, rows)
        return {name: np.stack([np.asarray(blobs[name]) for blobs in found]) for name in found[0]}

    def _on_devices(self, samples: TrainingSamples, mesh: Mesh) -> dict[str, np.ndarray]:
        """As `_on_cores`, in one call. Every piece is padded to the size of the first, so that all of them run in the
        same program."""
        count = samples.count
        self._rows = max(self._rows, -(-count // mesh.size) * mesh.size)
        missing = self._rows - count
        inputs: Any = {n: np.concatenate([v, np.repeat(v[-1:], missing, 0)]) for n, v in samples.inputs.items()}
        inputs = jax.device_put(inputs, NamedSharding(mesh, PartitionSpec(mesh.axis_names[0])))
        outputs = self._programs.trunk.run_stacked(self._prepared, inputs)
        return {name: np.asarray(blob)[:count] for name, blob in outputs.items()}
