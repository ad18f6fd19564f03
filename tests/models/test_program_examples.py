"""Small programs of the kinds that people convert, each against an answer that is computed in another way."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from PIL import Image

import graphml
from graphml.build.program import ProgramBuilder
from graphml.models.program import MLProgram

RNG = np.random.default_rng(0)
WORDS, WIDTH, HEADS, LENGTH = 11, 8, 2, 6


def numbers(*shape: int, scale: float = 0.5) -> np.ndarray:
    return (RNG.normal(size=shape) * scale).astype(np.float32)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


# A language model that keeps keys and values -------------------------------------------------------------------------

LANGUAGE = {name: numbers(WIDTH, WIDTH) for name in ("query", "key", "value", "mixed")} | {
    "words": numbers(WORDS, WIDTH, scale=1.0),
    "places": numbers(LENGTH, WIDTH),
    "gain": np.ones(WIDTH, np.float32) + numbers(WIDTH, scale=0.1),
}


def language_model() -> ProgramBuilder:
    """One step of decoding: a token and its position in, the logits of the next token out."""
    builder = ProgramBuilder("CoreML8")
    token, position = builder.input("token", (1,), "int32"), builder.input("position", (1,), "int32")
    caches = {name: builder.state(f"{name}_cache", (1, HEADS, LENGTH, WIDTH // HEADS)) for name in ("key", "value")}
    place = builder.gather(LANGUAGE["places"], position, axis=0)
    x = builder.add(builder.gather(LANGUAGE["words"], token, axis=0), place)

    def heads(name):
        split = builder.reshape(builder.linear(x, LANGUAGE[name]), [1, 1, HEADS, WIDTH // HEADS])
        return builder.transpose(split, perm=[0, 2, 1, 3])

    zero = builder.const(np.int32([0]))
    begin = builder.concat([zero, zero, position, zero], axis=0)
    after = builder.add(position, 1)
    end = builder.concat([np.int32([1]), np.int32([HEADS]), after, np.int32([WIDTH // HEADS])], axis=0)
    kept = {}
    for name, cache in caches.items():
        new = builder.cast(heads(name), dtype="fp16")
        written = builder.slice_update(builder.read_state(cache), new, begin, end)
        builder.write_state(cache, written)
        kept[name] = builder.cast(builder.read_state(cache), dtype="fp32")
    past = builder.less_equal(np.arange(LENGTH, dtype=np.int32).reshape(1, 1, 1, LENGTH), position)
    mixed = builder.scaled_dot_product_attention(heads("query"), kept["key"], kept["value"], attn_mask=past)
    flat = builder.reshape(builder.transpose(mixed, perm=[0, 2, 1, 3]), [1, WIDTH])
    h = builder.layer_norm(builder.add(x, builder.linear(flat, LANGUAGE["mixed"])), LANGUAGE["gain"], axes=[-1])
    builder.output("logits", builder.matmul(h, LANGUAGE["words"], transpose_y=True))
    return builder


def whole_sequence(tokens: list[int]) -> np.ndarray:
    """The logits after each token, from the whole sequence at once and without any cache."""
    x = LANGUAGE["words"][tokens] + LANGUAGE["places"][: len(tokens)]

    def heads(name):
        return (x @ LANGUAGE[name].T).reshape(len(tokens), HEADS, -1).swapaxes(0, 1)

    scores = heads("query") @ heads("key").swapaxes(1, 2) / np.sqrt(WIDTH / HEADS)
    mask = np.tril(np.ones((len(tokens), len(tokens)), bool))
    mixed = softmax(np.where(mask, scores, -np.inf)) @ heads("value")
    h = x + mixed.swapaxes(0, 1).reshape(len(tokens), WIDTH) @ LANGUAGE["mixed"].T
    centred = h - h.mean(-1, keepdims=True)
    h = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * LANGUAGE["gain"]
    return h @ LANGUAGE["words"].T


def test_decoding_with_a_cache_is_the_network_without_one():
    model = language_model().model(kind=MLProgram)
    tokens = [3, 1, 4, 1, 5]
    want = whole_sequence(tokens)
    state = model.make_state()
    for place, token in enumerate(tokens):
        found = model.predict({"token": np.int32([token]), "position": np.int32([place])}, state=state)["logits"]
        np.testing.assert_allclose(found[0], want[place], atol=5e-3)  # the caches are float16
    assert state["key_cache"].shape == (1, HEADS, LENGTH, WIDTH // HEADS)
    assert (state["key_cache"][:, :, len(tokens) :] == 0).all()
    assert len(model.compilations()) == 1, "one program for all positions"


def test_decoding_is_one_scan_and_a_vmap_over_sentences():
    lowered = language_model().model(kind=MLProgram).lower()
    sentences = np.int32([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])
    begin = {name: np.zeros(s.shape, s.dtype) for name, s in lowered.interface.declared_state().items()}

    def decode(tokens):
        def step(state, at):
            outputs, state = lowered.fn(lowered.params, {"token": at[0][None], "position": at[1][None]}, state=state)
            return state, outputs["logits"][0]

        return jax.lax.scan(step, begin, (tokens, np.arange(len(tokens), dtype=np.int32)))[1]

    for found, tokens in zip(jax.jit(jax.vmap(decode))(sentences), sentences, strict=True):
        np.testing.assert_allclose(found, whole_sequence(tokens.tolist()), atol=1e-2)  # the caches are float16


# A block of a diffusion model ----------------------------------------------------------------------------------------


def test_an_attention_block_of_a_diffusion_model():
    channels, side, heads, words = 8, 4, 2, 5
    weights = {name: numbers(channels, channels) for name in ("q", "k", "v", "out")}
    gain, shift = 1 + numbers(channels, scale=0.1), numbers(channels, scale=0.1)
    builder = ProgramBuilder("CoreML8")
    x, text = builder.input("x", (2, channels, side, side)), builder.input("text", (2, words, channels))
    groups = builder.reshape(x, [2, 4, -1])  # group norm, as converters write it
    mean = builder.reduce_mean(groups, axes=[-1], keep_dims=True)
    centred = builder.sub(groups, mean)
    spread = builder.rsqrt(builder.reduce_mean(builder.square(centred), axes=[-1], keep_dims=True), epsilon=1e-5)
    normal = builder.reshape(builder.mul(centred, spread), [2, channels, side, side])
    normal = builder.add(builder.mul(normal, gain.reshape(1, -1, 1, 1)), shift.reshape(1, -1, 1, 1))
    tokens = builder.transpose(builder.reshape(normal, [2, channels, side * side]), perm=[0, 2, 1])

    def split(value, name, count):
        h = builder.reshape(builder.linear(value, weights[name]), [2, count, heads, channels // heads])
        return builder.transpose(h, perm=[0, 2, 1, 3])

    mixed = builder.scaled_dot_product_attention(
        split(tokens, "q", side * side), split(text, "k", words), split(text, "v", words)
    )
    flat = builder.reshape(builder.transpose(mixed, perm=[0, 2, 1, 3]), [2, side * side, channels])
    back = builder.reshape(
        builder.transpose(builder.linear(flat, weights["out"]), perm=[0, 2, 1]), [2, channels, side, side]
    )
    builder.output(
        "y", builder.upsample_nearest_neighbor(builder.add(x, back), scale_factor_height=2, scale_factor_width=2)
    )
    model = builder.model()

    image, prompt = numbers(2, channels, side, side, scale=1.0), numbers(2, words, channels, scale=1.0)
    grouped = image.reshape(2, 4, -1)
    grouped = (grouped - grouped.mean(-1, keepdims=True)) / np.sqrt(grouped.var(-1, keepdims=True) + 1e-5)
    h = grouped.reshape(image.shape) * gain[:, None, None] + shift[:, None, None]
    h = h.reshape(2, channels, -1).swapaxes(1, 2)
    want = np.empty_like(image)
    for n in range(2):
        q, k, v = h[n] @ weights["q"].T, prompt[n] @ weights["k"].T, prompt[n] @ weights["v"].T
        parts = [
            softmax(q[:, s] @ k[:, s].T / np.sqrt(channels / heads)) @ v[:, s]
            for s in (slice(0, channels // heads), slice(channels // heads, None))
        ]
        want[n] = image[n] + (np.concatenate(parts, 1) @ weights["out"].T).T.reshape(channels, side, side)
    want = want.repeat(2, 2).repeat(2, 3)
    np.testing.assert_allclose(model.predict({"x": image, "text": prompt})["y"], want, rtol=1e-4, atol=1e-5)


# A detector ----------------------------------------------------------------------------------------------------------


def test_a_detector_suppresses_boxes_that_overlap():
    builder = ProgramBuilder("CoreML5")
    boxes, scores = builder.input("boxes", (1, 5, 4)), builder.input("scores", (1, 5, 2))
    found = builder.non_maximum_suppression(
        boxes, builder.sigmoid(scores), iou_threshold=0.5, score_threshold=0.3, max_boxes=4
    )
    for name, value in zip(("kept", "confidences", "indices", "count"), found, strict=True):
        builder.output(name, value)
    given = np.float32([[[10, 10, 4, 4], [10.5, 10, 4, 4], [30, 10, 4, 4], [50, 10, 4, 4], [30, 11, 4, 4]]])
    logits = np.float32([[[2, -3], [3, -3], [-3, 1], [-9, -9], [-3, 4]]])
    answer = builder.model().predict({"boxes": given, "scores": logits})
    # by hand: 4 (0.98) drops 2; 1 (0.95) drops 0; 3 is below the threshold
    assert answer["count"].tolist() == [2]
    assert answer["indices"][0, :2].tolist() == [4, 1]
    np.testing.assert_allclose(answer["kept"][0, :2], given[0, [4, 1]])
    np.testing.assert_allclose(answer["confidences"][0, :2], 1 / (1 + np.exp(-logits[0, [4, 1]])), rtol=1e-5)


# A classifier of images ----------------------------------------------------------------------------------------------


def test_an_image_classifier_distinguishes_colours(tmp_path):
    builder = ProgramBuilder("CoreML6")
    image = builder.input("photo", (1, 3, 4, 6), image="RGB")
    scaled = builder.sub(builder.mul(image, 1 / 127.5), 1.0)
    colours = builder.reduce_mean(scaled, axes=[2, 3])
    builder.classifier(builder.softmax(builder.mul(colours, 4.0), axis=-1), ["red", "green", "blue"])
    builder.save(tmp_path / "colours.mlpackage")
    model = graphml.load(tmp_path / "colours.mlpackage")
    answer = model.predict({"photo": Image.new("RGB", (6, 4), (20, 220, 40))})
    assert answer["classLabel"] == "green"
    want = softmax((np.float32([20, 220, 40]) / 127.5 - 1) * 4)
    np.testing.assert_allclose(list(answer["classLabel_probs"].values()), want, rtol=1e-5)
    assert list(answer["classLabel_probs"]) == ["red", "green", "blue"]


# A tagger ------------------------------------------------------------------------------------------------------------


def _lstm(x: np.ndarray, w: np.ndarray, r: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The outputs of an LSTM for one sequence, gates in the order input, forget, output, cell."""
    size = r.shape[1]
    h, c, out = np.zeros(size), np.zeros(size), []
    for step in x:
        i, f, o, g = np.split(w @ step + r @ h + b, 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
        out.append(h)
    return np.stack(out)


def test_a_bidirectional_tagger():
    words, size, tags = 3, 4, 5
    both = [(numbers(4 * size, words), numbers(4 * size, size), numbers(4 * size)) for _ in range(2)]
    head = numbers(tags, 2 * size)
    builder = ProgramBuilder("CoreML7")
    x = builder.input("x", [(1, -1), 1, words])
    zeros = np.zeros((1, 2 * size), np.float32)
    hidden, _, _ = builder.lstm(
        x, zeros, zeros, both[0][0], both[0][1], both[0][2],
        weight_ih_back=both[1][0], weight_hh_back=both[1][1], bias_back=both[1][2],
        direction="bidirectional", output_sequence=True,
    )  # fmt: skip
    builder.output("tags", builder.softmax(builder.linear(hidden, head), axis=-1))
    model = builder.model()
    for length in (7, 2):
        sentence = numbers(length, 1, words, scale=1.0)
        forward, backward = _lstm(sentence[:, 0], *both[0]), _lstm(sentence[::-1, 0], *both[1])[::-1]
        want = softmax(np.concatenate([forward, backward], 1) @ head.T)
        np.testing.assert_allclose(model.predict({"x": sentence})["tags"][:, 0], want, rtol=1e-4, atol=1e-6)


# Several functions ---------------------------------------------------------------------------------------------------


def test_functions_of_one_file_share_their_weights(tmp_path):
    weight = numbers(5, 12)
    builder = ProgramBuilder("CoreML8", function="encode")
    builder.output("code", builder.linear(builder.input("x", (2, 12)), weight))
    builder.function("similar")
    a, b = builder.input("a", (1, 12)), builder.input("b", (1, 12))
    product = builder.matmul(builder.linear(a, weight), builder.linear(b, weight), transpose_y=True)
    builder.output("score", product)
    file = tmp_path / "two.mlpackage"
    builder.save(file)
    x = numbers(2, 12, scale=1.0)
    encode = graphml.load(file)
    np.testing.assert_allclose(encode.predict({"x": x})["code"], x @ weight.T, rtol=1e-4, atol=1e-5)
    similar = graphml.load(file, function_name="similar")
    codes = x @ weight.T
    found = similar.predict({"a": x[:1], "b": x[1:]})["score"]
    np.testing.assert_allclose(found, [[codes[0] @ codes[1]]], rtol=1e-4, atol=1e-5)
    (blob,) = file.rglob("weight.bin")
    assert blob.stat().st_size < 2 * weight.nbytes, "the weight is stored once"
    with pytest.raises(graphml.GraphmlError, match=r"encode.*similar"):
        graphml.load(file, function_name="decode")
