"""The builder's methods for a model's interface: inputs, outputs, classes, images and metadata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Self, cast

import numpy as np

from graphml.build import preprocessing
from graphml.build.core import Core
from graphml.build.datatypes import Dtype, array, feature_type
from graphml.errors import GraphError, SpecError
from graphml.spec.enums import enum_name
from graphml.spec.wire.features_pb2 import FeatureType

# The inputs or outputs of a model with their types: {name: type} or [(name, type)].
Features = Mapping[str, Any] | Sequence[tuple[str, Any]]


class InterfaceMethods(Core):
    """Methods for what a model declares apart from its layers."""

    _array_dtype: Dtype

    # Inputs and outputs ----------------------------------------------------------------------------------------------

    def set_input(self, input_names: Sequence[str], input_dims: Sequence[Sequence[int]]) -> None:
        """Rename the inputs and declare their shapes.

        Args:
            input_names: The new names, in the order of the inputs.
            input_dims: A shape for each of them. Unless arrays keep their declared shapes, it is [channels],
                [sequence, channels] (of which only the channels are declared) or [channels, height, width].

        Raises:
            SpecError: If a shape has another rank.
            GraphError: If there are more names than inputs, or not as many shapes as names.
        """
        shapes = [tuple(dims) for dims in input_dims]
        if not self._exact:
            wrong = next((shape for shape in shapes if not 1 <= len(shape) <= 3), None)
            if wrong is not None:
                raise SpecError(
                    f"input shape {list(wrong)} has rank {len(wrong)}; expected 1 to 3, as rank-5 mapping is enabled"
                )
            shapes = [shape[1:] if len(shape) == 2 else shape for shape in shapes]
        self._name_and_shape(self._whole.description.input, input_names, shapes, "input")

    def set_output(self, output_names: Sequence[str], output_dims: Sequence[Sequence[int]]) -> None:
        """Rename the outputs and declare their shapes.

        Args:
            output_names: The new names, in the order of the outputs.
            output_dims: A shape for each of them.

        Raises:
            GraphError: If there are more names than outputs, or not as many shapes as names.
        """
        self._name_and_shape(self._whole.description.output, output_names, output_dims, "output")

    def _name_and_shape(self, features: Any, names: Sequence[str], shapes: Sequence[Any], what: str) -> None:
        if len(names) != len(shapes) or len(names) > len(features):
            raise GraphError(
                f"got {len(names)} names and {len(shapes)} shapes for the {len(features)} {what}s of the model"
            )
        for feature, name, shape in zip(features, names, shapes, strict=False):
            feature.name = name
            feature.type.CopyFrom(array(*(int(size) for size in shape), dtype=self._array_dtype))

    def set_training_input(self, training_input: Sequence[tuple[str, Any]]) -> None:
        """Declare the inputs of training, in place of those declared before.

        Args:
            training_input: [(name, type)]; see `NeuralNetworkBuilder` for types.
        """
        features = self._whole.description.trainingInput
        del features[:]
        for name, kind in training_input:
            features.add(name=name).type.CopyFrom(feature_type(kind, self._array_dtype))

    def set_optional_input(self, input_idx: int, value: float | None = None, format: str | None = None) -> None:
        """Make an input optional.

        Args:
            input_idx: The position of the input.
            value: The value of its elements if the input is left out (specification 5).
            format: "float", "double" or "int"; must match the dtype of the input. Default: the format that matches.

        Raises:
            GraphError: If there is no input at the position.
            SpecError: If the format is unknown or does not match, or a value is given for an input that is not an
                array.
        """
        inputs = self._whole.description.input
        if not 0 <= input_idx < len(inputs):
            raise GraphError(f"there is no input at position {input_idx}; the model has {len(inputs)}")
        if format is not None and format.lower() not in ("float", "double", "int"):
            raise SpecError(f"format must be one of float, double, int, got {format!r}")
        if value is not None:
            _set_default(inputs[input_idx], value, format)
        inputs[input_idx].type.isOptional = True

    def add_optionals(self, optionals_in: Sequence[tuple[str, Any]], optionals_out: Sequence[tuple[str, Any]]) -> None:
        """Declare more inputs, which may be left out, and more outputs. All are arrays.

        Args:
            optionals_in: [(name, shape)] of the inputs. A shape may also be a single size, or None: not declared.
            optionals_out: [(name, shape)] of the outputs.
        """
        description = self._whole.description
        for features, given, optional in (
            (description.input, optionals_in, True),
            (description.output, optionals_out, False),
        ):
            for name, shape in given or ():
                sizes = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
                kind = array(*sizes, dtype=self._array_dtype, optional=optional)
                features.add(name=name).type.CopyFrom(kind)

    # Classes ---------------------------------------------------------------------------------------------------------

    def set_class_labels(
        self,
        class_labels: Sequence[str] | Sequence[int],
        predicted_feature_name: str = "classLabel",
        prediction_blob: str = "",
    ) -> None:
        """Set the labels of a classifier.

        The first output becomes the dictionary of probabilities, and an output for the label is added.

        Args:
            class_labels: A string or an integer for each probability.
            predicted_feature_name: The name of the output for the label.
            prediction_blob: The blob of the probabilities. Default: the first output of the last layer.

        Raises:
            GraphError: If the network is not a classifier, has no output, or has no layer to take the blob from.
            SpecError: If there are no labels, or not all of them are strings or all integers.
        """
        description, network = self._whole.description, self._network
        if "ClassLabels" not in network.DESCRIPTOR.oneofs_by_name:
            raise GraphError("only a classifier has class labels; create the builder with mode='classifier'")
        if not description.output:
            raise GraphError("the model has no output for the probabilities")
        blob = prediction_blob
        if not blob:
            blob = next((layer.output[0] for layer in reversed(network.layers) if layer.output), "")
        if not blob:
            raise GraphError("no layer has an output yet; add the layers first, or give prediction_blob")
        strings = are_strings(class_labels)
        probabilities = description.output[0]
        label = next((f for f in description.output if f.name == predicted_feature_name), None)
        if label is None:
            label = description.output.add(name=predicted_feature_name)
        network.ClearField("stringClassLabels" if not strings else "int64ClassLabels")
        vector = (network.stringClassLabels if strings else network.int64ClassLabels).vector
        del vector[:]
        vector.extend(class_labels if strings else [int(value) for value in class_labels])
        network.labelProbabilityLayerName = blob
        declare_classes(label.type, probabilities.type, strings=strings)
        description.predictedFeatureName = predicted_feature_name
        description.predictedProbabilitiesName = probabilities.name

    def _declare_classifier(self, labels: Sequence[Any], probabilities: str) -> None:
        """Declare the two outputs of a new classifier: the label, and the dictionary of the blob `probabilities`."""
        description, network = self._whole.description, self._network
        strings = are_strings(labels)
        (network.stringClassLabels if strings else network.int64ClassLabels).vector.extend(labels)
        network.labelProbabilityLayerName = probabilities
        label, dictionary = description.output.add(name="classLabel"), description.output.add(name=probabilities)
        declare_classes(label.type, dictionary.type, strings=strings)
        description.predictedFeatureName = "classLabel"
        description.predictedProbabilitiesName = probabilities

    # Images ----------------------------------------------------------------------------------------------------------

    def preprocess(
        self,
        image: str = "",
        *,
        scale: float | None = None,
        red_bias: float = 0.0,
        green_bias: float = 0.0,
        blue_bias: float = 0.0,
        gray_bias: float = 0.0,
        mean_image: np.ndarray | None = None,
    ) -> Self:
        """Preprocess an image input: the layers see pixel * scale + bias, or pixel - mean_image.

        Args:
            image: The name of the input; "" means the only image.
            scale: The factor; 1 by default.
            red_bias: Added to the red channel after scaling.
            green_bias: Added to the green channel after scaling.
            blue_bias: Added to the blue channel after scaling.
            gray_bias: Added to the channel of a grayscale image after scaling.
            mean_image: An image [channels, height, width] to subtract instead.

        Returns:
            The builder.
        """
        step = self._network.preprocessing.add(featureName=image)
        if mean_image is not None:
            step.meanImage.meanImage.extend(np.asarray(mean_image, np.float32).ravel().tolist())
        else:
            step.scaler.channelScale = 1.0 if scale is None else scale
            step.scaler.redBias, step.scaler.greenBias, step.scaler.blueBias = red_bias, green_bias, blue_bias
            step.scaler.grayBias = gray_bias
        return self

    def set_pre_processing_parameters(
        self,
        image_input_names: Sequence[str] | None = None,
        is_bgr: bool | Mapping[str, bool] = False,
        red_bias: float | Mapping[str, float] = 0.0,
        green_bias: float | Mapping[str, float] = 0.0,
        blue_bias: float | Mapping[str, float] = 0.0,
        gray_bias: float | Mapping[str, float] = 0.0,
        image_scale: float | Mapping[str, float] = 1.0,
        image_format: str = "NCHW",
    ) -> None:
        """Turn array inputs into images and preprocess them: the layers see pixel * image_scale + bias.

        Each setting is one value for all of them, or {input: value}.

        Args:
            image_input_names: The inputs, of rank 3 or 4 and with 1 or 3 channels.
            is_bgr: Whether three channels are blue, green, red.
            red_bias: Added to the red channel after scaling.
            green_bias: Added to the green channel after scaling.
            blue_bias: Added to the blue channel after scaling.
            gray_bias: Added to the channel of a grayscale image after scaling.
            image_scale: The factor.
            image_format: "NCHW" or "NHWC": the layout of the arrays. For "NHWC" a transpose of the image is added to
                the network, or one at its beginning is removed.

        Raises:
            SpecError: If the shape of an input is not that of an image.
            GraphError: If there is no such input, or a setting is for an input that is not listed.
        """
        settings = {
            "red_bias": red_bias,
            "green_bias": green_bias,
            "blue_bias": blue_bias,
            "gray_bias": gray_bias,
            "scale": image_scale,
        }
        names = [image_input_names] if isinstance(image_input_names, str) else list(image_input_names or ())
        for setting in (is_bgr, *settings.values()):
            unknown = set(setting) - set(names) if isinstance(setting, Mapping) else ()
            if unknown:
                raise GraphError(
                    f"there are settings for {', '.join(sorted(unknown))}, not listed in image_input_names"
                )
        inputs = {feature.name: feature for feature in self._whole.description.input}
        for name in names:
            if name not in inputs:
                raise GraphError(f"there is no input {name!r}; the inputs are {', '.join(inputs) or 'none'}")
            own = {key: _setting(value, name, key) for key, value in settings.items()}
            preprocessing.make_image(self, inputs[name], bool(_setting(is_bgr, name, "is_bgr")), image_format)
            self.preprocess(name, **own)

    # Metadata ------------------------------------------------------------------------------------------------

    @property
    def short_description(self) -> str:
        """A sentence or two about the model."""
        return self._whole.description.metadata.shortDescription

    @short_description.setter
    def short_description(self, text: str) -> None:
        self._whole.description.metadata.shortDescription = text

    @property
    def author(self) -> str:
        """The author of the model."""
        return self._whole.description.metadata.author

    @author.setter
    def author(self, text: str) -> None:
        self._whole.description.metadata.author = text

    @property
    def license(self) -> str:
        """The license of the model."""
        return self._whole.description.metadata.license

    @license.setter
    def license(self, text: str) -> None:
        self._whole.description.metadata.license = text

    @property
    def version(self) -> str:
        """The author's own version of the model."""
        return self._whole.description.metadata.versionString

    @version.setter
    def version(self, text: str) -> None:
        self._whole.description.metadata.versionString = text

    @property
    def user_defined_metadata(self) -> MutableMapping[str, str]:
        """Other metadata: {key: text}."""
        return self._whole.description.metadata.userDefined

    @property
    def input_description(self) -> MutableMapping[str, str]:
        """{input: description}. Descriptions may be set, inputs may not be added."""
        return _Descriptions(self._whole.description.input)

    @property
    def output_description(self) -> MutableMapping[str, str]:
        """{output: description}. Descriptions may be set, outputs may not be added."""
        return _Descriptions(self._whole.description.output)


class _Descriptions(MutableMapping[str, str]):
    """The short descriptions of features, by name."""

    def __init__(self, features: Any) -> None:
        self._features = features

    def _feature(self, name: str) -> Any:
        found = next((feature for feature in self._features if feature.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    def __getitem__(self, name: str) -> str:
        return self._feature(name).shortDescription

    def __setitem__(self, name: str, text: str) -> None:
        self._feature(name).shortDescription = text

    def __delitem__(self, name: str) -> None:
        self._feature(name).ClearField("shortDescription")

    def __iter__(self) -> Iterator[str]:
        return iter([feature.name for feature in self._features])

    def __len__(self) -> int:
        return len(self._features)


_FORMATS = {"DOUBLE": "double", "FLOAT32": "float", "FLOAT16": "float", "INT32": "int", "INT8": "int"}
"""Data type of an array -> format of its default value."""


def _set_default(feature: Any, value: float, format: str | None) -> None:
    """Set the default value of the elements of an optional array."""
    if not feature.type.HasField("multiArrayType"):
        raise SpecError(f"the input {feature.name!r} is not an array; only arrays take a default value")
    kind = feature.type.multiArrayType
    fitting = _FORMATS.get(enum_name(kind, "dataType"))
    chosen = fitting if format is None else format.lower()
    if fitting is not None and chosen != fitting:
        raise SpecError(f"format is {format!r}, but the elements of the input {feature.name!r} need {fitting!r}")
    try:
        setattr(kind, f"{chosen or 'float'}DefaultValue", value)
    except (TypeError, ValueError) as error:
        raise SpecError(f"the value of the input {feature.name!r} cannot be {value!r}: {error}") from None


def _setting(value: Any, name: str, key: str) -> Any:
    """The value of a setting for one image; the default if a mapping does not have it."""
    default = 1.0 if key == "scale" else 0.0
    return cast("Mapping[str, Any]", value).get(name, default) if isinstance(value, Mapping) else value


def are_strings(labels: Sequence[Any]) -> bool:
    """Whether labels are strings, as opposed to integers.

    Raises:
        SpecError: If there are no labels, or not all of them are strings or all integers.
    """
    if not len(labels):
        raise SpecError("there are no class labels")
    if all(isinstance(label, str) for label in labels):
        return True
    if all(isinstance(label, int | np.integer) and not isinstance(label, bool) for label in labels):
        return False
    raise SpecError("class labels must be all strings or all integers")


def declare_classes(label: FeatureType, probabilities: FeatureType, *, strings: bool) -> None:
    """Set the types of the two outputs of a classifier."""
    key = "stringKeyType" if strings else "int64KeyType"
    probabilities.ClearField("dictionaryType")
    getattr(probabilities.dictionaryType, key).SetInParent()
    (label.stringType if strings else label.int64Type).SetInParent()


def declare(features: Any, given: Features, dtype: Dtype) -> None:
    """Declare inputs or outputs.

    Args:
        features: The messages to add to.
        given: {name: type}, where None is a float32 array of unknown shape, or [(name, type)], where it is one of
            `dtype`.
        dtype: The dtype of arrays whose type does not include it.
    """
    pairs, unknown = (given.items(), array()) if isinstance(given, Mapping) else (given, None)
    for name, kind in pairs:
        features.add(name=str(name)).type.CopyFrom(feature_type(unknown if kind is None else kind, dtype))
