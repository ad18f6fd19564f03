"""The model of examples/bert_qa against onnxruntime and torch, with the same weights, each in a separate process.

    python benchmarks/question_answering.py                        # on one core and on all
    python benchmarks/question_answering.py storages --cores 1     # the speed of each storage format of the weights

Rows are one text of 128 or 384 tokens (latency) and eight of 128 (throughput). torch is the network of the library
`transformers`; libraries that are not installed are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import contest
import numpy as np
from contenders import NETWORK
from contest import Call, Contender, Row
from rendering import needed, onnx_session

SHIPPED = Path(__file__).resolve().parents[1] / "examples" / "data" / "bert_qa.mlmodel"
STORAGES = {"float32": ("float32", 8), "float16": ("float16", 8), "8bit": ("quantized", 8), "4bit": ("quantized", 4)}


def contest_rows() -> Mapping[str, Row]:
    found = {
        f"{texts}x{words}": Row(
            {
                "graphml": with_graphml(SHIPPED, texts, words),
                "onnxruntime": with_onnxruntime(texts, words),
                "torch": with_torch(texts, words),
            }
        )
        for texts, words in ((1, 128), (1, 384), (8, 128))
    }
    stored = {f"graphml {name}": with_storage(name) for name in STORAGES}
    return {**found, "storages": Row(stored, agreement=1.0)}  # outputs differ by the quantization error


def inputs(texts: int, words: int) -> dict[str, np.ndarray]:
    _, params = _shipped()
    rng = np.random.default_rng(words)
    types = np.broadcast_to(np.arange(words) > words // 8, (texts, words))
    return {
        "word_ids": rng.integers(0, params["embeddings/words"]["weights"].shape[1], (texts, words)).astype(np.int32),
        "word_types": types.astype(np.int32),
        "mask": np.ones((texts, words), np.int32),
    }


def _shipped() -> tuple[Any, Any]:
    """Configuration and parameters."""
    from graphml.interop import bert

    return bert.read_network(SHIPPED)


def _write_inputs(folder: Path, texts: int, words: int) -> None:
    for name, value in inputs(texts, words).items():
        np.save(folder / f"{name}.npy", value)


def _read_inputs(folder: Path) -> dict[str, np.ndarray]:
    return {name: np.load(folder / f"{name}.npy") for name in ("word_ids", "word_types", "mask")}


def with_graphml(model: Path, texts: int, words: int) -> Contender:
    """model: the path of a file, or its name in the folder of the row."""

    def start(folder: Path, cores: int) -> Call:
        import graphml

        loaded, given = graphml.load(folder / model), _read_inputs(folder)

        def call() -> np.ndarray:
            out = loaded.predict(given)
            return np.stack([out["start_logits"], out["end_logits"]])

        return call

    return Contender(lambda folder: _write_inputs(folder, texts, words), start, NETWORK)


def with_storage(name: str) -> Contender:
    model = Path(f"{name}.mlmodel")

    def prepare(folder: Path) -> None:
        from graphml.interop import bert

        config, params = _shipped()
        weights, bits = STORAGES[name]
        bert.network(config, bert.stored_as(params, weights, bits=bits)).save(folder / model)
        _write_inputs(folder, 1, 128)

    return Contender(prepare, with_graphml(model, 1, 128).start, NETWORK)


def with_onnxruntime(texts: int, words: int) -> Contender:
    def prepare(folder: Path) -> None:
        (folder / "encoder.onnx").write_bytes(onnx_encoder(*_shipped()).SerializeToString())
        _write_inputs(folder, texts, words)

    def start(folder: Path, cores: int) -> Call:
        session = onnx_session(str(folder / "encoder.onnx"), cores)
        given = {name: value.astype(np.int64) for name, value in _read_inputs(folder).items()}
        return lambda: np.stack(session.run(None, given))

    return Contender(prepare, start, ("onnxruntime",))


def onnx_encoder(config: Any, params: Any) -> Any:
    """The encoder as exporters write it: one node for each operation, sizes of texts left open."""
    from onnx import helper, numpy_helper

    nodes: list[Any] = []
    constants: list[Any] = []

    def add(kind: str, output: str, *read: str | np.ndarray, **attributes: Any) -> str:
        names = [value if isinstance(value, str) else f"{output}/{place}" for place, value in enumerate(read)]
        for name, value in zip(names, read, strict=True):
            if not isinstance(value, str):
                constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        nodes.append(helper.make_node(kind, names, [output], **attributes))
        return output

    def dense(layer: str, x: str) -> str:
        return add(
            "Add", layer, params[layer]["bias"], add("MatMul", f"{layer}/product", x, params[layer]["weights"].T)
        )

    def norm(layer: str, x: str) -> str:
        weights = params[layer]
        return add("LayerNormalization", layer, x, weights["gamma"], weights["beta"], epsilon=config.epsilon)

    def rows(layer: str, x: str) -> str:
        return add("Gather", layer, params[layer]["weights"].T, x)

    def scalar(value: float) -> np.ndarray:
        return np.array(value, np.float32)

    ends = add("Slice", "words", add("Shape", "size", "word_ids"), np.array([1]), np.array([2]), np.array([0]))
    table = params["embeddings/places"]["weights"].T
    place = add("Slice", "places", table, np.array([0]), ends, np.array([0]))
    x = add("Add", "placed", rows("embeddings/words", "word_ids"), place)
    x = norm("embeddings/norm", add("Add", "embedded", x, rows("embeddings/types", "word_types")))
    keys = add("Unsqueeze", "keys", "mask", np.array([1, 2]))
    absent = add("Sub", "absent", scalar(1), add("Cast", "present", keys, to=1))
    absent = add("Mul", "absent/scores", absent, scalar(-1e4))
    apart, together = np.array([0, 0, config.heads, -1]), np.array([0, 0, config.width])
    for i in range(config.layers):
        heads = {}
        for name, order in (("query", (0, 2, 1, 3)), ("key", (0, 2, 3, 1)), ("value", (0, 2, 1, 3))):
            parts = add("Reshape", f"{i}/{name}/parts", dense(f"{i}/{name}", x), apart)
            heads[name] = add("Transpose", f"{i}/{name}/heads", parts, perm=order)
        scores = add("MatMul", f"{i}/products", heads["query"], heads["key"])
        scores = add("Div", f"{i}/scores", scores, scalar((config.width // config.heads) ** 0.5))
        shares = add("Softmax", f"{i}/shares", add("Add", f"{i}/masked", scores, absent), axis=-1)
        read = add("Transpose", f"{i}/read", add("MatMul", f"{i}/mix", shares, heads["value"]), perm=(0, 2, 1, 3))
        mixed = dense(f"{i}/mixed", add("Reshape", f"{i}/together", read, together))
        x = norm(f"{i}/attention_norm", add("Add", f"{i}/attended", mixed, x))
        inner = dense(f"{i}/inner", x)
        erf = add("Erf", f"{i}/erf", add("Div", f"{i}/over", inner, scalar(2**0.5)))
        active = add("Mul", f"{i}/twice", inner, add("Add", f"{i}/erf/more", erf, scalar(1)))
        active = add("Mul", f"{i}/active", active, scalar(0.5))
        x = norm(f"{i}/norm", add("Add", f"{i}/sum", dense(f"{i}/outer", active), x))
    answer = dense("answer", x)
    nodes.append(helper.make_node("Split", [answer], ["start", "end"], axis=-1, num_outputs=2))
    outputs = [add("Squeeze", f"{side}_logits", side, np.array([-1])) for side in ("start", "end")]
    sizes = ["texts", "words"]
    taken = [helper.make_tensor_value_info(name, 7, sizes) for name in ("word_ids", "word_types", "mask")]
    given = [helper.make_tensor_value_info(name, 1, sizes) for name in outputs]
    graph = helper.make_graph(nodes, "encoder", taken, given, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def with_torch(texts: int, words: int) -> Contender:
    """The network of `transformers`, loaded from a checkpoint folder with the weights."""

    def prepare(folder: Path) -> None:
        from graphml.interop import bert

        bert.write_checkpoint(folder / "checkpoint", *_shipped())
        _write_inputs(folder, texts, words)

    def start(folder: Path, cores: int) -> Call:
        torch, transformers = needed("torch"), needed("transformers")
        torch.set_num_threads(cores)
        network = transformers.BertForQuestionAnswering.from_pretrained(folder / "checkpoint").eval()
        ids, types, mask = (torch.from_numpy(value) for value in _read_inputs(folder).values())

        def call() -> np.ndarray:
            with torch.inference_mode():
                out = network(input_ids=ids, token_type_ids=types, attention_mask=mask)
                return np.stack([out.start_logits.numpy(), out.end_logits.numpy()])

        return call

    return Contender(prepare, start, ("transformers", "torch"))


if __name__ == "__main__":
    contest.main("question_answering", __doc__ or "")
