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
from graphml.build.interface import InterfaceMethods
from graphml.build.layer_methods import LayerMethods
from graphml.build.shapes import blob_shapes
from graphml.build.updating import UpdateMethods
from graphml.errors import GraphError, GraphmlError, UnsupportedError, with_article
from graphml.spec.wire.model_pb2 import Model
from graphml.spec.wire.network_pb2 import NeuralNetwork

Features = Mapping[str, Any] | Sequence[tuple[str, Any]]

_KINDS = {None: "neuralNetwork", "classifier": "neuralNetworkClassifier", "regressor": "neuralNetworkRegressor"}


class NeuralNetworkBuilder(LayerMethods, InterfaceMethods, UpdateMethods, Inspection):
    """Builds the specification of a network; what it writes is a valid Core ML file of the lowest version possible.

    input_features, output_features: {name: type} or [(name, type)]. A type is one of `datatypes`, a FeatureType message
    (`array`, `image`) or None for an array of unknown shape. Arrays of `datatypes`, and None in a list, are doubles, or
    float32 with use_float_arraytype; None in a mapping is float32.
    mode: "classifier" (then see `set_class_labels`) or "regressor" (whose answer is the first output).
    spec: a Model message to build on, which is changed; features are given only to replace its own.
    nn_spec: the NeuralNetwork message of a sub-network to fill in, such as `layer.branch.ifBranch`.
    disable_rank5_shape_mapping: keep the shapes of arrays as they are (specification 4); otherwise they are kept when a
    layer needs it. exact: the same, or False to leave the mapping alone.
    training_features: what training takes beside the inputs. class_labels: makes the network a classifier at once;
    `probabilities` then names the blob that holds them, and outputs are the label and the dictionary.
    check: infer the shapes after each layer, so that a layer that does not fit is refused when it is added.
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
                raise GraphError("spec is a model and nn_spec a sub-network; a builder works on one of them")
            super().__init__(None, nn_spec, exact, check=False)
            return
        mode = "classifier" if class_labels is not None else mode
        if mode not in _KINDS:
            raise GraphError(f"mode is {mode!r}, which is none of {', '.join(map(repr, _KINDS))}")
        model = Model() if spec is None else spec
        kind = model.WhichOneof("Type")
        if kind not in (None, *_KINDS.values()):
            raise GraphError(f"spec is {with_article(kind)}, not a neural network")
        network = getattr(model, _KINDS[mode] if kind is None else kind)
        network.SetInParent()
        # the mapping of a network that is there already belongs to its layers
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
            interface.declare_outputs_of_classifier(self, labels, name)
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
        """Append a layer of any kind and return the builder.

        kind: the wire name ("innerProduct"). fields: its attributes and weights in snake_case or as on the wire; sizes
        and flags that follow from the weights are filled in, and so is what the format wants where one value goes
        without saying (a global pooling without padding, a reduction of all axes). Sub-networks of branches and loops
        are builders or NeuralNetwork messages. updatable: marks the layer and its weights for training.
        Raises SpecError or GraphError at the offending call, naming the layer.
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
        """{blob: shape} of the inputs and of all that the layers so far write, as the layers see them: of rank 5 unless
        the mapping is exact.

        Nothing is computed, but the whole network is traced at each use. Raises GraphError where an input has no
        declared shape, UnsupportedError where a size depends on data, ShapeError naming a layer that does not fit.
        """
        return blob_shapes(self.spec)

    def shape_of(self, blob: str) -> tuple[int, ...]:
        """The shape of one blob; see `shapes`. Raises GraphError for a blob that is not there."""
        shapes = self.shapes
        if blob not in shapes:
            raise GraphError(f"there is no blob {blob!r}; there are {', '.join(shapes) if shapes else 'none'}")
        return shapes[blob]

    def _check_shapes(self) -> None:
        if self._check:
            try:
                self.shapes  # noqa: B018  (raises)
            except UnsupportedError:
                return  # sizes that depend on data are legal, and known only when it runs

    def model(self) -> Any:
        """The network as a model that predicts: `graphml.load` of a copy of the specification."""
        from graphml.models import load

        copy = Model()
        copy.CopyFrom(self.spec)
        return load(copy)

    def save(self, path: str | Path) -> None:
        """Write the model to a .mlmodel file or .mlpackage folder."""
        files.write(self.spec, path)
