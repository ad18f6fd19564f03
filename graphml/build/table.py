"""Every `add_...` method of the builder as data: its name, its parameters, and where each of them goes.

Names, order and defaults are those that people's scripts use. Rows without a list of fields pass each parameter to the
field of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphml.build import cells, irregular, weighted
from graphml.build.arguments import one_of
from graphml.build.rows import Row, plain_row
from graphml.spec.layers import snake_case

_QUANTIZED = (
    "is_quantized_weight=False, quantization_type='linear', nbits=8, quant_scale=None, quant_bias=None, quant_lut=None"
)
_STORAGE = {
    "is_quantized_weight": "says that W is bytes; the weights hold what the bytes mean",
    **dict.fromkeys(("quantization_type", "nbits", "quant_scale", "quant_bias", "quant_lut"), "part of the weights"),
}
_SIDES = dict.fromkeys(("padding_top", "padding_bottom", "padding_left", "padding_right"), "valid")
_PADDING = "padding_top=0, padding_bottom=0, padding_left=0, padding_right=0"
_SAME = "same_padding_asymmetry_mode='BOTTOM_RIGHT_HEAVY'"


def _flipped(value: Any) -> bool:
    return not value


def _scatter(mode: str) -> str:
    modes = ("UPDATE", "ADD", "SUB", "MUL", "DIV", "MAX", "MIN")
    return one_of(mode, {name: f"SCATTER_{name}" for name in modes}, "mode")


def _axis(axis: str) -> str:
    return one_of(axis, {name: f"{name}_AXIS" for name in ("CHANNEL", "HEIGHT", "WIDTH")}, "axis")


def _flatten_order(mode: int) -> str:
    return one_of(mode, {0: "CHANNEL_FIRST", 1: "CHANNEL_LAST"}, "mode")


def _reshape_order(mode: int) -> str:
    return "CHANNEL_FIRST" if mode == 0 else "CHANNEL_LAST"


def _booleans(values: Any) -> list[bool]:
    return [True] if values is None else [bool(value) for value in values]


# Layers that one method writes by its arguments ----------------------------------------------------------------------

_ELEMENTWISE = {
    "ADD": ("add", {}),
    "MULTIPLY": ("multiply", {}),
    "CONCAT": ("concat", {"sequence_concat": False}),
    "SEQUENCE_CONCAT": ("concat", {"sequence_concat": True}),
    "DOT": ("dot", {"cosine_similarity": False}),
    "COS": ("dot", {"cosine_similarity": True}),
    "MAX": ("max", {}),
    "MIN": ("min", {}),
    "AVE": ("average", {}),
}
_LOGICAL = {name: f"logical{name.title()}" for name in ("AND", "OR", "XOR", "NOT")}


def _elementwise_kind(a: Any) -> str:
    return one_of(a.mode, _ELEMENTWISE, "mode")[0]


def _elementwise(a: Any) -> dict[str, Any]:
    kind, fields = one_of(a.mode, _ELEMENTWISE, "mode")
    alpha = {} if a.alpha is None or kind not in ("add", "multiply") else {"alpha": a.alpha}
    return {**fields, **alpha}


def _compared(a: Any) -> dict[str, Any]:
    """A second input stands in for alpha."""
    return {"alpha": a.alpha} if len(a.inputs) == 1 else {}


def _comparison(kind: str) -> Row:
    return Row(kind, "input_names, output_name, alpha=0.0", make=_compared)


def _ordered(kind: str, or_equal: str) -> Row:
    flag = f"use_{snake_case(kind)}_equal"
    return Row(
        (kind, or_equal),
        f"input_names, output_name, {flag}=False, alpha=0.0",
        make=_compared,
        pick=lambda a: or_equal if getattr(a, flag) else kind,
        derived={flag: "chooses the kind of layer"},
    )


# Families ------------------------------------------------------------------------------------------------------------

# Blobs in, blobs out, nothing else.
_PLAIN = (
    *("softmax", "erf", "exp2", "ceil", "floor", "round", "sign", "copy", "getShape", "whereBroadcastable"),
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
    *("addBroadcastable", "subtractBroadcastable", "multiplyBroadcastable", "divideBroadcastable"),
    *("floorDivBroadcastable", "modBroadcastable", "powBroadcastable", "minBroadcastable", "maxBroadcastable"),
    *(
        "gatherND",
        "reshapeLike",
        "reshapeDynamic",
        "broadcastToLike",
        "broadcastToDynamic",
        "loopBreak",
        "loopContinue",
    ),
)

_REDUCTIONS = {
    **{"sum": "Sum", "prod": "Prod", "mean": "Mean", "max": "Max", "min": "Min", "l1": "L1", "l2": "L2"},
    **{"sumsquare": "SumSquare", "logsum": "LogSum", "logsumexp": "LogSumExp"},
}

_RANDOM = {
    "Normal": ("mean=0.0, stddev=0.0, seed=-1", {"stddev": "std_dev"}),
    "Uniform": ("minval=0.0, maxval=1.0, seed=-1", {"minval": "min_val", "maxval": "max_val"}),
    "Bernoulli": ("prob=0.5, seed=-1", {}),
}


def _random_rows() -> dict[str, Row]:
    rows = {}
    for law, (options, fields) in _RANDOM.items():
        for how, blobs in (
            ("Like", "input_name, output_name"),
            ("Static", "output_name, output_shape"),
            ("Dynamic", "input_names, output_name"),
        ):
            rows[f"random_{law.lower()}_{how.lower()}"] = Row(f"random{law}{how}", f"{blobs}, {options}", fields)
    return rows


ROWS: Mapping[str, Row] = {
    **{snake_case(kind): plain_row(kind) for kind in _PLAIN},
    "where_nonzero": plain_row("whereNonZero"),
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
        {"W": "weights", "b": "bias", "int_8_dynamic_quantize": "int8_dynamic_quantize"},
        weighted.inner_product,
        derived=_STORAGE,
    ),
    "embedding": Row(
        "embedding",
        f"W, b, input_dim, output_channels, has_bias, input_name, output_name, {_QUANTIZED}",
        {"W": "weights", "b": "bias"},
        weighted.embedding,
        derived=_STORAGE,
    ),
    "embedding_nd": Row(
        "embeddingND",
        f"input_name, output_name, vocab_size, embedding_size, W, b=None, {_QUANTIZED}",
        {"W": "weights", "b": "bias has_bias"},
        weighted.embedding_nd,
        derived=_STORAGE,
    ),
    "batched_mat_mul": Row(
        "batchedMatmul",
        "input_names, output_name, transpose_a=False, transpose_b=False, weight_matrix_rows=0, "
        f"weight_matrix_columns=0, W=None, bias=None, int_8_dynamic_quantize=False, {_QUANTIZED}",
        {
            "weight_matrix_rows": "weight_matrix_first_dimension",
            "weight_matrix_columns": "weight_matrix_second_dimension",
            "W": "weights",
            "bias": "bias has_bias",
            "int_8_dynamic_quantize": "int8_dynamic_quantize",
        },
        weighted.batched_mat_mul,
        derived=_STORAGE,
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
        {
            **{"height": "kernel_size", "width": "kernel_size", "stride_height": "stride", "stride_width": "stride"},
            **{"groups": "n_groups", "W": "weights", "b": "bias", "is_deconv": "is_deconvolution"},
            **{"border_mode": "valid same", "same_padding_asymmetry_mode": "same"},
            **{"dilation_factors": "dilation_factor", **_SIDES},
        },
        weighted.convolution,
        derived={name: reason for name, reason in _STORAGE.items() if name != "is_quantized_weight"},
    ),
    "convolution3d": Row(
        "convolution3d",
        "input_channels, output_channels, depth, height, width, W, b, has_bias, groups=1, "
        "stride_depth=1, stride_height=1, stride_width=1, dilation_width=1, dilation_height=1, dilation_depth=1, "
        "is_deconv=False, output_shape=None, padding_mode='valid', padding_front=0, padding_back=0, "
        f"{_PADDING}, input_name='data', output_name='out'",
        {
            **{"depth": "kernel_depth", "height": "kernel_height", "width": "kernel_width", "groups": "n_groups"},
            **{"W": "weights", "b": "bias", "is_deconv": "is_deconvolution", "padding_mode": "padding_type"},
            **{f"padding_{s}": f"custom_padding_{s}" for s in ("front", "back", "top", "bottom", "left", "right")},
        },
        weighted.convolution3d,
    ),
    "pooling": Row(
        "pooling",
        "height, width, stride_height, stride_width, layer_type, padding_type, input_name, output_name, "
        f"exclude_pad_area=True, is_global=False, {_PADDING}, {_SAME}",
        {
            **{"height": "kernel_size", "width": "kernel_size", "stride_height": "stride", "stride_width": "stride"},
            **{"layer_type": "type", "padding_type": "valid same include_last_pixel", **_SIDES},
            **{"exclude_pad_area": "avg_pool_exclude_padding", "is_global": "global_pooling"},
            "same_padding_asymmetry_mode": "same",
        },
        irregular.pooling,
    ),
    "pooling3d": Row(
        "pooling3d",
        "input_name, output_name, pooling_type, kernel_depth, kernel_height, kernel_width, "
        "stride_depth, stride_height, stride_width, padding_mode='valid', custom_padding_front=0, "
        "custom_padding_back=0, custom_padding_top=0, custom_padding_bottom=0, custom_padding_left=0, "
        "custom_padding_right=0, average_pooling_count_excludes_padding=False",
        {
            **{"pooling_type": "type", "padding_mode": "padding_type"},
            "average_pooling_count_excludes_padding": "count_exclude_padding",
        },
        irregular.pooling3d,
    ),
    "global_pooling3d": Row("globalPooling3d", "input_name, output_name, pooling_type", {"pooling_type": "type"}),
    "padding": Row(
        "padding",
        "left=0, right=0, top=0, bottom=0, value=0, input_name='data', output_name='out', padding_type='constant'",
        {
            **dict.fromkeys(("left", "right", "top", "bottom"), "padding_amounts"),
            **{"value": "constant", "padding_type": "constant reflection replication"},
        },
        irregular.padding,
    ),
    "crop": Row(
        "crop",
        "left, right, top, bottom, offset, input_names, output_name",
        dict.fromkeys(("left", "right", "top", "bottom"), "crop_amounts"),
        irregular.crop,
    ),
    "upsample": Row(
        "upsample",
        "scaling_factor_h, scaling_factor_w, input_name, output_name, mode='NN', linear_upsample_mode='DEFAULT'",
        dict.fromkeys(("scaling_factor_h", "scaling_factor_w"), "scaling_factor fractional_scaling_factor"),
        irregular.upsample,
    ),
    "resize_bilinear": Row(
        "resizeBilinear",
        "input_name, output_name, target_height=1, target_width=1, mode='ALIGN_ENDPOINTS_MODE'",
        {"target_height": "target_size", "target_width": "target_size"},
        lambda a: {"target_size": (a.target_height, a.target_width), "mode": a.mode},
    ),
    "crop_resize": Row(
        "cropResize",
        "input_names, output_name, target_height=1, target_width=1, mode='STRICT_ALIGN_ENDPOINTS_MODE', "
        "normalized_roi=False, box_indices_mode='CORNERS_HEIGHT_FIRST', spatial_scale=1.0",
        {"target_height": "target_size", "target_width": "target_size", "normalized_roi": "normalized_coordinates"},
        irregular.crop_resize,
    ),
    # activations and elementwise layers
    "activation": Row(
        "activation",
        "non_linearity, input_name, output_name, params=None, "
        "input_rank=None, input_shape=None, output_rank=None, output_shape=None",
        {"non_linearity": "nonlinearity_type", "params": "nonlinearity_type alpha beta"},
        irregular.activation,
        derived={
            **dict.fromkeys(("input_rank", "input_shape"), "a hint, written to the layer's inputTensor"),
            **dict.fromkeys(("output_rank", "output_shape"), "a hint, written to the layer's outputTensor"),
        },
    ),
    "elementwise": Row(
        tuple(dict.fromkeys(kind for kind, _ in _ELEMENTWISE.values())),
        "input_names, output_name, mode, alpha=None",
        {"mode": "sequence_concat cosine_similarity"},
        _elementwise,
        _elementwise_kind,
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
    "greater_than": _ordered("greaterThan", "greaterEqual"),
    "less_than": _ordered("lessThan", "lessEqual"),
    "equal": _comparison("equal"),
    "not_equal": _comparison("notEqual"),
    "logical": Row(
        tuple(_LOGICAL.values()),
        "input_names, output_name, mode",
        make=lambda a: {},
        pick=lambda a: one_of(a.mode, _LOGICAL, "mode"),
        derived={"mode": "chooses the kind of layer"},
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
        {
            **{"W_h": "recursion_matrix", "W_x": "weight_matrix", "b": "bias_vector has_bias_vector"},
            **{"hidden_size": "output_vector_size", "input_size": "input_vector_size", "output_all": "sequence_output"},
        },
        cells.simple_rnn,
    ),
    "gru": Row(
        "gru",
        "W_h, W_x, b, hidden_size, input_size, input_names, output_names, activation='TANH', "
        "inner_activation='SIGMOID_HARD', output_all=False, reverse_input=False",
        {
            **{
                parameter: " ".join(f"{gate}_{ending}" for gate in cells.GRU_GATES)
                for parameter, ending in (("W_h", "recursion_matrix"), ("W_x", "weight_matrix"), ("b", "bias_vector"))
            },
            **{"activation": "activations", "inner_activation": "activations", "output_all": "sequence_output"},
            **{"hidden_size": "output_vector_size", "input_size": "input_vector_size"},
        },
        cells.gru,
    ),
    "unilstm": Row(
        "uniDirectionalLSTM",
        "W_h, W_x, b, hidden_size, input_size, input_names, output_names, inner_activation='SIGMOID', "
        "cell_state_update_activation='TANH', output_activation='TANH', peep=None, output_all=False, "
        "forget_bias=False, coupled_input_forget_gate=False, cell_clip_threshold=50000.0, reverse_input=False",
        {
            **dict.fromkeys(("W_h", "W_x", "b", "peep"), "weight_params"),
            **dict.fromkeys(cells.LSTM_FUNCTIONS, "activations"),
            **dict.fromkeys(cells.LSTM_OPTIONS, "params"),
            **{"hidden_size": "output_vector_size", "input_size": "input_vector_size"},
        },
        cells.unilstm,
    ),
    "bidirlstm": Row(
        "biDirectionalLSTM",
        "W_h, W_x, b, W_h_back, W_x_back, b_back, hidden_size, input_size, input_names, output_names, "
        "inner_activation='SIGMOID', cell_state_update_activation='TANH', output_activation='TANH', peep=None, "
        "peep_back=None, output_all=False, forget_bias=False, coupled_input_forget_gate=False, "
        "cell_clip_threshold=50000.0",
        {
            **dict.fromkeys(
                ("W_h", "W_x", "b", "peep", "W_h_back", "W_x_back", "b_back", "peep_back"), "weight_params"
            ),
            **dict.fromkeys(cells.LSTM_FUNCTIONS, "activations_forward_lstm activations_backward_lstm"),
            **dict.fromkeys(cells.LSTM_OPTIONS, "params"),
            **{"hidden_size": "output_vector_size", "input_size": "input_vector_size"},
        },
        cells.bidirlstm,
    ),
    # shapes and order
    "flatten": Row("flatten", "mode, input_name, output_name", {"mode": ("mode", _flatten_order)}),
    "flatten_to_2d": Row("flattenTo2D", "input_name, output_name, axis=1"),
    "permute": Row("permute", "dim, input_name, output_name", {"dim": "axis"}),
    "transpose": Row("transpose", "axes, input_name, output_name", make=irregular.transpose),
    "reshape": Row("reshape", "input_name, output_name, target_shape, mode", {"mode": ("mode", _reshape_order)}),
    "reshape_static": Row("reshapeStatic", "input_name, output_name, output_shape", {"output_shape": "target_shape"}),
    "rank_preserving_reshape": Row(
        "rankPreservingReshape", "input_name, output_name, output_shape", {"output_shape": "target_shape"}
    ),
    "expand_dims": Row("expandDims", "input_name, output_name, axes"),
    "squeeze": Row("squeeze", "input_name, output_name, axes=None, squeeze_all=False"),
    "reorganize_data": Row("reorganizeData", "input_name, output_name, mode='SPACE_TO_DEPTH', block_size=2"),
    "reverse": Row(
        "reverse", "input_name, output_name, reverse_dim=None", make=lambda a: {"reverse_dim": _booleans(a.reverse_dim)}
    ),
    "reverse_sequence": Row(
        "reverseSeq", "input_names, output_name, batch_axis=0, seq_axis=-1", {"seq_axis": "sequence_axis"}
    ),
    "sequence_repeat": Row("sequenceRepeat", "nrep, input_name, output_name", {"nrep": "n_repetitions"}),
    "tile": Row("tile", "input_name, output_name, reps=()", make=irregular.tile),
    "stack": Row("stack", "input_names, output_name, axis=0"),
    "concat_nd": Row("concatND", "input_names, output_name, axis, interleave=False"),
    "split": Row("split", "input_name, output_names", make=lambda a: {"n_outputs": len(a.outputs)}),
    "split_nd": Row(
        "splitND",
        "input_name, output_names, axis, num_splits=2, split_sizes=None",
        {"split_sizes": "split_sizes num_splits"},
        irregular.split_nd,
    ),
    "constant_pad": Row(
        "constantPad", "input_names, output_name, value=0.0, pad_to_given_output_size_mode=False, pad_amounts=()"
    ),
    # parts of arrays
    "slice": Row(
        "slice", "input_name, output_name, axis, start_index=0, end_index=-1, stride=1", {"axis": ("axis", _axis)}
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
    "scatter": Row("scatter", "input_names, output_name, axis=0, mode='UPDATE'", {"mode": ("mode", _scatter)}),
    "scatter_along_axis": Row(
        "scatterAlongAxis", "input_names, output_name, axis=0, mode='UPDATE'", {"mode": ("mode", _scatter)}
    ),
    "scatter_nd": Row("scatterND", "input_names, output_name, mode='UPDATE'", {"mode": ("mode", _scatter)}),
    "matrix_band_part": Row("matrixBandPart", "input_name, output_name, num_lower=-1, num_upper=-1"),
    "lower_triangular": Row("lowerTriangular", "input_name, output_name, k=0"),
    "upper_triangular": Row("upperTriangular", "input_name, output_name, k=0"),
    # made from nothing or from shapes
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
    "argmax": Row("argMax", "input_name, output_name, axis, keepdims=True", {"keepdims": ("remove_dim", _flipped)}),
    "argmin": Row("argMin", "input_name, output_name, axis, keepdims=True", {"keepdims": ("remove_dim", _flipped)}),
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
    # control flow, and what somebody else computes
    "branch": Row("branch", "input_name, if_branch=None, else_branch=None", incomplete=True),
    "loop": Row(
        "loop",
        "body_network=None, input_name=None, condition=None, condition_network=None, max_iterations=None",
        {"condition": ("condition_var", str), "max_iterations": "max_loop_iterations"},
        incomplete=True,
    ),
    "custom": Row(
        "custom",
        "input_names, output_names, custom_proto_spec=None",
        {"custom_proto_spec": "class_name weights parameters description"},
        irregular.custom,
        incomplete=True,
    ),
}
