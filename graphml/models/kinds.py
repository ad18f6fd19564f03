"""Which class runs which kind of model."""

from __future__ import annotations

_NETWORK = "graphml.models.network:NeuralNetwork"
_PROGRAM = "graphml.models.program:MLProgram"
_PIPELINE = "graphml.models.pipelines.pipeline:Pipeline"
_SYSTEM = "graphml.models.system:SystemModel"

KINDS: dict[str, str] = {
    "neuralNetwork": _NETWORK,
    "neuralNetworkClassifier": _NETWORK,
    "neuralNetworkRegressor": _NETWORK,
    "mlProgram": _PROGRAM,
    "pipeline": _PIPELINE,
    "pipelineClassifier": _PIPELINE,
    "pipelineRegressor": _PIPELINE,
    "linkedModel": "graphml.models.pipelines.linked:LinkedModel",
    "customModel": "graphml.models.custom:CustomModel",
    "arrayFeatureExtractor": "graphml.models.features.transforms:ArrayFeatureExtractor",
    "classConfidenceThresholding": "graphml.models.features.transforms:ClassConfidenceThresholding",
    "imputer": "graphml.models.features.transforms:Imputer",
    "normalizer": "graphml.models.features.transforms:Normalizer",
    "scaler": "graphml.models.features.transforms:Scaler",
    "categoricalMapping": "graphml.models.features.categories:CategoricalMapping",
    "dictVectorizer": "graphml.models.features.categories:DictVectorizer",
    "featureVectorizer": "graphml.models.features.categories:FeatureVectorizer",
    "oneHotEncoder": "graphml.models.features.categories:OneHotEncoder",
    "nonMaximumSuppression": "graphml.models.features.nms:NonMaximumSuppression",
    "soundAnalysisPreprocessing": "graphml.models.features.sound:SoundAnalysisPreprocessing",
    **dict.fromkeys(("glmRegressor", "glmClassifier"), "graphml.models.tabular.linear:LinearModel"),
    **dict.fromkeys(("treeEnsembleRegressor", "treeEnsembleClassifier"), "graphml.models.tabular.trees:TreeEnsemble"),
    **dict.fromkeys(
        ("supportVectorRegressor", "supportVectorClassifier"), "graphml.models.tabular.support_vectors:SupportVectors"
    ),
    "bayesianProbitRegressor": "graphml.models.tabular.bayesian_probit:BayesianProbit",
    "kNearestNeighborsClassifier": "graphml.models.tabular.neighbors:NearestNeighbors",
    "itemSimilarityRecommender": "graphml.models.tabular.item_similarity:ItemSimilarity",
    "identity": "graphml.models.identity:Identity",
    **dict.fromkeys(("visionFeaturePrint", "audioFeaturePrint"), _SYSTEM),
    **dict.fromkeys(("textClassifier", "wordTagger", "gazetteer", "wordEmbedding", "serializedModel"), _SYSTEM),
}
"""Kind (a field of the oneof `Type`) -> "module:class" that runs it."""
