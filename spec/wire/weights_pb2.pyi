from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import Any as _Any, ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WeightParams(_message.Message):
    __slots__ = ("floatValue", "float16Value", "rawValue", "int8RawValue", "quantization", "isUpdatable")
    FLOATVALUE_FIELD_NUMBER: _ClassVar[int]
    FLOAT16VALUE_FIELD_NUMBER: _ClassVar[int]
    RAWVALUE_FIELD_NUMBER: _ClassVar[int]
    INT8RAWVALUE_FIELD_NUMBER: _ClassVar[int]
    QUANTIZATION_FIELD_NUMBER: _ClassVar[int]
    ISUPDATABLE_FIELD_NUMBER: _ClassVar[int]
    floatValue: _containers.RepeatedScalarFieldContainer[float]
    float16Value: bytes
    rawValue: bytes
    int8RawValue: bytes
    quantization: QuantizationParams
    isUpdatable: bool
    def __init__(self, floatValue: _Optional[_Iterable[float]] = ..., float16Value: _Optional[bytes] = ..., rawValue: _Optional[bytes] = ..., int8RawValue: _Optional[bytes] = ..., quantization: _Optional[_Union[QuantizationParams, _Mapping[str, _Any]]] = ..., isUpdatable: bool = ...) -> None: ...

class QuantizationParams(_message.Message):
    __slots__ = ("numberOfBits", "linearQuantization", "lookupTableQuantization")
    NUMBEROFBITS_FIELD_NUMBER: _ClassVar[int]
    LINEARQUANTIZATION_FIELD_NUMBER: _ClassVar[int]
    LOOKUPTABLEQUANTIZATION_FIELD_NUMBER: _ClassVar[int]
    numberOfBits: int
    linearQuantization: LinearQuantizationParams
    lookupTableQuantization: LookUpTableQuantizationParams
    def __init__(self, numberOfBits: _Optional[int] = ..., linearQuantization: _Optional[_Union[LinearQuantizationParams, _Mapping[str, _Any]]] = ..., lookupTableQuantization: _Optional[_Union[LookUpTableQuantizationParams, _Mapping[str, _Any]]] = ...) -> None: ...

class LinearQuantizationParams(_message.Message):
    __slots__ = ("scale", "bias")
    SCALE_FIELD_NUMBER: _ClassVar[int]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    scale: _containers.RepeatedScalarFieldContainer[float]
    bias: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, scale: _Optional[_Iterable[float]] = ..., bias: _Optional[_Iterable[float]] = ...) -> None: ...

class LookUpTableQuantizationParams(_message.Message):
    __slots__ = ("floatValue",)
    FLOATVALUE_FIELD_NUMBER: _ClassVar[int]
    floatValue: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, floatValue: _Optional[_Iterable[float]] = ...) -> None: ...
