"""Real ML Programs: Spotify's basic-pitch against its ONNX twin, and an echo canceller that runs frame by frame."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiling import LONG_RUNS

import graphml
from graphml.models.program import MLProgram

FRAMES = 6


@pytest.fixture(scope="module")
def pitch(real_models: Path) -> MLProgram:
    return graphml.load(real_models / "basic-pitch/nmp.mlpackage", kind=MLProgram)


@pytest.fixture(scope="module")
def canceller(real_models: Path) -> tuple[MLProgram, MLProgram]:
    one, two = (graphml.load(real_models / f"dtln-aec/DTLN_AEC_128_Part{i}.mlpackage", kind=MLProgram) for i in (1, 2))
    return one, two


def sound(seed: int = 0) -> np.ndarray:
    time = np.arange(43844) / 22050
    noise = np.random.default_rng(seed).normal(size=time.size) * 0.01
    wave = 0.5 * np.sin(2 * np.pi * 440 * time) + 0.2 * np.sin(2 * np.pi * 659.3 * time) * (time > 1) + noise
    return wave.astype(np.float32).reshape(1, -1, 1)


def test_pitches_are_those_of_the_onnx_twin(pitch, real_models):
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: it runs the twin")
    session = onnxruntime.InferenceSession(real_models / "basic-pitch/nmp.onnx", providers=["CPUExecutionProvider"])
    (name,) = (each.name for each in session.get_inputs())
    onsets, notes, contours = session.run(None, {name: sound()})
    found = pitch.predict({"input_2": sound()})
    # the program's weights are float16, those of its twin float32
    for output, want in (("Identity", contours), ("Identity_1", notes), ("Identity_2", onsets)):
        assert found[output].shape == want.shape
        assert found[output].dtype == np.float32
        np.testing.assert_allclose(found[output], want, atol=2e-3)
    loudest = found["Identity_1"].mean(1)[0].argmax()
    assert loudest == 48, "the note A4, 48 semitones above the lowest of a piano"


def test_pitches_have_gradients_with_respect_to_sound_and_weights(pitch):
    """In float64, where a step may be small enough: logarithms of silence bend the score within 1e-5."""
    step = 1e-8
    direction = np.random.default_rng(1).normal(size=(1, 43844, 1))
    with jax.enable_x64(True):
        lowered = pitch.lower(dtype=jnp.float64)
        wave = sound().astype(np.float64)

        def score(params, wave):
            return lowered.fn(params, {"input_2": wave})["Identity_1"].mean()

        # computing the unused gradients at the two ends takes less time than another program
        program = jax.jit(jax.value_and_grad(score, (0, 1)), compiler_options=LONG_RUNS)
        _, (of_weights, of_sound) = jax.device_get(program(lowered.params, wave))
        ahead, behind = (float(program(lowered.params, wave + sign * step * direction)[0]) for sign in (1, -1))
    np.testing.assert_allclose(np.vdot(of_sound, direction), (ahead - behind) / (2 * step), rtol=1e-3)
    assert all(np.isfinite(weights["val"]).all() for weights in of_weights.values())
    moving = [name for name, weights in of_weights.items() if np.abs(weights["val"]).max() > 0]
    assert len(moving) > 20


def _frames(canceller) -> list[dict[str, np.ndarray]]:
    """The outputs of both parts for a sequence of frames, the states of one frame given to the next."""
    one, two = canceller
    rng = np.random.default_rng(0)
    states = [np.zeros((1, 2, 128, 2), np.float16)] * 2
    found: list[dict[str, np.ndarray]] = []
    for _ in range(FRAMES):
        magnitude = np.abs(rng.normal(size=(2, 1, 1, 257))).astype(np.float16)
        first = one.predict({"mic_magnitude": magnitude[0], "lpb_magnitude": magnitude[1], "states_in": states[0]})
        frame = (rng.normal(size=(2, 1, 1, 512)) * 0.1).astype(np.float16)
        second = two.predict({"estimated_frame": frame[0], "lpb_time": frame[1], "states_in": states[1]})
        states = [first["Identity_1"], second["Identity_1"]]
        found.append({"mask": first["Identity"], "frame": second["Identity"], "one": states[0], "two": states[1]})
    return found


def test_echoes_are_cancelled_frame_by_frame(canceller):
    found = _frames(canceller)
    for frame in found:
        assert frame["mask"].shape == (1, 1, 257)
        assert ((frame["mask"] >= 0) & (frame["mask"] <= 1)).all(), "a mask of magnitudes"
        assert all(np.isfinite(value).all() for value in frame.values())
        assert all(value.dtype == np.float16 for value in frame.values())
    states = np.stack([frame["one"] for frame in found])
    assert (np.abs(np.diff(states.astype(np.float32), axis=0)).max((1, 2, 3, 4)) > 1e-3).all(), (
        "each frame changes them"
    )


def test_a_sequence_of_frames_is_one_scan(canceller):
    """Frame after frame through `lax.scan` is what `predict` gives one by one, and gradients reach the first frame."""
    model = canceller[0]
    lowered = model.lower()
    rng = np.random.default_rng(2)
    mic, far = np.abs(rng.normal(size=(2, FRAMES, 1, 1, 257))).astype(np.float32)
    begin = np.zeros((1, 2, 128, 2), np.float32)

    def scan(params, mic):
        def iteration(state, frame):
            inputs = {"mic_magnitude": frame[0], "lpb_magnitude": frame[1], "states_in": state}
            outputs = lowered.fn(params, inputs)
            return outputs["Identity_1"], outputs["Identity"]

        return jax.lax.scan(iteration, begin, (mic, far))[1]

    masks, gradients = jax.jit(
        lambda params, mic: (scan(params, mic), jax.grad(lambda m: scan(params, m)[-1].sum())(mic))
    )(lowered.params, mic)
    assert np.isfinite(gradients).all()
    assert np.abs(gradients[0]).max() > 0, "the first frame has an effect on the last mask"
    state = np.zeros((1, 2, 128, 2), np.float16)
    for number in range(FRAMES):
        frame = {"mic_magnitude": np.float16(mic[number]), "lpb_magnitude": np.float16(far[number]), "states_in": state}
        outputs = model.predict(frame)
        state = outputs["Identity_1"]
        # inputs and states are rounded to float16 between predictions
        np.testing.assert_allclose(outputs["Identity"], masks[number], atol=5e-3)


@pytest.mark.parametrize("part", [0, 1])
def test_both_parts_have_gradients_with_respect_to_inputs_and_weights(canceller, part):
    lowered = canceller[part].lower()
    rng = np.random.default_rng(part)
    declared = lowered.interface.declared_inputs(np.float32)
    inputs = {name: np.abs(rng.normal(size=each.shape)).astype(np.float32) for name, each in declared.items()}

    def score(params, inputs):
        return (
            lowered.fn(params, inputs)["Identity"] ** 2
        ).mean() / 1024  # weights are float16, and so are their gradients

    of_weights, of_inputs = jax.jit(jax.grad(score, (0, 1)))(lowered.params, inputs)
    for gradient in (*of_inputs.values(), *(weights["val"] for weights in of_weights.values())):
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() > 0


@pytest.mark.parametrize("precision", ["declared", "strict"])
def test_precisions_agree_within_their_rounding(canceller, real_models, precision):
    configuration = graphml.ModelConfiguration(compute_precision=precision)
    other = graphml.load(real_models / "dtln-aec/DTLN_AEC_128_Part2.mlpackage", configuration=configuration)
    rng = np.random.default_rng(3)
    frame = (rng.normal(size=(2, 1, 1, 512)) * 0.1).astype(np.float16)
    inputs = {"estimated_frame": frame[0], "lpb_time": frame[1], "states_in": np.zeros((1, 2, 128, 2), np.float16)}
    want, found = canceller[1].predict(inputs), other.predict(inputs)
    for name, value in want.items():
        assert found[name].dtype == np.float16
        size = np.abs(value.astype(np.float32)).max()
        np.testing.assert_allclose(found[name], value, atol=0.02 * size)
    assert any(not np.array_equal(found[name], want[name]) for name in want), "they round at different places"
