"""The builder's methods for a model's interface: inputs, outputs, classes, images, and what people read about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any, Self

import numpy as np

from graphml.build import preprocessing
from graphml.build.core import Core
from graphml.build.datatypes import Dtype, array, feature_type
from graphml.errors import GraphError, SpecError
from graphml.spec.wire.features_pb2 import FeatureType


class InterfaceMethods(Core):
    """What is said about a model around its layers."""

    _array_dtype: Dtype

    # Inputs and outputs ----------------------------------------------------------------------------------------------

    def set_input(self, input_names: Sequence[str], input_dims: Sequence[Sequence[int]]) -> None:
        """Name the inputs anew and give them shapes, in order.

        Without exact mapping a shape is [channels], [sequence, channels] (of which the channels are kept) or
        [channels, height, width]. Raises SpecError for other ranks and GraphError for more inputs than there are.
        """
        shapes = [tuple(dims) for dims in input_dims]
        if not self._exact:
            wrong = next((shape for shape in shapes if not 1 <= len(shape) <= 3), None)
            if wrong is not None:
                raise SpecError(
                    f"the input shape {list(wrong)} has rank {len(wrong)}; without exact mapping it is 1 to 3"
                )
            shapes = [shape[1:] if len(shape) == 2 else shape for shape in shapes]
        self._name_and_shape(self._whole.description.input, input_names, shapes, "input")

    def set_output(self, output_names: Sequence[str], output_dims: Sequence[Sequence[int]]) -> None:
        """Name the outputs anew and give them shapes, in order."""
        self._name_and_shape(self._whole.description.output, output_names, output_dims, "output")

    def _name_and_shape(self, features: Any, names: Sequence[str], shapes: Sequence[Any], what: str) -> None:
        if len(names) != len(shapes) or len(names) > len(features):
            raise GraphError(
                f"{len(names)} names and {len(shapes)} shapes are given for the {len(features)} {what}s of the model"
            )
        for feature, name, shape in zip(features, names, shapes, strict=False):
            feature.name = name
            feature.type.CopyFrom(array(*(int(size) for size in shape), dtype=self._array_dtype))

    def set_training_input(self, training_input: Sequence[tuple[str, Any]]) -> None:
        """Declare what training takes: [(name, type)], in place of what was declared before."""
        features = self._whole.description.trainingInput
        del features[:]
        for name, kind in training_input:
            features.add(name=name).type.CopyFrom(feature_type(kind, self._array_dtype))

    def set_optional_input(self, input_idx: int, value: float | None = None, format: str | None = None) -> None:
        """Let the input at a position be left out; `value` then stands for its elements (specification 5).

        format: "float", "double" or "int", as the input's elements are; None: what they are. Raises GraphError for a
        position without input, SpecError for another format than the elements have, and for a value of an input that is
        no array.
        """
        inputs = self._whole.description.input
        if not 0 <= input_idx < len(inputs):
            raise GraphError(f"there is no input at position {input_idx}; the model has {len(inputs)}")
        if format is not None and format.lower() not in ("float", "double", "int"):
            raise SpecError(f"format is {format!r}, which is none of float, double, int")
        if value is not None:
            _set_default(inputs[input_idx], value, format)
        inputs[input_idx].type.isOptional = True

    def add_optionals(self, optionals_in: Sequence[tuple[str, Any]], optionals_out: Sequence[tuple[str, Any]]) -> None:
        """Declare further inputs, which may be left out, and further outputs: [(name, shape or size or None)]."""
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
        """Say what the network's probabilities stand for.

        The first output becomes the dictionary of probabilities, and an output for the label is added. prediction_blob:
        the blob that holds the probabilities; if empty, what the last layer writes. Raises GraphError when the network
        is no classifier, has no output or (for an empty prediction_blob) no layer.
        """
        description, network = self._whole.description, self._network
        if "ClassLabels" not in network.DESCRIPTOR.oneofs_by_name:
            raise GraphError("only a classifier has class labels: make the builder with mode='classifier'")
        if not description.output:
            raise GraphError("there is no output for the probabilities")
        blob = prediction_blob
        if not blob:
            blob = next((layer.output[0] for layer in reversed(network.layers) if layer.output), "")
        if not blob:
            raise GraphError("no layer writes the probabilities; add the layers first, or name the prediction_blob")
        strings = _are_strings(class_labels)
        probabilities = description.output[0]
        label = next((f for f in description.output if f.name == predicted_feature_name), None)
        if label is None:
            label = description.output.add(name=predicted_feature_name)
        network.ClearField("stringClassLabels" if not strings else "int64ClassLabels")
        vector = (network.stringClassLabels if strings else network.int64ClassLabels).vector
        del vector[:]
        vector.extend(class_labels if strings else [int(value) for value in class_labels])
        network.labelProbabilityLayerName = blob
        _declare_classes(label.type, probabilities.type, strings=strings)
        description.predictedFeatureName = predicted_feature_name
        description.predictedProbabilitiesName = probabilities.name

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
        """Preprocess an image input and return the builder.

        The layers see pixel * scale + bias, or pixel - mean_image ([channels, height, width]).
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
        """Make the named array inputs images and preprocess them: pixel * image_scale + bias.

        A setting is one value for all of them, or {input: value}. image_format: how the arrays were laid out; for
        "NHWC" the network gets the array it was built for by a transposition, or loses one that it began with.
        Raises SpecError for shapes that are no images (1 or 3 channels, rank 3 or 4), GraphError for unknown inputs.
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
                    f"a setting is for {', '.join(sorted(unknown))}, which image_input_names does not list"
                )
        inputs = {feature.name: feature for feature in self._whole.description.input}
        for name in names:
            if name not in inputs:
                raise GraphError(f"there is no input {name!r}; there are {', '.join(inputs)}")
            own = {key: _setting(value, name, key) for key, value in settings.items()}
            preprocessing.make_image(self, inputs[name], bool(_setting(is_bgr, name, "is_bgr")), image_format)
            self.preprocess(name, **own)

    # What people read ------------------------------------------------------------------------------------------------

    @property
    def short_description(self) -> str:
        """What the model does, in a sentence or two."""
        return self._whole.description.metadata.shortDescription

    @short_description.setter
    def short_description(self, text: str) -> None:
        self._whole.description.metadata.shortDescription = text

    @property
    def author(self) -> str:
        """Who made the model."""
        return self._whole.description.metadata.author

    @author.setter
    def author(self, text: str) -> None:
        self._whole.description.metadata.author = text

    @property
    def license(self) -> str:
        """Under which terms it may be used."""
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
        """Anything else, by name."""
        return self._whole.description.metadata.userDefined

    @property
    def input_description(self) -> MutableMapping[str, str]:
        """Input -> what it is."""
        return _Descriptions(self._whole.description.input)

    @property
    def output_description(self) -> MutableMapping[str, str]:
        """Output -> what it is."""
        return _Descriptions(self._whole.description.output)


class _Descriptions(MutableMapping[str, str]):
    """The short descriptions of features, by name. Names come and go with the features alone."""

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
"""Data type of an array -> format of the value that stands for it."""


def _set_default(feature: Any, value: float, format: str | None) -> None:
    """Say what stands for the elements of an array that is left out."""
    if not feature.type.HasField("multiArrayType"):
        raise SpecError(f"the input {feature.name!r} is no array; only an array has a value where it is left out")
    kind = feature.type.multiArrayType
    fitting = _FORMATS.get(type(kind).ArrayDataType.Name(kind.dataType))
    chosen = fitting if format is None else format.lower()
    if fitting is not None and chosen != fitting:
        raise SpecError(f"format is {format!r}, but the elements of the input {feature.name!r} need {fitting!r}")
    try:
        setattr(kind, f"{chosen or 'float'}DefaultValue", value)
    except (TypeError, ValueError) as error:
        raise SpecError(f"the value of the input {feature.name!r} cannot be {value!r}: {error}") from None


def _setting(value: Any, name: str, key: str) -> Any:
    """The value of a setting for one image; those that a mapping leaves out keep the usual one."""
    usual = 1.0 if key == "scale" else 0.0
    return value.get(name, usual) if isinstance(value, Mapping) else value


def _are_strings(labels: Sequence[Any]) -> bool:
    """Whether labels are texts, as opposed to whole numbers. Raises SpecError for a mixture, others, or none."""
    if not len(labels):
        raise SpecError("there are no class labels")
    if all(isinstance(label, str) for label in labels):
        return True
    if all(isinstance(label, int | np.integer) and not isinstance(label, bool) for label in labels):
        return False
    raise SpecError("class labels are either all texts or all whole numbers")


def _declare_classes(label: FeatureType, probabilities: FeatureType, *, strings: bool) -> None:
    """Give the two outputs of a classifier their types."""
    key = "stringKeyType" if strings else "int64KeyType"
    probabilities.ClearField("dictionaryType")
    getattr(probabilities.dictionaryType, key).SetInParent()
    (label.stringType if strings else label.int64Type).SetInParent()


def declare_outputs_of_classifier(builder: InterfaceMethods, labels: Sequence[Any], probabilities: str) -> None:
    """The two outputs of a classifier that is known to be one from the start."""
    description, network = builder._whole.description, builder._network
    strings = _are_strings(labels)
    (network.stringClassLabels if strings else network.int64ClassLabels).vector.extend(labels)
    network.labelProbabilityLayerName = probabilities
    label, dictionary = description.output.add(name="classLabel"), description.output.add(name=probabilities)
    _declare_classes(label.type, dictionary.type, strings=strings)
    description.predictedFeatureName = "classLabel"
    description.predictedProbabilitiesName = probabilities


def declare(features: Any, given: Any, dtype: Dtype) -> None:
    """Declare features: {name: type}, where None is a float32 array of unknown shape, or [(name, type)], where it is
    one of `dtype`."""
    pairs, unknown = (given.items(), array()) if isinstance(given, Mapping) else (given, None)
    for name, kind in pairs:
        features.add(name=str(name)).type.CopyFrom(feature_type(unknown if kind is None else kind, dtype))
