"""Elements of fewer than 8 bits packed into bytes: consecutive, least significant bit first, across byte boundaries."""

from __future__ import annotations

import numpy as np

from graphml.spec.program.types import bits_of, dtype_of


def packed_size(name: str, count: int) -> int:
    """How many bytes `count` elements of a type take in a file."""
    return (count * bits_of(name) + 7) // 8


def unpack(packed: np.ndarray, name: str, count: int) -> np.ndarray:
    """The first `count` elements of a type of fewer than 8 bits.

    Args:
        packed: uint8, `packed_size` bytes.
        name: The type.
        count: How many elements.

    Returns:
        A flat array of the dtype given by `dtype_of`.
    """
    bits = bits_of(name)
    if bits == 4:
        both = np.empty((packed.size, 2), np.uint8)
        both[:, 0] = packed & 15
        both[:, 1] = packed >> 4
        codes = both.reshape(-1)[:count]
    elif bits == 1:
        codes = np.unpackbits(packed, count=count, bitorder="little")
    else:
        # 8 codes fill `bits` bytes: one column per code, so that no array of single bits is needed
        groups = np.zeros((-(-count // 8), bits), np.uint8)
        groups.reshape(-1)[: packed.size] = packed
        codes = np.empty((len(groups), 8), np.uint8)
        for place in range(8):
            byte, shift = divmod(place * bits, 8)
            column = groups[:, byte] >> shift
            if shift + bits > 8:
                column = column | groups[:, byte + 1] << (8 - shift)
            codes[:, place] = column & ((1 << bits) - 1)
        codes = codes.reshape(-1)[:count]
    return codes.view(dtype_of(name))  # int4 is in two's complement in both


def pack(elements: np.ndarray, name: str) -> bytes:
    """The inverse of `unpack`; the last byte is padded with zeros."""
    bits = bits_of(name)
    codes = elements.reshape(-1).astype(np.int8 if name == "int4" else np.uint8).view(np.uint8)
    spread = np.unpackbits(codes.reshape(-1, 1), axis=1, count=bits, bitorder="little")
    return np.packbits(spread.reshape(-1), bitorder="little").tobytes()
