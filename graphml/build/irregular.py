"""Arguments -> fields of layers without weights whose arguments have another form than the wire."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphml.build.arguments import AXES, border_amounts, one_of, padding_2d, padding_3d
from graphml.build.rows import Fields
from graphml.errors import SpecError
from graphml.spec.attributes import Choice, decode
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer


def pooling(a: Any) -> Fields:
    padding = padding_2d(a.padding_type, a, last_pixel=True)
    if "include_last_pixel" in padding and (a.padding_top, a.padding_left) != (a.padding_bottom, a.padding_right):
        raise SpecError("INCLUDE_LAST_PIXEL pads both sides of an axis alike")
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
    ways = {"CONSTANT": {"constant": {"value": a.value}}, "REFLECTION": {"reflection": {}}}
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


def crop_resize(a: Any) -> Fields:
    return {
        "target_size": (a.target_height, a.target_width),
        "mode": a.mode,
        "normalized_coordinates": a.normalized_roi,
        "box_indices_mode": a.box_indices_mode,
        "spatial_scale": a.spatial_scale,
    }


# Activations ---------------------------------------------------------------------------------------------------------

# name -> (member of the oneof, its numbers, their values when no params are given; None: params are needed)
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
        raise SpecError(f"{a.non_linearity} needs params")
    if member == "PReLU":
        return {"nonlinearity_type": Choice(member), "alpha": np.ravel(np.asarray(values, np.float32))}
    if member == "parametricSoftplus":
        numbers = {name: np.ravel(np.asarray(value, np.float32)) for name, value in zip(names, values, strict=True)}
        return {"nonlinearity_type": Choice(member), **numbers}
    scalars = np.ravel(values).tolist()[: len(names)]
    if len(scalars) < len(names):
        raise SpecError(f"{a.non_linearity} has the params {', '.join(names)}; {len(scalars)} are given")
    return {"nonlinearity_type": Choice(member, dict(zip(names, scalars, strict=True)))}


# Other layers --------------------------------------------------------------------------------------------------------


def reduction(a: Any) -> Fields:
    """No axes are all axes."""
    axes = [] if a.axes is None else [int(axis) for axis in a.axes]
    return {"axes": axes, "keep_dims": a.keepdims, "reduce_all": a.reduce_all or not axes}


# What keeps logarithms and divisions finite, where the call does not say it.
_UNARY_EPSILON = {"INVERSE": 1e-4, "RSQRT": 1e-4, "LOG": 1e-45}


def unary(a: Any) -> Fields:
    epsilon = _UNARY_EPSILON.get(a.mode.upper(), 1e-6) if a.epsilon is None else a.epsilon
    return {"type": a.mode, "alpha": a.alpha, "shift": a.shift, "scale": a.scale, "epsilon": epsilon}


def transpose(a: Any) -> Fields:
    return {"axes": [axis + len(a.axes) if axis < 0 else axis for axis in a.axes]}


def split_nd(a: Any) -> Fields:
    sizes = [] if a.split_sizes is None else list(a.split_sizes)
    return {"axis": a.axis, "split_sizes": sizes, "num_splits": len(sizes) if sizes else a.num_splits}


def _squeezed(masks: Any) -> Fields:
    """Squeeze masks need a newer format, so they are written only where one is set."""
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


def custom(a: Any) -> Fields:
    """custom_proto_spec: the message of a custom layer's parameters, of this package or any other."""
    if a.custom_proto_spec is None:
        return {}
    layer = NeuralNetworkLayer()
    layer.custom.ParseFromString(a.custom_proto_spec.SerializeToString())
    decoded = decode(layer)
    return {**decoded.attributes, **decoded.weights}
