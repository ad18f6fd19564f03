"""Fitted estimators of scikit-learn become Core ML models.

An estimator enters `from_sklearn`, a model leaves. Read `convert` first, which knows which function converts which
class; `flow` is what is written on the way: the columns of the data, and the models that change them. Then a module for
each family of estimators.
"""

from graphml.convert.sklearn.convert import from_sklearn as from_sklearn
from graphml.convert.sklearn.convert import supported as supported
