"""The type and the description of every parameter of the `add_...` methods, for `generate.py`.

A parameter means the same in all methods, unless there is an entry for one of them: "method.parameter". A layer's
inputs are called x. In shapes, C, H and W are channels, height and width.
"""

from __future__ import annotations

from collections.abc import Mapping

_WEIGHTS = "ArrayLike | Quantized | bytes"
_ACTIVATION = "str | Choice"
_IN_CELL = '"SIGMOID", "TANH", "RELU", "LINEAR", "SIGMOID_HARD" or "SCALED_TANH", or a `Choice` with other parameters'
_LSTM_GATES = "input (i), forget (f), output (o), block input (z)"
_SAMPLING = (
    '"STRICT_ALIGN_ENDPOINTS_MODE", "ALIGN_ENDPOINTS_MODE", "UPSAMPLE_MODE" or "ROI_ALIGN_MODE": where the samples are '
    "taken along an axis"
)
_SCATTER = '"UPDATE", "ADD", "SUB", "MUL", "DIV", "MAX" or "MIN": how an update changes the element'

PARAMETERS: Mapping[str, tuple[str, str]] = {
    # every layer
    "name": ("str", "name of the layer, unique in the network"),
    "input_name": ("str", "blob that the layer reads"),
    "input_names": ("Sequence[str] | str", "blobs that the layer reads, in order"),
    "output_name": ("str", "blob that the layer writes"),
    "output_names": ("Sequence[str] | str", "blobs that the layer writes, in order"),
    # weights
    "inner_product.W": (_WEIGHTS, "weights [output_channels, input_channels]"),
    "embedding.W": (_WEIGHTS, "vectors [output_channels, input_dim]: column i is the vector of index i"),
    "embedding_nd.W": (_WEIGHTS, "vectors [embedding_size, vocab_size]: column i is the vector of index i"),
    "batched_mat_mul.W": (_WEIGHTS, "second factor [weight_matrix_rows, weight_matrix_columns]; one input only"),
    "scale.W": ("ArrayLike", "factors; as many as shape_scale says"),
    "convolution.W": (
        f"{_WEIGHTS} | None",
        "kernels [height, width, kernel_channels, output_channels]; transposed convolution: [height, width, "
        "kernel_channels, output_channels / groups]. Unused if a second input is the kernel",
    ),
    "convolution3d.W": (
        "ArrayLike",
        "kernels [output_channels, input_channels / groups, depth, height, width]; transposed convolution: "
        "[output_channels / groups, input_channels, depth, height, width]",
    ),
    "b": ("ArrayLike | None", "bias [output_channels]; unused unless has_bias"),
    "embedding_nd.b": ("ArrayLike | None", "bias [embedding_size]"),
    "scale.b": ("ArrayLike | None", "summands; as many as shape_bias says. Unused unless has_bias"),
    "bias.b": ("ArrayLike", "summands; as many as shape_bias says"),
    "batched_mat_mul.bias": ("ArrayLike | None", "bias [weight_matrix_columns]; one input only"),
    "has_bias": ("bool", "whether b is added"),
    "is_quantized_weight": ("bool", "whether W is bytes; an array is then refused"),
    "quantization_type": ("str | None", '"linear" or "lut": what the bytes of W mean'),
    "nbits": ("int", "bits of a weight, 1 to 8, if W is bytes"),
    "quant_scale": ("ArrayLike | None", "linear quantization: one factor, or one for each output channel"),
    "quant_bias": ("ArrayLike | None", "linear quantization: one offset, or one for each output channel"),
    "quant_lut": ("ArrayLike | None", "table quantization: the 2 ** nbits values"),
    "int_8_dynamic_quantize": (
        "bool",
        "quantize x to 8 bits as well when the model runs. Takes 8-bit weights with one scale and no quant_bias",
    ),
    "constant_value": ("ArrayLike", "elements of the array; as many as shape says"),
    "shape": ("Sequence[int]", "shape of the array"),
    "load_constant.shape": ("Sequence[int]", "shape [C, H, W] of the array"),
    "shape_scale": ("Sequence[int] | None", "shape of W: [1], [C], [1, H, W] or [C, H, W]. Default: taken from W"),
    "shape_bias": ("Sequence[int] | None", "shape of b: [1], [C], [1, H, W] or [C, H, W]. Default: taken from b"),
    # sizes
    "input_channels": ("int", "channels of x"),
    "output_channels": ("int", "channels of the output"),
    "kernel_channels": ("int", "channels of x divided by groups; transposed convolution: channels of x"),
    "input_dim": ("int", "size of the vocabulary"),
    "embedding.output_channels": ("int", "length of a vector"),
    "vocab_size": ("int", "size of the vocabulary"),
    "embedding_size": ("int", "length of a vector"),
    "transpose_a": ("bool", "swap the last two axes of the first input; two inputs only"),
    "transpose_b": ("bool", "swap the last two axes of the second input; two inputs only"),
    "weight_matrix_rows": ("int", "rows of W; one input only"),
    "weight_matrix_columns": ("int", "columns of W; one input only"),
    # windows and padding
    "depth": ("int", "depth of the kernel"),
    "height": ("int", "height of the window"),
    "width": ("int", "width of the window"),
    **{f"kernel_{axis}": ("int", f"{axis} of the window") for axis in ("depth", "height", "width")},
    **{f"stride_{axis}": ("int", f"step of the window along the {axis}") for axis in ("depth", "height", "width")},
    **{
        f"dilation_{axis}": ("int", f"dilation of the kernel along the {axis}") for axis in ("depth", "height", "width")
    },
    "dilation_factors": ("Sequence[int]", "dilation of the kernel [height, width]"),
    "groups": ("int", "number of groups; divides both numbers of channels"),
    "is_deconv": ("bool", "transposed convolution"),
    "convolution.output_shape": ("Sequence[int] | None", "size of the result [H, W]; transposed convolution only"),
    "convolution3d.output_shape": (
        "Sequence[int] | None",
        "size of the result [depth, height, width]; transposed convolution only",
    ),
    "border_mode": ("str", '"valid" or "same"'),
    "same_padding_asymmetry_mode": (
        "str",
        '"BOTTOM_RIGHT_HEAVY" or "TOP_LEFT_HEAVY": the side that gets an extra row or column of "same" padding',
    ),
    **{f"padding_{side}": ("int", f'rows of zeros at the {side}, for "valid"') for side in ("top", "bottom")},
    **{f"padding_{side}": ("int", f'columns of zeros on the {side}, for "valid"') for side in ("left", "right")},
    **{
        f"{method}{side}": ("int", f'padding at the {side}, in elements, for "custom"')
        for method in ("custom_padding_", "convolution3d.padding_")
        for side in ("front", "back", "top", "bottom", "left", "right")
    },
    "padding_mode": ("str", '"valid", "same" or "custom"'),
    "layer_type": ("str", '"MAX", "AVERAGE" or "L2"'),
    "pooling_type": ("str", '"MAX" or "AVERAGE"'),
    "pooling.padding_type": (
        "str",
        '"VALID", "SAME" or "INCLUDE_LAST_PIXEL", which pads with padding_top and padding_left on both sides',
    ),
    "exclude_pad_area": ("bool", "average: divide by the number of elements of x in the window, without the padding"),
    "average_pooling_count_excludes_padding": (
        "bool",
        "average: divide by the number of elements of x in the window, without the padding",
    ),
    "is_global": ("bool", "one window for the whole image; its size, stride and padding are then unused"),
    "padding.padding_type": ("str", '"constant", "reflection" or "replication"'),
    "value": ("float", "the value"),
    "padding.value": ("float", "value of the padding, for constant padding"),
    "constant_pad.value": ("float", "value of the padding"),
    "pad_amounts": ("Sequence[int]", "elements before and after each axis: 2 numbers for each axis; one input only"),
    "pad_to_given_output_size_mode": (
        "bool",
        "the amounts are the sizes of the result; one number of each pair is then 0",
    ),
    **{side: ("int", f"columns at the {side}") for side in ("left", "right")},
    **{side: ("int", f"rows at the {side}") for side in ("top", "bottom")},
    "offset": ("Sequence[int]", "first row and column that is kept; two inputs only"),
    # resizing
    "scaling_factor_h": ("float", "factor of the height; fractions need ALIGN_CORNERS_TRUE or ALIGN_CORNERS_FALSE"),
    "scaling_factor_w": ("float", "factor of the width; fractions need ALIGN_CORNERS_TRUE or ALIGN_CORNERS_FALSE"),
    "upsample.mode": ("str", '"NN" or "BILINEAR"'),
    "linear_upsample_mode": ("str", '"DEFAULT", "ALIGN_CORNERS_TRUE" or "ALIGN_CORNERS_FALSE", for BILINEAR'),
    "target_height": ("int", "height of the result, in pixels"),
    "target_width": ("int", "width of the result, in pixels"),
    "resize_bilinear.mode": ("str", _SAMPLING),
    "crop_resize.mode": ("str", _SAMPLING),
    "normalized_roi": ("bool", "whether boxes are given in 0 to 1 instead of pixels"),
    "box_indices_mode": (
        "str",
        '"CORNERS_HEIGHT_FIRST", "CORNERS_WIDTH_FIRST", "CENTER_SIZE_HEIGHT_FIRST" or "CENTER_SIZE_WIDTH_FIRST": '
        "what the four numbers of a box are",
    ),
    "spatial_scale": ("float", "factor that the coordinates of boxes are multiplied by"),
    # activations and elementwise layers
    "non_linearity": (
        "str",
        '"RELU", "SIGMOID", "TANH", "SOFTPLUS", "SOFTSIGN", "LINEAR", "SCALED_TANH", "SIGMOID_HARD", "LEAKYRELU", '
        '"ELU", "THRESHOLDEDRELU", "PRELU" or "PARAMETRICSOFTPLUS"',
    ),
    "params": (
        "ArrayLike | Sequence[ArrayLike] | None",
        "parameters of the function: alpha, or alpha and beta; for PRELU alpha [C], for PARAMETRICSOFTPLUS alpha [C] "
        "and beta [C]. Default: the usual values, if there are any",
    ),
    "input_rank": ("int | None", "rank of the input, a hint for readers of the file"),
    "input_shape": ("Sequence[int] | None", "shape of the input, a hint for readers of the file"),
    "output_rank": ("int | None", "rank of the output, a hint for readers of the file"),
    "activation.output_shape": ("Sequence[int] | None", "shape of the output, a hint for readers of the file"),
    "elementwise.mode": (
        "str",
        '"ADD", "MULTIPLY", "CONCAT", "SEQUENCE_CONCAT", "DOT", "COS", "MAX", "MIN" or "AVE"',
    ),
    "elementwise.alpha": ("float | None", "second operand of ADD and MULTIPLY; one input only"),
    "unary.mode": (
        "str",
        '"SQRT", "RSQRT", "INVERSE", "POWER", "EXP", "LOG", "ABS" or "THRESHOLD"',
    ),
    "unary.alpha": ("float", "exponent of POWER, lower bound of THRESHOLD"),
    "shift": ("float", "number that is added to scale * x before the function is applied"),
    "unary.scale": ("float", "factor that x is multiplied by before the function is applied; 0 means 1"),
    "unary.epsilon": (
        "float | None",
        "number that is added to the argument of RSQRT and INVERSE. Default: 1e-4 for them",
    ),
    "gelu.mode": ("str", '"EXACT", "TANH_APPROXIMATION" or "SIGMOID_APPROXIMATION"'),
    "min_value": ("float", "lower bound"),
    "max_value": ("float", "upper bound"),
    "clamped_relu.alpha": ("float", "slope for negative numbers"),
    "clamped_relu.beta": ("float", "upper bound"),
    "alpha": ("float", "right-hand side of the comparison; one input only"),
    "use_greater_than_equal": ("bool", "compare with >= instead of >"),
    "use_less_than_equal": ("bool", "compare with <= instead of <"),
    "logical.mode": ("str", '"AND", "OR", "XOR" or "NOT"'),
    # normalizations
    "channels": ("int", "channels of x"),
    "gamma": ("ArrayLike", "factors [channels]"),
    "beta": ("ArrayLike", "summands [channels]"),
    "layer_normalization.gamma": ("ArrayLike", "factors, of the shape normalized_shape"),
    "layer_normalization.beta": ("ArrayLike", "summands, of the shape normalized_shape"),
    "batchnorm.mean": ("ArrayLike | None", "means [channels]; unused with compute_mean_var"),
    "variance": ("ArrayLike | None", "variances [channels]; unused with compute_mean_var"),
    "compute_mean_var": ("bool", "compute mean and variance from x"),
    "instance_normalization": (
        "bool",
        "with compute_mean_var: compute them for each sample, instead of for the whole batch",
    ),
    "epsilon": ("float", "added to keep the division finite"),
    "eps": ("float", "added to keep the division finite"),
    "normalized_shape": ("Sequence[int]", "sizes of the last axes of x, over which mean and variance are computed"),
    "lrn.alpha": ("float", "factor of the sum of squares"),
    "lrn.beta": ("float", "exponent of the denominator"),
    "local_size": ("int", "width of the window, in channels"),
    "lrn.k": ("float", "constant term of the denominator; 0 means 1"),
    "across_channels": ("bool", "one mean over channels, height and width, instead of one for each channel"),
    "normalize_variance": ("bool", "divide by the standard deviation as well"),
    # recurrent layers
    "hidden_size": ("int", "size of the state and of the output"),
    "input_size": ("int", "size of an element of the sequence"),
    "simple_rnn.W_h": ("ArrayLike", "weights of the state [hidden_size, hidden_size]"),
    "simple_rnn.W_x": ("ArrayLike", "weights of x [hidden_size, input_size]"),
    "simple_rnn.b": ("ArrayLike | None", "bias [hidden_size]"),
    **{
        f"{method}.{parameter}{back}": (kind, f"{what} of each gate{end} in the order {order}")
        for method, back, end, order in (
            ("gru", "", "", "update (z), reset (r), output (o)"),
            ("unilstm", "", "", _LSTM_GATES),
            ("bidirlstm", "", " of the forward direction", _LSTM_GATES),
            ("bidirlstm", "_back", " of the backward direction", _LSTM_GATES),
        )
        for parameter, kind, what in (
            ("W_h", "Sequence[ArrayLike]", "weights of the state [hidden_size, hidden_size]"),
            ("W_x", "Sequence[ArrayLike]", "weights of x [hidden_size, input_size]"),
            ("b", "Sequence[ArrayLike] | None", "bias [hidden_size]"),
        )
    },
    "peep": ("Sequence[ArrayLike] | None", "peephole weights [hidden_size] of the gates i, f and o"),
    "peep_back": ("Sequence[ArrayLike] | None", "peephole weights of the backward direction, like peep"),
    "activation": (_ACTIVATION, f"activation of the output: {_IN_CELL}"),
    "inner_activation": (_ACTIVATION, f"activation of the gates: {_IN_CELL}"),
    "cell_state_update_activation": (_ACTIVATION, "activation of the block input, like inner_activation"),
    "output_activation": (_ACTIVATION, "activation of the cell before the output gate, like inner_activation"),
    "output_all": ("bool", "return the output of every step instead of the last one only"),
    "reverse_input": ("bool", "read the sequence from its end"),
    "forget_bias": ("bool", "add 1 to the bias of the forget gate"),
    "coupled_input_forget_gate": ("bool", "use 1 - i as the forget gate"),
    "cell_clip_threshold": ("float", "largest absolute value that enters an activation; 0 means 50"),
    # shapes and order
    "axis": ("int", "axis; a negative one counts from the end"),
    **{
        f"reduce_{name}.axes": (
            "Sequence[int] | None",
            "axes to reduce; negative ones count from the end. Default: all",
        )
        for name in ("sum", "prod", "mean", "max", "min", "l1", "l2", "sumsquare", "logsum", "logsumexp")
    },
    "flatten.mode": ("int", "0: channels first, 1: channels last"),
    "reshape.mode": ("int", "0: channels first, any other number: channels last"),
    "flatten_to_2d.axis": ("int", "first axis that is merged into the columns"),
    "dim": ("Sequence[int]", "new order of the axes 0 sequence, 1 channels, 2 height, 3 width"),
    "transpose.axes": ("Sequence[int]", "axis of x that becomes axis i, for each i"),
    "target_shape": ("Sequence[int]", "new shape [C, H, W] or [sequence, C, H, W]"),
    "output_shape": ("Sequence[int]", "shape of the result"),
    "reshape_static.output_shape": ("Sequence[int]", "new shape; one -1 takes the remaining elements"),
    "rank_preserving_reshape.output_shape": (
        "Sequence[int]",
        "new shape; 0 keeps the size of an axis, one -1 takes the remaining elements",
    ),
    "expand_dims.axes": ("Sequence[int]", "positions of the new axes in the result; may be negative"),
    "squeeze.axes": ("Sequence[int] | None", "axes of length 1 to remove; may be negative. Unused with squeeze_all"),
    "squeeze_all": ("bool", "remove every axis of length 1"),
    "reorganize_data.mode": ("str", '"SPACE_TO_DEPTH", "DEPTH_TO_SPACE" or "PIXEL_SHUFFLE"'),
    "block_size": ("int", "side of a block, at least 2"),
    "reverse_dim": ("Sequence[bool] | None", "whether to reverse, for each axis of x. Default: a single True"),
    "batch_axis": ("int", "axis of the batch; comes before seq_axis"),
    "seq_axis": ("int", "axis of the sequence"),
    "nrep": ("int", "number of repetitions"),
    "reps": ("Sequence[int]", "number of repetitions for each axis; one input only"),
    "stack.axis": ("int", "position of the new axis in the result; may be negative"),
    "interleave": ("bool", "alternate between the inputs, which must then have equal shapes"),
    "num_splits": ("int", "number of parts; unused with split_sizes"),
    "split_sizes": ("Sequence[int] | None", "size of each part. Default: num_splits parts"),
    # parts of arrays
    "slice.axis": ("str", '"channel", "height" or "width"'),
    "start_index": ("int", "first position; a negative one counts from the end"),
    "end_index": ("int", "position after the last one; a negative one counts from the end"),
    "stride": ("int", "distance between two positions, at least 1"),
    "size": ("int", "number of elements along the axis"),
    "begin_ids": ("Sequence[int]", "first position for each axis"),
    "end_ids": ("Sequence[int]", "position after the last one, for each axis"),
    "strides": ("Sequence[int]", "distance between two positions for each axis; not 0"),
    "begin_masks": ("Sequence[bool]", "whether to begin at the start of the axis, for each axis"),
    "end_masks": ("Sequence[bool]", "whether to continue to the end of the axis, for each axis"),
    "squeeze_masks": ("Sequence[bool] | None", "whether to take one position and remove the axis, for each axis"),
    "window_size": ("int", "length of a window, in elements"),
    "step": ("float", "difference between two numbers"),
    "sliding_windows.step": ("int", "distance between the starts of two windows, in elements"),
    "scatter.mode": ("str", _SCATTER),
    "scatter_along_axis.mode": ("str", _SCATTER),
    "scatter_nd.mode": ("str", _SCATTER),
    "num_lower": ("int", "diagonals that are kept below the main one; negative: all"),
    "num_upper": ("int", "diagonals that are kept above the main one; negative: all"),
    "k": ("int", "diagonal: 0 is the main one, positive ones are above it"),
    "topk.k": ("int", "how many numbers to return; one input only"),
    # constants and random numbers
    "end": ("float", "end of the range, which is not part of it; without inputs only"),
    "start": ("float", "first number; unless it is an input"),
    "one_hot_vector_size": ("int | None", "length of the new axis; one input only"),
    "one_hot.axis": ("int", "position of the new axis in the result; may be negative"),
    "on_value": ("float", "value at the index"),
    "off_value": ("float", "value everywhere else"),
    "num_samples": ("int", "number of draws, at least 1"),
    "is_logits": ("bool", "whether x holds logarithms of probabilities instead of probabilities"),
    "categorical_distribution.eps": ("float", "added to keep the logarithm finite"),
    "temperature": ("float", "divisor of the logarithms; above 1 it flattens the distribution"),
    "seed": ("int", "seed that gives the same numbers each time; -1: different ones"),
    "mean": ("float", "mean of the distribution"),
    "stddev": ("float", "standard deviation of the distribution"),
    "minval": ("float", "lower bound"),
    "maxval": ("float", "upper bound, not included"),
    "prob": ("float", "probability of a one, 0 to 1"),
    # reductions and sorting
    "keepdims": ("bool", "keep the reduced axes, with length 1"),
    "reduce_all": ("bool", "reduce all axes; axes is then unused"),
    "reduce.axis": ("str", '"CHW", "HW", "C", "H" or "W"'),
    "reduce.mode": (
        "str",
        '"SUM", "AVG", "PROD", "LOGSUM", "SUMSQUARE", "L1", "L2", "MAX", "MIN" or "ARGMAX"',
    ),
    "reduce.epsilon": ("float", "number that is added to x before the logarithm, for LOGSUM"),
    "descending": ("bool", "largest number first"),
    "use_bottom_k": ("bool", "return the smallest numbers instead of the largest"),
    "cumsum.reverse": ("bool", "sum from the end of the axis"),
    "exclusive": ("bool", "sum only the elements before each element"),
    "iou_threshold": ("float", "overlap (intersection over union, 0 to 1) above which a box is suppressed"),
    "score_threshold": ("float", "score below which a box is ignored"),
    "max_boxes": ("int", "largest number of boxes to keep"),
    "per_class_suppression": ("bool", "let a box suppress only boxes of the same class"),
    # control flow and custom layers
    "if_branch": (
        "Message | Core | None",
        "builder or message of the network to run if the input is not 0; may be filled in later",
    ),
    "else_branch": ("Message | Core | None", "builder or message of the network to run if the input is 0"),
    "body_network": ("Message | Core | None", "builder or message of the network to repeat; may be filled in later"),
    "loop.input_name": ("str | None", "blob with the number of iterations. Default: max_iterations"),
    "condition": ("str | None", "blob of condition_network that says whether to continue"),
    "condition_network": ("Message | Core | None", "builder or message of the network that runs before each iteration"),
    "max_iterations": ("int | None", "largest number of iterations. Default: no limit"),
    "custom_proto_spec": (
        "Message | None",
        "the layer's parameters: a CustomLayerParams message, of this package or another",
    ),
}
