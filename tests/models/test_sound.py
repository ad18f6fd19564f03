"""The log-mel front end, against sums written out in NumPy."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from one_model import array, made

import graphml
from graphml import ShapeError, SpecError
from graphml.models.features.sound import log_mel

SOUND = made("soundAnalysisPreprocessing", {"x": array(15600)}, {"y": array(1, 96, 64)}, vggish={})


def oracle(samples):
    """[n] -> [frames, 64], by the definition of the discrete Fourier transform and of each band."""
    n, bins = np.arange(400), np.arange(257)
    wave = np.exp(-2j * np.pi * np.outer(bins, n) / 512)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / 400)
    mel = 1127 * np.log(1 + bins * (16000 / 512) / 700)
    low, high = (1127 * np.log(1 + hertz / 700) for hertz in (125, 7500))
    width = (high - low) / 65
    rows = []
    for start in range(0, len(samples) - 399, 160):
        magnitude = np.abs(wave @ (samples[start : start + 400].astype(np.float64) * window))
        centres = low + width * np.arange(1, 65)
        bands = [(magnitude * np.maximum(0, 1 - np.abs(mel - centre) / width))[1:].sum() for centre in centres]
        rows.append(np.log(np.array(bands) + 0.01))
    return np.array(rows)


@pytest.mark.parametrize("hertz", [None, 1000])
def test_it_is_the_log_mel_spectrogram(hertz):
    time = np.arange(15600) / 16000
    noise = np.random.default_rng(0).normal(size=15600) * 0.1
    samples = np.float32(noise if hertz is None else np.sin(2 * np.pi * hertz * time))
    got = graphml.load(SOUND).predict({"x": samples})["y"]
    assert got.shape == (1, 96, 64)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got[0], oracle(samples), atol=2e-3)  # float32 next to log's steepest place
    assert np.abs(got[0] - oracle(samples)).mean() < 1e-4


def test_silence_is_the_logarithm_of_the_offset():
    np.testing.assert_allclose(graphml.load(SOUND).predict({"x": np.zeros(15600)})["y"], np.log(0.01), rtol=1e-6)


def test_frames_that_are_not_full_are_dropped():
    for count, frames in ((400, 1), (559, 1), (560, 2)):
        assert jax.eval_shape(log_mel, np.zeros(count, np.float32)).shape == (frames, 64)
    with pytest.raises(ShapeError, match="at least one frame of 400 samples, got 399"):
        log_mel(np.zeros(399, np.float32))


def test_it_has_a_gradient():
    function = graphml.load(SOUND).as_function()
    samples = np.float32(np.random.default_rng(1).normal(size=15600))
    gradient = jax.jit(jax.grad(lambda x: function({"x": x})["y"].sum()))(samples)
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0


def test_the_kind_of_preprocessing_must_be_given():
    with pytest.raises(SpecError, match="sets no preprocessing"):
        graphml.load(made("soundAnalysisPreprocessing", {"x": array(15600)}, {"y": array(1, 96, 64)})).predict(
            {"x": np.zeros(15600)}
        )
