from graphml.spec.wire import data_pb2 as _data_pb2
from graphml.spec.wire import layers_pb2 as _layers_pb2
from graphml.spec.wire import layers_nd_pb2 as _layers_nd_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import Any as _Any, ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NeuralNetworkMultiArrayShapeMapping(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RANK5_ARRAY_MAPPING: _ClassVar[NeuralNetworkMultiArrayShapeMapping]
    EXACT_ARRAY_MAPPING: _ClassVar[NeuralNetworkMultiArrayShapeMapping]

class NeuralNetworkImageShapeMapping(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RANK5_IMAGE_MAPPING: _ClassVar[NeuralNetworkImageShapeMapping]
    RANK4_IMAGE_MAPPING: _ClassVar[NeuralNetworkImageShapeMapping]
RANK5_ARRAY_MAPPING: NeuralNetworkMultiArrayShapeMapping
EXACT_ARRAY_MAPPING: NeuralNetworkMultiArrayShapeMapping
RANK5_IMAGE_MAPPING: NeuralNetworkImageShapeMapping
RANK4_IMAGE_MAPPING: NeuralNetworkImageShapeMapping

class NeuralNetwork(_message.Message):
    __slots__ = ("layers", "preprocessing", "arrayInputShapeMapping", "imageInputShapeMapping", "updateParams")
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    PREPROCESSING_FIELD_NUMBER: _ClassVar[int]
    ARRAYINPUTSHAPEMAPPING_FIELD_NUMBER: _ClassVar[int]
    IMAGEINPUTSHAPEMAPPING_FIELD_NUMBER: _ClassVar[int]
    UPDATEPARAMS_FIELD_NUMBER: _ClassVar[int]
    layers: _containers.RepeatedCompositeFieldContainer[NeuralNetworkLayer]
    preprocessing: _containers.RepeatedCompositeFieldContainer[NeuralNetworkPreprocessing]
    arrayInputShapeMapping: NeuralNetworkMultiArrayShapeMapping
    imageInputShapeMapping: NeuralNetworkImageShapeMapping
    updateParams: NetworkUpdateParameters
    def __init__(self, layers: _Optional[_Iterable[_Union[NeuralNetworkLayer, _Mapping[str, _Any]]]] = ..., preprocessing: _Optional[_Iterable[_Union[NeuralNetworkPreprocessing, _Mapping[str, _Any]]]] = ..., arrayInputShapeMapping: _Optional[_Union[NeuralNetworkMultiArrayShapeMapping, str]] = ..., imageInputShapeMapping: _Optional[_Union[NeuralNetworkImageShapeMapping, str]] = ..., updateParams: _Optional[_Union[NetworkUpdateParameters, _Mapping[str, _Any]]] = ...) -> None: ...

class NeuralNetworkImageScaler(_message.Message):
    __slots__ = ("channelScale", "blueBias", "greenBias", "redBias", "grayBias")
    CHANNELSCALE_FIELD_NUMBER: _ClassVar[int]
    BLUEBIAS_FIELD_NUMBER: _ClassVar[int]
    GREENBIAS_FIELD_NUMBER: _ClassVar[int]
    REDBIAS_FIELD_NUMBER: _ClassVar[int]
    GRAYBIAS_FIELD_NUMBER: _ClassVar[int]
    channelScale: float
    blueBias: float
    greenBias: float
    redBias: float
    grayBias: float
    def __init__(self, channelScale: _Optional[float] = ..., blueBias: _Optional[float] = ..., greenBias: _Optional[float] = ..., redBias: _Optional[float] = ..., grayBias: _Optional[float] = ...) -> None: ...

class NeuralNetworkMeanImage(_message.Message):
    __slots__ = ("meanImage",)
    MEANIMAGE_FIELD_NUMBER: _ClassVar[int]
    meanImage: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, meanImage: _Optional[_Iterable[float]] = ...) -> None: ...

class NeuralNetworkPreprocessing(_message.Message):
    __slots__ = ("featureName", "scaler", "meanImage")
    FEATURENAME_FIELD_NUMBER: _ClassVar[int]
    SCALER_FIELD_NUMBER: _ClassVar[int]
    MEANIMAGE_FIELD_NUMBER: _ClassVar[int]
    featureName: str
    scaler: NeuralNetworkImageScaler
    meanImage: NeuralNetworkMeanImage
    def __init__(self, featureName: _Optional[str] = ..., scaler: _Optional[_Union[NeuralNetworkImageScaler, _Mapping[str, _Any]]] = ..., meanImage: _Optional[_Union[NeuralNetworkMeanImage, _Mapping[str, _Any]]] = ...) -> None: ...

class Tensor(_message.Message):
    __slots__ = ("rank", "dimValue")
    RANK_FIELD_NUMBER: _ClassVar[int]
    DIMVALUE_FIELD_NUMBER: _ClassVar[int]
    rank: int
    dimValue: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, rank: _Optional[int] = ..., dimValue: _Optional[_Iterable[int]] = ...) -> None: ...

class NeuralNetworkLayer(_message.Message):
    __slots__ = ("name", "input", "output", "inputTensor", "outputTensor", "isUpdatable", "convolution", "pooling", "activation", "innerProduct", "embedding", "batchnorm", "mvn", "l2normalize", "softmax", "lrn", "crop", "padding", "upsample", "resizeBilinear", "cropResize", "unary", "add", "multiply", "average", "scale", "bias", "max", "min", "dot", "reduce", "loadConstant", "reshape", "flatten", "permute", "concat", "split", "sequenceRepeat", "reorganizeData", "slice", "simpleRecurrent", "gru", "uniDirectionalLSTM", "biDirectionalLSTM", "custom", "copy", "branch", "loop", "loopBreak", "loopContinue", "rangeStatic", "rangeDynamic", "clip", "ceil", "floor", "sign", "round", "exp2", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "gelu", "equal", "notEqual", "lessThan", "lessEqual", "greaterThan", "greaterEqual", "logicalOr", "logicalXor", "logicalNot", "logicalAnd", "modBroadcastable", "minBroadcastable", "maxBroadcastable", "addBroadcastable", "powBroadcastable", "divideBroadcastable", "floorDivBroadcastable", "multiplyBroadcastable", "subtractBroadcastable", "tile", "stack", "gather", "scatter", "gatherND", "scatterND", "softmaxND", "gatherAlongAxis", "scatterAlongAxis", "reverse", "reverseSeq", "splitND", "concatND", "transpose", "sliceStatic", "sliceDynamic", "slidingWindows", "topK", "argMin", "argMax", "embeddingND", "batchedMatmul", "getShape", "loadConstantND", "fillLike", "fillStatic", "fillDynamic", "broadcastToLike", "broadcastToStatic", "broadcastToDynamic", "squeeze", "expandDims", "flattenTo2D", "reshapeLike", "reshapeStatic", "reshapeDynamic", "rankPreservingReshape", "constantPad", "randomNormalLike", "randomNormalStatic", "randomNormalDynamic", "randomUniformLike", "randomUniformStatic", "randomUniformDynamic", "randomBernoulliLike", "randomBernoulliStatic", "randomBernoulliDynamic", "categoricalDistribution", "reduceL1", "reduceL2", "reduceMax", "reduceMin", "reduceSum", "reduceProd", "reduceMean", "reduceLogSum", "reduceSumSquare", "reduceLogSumExp", "whereNonZero", "matrixBandPart", "lowerTriangular", "upperTriangular", "whereBroadcastable", "layerNormalization", "NonMaximumSuppression", "oneHot", "cumSum", "clampedReLU", "argSort", "pooling3d", "globalPooling3d", "sliceBySize", "convolution3d")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    INPUTTENSOR_FIELD_NUMBER: _ClassVar[int]
    OUTPUTTENSOR_FIELD_NUMBER: _ClassVar[int]
    ISUPDATABLE_FIELD_NUMBER: _ClassVar[int]
    CONVOLUTION_FIELD_NUMBER: _ClassVar[int]
    POOLING_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    INNERPRODUCT_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    BATCHNORM_FIELD_NUMBER: _ClassVar[int]
    MVN_FIELD_NUMBER: _ClassVar[int]
    L2NORMALIZE_FIELD_NUMBER: _ClassVar[int]
    SOFTMAX_FIELD_NUMBER: _ClassVar[int]
    LRN_FIELD_NUMBER: _ClassVar[int]
    CROP_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    UPSAMPLE_FIELD_NUMBER: _ClassVar[int]
    RESIZEBILINEAR_FIELD_NUMBER: _ClassVar[int]
    CROPRESIZE_FIELD_NUMBER: _ClassVar[int]
    UNARY_FIELD_NUMBER: _ClassVar[int]
    ADD_FIELD_NUMBER: _ClassVar[int]
    MULTIPLY_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    DOT_FIELD_NUMBER: _ClassVar[int]
    REDUCE_FIELD_NUMBER: _ClassVar[int]
    LOADCONSTANT_FIELD_NUMBER: _ClassVar[int]
    RESHAPE_FIELD_NUMBER: _ClassVar[int]
    FLATTEN_FIELD_NUMBER: _ClassVar[int]
    PERMUTE_FIELD_NUMBER: _ClassVar[int]
    CONCAT_FIELD_NUMBER: _ClassVar[int]
    SPLIT_FIELD_NUMBER: _ClassVar[int]
    SEQUENCEREPEAT_FIELD_NUMBER: _ClassVar[int]
    REORGANIZEDATA_FIELD_NUMBER: _ClassVar[int]
    SLICE_FIELD_NUMBER: _ClassVar[int]
    SIMPLERECURRENT_FIELD_NUMBER: _ClassVar[int]
    GRU_FIELD_NUMBER: _ClassVar[int]
    UNIDIRECTIONALLSTM_FIELD_NUMBER: _ClassVar[int]
    BIDIRECTIONALLSTM_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_FIELD_NUMBER: _ClassVar[int]
    COPY_FIELD_NUMBER: _ClassVar[int]
    BRANCH_FIELD_NUMBER: _ClassVar[int]
    LOOP_FIELD_NUMBER: _ClassVar[int]
    LOOPBREAK_FIELD_NUMBER: _ClassVar[int]
    LOOPCONTINUE_FIELD_NUMBER: _ClassVar[int]
    RANGESTATIC_FIELD_NUMBER: _ClassVar[int]
    RANGEDYNAMIC_FIELD_NUMBER: _ClassVar[int]
    CLIP_FIELD_NUMBER: _ClassVar[int]
    CEIL_FIELD_NUMBER: _ClassVar[int]
    FLOOR_FIELD_NUMBER: _ClassVar[int]
    SIGN_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    EXP2_FIELD_NUMBER: _ClassVar[int]
    SIN_FIELD_NUMBER: _ClassVar[int]
    COS_FIELD_NUMBER: _ClassVar[int]
    TAN_FIELD_NUMBER: _ClassVar[int]
    ASIN_FIELD_NUMBER: _ClassVar[int]
    ACOS_FIELD_NUMBER: _ClassVar[int]
    ATAN_FIELD_NUMBER: _ClassVar[int]
    SINH_FIELD_NUMBER: _ClassVar[int]
    COSH_FIELD_NUMBER: _ClassVar[int]
    TANH_FIELD_NUMBER: _ClassVar[int]
    ASINH_FIELD_NUMBER: _ClassVar[int]
    ACOSH_FIELD_NUMBER: _ClassVar[int]
    ATANH_FIELD_NUMBER: _ClassVar[int]
    ERF_FIELD_NUMBER: _ClassVar[int]
    GELU_FIELD_NUMBER: _ClassVar[int]
    EQUAL_FIELD_NUMBER: _ClassVar[int]
    NOTEQUAL_FIELD_NUMBER: _ClassVar[int]
    LESSTHAN_FIELD_NUMBER: _ClassVar[int]
    LESSEQUAL_FIELD_NUMBER: _ClassVar[int]
    GREATERTHAN_FIELD_NUMBER: _ClassVar[int]
    GREATEREQUAL_FIELD_NUMBER: _ClassVar[int]
    LOGICALOR_FIELD_NUMBER: _ClassVar[int]
    LOGICALXOR_FIELD_NUMBER: _ClassVar[int]
    LOGICALNOT_FIELD_NUMBER: _ClassVar[int]
    LOGICALAND_FIELD_NUMBER: _ClassVar[int]
    MODBROADCASTABLE_FIELD_NUMBER: _ClassVar[int]
    MINBROADCASTABLE_FIELD_NUMBER: _ClassVar[int]
    MAXBROADCASTABLE_FIELD_NUMBER: _ClassVar[int]
    ADDBROADCASTABLE_FIELD_NUMBER: _ClassVar[int]
    POWBROADCASTABLE_FIELD_NUMBER: _ClassVar[int]
    DIVIDEBROADCASTABLE_FIELD_NUMBER: _ClassVar[int]
    FLOORDIVBROADCASTABLE_FIELD_NUMBER: _ClassVar[int]
    MULTIPLYBROADCASTABLE_FIELD_NUMBER: _ClassVar[int]
    SUBTRACTBROADCASTABLE_FIELD_NUMBER: _ClassVar[int]
    TILE_FIELD_NUMBER: _ClassVar[int]
    STACK_FIELD_NUMBER: _ClassVar[int]
    GATHER_FIELD_NUMBER: _ClassVar[int]
    SCATTER_FIELD_NUMBER: _ClassVar[int]
    GATHERND_FIELD_NUMBER: _ClassVar[int]
    SCATTERND_FIELD_NUMBER: _ClassVar[int]
    SOFTMAXND_FIELD_NUMBER: _ClassVar[int]
    GATHERALONGAXIS_FIELD_NUMBER: _ClassVar[int]
    SCATTERALONGAXIS_FIELD_NUMBER: _ClassVar[int]
    REVERSE_FIELD_NUMBER: _ClassVar[int]
    REVERSESEQ_FIELD_NUMBER: _ClassVar[int]
    SPLITND_FIELD_NUMBER: _ClassVar[int]
    CONCATND_FIELD_NUMBER: _ClassVar[int]
    TRANSPOSE_FIELD_NUMBER: _ClassVar[int]
    SLICESTATIC_FIELD_NUMBER: _ClassVar[int]
    SLICEDYNAMIC_FIELD_NUMBER: _ClassVar[int]
    SLIDINGWINDOWS_FIELD_NUMBER: _ClassVar[int]
    TOPK_FIELD_NUMBER: _ClassVar[int]
    ARGMIN_FIELD_NUMBER: _ClassVar[int]
    ARGMAX_FIELD_NUMBER: _ClassVar[int]
    EMBEDDINGND_FIELD_NUMBER: _ClassVar[int]
    BATCHEDMATMUL_FIELD_NUMBER: _ClassVar[int]
    GETSHAPE_FIELD_NUMBER: _ClassVar[int]
    LOADCONSTANTND_FIELD_NUMBER: _ClassVar[int]
    FILLLIKE_FIELD_NUMBER: _ClassVar[int]
    FILLSTATIC_FIELD_NUMBER: _ClassVar[int]
    FILLDYNAMIC_FIELD_NUMBER: _ClassVar[int]
    BROADCASTTOLIKE_FIELD_NUMBER: _ClassVar[int]
    BROADCASTTOSTATIC_FIELD_NUMBER: _ClassVar[int]
    BROADCASTTODYNAMIC_FIELD_NUMBER: _ClassVar[int]
    SQUEEZE_FIELD_NUMBER: _ClassVar[int]
    EXPANDDIMS_FIELD_NUMBER: _ClassVar[int]
    FLATTENTO2D_FIELD_NUMBER: _ClassVar[int]
    RESHAPELIKE_FIELD_NUMBER: _ClassVar[int]
    RESHAPESTATIC_FIELD_NUMBER: _ClassVar[int]
    RESHAPEDYNAMIC_FIELD_NUMBER: _ClassVar[int]
    RANKPRESERVINGRESHAPE_FIELD_NUMBER: _ClassVar[int]
    CONSTANTPAD_FIELD_NUMBER: _ClassVar[int]
    RANDOMNORMALLIKE_FIELD_NUMBER: _ClassVar[int]
    RANDOMNORMALSTATIC_FIELD_NUMBER: _ClassVar[int]
    RANDOMNORMALDYNAMIC_FIELD_NUMBER: _ClassVar[int]
    RANDOMUNIFORMLIKE_FIELD_NUMBER: _ClassVar[int]
    RANDOMUNIFORMSTATIC_FIELD_NUMBER: _ClassVar[int]
    RANDOMUNIFORMDYNAMIC_FIELD_NUMBER: _ClassVar[int]
    RANDOMBERNOULLILIKE_FIELD_NUMBER: _ClassVar[int]
    RANDOMBERNOULLISTATIC_FIELD_NUMBER: _ClassVar[int]
    RANDOMBERNOULLIDYNAMIC_FIELD_NUMBER: _ClassVar[int]
    CATEGORICALDISTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    REDUCEL1_FIELD_NUMBER: _ClassVar[int]
    REDUCEL2_FIELD_NUMBER: _ClassVar[int]
    REDUCEMAX_FIELD_NUMBER: _ClassVar[int]
    REDUCEMIN_FIELD_NUMBER: _ClassVar[int]
    REDUCESUM_FIELD_NUMBER: _ClassVar[int]
    REDUCEPROD_FIELD_NUMBER: _ClassVar[int]
    REDUCEMEAN_FIELD_NUMBER: _ClassVar[int]
    REDUCELOGSUM_FIELD_NUMBER: _ClassVar[int]
    REDUCESUMSQUARE_FIELD_NUMBER: _ClassVar[int]
    REDUCELOGSUMEXP_FIELD_NUMBER: _ClassVar[int]
    WHERENONZERO_FIELD_NUMBER: _ClassVar[int]
    MATRIXBANDPART_FIELD_NUMBER: _ClassVar[int]
    LOWERTRIANGULAR_FIELD_NUMBER: _ClassVar[int]
    UPPERTRIANGULAR_FIELD_NUMBER: _ClassVar[int]
    WHEREBROADCASTABLE_FIELD_NUMBER: _ClassVar[int]
    LAYERNORMALIZATION_FIELD_NUMBER: _ClassVar[int]
    NONMAXIMUMSUPPRESSION_FIELD_NUMBER: _ClassVar[int]
    ONEHOT_FIELD_NUMBER: _ClassVar[int]
    CUMSUM_FIELD_NUMBER: _ClassVar[int]
    CLAMPEDRELU_FIELD_NUMBER: _ClassVar[int]
    ARGSORT_FIELD_NUMBER: _ClassVar[int]
    POOLING3D_FIELD_NUMBER: _ClassVar[int]
    GLOBALPOOLING3D_FIELD_NUMBER: _ClassVar[int]
    SLICEBYSIZE_FIELD_NUMBER: _ClassVar[int]
    CONVOLUTION3D_FIELD_NUMBER: _ClassVar[int]
    name: str
    input: _containers.RepeatedScalarFieldContainer[str]
    output: _containers.RepeatedScalarFieldContainer[str]
    inputTensor: _containers.RepeatedCompositeFieldContainer[Tensor]
    outputTensor: _containers.RepeatedCompositeFieldContainer[Tensor]
    isUpdatable: bool
    convolution: _layers_pb2.ConvolutionLayerParams
    pooling: _layers_pb2.PoolingLayerParams
    activation: _layers_pb2.ActivationParams
    innerProduct: _layers_pb2.InnerProductLayerParams
    embedding: _layers_pb2.EmbeddingLayerParams
    batchnorm: _layers_pb2.BatchnormLayerParams
    mvn: _layers_pb2.MeanVarianceNormalizeLayerParams
    l2normalize: _layers_pb2.L2NormalizeLayerParams
    softmax: _layers_pb2.SoftmaxLayerParams
    lrn: _layers_pb2.LRNLayerParams
    crop: _layers_pb2.CropLayerParams
    padding: _layers_pb2.PaddingLayerParams
    upsample: _layers_pb2.UpsampleLayerParams
    resizeBilinear: _layers_pb2.ResizeBilinearLayerParams
    cropResize: _layers_pb2.CropResizeLayerParams
    unary: _layers_pb2.UnaryFunctionLayerParams
    add: _layers_pb2.AddLayerParams
    multiply: _layers_pb2.MultiplyLayerParams
    average: _layers_pb2.AverageLayerParams
    scale: _layers_pb2.ScaleLayerParams
    bias: _layers_pb2.BiasLayerParams
    max: _layers_pb2.MaxLayerParams
    min: _layers_pb2.MinLayerParams
    dot: _layers_pb2.DotProductLayerParams
    reduce: _layers_pb2.ReduceLayerParams
    loadConstant: _layers_pb2.LoadConstantLayerParams
    reshape: _layers_pb2.ReshapeLayerParams
    flatten: _layers_pb2.FlattenLayerParams
    permute: _layers_pb2.PermuteLayerParams
    concat: _layers_pb2.ConcatLayerParams
    split: _layers_pb2.SplitLayerParams
    sequenceRepeat: _layers_pb2.SequenceRepeatLayerParams
    reorganizeData: _layers_pb2.ReorganizeDataLayerParams
    slice: _layers_pb2.SliceLayerParams
    simpleRecurrent: _layers_pb2.SimpleRecurrentLayerParams
    gru: _layers_pb2.GRULayerParams
    uniDirectionalLSTM: _layers_pb2.UniDirectionalLSTMLayerParams
    biDirectionalLSTM: _layers_pb2.BiDirectionalLSTMLayerParams
    custom: _layers_pb2.CustomLayerParams
    copy: _layers_nd_pb2.CopyLayerParams
    branch: BranchLayerParams
    loop: LoopLayerParams
    loopBreak: _layers_nd_pb2.LoopBreakLayerParams
    loopContinue: _layers_nd_pb2.LoopContinueLayerParams
    rangeStatic: _layers_nd_pb2.RangeStaticLayerParams
    rangeDynamic: _layers_nd_pb2.RangeDynamicLayerParams
    clip: _layers_nd_pb2.ClipLayerParams
    ceil: _layers_nd_pb2.CeilLayerParams
    floor: _layers_nd_pb2.FloorLayerParams
    sign: _layers_nd_pb2.SignLayerParams
    round: _layers_nd_pb2.RoundLayerParams
    exp2: _layers_nd_pb2.Exp2LayerParams
    sin: _layers_nd_pb2.SinLayerParams
    cos: _layers_nd_pb2.CosLayerParams
    tan: _layers_nd_pb2.TanLayerParams
    asin: _layers_nd_pb2.AsinLayerParams
    acos: _layers_nd_pb2.AcosLayerParams
    atan: _layers_nd_pb2.AtanLayerParams
    sinh: _layers_nd_pb2.SinhLayerParams
    cosh: _layers_nd_pb2.CoshLayerParams
    tanh: _layers_nd_pb2.TanhLayerParams
    asinh: _layers_nd_pb2.AsinhLayerParams
    acosh: _layers_nd_pb2.AcoshLayerParams
    atanh: _layers_nd_pb2.AtanhLayerParams
    erf: _layers_nd_pb2.ErfLayerParams
    gelu: _layers_nd_pb2.GeluLayerParams
    equal: _layers_nd_pb2.EqualLayerParams
    notEqual: _layers_nd_pb2.NotEqualLayerParams
    lessThan: _layers_nd_pb2.LessThanLayerParams
    lessEqual: _layers_nd_pb2.LessEqualLayerParams
    greaterThan: _layers_nd_pb2.GreaterThanLayerParams
    greaterEqual: _layers_nd_pb2.GreaterEqualLayerParams
    logicalOr: _layers_nd_pb2.LogicalOrLayerParams
    logicalXor: _layers_nd_pb2.LogicalXorLayerParams
    logicalNot: _layers_nd_pb2.LogicalNotLayerParams
    logicalAnd: _layers_nd_pb2.LogicalAndLayerParams
    modBroadcastable: _layers_nd_pb2.ModBroadcastableLayerParams
    minBroadcastable: _layers_nd_pb2.MinBroadcastableLayerParams
    maxBroadcastable: _layers_nd_pb2.MaxBroadcastableLayerParams
    addBroadcastable: _layers_nd_pb2.AddBroadcastableLayerParams
    powBroadcastable: _layers_nd_pb2.PowBroadcastableLayerParams
    divideBroadcastable: _layers_nd_pb2.DivideBroadcastableLayerParams
    floorDivBroadcastable: _layers_nd_pb2.FloorDivBroadcastableLayerParams
    multiplyBroadcastable: _layers_nd_pb2.MultiplyBroadcastableLayerParams
    subtractBroadcastable: _layers_nd_pb2.SubtractBroadcastableLayerParams
    tile: _layers_nd_pb2.TileLayerParams
    stack: _layers_nd_pb2.StackLayerParams
    gather: _layers_nd_pb2.GatherLayerParams
    scatter: _layers_nd_pb2.ScatterLayerParams
    gatherND: _layers_nd_pb2.GatherNDLayerParams
    scatterND: _layers_nd_pb2.ScatterNDLayerParams
    softmaxND: _layers_nd_pb2.SoftmaxNDLayerParams
    gatherAlongAxis: _layers_nd_pb2.GatherAlongAxisLayerParams
    scatterAlongAxis: _layers_nd_pb2.ScatterAlongAxisLayerParams
    reverse: _layers_nd_pb2.ReverseLayerParams
    reverseSeq: _layers_nd_pb2.ReverseSeqLayerParams
    splitND: _layers_nd_pb2.SplitNDLayerParams
    concatND: _layers_nd_pb2.ConcatNDLayerParams
    transpose: _layers_nd_pb2.TransposeLayerParams
    sliceStatic: _layers_nd_pb2.SliceStaticLayerParams
    sliceDynamic: _layers_nd_pb2.SliceDynamicLayerParams
    slidingWindows: _layers_nd_pb2.SlidingWindowsLayerParams
    topK: _layers_nd_pb2.TopKLayerParams
    argMin: _layers_nd_pb2.ArgMinLayerParams
    argMax: _layers_nd_pb2.ArgMaxLayerParams
    embeddingND: _layers_nd_pb2.EmbeddingNDLayerParams
    batchedMatmul: _layers_nd_pb2.BatchedMatMulLayerParams
    getShape: _layers_nd_pb2.GetShapeLayerParams
    loadConstantND: _layers_nd_pb2.LoadConstantNDLayerParams
    fillLike: _layers_nd_pb2.FillLikeLayerParams
    fillStatic: _layers_nd_pb2.FillStaticLayerParams
    fillDynamic: _layers_nd_pb2.FillDynamicLayerParams
    broadcastToLike: _layers_nd_pb2.BroadcastToLikeLayerParams
    broadcastToStatic: _layers_nd_pb2.BroadcastToStaticLayerParams
    broadcastToDynamic: _layers_nd_pb2.BroadcastToDynamicLayerParams
    squeeze: _layers_nd_pb2.SqueezeLayerParams
    expandDims: _layers_nd_pb2.ExpandDimsLayerParams
    flattenTo2D: _layers_nd_pb2.FlattenTo2DLayerParams
    reshapeLike: _layers_nd_pb2.ReshapeLikeLayerParams
    reshapeStatic: _layers_nd_pb2.ReshapeStaticLayerParams
    reshapeDynamic: _layers_nd_pb2.ReshapeDynamicLayerParams
    rankPreservingReshape: _layers_nd_pb2.RankPreservingReshapeLayerParams
    constantPad: _layers_nd_pb2.ConstantPaddingLayerParams
    randomNormalLike: _layers_nd_pb2.RandomNormalLikeLayerParams
    randomNormalStatic: _layers_nd_pb2.RandomNormalStaticLayerParams
    randomNormalDynamic: _layers_nd_pb2.RandomNormalDynamicLayerParams
    randomUniformLike: _layers_nd_pb2.RandomUniformLikeLayerParams
    randomUniformStatic: _layers_nd_pb2.RandomUniformStaticLayerParams
    randomUniformDynamic: _layers_nd_pb2.RandomUniformDynamicLayerParams
    randomBernoulliLike: _layers_nd_pb2.RandomBernoulliLikeLayerParams
    randomBernoulliStatic: _layers_nd_pb2.RandomBernoulliStaticLayerParams
    randomBernoulliDynamic: _layers_nd_pb2.RandomBernoulliDynamicLayerParams
    categoricalDistribution: _layers_nd_pb2.CategoricalDistributionLayerParams
    reduceL1: _layers_nd_pb2.ReduceL1LayerParams
    reduceL2: _layers_nd_pb2.ReduceL2LayerParams
    reduceMax: _layers_nd_pb2.ReduceMaxLayerParams
    reduceMin: _layers_nd_pb2.ReduceMinLayerParams
    reduceSum: _layers_nd_pb2.ReduceSumLayerParams
    reduceProd: _layers_nd_pb2.ReduceProdLayerParams
    reduceMean: _layers_nd_pb2.ReduceMeanLayerParams
    reduceLogSum: _layers_nd_pb2.ReduceLogSumLayerParams
    reduceSumSquare: _layers_nd_pb2.ReduceSumSquareLayerParams
    reduceLogSumExp: _layers_nd_pb2.ReduceLogSumExpLayerParams
    whereNonZero: _layers_nd_pb2.WhereNonZeroLayerParams
    matrixBandPart: _layers_nd_pb2.MatrixBandPartLayerParams
    lowerTriangular: _layers_nd_pb2.LowerTriangularLayerParams
    upperTriangular: _layers_nd_pb2.UpperTriangularLayerParams
    whereBroadcastable: _layers_nd_pb2.WhereBroadcastableLayerParams
    layerNormalization: _layers_nd_pb2.LayerNormalizationLayerParams
    NonMaximumSuppression: _layers_nd_pb2.NonMaximumSuppressionLayerParams
    oneHot: _layers_nd_pb2.OneHotLayerParams
    cumSum: _layers_nd_pb2.CumSumLayerParams
    clampedReLU: _layers_nd_pb2.ClampedReLULayerParams
    argSort: _layers_nd_pb2.ArgSortLayerParams
    pooling3d: _layers_nd_pb2.Pooling3DLayerParams
    globalPooling3d: _layers_nd_pb2.GlobalPooling3DLayerParams
    sliceBySize: _layers_nd_pb2.SliceBySizeLayerParams
    convolution3d: _layers_nd_pb2.Convolution3DLayerParams
    def __init__(self, name: _Optional[str] = ..., input: _Optional[_Iterable[str]] = ..., output: _Optional[_Iterable[str]] = ..., inputTensor: _Optional[_Iterable[_Union[Tensor, _Mapping[str, _Any]]]] = ..., outputTensor: _Optional[_Iterable[_Union[Tensor, _Mapping[str, _Any]]]] = ..., isUpdatable: bool = ..., convolution: _Optional[_Union[_layers_pb2.ConvolutionLayerParams, _Mapping[str, _Any]]] = ..., pooling: _Optional[_Union[_layers_pb2.PoolingLayerParams, _Mapping[str, _Any]]] = ..., activation: _Optional[_Union[_layers_pb2.ActivationParams, _Mapping[str, _Any]]] = ..., innerProduct: _Optional[_Union[_layers_pb2.InnerProductLayerParams, _Mapping[str, _Any]]] = ..., embedding: _Optional[_Union[_layers_pb2.EmbeddingLayerParams, _Mapping[str, _Any]]] = ..., batchnorm: _Optional[_Union[_layers_pb2.BatchnormLayerParams, _Mapping[str, _Any]]] = ..., mvn: _Optional[_Union[_layers_pb2.MeanVarianceNormalizeLayerParams, _Mapping[str, _Any]]] = ..., l2normalize: _Optional[_Union[_layers_pb2.L2NormalizeLayerParams, _Mapping[str, _Any]]] = ..., softmax: _Optional[_Union[_layers_pb2.SoftmaxLayerParams, _Mapping[str, _Any]]] = ..., lrn: _Optional[_Union[_layers_pb2.LRNLayerParams, _Mapping[str, _Any]]] = ..., crop: _Optional[_Union[_layers_pb2.CropLayerParams, _Mapping[str, _Any]]] = ..., padding: _Optional[_Union[_layers_pb2.PaddingLayerParams, _Mapping[str, _Any]]] = ..., upsample: _Optional[_Union[_layers_pb2.UpsampleLayerParams, _Mapping[str, _Any]]] = ..., resizeBilinear: _Optional[_Union[_layers_pb2.ResizeBilinearLayerParams, _Mapping[str, _Any]]] = ..., cropResize: _Optional[_Union[_layers_pb2.CropResizeLayerParams, _Mapping[str, _Any]]] = ..., unary: _Optional[_Union[_layers_pb2.UnaryFunctionLayerParams, _Mapping[str, _Any]]] = ..., add: _Optional[_Union[_layers_pb2.AddLayerParams, _Mapping[str, _Any]]] = ..., multiply: _Optional[_Union[_layers_pb2.MultiplyLayerParams, _Mapping[str, _Any]]] = ..., average: _Optional[_Union[_layers_pb2.AverageLayerParams, _Mapping[str, _Any]]] = ..., scale: _Optional[_Union[_layers_pb2.ScaleLayerParams, _Mapping[str, _Any]]] = ..., bias: _Optional[_Union[_layers_pb2.BiasLayerParams, _Mapping[str, _Any]]] = ..., max: _Optional[_Union[_layers_pb2.MaxLayerParams, _Mapping[str, _Any]]] = ..., min: _Optional[_Union[_layers_pb2.MinLayerParams, _Mapping[str, _Any]]] = ..., dot: _Optional[_Union[_layers_pb2.DotProductLayerParams, _Mapping[str, _Any]]] = ..., reduce: _Optional[_Union[_layers_pb2.ReduceLayerParams, _Mapping[str, _Any]]] = ..., loadConstant: _Optional[_Union[_layers_pb2.LoadConstantLayerParams, _Mapping[str, _Any]]] = ..., reshape: _Optional[_Union[_layers_pb2.ReshapeLayerParams, _Mapping[str, _Any]]] = ..., flatten: _Optional[_Union[_layers_pb2.FlattenLayerParams, _Mapping[str, _Any]]] = ..., permute: _Optional[_Union[_layers_pb2.PermuteLayerParams, _Mapping[str, _Any]]] = ..., concat: _Optional[_Union[_layers_pb2.ConcatLayerParams, _Mapping[str, _Any]]] = ..., split: _Optional[_Union[_layers_pb2.SplitLayerParams, _Mapping[str, _Any]]] = ..., sequenceRepeat: _Optional[_Union[_layers_pb2.SequenceRepeatLayerParams, _Mapping[str, _Any]]] = ..., reorganizeData: _Optional[_Union[_layers_pb2.ReorganizeDataLayerParams, _Mapping[str, _Any]]] = ..., slice: _Optional[_Union[_layers_pb2.SliceLayerParams, _Mapping[str, _Any]]] = ..., simpleRecurrent: _Optional[_Union[_layers_pb2.SimpleRecurrentLayerParams, _Mapping[str, _Any]]] = ..., gru: _Optional[_Union[_layers_pb2.GRULayerParams, _Mapping[str, _Any]]] = ..., uniDirectionalLSTM: _Optional[_Union[_layers_pb2.UniDirectionalLSTMLayerParams, _Mapping[str, _Any]]] = ..., biDirectionalLSTM: _Optional[_Union[_layers_pb2.BiDirectionalLSTMLayerParams, _Mapping[str, _Any]]] = ..., custom: _Optional[_Union[_layers_pb2.CustomLayerParams, _Mapping[str, _Any]]] = ..., copy: _Optional[_Union[_layers_nd_pb2.CopyLayerParams, _Mapping[str, _Any]]] = ..., branch: _Optional[_Union[BranchLayerParams, _Mapping[str, _Any]]] = ..., loop: _Optional[_Union[LoopLayerParams, _Mapping[str, _Any]]] = ..., loopBreak: _Optional[_Union[_layers_nd_pb2.LoopBreakLayerParams, _Mapping[str, _Any]]] = ..., loopContinue: _Optional[_Union[_layers_nd_pb2.LoopContinueLayerParams, _Mapping[str, _Any]]] = ..., rangeStatic: _Optional[_Union[_layers_nd_pb2.RangeStaticLayerParams, _Mapping[str, _Any]]] = ..., rangeDynamic: _Optional[_Union[_layers_nd_pb2.RangeDynamicLayerParams, _Mapping[str, _Any]]] = ..., clip: _Optional[_Union[_layers_nd_pb2.ClipLayerParams, _Mapping[str, _Any]]] = ..., ceil: _Optional[_Union[_layers_nd_pb2.CeilLayerParams, _Mapping[str, _Any]]] = ..., floor: _Optional[_Union[_layers_nd_pb2.FloorLayerParams, _Mapping[str, _Any]]] = ..., sign: _Optional[_Union[_layers_nd_pb2.SignLayerParams, _Mapping[str, _Any]]] = ..., round: _Optional[_Union[_layers_nd_pb2.RoundLayerParams, _Mapping[str, _Any]]] = ..., exp2: _Optional[_Union[_layers_nd_pb2.Exp2LayerParams, _Mapping[str, _Any]]] = ..., sin: _Optional[_Union[_layers_nd_pb2.SinLayerParams, _Mapping[str, _Any]]] = ..., cos: _Optional[_Union[_layers_nd_pb2.CosLayerParams, _Mapping[str, _Any]]] = ..., tan: _Optional[_Union[_layers_nd_pb2.TanLayerParams, _Mapping[str, _Any]]] = ..., asin: _Optional[_Union[_layers_nd_pb2.AsinLayerParams, _Mapping[str, _Any]]] = ..., acos: _Optional[_Union[_layers_nd_pb2.AcosLayerParams, _Mapping[str, _Any]]] = ..., atan: _Optional[_Union[_layers_nd_pb2.AtanLayerParams, _Mapping[str, _Any]]] = ..., sinh: _Optional[_Union[_layers_nd_pb2.SinhLayerParams, _Mapping[str, _Any]]] = ..., cosh: _Optional[_Union[_layers_nd_pb2.CoshLayerParams, _Mapping[str, _Any]]] = ..., tanh: _Optional[_Union[_layers_nd_pb2.TanhLayerParams, _Mapping[str, _Any]]] = ..., asinh: _Optional[_Union[_layers_nd_pb2.AsinhLayerParams, _Mapping[str, _Any]]] = ..., acosh: _Optional[_Union[_layers_nd_pb2.AcoshLayerParams, _Mapping[str, _Any]]] = ..., atanh: _Optional[_Union[_layers_nd_pb2.AtanhLayerParams, _Mapping[str, _Any]]] = ..., erf: _Optional[_Union[_layers_nd_pb2.ErfLayerParams, _Mapping[str, _Any]]] = ..., gelu: _Optional[_Union[_layers_nd_pb2.GeluLayerParams, _Mapping[str, _Any]]] = ..., equal: _Optional[_Union[_layers_nd_pb2.EqualLayerParams, _Mapping[str, _Any]]] = ..., notEqual: _Optional[_Union[_layers_nd_pb2.NotEqualLayerParams, _Mapping[str, _Any]]] = ..., lessThan: _Optional[_Union[_layers_nd_pb2.LessThanLayerParams, _Mapping[str, _Any]]] = ..., lessEqual: _Optional[_Union[_layers_nd_pb2.LessEqualLayerParams, _Mapping[str, _Any]]] = ..., greaterThan: _Optional[_Union[_layers_nd_pb2.GreaterThanLayerParams, _Mapping[str, _Any]]] = ..., greaterEqual: _Optional[_Union[_layers_nd_pb2.GreaterEqualLayerParams, _Mapping[str, _Any]]] = ..., logicalOr: _Optional[_Union[_layers_nd_pb2.LogicalOrLayerParams, _Mapping[str, _Any]]] = ..., logicalXor: _Optional[_Union[_layers_nd_pb2.LogicalXorLayerParams, _Mapping[str, _Any]]] = ..., logicalNot: _Optional[_Union[_layers_nd_pb2.LogicalNotLayerParams, _Mapping[str, _Any]]] = ..., logicalAnd: _Optional[_Union[_layers_nd_pb2.LogicalAndLayerParams, _Mapping[str, _Any]]] = ..., modBroadcastable: _Optional[_Union[_layers_nd_pb2.ModBroadcastableLayerParams, _Mapping[str, _Any]]] = ..., minBroadcastable: _Optional[_Union[_layers_nd_pb2.MinBroadcastableLayerParams, _Mapping[str, _Any]]] = ..., maxBroadcastable: _Optional[_Union[_layers_nd_pb2.MaxBroadcastableLayerParams, _Mapping[str, _Any]]] = ..., addBroadcastable: _Optional[_Union[_layers_nd_pb2.AddBroadcastableLayerParams, _Mapping[str, _Any]]] = ..., powBroadcastable: _Optional[_Union[_layers_nd_pb2.PowBroadcastableLayerParams, _Mapping[str, _Any]]] = ..., divideBroadcastable: _Optional[_Union[_layers_nd_pb2.DivideBroadcastableLayerParams, _Mapping[str, _Any]]] = ..., floorDivBroadcastable: _Optional[_Union[_layers_nd_pb2.FloorDivBroadcastableLayerParams, _Mapping[str, _Any]]] = ..., multiplyBroadcastable: _Optional[_Union[_layers_nd_pb2.MultiplyBroadcastableLayerParams, _Mapping[str, _Any]]] = ..., subtractBroadcastable: _Optional[_Union[_layers_nd_pb2.SubtractBroadcastableLayerParams, _Mapping[str, _Any]]] = ..., tile: _Optional[_Union[_layers_nd_pb2.TileLayerParams, _Mapping[str, _Any]]] = ..., stack: _Optional[_Union[_layers_nd_pb2.StackLayerParams, _Mapping[str, _Any]]] = ..., gather: _Optional[_Union[_layers_nd_pb2.GatherLayerParams, _Mapping[str, _Any]]] = ..., scatter: _Optional[_Union[_layers_nd_pb2.ScatterLayerParams, _Mapping[str, _Any]]] = ..., gatherND: _Optional[_Union[_layers_nd_pb2.GatherNDLayerParams, _Mapping[str, _Any]]] = ..., scatterND: _Optional[_Union[_layers_nd_pb2.ScatterNDLayerParams, _Mapping[str, _Any]]] = ..., softmaxND: _Optional[_Union[_layers_nd_pb2.SoftmaxNDLayerParams, _Mapping[str, _Any]]] = ..., gatherAlongAxis: _Optional[_Union[_layers_nd_pb2.GatherAlongAxisLayerParams, _Mapping[str, _Any]]] = ..., scatterAlongAxis: _Optional[_Union[_layers_nd_pb2.ScatterAlongAxisLayerParams, _Mapping[str, _Any]]] = ..., reverse: _Optional[_Union[_layers_nd_pb2.ReverseLayerParams, _Mapping[str, _Any]]] = ..., reverseSeq: _Optional[_Union[_layers_nd_pb2.ReverseSeqLayerParams, _Mapping[str, _Any]]] = ..., splitND: _Optional[_Union[_layers_nd_pb2.SplitNDLayerParams, _Mapping[str, _Any]]] = ..., concatND: _Optional[_Union[_layers_nd_pb2.ConcatNDLayerParams, _Mapping[str, _Any]]] = ..., transpose: _Optional[_Union[_layers_nd_pb2.TransposeLayerParams, _Mapping[str, _Any]]] = ..., sliceStatic: _Optional[_Union[_layers_nd_pb2.SliceStaticLayerParams, _Mapping[str, _Any]]] = ..., sliceDynamic: _Optional[_Union[_layers_nd_pb2.SliceDynamicLayerParams, _Mapping[str, _Any]]] = ..., slidingWindows: _Optional[_Union[_layers_nd_pb2.SlidingWindowsLayerParams, _Mapping[str, _Any]]] = ..., topK: _Optional[_Union[_layers_nd_pb2.TopKLayerParams, _Mapping[str, _Any]]] = ..., argMin: _Optional[_Union[_layers_nd_pb2.ArgMinLayerParams, _Mapping[str, _Any]]] = ..., argMax: _Optional[_Union[_layers_nd_pb2.ArgMaxLayerParams, _Mapping[str, _Any]]] = ..., embeddingND: _Optional[_Union[_layers_nd_pb2.EmbeddingNDLayerParams, _Mapping[str, _Any]]] = ..., batchedMatmul: _Optional[_Union[_layers_nd_pb2.BatchedMatMulLayerParams, _Mapping[str, _Any]]] = ..., getShape: _Optional[_Union[_layers_nd_pb2.GetShapeLayerParams, _Mapping[str, _Any]]] = ..., loadConstantND: _Optional[_Union[_layers_nd_pb2.LoadConstantNDLayerParams, _Mapping[str, _Any]]] = ..., fillLike: _Optional[_Union[_layers_nd_pb2.FillLikeLayerParams, _Mapping[str, _Any]]] = ..., fillStatic: _Optional[_Union[_layers_nd_pb2.FillStaticLayerParams, _Mapping[str, _Any]]] = ..., fillDynamic: _Optional[_Union[_layers_nd_pb2.FillDynamicLayerParams, _Mapping[str, _Any]]] = ..., broadcastToLike: _Optional[_Union[_layers_nd_pb2.BroadcastToLikeLayerParams, _Mapping[str, _Any]]] = ..., broadcastToStatic: _Optional[_Union[_layers_nd_pb2.BroadcastToStaticLayerParams, _Mapping[str, _Any]]] = ..., broadcastToDynamic: _Optional[_Union[_layers_nd_pb2.BroadcastToDynamicLayerParams, _Mapping[str, _Any]]] = ..., squeeze: _Optional[_Union[_layers_nd_pb2.SqueezeLayerParams, _Mapping[str, _Any]]] = ..., expandDims: _Optional[_Union[_layers_nd_pb2.ExpandDimsLayerParams, _Mapping[str, _Any]]] = ..., flattenTo2D: _Optional[_Union[_layers_nd_pb2.FlattenTo2DLayerParams, _Mapping[str, _Any]]] = ..., reshapeLike: _Optional[_Union[_layers_nd_pb2.ReshapeLikeLayerParams, _Mapping[str, _Any]]] = ..., reshapeStatic: _Optional[_Union[_layers_nd_pb2.ReshapeStaticLayerParams, _Mapping[str, _Any]]] = ..., reshapeDynamic: _Optional[_Union[_layers_nd_pb2.ReshapeDynamicLayerParams, _Mapping[str, _Any]]] = ..., rankPreservingReshape: _Optional[_Union[_layers_nd_pb2.RankPreservingReshapeLayerParams, _Mapping[str, _Any]]] = ..., constantPad: _Optional[_Union[_layers_nd_pb2.ConstantPaddingLayerParams, _Mapping[str, _Any]]] = ..., randomNormalLike: _Optional[_Union[_layers_nd_pb2.RandomNormalLikeLayerParams, _Mapping[str, _Any]]] = ..., randomNormalStatic: _Optional[_Union[_layers_nd_pb2.RandomNormalStaticLayerParams, _Mapping[str, _Any]]] = ..., randomNormalDynamic: _Optional[_Union[_layers_nd_pb2.RandomNormalDynamicLayerParams, _Mapping[str, _Any]]] = ..., randomUniformLike: _Optional[_Union[_layers_nd_pb2.RandomUniformLikeLayerParams, _Mapping[str, _Any]]] = ..., randomUniformStatic: _Optional[_Union[_layers_nd_pb2.RandomUniformStaticLayerParams, _Mapping[str, _Any]]] = ..., randomUniformDynamic: _Optional[_Union[_layers_nd_pb2.RandomUniformDynamicLayerParams, _Mapping[str, _Any]]] = ..., randomBernoulliLike: _Optional[_Union[_layers_nd_pb2.RandomBernoulliLikeLayerParams, _Mapping[str, _Any]]] = ..., randomBernoulliStatic: _Optional[_Union[_layers_nd_pb2.RandomBernoulliStaticLayerParams, _Mapping[str, _Any]]] = ..., randomBernoulliDynamic: _Optional[_Union[_layers_nd_pb2.RandomBernoulliDynamicLayerParams, _Mapping[str, _Any]]] = ..., categoricalDistribution: _Optional[_Union[_layers_nd_pb2.CategoricalDistributionLayerParams, _Mapping[str, _Any]]] = ..., reduceL1: _Optional[_Union[_layers_nd_pb2.ReduceL1LayerParams, _Mapping[str, _Any]]] = ..., reduceL2: _Optional[_Union[_layers_nd_pb2.ReduceL2LayerParams, _Mapping[str, _Any]]] = ..., reduceMax: _Optional[_Union[_layers_nd_pb2.ReduceMaxLayerParams, _Mapping[str, _Any]]] = ..., reduceMin: _Optional[_Union[_layers_nd_pb2.ReduceMinLayerParams, _Mapping[str, _Any]]] = ..., reduceSum: _Optional[_Union[_layers_nd_pb2.ReduceSumLayerParams, _Mapping[str, _Any]]] = ..., reduceProd: _Optional[_Union[_layers_nd_pb2.ReduceProdLayerParams, _Mapping[str, _Any]]] = ..., reduceMean: _Optional[_Union[_layers_nd_pb2.ReduceMeanLayerParams, _Mapping[str, _Any]]] = ..., reduceLogSum: _Optional[_Union[_layers_nd_pb2.ReduceLogSumLayerParams, _Mapping[str, _Any]]] = ..., reduceSumSquare: _Optional[_Union[_layers_nd_pb2.ReduceSumSquareLayerParams, _Mapping[str, _Any]]] = ..., reduceLogSumExp: _Optional[_Union[_layers_nd_pb2.ReduceLogSumExpLayerParams, _Mapping[str, _Any]]] = ..., whereNonZero: _Optional[_Union[_layers_nd_pb2.WhereNonZeroLayerParams, _Mapping[str, _Any]]] = ..., matrixBandPart: _Optional[_Union[_layers_nd_pb2.MatrixBandPartLayerParams, _Mapping[str, _Any]]] = ..., lowerTriangular: _Optional[_Union[_layers_nd_pb2.LowerTriangularLayerParams, _Mapping[str, _Any]]] = ..., upperTriangular: _Optional[_Union[_layers_nd_pb2.UpperTriangularLayerParams, _Mapping[str, _Any]]] = ..., whereBroadcastable: _Optional[_Union[_layers_nd_pb2.WhereBroadcastableLayerParams, _Mapping[str, _Any]]] = ..., layerNormalization: _Optional[_Union[_layers_nd_pb2.LayerNormalizationLayerParams, _Mapping[str, _Any]]] = ..., NonMaximumSuppression: _Optional[_Union[_layers_nd_pb2.NonMaximumSuppressionLayerParams, _Mapping[str, _Any]]] = ..., oneHot: _Optional[_Union[_layers_nd_pb2.OneHotLayerParams, _Mapping[str, _Any]]] = ..., cumSum: _Optional[_Union[_layers_nd_pb2.CumSumLayerParams, _Mapping[str, _Any]]] = ..., clampedReLU: _Optional[_Union[_layers_nd_pb2.ClampedReLULayerParams, _Mapping[str, _Any]]] = ..., argSort: _Optional[_Union[_layers_nd_pb2.ArgSortLayerParams, _Mapping[str, _Any]]] = ..., pooling3d: _Optional[_Union[_layers_nd_pb2.Pooling3DLayerParams, _Mapping[str, _Any]]] = ..., globalPooling3d: _Optional[_Union[_layers_nd_pb2.GlobalPooling3DLayerParams, _Mapping[str, _Any]]] = ..., sliceBySize: _Optional[_Union[_layers_nd_pb2.SliceBySizeLayerParams, _Mapping[str, _Any]]] = ..., convolution3d: _Optional[_Union[_layers_nd_pb2.Convolution3DLayerParams, _Mapping[str, _Any]]] = ...) -> None: ...

class BranchLayerParams(_message.Message):
    __slots__ = ("ifBranch", "elseBranch")
    IFBRANCH_FIELD_NUMBER: _ClassVar[int]
    ELSEBRANCH_FIELD_NUMBER: _ClassVar[int]
    ifBranch: NeuralNetwork
    elseBranch: NeuralNetwork
    def __init__(self, ifBranch: _Optional[_Union[NeuralNetwork, _Mapping[str, _Any]]] = ..., elseBranch: _Optional[_Union[NeuralNetwork, _Mapping[str, _Any]]] = ...) -> None: ...

class LoopLayerParams(_message.Message):
    __slots__ = ("maxLoopIterations", "conditionVar", "conditionNetwork", "bodyNetwork")
    MAXLOOPITERATIONS_FIELD_NUMBER: _ClassVar[int]
    CONDITIONVAR_FIELD_NUMBER: _ClassVar[int]
    CONDITIONNETWORK_FIELD_NUMBER: _ClassVar[int]
    BODYNETWORK_FIELD_NUMBER: _ClassVar[int]
    maxLoopIterations: int
    conditionVar: str
    conditionNetwork: NeuralNetwork
    bodyNetwork: NeuralNetwork
    def __init__(self, maxLoopIterations: _Optional[int] = ..., conditionVar: _Optional[str] = ..., conditionNetwork: _Optional[_Union[NeuralNetwork, _Mapping[str, _Any]]] = ..., bodyNetwork: _Optional[_Union[NeuralNetwork, _Mapping[str, _Any]]] = ...) -> None: ...

class NeuralNetworkClassifier(_message.Message):
    __slots__ = ("layers", "preprocessing", "arrayInputShapeMapping", "imageInputShapeMapping", "updateParams", "stringClassLabels", "int64ClassLabels", "labelProbabilityLayerName")
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    PREPROCESSING_FIELD_NUMBER: _ClassVar[int]
    ARRAYINPUTSHAPEMAPPING_FIELD_NUMBER: _ClassVar[int]
    IMAGEINPUTSHAPEMAPPING_FIELD_NUMBER: _ClassVar[int]
    UPDATEPARAMS_FIELD_NUMBER: _ClassVar[int]
    STRINGCLASSLABELS_FIELD_NUMBER: _ClassVar[int]
    INT64CLASSLABELS_FIELD_NUMBER: _ClassVar[int]
    LABELPROBABILITYLAYERNAME_FIELD_NUMBER: _ClassVar[int]
    layers: _containers.RepeatedCompositeFieldContainer[NeuralNetworkLayer]
    preprocessing: _containers.RepeatedCompositeFieldContainer[NeuralNetworkPreprocessing]
    arrayInputShapeMapping: NeuralNetworkMultiArrayShapeMapping
    imageInputShapeMapping: NeuralNetworkImageShapeMapping
    updateParams: NetworkUpdateParameters
    stringClassLabels: _data_pb2.StringVector
    int64ClassLabels: _data_pb2.Int64Vector
    labelProbabilityLayerName: str
    def __init__(self, layers: _Optional[_Iterable[_Union[NeuralNetworkLayer, _Mapping[str, _Any]]]] = ..., preprocessing: _Optional[_Iterable[_Union[NeuralNetworkPreprocessing, _Mapping[str, _Any]]]] = ..., arrayInputShapeMapping: _Optional[_Union[NeuralNetworkMultiArrayShapeMapping, str]] = ..., imageInputShapeMapping: _Optional[_Union[NeuralNetworkImageShapeMapping, str]] = ..., updateParams: _Optional[_Union[NetworkUpdateParameters, _Mapping[str, _Any]]] = ..., stringClassLabels: _Optional[_Union[_data_pb2.StringVector, _Mapping[str, _Any]]] = ..., int64ClassLabels: _Optional[_Union[_data_pb2.Int64Vector, _Mapping[str, _Any]]] = ..., labelProbabilityLayerName: _Optional[str] = ...) -> None: ...

class NeuralNetworkRegressor(_message.Message):
    __slots__ = ("layers", "preprocessing", "arrayInputShapeMapping", "imageInputShapeMapping", "updateParams")
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    PREPROCESSING_FIELD_NUMBER: _ClassVar[int]
    ARRAYINPUTSHAPEMAPPING_FIELD_NUMBER: _ClassVar[int]
    IMAGEINPUTSHAPEMAPPING_FIELD_NUMBER: _ClassVar[int]
    UPDATEPARAMS_FIELD_NUMBER: _ClassVar[int]
    layers: _containers.RepeatedCompositeFieldContainer[NeuralNetworkLayer]
    preprocessing: _containers.RepeatedCompositeFieldContainer[NeuralNetworkPreprocessing]
    arrayInputShapeMapping: NeuralNetworkMultiArrayShapeMapping
    imageInputShapeMapping: NeuralNetworkImageShapeMapping
    updateParams: NetworkUpdateParameters
    def __init__(self, layers: _Optional[_Iterable[_Union[NeuralNetworkLayer, _Mapping[str, _Any]]]] = ..., preprocessing: _Optional[_Iterable[_Union[NeuralNetworkPreprocessing, _Mapping[str, _Any]]]] = ..., arrayInputShapeMapping: _Optional[_Union[NeuralNetworkMultiArrayShapeMapping, str]] = ..., imageInputShapeMapping: _Optional[_Union[NeuralNetworkImageShapeMapping, str]] = ..., updateParams: _Optional[_Union[NetworkUpdateParameters, _Mapping[str, _Any]]] = ...) -> None: ...

class NetworkUpdateParameters(_message.Message):
    __slots__ = ("lossLayers", "optimizer", "epochs", "shuffle", "seed")
    LOSSLAYERS_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    SHUFFLE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    lossLayers: _containers.RepeatedCompositeFieldContainer[LossLayer]
    optimizer: Optimizer
    epochs: _data_pb2.Int64Parameter
    shuffle: _data_pb2.BoolParameter
    seed: _data_pb2.Int64Parameter
    def __init__(self, lossLayers: _Optional[_Iterable[_Union[LossLayer, _Mapping[str, _Any]]]] = ..., optimizer: _Optional[_Union[Optimizer, _Mapping[str, _Any]]] = ..., epochs: _Optional[_Union[_data_pb2.Int64Parameter, _Mapping[str, _Any]]] = ..., shuffle: _Optional[_Union[_data_pb2.BoolParameter, _Mapping[str, _Any]]] = ..., seed: _Optional[_Union[_data_pb2.Int64Parameter, _Mapping[str, _Any]]] = ...) -> None: ...

class LossLayer(_message.Message):
    __slots__ = ("name", "categoricalCrossEntropyLossLayer", "meanSquaredErrorLossLayer")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORICALCROSSENTROPYLOSSLAYER_FIELD_NUMBER: _ClassVar[int]
    MEANSQUAREDERRORLOSSLAYER_FIELD_NUMBER: _ClassVar[int]
    name: str
    categoricalCrossEntropyLossLayer: CategoricalCrossEntropyLossLayer
    meanSquaredErrorLossLayer: MeanSquaredErrorLossLayer
    def __init__(self, name: _Optional[str] = ..., categoricalCrossEntropyLossLayer: _Optional[_Union[CategoricalCrossEntropyLossLayer, _Mapping[str, _Any]]] = ..., meanSquaredErrorLossLayer: _Optional[_Union[MeanSquaredErrorLossLayer, _Mapping[str, _Any]]] = ...) -> None: ...

class CategoricalCrossEntropyLossLayer(_message.Message):
    __slots__ = ("input", "target")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    input: str
    target: str
    def __init__(self, input: _Optional[str] = ..., target: _Optional[str] = ...) -> None: ...

class MeanSquaredErrorLossLayer(_message.Message):
    __slots__ = ("input", "target")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    input: str
    target: str
    def __init__(self, input: _Optional[str] = ..., target: _Optional[str] = ...) -> None: ...

class Optimizer(_message.Message):
    __slots__ = ("sgdOptimizer", "adamOptimizer")
    SGDOPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    ADAMOPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    sgdOptimizer: SGDOptimizer
    adamOptimizer: AdamOptimizer
    def __init__(self, sgdOptimizer: _Optional[_Union[SGDOptimizer, _Mapping[str, _Any]]] = ..., adamOptimizer: _Optional[_Union[AdamOptimizer, _Mapping[str, _Any]]] = ...) -> None: ...

class SGDOptimizer(_message.Message):
    __slots__ = ("learningRate", "miniBatchSize", "momentum")
    LEARNINGRATE_FIELD_NUMBER: _ClassVar[int]
    MINIBATCHSIZE_FIELD_NUMBER: _ClassVar[int]
    MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    learningRate: _data_pb2.DoubleParameter
    miniBatchSize: _data_pb2.Int64Parameter
    momentum: _data_pb2.DoubleParameter
    def __init__(self, learningRate: _Optional[_Union[_data_pb2.DoubleParameter, _Mapping[str, _Any]]] = ..., miniBatchSize: _Optional[_Union[_data_pb2.Int64Parameter, _Mapping[str, _Any]]] = ..., momentum: _Optional[_Union[_data_pb2.DoubleParameter, _Mapping[str, _Any]]] = ...) -> None: ...

class AdamOptimizer(_message.Message):
    __slots__ = ("learningRate", "miniBatchSize", "beta1", "beta2", "eps")
    LEARNINGRATE_FIELD_NUMBER: _ClassVar[int]
    MINIBATCHSIZE_FIELD_NUMBER: _ClassVar[int]
    BETA1_FIELD_NUMBER: _ClassVar[int]
    BETA2_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    learningRate: _data_pb2.DoubleParameter
    miniBatchSize: _data_pb2.Int64Parameter
    beta1: _data_pb2.DoubleParameter
    beta2: _data_pb2.DoubleParameter
    eps: _data_pb2.DoubleParameter
    def __init__(self, learningRate: _Optional[_Union[_data_pb2.DoubleParameter, _Mapping[str, _Any]]] = ..., miniBatchSize: _Optional[_Union[_data_pb2.Int64Parameter, _Mapping[str, _Any]]] = ..., beta1: _Optional[_Union[_data_pb2.DoubleParameter, _Mapping[str, _Any]]] = ..., beta2: _Optional[_Union[_data_pb2.DoubleParameter, _Mapping[str, _Any]]] = ..., eps: _Optional[_Union[_data_pb2.DoubleParameter, _Mapping[str, _Any]]] = ...) -> None: ...
