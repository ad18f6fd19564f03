"""Arguments -> fields, for layers without weights whose arguments are not simply the fields under other names."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphml.build.arguments import AXES, Fields, border_amounts, one_of, padding_2d, padding_3d
from graphml.errors import SpecError
from graphml.spec.attributes import Choice, decode
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer


def pooling(a: Any) -> Fields:
    padding = padding_2d(a.padding_type, a, last_pixel=True)
    if "include_last_pixel" in padding and (a.padding_top, a.padding_left) != (a.padding_bottom, a.padding_right):
        raise SpecError("INCLUDE_LAST_PIXEL needs padding_top = padding_bottom and padding_left = padding_right")
    return {
        "type": a.layer_type,
        "kernel_size": (a.height, a.width),
        "stride": (a.stride_height, a.stride_width),
        "avg_pool_exclude_padding": a.exclude_pad_area,
        "global_pooling": a.is_global,
        **padding,
    }


def pooling3d(a: Any) -> Fields:
    return {
        "type": a.pooling_type,
        **{f"{what}_{axis}": getattr(a, f"{what}_{axis}") for what in ("kernel", "stride") for axis in AXES},
        **padding_3d(a, "custom_"),
        "count_exclude_padding": a.average_pooling_count_excludes_padding,
    }


def padding(a: Any) -> Fields:
    ways: Fields = {"CONSTANT": {"constant": {"value": a.value}}, "REFLECTION": {"reflection": {}}}
    way = one_of(a.padding_type, {**ways, "REPLICATION": {"replication": {}}}, "padding_type")
    return {"padding_amounts": border_amounts(a), **way}


def crop(a: Any) -> Fields:
    offset = (0, 0) if len(a.inputs) == 1 else tuple(a.offset)
    return {"crop_amounts": border_amounts(a), "offset": offset}


def upsample(a: Any) -> Fields:
    factors = (a.scaling_factor_h, a.scaling_factor_w)
    whole = all(factor == int(factor) for factor in factors)
    field = "scaling_factor" if whole else "fractional_scaling_factor"
    return {
        field: [int(f) if whole else f for f in factors],
        "mode": a.mode,
        "linear_upsample_mode": a.linear_upsample_mode,
    }


def resize_bilinear(a: Any) -> Fields:
    return {"target_size": (a.target_height, a.target_width), "mode": a.mode}


def crop_resize(a: Any) -> Fields:
    return {
        "target_size": (a.target_height, a.target_width),
        "mode": a.mode,
        "normalized_coordinates": a.normalized_roi,
        "box_indices_mode": a.box_indices_mode,
        "spatial_scale": a.spatial_scale,
    }


# Activations ---------------------------------------------------------------------------------------------------------

# Name -> (member of the oneof, its parameters, their defaults; None: there is no default).
_ACTIVATIONS: dict[str, tuple[str, tuple[str, ...], tuple[float, ...] | None]] = {
    "RELU": ("ReLU", (), ()),
    "SIGMOID": ("sigmoid", (), ()),
    "TANH": ("tanh", (), ()),
    "SOFTPLUS": ("softplus", (), ()),
    "SOFTSIGN": ("softsign", (), ()),
    "LINEAR": ("linear", ("alpha", "beta"), (1.0, 0.0)),
    "SCALED_TANH": ("scaledTanh", ("alpha", "beta"), (0.0, 0.0)),
    "SIGMOID_HARD": ("sigmoidHard", ("alpha", "beta"), (0.2, 0.5)),
    "LEAKYRELU": ("leakyReLU", ("alpha",), (0.3,)),
    "ELU": ("ELU", ("alpha",), None),
    "THRESHOLDEDRELU": ("thresholdedReLU", ("alpha",), (1.0,)),
    "PRELU": ("PReLU", ("alpha",), None),
    "PARAMETRICSOFTPLUS": ("parametricSoftplus", ("alpha", "beta"), None),
}


def activation(a: Any) -> Fields:
    member, names, default = one_of(a.non_linearity, _ACTIVATIONS, "non_linearity")
    values: Any = a.params
    if values is None:
        values = default
    if values is None:
        raise SpecError(f"{a.non_linearity} needs params: {', '.join(names)}")
    if member == "PReLU":
        return {"nonlinearity_type": Choice(member), "alpha": np.ravel(np.asarray(values, np.float32))}
    if member == "parametricSoftplus":
        numbers = {name: np.ravel(np.asarray(value, np.float32)) for name, value in zip(names, values, strict=True)}
        return {"nonlinearity_type": Choice(member), **numbers}
    scalars = np.ravel(values).tolist()[: len(names)]
    if len(scalars) < len(names):
        raise SpecError(f"{a.non_linearity} needs the params {', '.join(names)}, got {len(scalars)}")
    return {"nonlinearity_type": Choice(member, dict(zip(names, scalars, strict=True)))}


# Elementwise layers and comparisons ----------------------------------------------------------------------------------

_ELEMENTWISE: dict[str, tuple[str, Fields]] = {
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

ELEMENTWISE_KINDS = tuple(dict.fromkeys(kind for kind, _ in _ELEMENTWISE.values()))
LOGICAL_KINDS = tuple(_LOGICAL.values())


def elementwise_kind(a: Any) -> str:
    return one_of(a.mode, _ELEMENTWISE, "mode")[0]


def elementwise(a: Any) -> Fields:
    kind, fields = one_of(a.mode, _ELEMENTWISE, "mode")
    return {**fields, "alpha": a.alpha} if kind in ("add", "multiply") else fields


def logical_kind(a: Any) -> str:
    return one_of(a.mode, _LOGICAL, "mode")


def logical(a: Any) -> Fields:
    return {}


def greater_kind(a: Any) -> str:
    return "greaterEqual" if a.use_greater_than_equal else "greaterThan"


def less_kind(a: Any) -> str:
    return "lessEqual" if a.use_less_than_equal else "lessThan"


def comparison(a: Any) -> Fields:
    return {"alpha": a.alpha} if len(a.inputs) == 1 else {}  # a second input replaces alpha


# Defaults that keep logarithms and divisions finite.
_UNARY_EPSILON = {"INVERSE": 1e-4, "RSQRT": 1e-4, "LOG": 1e-45}


def unary(a: Any) -> Fields:
    epsilon = _UNARY_EPSILON.get(a.mode.upper(), 1e-6) if a.epsilon is None else a.epsilon
    return {"type": a.mode, "alpha": a.alpha, "shift": a.shift, "scale": a.scale, "epsilon": epsilon}


# Reductions ----------------------------------------------------------------------------------------------------------


def reduction(a: Any) -> Fields:
    # without axes, everything is reduced
    axes = [] if a.axes is None else [int(axis) for axis in a.axes]
    return {"axes": axes, "keep_dims": a.keepdims, "reduce_all": a.reduce_all or not axes}


def position(a: Any) -> Fields:
    return {"axis": a.axis, "remove_dim": not a.keepdims}


# Shapes, order and parts of arrays -----------------------------------------------------------------------------------


def flatten(a: Any) -> Fields:
    return {"mode": one_of(a.mode, {0: "CHANNEL_FIRST", 1: "CHANNEL_LAST"}, "mode")}


def reshape(a: Any) -> Fields:
    return {"target_shape": a.target_shape, "mode": "CHANNEL_FIRST" if a.mode == 0 else "CHANNEL_LAST"}


def reverse(a: Any) -> Fields:
    return {"reverse_dim": [True] if a.reverse_dim is None else [bool(value) for value in a.reverse_dim]}


def split(a: Any) -> Fields:
    return {"n_outputs": len(a.outputs)}


def slice_axis(a: Any) -> Fields:
    axis = one_of(a.axis, {name: f"{name}_AXIS" for name in ("CHANNEL", "HEIGHT", "WIDTH")}, "axis")
    return {"axis": axis, "start_index": a.start_index, "end_index": a.end_index, "stride": a.stride}


def scatter(a: Any) -> Fields:
    return {"axis": a.axis, **scatter_nd(a)}


def scatter_nd(a: Any) -> Fields:
    modes = ("UPDATE", "ADD", "SUB", "MUL", "DIV", "MAX", "MIN")
    return {"mode": one_of(a.mode, {name: f"SCATTER_{name}" for name in modes}, "mode")}


def transpose(a: Any) -> Fields:
    return {"axes": [axis + len(a.axes) if axis < 0 else axis for axis in a.axes]}


def split_nd(a: Any) -> Fields:
    sizes = [] if a.split_sizes is None else list(a.split_sizes)
    return {"axis": a.axis, "split_sizes": sizes, "num_splits": len(sizes) if sizes else a.num_splits}


def _squeezed(masks: Any) -> Fields:
    """The squeeze masks, if any is set: they need a newer version of the format."""
    return {"squeeze_masks": list(masks)} if masks is not None and any(masks) else {}


def slice_static(a: Any) -> Fields:
    names = ("begin_ids", "end_ids", "strides", "begin_masks", "end_masks")
    return {**{name: list(getattr(a, name)) for name in names}, **_squeezed(a.squeeze_masks)}


def slice_dynamic(a: Any) -> Fields:
    names = ("end_ids", "strides", "begin_masks", "end_masks")
    given = {name: getattr(a, name) for name in names}
    return {**{name: list(value) for name, value in given.items() if value is not None}, **_squeezed(a.squeeze_masks)}


def tile(a: Any) -> Fields:
    return {} if len(a.inputs) > 1 else {"reps": list(a.reps)}


# Control flow and custom layers --------------------------------------------------------------------------------------


def loop(a: Any) -> Fields:
    return {
        "body_network": a.body_network,
        "condition_var": None if a.condition is None else str(a.condition),
        "condition_network": a.condition_network,
        "max_loop_iterations": a.max_iterations,
    }


def custom(a: Any) -> Fields:
    # the message may be of another package's class, so it is copied by its bytes
    if a.custom_proto_spec is None:
        return {}
    layer = NeuralNetworkLayer()
    layer.custom.ParseFromString(a.custom_proto_spec.SerializeToString())
    decoded = decode(layer)
    return {**decoded.attributes, **decoded.weights}
