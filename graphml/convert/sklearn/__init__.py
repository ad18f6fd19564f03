"""Converts fitted estimators of scikit-learn to Core ML models.

`from_sklearn` turns an estimator into a model. Read `convert` first, which lists the function for each class; `flow`
collects the result: the columns of the data, and the models that transform them. Then a module for each family of
estimators.
"""

from graphml.convert.sklearn.convert import from_sklearn as from_sklearn
from graphml.convert.sklearn.convert import supported as supported
