# Made by graphml/build/generate.py from the table of methods; change that and run it again.
"""The `add_...` methods of the builder."""

from collections.abc import Sequence
from typing import Any

from graphml.build.core import Core
from graphml.build.rows import Row
from graphml.spec.wire.network_pb2 import NeuralNetworkLayer

def documentation(row: Row) -> str: ...

class LayerMethods(Core):
    def add_softmax(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: softmax (specification 1). Returns its message."""
    def add_erf(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: erf (specification 4). Returns its message."""
    def add_exp2(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: exp2 (specification 4). Returns its message."""
    def add_ceil(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: ceil (specification 4). Returns its message."""
    def add_floor(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: floor (specification 4). Returns its message."""
    def add_round(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: round (specification 4). Returns its message."""
    def add_sign(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: sign (specification 4). Returns its message."""
    def add_copy(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: copy (specification 4). Returns its message."""
    def add_get_shape(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: getShape (specification 4). Returns its message."""
    def add_where_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: whereBroadcastable (specification 4). Returns its message."""
    def add_sin(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: sin (specification 4). Returns its message."""
    def add_cos(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: cos (specification 4). Returns its message."""
    def add_tan(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: tan (specification 4). Returns its message."""
    def add_asin(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: asin (specification 4). Returns its message."""
    def add_acos(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: acos (specification 4). Returns its message."""
    def add_atan(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: atan (specification 4). Returns its message."""
    def add_sinh(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: sinh (specification 4). Returns its message."""
    def add_cosh(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: cosh (specification 4). Returns its message."""
    def add_tanh(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: tanh (specification 4). Returns its message."""
    def add_asinh(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: asinh (specification 4). Returns its message."""
    def add_acosh(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: acosh (specification 4). Returns its message."""
    def add_atanh(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: atanh (specification 4). Returns its message."""
    def add_add_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: addBroadcastable (specification 4). Returns its message."""
    def add_subtract_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: subtractBroadcastable (specification 4). Returns its message."""
    def add_multiply_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: multiplyBroadcastable (specification 4). Returns its message."""
    def add_divide_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: divideBroadcastable (specification 4). Returns its message."""
    def add_floor_div_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: floorDivBroadcastable (specification 4). Returns its message."""
    def add_mod_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: modBroadcastable (specification 4). Returns its message."""
    def add_pow_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: powBroadcastable (specification 4). Returns its message."""
    def add_min_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: minBroadcastable (specification 4). Returns its message."""
    def add_max_broadcastable(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: maxBroadcastable (specification 4). Returns its message."""
    def add_gather_nd(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: gatherND (specification 4). Returns its message."""
    def add_reshape_like(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: reshapeLike (specification 4). Returns its message."""
    def add_reshape_dynamic(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: reshapeDynamic (specification 4). Returns its message."""
    def add_broadcast_to_like(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: broadcastToLike (specification 4). Returns its message."""
    def add_broadcast_to_dynamic(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: broadcastToDynamic (specification 4). Returns its message."""
    def add_loop_break(
        self,
        name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: loopBreak (specification 4). Returns its message."""
    def add_loop_continue(
        self,
        name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: loopContinue (specification 4). Returns its message."""
    def add_where_nonzero(
        self,
        name: str,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: whereNonZero (specification 4). Returns its message."""
    def add_reduce_sum(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: reduceSum (specification 4). Returns its message.

        keepdims: the field keep_dims.
        """
    def add_reduce_prod(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: reduceProd (specification 4). Returns its message.

        keepdims: the field keep_dims.
        """
    def add_reduce_mean(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: reduceMean (specification 4). Returns its message.

        keepdims: the field keep_dims.
        """
    def add_reduce_max(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: reduceMax (specification 4). Returns its message.

        keepdims: the field keep_dims.
        """
    def add_reduce_min(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: reduceMin (specification 4). Returns its message.

        keepdims: the field keep_dims.
        """
    def add_reduce_l1(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: reduceL1 (specification 4). Returns its message.

        keepdims: the field keep_dims.
        """
    def add_reduce_l2(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: reduceL2 (specification 4). Returns its message.

        keepdims: the field keep_dims.
        """
    def add_reduce_sumsquare(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: reduceSumSquare (specification 4). Returns its message.

        keepdims: the field keep_dims.
        """
    def add_reduce_logsum(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: reduceLogSum (specification 4). Returns its message.

        keepdims: the field keep_dims.
        """
    def add_reduce_logsumexp(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        keepdims: bool = True,
        reduce_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: reduceLogSumExp (specification 4). Returns its message.

        keepdims: the field keep_dims.
        """
    def add_random_normal_like(
        self,
        name: str,
        input_name: str,
        output_name: str,
        mean: float = 0.0,
        stddev: float = 0.0,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer: randomNormalLike (specification 4). Returns its message.

        stddev: the field std_dev.
        """
    def add_random_normal_static(
        self,
        name: str,
        output_name: str,
        output_shape: Sequence[int],
        mean: float = 0.0,
        stddev: float = 0.0,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer: randomNormalStatic (specification 4). Returns its message.

        stddev: the field std_dev.
        """
    def add_random_normal_dynamic(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        mean: float = 0.0,
        stddev: float = 0.0,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer: randomNormalDynamic (specification 4). Returns its message.

        stddev: the field std_dev.
        """
    def add_random_uniform_like(
        self,
        name: str,
        input_name: str,
        output_name: str,
        minval: float = 0.0,
        maxval: float = 1.0,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer: randomUniformLike (specification 4). Returns its message.

        minval: the field min_val.
        maxval: the field max_val.
        """
    def add_random_uniform_static(
        self,
        name: str,
        output_name: str,
        output_shape: Sequence[int],
        minval: float = 0.0,
        maxval: float = 1.0,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer: randomUniformStatic (specification 4). Returns its message.

        minval: the field min_val.
        maxval: the field max_val.
        """
    def add_random_uniform_dynamic(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        minval: float = 0.0,
        maxval: float = 1.0,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer: randomUniformDynamic (specification 4). Returns its message.

        minval: the field min_val.
        maxval: the field max_val.
        """
    def add_random_bernoulli_like(
        self,
        name: str,
        input_name: str,
        output_name: str,
        prob: float = 0.5,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer: randomBernoulliLike (specification 4). Returns its message."""
    def add_random_bernoulli_static(
        self,
        name: str,
        output_name: str,
        output_shape: Sequence[int],
        prob: float = 0.5,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer: randomBernoulliStatic (specification 4). Returns its message."""
    def add_random_bernoulli_dynamic(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        prob: float = 0.5,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer: randomBernoulliDynamic (specification 4). Returns its message."""
    def add_inner_product(
        self,
        name: str,
        W: Any,
        b: Any,
        input_channels: int,
        output_channels: int,
        has_bias: bool,
        input_name: str,
        output_name: str,
        int_8_dynamic_quantize: bool = False,
        is_quantized_weight: bool = False,
        quantization_type: str = "linear",
        nbits: int = 8,
        quant_scale: Any = None,
        quant_bias: Any = None,
        quant_lut: Any = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: innerProduct (specification 1). Returns its message.

        W: the field weights.
        b: the field bias.
        int_8_dynamic_quantize: the field int8_dynamic_quantize.
        is_quantized_weight: says that W is bytes; the weights hold what the bytes mean.
        quantization_type: part of the weights.
        nbits: part of the weights.
        quant_scale: part of the weights.
        quant_bias: part of the weights.
        quant_lut: part of the weights.
        """
    def add_embedding(
        self,
        name: str,
        W: Any,
        b: Any,
        input_dim: int,
        output_channels: int,
        has_bias: bool,
        input_name: str,
        output_name: str,
        is_quantized_weight: bool = False,
        quantization_type: str = "linear",
        nbits: int = 8,
        quant_scale: Any = None,
        quant_bias: Any = None,
        quant_lut: Any = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: embedding (specification 1). Returns its message.

        W: the field weights.
        b: the field bias.
        is_quantized_weight: says that W is bytes; the weights hold what the bytes mean.
        quantization_type: part of the weights.
        nbits: part of the weights.
        quant_scale: part of the weights.
        quant_bias: part of the weights.
        quant_lut: part of the weights.
        """
    def add_embedding_nd(
        self,
        name: str,
        input_name: str,
        output_name: str,
        vocab_size: int,
        embedding_size: int,
        W: Any,
        b: Any = None,
        is_quantized_weight: bool = False,
        quantization_type: str = "linear",
        nbits: int = 8,
        quant_scale: Any = None,
        quant_bias: Any = None,
        quant_lut: Any = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: embeddingND (specification 4). Returns its message.

        W: the field weights.
        b: the fields bias, has_bias.
        is_quantized_weight: says that W is bytes; the weights hold what the bytes mean.
        quantization_type: part of the weights.
        nbits: part of the weights.
        quant_scale: part of the weights.
        quant_bias: part of the weights.
        quant_lut: part of the weights.
        """
    def add_batched_mat_mul(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        transpose_a: bool = False,
        transpose_b: bool = False,
        weight_matrix_rows: int = 0,
        weight_matrix_columns: int = 0,
        W: Any = None,
        bias: Any = None,
        int_8_dynamic_quantize: bool = False,
        is_quantized_weight: bool = False,
        quantization_type: str = "linear",
        nbits: int = 8,
        quant_scale: Any = None,
        quant_bias: Any = None,
        quant_lut: Any = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: batchedMatmul (specification 4). Returns its message.

        weight_matrix_rows: the field weight_matrix_first_dimension.
        weight_matrix_columns: the field weight_matrix_second_dimension.
        W: the field weights.
        bias: the fields bias, has_bias.
        int_8_dynamic_quantize: the field int8_dynamic_quantize.
        is_quantized_weight: says that W is bytes; the weights hold what the bytes mean.
        quantization_type: part of the weights.
        nbits: part of the weights.
        quant_scale: part of the weights.
        quant_bias: part of the weights.
        quant_lut: part of the weights.
        """
    def add_load_constant(
        self,
        name: str,
        output_name: str,
        constant_value: Any,
        shape: Sequence[int],
    ) -> NeuralNetworkLayer:
        """Append a layer: loadConstant (specification 1). Returns its message.

        constant_value: the field data.
        """
    def add_load_constant_nd(
        self,
        name: str,
        output_name: str,
        constant_value: Any,
        shape: Sequence[int],
    ) -> NeuralNetworkLayer:
        """Append a layer: loadConstantND (specification 4). Returns its message.

        constant_value: the field data.
        """
    def add_scale(
        self,
        name: str,
        W: Any,
        b: Any,
        has_bias: bool,
        input_name: str,
        output_name: str,
        shape_scale: Sequence[int] | None = None,
        shape_bias: Sequence[int] | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: scale (specification 1). Returns its message.

        W: the field scale.
        b: the field bias.
        """
    def add_bias(
        self,
        name: str,
        b: Any,
        input_name: str,
        output_name: str,
        shape_bias: Sequence[int] | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: bias (specification 1). Returns its message.

        b: the field bias.
        shape_bias: the field shape.
        """
    def add_convolution(
        self,
        name: str,
        kernel_channels: int,
        output_channels: int,
        height: Any,
        width: Any,
        stride_height: Any,
        stride_width: Any,
        border_mode: Any,
        groups: int,
        W: Any,
        b: Any,
        has_bias: bool,
        is_deconv: bool = False,
        output_shape: Sequence[int] | None = None,
        input_name: Sequence[str] | str = "data",
        output_name: str = "out",
        dilation_factors: Sequence[int] = (1, 1),
        padding_top: int = 0,
        padding_bottom: int = 0,
        padding_left: int = 0,
        padding_right: int = 0,
        same_padding_asymmetry_mode: str = "BOTTOM_RIGHT_HEAVY",
        quantization_type: Any = None,
        nbits: int = 8,
        quant_scale: Any = None,
        quant_bias: Any = None,
        quant_lut: Any = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: convolution (specification 1). Returns its message.

        height: the field kernel_size.
        width: the field kernel_size.
        stride_height: the field stride.
        stride_width: the field stride.
        border_mode: the fields valid, same.
        groups: the field n_groups.
        W: the field weights.
        b: the field bias.
        is_deconv: the field is_deconvolution.
        dilation_factors: the field dilation_factor.
        padding_top: the field valid.
        padding_bottom: the field valid.
        padding_left: the field valid.
        padding_right: the field valid.
        same_padding_asymmetry_mode: the field same.
        quantization_type: part of the weights.
        nbits: part of the weights.
        quant_scale: part of the weights.
        quant_bias: part of the weights.
        quant_lut: part of the weights.
        """
    def add_convolution3d(
        self,
        name: str,
        input_channels: int,
        output_channels: int,
        depth: int,
        height: int,
        width: int,
        W: Any,
        b: Any,
        has_bias: bool,
        groups: int = 1,
        stride_depth: int = 1,
        stride_height: int = 1,
        stride_width: int = 1,
        dilation_width: int = 1,
        dilation_height: int = 1,
        dilation_depth: int = 1,
        is_deconv: bool = False,
        output_shape: Sequence[int] | None = None,
        padding_mode: str = "valid",
        padding_front: int = 0,
        padding_back: int = 0,
        padding_top: int = 0,
        padding_bottom: int = 0,
        padding_left: int = 0,
        padding_right: int = 0,
        input_name: str = "data",
        output_name: str = "out",
    ) -> NeuralNetworkLayer:
        """Append a layer: convolution3d (specification 5). Returns its message.

        depth: the field kernel_depth.
        height: the field kernel_height.
        width: the field kernel_width.
        W: the field weights.
        b: the field bias.
        groups: the field n_groups.
        is_deconv: the field is_deconvolution.
        padding_mode: the field padding_type.
        padding_front: the field custom_padding_front.
        padding_back: the field custom_padding_back.
        padding_top: the field custom_padding_top.
        padding_bottom: the field custom_padding_bottom.
        padding_left: the field custom_padding_left.
        padding_right: the field custom_padding_right.
        """
    def add_pooling(
        self,
        name: str,
        height: Any,
        width: Any,
        stride_height: Any,
        stride_width: Any,
        layer_type: Any,
        padding_type: Any,
        input_name: str,
        output_name: str,
        exclude_pad_area: bool = True,
        is_global: bool = False,
        padding_top: int = 0,
        padding_bottom: int = 0,
        padding_left: int = 0,
        padding_right: int = 0,
        same_padding_asymmetry_mode: str = "BOTTOM_RIGHT_HEAVY",
    ) -> NeuralNetworkLayer:
        """Append a layer: pooling (specification 1). Returns its message.

        height: the field kernel_size.
        width: the field kernel_size.
        stride_height: the field stride.
        stride_width: the field stride.
        layer_type: the field type.
        padding_type: the fields valid, same, include_last_pixel.
        exclude_pad_area: the field avg_pool_exclude_padding.
        is_global: the field global_pooling.
        padding_top: the field valid.
        padding_bottom: the field valid.
        padding_left: the field valid.
        padding_right: the field valid.
        same_padding_asymmetry_mode: the field same.
        """
    def add_pooling3d(
        self,
        name: str,
        input_name: str,
        output_name: str,
        pooling_type: Any,
        kernel_depth: int,
        kernel_height: int,
        kernel_width: int,
        stride_depth: int,
        stride_height: int,
        stride_width: int,
        padding_mode: str = "valid",
        custom_padding_front: int = 0,
        custom_padding_back: int = 0,
        custom_padding_top: int = 0,
        custom_padding_bottom: int = 0,
        custom_padding_left: int = 0,
        custom_padding_right: int = 0,
        average_pooling_count_excludes_padding: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: pooling3d (specification 5). Returns its message.

        pooling_type: the field type.
        padding_mode: the field padding_type.
        average_pooling_count_excludes_padding: the field count_exclude_padding.
        """
    def add_global_pooling3d(
        self,
        name: str,
        input_name: str,
        output_name: str,
        pooling_type: Any,
    ) -> NeuralNetworkLayer:
        """Append a layer: globalPooling3d (specification 5). Returns its message.

        pooling_type: the field type.
        """
    def add_padding(
        self,
        name: str,
        left: int = 0,
        right: int = 0,
        top: int = 0,
        bottom: int = 0,
        value: int = 0,
        input_name: str = "data",
        output_name: str = "out",
        padding_type: str = "constant",
    ) -> NeuralNetworkLayer:
        """Append a layer: padding (specification 1). Returns its message.

        left: the field padding_amounts.
        right: the field padding_amounts.
        top: the field padding_amounts.
        bottom: the field padding_amounts.
        value: the field constant.
        padding_type: the fields constant, reflection, replication.
        """
    def add_crop(
        self,
        name: str,
        left: Any,
        right: Any,
        top: Any,
        bottom: Any,
        offset: Sequence[int],
        input_names: Sequence[str] | str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: crop (specification 1). Returns its message.

        left: the field crop_amounts.
        right: the field crop_amounts.
        top: the field crop_amounts.
        bottom: the field crop_amounts.
        """
    def add_upsample(
        self,
        name: str,
        scaling_factor_h: Any,
        scaling_factor_w: Any,
        input_name: str,
        output_name: str,
        mode: str = "NN",
        linear_upsample_mode: str = "DEFAULT",
    ) -> NeuralNetworkLayer:
        """Append a layer: upsample (specification 1). Returns its message.

        scaling_factor_h: the fields scaling_factor, fractional_scaling_factor.
        scaling_factor_w: the fields scaling_factor, fractional_scaling_factor.
        """
    def add_resize_bilinear(
        self,
        name: str,
        input_name: str,
        output_name: str,
        target_height: int = 1,
        target_width: int = 1,
        mode: str = "ALIGN_ENDPOINTS_MODE",
    ) -> NeuralNetworkLayer:
        """Append a layer: resizeBilinear (specification 3). Returns its message.

        target_height: the field target_size.
        target_width: the field target_size.
        """
    def add_crop_resize(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        target_height: int = 1,
        target_width: int = 1,
        mode: str = "STRICT_ALIGN_ENDPOINTS_MODE",
        normalized_roi: bool = False,
        box_indices_mode: str = "CORNERS_HEIGHT_FIRST",
        spatial_scale: float = 1.0,
    ) -> NeuralNetworkLayer:
        """Append a layer: cropResize (specification 3). Returns its message.

        target_height: the field target_size.
        target_width: the field target_size.
        normalized_roi: the field normalized_coordinates.
        """
    def add_activation(
        self,
        name: str,
        non_linearity: Any,
        input_name: str,
        output_name: str,
        params: Any = None,
        input_rank: Any = None,
        input_shape: Any = None,
        output_rank: Any = None,
        output_shape: Any = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: activation (specification 1). Returns its message.

        non_linearity: the field nonlinearity_type.
        params: the fields nonlinearity_type, alpha, beta.
        input_rank: a hint, written to the layer's inputTensor.
        input_shape: a hint, written to the layer's inputTensor.
        output_rank: a hint, written to the layer's outputTensor.
        output_shape: a hint, written to the layer's outputTensor.
        """
    def add_elementwise(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        mode: Any,
        alpha: float | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: one of add, multiply, concat, dot, max, min, average (specification 1). Returns its message.

        mode: the fields sequence_concat, cosine_similarity.
        """
    def add_unary(
        self,
        name: str,
        input_name: str,
        output_name: str,
        mode: Any,
        alpha: float = 1.0,
        shift: float = 0,
        scale: float = 1.0,
        epsilon: float | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: unary (specification 1). Returns its message.

        mode: the field type.
        """
    def add_gelu(
        self,
        name: str,
        input_name: str,
        output_name: str,
        mode: str = "EXACT",
    ) -> NeuralNetworkLayer:
        """Append a layer: gelu (specification 4). Returns its message."""
    def add_clip(
        self,
        name: str,
        input_name: str,
        output_name: str,
        min_value: float = 0.0,
        max_value: float = 1.0,
    ) -> NeuralNetworkLayer:
        """Append a layer: clip (specification 4). Returns its message.

        min_value: the field min_val.
        max_value: the field max_val.
        """
    def add_clamped_relu(
        self,
        name: str,
        input_name: str,
        output_name: str,
        alpha: float = 0.0,
        beta: float = 6.0,
    ) -> NeuralNetworkLayer:
        """Append a layer: clampedReLU (specification 5). Returns its message."""
    def add_greater_than(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        use_greater_than_equal: bool = False,
        alpha: float = 0.0,
    ) -> NeuralNetworkLayer:
        """Append a layer: one of greaterThan, greaterEqual (specification 4). Returns its message.

        use_greater_than_equal: chooses the kind of layer.
        """
    def add_less_than(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        use_less_than_equal: bool = False,
        alpha: float = 0.0,
    ) -> NeuralNetworkLayer:
        """Append a layer: one of lessThan, lessEqual (specification 4). Returns its message.

        use_less_than_equal: chooses the kind of layer.
        """
    def add_equal(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        alpha: float = 0.0,
    ) -> NeuralNetworkLayer:
        """Append a layer: equal (specification 4). Returns its message."""
    def add_not_equal(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        alpha: float = 0.0,
    ) -> NeuralNetworkLayer:
        """Append a layer: notEqual (specification 4). Returns its message."""
    def add_logical(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        mode: Any,
    ) -> NeuralNetworkLayer:
        """Append a layer: one of logicalAnd, logicalOr, logicalXor, logicalNot (specification 4). Returns its message.

        mode: chooses the kind of layer.
        """
    def add_batchnorm(
        self,
        name: str,
        channels: int,
        gamma: Any,
        beta: Any,
        mean: Any = None,
        variance: Any = None,
        input_name: str = "data",
        output_name: str = "out",
        compute_mean_var: bool = False,
        instance_normalization: bool = False,
        epsilon: float = 1e-05,
    ) -> NeuralNetworkLayer:
        """Append a layer: batchnorm (specification 1). Returns its message."""
    def add_layer_normalization(
        self,
        name: str,
        input_name: str,
        output_name: str,
        normalized_shape: Sequence[int],
        gamma: Any,
        beta: Any,
        eps: float = 1e-05,
    ) -> NeuralNetworkLayer:
        """Append a layer: layerNormalization (specification 4). Returns its message."""
    def add_lrn(
        self,
        name: str,
        input_name: str,
        output_name: str,
        alpha: float,
        beta: float,
        local_size: int,
        k: float = 1.0,
    ) -> NeuralNetworkLayer:
        """Append a layer: lrn (specification 1). Returns its message."""
    def add_mvn(
        self,
        name: str,
        input_name: str,
        output_name: str,
        across_channels: bool = True,
        normalize_variance: bool = True,
        epsilon: float = 1e-05,
    ) -> NeuralNetworkLayer:
        """Append a layer: mvn (specification 1). Returns its message."""
    def add_l2_normalize(
        self,
        name: str,
        input_name: str,
        output_name: str,
        epsilon: float = 1e-05,
    ) -> NeuralNetworkLayer:
        """Append a layer: l2normalize (specification 1). Returns its message."""
    def add_softmax_nd(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axis: int,
    ) -> NeuralNetworkLayer:
        """Append a layer: softmaxND (specification 4). Returns its message."""
    def add_simple_rnn(
        self,
        name: str,
        W_h: Any,
        W_x: Any,
        b: Any,
        hidden_size: int,
        input_size: int,
        activation: Any,
        input_names: Sequence[str] | str,
        output_names: Sequence[str] | str,
        output_all: bool = False,
        reverse_input: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: simpleRecurrent (specification 1). Returns its message.

        W_h: the field recursion_matrix.
        W_x: the field weight_matrix.
        b: the fields bias_vector, has_bias_vector.
        hidden_size: the field output_vector_size.
        input_size: the field input_vector_size.
        output_all: the field sequence_output.
        """
    def add_gru(
        self,
        name: str,
        W_h: Any,
        W_x: Any,
        b: Any,
        hidden_size: int,
        input_size: int,
        input_names: Sequence[str] | str,
        output_names: Sequence[str] | str,
        activation: str = "TANH",
        inner_activation: str = "SIGMOID_HARD",
        output_all: bool = False,
        reverse_input: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: gru (specification 1). Returns its message.

        W_h: the fields update_gate_recursion_matrix, reset_gate_recursion_matrix, output_gate_recursion_matrix.
        W_x: the fields update_gate_weight_matrix, reset_gate_weight_matrix, output_gate_weight_matrix.
        b: the fields update_gate_bias_vector, reset_gate_bias_vector, output_gate_bias_vector.
        hidden_size: the field output_vector_size.
        input_size: the field input_vector_size.
        activation: the field activations.
        inner_activation: the field activations.
        output_all: the field sequence_output.
        """
    def add_unilstm(
        self,
        name: str,
        W_h: Any,
        W_x: Any,
        b: Any,
        hidden_size: int,
        input_size: int,
        input_names: Sequence[str] | str,
        output_names: Sequence[str] | str,
        inner_activation: str = "SIGMOID",
        cell_state_update_activation: str = "TANH",
        output_activation: str = "TANH",
        peep: Any = None,
        output_all: bool = False,
        forget_bias: bool = False,
        coupled_input_forget_gate: bool = False,
        cell_clip_threshold: float = 50000.0,
        reverse_input: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: uniDirectionalLSTM (specification 1). Returns its message.

        W_h: the field weight_params.
        W_x: the field weight_params.
        b: the field weight_params.
        hidden_size: the field output_vector_size.
        input_size: the field input_vector_size.
        inner_activation: the field activations.
        cell_state_update_activation: the field activations.
        output_activation: the field activations.
        peep: the field weight_params.
        output_all: the field params.
        forget_bias: the field params.
        coupled_input_forget_gate: the field params.
        cell_clip_threshold: the field params.
        """
    def add_bidirlstm(
        self,
        name: str,
        W_h: Any,
        W_x: Any,
        b: Any,
        W_h_back: Any,
        W_x_back: Any,
        b_back: Any,
        hidden_size: int,
        input_size: int,
        input_names: Sequence[str] | str,
        output_names: Sequence[str] | str,
        inner_activation: str = "SIGMOID",
        cell_state_update_activation: str = "TANH",
        output_activation: str = "TANH",
        peep: Any = None,
        peep_back: Any = None,
        output_all: bool = False,
        forget_bias: bool = False,
        coupled_input_forget_gate: bool = False,
        cell_clip_threshold: float = 50000.0,
    ) -> NeuralNetworkLayer:
        """Append a layer: biDirectionalLSTM (specification 1). Returns its message.

        W_h: the field weight_params.
        W_x: the field weight_params.
        b: the field weight_params.
        W_h_back: the field weight_params.
        W_x_back: the field weight_params.
        b_back: the field weight_params.
        hidden_size: the field output_vector_size.
        input_size: the field input_vector_size.
        inner_activation: the fields activations_forward_lstm, activations_backward_lstm.
        cell_state_update_activation: the fields activations_forward_lstm, activations_backward_lstm.
        output_activation: the fields activations_forward_lstm, activations_backward_lstm.
        peep: the field weight_params.
        peep_back: the field weight_params.
        output_all: the field params.
        forget_bias: the field params.
        coupled_input_forget_gate: the field params.
        cell_clip_threshold: the field params.
        """
    def add_flatten(
        self,
        name: str,
        mode: Any,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: flatten (specification 1). Returns its message."""
    def add_flatten_to_2d(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axis: int = 1,
    ) -> NeuralNetworkLayer:
        """Append a layer: flattenTo2D (specification 4). Returns its message."""
    def add_permute(
        self,
        name: str,
        dim: Sequence[int],
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: permute (specification 1). Returns its message.

        dim: the field axis.
        """
    def add_transpose(
        self,
        name: str,
        axes: Sequence[int],
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: transpose (specification 4). Returns its message."""
    def add_reshape(
        self,
        name: str,
        input_name: str,
        output_name: str,
        target_shape: Sequence[int],
        mode: Any,
    ) -> NeuralNetworkLayer:
        """Append a layer: reshape (specification 1). Returns its message."""
    def add_reshape_static(
        self,
        name: str,
        input_name: str,
        output_name: str,
        output_shape: Sequence[int],
    ) -> NeuralNetworkLayer:
        """Append a layer: reshapeStatic (specification 4). Returns its message.

        output_shape: the field target_shape.
        """
    def add_rank_preserving_reshape(
        self,
        name: str,
        input_name: str,
        output_name: str,
        output_shape: Sequence[int],
    ) -> NeuralNetworkLayer:
        """Append a layer: rankPreservingReshape (specification 4). Returns its message.

        output_shape: the field target_shape.
        """
    def add_expand_dims(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int],
    ) -> NeuralNetworkLayer:
        """Append a layer: expandDims (specification 4). Returns its message."""
    def add_squeeze(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axes: Sequence[int] | None = None,
        squeeze_all: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: squeeze (specification 4). Returns its message."""
    def add_reorganize_data(
        self,
        name: str,
        input_name: str,
        output_name: str,
        mode: str = "SPACE_TO_DEPTH",
        block_size: int = 2,
    ) -> NeuralNetworkLayer:
        """Append a layer: reorganizeData (specification 1). Returns its message."""
    def add_reverse(
        self,
        name: str,
        input_name: str,
        output_name: str,
        reverse_dim: Any = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: reverse (specification 4). Returns its message."""
    def add_reverse_sequence(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        batch_axis: int = 0,
        seq_axis: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer: reverseSeq (specification 4). Returns its message.

        seq_axis: the field sequence_axis.
        """
    def add_sequence_repeat(
        self,
        name: str,
        nrep: int,
        input_name: str,
        output_name: str,
    ) -> NeuralNetworkLayer:
        """Append a layer: sequenceRepeat (specification 1). Returns its message.

        nrep: the field n_repetitions.
        """
    def add_tile(
        self,
        name: str,
        input_name: Sequence[str] | str,
        output_name: str,
        reps: Sequence[int] = (),
    ) -> NeuralNetworkLayer:
        """Append a layer: tile (specification 4). Returns its message."""
    def add_stack(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        axis: int = 0,
    ) -> NeuralNetworkLayer:
        """Append a layer: stack (specification 4). Returns its message."""
    def add_concat_nd(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        axis: int,
        interleave: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: concatND (specification 4). Returns its message."""
    def add_split(
        self,
        name: str,
        input_name: str,
        output_names: Sequence[str] | str,
    ) -> NeuralNetworkLayer:
        """Append a layer: split (specification 1). Returns its message."""
    def add_split_nd(
        self,
        name: str,
        input_name: str,
        output_names: Sequence[str] | str,
        axis: int,
        num_splits: int = 2,
        split_sizes: Any = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: splitND (specification 4). Returns its message.

        split_sizes: the fields split_sizes, num_splits.
        """
    def add_constant_pad(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        value: float = 0.0,
        pad_to_given_output_size_mode: bool = False,
        pad_amounts: Sequence[int] = (),
    ) -> NeuralNetworkLayer:
        """Append a layer: constantPad (specification 4). Returns its message."""
    def add_slice(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axis: Any,
        start_index: int = 0,
        end_index: int = -1,
        stride: int = 1,
    ) -> NeuralNetworkLayer:
        """Append a layer: slice (specification 1). Returns its message."""
    def add_slice_by_size(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        axis: int,
        size: int,
    ) -> NeuralNetworkLayer:
        """Append a layer: sliceBySize (specification 5). Returns its message."""
    def add_slice_static(
        self,
        name: str,
        input_name: str,
        output_name: str,
        begin_ids: Sequence[int],
        end_ids: Sequence[int],
        strides: Sequence[int],
        begin_masks: Any,
        end_masks: Any,
        squeeze_masks: Any = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: sliceStatic (specification 4). Returns its message."""
    def add_slice_dynamic(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        end_ids: Sequence[int] | None = None,
        strides: Sequence[int] | None = None,
        begin_masks: Any = None,
        end_masks: Any = None,
        squeeze_masks: Any = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: sliceDynamic (specification 4). Returns its message."""
    def add_sliding_windows(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axis: int,
        window_size: int,
        step: int = 1,
    ) -> NeuralNetworkLayer:
        """Append a layer: slidingWindows (specification 4). Returns its message."""
    def add_gather(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        axis: int = 0,
    ) -> NeuralNetworkLayer:
        """Append a layer: gather (specification 4). Returns its message."""
    def add_gather_along_axis(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        axis: int = 0,
    ) -> NeuralNetworkLayer:
        """Append a layer: gatherAlongAxis (specification 4). Returns its message."""
    def add_scatter(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        axis: int = 0,
        mode: str = "UPDATE",
    ) -> NeuralNetworkLayer:
        """Append a layer: scatter (specification 4). Returns its message."""
    def add_scatter_along_axis(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        axis: int = 0,
        mode: str = "UPDATE",
    ) -> NeuralNetworkLayer:
        """Append a layer: scatterAlongAxis (specification 4). Returns its message."""
    def add_scatter_nd(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        mode: str = "UPDATE",
    ) -> NeuralNetworkLayer:
        """Append a layer: scatterND (specification 4). Returns its message."""
    def add_matrix_band_part(
        self,
        name: str,
        input_name: str,
        output_name: str,
        num_lower: int = -1,
        num_upper: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer: matrixBandPart (specification 4). Returns its message."""
    def add_lower_triangular(
        self,
        name: str,
        input_name: str,
        output_name: str,
        k: int = 0,
    ) -> NeuralNetworkLayer:
        """Append a layer: lowerTriangular (specification 4). Returns its message."""
    def add_upper_triangular(
        self,
        name: str,
        input_name: str,
        output_name: str,
        k: int = 0,
    ) -> NeuralNetworkLayer:
        """Append a layer: upperTriangular (specification 4). Returns its message."""
    def add_fill_like(
        self,
        name: str,
        input_name: str,
        output_name: str,
        value: float = 0.0,
    ) -> NeuralNetworkLayer:
        """Append a layer: fillLike (specification 4). Returns its message."""
    def add_fill_static(
        self,
        name: str,
        output_name: str,
        output_shape: Sequence[int],
        value: float = 0.0,
    ) -> NeuralNetworkLayer:
        """Append a layer: fillStatic (specification 4). Returns its message.

        output_shape: the field target_shape.
        """
    def add_fill_dynamic(
        self,
        name: str,
        input_name: str,
        output_name: str,
        value: float = 0.0,
    ) -> NeuralNetworkLayer:
        """Append a layer: fillDynamic (specification 4). Returns its message."""
    def add_broadcast_to_static(
        self,
        name: str,
        input_name: str,
        output_name: str,
        output_shape: Sequence[int],
    ) -> NeuralNetworkLayer:
        """Append a layer: broadcastToStatic (specification 4). Returns its message.

        output_shape: the field target_shape.
        """
    def add_range_static(
        self,
        name: str,
        output_name: str,
        input_names: Sequence[str] | str | None = None,
        end: float = 1,
        start: float = 0,
        step: float = 1,
    ) -> NeuralNetworkLayer:
        """Append a layer: rangeStatic (specification 4). Returns its message.

        end: the field end_value.
        start: the field start_value.
        step: the field step_size_value.
        """
    def add_range_dynamic(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        start: float = 0,
        step: float = 1,
    ) -> NeuralNetworkLayer:
        """Append a layer: rangeDynamic (specification 4). Returns its message.

        start: the field start_value.
        step: the field step_size_value.
        """
    def add_one_hot(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        one_hot_vector_size: int | None = None,
        axis: int = -1,
        on_value: float = 1.0,
        off_value: float = 0.0,
    ) -> NeuralNetworkLayer:
        """Append a layer: oneHot (specification 5). Returns its message."""
    def add_categorical_distribution(
        self,
        name: str,
        input_name: str,
        output_name: str,
        num_samples: int,
        is_logits: bool = True,
        eps: float = 1e-10,
        temperature: float = 1.0,
        seed: int = -1,
    ) -> NeuralNetworkLayer:
        """Append a layer: categoricalDistribution (specification 4). Returns its message."""
    def add_reduce(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axis: Any,
        mode: Any,
        epsilon: float = 1e-06,
    ) -> NeuralNetworkLayer:
        """Append a layer: reduce (specification 1). Returns its message."""
    def add_argmax(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axis: int,
        keepdims: bool = True,
    ) -> NeuralNetworkLayer:
        """Append a layer: argMax (specification 4). Returns its message.

        keepdims: the field remove_dim.
        """
    def add_argmin(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axis: int,
        keepdims: bool = True,
    ) -> NeuralNetworkLayer:
        """Append a layer: argMin (specification 4). Returns its message.

        keepdims: the field remove_dim.
        """
    def add_argsort(
        self,
        name: str,
        input_name: str,
        output_name: str,
        axis: int = 0,
        descending: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: argSort (specification 5). Returns its message."""
    def add_topk(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_names: Sequence[str] | str,
        k: int = 0,
        axis: int = 0,
        use_bottom_k: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: topK (specification 4). Returns its message."""
    def add_cumsum(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_name: str,
        axis: int = -1,
        reverse: bool = False,
        exclusive: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: cumSum (specification 5). Returns its message.

        exclusive: the field exclude_final_sum.
        """
    def add_nms(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_names: Sequence[str] | str,
        iou_threshold: float = 0.5,
        score_threshold: float = 0.0,
        max_boxes: int = 1,
        per_class_suppression: bool = False,
    ) -> NeuralNetworkLayer:
        """Append a layer: NonMaximumSuppression (specification 4). Returns its message."""
    def add_branch(
        self,
        name: str,
        input_name: str,
        if_branch: Any = None,
        else_branch: Any = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: branch (specification 4). Returns its message."""
    def add_loop(
        self,
        name: str,
        body_network: Any = None,
        input_name: str | None = None,
        condition: Any = None,
        condition_network: Any = None,
        max_iterations: int | None = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: loop (specification 4). Returns its message.

        condition: the field condition_var.
        max_iterations: the field max_loop_iterations.
        """
    def add_custom(
        self,
        name: str,
        input_names: Sequence[str] | str,
        output_names: Sequence[str] | str,
        custom_proto_spec: Any = None,
    ) -> NeuralNetworkLayer:
        """Append a layer: custom (specification 2). Returns its message.

        custom_proto_spec: the fields class_name, weights, parameters, description.
        """
