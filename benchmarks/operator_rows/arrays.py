"""Rows of layers for arrays of any rank, for sequences and for random numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from rendering import GATES

from operator_rows.row import Row, Size, booleans, indices, integers, same, small


def matrices(s: Size, torch: Any) -> Iterator[Row]:
    F = torch.nn.functional
    batch, length, features = s.tokens
    for name, rows_, out in (("rows", batch * length, 4 * features), ("one row", 1, 1000)):
        w, b = small(out, features), small(out)
        tensors = torch.from_numpy(w), torch.from_numpy(b)
        function = lambda x, w=tensors: F.linear(x, *w)  # noqa: E731
        nodes, fields = [("Gemm", [w, b], {"transB": 1})], {"weights": w, "bias": b}
        yield Row(f"innerProduct {name}", "innerProduct", ((rows_, features),), nodes, function, fields)
    w = small(features, features)
    matrix = torch.from_numpy(w)
    fields = {"weights": np.ascontiguousarray(w.T)}
    yield Row("batchedMatmul stored", "batchedMatmul", (s.tokens,), [("MatMul", [w], {})], lambda x: x @ matrix, fields)
    narrow = (*s.heads[:3], 64)
    yield Row("batchedMatmul of two", "batchedMatmul", (s.heads, narrow), [("MatMul", [], {})], torch.matmul)
    yield Row(
        "batchedMatmul transposed",
        "batchedMatmul",
        (narrow, narrow),
        None,
        lambda a, b: a @ b.transpose(-1, -2),
        {"transpose_b": True},
    )
    table = small(s.vocabulary, features)
    tensor, index = torch.from_numpy(table), indices(s.vocabulary, batch, length, 1)
    nodes = [("Squeeze", [np.int64([-1])], {}), ("Gather", [table, ...], {})]
    look = lambda i: F.embedding(i[..., 0], tensor)  # noqa: E731
    fields = {"weights": np.ascontiguousarray(table.T)}
    yield Row("embeddingND", "embeddingND", (index,), nodes, look, fields, native=(integers,))
    nodes = [("Squeeze", [np.int64([2, 3, 4])], {}), ("Gather", [table, ...], {})]
    look = lambda i: F.embedding(i[..., 0, 0, 0], tensor)  # noqa: E731
    yield Row("embedding", "embedding", (index[..., None, None],), nodes, look, fields, native=(integers,))


def movement(s: Size, torch: Any) -> Iterator[Row]:
    batch, length, features = s.tokens
    rank, two = len(s.tokens), (s.tokens, s.tokens)

    def row(kind, nodes, function, *inputs, name="", native=(), outputs=1, **fields):
        inputs = inputs or (s.tokens,)
        return Row(f"{kind} {name}".strip(), kind, inputs, nodes, function, fields, native=native, outputs=outputs)

    heads = (batch, length, 12, features // 12)
    swap = [("Transpose", [], {"perm": [0, 2, 1, 3]})]
    yield row("transpose", swap, lambda x: x.transpose(1, 2).contiguous(), heads, name="heads", axes=(0, 2, 1, 3))
    swap = [("Transpose", [], {"perm": [0, 2, 1]})]
    yield row("transpose", swap, lambda x: x.transpose(1, 2).contiguous(), name="matrix", axes=(0, 2, 1))
    yield row("concatND", [("Concat", [], {"axis": -1})], lambda *x: torch.cat(x, -1), *two, axis=-1)
    three = {"axis": -1, "num_splits": 3}
    parts = [("Split", [], {"axis": -1, "num_outputs": 3})]
    yield row("splitND", parts, lambda x: [p.contiguous() for p in x.chunk(3, -1)], outputs=3, **three)
    nodes = [("Concat", [], {"axis": 0}), ("Reshape", [np.int64([2, *s.tokens])], {})]
    yield row("stack", nodes, lambda *x: torch.stack(x), *two, axis=0)
    yield row("tile", [("Tile", [np.int64([1, 1, 3])], {})], lambda x: x.repeat(1, 1, 3), reps=(1, 1, 3))
    flip = [np.int64(n) for n in ([-1], [-(2**31)], [1], [-1])]
    yield row("reverse", [("Slice", flip, {})], lambda x: x.flip(1), reverse_dim=(False, True, False))
    lengths = np.full(batch, length // 2, np.float32)
    turn = [("ReverseSequence", [], {"batch_axis": 0, "time_axis": 1})]
    order = torch.from_numpy(np.r_[np.arange(length // 2)[::-1], length // 2 : length])
    native = (same, integers)
    yield row(
        "reverseSeq", turn, lambda x, _: x[:, order], s.tokens, lengths, native=native, batch_axis=0, sequence_axis=1
    )
    ends = [np.int64(n) for n in ([0, 4], [length, features - 4], [1, 2], [2, 1])]
    yield row(
        "sliceStatic",
        [("Slice", ends, {})],
        lambda x: x[:, ::2, 4:-4].contiguous(),
        begin_ids=(0, 0, 4),
        end_ids=(batch, length, features - 4),
        begin_masks=(False,) * rank,
        end_masks=(False,) * rank,
        strides=(1, 2, 1),
        squeeze_masks=(False,) * rank,
    )
    sliding = lambda x: x.unfold(1, 8, 4).movedim(-1, 2).contiguous()  # noqa: E731
    yield row("slidingWindows", None, sliding, axis=1, window_size=8, step=4)
    border = [("Pad", [np.int64([0, 2, 0, 0, 2, 0])], {})]
    around = lambda x: torch.nn.functional.pad(x, (0, 0, 2, 2))  # noqa: E731
    yield row("constantPad", border, around, pad_amounts=(0, 0, 2, 2, 0, 0))
    shape = (batch, length, features)
    nodes = [("Expand", [np.int64(shape)], {})]
    spread = lambda x: x.expand(shape).contiguous()  # noqa: E731
    yield row("broadcastToStatic", nodes, spread, (batch, 1, features), target_shape=shape)
    yield row("fillLike", None, lambda x: torch.full_like(x, 2.0), value=2.0)

    index = indices(length, length // 2)
    pick = lambda x, i: torch.index_select(x, 1, i)  # noqa: E731
    yield row("gather", [("Gather", [], {"axis": 1})], pick, s.tokens, index, native=native, axis=1)
    wide = indices(length, batch, length // 2, features)
    along = [("GatherElements", [], {"axis": 1})]
    take = lambda x, i: torch.take_along_dim(x, i, 1)  # noqa: E731
    yield row("gatherAlongAxis", along, take, s.tokens, wide, native=native, axis=1)
    places = np.stack([indices(batch, 500), indices(length, 500)], -1)
    at = lambda x, i: x[i[:, 0], i[:, 1]]  # noqa: E731
    yield row("gatherND", [("GatherND", [], {})], at, s.tokens, places, native=native)
    native = (same, integers, same)
    once = np.random.default_rng(2).permutation(length)[: length // 2].astype(np.float32)
    update = (batch, length // 2, features)
    put = lambda x, i, u: x.index_copy(1, i, u)  # noqa: E731
    yield row("scatter", None, put, s.tokens, once, update, native=native, axis=1, mode="SCATTER_UPDATE")
    add = lambda x, i, u: x.index_add(1, i, u)  # noqa: E731
    yield row("scatter", None, add, s.tokens, once, update, name="ADD", native=native, axis=1, mode="SCATTER_ADD")
    whole = np.ascontiguousarray(np.broadcast_to(once[None, :, None], update))
    nodes = [("ScatterElements", [], {"axis": 1})]
    put = lambda x, i, u: x.scatter(1, i, u)  # noqa: E731
    yield row("scatterAlongAxis", nodes, put, s.tokens, whole, update, native=native, axis=1, mode="SCATTER_UPDATE")
    rows_ = np.stack([np.zeros_like(once), once], -1)
    put = lambda x, i, u: x.index_put((i[:, 0], i[:, 1]), u)  # noqa: E731
    values = (len(once), features)
    nodes = [("ScatterND", [], {})]
    yield row("scatterND", nodes, put, s.tokens, rows_, values, native=native, mode="SCATTER_UPDATE")


def choices(s: Size, torch: Any) -> Iterator[Row]:
    batch, length, features = s.tokens
    mask = indices(2, 1, 1, *s.heads[2:])
    native = (booleans, same, same)
    low = np.full(1, -1e4, np.float32)
    inputs = (mask, s.heads, low)
    yield Row("whereBroadcastable", "whereBroadcastable", inputs, [("Where", [], {})], torch.where, native=native)
    for kind, upper, function in (("lowerTriangular", 0, torch.tril), ("upperTriangular", 1, torch.triu)):
        yield Row(kind, kind, (s.heads,), [("Trilu", [], {"upper": upper})], function)
    fields = {"num_lower": 3, "num_upper": 3}
    yield Row("matrixBandPart", "matrixBandPart", (s.heads,), None, lambda x: x.triu(-3).tril(3), fields)
    rows_ = (batch * length, features)
    best = lambda x: torch.topk(x, 5, -1)  # noqa: E731
    nodes = [("TopK", [np.int64([5])], {"axis": -1})]
    yield Row("topK 5", "topK", (rows_,), nodes, best, {"axis": -1, "K": 5}, outputs=2)
    one = [("TopK", [np.int64([5])], {"axis": -1})]
    yield Row("topK 5 of many", "topK", ((1, s.vocabulary),), one, best, {"axis": -1, "K": 5}, outputs=2)
    for kind, operator, function in (("argMax", "ArgMax", torch.argmax), ("argMin", "ArgMin", torch.argmin)):
        nodes, fields = [(operator, [], {"axis": -1, "keepdims": 0})], {"axis": -1, "remove_dim": True}
        yield Row(kind, kind, (rows_,), nodes, lambda x, f=function: f(x, -1), fields)
    yield Row("argSort", "argSort", (rows_,), None, lambda x: torch.argsort(x, dim=-1, stable=True), {"axis": 1})
    yield Row("cumSum", "cumSum", (s.tokens,), [("CumSum", [np.int64(-1)], {})], lambda x: x.cumsum(-1), {"axis": -1})
    index = indices(features, batch, length)
    nodes = [("OneHot", [np.int64([features]), np.float32([0, 1])], {})]
    fields = {"one_hot_vector_size": features, "axis": -1, "on_value": 1.0, "off_value": 0.0}
    hot = lambda i: torch.nn.functional.one_hot(i, features).float()  # noqa: E731
    yield Row("oneHot", "oneHot", (index,), nodes, hot, fields, native=(integers,))
    random = np.random.default_rng(1)
    boxes = random.uniform(0.05, 1, (1, s.boxes, 4)).astype(np.float32) * np.float32([1, 1, 0.05, 0.05])
    scores = random.random((1, s.boxes, 1), np.float32)
    limits = {"iou_threshold": 0.5, "score_threshold": 0.01, "max_boxes": 50}
    constants = [np.int64([50]), np.float32([0.5]), np.float32([0.01])]
    find = [
        ("NonMaxSuppression", constants, {"center_point_box": 1}),
        ("Gather", [np.int64(2)], {"axis": 1}),
        ("Gather", [boxes[0], ...], {}),
    ]
    pair, native = (boxes, scores), (same, lambda x: np.ascontiguousarray(x.swapaxes(1, 2)))
    yield Row("NonMaximumSuppression", "NonMaximumSuppression", pair, find, None, limits, native=native)


def reductions(s: Size, torch: Any) -> Iterator[Row]:
    for name, operator, function in (
        ("Sum", "ReduceSum", torch.sum),
        ("Mean", "ReduceMean", torch.mean),
        ("Max", "ReduceMax", torch.amax),
        ("Min", "ReduceMin", torch.amin),
        ("Prod", "ReduceProd", None),
        ("L1", "ReduceL1", lambda x, axes: torch.linalg.vector_norm(x, 1, axes)),
        ("L2", "ReduceL2", lambda x, axes: torch.linalg.vector_norm(x, 2, axes)),
        ("LogSum", "ReduceLogSum", lambda x, axes: x.sum(axes).log()),
        ("LogSumExp", "ReduceLogSumExp", torch.logsumexp),
        ("SumSquare", "ReduceSumSquare", lambda x, axes: (x * x).sum(axes)),
    ):
        for where, shape, axes in (("rows", s.tokens, (-1,)), ("columns", s.tokens, (1,)), ("pixels", s.image, (2, 3))):
            if name not in ("Sum", "Max") and where != "rows":
                continue
            kind = f"reduce{name}"
            nodes = [(operator, [np.int64(axes)], {"keepdims": 0})]
            call = None if function is None else lambda x, f=function, a=axes: f(x, a)
            fields = {"axes": axes, "keep_dims": False}
            x = np.random.default_rng(1).uniform(0.95, 1.05, shape).astype(np.float32) if name == "Prod" else shape
            yield Row(f"{kind} {where}", kind, (x,), nodes, call, fields, positive=name != "Prod")


def recurrent(s: Size, torch: Any) -> Iterator[Row]:
    read = s.steps[-1]
    size, x = 2 * read, (*s.steps, 1, 1)
    squeezed = ("Squeeze", [np.int64([3, 4])], {})

    def stacked(gates: int) -> list[np.ndarray]:
        return [small(gates, size, read), small(gates, size, size), small(gates, size)]

    def tensors(weights, order=None):
        w, r, b = (torch.from_numpy((p if order is None else p[order]).reshape(-1, *p.shape[2:])) for p in weights)
        return w, r, b, torch.zeros_like(b)

    def onnx(weights, directions=1):
        w, r, b = (np.stack([p.reshape(-1, *p.shape[2:])] * directions) for p in weights)
        return [w, r, np.concatenate([b, np.zeros_like(b)], 1)]

    def named(weights, gates):
        endings = ("weight_matrix", "recursion_matrix", "bias_vector")
        return {f"{g}{e}": p[i] for e, p in zip(endings, weights, strict=True) for i, g in enumerate(gates)}

    zero = lambda x, n=1: x.new_zeros(n, x.shape[1], size)  # noqa: E731
    weights = stacked(1)
    cell = tensors(weights)
    fields = {"activation": "tanh", "sequence_output": True, **named(weights, [""])}
    plain = lambda x: torch.rnn_tanh(x[..., 0, 0], zero(x), cell, True, 1, 0.0, False, False, False)  # noqa: E731
    yield Row(
        "simpleRecurrent",
        "simpleRecurrent",
        (x,),
        [squeezed, ("RNN", onnx(weights), {"hidden_size": size})],
        plain,
        fields,
    )
    weights = stacked(3)
    gates = ("update_gate_", "reset_gate_", "output_gate_")
    fields = {"activations": ("sigmoid", "tanh"), "sequence_output": True, **named(weights, gates)}
    # torch applies the reset gate after the product with the state: a different function
    nodes = [squeezed, ("GRU", onnx(weights), {"hidden_size": size, "linear_before_reset": 0})]
    yield Row("gru", "gru", (x,), nodes, None, fields)
    weights = stacked(4)
    params, three = {"sequence_output": True}, ("sigmoid", "tanh", "tanh")
    matrices = named(weights, [f"{gate}_" for gate in GATES])
    four = tensors(weights, [0, 2, 3, 1])

    def lstm(x, n=1):
        return torch.lstm(x[..., 0, 0], (zero(x, n), zero(x, n)), four * n, True, 1, 0.0, False, n == 2, False)

    fields = {"activations": three, "params": params, "weight_params": matrices}
    nodes = [squeezed, ("LSTM", onnx(weights), {"hidden_size": size})]
    yield Row("uniDirectionalLSTM", "uniDirectionalLSTM", (x,), nodes, lstm, fields)
    both = {"activations_forward_lstm": three, "activations_backward_lstm": three, "weight_params": [matrices] * 2}
    nodes = [
        squeezed,
        ("LSTM", onnx(weights, 2), {"hidden_size": size, "direction": "bidirectional"}),
        ("Transpose", [], {"perm": [0, 2, 1, 3]}),
    ]
    fields = {"params": params, **both}
    yield Row("biDirectionalLSTM", "biDirectionalLSTM", (x,), nodes, lambda x: lstm(x, 2), fields)


def random(s: Size, torch: Any) -> Iterator[Row]:
    for kind, nodes, function, fields in (
        ("randomNormalLike", [("RandomNormalLike", [], {})], torch.randn_like, {"std_dev": 1.0}),
        ("randomUniformLike", [("RandomUniformLike", [], {})], torch.rand_like, {"max_val": 1.0}),
        ("randomBernoulliLike", None, lambda x: torch.empty_like(x).bernoulli_(0.3), {"prob": 0.3}),
    ):
        yield Row(kind, kind, (s.tokens,), nodes, function, {"seed": -1, **fields}, random=True)
    fields = {"seed": -1, "num_samples": 20, "is_logits": False}
    draw = lambda p: torch.multinomial(p, 20, replacement=True)  # noqa: E731
    rows_ = (s.tokens[1], s.tokens[2])
    yield Row(
        "categoricalDistribution", "categoricalDistribution", (rows_,), None, draw, fields, positive=True, random=True
    )
