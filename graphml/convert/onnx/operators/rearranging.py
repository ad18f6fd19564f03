"""Blocks of pixels become channels, and channels become blocks of pixels."""

from __future__ import annotations

from graphml.convert.onnx import basics
from graphml.convert.onnx.catalogue import operator
from graphml.convert.onnx.tensors import Tensor
from graphml.convert.onnx.writer import Writer
from graphml.errors import UnsupportedError


@operator("DepthToSpace")
def depth_to_space(w: Writer, x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    if mode not in ("DCR", "CRD"):
        raise UnsupportedError(f"the mode {mode!r} is neither DCR nor CRD")
    kind = "DEPTH_TO_SPACE" if mode == "DCR" else "PIXEL_SHUFFLE"
    return x if blocksize == 1 else w.layer("reorganizeData", [x], mode=kind, block_size=blocksize)


@operator("SpaceToDepth")
def space_to_depth(w: Writer, x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    if mode not in ("DCR", "CRD"):
        raise UnsupportedError(f"the mode {mode!r} is neither DCR nor CRD")
    if blocksize == 1:
        return x
    made = w.layer("reorganizeData", [x], mode="SPACE_TO_DEPTH", block_size=blocksize)
    if mode == "DCR":
        return made
    blocks = blocksize * blocksize
    split = basics.reshape(w, made, [(s[0], blocks, s[1] // blocks, *s[2:]) for s in made.shapes], [made])
    return basics.reshape(w, basics.transpose(w, split, [0, 2, 1, 3, 4]), made.shapes, [made])


@operator("ImageDecoder", ignored=("pixel_format",))
def image_decoder(w: Writer, x: Tensor) -> Tensor:
    raise UnsupportedError("it decodes a compressed image; convert the part of the model after the decoder")
