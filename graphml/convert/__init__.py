"""Converts models of other frameworks to Core ML models, and compares each result with its source.

    model = graphml.convert(module, [torch.rand(1, 3, 224, 224)])

`door` has `convert` and `explain`; `sources` recognises the kind of source, and one module for each kind
translates it (`torch`, `tensorflow`, `keras`, `jax`, `onnx_source`, `sklearn`, `xgboost`, `lightgbm`); `check` compares
the result with the source, `estimators` that of an estimator. `export` converts back, to ONNX. Read `door` first, then
`source`, the interface of all kinds of sources.

In `graphml`, the name `convert` is the function; `from graphml.convert import Flexible` finds this package.
"""

from graphml.convert.door import convert as convert
from graphml.convert.door import explain as explain
from graphml.convert.request import Flexible as Flexible
from graphml.convert.request import ImageInput as ImageInput
from graphml.convert.request import Input as Input
