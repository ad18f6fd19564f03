"""Compare graphml, onnxruntime and torch on networks with random weights, each in a separate process.

    python benchmarks/networks.py                                # everything, on one core and on all, about 20 minutes
    python benchmarks/networks.py mobilenet-b1 lstm-b32          # some rows
    python benchmarks/networks.py mobilenet-b8 --cores 2 --who graphml onnxruntime --json new.json
    python benchmarks/networks.py hourglass --rounds 0 --starts 5  # first answers only
    python benchmarks/networks.py --compare old.json new.json    # two commits

"graphml program" is the same network as an ML Program, "graphml cached" starts with a filled cache directory. Rows of 8
samples are predicted together, one by one (singly), and by eight threads. The rows carn and hourglass need
third-party models in the directory GRAPHML_MODELS.
"""

from __future__ import annotations

from collections.abc import Mapping

import contest
import real_models
from architectures import encoder, large_dense, lstm, mobilenet_v2, resnet50, small_cnn, tiny_dense
from contenders import predicting
from training import learning


def contest_rows() -> Mapping[str, contest.Row]:
    return {
        "mobilenet-b1": predicting(mobilenet_v2, cached=True),
        "mobilenet-b8": predicting(mobilenet_v2, 8, ways=True),
        "resnet50-b1": predicting(resnet50),
        "resnet50-b8": predicting(resnet50, 8, ways=True),
        "lstm-b1": predicting(lstm),
        "lstm-b32": predicting(lstm, 32),
        "minilm-s128": predicting(lambda: encoder(6, 384, 12, 128)),
        "minilm-s384": predicting(lambda: encoder(6, 384, 12, 384)),
        "minilm-s128-b8": predicting(lambda: encoder(6, 384, 12, 128), 8, ways=True),
        "bert4-s128": predicting(lambda: encoder(4, 768, 12, 128)),
        "bert4-s384": predicting(lambda: encoder(4, 768, 12, 384)),
        "dense-400mb": predicting(large_dense, cached=True),
        "tiny": predicting(tiny_dense),
        "cnn-train": learning(small_cnn, classes=10, batch=32, steps=8),
        **real_models.rows(),
    }


if __name__ == "__main__":
    contest.main("networks", __doc__ or "")
