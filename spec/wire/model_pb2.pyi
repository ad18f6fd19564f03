from graphml.spec.wire import data_pb2 as _data_pb2
from graphml.spec.wire import extension_pb2 as _extension_pb2
from graphml.spec.wire import features_pb2 as _features_pb2
from graphml.spec.wire import network_pb2 as _network_pb2
from graphml.spec.wire import predictors_pb2 as _predictors_pb2
from graphml.spec.wire import program_pb2 as _program_pb2
from graphml.spec.wire import system_pb2 as _system_pb2
from graphml.spec.wire import transforms_pb2 as _transforms_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import Any as _Any, ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CustomModel(_message.Message):
    __slots__ = ("className", "parameters", "description")
    class CustomModelParamValue(_message.Message):
        __slots__ = ("doubleValue", "stringValue", "intValue", "longValue", "boolValue", "bytesValue")
        DOUBLEVALUE_FIELD_NUMBER: _ClassVar[int]
        STRINGVALUE_FIELD_NUMBER: _ClassVar[int]
        INTVALUE_FIELD_NUMBER: _ClassVar[int]
        LONGVALUE_FIELD_NUMBER: _ClassVar[int]
        BOOLVALUE_FIELD_NUMBER: _ClassVar[int]
        BYTESVALUE_FIELD_NUMBER: _ClassVar[int]
        doubleValue: float
        stringValue: str
        intValue: int
        longValue: int
        boolValue: bool
        bytesValue: bytes
        def __init__(self, doubleValue: _Optional[float] = ..., stringValue: _Optional[str] = ..., intValue: _Optional[int] = ..., longValue: _Optional[int] = ..., boolValue: bool = ..., bytesValue: _Optional[bytes] = ...) -> None: ...
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: CustomModel.CustomModelParamValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[CustomModel.CustomModelParamValue, _Mapping[str, _Any]]] = ...) -> None: ...
    CLASSNAME_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    className: str
    parameters: _containers.MessageMap[str, CustomModel.CustomModelParamValue]
    description: str
    def __init__(self, className: _Optional[str] = ..., parameters: _Optional[_Mapping[str, CustomModel.CustomModelParamValue]] = ..., description: _Optional[str] = ...) -> None: ...

class NonMaximumSuppression(_message.Message):
    __slots__ = ("pickTop", "stringClassLabels", "int64ClassLabels", "iouThreshold", "confidenceThreshold", "confidenceInputFeatureName", "coordinatesInputFeatureName", "iouThresholdInputFeatureName", "confidenceThresholdInputFeatureName", "confidenceOutputFeatureName", "coordinatesOutputFeatureName")
    class PickTop(_message.Message):
        __slots__ = ("perClass",)
        PERCLASS_FIELD_NUMBER: _ClassVar[int]
        perClass: bool
        def __init__(self, perClass: bool = ...) -> None: ...
    PICKTOP_FIELD_NUMBER: _ClassVar[int]
    STRINGCLASSLABELS_FIELD_NUMBER: _ClassVar[int]
    INT64CLASSLABELS_FIELD_NUMBER: _ClassVar[int]
    IOUTHRESHOLD_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCETHRESHOLD_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCEINPUTFEATURENAME_FIELD_NUMBER: _ClassVar[int]
    COORDINATESINPUTFEATURENAME_FIELD_NUMBER: _ClassVar[int]
    IOUTHRESHOLDINPUTFEATURENAME_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCETHRESHOLDINPUTFEATURENAME_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCEOUTPUTFEATURENAME_FIELD_NUMBER: _ClassVar[int]
    COORDINATESOUTPUTFEATURENAME_FIELD_NUMBER: _ClassVar[int]
    pickTop: NonMaximumSuppression.PickTop
    stringClassLabels: _data_pb2.StringVector
    int64ClassLabels: _data_pb2.Int64Vector
    iouThreshold: float
    confidenceThreshold: float
    confidenceInputFeatureName: str
    coordinatesInputFeatureName: str
    iouThresholdInputFeatureName: str
    confidenceThresholdInputFeatureName: str
    confidenceOutputFeatureName: str
    coordinatesOutputFeatureName: str
    def __init__(self, pickTop: _Optional[_Union[NonMaximumSuppression.PickTop, _Mapping[str, _Any]]] = ..., stringClassLabels: _Optional[_Union[_data_pb2.StringVector, _Mapping[str, _Any]]] = ..., int64ClassLabels: _Optional[_Union[_data_pb2.Int64Vector, _Mapping[str, _Any]]] = ..., iouThreshold: _Optional[float] = ..., confidenceThreshold: _Optional[float] = ..., confidenceInputFeatureName: _Optional[str] = ..., coordinatesInputFeatureName: _Optional[str] = ..., iouThresholdInputFeatureName: _Optional[str] = ..., confidenceThresholdInputFeatureName: _Optional[str] = ..., confidenceOutputFeatureName: _Optional[str] = ..., coordinatesOutputFeatureName: _Optional[str] = ...) -> None: ...

class LinkedModel(_message.Message):
    __slots__ = ("linkedModelFile",)
    LINKEDMODELFILE_FIELD_NUMBER: _ClassVar[int]
    linkedModelFile: LinkedModelFile
    def __init__(self, linkedModelFile: _Optional[_Union[LinkedModelFile, _Mapping[str, _Any]]] = ...) -> None: ...

class LinkedModelFile(_message.Message):
    __slots__ = ("linkedModelFileName", "linkedModelSearchPath")
    LINKEDMODELFILENAME_FIELD_NUMBER: _ClassVar[int]
    LINKEDMODELSEARCHPATH_FIELD_NUMBER: _ClassVar[int]
    linkedModelFileName: _data_pb2.StringParameter
    linkedModelSearchPath: _data_pb2.StringParameter
    def __init__(self, linkedModelFileName: _Optional[_Union[_data_pb2.StringParameter, _Mapping[str, _Any]]] = ..., linkedModelSearchPath: _Optional[_Union[_data_pb2.StringParameter, _Mapping[str, _Any]]] = ...) -> None: ...

class ClassConfidenceThresholding(_message.Message):
    __slots__ = ("precisionRecallCurves",)
    PRECISIONRECALLCURVES_FIELD_NUMBER: _ClassVar[int]
    precisionRecallCurves: _containers.RepeatedCompositeFieldContainer[_data_pb2.PrecisionRecallCurve]
    def __init__(self, precisionRecallCurves: _Optional[_Iterable[_Union[_data_pb2.PrecisionRecallCurve, _Mapping[str, _Any]]]] = ...) -> None: ...

class Pipeline(_message.Message):
    __slots__ = ("models", "names")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping[str, _Any]]]] = ..., names: _Optional[_Iterable[str]] = ...) -> None: ...

class PipelineClassifier(_message.Message):
    __slots__ = ("pipeline",)
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    pipeline: Pipeline
    def __init__(self, pipeline: _Optional[_Union[Pipeline, _Mapping[str, _Any]]] = ...) -> None: ...

class PipelineRegressor(_message.Message):
    __slots__ = ("pipeline",)
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    pipeline: Pipeline
    def __init__(self, pipeline: _Optional[_Union[Pipeline, _Mapping[str, _Any]]] = ...) -> None: ...

class FeatureDescription(_message.Message):
    __slots__ = ("name", "shortDescription", "type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHORTDESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    shortDescription: str
    type: _features_pb2.FeatureType
    def __init__(self, name: _Optional[str] = ..., shortDescription: _Optional[str] = ..., type: _Optional[_Union[_features_pb2.FeatureType, _Mapping[str, _Any]]] = ...) -> None: ...

class Metadata(_message.Message):
    __slots__ = ("shortDescription", "versionString", "author", "license", "userDefined")
    class UserDefinedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SHORTDESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    VERSIONSTRING_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    USERDEFINED_FIELD_NUMBER: _ClassVar[int]
    shortDescription: str
    versionString: str
    author: str
    license: str
    userDefined: _containers.ScalarMap[str, str]
    def __init__(self, shortDescription: _Optional[str] = ..., versionString: _Optional[str] = ..., author: _Optional[str] = ..., license: _Optional[str] = ..., userDefined: _Optional[_Mapping[str, str]] = ...) -> None: ...

class FunctionDescription(_message.Message):
    __slots__ = ("name", "input", "output", "state", "predictedFeatureName", "predictedProbabilitiesName")
    NAME_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PREDICTEDFEATURENAME_FIELD_NUMBER: _ClassVar[int]
    PREDICTEDPROBABILITIESNAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    input: _containers.RepeatedCompositeFieldContainer[FeatureDescription]
    output: _containers.RepeatedCompositeFieldContainer[FeatureDescription]
    state: _containers.RepeatedCompositeFieldContainer[FeatureDescription]
    predictedFeatureName: str
    predictedProbabilitiesName: str
    def __init__(self, name: _Optional[str] = ..., input: _Optional[_Iterable[_Union[FeatureDescription, _Mapping[str, _Any]]]] = ..., output: _Optional[_Iterable[_Union[FeatureDescription, _Mapping[str, _Any]]]] = ..., state: _Optional[_Iterable[_Union[FeatureDescription, _Mapping[str, _Any]]]] = ..., predictedFeatureName: _Optional[str] = ..., predictedProbabilitiesName: _Optional[str] = ...) -> None: ...

class ModelDescription(_message.Message):
    __slots__ = ("functions", "defaultFunctionName", "metadata", "input", "output", "state", "predictedFeatureName", "predictedProbabilitiesName", "trainingInput")
    FUNCTIONS_FIELD_NUMBER: _ClassVar[int]
    DEFAULTFUNCTIONNAME_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PREDICTEDFEATURENAME_FIELD_NUMBER: _ClassVar[int]
    PREDICTEDPROBABILITIESNAME_FIELD_NUMBER: _ClassVar[int]
    TRAININGINPUT_FIELD_NUMBER: _ClassVar[int]
    functions: _containers.RepeatedCompositeFieldContainer[FunctionDescription]
    defaultFunctionName: str
    metadata: Metadata
    input: _containers.RepeatedCompositeFieldContainer[FeatureDescription]
    output: _containers.RepeatedCompositeFieldContainer[FeatureDescription]
    state: _containers.RepeatedCompositeFieldContainer[FeatureDescription]
    predictedFeatureName: str
    predictedProbabilitiesName: str
    trainingInput: _containers.RepeatedCompositeFieldContainer[FeatureDescription]
    def __init__(self, functions: _Optional[_Iterable[_Union[FunctionDescription, _Mapping[str, _Any]]]] = ..., defaultFunctionName: _Optional[str] = ..., metadata: _Optional[_Union[Metadata, _Mapping[str, _Any]]] = ..., input: _Optional[_Iterable[_Union[FeatureDescription, _Mapping[str, _Any]]]] = ..., output: _Optional[_Iterable[_Union[FeatureDescription, _Mapping[str, _Any]]]] = ..., state: _Optional[_Iterable[_Union[FeatureDescription, _Mapping[str, _Any]]]] = ..., predictedFeatureName: _Optional[str] = ..., predictedProbabilitiesName: _Optional[str] = ..., trainingInput: _Optional[_Iterable[_Union[FeatureDescription, _Mapping[str, _Any]]]] = ...) -> None: ...

class SerializedModel(_message.Message):
    __slots__ = ("identifier", "model")
    IDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    identifier: str
    model: bytes
    def __init__(self, identifier: _Optional[str] = ..., model: _Optional[bytes] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("specificationVersion", "description", "isUpdatable", "pipelineClassifier", "pipelineRegressor", "pipeline", "glmRegressor", "supportVectorRegressor", "treeEnsembleRegressor", "neuralNetworkRegressor", "bayesianProbitRegressor", "glmClassifier", "supportVectorClassifier", "treeEnsembleClassifier", "neuralNetworkClassifier", "kNearestNeighborsClassifier", "neuralNetwork", "itemSimilarityRecommender", "mlProgram", "customModel", "linkedModel", "classConfidenceThresholding", "oneHotEncoder", "imputer", "featureVectorizer", "dictVectorizer", "scaler", "categoricalMapping", "normalizer", "arrayFeatureExtractor", "nonMaximumSuppression", "identity", "textClassifier", "wordTagger", "visionFeaturePrint", "soundAnalysisPreprocessing", "gazetteer", "wordEmbedding", "audioFeaturePrint", "serializedModel", "trainingRecipe")
    SPECIFICATIONVERSION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ISUPDATABLE_FIELD_NUMBER: _ClassVar[int]
    PIPELINECLASSIFIER_FIELD_NUMBER: _ClassVar[int]
    PIPELINEREGRESSOR_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    GLMREGRESSOR_FIELD_NUMBER: _ClassVar[int]
    SUPPORTVECTORREGRESSOR_FIELD_NUMBER: _ClassVar[int]
    TREEENSEMBLEREGRESSOR_FIELD_NUMBER: _ClassVar[int]
    NEURALNETWORKREGRESSOR_FIELD_NUMBER: _ClassVar[int]
    BAYESIANPROBITREGRESSOR_FIELD_NUMBER: _ClassVar[int]
    GLMCLASSIFIER_FIELD_NUMBER: _ClassVar[int]
    SUPPORTVECTORCLASSIFIER_FIELD_NUMBER: _ClassVar[int]
    TREEENSEMBLECLASSIFIER_FIELD_NUMBER: _ClassVar[int]
    NEURALNETWORKCLASSIFIER_FIELD_NUMBER: _ClassVar[int]
    KNEARESTNEIGHBORSCLASSIFIER_FIELD_NUMBER: _ClassVar[int]
    NEURALNETWORK_FIELD_NUMBER: _ClassVar[int]
    ITEMSIMILARITYRECOMMENDER_FIELD_NUMBER: _ClassVar[int]
    MLPROGRAM_FIELD_NUMBER: _ClassVar[int]
    CUSTOMMODEL_FIELD_NUMBER: _ClassVar[int]
    LINKEDMODEL_FIELD_NUMBER: _ClassVar[int]
    CLASSCONFIDENCETHRESHOLDING_FIELD_NUMBER: _ClassVar[int]
    ONEHOTENCODER_FIELD_NUMBER: _ClassVar[int]
    IMPUTER_FIELD_NUMBER: _ClassVar[int]
    FEATUREVECTORIZER_FIELD_NUMBER: _ClassVar[int]
    DICTVECTORIZER_FIELD_NUMBER: _ClassVar[int]
    SCALER_FIELD_NUMBER: _ClassVar[int]
    CATEGORICALMAPPING_FIELD_NUMBER: _ClassVar[int]
    NORMALIZER_FIELD_NUMBER: _ClassVar[int]
    ARRAYFEATUREEXTRACTOR_FIELD_NUMBER: _ClassVar[int]
    NONMAXIMUMSUPPRESSION_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    TEXTCLASSIFIER_FIELD_NUMBER: _ClassVar[int]
    WORDTAGGER_FIELD_NUMBER: _ClassVar[int]
    VISIONFEATUREPRINT_FIELD_NUMBER: _ClassVar[int]
    SOUNDANALYSISPREPROCESSING_FIELD_NUMBER: _ClassVar[int]
    GAZETTEER_FIELD_NUMBER: _ClassVar[int]
    WORDEMBEDDING_FIELD_NUMBER: _ClassVar[int]
    AUDIOFEATUREPRINT_FIELD_NUMBER: _ClassVar[int]
    SERIALIZEDMODEL_FIELD_NUMBER: _ClassVar[int]
    TRAININGRECIPE_FIELD_NUMBER: _ClassVar[int]
    specificationVersion: int
    description: ModelDescription
    isUpdatable: bool
    pipelineClassifier: PipelineClassifier
    pipelineRegressor: PipelineRegressor
    pipeline: Pipeline
    glmRegressor: _predictors_pb2.GLMRegressor
    supportVectorRegressor: _predictors_pb2.SupportVectorRegressor
    treeEnsembleRegressor: _predictors_pb2.TreeEnsembleRegressor
    neuralNetworkRegressor: _network_pb2.NeuralNetworkRegressor
    bayesianProbitRegressor: _predictors_pb2.BayesianProbitRegressor
    glmClassifier: _predictors_pb2.GLMClassifier
    supportVectorClassifier: _predictors_pb2.SupportVectorClassifier
    treeEnsembleClassifier: _predictors_pb2.TreeEnsembleClassifier
    neuralNetworkClassifier: _network_pb2.NeuralNetworkClassifier
    kNearestNeighborsClassifier: _predictors_pb2.KNearestNeighborsClassifier
    neuralNetwork: _network_pb2.NeuralNetwork
    itemSimilarityRecommender: _predictors_pb2.ItemSimilarityRecommender
    mlProgram: _program_pb2.Program
    customModel: CustomModel
    linkedModel: LinkedModel
    classConfidenceThresholding: ClassConfidenceThresholding
    oneHotEncoder: _transforms_pb2.OneHotEncoder
    imputer: _transforms_pb2.Imputer
    featureVectorizer: _transforms_pb2.FeatureVectorizer
    dictVectorizer: _transforms_pb2.DictVectorizer
    scaler: _transforms_pb2.Scaler
    categoricalMapping: _transforms_pb2.CategoricalMapping
    normalizer: _transforms_pb2.Normalizer
    arrayFeatureExtractor: _transforms_pb2.ArrayFeatureExtractor
    nonMaximumSuppression: NonMaximumSuppression
    identity: _transforms_pb2.Identity
    textClassifier: _system_pb2.TextClassifier
    wordTagger: _system_pb2.WordTagger
    visionFeaturePrint: _system_pb2.VisionFeaturePrint
    soundAnalysisPreprocessing: _system_pb2.SoundAnalysisPreprocessing
    gazetteer: _system_pb2.Gazetteer
    wordEmbedding: _system_pb2.WordEmbedding
    audioFeaturePrint: _system_pb2.AudioFeaturePrint
    serializedModel: SerializedModel
    trainingRecipe: _extension_pb2.TrainingRecipe
    def __init__(self, specificationVersion: _Optional[int] = ..., description: _Optional[_Union[ModelDescription, _Mapping[str, _Any]]] = ..., isUpdatable: bool = ..., pipelineClassifier: _Optional[_Union[PipelineClassifier, _Mapping[str, _Any]]] = ..., pipelineRegressor: _Optional[_Union[PipelineRegressor, _Mapping[str, _Any]]] = ..., pipeline: _Optional[_Union[Pipeline, _Mapping[str, _Any]]] = ..., glmRegressor: _Optional[_Union[_predictors_pb2.GLMRegressor, _Mapping[str, _Any]]] = ..., supportVectorRegressor: _Optional[_Union[_predictors_pb2.SupportVectorRegressor, _Mapping[str, _Any]]] = ..., treeEnsembleRegressor: _Optional[_Union[_predictors_pb2.TreeEnsembleRegressor, _Mapping[str, _Any]]] = ..., neuralNetworkRegressor: _Optional[_Union[_network_pb2.NeuralNetworkRegressor, _Mapping[str, _Any]]] = ..., bayesianProbitRegressor: _Optional[_Union[_predictors_pb2.BayesianProbitRegressor, _Mapping[str, _Any]]] = ..., glmClassifier: _Optional[_Union[_predictors_pb2.GLMClassifier, _Mapping[str, _Any]]] = ..., supportVectorClassifier: _Optional[_Union[_predictors_pb2.SupportVectorClassifier, _Mapping[str, _Any]]] = ..., treeEnsembleClassifier: _Optional[_Union[_predictors_pb2.TreeEnsembleClassifier, _Mapping[str, _Any]]] = ..., neuralNetworkClassifier: _Optional[_Union[_network_pb2.NeuralNetworkClassifier, _Mapping[str, _Any]]] = ..., kNearestNeighborsClassifier: _Optional[_Union[_predictors_pb2.KNearestNeighborsClassifier, _Mapping[str, _Any]]] = ..., neuralNetwork: _Optional[_Union[_network_pb2.NeuralNetwork, _Mapping[str, _Any]]] = ..., itemSimilarityRecommender: _Optional[_Union[_predictors_pb2.ItemSimilarityRecommender, _Mapping[str, _Any]]] = ..., mlProgram: _Optional[_Union[_program_pb2.Program, _Mapping[str, _Any]]] = ..., customModel: _Optional[_Union[CustomModel, _Mapping[str, _Any]]] = ..., linkedModel: _Optional[_Union[LinkedModel, _Mapping[str, _Any]]] = ..., classConfidenceThresholding: _Optional[_Union[ClassConfidenceThresholding, _Mapping[str, _Any]]] = ..., oneHotEncoder: _Optional[_Union[_transforms_pb2.OneHotEncoder, _Mapping[str, _Any]]] = ..., imputer: _Optional[_Union[_transforms_pb2.Imputer, _Mapping[str, _Any]]] = ..., featureVectorizer: _Optional[_Union[_transforms_pb2.FeatureVectorizer, _Mapping[str, _Any]]] = ..., dictVectorizer: _Optional[_Union[_transforms_pb2.DictVectorizer, _Mapping[str, _Any]]] = ..., scaler: _Optional[_Union[_transforms_pb2.Scaler, _Mapping[str, _Any]]] = ..., categoricalMapping: _Optional[_Union[_transforms_pb2.CategoricalMapping, _Mapping[str, _Any]]] = ..., normalizer: _Optional[_Union[_transforms_pb2.Normalizer, _Mapping[str, _Any]]] = ..., arrayFeatureExtractor: _Optional[_Union[_transforms_pb2.ArrayFeatureExtractor, _Mapping[str, _Any]]] = ..., nonMaximumSuppression: _Optional[_Union[NonMaximumSuppression, _Mapping[str, _Any]]] = ..., identity: _Optional[_Union[_transforms_pb2.Identity, _Mapping[str, _Any]]] = ..., textClassifier: _Optional[_Union[_system_pb2.TextClassifier, _Mapping[str, _Any]]] = ..., wordTagger: _Optional[_Union[_system_pb2.WordTagger, _Mapping[str, _Any]]] = ..., visionFeaturePrint: _Optional[_Union[_system_pb2.VisionFeaturePrint, _Mapping[str, _Any]]] = ..., soundAnalysisPreprocessing: _Optional[_Union[_system_pb2.SoundAnalysisPreprocessing, _Mapping[str, _Any]]] = ..., gazetteer: _Optional[_Union[_system_pb2.Gazetteer, _Mapping[str, _Any]]] = ..., wordEmbedding: _Optional[_Union[_system_pb2.WordEmbedding, _Mapping[str, _Any]]] = ..., audioFeaturePrint: _Optional[_Union[_system_pb2.AudioFeaturePrint, _Mapping[str, _Any]]] = ..., serializedModel: _Optional[_Union[SerializedModel, _Mapping[str, _Any]]] = ..., trainingRecipe: _Optional[_Union[_extension_pb2.TrainingRecipe, _Mapping[str, _Any]]] = ...) -> None: ...
