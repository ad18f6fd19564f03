from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import Any as _Any, ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TrainedQuantized(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRAINED_QUANTIZED_DEQUANTIZE: _ClassVar[TrainedQuantized]
    TRAINED_QUANTIZED_STRAIGHT_THROUGH: _ClassVar[TrainedQuantized]

class TrainedHalf(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRAINED_HALF_FLOAT32: _ClassVar[TrainedHalf]
    TRAINED_HALF_KEPT: _ClassVar[TrainedHalf]

class TrainedStatistics(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRAINED_STATISTICS_FROZEN: _ClassVar[TrainedStatistics]
    TRAINED_STATISTICS_UPDATED: _ClassVar[TrainedStatistics]
TRAINED_QUANTIZED_DEQUANTIZE: TrainedQuantized
TRAINED_QUANTIZED_STRAIGHT_THROUGH: TrainedQuantized
TRAINED_HALF_FLOAT32: TrainedHalf
TRAINED_HALF_KEPT: TrainedHalf
TRAINED_STATISTICS_FROZEN: TrainedStatistics
TRAINED_STATISTICS_UPDATED: TrainedStatistics

class TrainingRecipe(_message.Message):
    __slots__ = ("layers", "losses", "optimizer", "schedule", "epochs", "miniBatchSize", "shuffle", "seed", "clipNorm", "dropout", "augmentation", "validationFraction", "earlyStopping", "metrics", "quantized", "half", "statistics", "statisticsMomentum")
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    MINIBATCHSIZE_FIELD_NUMBER: _ClassVar[int]
    SHUFFLE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    CLIPNORM_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    AUGMENTATION_FIELD_NUMBER: _ClassVar[int]
    VALIDATIONFRACTION_FIELD_NUMBER: _ClassVar[int]
    EARLYSTOPPING_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    QUANTIZED_FIELD_NUMBER: _ClassVar[int]
    HALF_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    STATISTICSMOMENTUM_FIELD_NUMBER: _ClassVar[int]
    layers: _containers.RepeatedCompositeFieldContainer[TrainedLayer]
    losses: _containers.RepeatedCompositeFieldContainer[TrainingLoss]
    optimizer: TrainingOptimizer
    schedule: TrainingSchedule
    epochs: int
    miniBatchSize: int
    shuffle: bool
    seed: int
    clipNorm: float
    dropout: _containers.RepeatedCompositeFieldContainer[TrainingDropout]
    augmentation: _containers.RepeatedCompositeFieldContainer[TrainingAugmentation]
    validationFraction: float
    earlyStopping: TrainingEarlyStopping
    metrics: _containers.RepeatedCompositeFieldContainer[TrainingMetric]
    quantized: TrainedQuantized
    half: TrainedHalf
    statistics: TrainedStatistics
    statisticsMomentum: float
    def __init__(self, layers: _Optional[_Iterable[_Union[TrainedLayer, _Mapping[str, _Any]]]] = ..., losses: _Optional[_Iterable[_Union[TrainingLoss, _Mapping[str, _Any]]]] = ..., optimizer: _Optional[_Union[TrainingOptimizer, _Mapping[str, _Any]]] = ..., schedule: _Optional[_Union[TrainingSchedule, _Mapping[str, _Any]]] = ..., epochs: _Optional[int] = ..., miniBatchSize: _Optional[int] = ..., shuffle: bool = ..., seed: _Optional[int] = ..., clipNorm: _Optional[float] = ..., dropout: _Optional[_Iterable[_Union[TrainingDropout, _Mapping[str, _Any]]]] = ..., augmentation: _Optional[_Iterable[_Union[TrainingAugmentation, _Mapping[str, _Any]]]] = ..., validationFraction: _Optional[float] = ..., earlyStopping: _Optional[_Union[TrainingEarlyStopping, _Mapping[str, _Any]]] = ..., metrics: _Optional[_Iterable[_Union[TrainingMetric, _Mapping[str, _Any]]]] = ..., quantized: _Optional[_Union[TrainedQuantized, str]] = ..., half: _Optional[_Union[TrainedHalf, str]] = ..., statistics: _Optional[_Union[TrainedStatistics, str]] = ..., statisticsMomentum: _Optional[float] = ...) -> None: ...

class TrainedLayer(_message.Message):
    __slots__ = ("name", "weights")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    name: str
    weights: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., weights: _Optional[_Iterable[str]] = ...) -> None: ...

class TrainingLoss(_message.Message):
    __slots__ = ("name", "input", "target", "weight", "crossEntropy", "squaredError", "binaryCrossEntropy", "huber", "cosine", "hinge", "contrastive")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    CROSSENTROPY_FIELD_NUMBER: _ClassVar[int]
    SQUAREDERROR_FIELD_NUMBER: _ClassVar[int]
    BINARYCROSSENTROPY_FIELD_NUMBER: _ClassVar[int]
    HUBER_FIELD_NUMBER: _ClassVar[int]
    COSINE_FIELD_NUMBER: _ClassVar[int]
    HINGE_FIELD_NUMBER: _ClassVar[int]
    CONTRASTIVE_FIELD_NUMBER: _ClassVar[int]
    name: str
    input: str
    target: str
    weight: float
    crossEntropy: CrossEntropyLoss
    squaredError: SquaredErrorLoss
    binaryCrossEntropy: BinaryCrossEntropyLoss
    huber: HuberLoss
    cosine: CosineLoss
    hinge: HingeLoss
    contrastive: ContrastiveLoss
    def __init__(self, name: _Optional[str] = ..., input: _Optional[str] = ..., target: _Optional[str] = ..., weight: _Optional[float] = ..., crossEntropy: _Optional[_Union[CrossEntropyLoss, _Mapping[str, _Any]]] = ..., squaredError: _Optional[_Union[SquaredErrorLoss, _Mapping[str, _Any]]] = ..., binaryCrossEntropy: _Optional[_Union[BinaryCrossEntropyLoss, _Mapping[str, _Any]]] = ..., huber: _Optional[_Union[HuberLoss, _Mapping[str, _Any]]] = ..., cosine: _Optional[_Union[CosineLoss, _Mapping[str, _Any]]] = ..., hinge: _Optional[_Union[HingeLoss, _Mapping[str, _Any]]] = ..., contrastive: _Optional[_Union[ContrastiveLoss, _Mapping[str, _Any]]] = ...) -> None: ...

class CrossEntropyLoss(_message.Message):
    __slots__ = ("labelSmoothing",)
    LABELSMOOTHING_FIELD_NUMBER: _ClassVar[int]
    labelSmoothing: float
    def __init__(self, labelSmoothing: _Optional[float] = ...) -> None: ...

class SquaredErrorLoss(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BinaryCrossEntropyLoss(_message.Message):
    __slots__ = ("labelSmoothing",)
    LABELSMOOTHING_FIELD_NUMBER: _ClassVar[int]
    labelSmoothing: float
    def __init__(self, labelSmoothing: _Optional[float] = ...) -> None: ...

class HuberLoss(_message.Message):
    __slots__ = ("delta",)
    DELTA_FIELD_NUMBER: _ClassVar[int]
    delta: float
    def __init__(self, delta: _Optional[float] = ...) -> None: ...

class CosineLoss(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class HingeLoss(_message.Message):
    __slots__ = ("margin",)
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    margin: float
    def __init__(self, margin: _Optional[float] = ...) -> None: ...

class ContrastiveLoss(_message.Message):
    __slots__ = ("margin",)
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    margin: float
    def __init__(self, margin: _Optional[float] = ...) -> None: ...

class TrainingOptimizer(_message.Message):
    __slots__ = ("sgd", "adam", "adamW", "rmsprop", "lion")
    SGD_FIELD_NUMBER: _ClassVar[int]
    ADAM_FIELD_NUMBER: _ClassVar[int]
    ADAMW_FIELD_NUMBER: _ClassVar[int]
    RMSPROP_FIELD_NUMBER: _ClassVar[int]
    LION_FIELD_NUMBER: _ClassVar[int]
    sgd: SGDSettings
    adam: AdamSettings
    adamW: AdamSettings
    rmsprop: RMSpropSettings
    lion: LionSettings
    def __init__(self, sgd: _Optional[_Union[SGDSettings, _Mapping[str, _Any]]] = ..., adam: _Optional[_Union[AdamSettings, _Mapping[str, _Any]]] = ..., adamW: _Optional[_Union[AdamSettings, _Mapping[str, _Any]]] = ..., rmsprop: _Optional[_Union[RMSpropSettings, _Mapping[str, _Any]]] = ..., lion: _Optional[_Union[LionSettings, _Mapping[str, _Any]]] = ...) -> None: ...

class SGDSettings(_message.Message):
    __slots__ = ("learningRate", "momentum", "weightDecay")
    LEARNINGRATE_FIELD_NUMBER: _ClassVar[int]
    MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    WEIGHTDECAY_FIELD_NUMBER: _ClassVar[int]
    learningRate: float
    momentum: float
    weightDecay: float
    def __init__(self, learningRate: _Optional[float] = ..., momentum: _Optional[float] = ..., weightDecay: _Optional[float] = ...) -> None: ...

class AdamSettings(_message.Message):
    __slots__ = ("learningRate", "beta1", "beta2", "eps", "weightDecay")
    LEARNINGRATE_FIELD_NUMBER: _ClassVar[int]
    BETA1_FIELD_NUMBER: _ClassVar[int]
    BETA2_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTDECAY_FIELD_NUMBER: _ClassVar[int]
    learningRate: float
    beta1: float
    beta2: float
    eps: float
    weightDecay: float
    def __init__(self, learningRate: _Optional[float] = ..., beta1: _Optional[float] = ..., beta2: _Optional[float] = ..., eps: _Optional[float] = ..., weightDecay: _Optional[float] = ...) -> None: ...

class RMSpropSettings(_message.Message):
    __slots__ = ("learningRate", "decay", "eps", "momentum", "weightDecay")
    LEARNINGRATE_FIELD_NUMBER: _ClassVar[int]
    DECAY_FIELD_NUMBER: _ClassVar[int]
    EPS_FIELD_NUMBER: _ClassVar[int]
    MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    WEIGHTDECAY_FIELD_NUMBER: _ClassVar[int]
    learningRate: float
    decay: float
    eps: float
    momentum: float
    weightDecay: float
    def __init__(self, learningRate: _Optional[float] = ..., decay: _Optional[float] = ..., eps: _Optional[float] = ..., momentum: _Optional[float] = ..., weightDecay: _Optional[float] = ...) -> None: ...

class LionSettings(_message.Message):
    __slots__ = ("learningRate", "beta1", "beta2", "weightDecay")
    LEARNINGRATE_FIELD_NUMBER: _ClassVar[int]
    BETA1_FIELD_NUMBER: _ClassVar[int]
    BETA2_FIELD_NUMBER: _ClassVar[int]
    WEIGHTDECAY_FIELD_NUMBER: _ClassVar[int]
    learningRate: float
    beta1: float
    beta2: float
    weightDecay: float
    def __init__(self, learningRate: _Optional[float] = ..., beta1: _Optional[float] = ..., beta2: _Optional[float] = ..., weightDecay: _Optional[float] = ...) -> None: ...

class TrainingSchedule(_message.Message):
    __slots__ = ("warmup", "constant", "cosine", "linear", "step")
    WARMUP_FIELD_NUMBER: _ClassVar[int]
    CONSTANT_FIELD_NUMBER: _ClassVar[int]
    COSINE_FIELD_NUMBER: _ClassVar[int]
    LINEAR_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    warmup: float
    constant: ConstantSchedule
    cosine: CosineSchedule
    linear: LinearSchedule
    step: StepSchedule
    def __init__(self, warmup: _Optional[float] = ..., constant: _Optional[_Union[ConstantSchedule, _Mapping[str, _Any]]] = ..., cosine: _Optional[_Union[CosineSchedule, _Mapping[str, _Any]]] = ..., linear: _Optional[_Union[LinearSchedule, _Mapping[str, _Any]]] = ..., step: _Optional[_Union[StepSchedule, _Mapping[str, _Any]]] = ...) -> None: ...

class ConstantSchedule(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CosineSchedule(_message.Message):
    __slots__ = ("final",)
    FINAL_FIELD_NUMBER: _ClassVar[int]
    final: float
    def __init__(self, final: _Optional[float] = ...) -> None: ...

class LinearSchedule(_message.Message):
    __slots__ = ("final",)
    FINAL_FIELD_NUMBER: _ClassVar[int]
    final: float
    def __init__(self, final: _Optional[float] = ...) -> None: ...

class StepSchedule(_message.Message):
    __slots__ = ("every", "factor")
    EVERY_FIELD_NUMBER: _ClassVar[int]
    FACTOR_FIELD_NUMBER: _ClassVar[int]
    every: float
    factor: float
    def __init__(self, every: _Optional[float] = ..., factor: _Optional[float] = ...) -> None: ...

class TrainingDropout(_message.Message):
    __slots__ = ("blob", "rate")
    BLOB_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    blob: str
    rate: float
    def __init__(self, blob: _Optional[str] = ..., rate: _Optional[float] = ...) -> None: ...

class TrainingAugmentation(_message.Message):
    __slots__ = ("input", "flip", "shift", "rotate", "brightness")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    FLIP_FIELD_NUMBER: _ClassVar[int]
    SHIFT_FIELD_NUMBER: _ClassVar[int]
    ROTATE_FIELD_NUMBER: _ClassVar[int]
    BRIGHTNESS_FIELD_NUMBER: _ClassVar[int]
    input: str
    flip: FlipAugmentation
    shift: ShiftAugmentation
    rotate: RotateAugmentation
    brightness: BrightnessAugmentation
    def __init__(self, input: _Optional[str] = ..., flip: _Optional[_Union[FlipAugmentation, _Mapping[str, _Any]]] = ..., shift: _Optional[_Union[ShiftAugmentation, _Mapping[str, _Any]]] = ..., rotate: _Optional[_Union[RotateAugmentation, _Mapping[str, _Any]]] = ..., brightness: _Optional[_Union[BrightnessAugmentation, _Mapping[str, _Any]]] = ...) -> None: ...

class FlipAugmentation(_message.Message):
    __slots__ = ("horizontal", "vertical")
    HORIZONTAL_FIELD_NUMBER: _ClassVar[int]
    VERTICAL_FIELD_NUMBER: _ClassVar[int]
    horizontal: float
    vertical: float
    def __init__(self, horizontal: _Optional[float] = ..., vertical: _Optional[float] = ...) -> None: ...

class ShiftAugmentation(_message.Message):
    __slots__ = ("fraction",)
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    fraction: float
    def __init__(self, fraction: _Optional[float] = ...) -> None: ...

class RotateAugmentation(_message.Message):
    __slots__ = ("degrees",)
    DEGREES_FIELD_NUMBER: _ClassVar[int]
    degrees: float
    def __init__(self, degrees: _Optional[float] = ...) -> None: ...

class BrightnessAugmentation(_message.Message):
    __slots__ = ("fraction",)
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    fraction: float
    def __init__(self, fraction: _Optional[float] = ...) -> None: ...

class TrainingEarlyStopping(_message.Message):
    __slots__ = ("patience", "minDelta", "restoreBest", "monitor")
    PATIENCE_FIELD_NUMBER: _ClassVar[int]
    MINDELTA_FIELD_NUMBER: _ClassVar[int]
    RESTOREBEST_FIELD_NUMBER: _ClassVar[int]
    MONITOR_FIELD_NUMBER: _ClassVar[int]
    patience: int
    minDelta: float
    restoreBest: bool
    monitor: str
    def __init__(self, patience: _Optional[int] = ..., minDelta: _Optional[float] = ..., restoreBest: bool = ..., monitor: _Optional[str] = ...) -> None: ...

class TrainingMetric(_message.Message):
    __slots__ = ("accuracy", "topK")
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    TOPK_FIELD_NUMBER: _ClassVar[int]
    accuracy: AccuracyMetric
    topK: TopKMetric
    def __init__(self, accuracy: _Optional[_Union[AccuracyMetric, _Mapping[str, _Any]]] = ..., topK: _Optional[_Union[TopKMetric, _Mapping[str, _Any]]] = ...) -> None: ...

class AccuracyMetric(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TopKMetric(_message.Message):
    __slots__ = ("k",)
    K_FIELD_NUMBER: _ClassVar[int]
    k: int
    def __init__(self, k: _Optional[int] = ...) -> None: ...
