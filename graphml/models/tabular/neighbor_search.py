"""An index of samples on a device, and the exact search for those nearest to a query.

One matrix product in float32, |x|^2 - 2 x.q, gives approximate squared distances to all samples and so the candidates
for the nearest ones. Their distances are then computed in float64 from differences. A bound on the rounding error of
the product tells whether another sample could be as near as the candidates; if so (samples far from the origin, or many
similar ones), the distances to all samples are computed in float64. The result therefore never depends on rounding:
neighbours are ordered by exact distance, and by position where distances are equal.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from graphml.models.configuration import Device

_LARGEST_CHUNK = 1 << 15  # samples
_SMALLEST_CHUNK = 64
_SCORES = 1 << 22  # distances in memory at a time: malloc returns blocks of 32 MB and more to the system at once
_FEWEST_CANDIDATES = 32


class _Chunk(NamedTuple):
    """Some of the samples.

    Attributes:
        samples: float32 [capacity, dimensions].
        norms: |x|^2 of each row, float32 [capacity]; infinite for rows that hold no sample.
        count: Number of rows that hold a sample.
    """

    samples: jax.Array
    norms: jax.Array
    count: int


class NeighborIndex:
    """Samples that can be searched for the nearest neighbours of a query.

    They are stored in chunks whose sizes are powers of two, so that adding samples seldom compiles anything. An index
    never changes: `with_more` returns another one, which shares the full chunks.

    Args:
        dimensions: Number of features of each sample.
        device: Where the samples are stored; None: on JAX's default device.
    """

    def __init__(self, dimensions: int, device: Device | None = None) -> None:
        self.dimensions = dimensions
        self.count = 0
        self._device = device
        self._chunks: tuple[_Chunk, ...] = ()
        self._largest = 0.0  # |x|^2
        self.exact_count = 0
        """Number of queries for which all distances had to be computed in float64."""

    def with_more(self, rows: np.ndarray) -> NeighborIndex:
        """An index of these samples, followed by more.

        Args:
            rows: float32 [samples, dimensions].
        """
        other = NeighborIndex(self.dimensions, self._device)
        other.count = self.count + len(rows)
        other._largest = self._largest
        full = list(self._chunks)
        start = np.zeros((0, self.dimensions), np.float32)
        if full and full[-1].count < _LARGEST_CHUNK:
            last = full.pop()
            start = np.asarray(last.samples)[: last.count]
        done = 0
        while done < len(rows) or len(start):
            taken = min(len(rows) - done, _LARGEST_CHUNK - len(start))
            chunk, largest = _chunk(start, rows[done : done + taken], self._device)
            full.append(chunk)
            other._largest = max(other._largest, largest)
            done += taken
            start = start[:0]
        other._chunks = tuple(full)
        return other

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        parts = [np.asarray(s.samples)[: s.count] for s in self._chunks]
        whole = np.concatenate(parts) if parts else np.zeros((0, self.dimensions), np.float32)
        return whole if dtype is None else whole.astype(dtype)

    def nearest(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Find the nearest samples.

        Args:
            queries: float32 [queries, dimensions], finite.
            k: Number of neighbours.

        Returns:
            (squared distances, float64; positions of the samples, int64), each [queries, min(k, samples)], nearest
            first.
        """
        k = min(k, self.count)
        distances = np.zeros((len(queries), k))
        positions = np.zeros((len(queries), k), np.int64)
        if k == 0:
            return distances, positions
        rows = max((len(chunk.norms) for chunk in self._chunks), default=1)
        numbers = max(rows, _candidates_for(k) * self.dimensions)  # in memory, for each query
        step = max(1, _SCORES // numbers)
        for start in range(0, len(queries), step):
            part = slice(start, start + step)
            distances[part], positions[part] = self._some(queries[part], k)
        return distances, positions

    def _some(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        count = len(queries)
        padded = _filled(queries)
        wanted = _candidates_for(k)
        with jax.enable_x64(True):
            found = [
                _candidates(s.samples, s.norms, np.int32(s.count), padded, min(wanted, len(s.norms)))
                for s in self._chunks
            ]
            parts = [tuple(np.asarray(a)[:count] for a in one) for one in found]
        distances, positions = _ordered([(d, i + n) for (d, i, _), n in zip(parts, self._starts, strict=True)], k)
        rest = np.min([limit for _, _, limit in parts], axis=0)
        with np.errstate(over="ignore", invalid="ignore"):
            unsettled = np.flatnonzero(~(distances[:, -1] < rest - self._rounding(queries)))
        if len(unsettled):
            self.exact_count += len(unsettled)
            distances[unsettled], positions[unsettled] = self._exactly(queries[unsettled], k)
        return distances, positions

    def _exactly(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        wanted, padded = 1 << (k - 1).bit_length(), _filled(queries)
        with jax.enable_x64(True):
            found = [_all(s.samples, padded, np.int32(s.count), min(wanted, len(s.norms))) for s in self._chunks]
            parts = [tuple(np.asarray(a)[: len(queries)] for a in one) for one in found]
        return _ordered([(d, i + n) for (d, i), n in zip(parts, self._starts, strict=True)], k)

    @property
    def _starts(self) -> list[int]:
        return [number * _LARGEST_CHUNK for number in range(len(self._chunks))]

    def _rounding(self, queries: np.ndarray) -> np.ndarray:
        """A bound on the error of distances by the matrix product: float64 [queries]."""
        norms = np.einsum("ij,ij->i", queries, queries, dtype=np.float64)
        unit = (self.dimensions + 8) * 2.0**-24
        if unit >= 0.5:
            return np.full(len(queries), np.inf)
        relative = unit / (1 - unit) * (self._largest + 2 * np.sqrt(norms * self._largest) + norms)
        return relative + (self.dimensions + 8) * 2.0**-124  # products too small for float32 count as zero


def _chunk(start: np.ndarray, rows: np.ndarray, device: Device | None) -> tuple[_Chunk, float]:
    count = len(start) + len(rows)
    capacity = max(_SMALLEST_CHUNK, 1 << (count - 1).bit_length())
    samples = np.zeros((capacity, rows.shape[1]), np.float32)
    samples[: len(start)], samples[len(start) : count] = start, rows
    norms = np.full(capacity, np.inf)
    norms[:count] = np.einsum("ij,ij->i", samples[:count], samples[:count], dtype=np.float64)
    largest = float(norms[:count].max()) if count else 0.0
    with np.errstate(over="ignore"):
        rounded = norms.astype(np.float32)
    return _Chunk(jax.device_put(samples, device), jax.device_put(rounded, device), count), largest


def _candidates_for(k: int) -> int:
    return max(_FEWEST_CANDIDATES, 1 << (2 * k - 1).bit_length())


def _filled(queries: np.ndarray) -> np.ndarray:
    """Pad the queries with copies of the last one to a power of two."""
    missing = (1 << (len(queries) - 1).bit_length()) - len(queries)
    return np.concatenate([queries, np.repeat(queries[-1:], missing, 0)]) if missing else queries


def _ordered(parts: list[tuple[np.ndarray, np.ndarray]], k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest of the neighbours that were found in each chunk: by distance, then by position."""
    distances = np.concatenate([d for d, _ in parts], axis=1)
    positions = np.concatenate([i for _, i in parts], axis=1)
    order = np.lexsort((positions, distances), axis=-1)[:, :k]
    return np.take_along_axis(distances, order, 1), np.take_along_axis(positions, order, 1)


# On the device -------------------------------------------------------------------------------------------------------


@functools.partial(jax.jit, static_argnames="wanted")
def _candidates(samples, norms, count, queries, wanted: int):
    """The nearest samples of a chunk according to the matrix product.

    Returns:
        Their exact squared distances and their positions, [queries, wanted]; and a lower bound, by the product, for the
        distances of all other samples, [queries], infinite if there are no others.
    """
    contract = (((1,), (1,)), ((), ()))
    scores = norms - 2 * jax.lax.dot_general(queries, samples, contract, precision=jax.lax.Precision.HIGHEST)
    # without the barrier XLA sorts all scores to find the last of the best
    best, positions = jax.lax.optimization_barrier(jax.lax.top_k(-scores, wanted))
    wide = queries.astype(jnp.float64)
    differences = samples[positions].astype(jnp.float64) - wide[:, None]
    distances = jnp.where(positions < count, jnp.sum(differences * differences, -1), jnp.inf)
    limit = -best[:, -1].astype(jnp.float64) + jnp.sum(wide * wide, -1)
    return distances, positions, jnp.full_like(limit, jnp.inf) if wanted == len(norms) else limit


@functools.partial(jax.jit, static_argnames="wanted")
def _all(samples, queries, count, wanted: int):
    """Squared distances and positions [queries, wanted] of the nearest samples, all compared in float64."""
    held = jnp.arange(len(samples)) < count

    def one(query):
        differences = samples.astype(jnp.float64) - query.astype(jnp.float64)
        distances = jnp.where(held, jnp.sum(differences * differences, -1), jnp.inf)
        best, positions = jax.lax.top_k(-distances, wanted)
        return -best, positions

    return jax.lax.map(one, queries)
