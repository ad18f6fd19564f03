"""Small TensorFlow models: a frozen BERT, and graphs with the operators that converters of 2018 refused."""

# pyright: reportMissingImports=false, reportMissingModuleSource=false
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

WORDS, WIDTH, HEADS, LAYERS = 60, 24, 3, 2


class Bert(tf.Module):
    """BERT for questions: words, segments and a mask become the logits of where an answer starts and ends.

    Args:
        longest: How many words a text can have.
    """

    def __init__(self, longest: int) -> None:
        super().__init__()
        random = np.random.default_rng(0)
        self.weights: dict[str, tf.Variable] = {}

        def weight(name: str, *shape: int) -> None:
            scale = 1 / np.sqrt(shape[0]) if len(shape) > 1 else 0.1
            self.weights[name] = tf.Variable(random.normal(0, scale, shape), dtype=tf.float32, name=name)

        for name, count in (("words", WORDS), ("places", longest), ("segments", 2)):
            self.weights[name] = tf.Variable(random.normal(0, 1, (count, WIDTH)), dtype=tf.float32, name=name)
        for layer in range(LAYERS):
            for part, sizes in {**dict.fromkeys("qkvo", (WIDTH, WIDTH)), "in": (WIDTH, 64), "out": (64, WIDTH)}.items():
                weight(f"{layer}/{part}/kernel", *sizes)
                weight(f"{layer}/{part}/bias", sizes[1])
            weight(f"{layer}/shift", WIDTH)
        weight("answer/kernel", WIDTH, 2)

    def dense(self, x: tf.Tensor, name: str) -> tf.Tensor:
        return tf.matmul(x, self.weights[f"{name}/kernel"]) + self.weights[f"{name}/bias"]

    def norm(self, x: tf.Tensor, name: str) -> tf.Tensor:
        mean, variance = tf.nn.moments(x, -1, keepdims=True)
        return (x - mean) * tf.math.rsqrt(variance + 1e-6) + self.weights[f"{name}/shift"]

    def __call__(self, input_ids: tf.Tensor, input_mask: tf.Tensor, segment_ids: tf.Tensor) -> tuple[tf.Tensor, ...]:
        batch, length = tf.shape(input_ids)[0], tf.shape(input_ids)[1]
        x = tf.gather(self.weights["words"], input_ids)
        x += tf.one_hot(segment_ids, 2) @ self.weights["segments"]
        x += tf.slice(self.weights["places"], [0, 0], [length, -1])[None]
        penalty = (1.0 - tf.cast(input_mask, tf.float32)[:, None, None, :]) * -10000.0

        def split(y: tf.Tensor) -> tf.Tensor:
            return tf.transpose(tf.reshape(y, tf.stack([batch, length, HEADS, WIDTH // HEADS])), [0, 2, 1, 3])

        for layer in range(LAYERS):
            q, k, v = (split(self.dense(x, f"{layer}/{part}")) for part in "qkv")
            scores = tf.matmul(q, k, transpose_b=True) / np.sqrt(WIDTH / HEADS) + penalty
            seen = tf.transpose(tf.matmul(tf.nn.softmax(scores), v), [0, 2, 1, 3])
            x = self.norm(x + self.dense(tf.reshape(seen, tf.stack([batch, length, WIDTH])), f"{layer}/o"), str(layer))
            wide = self.dense(x, f"{layer}/in")
            wide *= 0.5 * (1.0 + tf.tanh(np.sqrt(2 / np.pi) * (wide + 0.044715 * tf.pow(wide, 3))))
            x = self.norm(x + self.dense(wide, f"{layer}/out"), str(layer))
        start, end = tf.unstack(tf.matmul(x, self.weights["answer/kernel"]), axis=-1)
        return tf.identity(start, name="start_logits"), tf.identity(end, name="end_logits")


def frozen(
    function: Callable[..., object], inputs: Mapping[str, Sequence[int | None]], dtype: str = "float32"
) -> object:
    """The frozen GraphDef of a function."""
    specs = [tf.TensorSpec(shape, dtype, name) for name, shape in inputs.items()]
    concrete = tf.function(function, autograph=False).get_concrete_function(*specs)
    return convert_variables_to_constants_v2(concrete).graph.as_graph_def()


def frozen_bert(folder: Path, longest: int = 32) -> Path:
    """A frozen BERT in a file, as its authors exported them."""
    bert = Bert(longest)
    names = ("input_ids", "input_mask", "segment_ids")
    graph = frozen(bert, dict.fromkeys(names, (None, None)), "int32")
    path = folder / "bert_qa.pb"
    path.write_bytes(graph.SerializeToString())
    return path


def _concat_batch(x: tf.Tensor) -> tf.Tensor:
    return tf.concat([x, x * 2.0], 0)


BUMPS: dict[str, tuple[Callable[[tf.Tensor], tf.Tensor], tuple[int, ...]]] = {
    "Tile": (lambda x: tf.tile(x, [1, 2, 3, 1]), (1, 2, 3, 4)),
    "slice from [0, 0, 0, 0]": (lambda x: tf.slice(x, [0, 0, 0, 0], [-1, 2, 2, -1]), (1, 3, 4, 2)),
    "strided slice": (lambda x: x[:, ::-2, 1:, 0], (1, 5, 4, 3)),
    "concat along an axis": (lambda x: tf.concat([x, tf.reverse(x, [1]), x + 1.0], -2), (1, 3, 4, 2)),
    "concat along the batch": (_concat_batch, (2, 3, 4, 2)),
    "RandomNormal": (lambda x: x + tf.random.normal(tf.shape(x), stddev=0.0) * 2.0, (1, 4)),
}
"""{what was refused: (a function, the shape of its input)}. The noise is 0, so that results can be compared."""
