"""The model of examples/bert_qa beside onnxruntime and torch, all with the same weights.

    python benchmarks/question_answering.py                          # the shipped model, on one core
    python benchmarks/question_answering.py --model mine.mlmodel --rounds 5 --threads 2
    python benchmarks/question_answering.py --storages               # and how fast each storage of the weights is

Rows are one text of 128 or 384 words (latency) and eight of 128 (throughput). torch is the network of the library
`transformers`; who is not installed is left out. All must agree within 1e-4 of the range of the logits first.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import timing
from networks import check_agreement

SHIPPED = Path(__file__).resolve().parents[1] / "examples" / "data" / "bert_qa.mlmodel"
TEXTS = {"1 x 128": (1, 128), "1 x 384": (1, 384), "8 x 128": (8, 128)}

Inputs = Mapping[str, np.ndarray]
Run = Callable[[Inputs], np.ndarray]


def inputs(texts: int, words: int, vocabulary: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(words)
    types = np.broadcast_to(np.arange(words) > words // 8, (texts, words))
    return {
        "word_ids": rng.integers(0, vocabulary, (texts, words)).astype(np.int32),
        "word_types": types.astype(np.int32),
        "mask": np.ones((texts, words), np.int32),
    }


def with_graphml(model: Any) -> Run:
    def run(given: Inputs) -> np.ndarray:
        out = model.predict(given)
        return np.stack([out["start_logits"], out["end_logits"]])

    return run


def with_onnxruntime(config: Any, params: Any, threads: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    model = onnx_encoder(config, params).SerializeToString()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return lambda given: np.stack(session.run(None, {name: value.astype(np.int64) for name, value in given.items()}))


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


def with_torch(config: Any, params: Any, threads: int) -> Run:
    """The network of `transformers`, loaded from a checkpoint folder with the weights."""
    import torch
    import transformers

    from graphml.interop import bert

    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        bert.write_checkpoint(folder, config, params)
        network = transformers.BertForQuestionAnswering.from_pretrained(folder).eval()

    def run(given: Inputs) -> np.ndarray:
        with torch.inference_mode():
            ids, types, mask = (torch.from_numpy(given[n]) for n in ("word_ids", "word_types", "mask"))
            out = network(input_ids=ids, token_type_ids=types, attention_mask=mask)
            return np.stack([out.start_logits.numpy(), out.end_logits.numpy()])

    return run


def storages(config: Any, params: Any) -> dict[str, Run]:
    """graphml with the same weights in each storage; the agreement of the others does not hold between these."""
    import graphml
    from graphml.interop import bert

    runs = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, weights, bits in (("float32", "float32", 8), ("float16", "float16", 8), ("8 bits", "quantized", 8),
                                    ("4 bits", "quantized", 4)):  # fmt: skip
            path = Path(folder) / "net.mlmodel"
            bert.network(config, bert.stored_as(params, weights, bits=bits)).save(path)
            runs[name] = with_graphml(graphml.load(path))
    return runs


def measured(runs: Mapping[str, Run], vocabulary: int, rounds: int) -> dict[str, dict[str, timing.Reading]]:
    results = {}
    for name, (texts, words) in TEXTS.items():
        given = inputs(texts, words, vocabulary)
        results[name] = timing.measure({who: lambda run=run: run(given) for who, run in runs.items()}, rounds=rounds)  # noqa: B023
    return results


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", type=Path, default=SHIPPED, help="an .mlmodel of examples/bert_qa (the shipped one)")
    parser.add_argument("--threads", type=int, default=1, help="cores to use and threads for each library (1)")
    parser.add_argument("--rounds", type=int, default=15, help="blocks of each contender (15)")
    parser.add_argument("--storages", action="store_true", help="time each storage of the weights too")
    options = parser.parse_args(arguments)
    timing.pin(options.threads)
    import graphml
    from graphml.interop import bert

    config, params = bert.read_network(options.model)
    vocabulary = params["embeddings/words"]["weights"].shape[1]
    runs = {"graphml": with_graphml(graphml.load(options.model))}
    if importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("onnx"):
        runs["onnxruntime"] = with_onnxruntime(config, params, options.threads)
    if importlib.util.find_spec("torch") and importlib.util.find_spec("transformers"):
        runs["torch"] = with_torch(config, params, options.threads)
    given = inputs(2, 128, vocabulary)
    worst = check_agreement({who: lambda run=run: run(given) for who, run in runs.items()})
    print(f"all agree within {worst:.0e} of the range of the logits", file=sys.stderr)
    clock = "cpu" if options.threads == 1 else "wall_p10"
    print(", ".join(f"{key} {value}" for key, value in timing.machine(options.threads).items()))
    print(
        "\nCPU time, medians; texts x words:\n"
        if clock == "cpu"
        else "\nwall time, tenth percentiles; texts x words:\n"
    )
    print(timing.table(measured(runs, vocabulary, options.rounds), "graphml", clock))
    if options.storages:
        results = measured(storages(config, params), vocabulary, options.rounds)
        print(f"\ngraphml by storage of the weights:\n\n{timing.table(results, 'float32', clock)}")


if __name__ == "__main__":
    main()
