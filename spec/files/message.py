"""The bytes of an `.mlmodel` <-> a `Model` message, and a guess at what bytes are that are not a model."""

from __future__ import annotations

from google.protobuf.message import DecodeError, EncodeError

from graphml.errors import SpecError
from graphml.spec.files.disk import START
from graphml.spec.rules.counts import check_counts
from graphml.spec.wire.model_pb2 import Model

LARGEST = 2**31 - 1
"""The most bytes of a message that protobuf can parse."""

_DAMAGED = "the bytes are truncated, damaged or nested too deep, or were never a model"


def parse(data: bytes) -> Model:
    """Parse the bytes of an `.mlmodel`.

    Args:
        data: The content of the file.

    Returns:
        The message. Fields of newer versions are kept as unknown fields.

    Raises:
        SpecError: If the bytes are not a model; the message says what they look like.
    """
    if not data:
        raise SpecError("the file is empty")
    if len(data) > LARGEST:
        raise SpecError(f"a model can have at most {LARGEST} bytes, got {len(data)}")
    model = Model()
    try:
        model.ParseFromString(data)
    except (DecodeError, RecursionError):
        raise SpecError(f"this is not an .mlmodel file: {_guess(data) or _DAMAGED}") from None
    if model.WhichOneof("Type") is None and not model.description.ByteSize():
        raise SpecError(f"this is not an .mlmodel file: {_guess(data) or 'it has no description and no model type'}")
    check_counts(model)
    return model


def serialize(model: Model) -> bytes:
    """Serialize a model; equal models give equal bytes, unknown fields included.

    Raises:
        SpecError: If the message is too large or nested too deep.
    """
    try:
        return model.SerializeToString(deterministic=True)
    except (EncodeError, ValueError, RecursionError) as error:
        raise SpecError(f"the model cannot be written: {error}") from None


def check_start(start: bytes) -> None:
    """Refuse a file by its first byte, before gigabytes of zeros are read.

    A message starts with a field number, at least 1, above three bits for the wire type.

    Raises:
        SpecError: If no message starts like this.
    """
    if start and start[0] < 1 << 3:
        raise SpecError(f"this is not an .mlmodel file: {_guess(start) or _DAMAGED}")


def _guess(data: bytes) -> str | None:
    """A guess at what bytes are that are not a model."""
    start = bytes(data[:START])
    if start.startswith(b"version https://git-lfs"):
        return "it is a git-lfs pointer; `git lfs pull` fetches the file itself"
    for magic, what in _MAGIC.items():
        if start.startswith(magic):
            return f"it looks like {what}"
    if start.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return "it looks like an HTML page, perhaps from a failed download"
    if start.isascii() and all(byte >= 32 or byte in b"\t\n\r" for byte in start):
        return "it looks like text"
    return None


_MAGIC = {
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x89HDF": "an HDF5 file",
    b"\x80\x02": "a Python pickle",
    b"\x80\x04": "a Python pickle",
}
