from graphml.spec.wire import weights_pb2 as _weights_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import Any as _Any, ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ActivationReLU(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ActivationLeakyReLU(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    def __init__(self, alpha: _Optional[float] = ...) -> None: ...

class ActivationTanh(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ActivationScaledTanh(_message.Message):
    __slots__ = ("alpha", "beta")
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    BETA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    beta: float
    def __init__(self, alpha: _Optional[float] = ..., beta: _Optional[float] = ...) -> None: ...

class ActivationSigmoid(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ActivationLinear(_message.Message):
    __slots__ = ("alpha", "beta")
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    BETA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    beta: float
    def __init__(self, alpha: _Optional[float] = ..., beta: _Optional[float] = ...) -> None: ...

class ActivationSigmoidHard(_message.Message):
    __slots__ = ("alpha", "beta")
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    BETA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    beta: float
    def __init__(self, alpha: _Optional[float] = ..., beta: _Optional[float] = ...) -> None: ...

class ActivationPReLU(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: _weights_pb2.WeightParams
    def __init__(self, alpha: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ...) -> None: ...

class ActivationELU(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    def __init__(self, alpha: _Optional[float] = ...) -> None: ...

class ActivationThresholdedReLU(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    def __init__(self, alpha: _Optional[float] = ...) -> None: ...

class ActivationSoftsign(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ActivationSoftplus(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ActivationParametricSoftplus(_message.Message):
    __slots__ = ("alpha", "beta")
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    BETA_FIELD_NUMBER: _ClassVar[int]
    alpha: _weights_pb2.WeightParams
    beta: _weights_pb2.WeightParams
    def __init__(self, alpha: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., beta: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ...) -> None: ...

class ActivationParams(_message.Message):
    __slots__ = ("linear", "ReLU", "leakyReLU", "thresholdedReLU", "PReLU", "tanh", "scaledTanh", "sigmoid", "sigmoidHard", "ELU", "softsign", "softplus", "parametricSoftplus")
    LINEAR_FIELD_NUMBER: _ClassVar[int]
    RELU_FIELD_NUMBER: _ClassVar[int]
    LEAKYRELU_FIELD_NUMBER: _ClassVar[int]
    THRESHOLDEDRELU_FIELD_NUMBER: _ClassVar[int]
    PRELU_FIELD_NUMBER: _ClassVar[int]
    TANH_FIELD_NUMBER: _ClassVar[int]
    SCALEDTANH_FIELD_NUMBER: _ClassVar[int]
    SIGMOID_FIELD_NUMBER: _ClassVar[int]
    SIGMOIDHARD_FIELD_NUMBER: _ClassVar[int]
    ELU_FIELD_NUMBER: _ClassVar[int]
    SOFTSIGN_FIELD_NUMBER: _ClassVar[int]
    SOFTPLUS_FIELD_NUMBER: _ClassVar[int]
    PARAMETRICSOFTPLUS_FIELD_NUMBER: _ClassVar[int]
    linear: ActivationLinear
    ReLU: ActivationReLU
    leakyReLU: ActivationLeakyReLU
    thresholdedReLU: ActivationThresholdedReLU
    PReLU: ActivationPReLU
    tanh: ActivationTanh
    scaledTanh: ActivationScaledTanh
    sigmoid: ActivationSigmoid
    sigmoidHard: ActivationSigmoidHard
    ELU: ActivationELU
    softsign: ActivationSoftsign
    softplus: ActivationSoftplus
    parametricSoftplus: ActivationParametricSoftplus
    def __init__(self, linear: _Optional[_Union[ActivationLinear, _Mapping[str, _Any]]] = ..., ReLU: _Optional[_Union[ActivationReLU, _Mapping[str, _Any]]] = ..., leakyReLU: _Optional[_Union[ActivationLeakyReLU, _Mapping[str, _Any]]] = ..., thresholdedReLU: _Optional[_Union[ActivationThresholdedReLU, _Mapping[str, _Any]]] = ..., PReLU: _Optional[_Union[ActivationPReLU, _Mapping[str, _Any]]] = ..., tanh: _Optional[_Union[ActivationTanh, _Mapping[str, _Any]]] = ..., scaledTanh: _Optional[_Union[ActivationScaledTanh, _Mapping[str, _Any]]] = ..., sigmoid: _Optional[_Union[ActivationSigmoid, _Mapping[str, _Any]]] = ..., sigmoidHard: _Optional[_Union[ActivationSigmoidHard, _Mapping[str, _Any]]] = ..., ELU: _Optional[_Union[ActivationELU, _Mapping[str, _Any]]] = ..., softsign: _Optional[_Union[ActivationSoftsign, _Mapping[str, _Any]]] = ..., softplus: _Optional[_Union[ActivationSoftplus, _Mapping[str, _Any]]] = ..., parametricSoftplus: _Optional[_Union[ActivationParametricSoftplus, _Mapping[str, _Any]]] = ...) -> None: ...

class BorderAmounts(_message.Message):
    __slots__ = ("borderAmounts",)
    class EdgeSizes(_message.Message):
        __slots__ = ("startEdgeSize", "endEdgeSize")
        STARTEDGESIZE_FIELD_NUMBER: _ClassVar[int]
        ENDEDGESIZE_FIELD_NUMBER: _ClassVar[int]
        startEdgeSize: int
        endEdgeSize: int
        def __init__(self, startEdgeSize: _Optional[int] = ..., endEdgeSize: _Optional[int] = ...) -> None: ...
    BORDERAMOUNTS_FIELD_NUMBER: _ClassVar[int]
    borderAmounts: _containers.RepeatedCompositeFieldContainer[BorderAmounts.EdgeSizes]
    def __init__(self, borderAmounts: _Optional[_Iterable[_Union[BorderAmounts.EdgeSizes, _Mapping[str, _Any]]]] = ...) -> None: ...

class ValidPadding(_message.Message):
    __slots__ = ("paddingAmounts",)
    PADDINGAMOUNTS_FIELD_NUMBER: _ClassVar[int]
    paddingAmounts: BorderAmounts
    def __init__(self, paddingAmounts: _Optional[_Union[BorderAmounts, _Mapping[str, _Any]]] = ...) -> None: ...

class SamePadding(_message.Message):
    __slots__ = ("asymmetryMode",)
    class SamePaddingMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        BOTTOM_RIGHT_HEAVY: _ClassVar[SamePadding.SamePaddingMode]
        TOP_LEFT_HEAVY: _ClassVar[SamePadding.SamePaddingMode]
    BOTTOM_RIGHT_HEAVY: SamePadding.SamePaddingMode
    TOP_LEFT_HEAVY: SamePadding.SamePaddingMode
    ASYMMETRYMODE_FIELD_NUMBER: _ClassVar[int]
    asymmetryMode: SamePadding.SamePaddingMode
    def __init__(self, asymmetryMode: _Optional[_Union[SamePadding.SamePaddingMode, str]] = ...) -> None: ...

class SamplingMode(_message.Message):
    __slots__ = ("samplingMethod",)
    class Method(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STRICT_ALIGN_ENDPOINTS_MODE: _ClassVar[SamplingMode.Method]
        ALIGN_ENDPOINTS_MODE: _ClassVar[SamplingMode.Method]
        UPSAMPLE_MODE: _ClassVar[SamplingMode.Method]
        ROI_ALIGN_MODE: _ClassVar[SamplingMode.Method]
    STRICT_ALIGN_ENDPOINTS_MODE: SamplingMode.Method
    ALIGN_ENDPOINTS_MODE: SamplingMode.Method
    UPSAMPLE_MODE: SamplingMode.Method
    ROI_ALIGN_MODE: SamplingMode.Method
    SAMPLINGMETHOD_FIELD_NUMBER: _ClassVar[int]
    samplingMethod: SamplingMode.Method
    def __init__(self, samplingMethod: _Optional[_Union[SamplingMode.Method, str]] = ...) -> None: ...

class BoxCoordinatesMode(_message.Message):
    __slots__ = ("boxMode",)
    class Coordinates(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CORNERS_HEIGHT_FIRST: _ClassVar[BoxCoordinatesMode.Coordinates]
        CORNERS_WIDTH_FIRST: _ClassVar[BoxCoordinatesMode.Coordinates]
        CENTER_SIZE_HEIGHT_FIRST: _ClassVar[BoxCoordinatesMode.Coordinates]
        CENTER_SIZE_WIDTH_FIRST: _ClassVar[BoxCoordinatesMode.Coordinates]
    CORNERS_HEIGHT_FIRST: BoxCoordinatesMode.Coordinates
    CORNERS_WIDTH_FIRST: BoxCoordinatesMode.Coordinates
    CENTER_SIZE_HEIGHT_FIRST: BoxCoordinatesMode.Coordinates
    CENTER_SIZE_WIDTH_FIRST: BoxCoordinatesMode.Coordinates
    BOXMODE_FIELD_NUMBER: _ClassVar[int]
    boxMode: BoxCoordinatesMode.Coordinates
    def __init__(self, boxMode: _Optional[_Union[BoxCoordinatesMode.Coordinates, str]] = ...) -> None: ...

class ConvolutionLayerParams(_message.Message):
    __slots__ = ("outputChannels", "kernelChannels", "nGroups", "kernelSize", "stride", "dilationFactor", "valid", "same", "isDeconvolution", "hasBias", "weights", "bias", "outputShape")
    OUTPUTCHANNELS_FIELD_NUMBER: _ClassVar[int]
    KERNELCHANNELS_FIELD_NUMBER: _ClassVar[int]
    NGROUPS_FIELD_NUMBER: _ClassVar[int]
    KERNELSIZE_FIELD_NUMBER: _ClassVar[int]
    STRIDE_FIELD_NUMBER: _ClassVar[int]
    DILATIONFACTOR_FIELD_NUMBER: _ClassVar[int]
    VALID_FIELD_NUMBER: _ClassVar[int]
    SAME_FIELD_NUMBER: _ClassVar[int]
    ISDECONVOLUTION_FIELD_NUMBER: _ClassVar[int]
    HASBIAS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTSHAPE_FIELD_NUMBER: _ClassVar[int]
    outputChannels: int
    kernelChannels: int
    nGroups: int
    kernelSize: _containers.RepeatedScalarFieldContainer[int]
    stride: _containers.RepeatedScalarFieldContainer[int]
    dilationFactor: _containers.RepeatedScalarFieldContainer[int]
    valid: ValidPadding
    same: SamePadding
    isDeconvolution: bool
    hasBias: bool
    weights: _weights_pb2.WeightParams
    bias: _weights_pb2.WeightParams
    outputShape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, outputChannels: _Optional[int] = ..., kernelChannels: _Optional[int] = ..., nGroups: _Optional[int] = ..., kernelSize: _Optional[_Iterable[int]] = ..., stride: _Optional[_Iterable[int]] = ..., dilationFactor: _Optional[_Iterable[int]] = ..., valid: _Optional[_Union[ValidPadding, _Mapping[str, _Any]]] = ..., same: _Optional[_Union[SamePadding, _Mapping[str, _Any]]] = ..., isDeconvolution: bool = ..., hasBias: bool = ..., weights: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., bias: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., outputShape: _Optional[_Iterable[int]] = ...) -> None: ...

class InnerProductLayerParams(_message.Message):
    __slots__ = ("inputChannels", "outputChannels", "hasBias", "weights", "bias", "int8DynamicQuantize")
    INPUTCHANNELS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTCHANNELS_FIELD_NUMBER: _ClassVar[int]
    HASBIAS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    INT8DYNAMICQUANTIZE_FIELD_NUMBER: _ClassVar[int]
    inputChannels: int
    outputChannels: int
    hasBias: bool
    weights: _weights_pb2.WeightParams
    bias: _weights_pb2.WeightParams
    int8DynamicQuantize: bool
    def __init__(self, inputChannels: _Optional[int] = ..., outputChannels: _Optional[int] = ..., hasBias: bool = ..., weights: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., bias: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., int8DynamicQuantize: bool = ...) -> None: ...

class EmbeddingLayerParams(_message.Message):
    __slots__ = ("inputDim", "outputChannels", "hasBias", "weights", "bias")
    INPUTDIM_FIELD_NUMBER: _ClassVar[int]
    OUTPUTCHANNELS_FIELD_NUMBER: _ClassVar[int]
    HASBIAS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    inputDim: int
    outputChannels: int
    hasBias: bool
    weights: _weights_pb2.WeightParams
    bias: _weights_pb2.WeightParams
    def __init__(self, inputDim: _Optional[int] = ..., outputChannels: _Optional[int] = ..., hasBias: bool = ..., weights: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., bias: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ...) -> None: ...

class BatchnormLayerParams(_message.Message):
    __slots__ = ("channels", "computeMeanVar", "instanceNormalization", "epsilon", "gamma", "beta", "mean", "variance")
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    COMPUTEMEANVAR_FIELD_NUMBER: _ClassVar[int]
    INSTANCENORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    GAMMA_FIELD_NUMBER: _ClassVar[int]
    BETA_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    VARIANCE_FIELD_NUMBER: _ClassVar[int]
    channels: int
    computeMeanVar: bool
    instanceNormalization: bool
    epsilon: float
    gamma: _weights_pb2.WeightParams
    beta: _weights_pb2.WeightParams
    mean: _weights_pb2.WeightParams
    variance: _weights_pb2.WeightParams
    def __init__(self, channels: _Optional[int] = ..., computeMeanVar: bool = ..., instanceNormalization: bool = ..., epsilon: _Optional[float] = ..., gamma: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., beta: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., mean: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., variance: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ...) -> None: ...

class PoolingLayerParams(_message.Message):
    __slots__ = ("type", "kernelSize", "stride", "valid", "same", "includeLastPixel", "avgPoolExcludePadding", "globalPooling")
    class PoolingType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MAX: _ClassVar[PoolingLayerParams.PoolingType]
        AVERAGE: _ClassVar[PoolingLayerParams.PoolingType]
        L2: _ClassVar[PoolingLayerParams.PoolingType]
    MAX: PoolingLayerParams.PoolingType
    AVERAGE: PoolingLayerParams.PoolingType
    L2: PoolingLayerParams.PoolingType
    class ValidCompletePadding(_message.Message):
        __slots__ = ("paddingAmounts",)
        PADDINGAMOUNTS_FIELD_NUMBER: _ClassVar[int]
        paddingAmounts: _containers.RepeatedScalarFieldContainer[int]
        def __init__(self, paddingAmounts: _Optional[_Iterable[int]] = ...) -> None: ...
    TYPE_FIELD_NUMBER: _ClassVar[int]
    KERNELSIZE_FIELD_NUMBER: _ClassVar[int]
    STRIDE_FIELD_NUMBER: _ClassVar[int]
    VALID_FIELD_NUMBER: _ClassVar[int]
    SAME_FIELD_NUMBER: _ClassVar[int]
    INCLUDELASTPIXEL_FIELD_NUMBER: _ClassVar[int]
    AVGPOOLEXCLUDEPADDING_FIELD_NUMBER: _ClassVar[int]
    GLOBALPOOLING_FIELD_NUMBER: _ClassVar[int]
    type: PoolingLayerParams.PoolingType
    kernelSize: _containers.RepeatedScalarFieldContainer[int]
    stride: _containers.RepeatedScalarFieldContainer[int]
    valid: ValidPadding
    same: SamePadding
    includeLastPixel: PoolingLayerParams.ValidCompletePadding
    avgPoolExcludePadding: bool
    globalPooling: bool
    def __init__(self, type: _Optional[_Union[PoolingLayerParams.PoolingType, str]] = ..., kernelSize: _Optional[_Iterable[int]] = ..., stride: _Optional[_Iterable[int]] = ..., valid: _Optional[_Union[ValidPadding, _Mapping[str, _Any]]] = ..., same: _Optional[_Union[SamePadding, _Mapping[str, _Any]]] = ..., includeLastPixel: _Optional[_Union[PoolingLayerParams.ValidCompletePadding, _Mapping[str, _Any]]] = ..., avgPoolExcludePadding: bool = ..., globalPooling: bool = ...) -> None: ...

class PaddingLayerParams(_message.Message):
    __slots__ = ("constant", "reflection", "replication", "paddingAmounts")
    class PaddingConstant(_message.Message):
        __slots__ = ("value",)
        VALUE_FIELD_NUMBER: _ClassVar[int]
        value: float
        def __init__(self, value: _Optional[float] = ...) -> None: ...
    class PaddingReflection(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    class PaddingReplication(_message.Message):
        __slots__ = ()
        def __init__(self) -> None: ...
    CONSTANT_FIELD_NUMBER: _ClassVar[int]
    REFLECTION_FIELD_NUMBER: _ClassVar[int]
    REPLICATION_FIELD_NUMBER: _ClassVar[int]
    PADDINGAMOUNTS_FIELD_NUMBER: _ClassVar[int]
    constant: PaddingLayerParams.PaddingConstant
    reflection: PaddingLayerParams.PaddingReflection
    replication: PaddingLayerParams.PaddingReplication
    paddingAmounts: BorderAmounts
    def __init__(self, constant: _Optional[_Union[PaddingLayerParams.PaddingConstant, _Mapping[str, _Any]]] = ..., reflection: _Optional[_Union[PaddingLayerParams.PaddingReflection, _Mapping[str, _Any]]] = ..., replication: _Optional[_Union[PaddingLayerParams.PaddingReplication, _Mapping[str, _Any]]] = ..., paddingAmounts: _Optional[_Union[BorderAmounts, _Mapping[str, _Any]]] = ...) -> None: ...

class ConcatLayerParams(_message.Message):
    __slots__ = ("sequenceConcat",)
    SEQUENCECONCAT_FIELD_NUMBER: _ClassVar[int]
    sequenceConcat: bool
    def __init__(self, sequenceConcat: bool = ...) -> None: ...

class LRNLayerParams(_message.Message):
    __slots__ = ("alpha", "beta", "localSize", "k")
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    BETA_FIELD_NUMBER: _ClassVar[int]
    LOCALSIZE_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    beta: float
    localSize: int
    k: float
    def __init__(self, alpha: _Optional[float] = ..., beta: _Optional[float] = ..., localSize: _Optional[int] = ..., k: _Optional[float] = ...) -> None: ...

class SoftmaxLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SplitLayerParams(_message.Message):
    __slots__ = ("nOutputs",)
    NOUTPUTS_FIELD_NUMBER: _ClassVar[int]
    nOutputs: int
    def __init__(self, nOutputs: _Optional[int] = ...) -> None: ...

class AddLayerParams(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    def __init__(self, alpha: _Optional[float] = ...) -> None: ...

class MultiplyLayerParams(_message.Message):
    __slots__ = ("alpha",)
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    alpha: float
    def __init__(self, alpha: _Optional[float] = ...) -> None: ...

class UnaryFunctionLayerParams(_message.Message):
    __slots__ = ("type", "alpha", "epsilon", "shift", "scale")
    class Operation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SQRT: _ClassVar[UnaryFunctionLayerParams.Operation]
        RSQRT: _ClassVar[UnaryFunctionLayerParams.Operation]
        INVERSE: _ClassVar[UnaryFunctionLayerParams.Operation]
        POWER: _ClassVar[UnaryFunctionLayerParams.Operation]
        EXP: _ClassVar[UnaryFunctionLayerParams.Operation]
        LOG: _ClassVar[UnaryFunctionLayerParams.Operation]
        ABS: _ClassVar[UnaryFunctionLayerParams.Operation]
        THRESHOLD: _ClassVar[UnaryFunctionLayerParams.Operation]
    SQRT: UnaryFunctionLayerParams.Operation
    RSQRT: UnaryFunctionLayerParams.Operation
    INVERSE: UnaryFunctionLayerParams.Operation
    POWER: UnaryFunctionLayerParams.Operation
    EXP: UnaryFunctionLayerParams.Operation
    LOG: UnaryFunctionLayerParams.Operation
    ABS: UnaryFunctionLayerParams.Operation
    THRESHOLD: UnaryFunctionLayerParams.Operation
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ALPHA_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    SHIFT_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    type: UnaryFunctionLayerParams.Operation
    alpha: float
    epsilon: float
    shift: float
    scale: float
    def __init__(self, type: _Optional[_Union[UnaryFunctionLayerParams.Operation, str]] = ..., alpha: _Optional[float] = ..., epsilon: _Optional[float] = ..., shift: _Optional[float] = ..., scale: _Optional[float] = ...) -> None: ...

class UpsampleLayerParams(_message.Message):
    __slots__ = ("scalingFactor", "fractionalScalingFactor", "mode", "linearUpsampleMode")
    class InterpolationMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        NN: _ClassVar[UpsampleLayerParams.InterpolationMode]
        BILINEAR: _ClassVar[UpsampleLayerParams.InterpolationMode]
    NN: UpsampleLayerParams.InterpolationMode
    BILINEAR: UpsampleLayerParams.InterpolationMode
    class LinearUpsampleMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DEFAULT: _ClassVar[UpsampleLayerParams.LinearUpsampleMode]
        ALIGN_CORNERS_TRUE: _ClassVar[UpsampleLayerParams.LinearUpsampleMode]
        ALIGN_CORNERS_FALSE: _ClassVar[UpsampleLayerParams.LinearUpsampleMode]
    DEFAULT: UpsampleLayerParams.LinearUpsampleMode
    ALIGN_CORNERS_TRUE: UpsampleLayerParams.LinearUpsampleMode
    ALIGN_CORNERS_FALSE: UpsampleLayerParams.LinearUpsampleMode
    SCALINGFACTOR_FIELD_NUMBER: _ClassVar[int]
    FRACTIONALSCALINGFACTOR_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    LINEARUPSAMPLEMODE_FIELD_NUMBER: _ClassVar[int]
    scalingFactor: _containers.RepeatedScalarFieldContainer[int]
    fractionalScalingFactor: _containers.RepeatedScalarFieldContainer[float]
    mode: UpsampleLayerParams.InterpolationMode
    linearUpsampleMode: UpsampleLayerParams.LinearUpsampleMode
    def __init__(self, scalingFactor: _Optional[_Iterable[int]] = ..., fractionalScalingFactor: _Optional[_Iterable[float]] = ..., mode: _Optional[_Union[UpsampleLayerParams.InterpolationMode, str]] = ..., linearUpsampleMode: _Optional[_Union[UpsampleLayerParams.LinearUpsampleMode, str]] = ...) -> None: ...

class ResizeBilinearLayerParams(_message.Message):
    __slots__ = ("targetSize", "mode")
    TARGETSIZE_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    targetSize: _containers.RepeatedScalarFieldContainer[int]
    mode: SamplingMode
    def __init__(self, targetSize: _Optional[_Iterable[int]] = ..., mode: _Optional[_Union[SamplingMode, _Mapping[str, _Any]]] = ...) -> None: ...

class CropResizeLayerParams(_message.Message):
    __slots__ = ("targetSize", "normalizedCoordinates", "mode", "boxIndicesMode", "spatialScale")
    TARGETSIZE_FIELD_NUMBER: _ClassVar[int]
    NORMALIZEDCOORDINATES_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    BOXINDICESMODE_FIELD_NUMBER: _ClassVar[int]
    SPATIALSCALE_FIELD_NUMBER: _ClassVar[int]
    targetSize: _containers.RepeatedScalarFieldContainer[int]
    normalizedCoordinates: bool
    mode: SamplingMode
    boxIndicesMode: BoxCoordinatesMode
    spatialScale: float
    def __init__(self, targetSize: _Optional[_Iterable[int]] = ..., normalizedCoordinates: bool = ..., mode: _Optional[_Union[SamplingMode, _Mapping[str, _Any]]] = ..., boxIndicesMode: _Optional[_Union[BoxCoordinatesMode, _Mapping[str, _Any]]] = ..., spatialScale: _Optional[float] = ...) -> None: ...

class BiasLayerParams(_message.Message):
    __slots__ = ("shape", "bias")
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    shape: _containers.RepeatedScalarFieldContainer[int]
    bias: _weights_pb2.WeightParams
    def __init__(self, shape: _Optional[_Iterable[int]] = ..., bias: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ...) -> None: ...

class ScaleLayerParams(_message.Message):
    __slots__ = ("shapeScale", "scale", "hasBias", "shapeBias", "bias")
    SHAPESCALE_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    HASBIAS_FIELD_NUMBER: _ClassVar[int]
    SHAPEBIAS_FIELD_NUMBER: _ClassVar[int]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    shapeScale: _containers.RepeatedScalarFieldContainer[int]
    scale: _weights_pb2.WeightParams
    hasBias: bool
    shapeBias: _containers.RepeatedScalarFieldContainer[int]
    bias: _weights_pb2.WeightParams
    def __init__(self, shapeScale: _Optional[_Iterable[int]] = ..., scale: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., hasBias: bool = ..., shapeBias: _Optional[_Iterable[int]] = ..., bias: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ...) -> None: ...

class LoadConstantLayerParams(_message.Message):
    __slots__ = ("shape", "data")
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    shape: _containers.RepeatedScalarFieldContainer[int]
    data: _weights_pb2.WeightParams
    def __init__(self, shape: _Optional[_Iterable[int]] = ..., data: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ...) -> None: ...

class L2NormalizeLayerParams(_message.Message):
    __slots__ = ("epsilon",)
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    epsilon: float
    def __init__(self, epsilon: _Optional[float] = ...) -> None: ...

class FlattenLayerParams(_message.Message):
    __slots__ = ("mode",)
    class FlattenOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CHANNEL_FIRST: _ClassVar[FlattenLayerParams.FlattenOrder]
        CHANNEL_LAST: _ClassVar[FlattenLayerParams.FlattenOrder]
    CHANNEL_FIRST: FlattenLayerParams.FlattenOrder
    CHANNEL_LAST: FlattenLayerParams.FlattenOrder
    MODE_FIELD_NUMBER: _ClassVar[int]
    mode: FlattenLayerParams.FlattenOrder
    def __init__(self, mode: _Optional[_Union[FlattenLayerParams.FlattenOrder, str]] = ...) -> None: ...

class ReshapeLayerParams(_message.Message):
    __slots__ = ("targetShape", "mode")
    class ReshapeOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CHANNEL_FIRST: _ClassVar[ReshapeLayerParams.ReshapeOrder]
        CHANNEL_LAST: _ClassVar[ReshapeLayerParams.ReshapeOrder]
    CHANNEL_FIRST: ReshapeLayerParams.ReshapeOrder
    CHANNEL_LAST: ReshapeLayerParams.ReshapeOrder
    TARGETSHAPE_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    targetShape: _containers.RepeatedScalarFieldContainer[int]
    mode: ReshapeLayerParams.ReshapeOrder
    def __init__(self, targetShape: _Optional[_Iterable[int]] = ..., mode: _Optional[_Union[ReshapeLayerParams.ReshapeOrder, str]] = ...) -> None: ...

class PermuteLayerParams(_message.Message):
    __slots__ = ("axis",)
    AXIS_FIELD_NUMBER: _ClassVar[int]
    axis: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, axis: _Optional[_Iterable[int]] = ...) -> None: ...

class ReorganizeDataLayerParams(_message.Message):
    __slots__ = ("mode", "blockSize")
    class ReorganizationType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SPACE_TO_DEPTH: _ClassVar[ReorganizeDataLayerParams.ReorganizationType]
        DEPTH_TO_SPACE: _ClassVar[ReorganizeDataLayerParams.ReorganizationType]
        PIXEL_SHUFFLE: _ClassVar[ReorganizeDataLayerParams.ReorganizationType]
    SPACE_TO_DEPTH: ReorganizeDataLayerParams.ReorganizationType
    DEPTH_TO_SPACE: ReorganizeDataLayerParams.ReorganizationType
    PIXEL_SHUFFLE: ReorganizeDataLayerParams.ReorganizationType
    MODE_FIELD_NUMBER: _ClassVar[int]
    BLOCKSIZE_FIELD_NUMBER: _ClassVar[int]
    mode: ReorganizeDataLayerParams.ReorganizationType
    blockSize: int
    def __init__(self, mode: _Optional[_Union[ReorganizeDataLayerParams.ReorganizationType, str]] = ..., blockSize: _Optional[int] = ...) -> None: ...

class SliceLayerParams(_message.Message):
    __slots__ = ("startIndex", "endIndex", "stride", "axis")
    class SliceAxis(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CHANNEL_AXIS: _ClassVar[SliceLayerParams.SliceAxis]
        HEIGHT_AXIS: _ClassVar[SliceLayerParams.SliceAxis]
        WIDTH_AXIS: _ClassVar[SliceLayerParams.SliceAxis]
    CHANNEL_AXIS: SliceLayerParams.SliceAxis
    HEIGHT_AXIS: SliceLayerParams.SliceAxis
    WIDTH_AXIS: SliceLayerParams.SliceAxis
    STARTINDEX_FIELD_NUMBER: _ClassVar[int]
    ENDINDEX_FIELD_NUMBER: _ClassVar[int]
    STRIDE_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    startIndex: int
    endIndex: int
    stride: int
    axis: SliceLayerParams.SliceAxis
    def __init__(self, startIndex: _Optional[int] = ..., endIndex: _Optional[int] = ..., stride: _Optional[int] = ..., axis: _Optional[_Union[SliceLayerParams.SliceAxis, str]] = ...) -> None: ...

class ReduceLayerParams(_message.Message):
    __slots__ = ("mode", "epsilon", "axis")
    class ReduceOperation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SUM: _ClassVar[ReduceLayerParams.ReduceOperation]
        AVG: _ClassVar[ReduceLayerParams.ReduceOperation]
        PROD: _ClassVar[ReduceLayerParams.ReduceOperation]
        LOGSUM: _ClassVar[ReduceLayerParams.ReduceOperation]
        SUMSQUARE: _ClassVar[ReduceLayerParams.ReduceOperation]
        L1: _ClassVar[ReduceLayerParams.ReduceOperation]
        L2: _ClassVar[ReduceLayerParams.ReduceOperation]
        MAX: _ClassVar[ReduceLayerParams.ReduceOperation]
        MIN: _ClassVar[ReduceLayerParams.ReduceOperation]
        ARGMAX: _ClassVar[ReduceLayerParams.ReduceOperation]
    SUM: ReduceLayerParams.ReduceOperation
    AVG: ReduceLayerParams.ReduceOperation
    PROD: ReduceLayerParams.ReduceOperation
    LOGSUM: ReduceLayerParams.ReduceOperation
    SUMSQUARE: ReduceLayerParams.ReduceOperation
    L1: ReduceLayerParams.ReduceOperation
    L2: ReduceLayerParams.ReduceOperation
    MAX: ReduceLayerParams.ReduceOperation
    MIN: ReduceLayerParams.ReduceOperation
    ARGMAX: ReduceLayerParams.ReduceOperation
    class ReduceAxis(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CHW: _ClassVar[ReduceLayerParams.ReduceAxis]
        HW: _ClassVar[ReduceLayerParams.ReduceAxis]
        C: _ClassVar[ReduceLayerParams.ReduceAxis]
        H: _ClassVar[ReduceLayerParams.ReduceAxis]
        W: _ClassVar[ReduceLayerParams.ReduceAxis]
    CHW: ReduceLayerParams.ReduceAxis
    HW: ReduceLayerParams.ReduceAxis
    C: ReduceLayerParams.ReduceAxis
    H: ReduceLayerParams.ReduceAxis
    W: ReduceLayerParams.ReduceAxis
    MODE_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    mode: ReduceLayerParams.ReduceOperation
    epsilon: float
    axis: ReduceLayerParams.ReduceAxis
    def __init__(self, mode: _Optional[_Union[ReduceLayerParams.ReduceOperation, str]] = ..., epsilon: _Optional[float] = ..., axis: _Optional[_Union[ReduceLayerParams.ReduceAxis, str]] = ...) -> None: ...

class CropLayerParams(_message.Message):
    __slots__ = ("cropAmounts", "offset")
    CROPAMOUNTS_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    cropAmounts: BorderAmounts
    offset: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, cropAmounts: _Optional[_Union[BorderAmounts, _Mapping[str, _Any]]] = ..., offset: _Optional[_Iterable[int]] = ...) -> None: ...

class AverageLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MaxLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MinLayerParams(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DotProductLayerParams(_message.Message):
    __slots__ = ("cosineSimilarity",)
    COSINESIMILARITY_FIELD_NUMBER: _ClassVar[int]
    cosineSimilarity: bool
    def __init__(self, cosineSimilarity: bool = ...) -> None: ...

class MeanVarianceNormalizeLayerParams(_message.Message):
    __slots__ = ("acrossChannels", "normalizeVariance", "epsilon")
    ACROSSCHANNELS_FIELD_NUMBER: _ClassVar[int]
    NORMALIZEVARIANCE_FIELD_NUMBER: _ClassVar[int]
    EPSILON_FIELD_NUMBER: _ClassVar[int]
    acrossChannels: bool
    normalizeVariance: bool
    epsilon: float
    def __init__(self, acrossChannels: bool = ..., normalizeVariance: bool = ..., epsilon: _Optional[float] = ...) -> None: ...

class SequenceRepeatLayerParams(_message.Message):
    __slots__ = ("nRepetitions",)
    NREPETITIONS_FIELD_NUMBER: _ClassVar[int]
    nRepetitions: int
    def __init__(self, nRepetitions: _Optional[int] = ...) -> None: ...

class SimpleRecurrentLayerParams(_message.Message):
    __slots__ = ("inputVectorSize", "outputVectorSize", "activation", "sequenceOutput", "hasBiasVector", "weightMatrix", "recursionMatrix", "biasVector", "reverseInput")
    INPUTVECTORSIZE_FIELD_NUMBER: _ClassVar[int]
    OUTPUTVECTORSIZE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    SEQUENCEOUTPUT_FIELD_NUMBER: _ClassVar[int]
    HASBIASVECTOR_FIELD_NUMBER: _ClassVar[int]
    WEIGHTMATRIX_FIELD_NUMBER: _ClassVar[int]
    RECURSIONMATRIX_FIELD_NUMBER: _ClassVar[int]
    BIASVECTOR_FIELD_NUMBER: _ClassVar[int]
    REVERSEINPUT_FIELD_NUMBER: _ClassVar[int]
    inputVectorSize: int
    outputVectorSize: int
    activation: ActivationParams
    sequenceOutput: bool
    hasBiasVector: bool
    weightMatrix: _weights_pb2.WeightParams
    recursionMatrix: _weights_pb2.WeightParams
    biasVector: _weights_pb2.WeightParams
    reverseInput: bool
    def __init__(self, inputVectorSize: _Optional[int] = ..., outputVectorSize: _Optional[int] = ..., activation: _Optional[_Union[ActivationParams, _Mapping[str, _Any]]] = ..., sequenceOutput: bool = ..., hasBiasVector: bool = ..., weightMatrix: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., recursionMatrix: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., biasVector: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., reverseInput: bool = ...) -> None: ...

class GRULayerParams(_message.Message):
    __slots__ = ("inputVectorSize", "outputVectorSize", "activations", "sequenceOutput", "hasBiasVectors", "updateGateWeightMatrix", "resetGateWeightMatrix", "outputGateWeightMatrix", "updateGateRecursionMatrix", "resetGateRecursionMatrix", "outputGateRecursionMatrix", "updateGateBiasVector", "resetGateBiasVector", "outputGateBiasVector", "reverseInput")
    INPUTVECTORSIZE_FIELD_NUMBER: _ClassVar[int]
    OUTPUTVECTORSIZE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATIONS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCEOUTPUT_FIELD_NUMBER: _ClassVar[int]
    HASBIASVECTORS_FIELD_NUMBER: _ClassVar[int]
    UPDATEGATEWEIGHTMATRIX_FIELD_NUMBER: _ClassVar[int]
    RESETGATEWEIGHTMATRIX_FIELD_NUMBER: _ClassVar[int]
    OUTPUTGATEWEIGHTMATRIX_FIELD_NUMBER: _ClassVar[int]
    UPDATEGATERECURSIONMATRIX_FIELD_NUMBER: _ClassVar[int]
    RESETGATERECURSIONMATRIX_FIELD_NUMBER: _ClassVar[int]
    OUTPUTGATERECURSIONMATRIX_FIELD_NUMBER: _ClassVar[int]
    UPDATEGATEBIASVECTOR_FIELD_NUMBER: _ClassVar[int]
    RESETGATEBIASVECTOR_FIELD_NUMBER: _ClassVar[int]
    OUTPUTGATEBIASVECTOR_FIELD_NUMBER: _ClassVar[int]
    REVERSEINPUT_FIELD_NUMBER: _ClassVar[int]
    inputVectorSize: int
    outputVectorSize: int
    activations: _containers.RepeatedCompositeFieldContainer[ActivationParams]
    sequenceOutput: bool
    hasBiasVectors: bool
    updateGateWeightMatrix: _weights_pb2.WeightParams
    resetGateWeightMatrix: _weights_pb2.WeightParams
    outputGateWeightMatrix: _weights_pb2.WeightParams
    updateGateRecursionMatrix: _weights_pb2.WeightParams
    resetGateRecursionMatrix: _weights_pb2.WeightParams
    outputGateRecursionMatrix: _weights_pb2.WeightParams
    updateGateBiasVector: _weights_pb2.WeightParams
    resetGateBiasVector: _weights_pb2.WeightParams
    outputGateBiasVector: _weights_pb2.WeightParams
    reverseInput: bool
    def __init__(self, inputVectorSize: _Optional[int] = ..., outputVectorSize: _Optional[int] = ..., activations: _Optional[_Iterable[_Union[ActivationParams, _Mapping[str, _Any]]]] = ..., sequenceOutput: bool = ..., hasBiasVectors: bool = ..., updateGateWeightMatrix: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., resetGateWeightMatrix: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., outputGateWeightMatrix: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., updateGateRecursionMatrix: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., resetGateRecursionMatrix: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., outputGateRecursionMatrix: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., updateGateBiasVector: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., resetGateBiasVector: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., outputGateBiasVector: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., reverseInput: bool = ...) -> None: ...

class LSTMParams(_message.Message):
    __slots__ = ("sequenceOutput", "hasBiasVectors", "forgetBias", "hasPeepholeVectors", "coupledInputAndForgetGate", "cellClipThreshold")
    SEQUENCEOUTPUT_FIELD_NUMBER: _ClassVar[int]
    HASBIASVECTORS_FIELD_NUMBER: _ClassVar[int]
    FORGETBIAS_FIELD_NUMBER: _ClassVar[int]
    HASPEEPHOLEVECTORS_FIELD_NUMBER: _ClassVar[int]
    COUPLEDINPUTANDFORGETGATE_FIELD_NUMBER: _ClassVar[int]
    CELLCLIPTHRESHOLD_FIELD_NUMBER: _ClassVar[int]
    sequenceOutput: bool
    hasBiasVectors: bool
    forgetBias: bool
    hasPeepholeVectors: bool
    coupledInputAndForgetGate: bool
    cellClipThreshold: float
    def __init__(self, sequenceOutput: bool = ..., hasBiasVectors: bool = ..., forgetBias: bool = ..., hasPeepholeVectors: bool = ..., coupledInputAndForgetGate: bool = ..., cellClipThreshold: _Optional[float] = ...) -> None: ...

class LSTMWeightParams(_message.Message):
    __slots__ = ("inputGateWeightMatrix", "forgetGateWeightMatrix", "blockInputWeightMatrix", "outputGateWeightMatrix", "inputGateRecursionMatrix", "forgetGateRecursionMatrix", "blockInputRecursionMatrix", "outputGateRecursionMatrix", "inputGateBiasVector", "forgetGateBiasVector", "blockInputBiasVector", "outputGateBiasVector", "inputGatePeepholeVector", "forgetGatePeepholeVector", "outputGatePeepholeVector")
    INPUTGATEWEIGHTMATRIX_FIELD_NUMBER: _ClassVar[int]
    FORGETGATEWEIGHTMATRIX_FIELD_NUMBER: _ClassVar[int]
    BLOCKINPUTWEIGHTMATRIX_FIELD_NUMBER: _ClassVar[int]
    OUTPUTGATEWEIGHTMATRIX_FIELD_NUMBER: _ClassVar[int]
    INPUTGATERECURSIONMATRIX_FIELD_NUMBER: _ClassVar[int]
    FORGETGATERECURSIONMATRIX_FIELD_NUMBER: _ClassVar[int]
    BLOCKINPUTRECURSIONMATRIX_FIELD_NUMBER: _ClassVar[int]
    OUTPUTGATERECURSIONMATRIX_FIELD_NUMBER: _ClassVar[int]
    INPUTGATEBIASVECTOR_FIELD_NUMBER: _ClassVar[int]
    FORGETGATEBIASVECTOR_FIELD_NUMBER: _ClassVar[int]
    BLOCKINPUTBIASVECTOR_FIELD_NUMBER: _ClassVar[int]
    OUTPUTGATEBIASVECTOR_FIELD_NUMBER: _ClassVar[int]
    INPUTGATEPEEPHOLEVECTOR_FIELD_NUMBER: _ClassVar[int]
    FORGETGATEPEEPHOLEVECTOR_FIELD_NUMBER: _ClassVar[int]
    OUTPUTGATEPEEPHOLEVECTOR_FIELD_NUMBER: _ClassVar[int]
    inputGateWeightMatrix: _weights_pb2.WeightParams
    forgetGateWeightMatrix: _weights_pb2.WeightParams
    blockInputWeightMatrix: _weights_pb2.WeightParams
    outputGateWeightMatrix: _weights_pb2.WeightParams
    inputGateRecursionMatrix: _weights_pb2.WeightParams
    forgetGateRecursionMatrix: _weights_pb2.WeightParams
    blockInputRecursionMatrix: _weights_pb2.WeightParams
    outputGateRecursionMatrix: _weights_pb2.WeightParams
    inputGateBiasVector: _weights_pb2.WeightParams
    forgetGateBiasVector: _weights_pb2.WeightParams
    blockInputBiasVector: _weights_pb2.WeightParams
    outputGateBiasVector: _weights_pb2.WeightParams
    inputGatePeepholeVector: _weights_pb2.WeightParams
    forgetGatePeepholeVector: _weights_pb2.WeightParams
    outputGatePeepholeVector: _weights_pb2.WeightParams
    def __init__(self, inputGateWeightMatrix: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., forgetGateWeightMatrix: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., blockInputWeightMatrix: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., outputGateWeightMatrix: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., inputGateRecursionMatrix: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., forgetGateRecursionMatrix: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., blockInputRecursionMatrix: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., outputGateRecursionMatrix: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., inputGateBiasVector: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., forgetGateBiasVector: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., blockInputBiasVector: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., outputGateBiasVector: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., inputGatePeepholeVector: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., forgetGatePeepholeVector: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ..., outputGatePeepholeVector: _Optional[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]] = ...) -> None: ...

class UniDirectionalLSTMLayerParams(_message.Message):
    __slots__ = ("inputVectorSize", "outputVectorSize", "activations", "params", "weightParams", "reverseInput")
    INPUTVECTORSIZE_FIELD_NUMBER: _ClassVar[int]
    OUTPUTVECTORSIZE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATIONS_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTPARAMS_FIELD_NUMBER: _ClassVar[int]
    REVERSEINPUT_FIELD_NUMBER: _ClassVar[int]
    inputVectorSize: int
    outputVectorSize: int
    activations: _containers.RepeatedCompositeFieldContainer[ActivationParams]
    params: LSTMParams
    weightParams: LSTMWeightParams
    reverseInput: bool
    def __init__(self, inputVectorSize: _Optional[int] = ..., outputVectorSize: _Optional[int] = ..., activations: _Optional[_Iterable[_Union[ActivationParams, _Mapping[str, _Any]]]] = ..., params: _Optional[_Union[LSTMParams, _Mapping[str, _Any]]] = ..., weightParams: _Optional[_Union[LSTMWeightParams, _Mapping[str, _Any]]] = ..., reverseInput: bool = ...) -> None: ...

class BiDirectionalLSTMLayerParams(_message.Message):
    __slots__ = ("inputVectorSize", "outputVectorSize", "activationsForwardLSTM", "activationsBackwardLSTM", "params", "weightParams")
    INPUTVECTORSIZE_FIELD_NUMBER: _ClassVar[int]
    OUTPUTVECTORSIZE_FIELD_NUMBER: _ClassVar[int]
    ACTIVATIONSFORWARDLSTM_FIELD_NUMBER: _ClassVar[int]
    ACTIVATIONSBACKWARDLSTM_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTPARAMS_FIELD_NUMBER: _ClassVar[int]
    inputVectorSize: int
    outputVectorSize: int
    activationsForwardLSTM: _containers.RepeatedCompositeFieldContainer[ActivationParams]
    activationsBackwardLSTM: _containers.RepeatedCompositeFieldContainer[ActivationParams]
    params: LSTMParams
    weightParams: _containers.RepeatedCompositeFieldContainer[LSTMWeightParams]
    def __init__(self, inputVectorSize: _Optional[int] = ..., outputVectorSize: _Optional[int] = ..., activationsForwardLSTM: _Optional[_Iterable[_Union[ActivationParams, _Mapping[str, _Any]]]] = ..., activationsBackwardLSTM: _Optional[_Iterable[_Union[ActivationParams, _Mapping[str, _Any]]]] = ..., params: _Optional[_Union[LSTMParams, _Mapping[str, _Any]]] = ..., weightParams: _Optional[_Iterable[_Union[LSTMWeightParams, _Mapping[str, _Any]]]] = ...) -> None: ...

class CustomLayerParams(_message.Message):
    __slots__ = ("className", "weights", "parameters", "description")
    class CustomLayerParamValue(_message.Message):
        __slots__ = ("doubleValue", "stringValue", "intValue", "longValue", "boolValue")
        DOUBLEVALUE_FIELD_NUMBER: _ClassVar[int]
        STRINGVALUE_FIELD_NUMBER: _ClassVar[int]
        INTVALUE_FIELD_NUMBER: _ClassVar[int]
        LONGVALUE_FIELD_NUMBER: _ClassVar[int]
        BOOLVALUE_FIELD_NUMBER: _ClassVar[int]
        doubleValue: float
        stringValue: str
        intValue: int
        longValue: int
        boolValue: bool
        def __init__(self, doubleValue: _Optional[float] = ..., stringValue: _Optional[str] = ..., intValue: _Optional[int] = ..., longValue: _Optional[int] = ..., boolValue: bool = ...) -> None: ...
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: CustomLayerParams.CustomLayerParamValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[CustomLayerParams.CustomLayerParamValue, _Mapping[str, _Any]]] = ...) -> None: ...
    CLASSNAME_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    className: str
    weights: _containers.RepeatedCompositeFieldContainer[_weights_pb2.WeightParams]
    parameters: _containers.MessageMap[str, CustomLayerParams.CustomLayerParamValue]
    description: str
    def __init__(self, className: _Optional[str] = ..., weights: _Optional[_Iterable[_Union[_weights_pb2.WeightParams, _Mapping[str, _Any]]]] = ..., parameters: _Optional[_Mapping[str, CustomLayerParams.CustomLayerParamValue]] = ..., description: _Optional[str] = ...) -> None: ...
