"""Models of other frameworks become Core ML models: a source goes in, a model that was compared with it comes out.

    model = graphml.convert(module, [torch.rand(1, 3, 224, 224)])

`door` has `convert` and `explain`; `sources` recognises what was given, and one module for each kind of source
translates it (`torch`, `tensorflow`, `keras`, `jax`, `onnx_source`, `sklearn`, `xgboost`, `lightgbm`); `check` compares
the result with the source, `estimators` that of an estimator. The way back, to ONNX, is in `export`. Read `door` first,
then `source`, which says what each kind of source offers.

In `graphml`, the name `convert` is the function; `from graphml.convert import Flexible` finds this package.
"""

from graphml.convert.door import convert as convert
from graphml.convert.door import explain as explain
from graphml.convert.request import Flexible as Flexible
from graphml.convert.request import ImageInput as ImageInput
from graphml.convert.request import Input as Input
