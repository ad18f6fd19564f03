"""Stored samples on a device, and the exact search for those nearest to a query.

Squared distances to all samples come from one matrix product in float32, |x|^2 - 2 x.q, which says who may be among the
nearest. The distances of those are then computed in float64 from differences. A bound on the rounding of the product
tells whether anybody else could be as near; where it does (samples far from the origin, or many alike), the distances
to all samples are computed in float64. So the answer never depends on rounding: neighbours are ordered by their exact
distance, those at one distance by their position.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from graphml.models.configuration import Device

_MOST_ROWS = 1 << 15  # of one segment
_FEWEST_ROWS = 64
_SCORES = 1 << 22  # distances that are held at a time: of blocks of 32 MB and more, malloc gives the pages back at once
_FEWEST_CANDIDATES = 32


class _Segment(NamedTuple):
    """samples: float32 [capacity, dimensions]. norms: |x|^2, infinite for rows that hold no sample. count: of those
    that do."""

    samples: jax.Array
    norms: jax.Array
    count: int


class Samples:
    """Samples in segments whose sizes are powers of two, so that adding some seldom compiles anything. Never changed:
    `with_more` gives another collection, which shares the full segments."""

    def __init__(self, dimensions: int, device: Device | None = None) -> None:
        self.dimensions = dimensions
        self.count = 0
        self._device = device
        self._segments: tuple[_Segment, ...] = ()
        self._largest = 0.0  # |x|^2
        self.exact_count = 0
        """How many queries the bound did not settle."""

    def with_more(self, rows: np.ndarray) -> Samples:
        """These and float32 [rows, dimensions] behind them."""
        other = Samples(self.dimensions, self._device)
        other.count = self.count + len(rows)
        other._largest = self._largest
        full = list(self._segments)
        start = np.zeros((0, self.dimensions), np.float32)
        if full and full[-1].count < _MOST_ROWS:
            last = full.pop()
            start = np.asarray(last.samples)[: last.count]
        done = 0
        while done < len(rows) or len(start):
            taken = min(len(rows) - done, _MOST_ROWS - len(start))
            segment, largest = _segment(start, rows[done : done + taken], self._device)
            full.append(segment)
            other._largest = max(other._largest, largest)
            done += taken
            start = start[:0]
        other._segments = tuple(full)
        return other

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        parts = [np.asarray(s.samples)[: s.count] for s in self._segments]
        whole = np.concatenate(parts) if parts else np.zeros((0, self.dimensions), np.float32)
        return whole if dtype is None else whole.astype(dtype)

    def nearest(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """(squared distances float64, positions) [queries, min(k, samples)] of the nearest, in order.

        queries: float32 [queries, dimensions], all finite.
        """
        k = min(k, self.count)
        distances = np.zeros((len(queries), k))
        positions = np.zeros((len(queries), k), np.int64)
        if k == 0:
            return distances, positions
        rows = max((len(segment.norms) for segment in self._segments), default=1)
        numbers = max(rows, _candidates_for(k) * self.dimensions)  # that are held for each query
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
                for s in self._segments
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
            found = [_all(s.samples, padded, np.int32(s.count), min(wanted, len(s.norms))) for s in self._segments]
            parts = [tuple(np.asarray(a)[: len(queries)] for a in one) for one in found]
        return _ordered([(d, i + n) for (d, i), n in zip(parts, self._starts, strict=True)], k)

    @property
    def _starts(self) -> list[int]:
        return [number * _MOST_ROWS for number in range(len(self._segments))]

    def _rounding(self, queries: np.ndarray) -> np.ndarray:
        """How far a distance by the product may be from the exact one: [queries]."""
        norms = np.einsum("ij,ij->i", queries, queries, dtype=np.float64)
        unit = (self.dimensions + 8) * 2.0**-24
        if unit >= 0.5:
            return np.full(len(queries), np.inf)
        relative = unit / (1 - unit) * (self._largest + 2 * np.sqrt(norms * self._largest) + norms)
        return relative + (self.dimensions + 8) * 2.0**-124  # products too small for float32 count as zero


def _segment(start: np.ndarray, rows: np.ndarray, device: Device | None) -> tuple[_Segment, float]:
    count = len(start) + len(rows)
    capacity = max(_FEWEST_ROWS, 1 << (count - 1).bit_length())
    samples = np.zeros((capacity, rows.shape[1]), np.float32)
    samples[: len(start)], samples[len(start) : count] = start, rows
    norms = np.full(capacity, np.inf)
    norms[:count] = np.einsum("ij,ij->i", samples[:count], samples[:count], dtype=np.float64)
    largest = float(norms[:count].max()) if count else 0.0
    with np.errstate(over="ignore"):
        rounded = norms.astype(np.float32)
    return _Segment(jax.device_put(samples, device), jax.device_put(rounded, device), count), largest


def _candidates_for(k: int) -> int:
    return max(_FEWEST_CANDIDATES, 1 << (2 * k - 1).bit_length())


def _filled(queries: np.ndarray) -> np.ndarray:
    """Copies of the last query make their number a power of two."""
    missing = (1 << (len(queries) - 1).bit_length()) - len(queries)
    return np.concatenate([queries, np.repeat(queries[-1:], missing, 0)]) if missing else queries


def _ordered(parts: list[tuple[np.ndarray, np.ndarray]], k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest of what the segments have found: by distance, then by position."""
    distances = np.concatenate([d for d, _ in parts], axis=1)
    positions = np.concatenate([i for _, i in parts], axis=1)
    order = np.lexsort((positions, distances), axis=-1)[:, :k]
    return np.take_along_axis(distances, order, 1), np.take_along_axis(positions, order, 1)


# On the device -------------------------------------------------------------------------------------------------------


@functools.partial(jax.jit, static_argnames="wanted")
def _candidates(samples, norms, count, queries, wanted: int):
    """(exact squared distances, positions) [queries, wanted] of the samples that the product finds nearest, and the
    product's distance [queries] that none of the others falls below; infinite where there are no others."""
    contract = (((1,), (1,)), ((), ()))
    scores = norms - 2 * jax.lax.dot_general(queries, samples, contract, precision=jax.lax.Precision.HIGHEST)
    # the barrier keeps XLA from sorting everything for the sake of the last of the best
    best, positions = jax.lax.optimization_barrier(jax.lax.top_k(-scores, wanted))
    wide = queries.astype(jnp.float64)
    differences = samples[positions].astype(jnp.float64) - wide[:, None]
    distances = jnp.where(positions < count, jnp.sum(differences * differences, -1), jnp.inf)
    limit = -best[:, -1].astype(jnp.float64) + jnp.sum(wide * wide, -1)
    return distances, positions, jnp.full_like(limit, jnp.inf) if wanted == len(norms) else limit


@functools.partial(jax.jit, static_argnames="wanted")
def _all(samples, queries, count, wanted: int):
    """(squared distances, positions) [queries, wanted] of the nearest, all of them compared in float64."""
    held = jnp.arange(len(samples)) < count

    def one(query):
        differences = samples.astype(jnp.float64) - query.astype(jnp.float64)
        distances = jnp.where(held, jnp.sum(differences * differences, -1), jnp.inf)
        best, positions = jax.lax.top_k(-distances, wanted)
        return -best, positions

    return jax.lax.map(one, queries)
