"""Every `add_...` method of the builder as data: its name, its parameters, and how their values become fields.

`generate` writes layer_methods.py from this table and from `parameters`; the builder itself does not read the table.
A kind that is not in the table has a derived row: a parameter for each blob and each field. Rows are written by hand
where Core ML's own builder has other names, another order or defaults, and where arguments are not simply fields.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphml.build import cells, irregular, weighted
from graphml.build.arguments import Fields
from graphml.spec.layers import descriptor, input_range, kinds, output_range, snake_case

# Parameters that name blobs: always the layer's inputs and outputs, never fields.
BLOBS = ("input_name", "input_names", "output_name", "output_names")


@dataclass(frozen=True)
class Row:
    """One `add_...` method.

    Attributes:
        kinds: The layer kind that the method writes, or several, of which `pick` chooses one.
        signature: The parameters after `name`, as in a `def`, without types.
        fields: Parameter -> field in snake_case, where the names differ; "" for a parameter that is not a field.
        make: Turns the arguments into fields. Without it, each argument is the value of its field.
        pick: Chooses the kind from the arguments, where there are several.
        derived: Whether the row follows from the schema, and was not written by hand.
    """

    kinds: str | tuple[str, ...]
    signature: str
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    make: Callable[[Any], Fields] | None = None
    pick: Callable[[Any], str] | None = None
    derived: bool = False

    @property
    def all_kinds(self) -> tuple[str, ...]:
        """The kinds that the method can write."""
        return (self.kinds,) if isinstance(self.kinds, str) else self.kinds

    @cached_property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """The parameters after `name`, in order."""
        function = ast.parse(f"lambda {self.signature}: 0", mode="eval").body
        assert isinstance(function, ast.Lambda)
        names = [argument.arg for argument in function.args.args]
        values = [ast.literal_eval(default) for default in function.args.defaults]
        defaults = [inspect.Parameter.empty] * (len(names) - len(values)) + values
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return {
            name: inspect.Parameter(name, kind, default=default) for name, default in zip(names, defaults, strict=True)
        }

    def target(self, parameter: str) -> str:
        """The field that a parameter is written to, in snake_case; "" for blobs and other parameters that are not
        fields."""
        return "" if parameter in BLOBS else self.fields.get(parameter, parameter)


def _derived_row(kind: str) -> Row | None:
    """A row with one parameter for each blob and each field; None if a field is a message, such as weights."""
    fields = descriptor(kind).fields
    if any(field.message_type is not None for field in fields):
        return None
    inputs, outputs = input_range(kind)[1], output_range(kind)[1]
    blobs = ["input_name"] if inputs == 1 else ["input_names"] if inputs else []
    blobs += ["output_name"] if outputs == 1 else ["output_names"] if outputs else []
    return Row(kind, ", ".join([*blobs, *(snake_case(field.name) for field in fields)]), derived=True)


# Shared by several rows ----------------------------------------------------------------------------------------------

_QUANTIZED = (
    "is_quantized_weight=False, quantization_type='linear', nbits=8, quant_scale=None, quant_bias=None, quant_lut=None"
)
_STORAGE = dict.fromkeys(
    ("is_quantized_weight", "quantization_type", "nbits", "quant_scale", "quant_bias", "quant_lut"), ""
)
_PADDING = "padding_top=0, padding_bottom=0, padding_left=0, padding_right=0"
_CUSTOM_PADDING = (
    "custom_padding_front=0, custom_padding_back=0, custom_padding_top=0, custom_padding_bottom=0, "
    "custom_padding_left=0, custom_padding_right=0"
)
_SAME = "same_padding_asymmetry_mode='BOTTOM_RIGHT_HEAVY'"

# Families ------------------------------------------------------------------------------------------------------------

_REDUCTIONS = {
    **{"sum": "Sum", "prod": "Prod", "mean": "Mean", "max": "Max", "min": "Min", "l1": "L1", "l2": "L2"},
    **{"sumsquare": "SumSquare", "logsum": "LogSum", "logsumexp": "LogSumExp"},
}

_RANDOM: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "Normal": ("mean=0.0, stddev=0.0, seed=-1", {"stddev": "std_dev"}),
    "Uniform": ("minval=0.0, maxval=1.0, seed=-1", {"minval": "min_val", "maxval": "max_val"}),
    "Bernoulli": ("prob=0.5, seed=-1", {}),
}


def _random_rows() -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for law, (options, fields) in _RANDOM.items():
        for how, blobs in (
            ("Like", "input_name, output_name"),
            ("Static", "output_name, output_shape"),
            ("Dynamic", "input_names, output_name"),
        ):
            rows[f"random_{law.lower()}_{how.lower()}"] = Row(f"random{law}{how}", f"{blobs}, {options}", fields)
    return rows


_WRITTEN: Mapping[str, Row] = {
    "where_nonzero": Row("whereNonZero", "input_name, output_name"),
    **{
        f"reduce_{name}": Row(
            f"reduce{ending}",
            "input_name, output_name, axes=None, keepdims=True, reduce_all=False",
            {"keepdims": "keep_dims"},
            irregular.reduction,
        )
        for name, ending in _REDUCTIONS.items()
    },
    **_random_rows(),
    # dense layers and tables
    "inner_product": Row(
        "innerProduct",
        "W, b, input_channels, output_channels, has_bias, input_name, output_name, int_8_dynamic_quantize=False, "
        + _QUANTIZED,
        {"W": "weights", "b": "bias", "int_8_dynamic_quantize": "int8_dynamic_quantize", **_STORAGE},
        weighted.inner_product,
    ),
    "embedding": Row(
        "embedding",
        f"W, b, input_dim, output_channels, has_bias, input_name, output_name, {_QUANTIZED}",
        {"W": "weights", "b": "bias", **_STORAGE},
        weighted.embedding,
    ),
    "embedding_nd": Row(
        "embeddingND",
        f"input_name, output_name, vocab_size, embedding_size, W, b=None, {_QUANTIZED}",
        {"W": "weights", "b": "bias", **_STORAGE},
        weighted.embedding_nd,
    ),
    "batched_mat_mul": Row(
        "batchedMatmul",
        "input_names, output_name, transpose_a=False, transpose_b=False, weight_matrix_rows=0, "
        f"weight_matrix_columns=0, W=None, bias=None, int_8_dynamic_quantize=False, {_QUANTIZED}",
        {
            "weight_matrix_rows": "weight_matrix_first_dimension",
            "weight_matrix_columns": "weight_matrix_second_dimension",
            **{"W": "weights", "int_8_dynamic_quantize": "int8_dynamic_quantize", **_STORAGE},
        },
        weighted.batched_mat_mul,
    ),
    "load_constant": Row(
        "loadConstant", "output_name, constant_value, shape", {"constant_value": "data"}, weighted.load_constant
    ),
    "load_constant_nd": Row(
        "loadConstantND", "output_name, constant_value, shape", {"constant_value": "data"}, weighted.load_constant
    ),
    "scale": Row(
        "scale",
        "W, b, has_bias, input_name, output_name, shape_scale=None, shape_bias=None",
        {"W": "scale", "b": "bias"},
        weighted.scale,
    ),
    "bias": Row(
        "bias", "b, input_name, output_name, shape_bias=None", {"b": "bias", "shape_bias": "shape"}, weighted.bias
    ),
    # images
    "convolution": Row(
        "convolution",
        "kernel_channels, output_channels, height, width, stride_height, stride_width, border_mode, groups, W, b, "
        "has_bias, is_deconv=False, output_shape=None, input_name='data', output_name='out', dilation_factors=(1, 1), "
        f"{_PADDING}, {_SAME}, quantization_type=None, nbits=8, quant_scale=None, quant_bias=None, quant_lut=None",
        make=weighted.convolution,
    ),
    "convolution3d": Row(
        "convolution3d",
        "input_channels, output_channels, depth, height, width, W, b, has_bias, groups=1, "
        "stride_depth=1, stride_height=1, stride_width=1, dilation_width=1, dilation_height=1, dilation_depth=1, "
        "is_deconv=False, output_shape=None, padding_mode='valid', padding_front=0, padding_back=0, "
        f"{_PADDING}, input_name='data', output_name='out'",
        make=weighted.convolution3d,
    ),
    "pooling": Row(
        "pooling",
        "height, width, stride_height, stride_width, layer_type, padding_type, input_name, output_name, "
        f"exclude_pad_area=True, is_global=False, {_PADDING}, {_SAME}",
        make=irregular.pooling,
    ),
    "pooling3d": Row(
        "pooling3d",
        "input_name, output_name, pooling_type, kernel_depth, kernel_height, kernel_width, "
        "stride_depth, stride_height, stride_width, padding_mode='valid', "
        f"{_CUSTOM_PADDING}, average_pooling_count_excludes_padding=False",
        {
            "pooling_type": "type",
            "padding_mode": "padding_type",
            "average_pooling_count_excludes_padding": "count_exclude_padding",
        },
        irregular.pooling3d,
    ),
    "global_pooling3d": Row("globalPooling3d", "input_name, output_name, pooling_type", {"pooling_type": "type"}),
    "padding": Row(
        "padding",
        "left=0, right=0, top=0, bottom=0, value=0, input_name='data', output_name='out', padding_type='constant'",
        make=irregular.padding,
    ),
    "crop": Row("crop", "left, right, top, bottom, offset, input_names, output_name", make=irregular.crop),
    "upsample": Row(
        "upsample",
        "scaling_factor_h, scaling_factor_w, input_name, output_name, mode='NN', linear_upsample_mode='DEFAULT'",
        make=irregular.upsample,
    ),
    "resize_bilinear": Row(
        "resizeBilinear",
        "input_name, output_name, target_height=1, target_width=1, mode='ALIGN_ENDPOINTS_MODE'",
        make=irregular.resize_bilinear,
    ),
    "crop_resize": Row(
        "cropResize",
        "input_names, output_name, target_height=1, target_width=1, mode='STRICT_ALIGN_ENDPOINTS_MODE', "
        "normalized_roi=False, box_indices_mode='CORNERS_HEIGHT_FIRST', spatial_scale=1.0",
        make=irregular.crop_resize,
    ),
    # activations and elementwise layers
    "activation": Row(
        "activation",
        "non_linearity, input_name, output_name, params=None, "
        "input_rank=None, input_shape=None, output_rank=None, output_shape=None",
        make=irregular.activation,
    ),
    "elementwise": Row(
        irregular.ELEMENTWISE_KINDS,
        "input_names, output_name, mode, alpha=None",
        make=irregular.elementwise,
        pick=irregular.elementwise_kind,
    ),
    "unary": Row(
        "unary",
        "input_name, output_name, mode, alpha=1.0, shift=0, scale=1.0, epsilon=None",
        {"mode": "type"},
        irregular.unary,
    ),
    "gelu": Row("gelu", "input_name, output_name, mode='EXACT'"),
    "clip": Row(
        "clip",
        "input_name, output_name, min_value=0.0, max_value=1.0",
        {"min_value": "min_val", "max_value": "max_val"},
    ),
    "clamped_relu": Row("clampedReLU", "input_name, output_name, alpha=0.0, beta=6.0"),
    "greater_than": Row(
        ("greaterThan", "greaterEqual"),
        "input_names, output_name, use_greater_than_equal=False, alpha=0.0",
        make=irregular.comparison,
        pick=irregular.greater_kind,
    ),
    "less_than": Row(
        ("lessThan", "lessEqual"),
        "input_names, output_name, use_less_than_equal=False, alpha=0.0",
        make=irregular.comparison,
        pick=irregular.less_kind,
    ),
    "equal": Row("equal", "input_names, output_name, alpha=0.0", make=irregular.comparison),
    "not_equal": Row("notEqual", "input_names, output_name, alpha=0.0", make=irregular.comparison),
    "logical": Row(
        irregular.LOGICAL_KINDS, "input_names, output_name, mode", make=irregular.logical, pick=irregular.logical_kind
    ),
    # normalizations
    "batchnorm": Row(
        "batchnorm",
        "channels, gamma, beta, mean=None, variance=None, input_name='data', output_name='out', "
        "compute_mean_var=False, instance_normalization=False, epsilon=1e-5",
        make=weighted.batchnorm,
    ),
    "layer_normalization": Row(
        "layerNormalization",
        "input_name, output_name, normalized_shape, gamma, beta, eps=1e-5",
        make=weighted.layer_normalization,
    ),
    "lrn": Row("lrn", "input_name, output_name, alpha, beta, local_size, k=1.0"),
    "mvn": Row("mvn", "input_name, output_name, across_channels=True, normalize_variance=True, epsilon=1e-5"),
    "l2_normalize": Row("l2normalize", "input_name, output_name, epsilon=1e-5"),
    "softmax_nd": Row("softmaxND", "input_name, output_name, axis"),
    # recurrent layers
    "simple_rnn": Row(
        "simpleRecurrent",
        "W_h, W_x, b, hidden_size, input_size, activation, input_names, output_names, output_all=False, "
        "reverse_input=False",
        make=cells.simple_rnn,
    ),
    "gru": Row(
        "gru",
        "W_h, W_x, b, hidden_size, input_size, input_names, output_names, activation='TANH', "
        "inner_activation='SIGMOID_HARD', output_all=False, reverse_input=False",
        make=cells.gru,
    ),
    "unilstm": Row(
        "uniDirectionalLSTM",
        "W_h, W_x, b, hidden_size, input_size, input_names, output_names, inner_activation='SIGMOID', "
        "cell_state_update_activation='TANH', output_activation='TANH', peep=None, output_all=False, "
        "forget_bias=False, coupled_input_forget_gate=False, cell_clip_threshold=50000.0, reverse_input=False",
        make=cells.unilstm,
    ),
    "bidirlstm": Row(
        "biDirectionalLSTM",
        "W_h, W_x, b, W_h_back, W_x_back, b_back, hidden_size, input_size, input_names, output_names, "
        "inner_activation='SIGMOID', cell_state_update_activation='TANH', output_activation='TANH', peep=None, "
        "peep_back=None, output_all=False, forget_bias=False, coupled_input_forget_gate=False, "
        "cell_clip_threshold=50000.0",
        make=cells.bidirlstm,
    ),
    # shapes and order
    "flatten": Row("flatten", "mode, input_name, output_name", make=irregular.flatten),
    "flatten_to_2d": Row("flattenTo2D", "input_name, output_name, axis=1"),
    "permute": Row("permute", "dim, input_name, output_name", {"dim": "axis"}),
    "transpose": Row("transpose", "axes, input_name, output_name", make=irregular.transpose),
    "reshape": Row("reshape", "input_name, output_name, target_shape, mode", make=irregular.reshape),
    "reshape_static": Row("reshapeStatic", "input_name, output_name, output_shape", {"output_shape": "target_shape"}),
    "rank_preserving_reshape": Row(
        "rankPreservingReshape", "input_name, output_name, output_shape", {"output_shape": "target_shape"}
    ),
    "expand_dims": Row("expandDims", "input_name, output_name, axes"),
    "squeeze": Row("squeeze", "input_name, output_name, axes=None, squeeze_all=False"),
    "reorganize_data": Row("reorganizeData", "input_name, output_name, mode='SPACE_TO_DEPTH', block_size=2"),
    "reverse": Row("reverse", "input_name, output_name, reverse_dim=None", make=irregular.reverse),
    "reverse_sequence": Row(
        "reverseSeq", "input_names, output_name, batch_axis=0, seq_axis=-1", {"seq_axis": "sequence_axis"}
    ),
    "sequence_repeat": Row("sequenceRepeat", "nrep, input_name, output_name", {"nrep": "n_repetitions"}),
    "tile": Row("tile", "input_name, output_name, reps=()", make=irregular.tile),
    "stack": Row("stack", "input_names, output_name, axis=0"),
    "concat_nd": Row("concatND", "input_names, output_name, axis, interleave=False"),
    "split": Row("split", "input_name, output_names", make=irregular.split),
    "split_nd": Row(
        "splitND",
        "input_name, output_names, axis, num_splits=2, split_sizes=None",
        make=irregular.split_nd,
    ),
    "constant_pad": Row(
        "constantPad", "input_names, output_name, value=0.0, pad_to_given_output_size_mode=False, pad_amounts=()"
    ),
    # parts of arrays
    "slice": Row(
        "slice", "input_name, output_name, axis, start_index=0, end_index=-1, stride=1", make=irregular.slice_axis
    ),
    "slice_by_size": Row("sliceBySize", "input_names, output_name, axis, size"),
    "slice_static": Row(
        "sliceStatic",
        "input_name, output_name, begin_ids, end_ids, strides, begin_masks, end_masks, squeeze_masks=None",
        make=irregular.slice_static,
    ),
    "slice_dynamic": Row(
        "sliceDynamic",
        "input_names, output_name, end_ids=None, strides=None, begin_masks=None, end_masks=None, squeeze_masks=None",
        make=irregular.slice_dynamic,
    ),
    "sliding_windows": Row("slidingWindows", "input_name, output_name, axis, window_size, step=1"),
    "gather": Row("gather", "input_names, output_name, axis=0"),
    "gather_along_axis": Row("gatherAlongAxis", "input_names, output_name, axis=0"),
    "scatter": Row("scatter", "input_names, output_name, axis=0, mode='UPDATE'", make=irregular.scatter),
    "scatter_along_axis": Row(
        "scatterAlongAxis", "input_names, output_name, axis=0, mode='UPDATE'", make=irregular.scatter
    ),
    "scatter_nd": Row("scatterND", "input_names, output_name, mode='UPDATE'", make=irregular.scatter_nd),
    "matrix_band_part": Row("matrixBandPart", "input_name, output_name, num_lower=-1, num_upper=-1"),
    "lower_triangular": Row("lowerTriangular", "input_name, output_name, k=0"),
    "upper_triangular": Row("upperTriangular", "input_name, output_name, k=0"),
    # constants and ranges
    "fill_like": Row("fillLike", "input_name, output_name, value=0.0"),
    "fill_static": Row("fillStatic", "output_name, output_shape, value=0.0", {"output_shape": "target_shape"}),
    "fill_dynamic": Row("fillDynamic", "input_name, output_name, value=0.0"),
    "broadcast_to_static": Row(
        "broadcastToStatic", "input_name, output_name, output_shape", {"output_shape": "target_shape"}
    ),
    "range_static": Row(
        "rangeStatic",
        "output_name, input_names=None, end=1, start=0, step=1",
        {"end": "end_value", "start": "start_value", "step": "step_size_value"},
    ),
    "range_dynamic": Row(
        "rangeDynamic",
        "input_names, output_name, start=0, step=1",
        {"start": "start_value", "step": "step_size_value"},
    ),
    "one_hot": Row(
        "oneHot", "input_names, output_name, one_hot_vector_size=None, axis=-1, on_value=1.0, off_value=0.0"
    ),
    "categorical_distribution": Row(
        "categoricalDistribution",
        "input_name, output_name, num_samples, is_logits=True, eps=1e-10, temperature=1.0, seed=-1",
    ),
    # reductions and order
    "reduce": Row("reduce", "input_name, output_name, axis, mode, epsilon=1e-6"),
    "argmax": Row("argMax", "input_name, output_name, axis, keepdims=True", make=irregular.position),
    "argmin": Row("argMin", "input_name, output_name, axis, keepdims=True", make=irregular.position),
    "argsort": Row("argSort", "input_name, output_name, axis=0, descending=False"),
    "topk": Row("topK", "input_names, output_names, k=0, axis=0, use_bottom_k=False"),
    "cumsum": Row(
        "cumSum",
        "input_names, output_name, axis=-1, reverse=False, exclusive=False",
        {"exclusive": "exclude_final_sum"},
    ),
    "nms": Row(
        "NonMaximumSuppression",
        "input_names, output_names, iou_threshold=0.5, score_threshold=0.0, max_boxes=1, per_class_suppression=False",
    ),
    # control flow and custom layers
    "branch": Row("branch", "input_name, if_branch=None, else_branch=None"),
    "loop": Row(
        "loop",
        "body_network=None, input_name=None, condition=None, condition_network=None, max_iterations=None",
        make=irregular.loop,
    ),
    "custom": Row("custom", "input_names, output_names, custom_proto_spec=None", make=irregular.custom),
}


def _derived_rows() -> dict[str, Row]:
    written = {kind for row in _WRITTEN.values() for kind in row.all_kinds}
    rows = {snake_case(kind): _derived_row(kind) for kind in kinds() if kind not in written}
    return {name: row for name, row in rows.items() if row is not None}


ROWS: Mapping[str, Row] = {**_derived_rows(), **_WRITTEN}
"""Method name without `add_` -> its row."""
