"""soundAnalysisPreprocessing: from 0.975 seconds of sound to the log-mel picture that a VGGish network reads.

The format states the frames, the window, the length of the transform, the bands and their range. Assumed, because it
leaves them open, as VGGish's published front end has them: bands are triangles, evenly spaced and straight on the mel
scale 1127 ln(1 + f / 700), neighbours meet at each other's centres; they weigh the magnitude of the transform and not
its square; frequency 0 belongs to no band. Samples are taken as they are: nothing is scaled to -1 ... 1.
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
    """[n] samples at 16 kHz, mono -> [frames, 64], with one frame for each hop that fits: 1 + (n - 400) // 160."""
    count = 1 + (samples.shape[0] - FRAME) // HOP
    if count < 1:
        raise ShapeError(f"{samples.shape[0]} samples are less than one frame of {FRAME}")
    frames = samples[np.arange(count)[:, None] * HOP + np.arange(FRAME)]
    spectrum = jnp.abs(jnp.fft.rfft(frames * _window(), LENGTH))
    return jnp.log(spectrum @ _mel_weights() + np.float32(OFFSET))


@functools.cache
def _window() -> np.ndarray:
    """The periodic Hann window: its period is the frame, so it does not come back to zero."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)


@functools.cache
def _mel_weights() -> np.ndarray:
    """[257, 64]: how much of each frequency goes into each band."""
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
    """15600 samples -> [1, 96, 64] in float32; see `log_mel`. Source: SoundAnalysisPreprocessing.Vggish (spec 4)."""

    def _predict(self, values: dict[str, Any], **keyword: Any) -> dict[str, Any]:
        return {self.output.name: given(self.output, _compiled(np.float32(values[self.input.name]).reshape(-1)))}

    def as_function(self) -> Callable[..., dict[str, Any]]:
        """{output: array} from {input: array}: pure, in float32."""
        self._usable  # noqa: B018  (checked once)
        return self._function

    def _function(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        with jax.enable_x64(False):
            samples = jnp.asarray(inputs[self.input.name]).astype(jnp.float32).reshape(-1)
            return {self.output.name: traced(self.output, log_mel(samples)[None])}


@jax.jit
def _compiled(samples):
    return log_mel(samples)[None]
