"""A neural network written layer by layer.

builder = NeuralNetworkBuilder({"x": array(3, 8, 8)}, {"y": None})
builder.add("convolution", "conv", ["x"], ["h"], weights=w, bias=b, same={"asymmetry_mode": "BOTTOM_RIGHT_HEAVY"})
builder.add_activation("relu", "RELU", "h", "y")
builder.save("net.mlmodel")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from graphml import spec as files
from graphml.build import interface
from graphml.build.defaults import completed
from graphml.build.inspection import Inspection
from graphml.build.interface import Features, InterfaceMethods
from graphml.build.layer_methods import LayerMethods
from graphml.build.shapes import blob_shapes
from graphml.build.updating import UpdateMethods
from graphml.errors import GraphError, GraphmlError, UnsupportedError
from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.network_pb2 import NeuralNetwork

_KINDS = {None: "neuralNetwork", "classifier": "neuralNetworkClassifier", "regressor": "neuralNetworkRegressor"}


class NeuralNetworkBuilder(LayerMethods, InterfaceMethods, UpdateMethods, Inspection):
    """Builds a neural network: a valid Core ML model of the lowest specification version that its content needs.

    Args:
        input_features: {name: type} or [(name, type)]. A type is one of `datatypes`, a FeatureType message (`array`,
            `image`), or None for an array of unknown shape. Arrays of `datatypes`, and None in a list, are float64;
            None in a mapping is float32.
        output_features: The same for the outputs.
        mode: "classifier" (see `set_class_labels`) or "regressor" (which predicts the first output).
        spec: A Model message to add to. It is changed. Its inputs and outputs are replaced only if others are given.
        nn_spec: The NeuralNetwork message of a sub-network to fill in, such as `layer.branch.ifBranch`.
        disable_rank5_shape_mapping: Pass arrays to the layers with their declared shapes (specification 4).
            Otherwise this is done only if a layer needs it.
        training_features: [(name, type)] of the inputs of training.
        use_float_arraytype: Make float64 arrays float32.
        exact: The same as disable_rank5_shape_mapping; False leaves the mapping of the network as it is.
        class_labels: The labels of a classifier, strings or integers. Its outputs are then the label and a dictionary
            of probabilities, whatever types `output_features` has.
        probabilities: The blob of the probabilities, with class_labels. Default: the first of output_features.
        check: Infer the shapes after each layer, and refuse a layer that does not fit.

    Raises:
        GraphError: If both spec and nn_spec are given, spec is not a neural network, or the mode is unknown.
    """

    def __init__(
        self,
        input_features: Features | None = None,
        output_features: Features | None = None,
        mode: Literal["classifier", "regressor"] | None = None,
        spec: Model | None = None,
        nn_spec: NeuralNetwork | None = None,
        disable_rank5_shape_mapping: bool = False,
        training_features: Sequence[tuple[str, Any]] | None = None,
        use_float_arraytype: bool = False,
        *,
        exact: bool | None = None,
        class_labels: Sequence[str] | Sequence[int] | None = None,
        probabilities: str | None = None,
        check: bool = False,
    ) -> None:
        self._array_dtype = "float32" if use_float_arraytype else "float64"
        if nn_spec is not None:
            if spec is not None:
                raise GraphError("spec and nn_spec are both given; expected one of them")
            super().__init__(None, nn_spec, exact, check=False)
            return
        mode = "classifier" if class_labels is not None else mode
        if mode not in _KINDS:
            raise GraphError(f"mode is {mode!r}; expected one of {', '.join(map(repr, _KINDS))}")
        model = Model() if spec is None else spec
        kind = model.WhichOneof("Type")
        if kind not in (None, *_KINDS.values()):
            raise GraphError(f"spec is a {kind}; expected a neural network")
        network = getattr(model, _KINDS[mode] if kind is None else kind)
        network.SetInParent()
        # the layers of an existing network rely on its mapping
        exact = False if kind is not None else True if disable_rank5_shape_mapping else exact
        super().__init__(model, network, exact, check)
        self._declare(input_features, output_features, class_labels, probabilities)
        if training_features is not None:
            self.set_training_input(training_features)

    def _declare(
        self, inputs: Features | None, outputs: Features | None, labels: Any, probabilities: str | None
    ) -> None:
        description = self._whole.description
        for features, given in ((description.input, inputs), (description.output, outputs)):
            if given is not None:
                del features[:]
                if features is description.input or labels is None:
                    interface.declare(features, given, self._array_dtype)
        if labels is not None:
            names = list(outputs) if isinstance(outputs, Mapping) else [name for name, _ in outputs or ()]
            name = probabilities if probabilities is not None else next(iter(names), "probabilities")
            self._declare_classifier(labels, name)
        elif (
            self._whole.HasField("neuralNetworkRegressor")
            and description.output
            and not description.predictedFeatureName
        ):
            description.predictedFeatureName = description.output[0].name

    def add(
        self,
        kind: str,
        name: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        /,
        *,
        updatable: bool = False,
        **fields: Any,
    ) -> NeuralNetworkBuilder:
        """Append a layer of any kind.

        Args:
            kind: The kind, as the format spells it ("innerProduct").
            name: The name of the layer, unique in the network.
            inputs: The names of the blobs that the layer reads.
            outputs: The names of the blobs that the layer writes.
            updatable: Mark the layer and its weights for training.
            **fields: Attributes and weights, in snake_case or as the format spells them. Sizes and flags that follow
                from the weights are filled in, and so are defaults if only one value makes sense (a global pooling
                without padding, a reduction over all axes). Sub-networks of branches and loops are builders or network
                messages.

        Returns:
            The builder.

        Raises:
            SpecError: If a field is unknown or its value cannot be stored. The network is then unchanged.
            GraphError: If the name is taken or the layer has too few or too many blobs. The network is then unchanged.
        """
        count = len(self._network.layers)
        try:
            fields = dict(completed(kind, inputs, fields))
            self._append(kind, name, list(inputs), list(outputs), fields, updatable=updatable)
            self._check_shapes()
        except GraphmlError as error:
            del self._network.layers[count:]
            raise error.in_context(f"layer {name!r} ({kind}), number {count + 1}") from None
        return self

    # What has been built ---------------------------------------------------------------------------------------------

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """{blob: shape} of the inputs and of the outputs of all layers so far, as the layers see them.

        Shapes have rank 5 unless arrays keep their declared shapes. Nothing is computed, but each use of the property
        traces the whole network.

        Raises:
            GraphError: If an input has no declared shape.
            UnsupportedError: If a size depends on data.
            ShapeError: If a layer does not fit its inputs.
        """
        return blob_shapes(self.spec)

    def shape_of(self, blob: str) -> tuple[int, ...]:
        """The shape of one blob; see `shapes`.

        Raises:
            GraphError: If there is no such blob.
        """
        shapes = self.shapes
        if blob not in shapes:
            raise GraphError(f"there is no blob {blob!r}; the blobs are {', '.join(shapes) or 'none yet'}")
        return shapes[blob]

    def _check_shapes(self) -> None:
        if self._check:
            try:
                self.shapes  # noqa: B018  (raises)
            except UnsupportedError:
                return  # sizes may depend on data, and are then known only when the network runs

    def model(self) -> Any:
        """Load a copy of the network as a model that predicts, as `graphml.load` does."""
        from graphml.models import load

        copy = Model()
        copy.CopyFrom(self.spec)
        return load(copy)

    def save(self, path: str | Path) -> None:
        """Write the model to a file.

        Args:
            path: A .mlmodel file or a .mlpackage folder.
        """
        files.write(self.spec, path)
