"""The call of an `add_...` method that writes the layer of a case: the table of methods, read backwards.

Where a parameter goes to one field unchanged, the field's value is the argument. `_CALLS` has the other kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from cases import Case
from one_layer import input_names, output_names

from graphml.build.table import ROWS
from graphml.spec.attributes import decode, encode

Call = tuple[str, dict[str, Any]]


def call(kind: str, case: Case) -> Call:
    """The method and its keyword arguments, blobs included."""
    decoded = decode(encode(kind, dict(case.fields)))
    fields = {**decoded.attributes, **decoded.weights}
    name, arguments = _CALLS[kind](fields, len(case.inputs)) if kind in _CALLS else _straight(kind, fields)
    return f"add_{name}", {"name": "layer", **_blobs(name, case), **arguments}


def _blobs(name: str, case: Case) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for names, one, many in (
        (input_names(case), "input_name", "input_names"),
        (output_names(case), "output_name", "output_names"),
    ):
        parameters = ROWS[name].parameters
        if many in parameters:
            given[many] = names
        elif one in parameters:
            given[one] = names[0] if len(names) == 1 else names
    return given


def _straight(kind: str, fields: Mapping[str, Any]) -> Call:
    name = next(name for name, row in ROWS.items() if row.kinds == kind)
    row = ROWS[name]
    targets = {parameter: row.target(parameter) for parameter in row.parameters if row.target(parameter)}
    assert len(set(targets.values())) == len(targets), f"{kind}: two parameters share a field"
    return name, {parameter: fields.get(field) for parameter, field in targets.items()}


def _bare(fields: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: fields[name] for name in names}


# Padding -------------------------------------------------------------------------------------------------------------


def _padding(choice: Any, mode: str) -> dict[str, Any]:
    """The arguments for a padding oneof; where none is chosen there is no padding."""
    if choice is None:
        return {mode: "valid"}
    amounts = choice.fields.get("padding_amounts") or ((0, 0), (0, 0))
    if choice.name == "includeLastPixel":
        amounts = [(n, n) for n in choice.fields.get("padding_amounts") or (0, 0)]
    names = {"valid": "valid", "same": "same", "includeLastPixel": "INCLUDE_LAST_PIXEL"}
    if choice.name == "same":
        return {mode: "same", "same_padding_asymmetry_mode": choice.fields.get("asymmetry_mode", "BOTTOM_RIGHT_HEAVY")}
    (top, bottom), (left, right) = amounts
    sides = {"padding_top": top, "padding_bottom": bottom, "padding_left": left, "padding_right": right}
    return {mode: names[choice.name], **sides}


def _sides(amounts: Any) -> dict[str, int]:
    (top, bottom), (left, right) = amounts if amounts else ((0, 0), (0, 0))
    return {"top": top, "bottom": bottom, "left": left, "right": right}


def _convolution(f: Mapping[str, Any], inputs: int) -> Call:
    weights = f.get("weights")
    back = (2, 3, 0, 1) if f["is_deconvolution"] else (2, 3, 1, 0)
    return "convolution", {
        **_bare(f, "kernel_channels", "output_channels", "has_bias"),
        **dict(zip(("height", "width"), f["kernel_size"], strict=True)),
        **dict(zip(("stride_height", "stride_width"), f["stride"], strict=True)),
        **_padding(f["convolution_padding_type"], "border_mode"),
        "groups": f["n_groups"],
        "W": None if weights is None else np.transpose(weights, back),
        "b": f.get("bias"),
        "is_deconv": f["is_deconvolution"],
        "output_shape": f["output_shape"] if f["output_shape"] else None,
        "dilation_factors": f["dilation_factor"],
    }


def _convolution3d(f: Mapping[str, Any], inputs: int) -> Call:
    weights = f["weights"]
    if f["is_deconvolution"]:
        weights = np.swapaxes(weights, 0, 1)
    return "convolution3d", {
        **_bare(f, "input_channels", "output_channels", "has_bias", "stride_depth", "stride_height", "stride_width"),
        **_bare(f, "dilation_depth", "dilation_height", "dilation_width"),
        **{axis: f[f"kernel_{axis}"] for axis in ("depth", "height", "width")},
        **{f"padding_{s}": f[f"custom_padding_{s}"] for s in ("front", "back", "top", "bottom", "left", "right")},
        **{"W": weights, "b": f.get("bias"), "groups": f["n_groups"], "is_deconv": f["is_deconvolution"]},
        **{"padding_mode": f["padding_type"], "output_shape": f["output_shape"] if f["output_shape"] else None},
    }


def _pooling(f: Mapping[str, Any], inputs: int) -> Call:
    return "pooling", {
        **dict(zip(("height", "width"), f["kernel_size"], strict=True)),
        **dict(zip(("stride_height", "stride_width"), f["stride"], strict=True)),
        **_padding(f["pooling_padding_type"], "padding_type"),
        "layer_type": f["type"],
        "exclude_pad_area": f["avg_pool_exclude_padding"],
        "is_global": f["global_pooling"],
    }


# Activations and cells -----------------------------------------------------------------------------------------------

_ACTIVATIONS = {"ReLU": "RELU", "scaledTanh": "SCALED_TANH", "sigmoidHard": "SIGMOID_HARD"}


def _activation_name(choice: Any) -> str:
    name: str = choice.name
    return _ACTIVATIONS.get(name, name.upper())


def _activation(f: Mapping[str, Any], inputs: int) -> Call:
    choice = f["nonlinearity_type"]
    if choice.name == "PReLU":
        params = f["alpha"]
    elif choice.name == "parametricSoftplus":
        params = [f["alpha"], f["beta"]]
    else:
        params = list(choice.fields.values()) or None
    return "activation", {"non_linearity": _activation_name(choice), "params": params}


def _in_cell(choice: Any) -> Any:
    """A function inside a cell: its name, or the whole message if it has parameters."""
    return choice if choice.fields else _activation_name(choice)


_GRU = ("update_gate", "reset_gate", "output_gate")
_LSTM = ("input_gate", "forget_gate", "output_gate", "block_input")


def _cell(weights: Mapping[str, Any], gates: tuple[str, ...], back: str = "") -> dict[str, Any]:
    out = {}
    for parameter, ending in (("W_x", "weight_matrix"), ("W_h", "recursion_matrix"), ("b", "bias_vector")):
        given = [weights[f"{gate}_{ending}"] for gate in gates if f"{gate}_{ending}" in weights]
        out[f"{parameter}{back}"] = given if given else None
    return out


def _lstm_cell(weights: Mapping[str, Any], back: str = "") -> dict[str, Any]:
    peep = [weights[f"{gate}_peephole_vector"] for gate in _LSTM[:3] if f"{gate}_peephole_vector" in weights]
    return {**_cell(weights, _LSTM, back), f"peep{back}": peep if peep else None}


def _size(f: Mapping[str, Any]) -> dict[str, int]:
    return {"hidden_size": f["output_vector_size"], "input_size": f["input_vector_size"]}


def _simple_rnn(f: Mapping[str, Any], inputs: int) -> Call:
    return "simple_rnn", {
        **_size(f),
        **{"W_x": f["weight_matrix"], "W_h": f["recursion_matrix"], "b": f.get("bias_vector")},
        **{"activation": _in_cell(f["activation"]), "output_all": f["sequence_output"]},
        "reverse_input": f["reverse_input"],
    }


def _gru(f: Mapping[str, Any], inputs: int) -> Call:
    inner, outer = map(_in_cell, f["activations"])
    options = {"activation": outer, "inner_activation": inner, "output_all": f["sequence_output"]}
    return "gru", {**_size(f), **_cell(f, _GRU), **options, "reverse_input": f["reverse_input"]}


def _lstm_options(f: Mapping[str, Any], activations: Any) -> dict[str, Any]:
    names = ("inner_activation", "cell_state_update_activation", "output_activation")
    params = f["params"]
    return {
        **_size(f),
        **dict(zip(names, map(_in_cell, activations), strict=True)),
        "output_all": params["sequence_output"],
        "forget_bias": params["forget_bias"],
        "coupled_input_forget_gate": params["coupled_input_and_forget_gate"],
        "cell_clip_threshold": params["cell_clip_threshold"],
    }


def _unilstm(f: Mapping[str, Any], inputs: int) -> Call:
    options = _lstm_options(f, f["activations"])
    return "unilstm", {**options, **_lstm_cell(f["weight_params"]), "reverse_input": f["reverse_input"]}


def _bidirlstm(f: Mapping[str, Any], inputs: int) -> Call:
    options = _lstm_options(f, f["activations_forward_lstm"])
    forward, backward = f["weight_params"]
    return "bidirlstm", {**options, **_lstm_cell(forward), **_lstm_cell(backward, "_back")}


def _params(kind: str, fields: Mapping[str, Any]) -> Any:
    """The message of a layer's own fields."""
    return getattr(encode(kind, dict(fields)), kind)


# Others --------------------------------------------------------------------------------------------------------------


def _elementwise(mode: str, **more: str) -> Callable[[Mapping[str, Any], int], Call]:
    return lambda f, inputs: ("elementwise", {"mode": mode, "alpha": f.get("alpha")})


def _flagged(name: str, flag: str, value: bool) -> Callable[[Mapping[str, Any], int], Call]:
    return lambda f, inputs: (name, {flag: value, "alpha": f["alpha"]})


def _scatter(name: str, *more: str) -> Callable[[Mapping[str, Any], int], Call]:
    return lambda f, inputs: (name, {"mode": f["mode"].removeprefix("SCATTER_"), **_bare(f, *more)})


def _batched_mat_mul(f: Mapping[str, Any], inputs: int) -> Call:
    weights = f.get("weights")
    return "batched_mat_mul", {
        **_bare(f, "transpose_a", "transpose_b"),
        "weight_matrix_rows": f["weight_matrix_first_dimension"],
        "weight_matrix_columns": f["weight_matrix_second_dimension"],
        "W": np.transpose(weights) if isinstance(weights, np.ndarray) else weights,  # quantized as on the wire
        "bias": f.get("bias"),
        "int_8_dynamic_quantize": f["int8_dynamic_quantize"],
    }


def _upsample(f: Mapping[str, Any], inputs: int) -> Call:
    factors = f["fractional_scaling_factor"] if f["fractional_scaling_factor"] else f["scaling_factor"]
    scaling = dict(zip(("scaling_factor_h", "scaling_factor_w"), factors, strict=True))
    return "upsample", {**scaling, **_bare(f, "mode", "linear_upsample_mode")}


def _target(f: Mapping[str, Any]) -> dict[str, int]:
    return dict(zip(("target_height", "target_width"), f["target_size"], strict=True))


_CALLS: Mapping[str, Callable[[Any, int], Call]] = {
    "convolution": _convolution,
    "convolution3d": _convolution3d,
    "pooling": _pooling,
    "activation": _activation,
    "simpleRecurrent": _simple_rnn,
    "gru": _gru,
    "uniDirectionalLSTM": _unilstm,
    "biDirectionalLSTM": _bidirlstm,
    "batchedMatmul": _batched_mat_mul,
    "upsample": _upsample,
    "padding": lambda f, n: (
        "padding",
        {
            **_sides(f["padding_amounts"]),
            "padding_type": f["padding_type"].name,
            "value": f["padding_type"].fields.get("value", 0),
        },
    ),
    "crop": lambda f, n: ("crop", {**_sides(f["crop_amounts"]), "offset": f["offset"] if f["offset"] else (0, 0)}),
    "resizeBilinear": lambda f, n: ("resize_bilinear", {**_target(f), "mode": f["mode"]}),
    "cropResize": lambda f, n: (
        "crop_resize",
        {
            **_target(f),
            "normalized_roi": f["normalized_coordinates"],
            **_bare(f, "mode", "box_indices_mode", "spatial_scale"),
        },
    ),
    **{kind: _elementwise(mode) for kind, mode in (("add", "ADD"), ("multiply", "MULTIPLY"), ("average", "AVE"))},
    **{kind: _elementwise(kind.upper()) for kind in ("max", "min")},
    "concat": lambda f, n: ("elementwise", {"mode": "SEQUENCE_CONCAT" if f["sequence_concat"] else "concat"}),
    "dot": lambda f, n: ("elementwise", {"mode": "COS" if f["cosine_similarity"] else "DOT"}),
    "greaterThan": _flagged("greater_than", "use_greater_than_equal", False),
    "greaterEqual": _flagged("greater_than", "use_greater_than_equal", True),
    "lessThan": _flagged("less_than", "use_less_than_equal", False),
    "lessEqual": _flagged("less_than", "use_less_than_equal", True),
    **{
        f"logical{mode.title()}": lambda f, n, mode=mode: ("logical", {"mode": mode})
        for mode in ("AND", "OR", "XOR", "NOT")
    },
    "scatter": _scatter("scatter", "axis"),
    "scatterAlongAxis": _scatter("scatter_along_axis", "axis"),
    "scatterND": _scatter("scatter_nd"),
    "slice": lambda f, n: (
        "slice",
        {"axis": f["axis"].removesuffix("_AXIS").lower(), **_bare(f, "start_index", "end_index", "stride")},
    ),
    "flatten": lambda f, n: ("flatten", {"mode": int(f["mode"] == "CHANNEL_LAST")}),
    "reshape": lambda f, n: (
        "reshape",
        {"mode": int(f["mode"] == "CHANNEL_LAST"), "target_shape": f["target_shape"]},
    ),
    "argMax": lambda f, n: ("argmax", {"axis": f["axis"], "keepdims": not f["remove_dim"]}),
    "argMin": lambda f, n: ("argmin", {"axis": f["axis"], "keepdims": not f["remove_dim"]}),
    "whereNonZero": lambda f, n: ("where_nonzero", {}),
    "custom": lambda f, n: ("custom", {"custom_proto_spec": _params("custom", f)}),
}
