from graphml.spec.wire import weights_pb2 as _weights_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import Any as _Any, ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ScatterMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCATTER_UPDATE: _ClassVar[ScatterMode]
    SCATTER_ADD: _ClassVar[ScatterMode]
    SCATTER_SUB: _ClassVar[ScatterMode]
    SCATTER_MUL: _ClassVar[ScatterMode]
    SCATTER_DIV: _ClassVar[ScatterMode]
    SCATTER_MAX: _ClassVar[ScatterMode]
    SCATTER_MIN: _ClassVar[ScatterMode]
SCATTER_UPDATE: ScatterMode
SCATTER_ADD: ScatterMode
SCATTER_SUB: ScatterMode
SCATTER_MUL: ScatterMode
SCATTER_DIV: ScatterMode
SCATTER_MAX: ScatterMode
SCATTER_MIN: ScatterMode

class LoopBreakLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LoopContinueLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CopyLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GreaterThanLayerParams(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    def __init__(self, alpha: _Optional[float] = ...) -> None: ...

class GreaterEqualLayerParams(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    def __init__(self, alpha: _Optional[float] = ...) -> None: ...

class LessThanLayerParams(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    def __init__(self, alpha: _Optional[float] = ...) -> None: ...

class LessEqualLayerParams(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    def __init__(self, alpha: _Optional[float] = ...) -> None: ...

class EqualLayerParams(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    def __init__(self, alpha: _Optional[float] = ...) -> None: ...

class NotEqualLayerParams(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    def __init__(self, alpha: _Optional[float] = ...) -> None: ...

class LogicalAndLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LogicalOrLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LogicalXorLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LogicalNotLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Convolution3DLayerParams(_message.Message):
    __slots__ = ("outputChannels", "inputChannels", "nGroups", "kernelDepth", "kernelHeight", "kernelWidth", "strideDepth", "strideHeight", "strideWidth", "dilationDepth", "dilationHeight", "dilationWidth", "hasBias", "weights", "bias", "paddingType", "customPaddingFront", "customPaddingBack", "customPaddingTop", "customPaddingBottom", "customPaddingLeft", "customPaddingRight", "isDeconvolution", "outputShape")
    class PaddingType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CUSTOM: _ClassVar[Convolution3DLayerParams.PaddingType]
        VALID: _ClassVar[Convolution3DLayerParams.PaddingType]
        SAME: _ClassVar[Convolution3DLayerParams.PaddingType]
    CUSTOM: Convolution3DLayerParams.PaddingType
    VALID: Convolution3DLayerParams.PaddingType
    SAME: Convolution3DLayerParams.PaddingType
    OUTPUTCHANNELS_FIELD_NUMBER: _ClassVar[int]
    INPUTCHANNELS_FIELD_NUMBER: _ClassVar[int]
    NGROUPS_FIELD_NUMBER: _ClassVar[int]
    KERNELDEPTH_FIELD_NUMBER: _ClassVar[int]
    KERNELHEIGHT_FIELD_NUMBER: _ClassVar[int]
    KERNELWIDTH_FIELD_NUMBER: _ClassVar[int]
    STRIDEDEPTH_FIELD_NUMBER: _ClassVar[int]
    STRIDEHEIGHT_FIELD_NUMBER: _ClassVar[int]
    STRIDEWIDTH_FIELD_NUMBER: _ClassVar[int]
    DILATIONDEPTH_FIELD_NUMBER: _ClassVar[int]
    DILATIONHEIGHT_FIELD_NUMBER: _ClassVar[int]
    DILATIONWIDTH_FIELD_NUMBER: _ClassVar[int]
    HASBIAS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    PADDINGTYPE_FIELD_NUMBER: _ClassVar[int]
    CUSTOMPADDINGFRONT_FIELD_NUMBER: _ClassVar[int]
    CUSTOMPADDINGBACK_FIELD_NUMBER: _ClassVar[int]
    CUSTOMPADDINGTOP_FIELD_NUMBER: _ClassVar[int]
    CUSTOMPADDINGBOTTOM_FIELD_NUMBER: _ClassVar[int]
    CUSTOMPADDINGLEFT_FIELD_NUMBER: _ClassVar[int]
    CUSTOMPADDINGRIGHT_FIELD_NUMBER: _ClassVar[int]
    ISDECONVOLUTION_FIELD_NUMBER: _ClassVar[int]
    OUTPUTSHAPE_FIELD_NUMBER: _ClassVar[int]
    outputChannels: int
    inputChannels: int
    nGroups: int
    kernelDepth: int
    kernelHeight: int
    kernelWidth: int
    strideDepth: int
    strideHeight: int
    strideWidth: int
    dilationDepth: int
    dilationHeight: int
    dilationWidth: int
    hasBias: bool
    weights: _weights_pb2.WeightParams
    bias: _weights_pb2.WeightParams
    paddingType: Convolution3DLayerParams.PaddingType
    customPaddingFront: int
    customPaddingBack: int
    customPaddingTop: int
    customPaddingBottom: int
    customPaddingLeft: int
    customPaddingRight: int
    isDeconvolution: bool
    outputShape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, outputChannels: _Optional[int] = ..., inputChannels: _Optional[int] = ..., nGroups: _Optional[int] = ..., kernelDepth: _Optional[int] = ..., kernelHeight: _Optional[int] = ..., kernelWidth: _Optional[int] = ..., strideDepth: _Optional[int] = ..., strideHeight: _Optional[int] = ..., strideWidth: _Optional[int] = ..., dilationDepth: _Optional[int] = ..., dilationHeight: _Optional[int] = ..., dilationWidth: _Optional[int] = ..., hasBias: bool = ..., weights: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., bias: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., paddingType: _Optional[_Union[Convolution3DLayerParams.PaddingType, str]] = ..., customPaddingFront: _Optional[int] = ..., customPaddingBack: _Optional[int] = ..., customPaddingTop: _Optional[int] = ..., customPaddingBottom: _Optional[int] = ..., customPaddingLeft: _Optional[int] = ..., customPaddingRight: _Optional[int] = ..., isDeconvolution: bool = ..., outputShape: _Optional[_Iterable[int]] = ...) -> None: ...

class EmbeddingNDLayerParams(_message.Message):
    __slots__ = ("vocabSize", "embeddingSize", "hasBias", "weights", "bias")
    VOCABSIZE_FIELD_NUMBER: _ClassVar[int]
    EMBEDDINGSIZE_FIELD_NUMBER: _ClassVar[int]
    HASBIAS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    vocabSize: int
    embeddingSize: int
    hasBias: bool
    weights: _weights_pb2.WeightParams
    bias: _weights_pb2.WeightParams
    def __init__(self, vocabSize: _Optional[int] = ..., embeddingSize: _Optional[int] = ..., hasBias: bool = ..., weights: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., bias: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ...) -> None: ...

class Pooling3DLayerParams(_message.Message):
    __slots__ = ("type", "kernelDepth", "kernelHeight", "kernelWidth", "strideDepth", "strideHeight", "strideWidth", "paddingType", "customPaddingFront", "customPaddingBack", "customPaddingTop", "customPaddingBottom", "customPaddingLeft", "customPaddingRight", "countExcludePadding")
    class PoolingType3D(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MAX: _ClassVar[Pooling3DLayerParams.PoolingType3D]
        AVERAGE: _ClassVar[Pooling3DLayerParams.PoolingType3D]
    MAX: Pooling3DLayerParams.PoolingType3D
    AVERAGE: Pooling3DLayerParams.PoolingType3D
    class Pooling3DPaddingType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CUSTOM: _ClassVar[Pooling3DLayerParams.Pooling3DPaddingType]
        VALID: _ClassVar[Pooling3DLayerParams.Pooling3DPaddingType]
        SAME: _ClassVar[Pooling3DLayerParams.Pooling3DPaddingType]
    CUSTOM: Pooling3DLayerParams.Pooling3DPaddingType
    VALID: Pooling3DLayerParams.Pooling3DPaddingType
    SAME: Pooling3DLayerParams.Pooling3DPaddingType
    TYPE_FIELD_NUMBER: _ClassVar[int]
    KERNELDEPTH_FIELD_NUMBER: _ClassVar[int]
    KERNELHEIGHT_FIELD_NUMBER: _ClassVar[int]
    KERNELWIDTH_FIELD_NUMBER: _ClassVar[int]
    STRIDEDEPTH_FIELD_NUMBER: _ClassVar[int]
    STRIDEHEIGHT_FIELD_NUMBER: _ClassVar[int]
    STRIDEWIDTH_FIELD_NUMBER: _ClassVar[int]
    PADDINGTYPE_FIELD_NUMBER: _ClassVar[int]
    CUSTOMPADDINGFRONT_FIELD_NUMBER: _ClassVar[int]
    CUSTOMPADDINGBACK_FIELD_NUMBER: _ClassVar[int]
    CUSTOMPADDINGTOP_FIELD_NUMBER: _ClassVar[int]
    CUSTOMPADDINGBOTTOM_FIELD_NUMBER: _ClassVar[int]
    CUSTOMPADDINGLEFT_FIELD_NUMBER: _ClassVar[int]
    CUSTOMPADDINGRIGHT_FIELD_NUMBER: _ClassVar[int]
    COUNTEXCLUDEPADDING_FIELD_NUMBER: _ClassVar[int]
    type: Pooling3DLayerParams.PoolingType3D
    kernelDepth: int
    kernelHeight: int
    kernelWidth: int
    strideDepth: int
    strideHeight: int
    strideWidth: int
    paddingType: Pooling3DLayerParams.Pooling3DPaddingType
    customPaddingFront: int
    customPaddingBack: int
    customPaddingTop: int
    customPaddingBottom: int
    customPaddingLeft: int
    customPaddingRight: int
    countExcludePadding: bool
    def __init__(self, type: _Optional[_Union[Pooling3DLayerParams.PoolingType3D, str]] = ..., kernelDepth: _Optional[int] = ..., kernelHeight: _Optional[int] = ..., kernelWidth: _Optional[int] = ..., strideDepth: _Optional[int] = ..., strideHeight: _Optional[int] = ..., strideWidth: _Optional[int] = ..., paddingType: _Optional[_Union[Pooling3DLayerParams.Pooling3DPaddingType, str]] = ..., customPaddingFront: _Optional[int] = ..., customPaddingBack: _Optional[int] = ..., customPaddingTop: _Optional[int] = ..., customPaddingBottom: _Optional[int] = ..., customPaddingLeft: _Optional[int] = ..., customPaddingRight: _Optional[int] = ..., countExcludePadding: bool = ...) -> None: ...

class GlobalPooling3DLayerParams(_message.Message):
    __slots__ = ("type",)
    class GlobalPoolingType3D(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MAX: _ClassVar[GlobalPooling3DLayerParams.GlobalPoolingType3D]
        AVERAGE: _ClassVar[GlobalPooling3DLayerParams.GlobalPoolingType3D]
    MAX: GlobalPooling3DLayerParams.GlobalPoolingType3D
    AVERAGE: GlobalPooling3DLayerParams.GlobalPoolingType3D
    TYPE_FIELD_NUMBER: _ClassVar[int]
    type: GlobalPooling3DLayerParams.GlobalPoolingType3D
    def __init__(self, type: _Optional[_Union[GlobalPooling3DLayerParams.GlobalPoolingType3D, str]] = ...) -> None: ...

class TransposeLayerParams(_message.Message):
    __slots__ = ("axes",)
    AXES_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, axes: _Optional[_Iterable[int]] = ...) -> None: ...

class BatchedMatMulLayerParams(_message.Message):
    __slots__ = ("transposeA", "transposeB", "weightMatrixFirstDimension", "weightMatrixSecondDimension", "hasBias", "weights", "bias", "int8DynamicQuantize")
    TRANSPOSEA_FIELD_NUMBER: _ClassVar[int]
    TRANSPOSEB_FIELD_NUMBER: _ClassVar[int]
    WEIGHTMATRIXFIRSTDIMENSION_FIELD_NUMBER: _ClassVar[int]
    WEIGHTMATRIXSECONDDIMENSION_FIELD_NUMBER: _ClassVar[int]
    HASBIAS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    INT8DYNAMICQUANTIZE_FIELD_NUMBER: _ClassVar[int]
    transposeA: bool
    transposeB: bool
    weightMatrixFirstDimension: int
    weightMatrixSecondDimension: int
    hasBias: bool
    weights: _weights_pb2.WeightParams
    bias: _weights_pb2.WeightParams
    int8DynamicQuantize: bool
    def __init__(self, transposeA: bool = ..., transposeB: bool = ..., weightMatrixFirstDimension: _Optional[int] = ..., weightMatrixSecondDimension: _Optional[int] = ..., hasBias: bool = ..., weights: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., bias: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., int8DynamicQuantize: bool = ...) -> None: ...

class ConcatNDLayerParams(_message.Message):
    __slots__ = ("axis", "interleave")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    INTERLEAVE_FIELD_NUMBER: _ClassVar[int]
    axis: int
    interleave: bool
    def __init__(self, axis: _Optional[int] = ..., interleave: bool = ...) -> None: ...

class SoftmaxNDLayerParams(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    def __init__(self, axis: _Optional[int] = ...) -> None: ...

class ReverseLayerParams(_message.Message):
    __slots__ = ("reverseDim",)
    REVERSEDIM_FIELD_NUMBER: _ClassVar[int]
    reverseDim: _containers.RepeatedScalarFieldContainer[bool]
    def __init__(self, reverseDim: _Optional[_Iterable[bool]] = ...) -> None: ...

class ReverseSeqLayerParams(_message.Message):
    __slots__ = ("batchAxis", "sequenceAxis")
    BATCHAXIS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCEAXIS_FIELD_NUMBER: _ClassVar[int]
    batchAxis: int
    sequenceAxis: int
    def __init__(self, batchAxis: _Optional[int] = ..., sequenceAxis: _Optional[int] = ...) -> None: ...

class LoadConstantNDLayerParams(_message.Message):
    __slots__ = ("shape", "data")
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    shape: _containers.RepeatedScalarFieldContainer[int]
    data: _weights_pb2.WeightParams
    def __init__(self, shape: _Optional[_Iterable[int]] = ..., data: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ...) -> None: ...

class FillLikeLayerParams(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: float
    def __init__(self, value: _Optional[float] = ...) -> None: ...

class FillStaticLayerParams(_message.Message):
    __slots__ = ("value", "targetShape")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    TARGETSHAPE_FIELD_NUMBER: _ClassVar[int]
    value: float
    targetShape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, value: _Optional[float] = ..., targetShape: _Optional[_Iterable[int]] = ...) -> None: ...

class FillDynamicLayerParams(_message.Message):
    __slots__ = ("value",)
    VALUE_FIELD_NUMBER: _ClassVar[int]
    value: float
    def __init__(self, value: _Optional[float] = ...) -> None: ...

class WhereBroadcastableLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SinLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CosLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TanLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AsinLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AcosLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AtanLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SinhLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CoshLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TanhLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AsinhLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AcoshLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AtanhLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PowBroadcastableLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Exp2LayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WhereNonZeroLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MatrixBandPartLayerParams(_message.Message):
    __slots__ = ("numLower", "numUpper")
    NUMLOWER_FIELD_NUMBER: _ClassVar[int]
    NUMUPPER_FIELD_NUMBER: _ClassVar[int]
    numLower: int
    numUpper: int
    def __init__(self, numLower: _Optional[int] = ..., numUpper: _Optional[int] = ...) -> None: ...

class UpperTriangularLayerParams(_message.Message):
    __slots__ = ("k",)
    K_FIELD_NUMBER: _ClassVar[int]
    k: int
    def __init__(self, k: _Optional[int] = ...) -> None: ...

class LowerTriangularLayerParams(_message.Message):
    __slots__ = ("k",)
    K_FIELD_NUMBER: _ClassVar[int]
    k: int
    def __init__(self, k: _Optional[int] = ...) -> None: ...

class BroadcastToLikeLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BroadcastToStaticLayerParams(_message.Message):
    __slots__ = ("targetShape",)
    TARGETSHAPE_FIELD_NUMBER: _ClassVar[int]
    targetShape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, targetShape: _Optional[_Iterable[int]] = ...) -> None: ...

class BroadcastToDynamicLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AddBroadcastableLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MaxBroadcastableLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MinBroadcastableLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ModBroadcastableLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FloorDivBroadcastableLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SubtractBroadcastableLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MultiplyBroadcastableLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DivideBroadcastableLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GatherLayerParams(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    def __init__(self, axis: _Optional[int] = ...) -> None: ...

class ScatterLayerParams(_message.Message):
    __slots__ = ("axis", "mode")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    axis: int
    mode: ScatterMode
    def __init__(self, axis: _Optional[int] = ..., mode: _Optional[_Union[ScatterMode, str]] = ...) -> None: ...

class GatherNDLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ScatterNDLayerParams(_message.Message):
    __slots__ = ("mode",)
    MODE_FIELD_NUMBER: _ClassVar[int]
    mode: ScatterMode
    def __init__(self, mode: _Optional[_Union[ScatterMode, str]] = ...) -> None: ...

class GatherAlongAxisLayerParams(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    def __init__(self, axis: _Optional[int] = ...) -> None: ...

class ScatterAlongAxisLayerParams(_message.Message):
    __slots__ = ("axis", "mode")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    axis: int
    mode: ScatterMode
    def __init__(self, axis: _Optional[int] = ..., mode: _Optional[_Union[ScatterMode, str]] = ...) -> None: ...

class StackLayerParams(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    def __init__(self, axis: _Optional[int] = ...) -> None: ...

class RankPreservingReshapeLayerParams(_message.Message):
    __slots__ = ("targetShape",)
    TARGETSHAPE_FIELD_NUMBER: _ClassVar[int]
    targetShape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, targetShape: _Optional[_Iterable[int]] = ...) -> None: ...

class ConstantPaddingLayerParams(_message.Message):
    __slots__ = ("value", "padAmounts", "padToGivenOutputSizeMode")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    PADAMOUNTS_FIELD_NUMBER: _ClassVar[int]
    PADTOGIVENOUTPUTSIZEMODE_FIELD_NUMBER: _ClassVar[int]
    value: float
    padAmounts: _containers.RepeatedScalarFieldContainer[int]
    padToGivenOutputSizeMode: bool
    def __init__(self, value: _Optional[float] = ..., padAmounts: _Optional[_Iterable[int]] = ..., padToGivenOutputSizeMode: bool = ...) -> None: ...

class RandomNormalLikeLayerParams(_message.Message):
    __slots__ = ("seed", "mean", "stdDev")
    SEED_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    STDDEV_FIELD_NUMBER: _ClassVar[int]
    seed: int
    mean: float
    stdDev: float
    def __init__(self, seed: _Optional[int] = ..., mean: _Optional[float] = ..., stdDev: _Optional[float] = ...) -> None: ...

class RandomNormalStaticLayerParams(_message.Message):
    __slots__ = ("seed", "mean", "stdDev", "outputShape")
    SEED_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    STDDEV_FIELD_NUMBER: _ClassVar[int]
    OUTPUTSHAPE_FIELD_NUMBER: _ClassVar[int]
    seed: int
    mean: float
    stdDev: float
    outputShape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, seed: _Optional[int] = ..., mean: _Optional[float] = ..., stdDev: _Optional[float] = ..., outputShape: _Optional[_Iterable[int]] = ...) -> None: ...

class RandomNormalDynamicLayerParams(_message.Message):
    __slots__ = ("seed", "mean", "stdDev")
    SEED_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    STDDEV_FIELD_NUMBER: _ClassVar[int]
    seed: int
    mean: float
    stdDev: float
    def __init__(self, seed: _Optional[int] = ..., mean: _Optional[float] = ..., stdDev: _Optional[float] = ...) -> None: ...

class RandomUniformLikeLayerParams(_message.Message):
    __slots__ = ("seed", "minVal", "maxVal")
    SEED_FIELD_NUMBER: _ClassVar[int]
    MINVAL_FIELD_NUMBER: _ClassVar[int]
    MAXVAL_FIELD_NUMBER: _ClassVar[int]
    seed: int
    minVal: float
    maxVal: float
    def __init__(self, seed: _Optional[int] = ..., minVal: _Optional[float] = ..., maxVal: _Optional[float] = ...) -> None: ...

class RandomUniformStaticLayerParams(_message.Message):
    __slots__ = ("seed", "minVal", "maxVal", "outputShape")
    SEED_FIELD_NUMBER: _ClassVar[int]
    MINVAL_FIELD_NUMBER: _ClassVar[int]
    MAXVAL_FIELD_NUMBER: _ClassVar[int]
    OUTPUTSHAPE_FIELD_NUMBER: _ClassVar[int]
    seed: int
    minVal: float
    maxVal: float
    outputShape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, seed: _Optional[int] = ..., minVal: _Optional[float] = ..., maxVal: _Optional[float] = ..., outputShape: _Optional[_Iterable[int]] = ...) -> None: ...

class RandomUniformDynamicLayerParams(_message.Message):
    __slots__ = ("seed", "minVal", "maxVal")
    SEED_FIELD_NUMBER: _ClassVar[int]
    MINVAL_FIELD_NUMBER: _ClassVar[int]
    MAXVAL_FIELD_NUMBER: _ClassVar[int]
    seed: int
    minVal: float
    maxVal: float
    def __init__(self, seed: _Optional[int] = ..., minVal: _Optional[float] = ..., maxVal: _Optional[float] = ...) -> None: ...

class RandomBernoulliLikeLayerParams(_message.Message):
    __slots__ = ("seed", "prob")
    SEED_FIELD_NUMBER: _ClassVar[int]
    PROB_FIELD_NUMBER: _ClassVar[int]
    seed: int
    prob: float
    def __init__(self, seed: _Optional[int] = ..., prob: _Optional[float] = ...) -> None: ...

class RandomBernoulliStaticLayerParams(_message.Message):
    __slots__ = ("seed", "prob", "outputShape")
    SEED_FIELD_NUMBER: _ClassVar[int]
    PROB_FIELD_NUMBER: _ClassVar[int]
    OUTPUTSHAPE_FIELD_NUMBER: _ClassVar[int]
    seed: int
    prob: float
    outputShape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, seed: _Optional[int] = ..., prob: _Optional[float] = ..., outputShape: _Optional[_Iterable[int]] = ...) -> None: ...

class RandomBernoulliDynamicLayerParams(_message.Message):
    __slots__ = ("seed", "prob")
    SEED_FIELD_NUMBER: _ClassVar[int]
    PROB_FIELD_NUMBER: _ClassVar[int]
    seed: int
    prob: float
    def __init__(self, seed: _Optional[int] = ..., prob: _Optional[float] = ...) -> None: ...

class CategoricalDistributionLayerParams(_message.Message):
    __slots__ = ("seed", "numSamples", "isLogits", "eps", "temperature")
    SEED_FIELD_NUMBER: _ClassVar[int]
    NUMSAMPLES_FIELD_NUMBER: _ClassVar[int]
    ISLOGITS_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    seed: int
    numSamples: int
    isLogits: bool
    eps: float
    temperature: float
    def __init__(self, seed: _Optional[int] = ..., numSamples: _Optional[int] = ..., isLogits: bool = ..., eps: _Optional[float] = ..., temperature: _Optional[float] = ...) -> None: ...

class ReduceL1LayerParams(_message.Message):
    __slots__ = ("axes", "keepDims", "reduceAll")
    AXES_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    REDUCEALL_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedScalarFieldContainer[int]
    keepDims: bool
    reduceAll: bool
    def __init__(self, axes: _Optional[_Iterable[int]] = ..., keepDims: bool = ..., reduceAll: bool = ...) -> None: ...

class ReduceL2LayerParams(_message.Message):
    __slots__ = ("axes", "keepDims", "reduceAll")
    AXES_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    REDUCEALL_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedScalarFieldContainer[int]
    keepDims: bool
    reduceAll: bool
    def __init__(self, axes: _Optional[_Iterable[int]] = ..., keepDims: bool = ..., reduceAll: bool = ...) -> None: ...

class ReduceMaxLayerParams(_message.Message):
    __slots__ = ("axes", "keepDims", "reduceAll")
    AXES_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    REDUCEALL_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedScalarFieldContainer[int]
    keepDims: bool
    reduceAll: bool
    def __init__(self, axes: _Optional[_Iterable[int]] = ..., keepDims: bool = ..., reduceAll: bool = ...) -> None: ...

class ReduceMinLayerParams(_message.Message):
    __slots__ = ("axes", "keepDims", "reduceAll")
    AXES_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    REDUCEALL_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedScalarFieldContainer[int]
    keepDims: bool
    reduceAll: bool
    def __init__(self, axes: _Optional[_Iterable[int]] = ..., keepDims: bool = ..., reduceAll: bool = ...) -> None: ...

class ReduceSumLayerParams(_message.Message):
    __slots__ = ("axes", "keepDims", "reduceAll")
    AXES_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    REDUCEALL_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedScalarFieldContainer[int]
    keepDims: bool
    reduceAll: bool
    def __init__(self, axes: _Optional[_Iterable[int]] = ..., keepDims: bool = ..., reduceAll: bool = ...) -> None: ...

class ReduceProdLayerParams(_message.Message):
    __slots__ = ("axes", "keepDims", "reduceAll")
    AXES_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    REDUCEALL_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedScalarFieldContainer[int]
    keepDims: bool
    reduceAll: bool
    def __init__(self, axes: _Optional[_Iterable[int]] = ..., keepDims: bool = ..., reduceAll: bool = ...) -> None: ...

class ReduceMeanLayerParams(_message.Message):
    __slots__ = ("axes", "keepDims", "reduceAll")
    AXES_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    REDUCEALL_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedScalarFieldContainer[int]
    keepDims: bool
    reduceAll: bool
    def __init__(self, axes: _Optional[_Iterable[int]] = ..., keepDims: bool = ..., reduceAll: bool = ...) -> None: ...

class ReduceLogSumLayerParams(_message.Message):
    __slots__ = ("axes", "keepDims", "reduceAll")
    AXES_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    REDUCEALL_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedScalarFieldContainer[int]
    keepDims: bool
    reduceAll: bool
    def __init__(self, axes: _Optional[_Iterable[int]] = ..., keepDims: bool = ..., reduceAll: bool = ...) -> None: ...

class ReduceSumSquareLayerParams(_message.Message):
    __slots__ = ("axes", "keepDims", "reduceAll")
    AXES_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    REDUCEALL_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedScalarFieldContainer[int]
    keepDims: bool
    reduceAll: bool
    def __init__(self, axes: _Optional[_Iterable[int]] = ..., keepDims: bool = ..., reduceAll: bool = ...) -> None: ...

class ReduceLogSumExpLayerParams(_message.Message):
    __slots__ = ("axes", "keepDims", "reduceAll")
    AXES_FIELD_NUMBER: _ClassVar[int]
    KEEPDIMS_FIELD_NUMBER: _ClassVar[int]
    REDUCEALL_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedScalarFieldContainer[int]
    keepDims: bool
    reduceAll: bool
    def __init__(self, axes: _Optional[_Iterable[int]] = ..., keepDims: bool = ..., reduceAll: bool = ...) -> None: ...

class ExpandDimsLayerParams(_message.Message):
    __slots__ = ("axes",)
    AXES_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, axes: _Optional[_Iterable[int]] = ...) -> None: ...

class FlattenTo2DLayerParams(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: int
    def __init__(self, axis: _Optional[int] = ...) -> None: ...

class ReshapeStaticLayerParams(_message.Message):
    __slots__ = ("targetShape",)
    TARGETSHAPE_FIELD_NUMBER: _ClassVar[int]
    targetShape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, targetShape: _Optional[_Iterable[int]] = ...) -> None: ...

class ReshapeLikeLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReshapeDynamicLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SqueezeLayerParams(_message.Message):
    __slots__ = ("axes", "squeezeAll")
    AXES_FIELD_NUMBER: _ClassVar[int]
    SQUEEZEALL_FIELD_NUMBER: _ClassVar[int]
    axes: _containers.RepeatedScalarFieldContainer[int]
    squeezeAll: bool
    def __init__(self, axes: _Optional[_Iterable[int]] = ..., squeezeAll: bool = ...) -> None: ...

class TopKLayerParams(_message.Message):
    __slots__ = ("axis", "K", "useBottomK")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    USEBOTTOMK_FIELD_NUMBER: _ClassVar[int]
    axis: int
    K: int
    useBottomK: bool
    def __init__(self, axis: _Optional[int] = ..., K: _Optional[int] = ..., useBottomK: bool = ...) -> None: ...

class ArgMaxLayerParams(_message.Message):
    __slots__ = ("axis", "removeDim")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    REMOVEDIM_FIELD_NUMBER: _ClassVar[int]
    axis: int
    removeDim: bool
    def __init__(self, axis: _Optional[int] = ..., removeDim: bool = ...) -> None: ...

class ArgMinLayerParams(_message.Message):
    __slots__ = ("axis", "removeDim")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    REMOVEDIM_FIELD_NUMBER: _ClassVar[int]
    axis: int
    removeDim: bool
    def __init__(self, axis: _Optional[int] = ..., removeDim: bool = ...) -> None: ...

class SplitNDLayerParams(_message.Message):
    __slots__ = ("axis", "numSplits", "splitSizes")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    NUMSPLITS_FIELD_NUMBER: _ClassVar[int]
    SPLITSIZES_FIELD_NUMBER: _ClassVar[int]
    axis: int
    numSplits: int
    splitSizes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, axis: _Optional[int] = ..., numSplits: _Optional[int] = ..., splitSizes: _Optional[_Iterable[int]] = ...) -> None: ...

class CeilLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RoundLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FloorLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SignLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ClipLayerParams(_message.Message):
    __slots__ = ("minVal", "maxVal")
    MINVAL_FIELD_NUMBER: _ClassVar[int]
    MAXVAL_FIELD_NUMBER: _ClassVar[int]
    minVal: float
    maxVal: float
    def __init__(self, minVal: _Optional[float] = ..., maxVal: _Optional[float] = ...) -> None: ...

class SliceStaticLayerParams(_message.Message):
    __slots__ = ("beginIds", "beginMasks", "endIds", "endMasks", "strides", "squeezeMasks")
    BEGINIDS_FIELD_NUMBER: _ClassVar[int]
    BEGINMASKS_FIELD_NUMBER: _ClassVar[int]
    ENDIDS_FIELD_NUMBER: _ClassVar[int]
    ENDMASKS_FIELD_NUMBER: _ClassVar[int]
    STRIDES_FIELD_NUMBER: _ClassVar[int]
    SQUEEZEMASKS_FIELD_NUMBER: _ClassVar[int]
    beginIds: _containers.RepeatedScalarFieldContainer[int]
    beginMasks: _containers.RepeatedScalarFieldContainer[bool]
    endIds: _containers.RepeatedScalarFieldContainer[int]
    endMasks: _containers.RepeatedScalarFieldContainer[bool]
    strides: _containers.RepeatedScalarFieldContainer[int]
    squeezeMasks: _containers.RepeatedScalarFieldContainer[bool]
    def __init__(self, beginIds: _Optional[_Iterable[int]] = ..., beginMasks: _Optional[_Iterable[bool]] = ..., endIds: _Optional[_Iterable[int]] = ..., endMasks: _Optional[_Iterable[bool]] = ..., strides: _Optional[_Iterable[int]] = ..., squeezeMasks: _Optional[_Iterable[bool]] = ...) -> None: ...

class SliceDynamicLayerParams(_message.Message):
    __slots__ = ("beginMasks", "endIds", "endMasks", "strides", "squeezeMasks")
    BEGINMASKS_FIELD_NUMBER: _ClassVar[int]
    ENDIDS_FIELD_NUMBER: _ClassVar[int]
    ENDMASKS_FIELD_NUMBER: _ClassVar[int]
    STRIDES_FIELD_NUMBER: _ClassVar[int]
    SQUEEZEMASKS_FIELD_NUMBER: _ClassVar[int]
    beginMasks: _containers.RepeatedScalarFieldContainer[bool]
    endIds: _containers.RepeatedScalarFieldContainer[int]
    endMasks: _containers.RepeatedScalarFieldContainer[bool]
    strides: _containers.RepeatedScalarFieldContainer[int]
    squeezeMasks: _containers.RepeatedScalarFieldContainer[bool]
    def __init__(self, beginMasks: _Optional[_Iterable[bool]] = ..., endIds: _Optional[_Iterable[int]] = ..., endMasks: _Optional[_Iterable[bool]] = ..., strides: _Optional[_Iterable[int]] = ..., squeezeMasks: _Optional[_Iterable[bool]] = ...) -> None: ...

class TileLayerParams(_message.Message):
    __slots__ = ("reps",)
    REPS_FIELD_NUMBER: _ClassVar[int]
    reps: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, reps: _Optional[_Iterable[int]] = ...) -> None: ...

class GetShapeLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ErfLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GeluLayerParams(_message.Message):
    __slots__ = ("mode",)
    class GeluMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        EXACT: _ClassVar[GeluLayerParams.GeluMode]
        TANH_APPROXIMATION: _ClassVar[GeluLayerParams.GeluMode]
        SIGMOID_APPROXIMATION: _ClassVar[GeluLayerParams.GeluMode]
    EXACT: GeluLayerParams.GeluMode
    TANH_APPROXIMATION: GeluLayerParams.GeluMode
    SIGMOID_APPROXIMATION: GeluLayerParams.GeluMode
    MODE_FIELD_NUMBER: _ClassVar[int]
    mode: GeluLayerParams.GeluMode
    def __init__(self, mode: _Optional[_Union[GeluLayerParams.GeluMode, str]] = ...) -> None: ...

class RangeStaticLayerParams(_message.Message):
    __slots__ = ("endValue", "startValue", "stepSizeValue")
    ENDVALUE_FIELD_NUMBER: _ClassVar[int]
    STARTVALUE_FIELD_NUMBER: _ClassVar[int]
    STEPSIZEVALUE_FIELD_NUMBER: _ClassVar[int]
    endValue: float
    startValue: float
    stepSizeValue: float
    def __init__(self, endValue: _Optional[float] = ..., startValue: _Optional[float] = ..., stepSizeValue: _Optional[float] = ...) -> None: ...

class RangeDynamicLayerParams(_message.Message):
    __slots__ = ("startValue", "stepSizeValue")
    STARTVALUE_FIELD_NUMBER: _ClassVar[int]
    STEPSIZEVALUE_FIELD_NUMBER: _ClassVar[int]
    startValue: float
    stepSizeValue: float
    def __init__(self, startValue: _Optional[float] = ..., stepSizeValue: _Optional[float] = ...) -> None: ...

class SlidingWindowsLayerParams(_message.Message):
    __slots__ = ("axis", "windowSize", "step")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    WINDOWSIZE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    axis: int
    windowSize: int
    step: int
    def __init__(self, axis: _Optional[int] = ..., windowSize: _Optional[int] = ..., step: _Optional[int] = ...) -> None: ...

class LayerNormalizationLayerParams(_message.Message):
    __slots__ = ("normalizedShape", "eps", "gamma", "beta")
    NORMALIZEDSHAPE_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    GAMMA_FIELD_NUMBER: _ClassVar[int]
    BETA_FIELD_NUMBER: _ClassVar[int]
    normalizedShape: _containers.RepeatedScalarFieldContainer[int]
    eps: float
    gamma: _weights_pb2.WeightParams
    beta: _weights_pb2.WeightParams
    def __init__(self, normalizedShape: _Optional[_Iterable[int]] = ..., eps: _Optional[float] = ..., gamma: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., beta: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ...) -> None: ...

class NonMaximumSuppressionLayerParams(_message.Message):
    __slots__ = ("iouThreshold", "scoreThreshold", "maxBoxes", "perClassSuppression")
    IOUTHRESHOLD_FIELD_NUMBER: _ClassVar[int]
    SCORETHRESHOLD_FIELD_NUMBER: _ClassVar[int]
    MAXBOXES_FIELD_NUMBER: _ClassVar[int]
    PERCLASSSUPPRESSION_FIELD_NUMBER: _ClassVar[int]
    iouThreshold: float
    scoreThreshold: float
    maxBoxes: int
    perClassSuppression: bool
    def __init__(self, iouThreshold: _Optional[float] = ..., scoreThreshold: _Optional[float] = ..., maxBoxes: _Optional[int] = ..., perClassSuppression: bool = ...) -> None: ...

class ClampedReLULayerParams(_message.Message):
    __slots__ = ("alpha", "beta")
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    BETA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    beta: float
    def __init__(self, alpha: _Optional[float] = ..., beta: _Optional[float] = ...) -> None: ...

class ArgSortLayerParams(_message.Message):
    __slots__ = ("axis", "descending")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    DESCENDING_FIELD_NUMBER: _ClassVar[int]
    axis: int
    descending: bool
    def __init__(self, axis: _Optional[int] = ..., descending: bool = ...) -> None: ...

class SliceBySizeLayerParams(_message.Message):
    __slots__ = ("size", "axis")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    size: int
    axis: int
    def __init__(self, size: _Optional[int] = ..., axis: _Optional[int] = ...) -> None: ...

class OneHotLayerParams(_message.Message):
    __slots__ = ("oneHotVectorSize", "axis", "onValue", "offValue")
    ONEHOTVECTORSIZE_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    ONVALUE_FIELD_NUMBER: _ClassVar[int]
    OFFVALUE_FIELD_NUMBER: _ClassVar[int]
    oneHotVectorSize: int
    axis: int
    onValue: float
    offValue: float
    def __init__(self, oneHotVectorSize: _Optional[int] = ..., axis: _Optional[int] = ..., onValue: _Optional[float] = ..., offValue: _Optional[float] = ...) -> None: ...

class CumSumLayerParams(_message.Message):
    __slots__ = ("axis", "excludeFinalSum", "reverse")
    AXIS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDEFINALSUM_FIELD_NUMBER: _ClassVar[int]
    REVERSE_FIELD_NUMBER: _ClassVar[int]
    axis: int
    excludeFinalSum: bool
    reverse: bool
    def __init__(self, axis: _Optional[int] = ..., excludeFinalSum: bool = ..., reverse: bool = ...) -> None: ...
