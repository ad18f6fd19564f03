"""soundAnalysisPreprocessing: converts 0.975 seconds of sound to the log-mel spectrogram that a VGGish network reads.

The format states the frames, the window, the length of the transform, the bands and their range. The rest follows
VGGish's published front end: bands are triangles that are evenly spaced on the mel scale 1127 ln(1 + f / 700) and end
at the centres of their neighbours; they weight the magnitude of the transform, not its square; frequency 0 is in no
band. Samples are used as they are, without scaling to -1 ... 1.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from graphml.errors import ShapeError
from graphml.models.features.transforms import Transform, given, traced

RATE, FRAME, HOP, LENGTH = 16000, 400, 160, 512
BANDS, LOWEST, HIGHEST, OFFSET = 64, 125.0, 7500.0, 0.01


def log_mel(samples: Any) -> Any:
    """The log-mel spectrogram of sound.

    Args:
        samples: [n], mono, at 16 kHz.

    Returns:
        [frames, 64], with 1 + (n - 400) // 160 frames.

    Raises:
        ShapeError: If there are fewer samples than one frame has.
    """
    count = 1 + (samples.shape[0] - FRAME) // HOP
    if count < 1:
        raise ShapeError(f"expected at least one frame of {FRAME} samples, got {samples.shape[0]}")
    frames = samples[np.arange(count)[:, None] * HOP + np.arange(FRAME)]
    spectrum = jnp.abs(jnp.fft.rfft(frames * _window(), LENGTH))
    return jnp.log(spectrum @ _mel_weights() + np.float32(OFFSET))


@functools.cache
def _window() -> np.ndarray:
    """The periodic Hann window, whose period is one frame; it does not return to zero."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)


@functools.cache
def _mel_weights() -> np.ndarray:
    """The weight of each frequency in each band, [257, 64]."""
    frequencies = _mel(np.linspace(0, RATE / 2, LENGTH // 2 + 1))[:, None]
    edges = np.linspace(_mel(LOWEST), _mel(HIGHEST), BANDS + 2)
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (frequencies - left) / (centre - left), (right - frequencies) / (right - centre)
    weights = np.maximum(0, np.minimum(rising, falling))
    weights[0] = 0
    return weights.astype(np.float32)


def _mel(hertz: Any) -> Any:
    return 1127 * np.log1p(np.asarray(hertz) / 700)


class SoundAnalysisPreprocessing(Transform):
    """Converts 15600 samples to [1, 96, 64], in float32; see `log_mel`.

    Source: SoundAnalysisPreprocessing.Vggish (spec 4).
    """

    def _predict(self, values: dict[str, Any], **keyword: Any) -> dict[str, Any]:
        return {self.output.name: given(self.output, _compiled(np.float32(values[self.input.name]).reshape(-1)))}

    def as_function(self) -> Callable[..., dict[str, Any]]:
        """The model as a function from {input: array} to {output: array}, in float32."""
        self.refuse_unless_usable()
        return self._function

    def _function(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        with jax.enable_x64(False):
            samples = jnp.asarray(inputs[self.input.name]).astype(jnp.float32).reshape(-1)
            return {self.output.name: traced(self.output, log_mel(samples)[None])}


@jax.jit
def _compiled(samples):
    return log_mel(samples)[None]
