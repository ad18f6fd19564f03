"""An index of samples on a device, and the exact search for those nearest to a query.

One matrix product in float32, |x|^2 - 2 x.q, gives approximate squared distances to all samples and thus candidates
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
from graphml.ops.kernels.arrays import barrier

_LARGEST_CHUNK = 1 << 15  # samples
_SMALLEST_CHUNK = 64
_SCORES = 1 << 21  # distances in memory at a time: malloc returns blocks of 32 MB and more to the system at once
_LARGEST_GROUP = 8  # chunks that are searched in one call
_FEWEST_CANDIDATES = 32
_BLOCK = 64  # scores


class _Chunk(NamedTuple):
    """Some of the samples.

    Attributes:
        samples: float32 [capacity, dimensions].
        norms: |x|^2 of each row, float32 [capacity]; infinite for rows that hold no sample.
        count: Number of rows that hold a sample, an int32 scalar.
    """

    samples: jax.Array
    norms: jax.Array
    count: np.int32


_Found = tuple[jax.Array, jax.Array, jax.Array]
"""See `_candidates`."""


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
        elements = max(len(self._chunks[0].norms), _candidates_for(k) * self.dimensions)  # in memory, for each query
        step = max(1, _SCORES // elements)
        parts = [slice(start, start + step) for start in range(0, len(queries), step)]
        found = [self._candidates(queries[part], k) for part in parts]  # all at once: the device need not wait
        for part, one in zip(parts, found, strict=True):
            distances[part], positions[part] = self._settled(queries[part], one, k)
        return distances, positions

    def _candidates(self, queries: np.ndarray, k: int) -> list[tuple[int, _Found]]:
        """Candidates in each group of chunks, with the position of the group."""
        padded, wanted, start, found = _filled(queries), _candidates_for(k), 0, []
        with jax.enable_x64(True):
            for group in self._groups(len(padded)):
                found.append((start, _candidates(group, padded, wanted)))
                start += _LARGEST_CHUNK * len(group)
        return found

    def _settled(self, queries: np.ndarray, found: list[tuple[int, _Found]], k: int) -> tuple[np.ndarray, np.ndarray]:
        parts = [(start, *(np.asarray(a)[: len(queries)] for a in one)) for start, one in found]
        distances, positions = _ordered([(d, i + start) for start, d, i, _ in parts], k)
        rest = functools.reduce(np.minimum, [limit for *_, limit in parts])
        with np.errstate(over="ignore", invalid="ignore"):
            unsettled = np.flatnonzero(~(distances[:, -1] < rest - self._rounding(queries)))
        if len(unsettled):
            self.exact_count += len(unsettled)
            distances[unsettled], positions[unsettled] = self._exactly(queries[unsettled], k)
        return distances, positions

    def _exactly(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        wanted, padded = 1 << (k - 1).bit_length(), _filled(queries)
        with jax.enable_x64(True):
            found = [_all(s.samples, padded, s.count, min(wanted, len(s.norms))) for s in self._chunks]
            parts = [tuple(np.asarray(a)[: len(queries)] for a in one) for one in found]
        return _ordered([(d, i + n) for (d, i), n in zip(parts, self._starts, strict=True)], k)

    def _groups(self, queries: int) -> list[tuple[_Chunk, ...]]:
        """The chunks that are searched together. Calls cost more than short products: for few queries, full chunks
        share one; the last one is apart, because its size changes as samples are added."""
        most = max(1, min(_LARGEST_GROUP, _SCORES // (queries * _LARGEST_CHUNK)))
        *full, last = self._chunks
        return [*(tuple(full[i : i + most]) for i in range(0, len(full), most)), (last,)]

    @property
    def _starts(self) -> list[int]:
        return [number * _LARGEST_CHUNK for number in range(len(self._chunks))]

    def _rounding(self, queries: np.ndarray) -> np.ndarray:
        """A bound on the error of distances by the product: float64 [queries]; infinite where it may overflow."""
        norms = np.einsum("ij,ij->i", queries, queries, dtype=np.float64)
        unit = (self.dimensions + 8) * 2.0**-24
        if unit >= 0.5:
            return np.full(len(queries), np.inf)
        relative = unit / (1 - unit) * (self._largest + 2 * np.sqrt(norms * self._largest) + norms)
        bound = relative + (self.dimensions + 8) * 2.0**-124  # products too small for float32 count as zero
        return np.where(self._largest + norms < 2.0**126, bound, np.inf)


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
    return _Chunk(jax.device_put(samples, device), jax.device_put(rounded, device), np.int32(count)), largest


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
def _candidates(chunks: tuple[_Chunk, ...], queries: jax.Array, wanted: int) -> _Found:
    """The nearest samples of some chunks according to the matrix product.

    Returns:
        Their exact squared distances and their positions, `wanted` of each chunk, [queries, candidates]; and a lower
        bound, by the product, for the distances of all other samples, [queries], infinite if there are no others.
    """
    wide = queries.astype(jnp.float64)
    contract = (((1,), (1,)), ((), ()))
    found: list[tuple[jax.Array, jax.Array]] = []
    limits: list[jax.Array] = []
    for number, (samples, norms, count) in enumerate(chunks):
        scores = 2 * jax.lax.dot_general(queries, samples, contract, precision=jax.lax.Precision.HIGHEST) - norms
        best, positions = _largest(scores, min(wanted, len(norms)))
        differences = samples[positions].astype(jnp.float64) - wide[:, None]
        distances = jnp.where(positions < count, jnp.sum(differences * differences, -1), jnp.inf)
        found.append((distances, positions + number * len(norms)))
        if wanted < len(norms):
            limits.append(-best[:, -1].astype(jnp.float64) + jnp.sum(wide * wide, -1))
    distances, positions = (jnp.concatenate(parts, axis=1) for parts in zip(*found, strict=True))
    return distances, positions, functools.reduce(jnp.minimum, limits, jnp.full(len(queries), jnp.inf))


def _largest(scores: jax.Array, count: int) -> tuple[jax.Array, jax.Array]:
    """The largest scores of each row, and their positions, [rows, count].

    XLA's own search is not vectorized. The maxima of blocks are, and the largest scores are in those `count` blocks
    whose maxima are largest. A block holds every n-th score, so that a maximum reads whole vectors.
    """
    if scores.shape[1] < 4 * _BLOCK * count:
        return _top(scores, count)
    # without barriers, maxima and scores would be computed from the product twice
    blocks = barrier(scores).reshape(len(scores), _BLOCK, -1)
    _, chosen = _top(jnp.max(blocks, 1), count)
    best, places = _top(jnp.take_along_axis(blocks, chosen[:, None], 2).reshape(len(scores), -1), count)
    row, column = places // count, jnp.take_along_axis(chosen, places % count, 1)
    return best, row * blocks.shape[2] + column


def _top(scores: jax.Array, count: int) -> tuple[jax.Array, jax.Array]:
    # without the barrier XLA sorts all scores to find the last of the best
    return jax.lax.optimization_barrier(jax.lax.top_k(scores, count))


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
