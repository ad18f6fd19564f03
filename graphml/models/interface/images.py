"""Images: from files, bytes, Pillow images or arrays to the pixels [channels, height, width] of a model, and back.

Pixels are float32 with values from 0 to 255; colour planes are in the order of the feature (RGB or BGR).
"""

from __future__ import annotations

import enum
import io
import os
import re
import sys
import threading
import warnings
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np

from graphml.descriptions import ImageConstraint, Size
from graphml.errors import FeatureError, ShapeError, need, reason
from graphml.spec.files import open_regular

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
"""The formats that are read. Pillow has dozens more, which are rarely used and offer more ways to attack."""

_opening = threading.Lock()  # all threads share the filters of warnings
_REDUCING_GAP = 3.0  # shrink by an integer factor first, and leave at least this factor to the filter
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class CropAndScale(enum.Enum):
    """How an image is fitted to another size; the numbers are those of Apple's Vision framework.

    CENTER_CROP scales until the shorter side fits and crops the longer one on both sides. SCALE_FIT scales until the
    longer side fits and centres the image on black. SCALE_FILL stretches. The ROTATE_90_CCW forms first turn the image
    by 90 degrees counterclockwise.
    """

    CENTER_CROP = 0
    SCALE_FIT = 1
    SCALE_FILL = 2
    SCALE_FIT_ROTATE_90_CCW = 257
    SCALE_FILL_ROTATE_90_CCW = 258


@dataclass(frozen=True)
class ImageOptions:
    """How to crop and scale an image.

    Attributes:
        crop_rect: The part of the (upright) image to use: x, y, width, height as fractions of its size, from the top
            left corner. None: all of it.
        crop_and_scale: How this part is fitted to the size of the feature.
    """

    crop_rect: tuple[float, float, float, float] | None = None
    crop_and_scale: CropAndScale = CropAndScale.CENTER_CROP


def pixels(
    value: Any,
    constraint: ImageConstraint,
    options: ImageOptions | None = None,
    *,
    given: ImageConstraint | None = None,
) -> np.ndarray:
    """Read an image and convert it to the size and colours of a feature.

    Files and Pillow images are rotated according to their Exif data and scaled. Arrays must have an allowed size,
    unless `options` say how to scale them. Alpha is ignored. An image that has an allowed size is not resampled, and
    float arrays keep their values; otherwise Pillow's antialiased bilinear filter is used.

    Args:
        value: A path, a file:// URL, the bytes of a file, a file object opened in binary mode, or a Pillow image. Or an
            array with values from 0 to 255 (bool: 0 and 255): [height, width], [height, width, 1 | 3 | 4] with channels
            in the order red, green, blue, alpha, or [channels, height, width] in the order of the feature, as `pixels`
            returns it. If both are possible, the exact shape of the feature decides, otherwise channels are last. A
            stack of 3 or 4 grey images is never read as the channels of one image.
        constraint: What the feature takes.
        options: How to crop and scale.
        given: The constraint of the feature that an array belongs to, if it is another one: its shape and its order of
            colours decide how the array is read.

    Returns:
        float32 [channels, height, width].

    Raises:
        FeatureError: If the value cannot be read as an image, has a format that is not in `FORMATS`, is an array of a
            size that is not allowed, or has more pixels than `constraint.most_pixels`.
    """
    if constraint.width < 1 or constraint.height < 1:
        raise FeatureError("the model declares no size for this image")
    scaled, options = options is not None, ImageOptions() if options is None else options
    given = constraint if given is None else given
    if not _is_pillow(value):
        value = _opened(value, constraint)
    if _is_pillow(value):
        planes = _from_pillow(value, constraint)
    else:
        array = np.asarray(value)
        if (
            array.shape == constraint.shape
            and array.dtype == np.float32
            and given.color_space == constraint.color_space
            and options.crop_rect is None
            and (options.crop_and_scale.value < 256)
        ):
            return _stored(array, constraint)
        planes = _from_array(array, given)
        if not scaled:
            _check_size(planes[0].shape, constraint)
    return _stored(_planes(_fitted(planes, constraint, options), constraint), constraint)


def _check_size(shape: tuple[int, ...], constraint: ImageConstraint) -> None:
    height, width = shape
    if constraint.size_for((width, height)) != (width, height):
        raise FeatureError(
            f"the array holds an image {width} x {height} (width x height), which is not an allowed size. Arrays are "
            "only scaled if they are passed as FeatureValue.from_image(array, constraint, ImageOptions())"
        )


def picture(array: np.ndarray, color_space: str) -> Any:
    """Convert pixels to a Pillow image.

    Args:
        array: [channels, height, width]; leading axes of size 1 are dropped.
        color_space: GRAYSCALE, RGB, BGR or GRAYSCALE_FLOAT16.

    Returns:
        An image of mode "RGBA" for colours or "L" for grey, with values clipped and rounded, or of mode "F" with the
        values as float16 for GRAYSCALE_FLOAT16.

    Raises:
        ShapeError: If the array has another shape.
        MissingExtraError: If Pillow is not installed.
    """
    image = need("PIL.Image", "images")
    channels = 3 if color_space in ("RGB", "BGR") else 1
    shape = np.shape(array)
    array = np.asarray(array, np.float32)
    while array.ndim > 3 and array.shape[0] == 1:
        array = array[0]
    array = array[None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[0] != channels:
        raise ShapeError(f"expected [{channels}, height, width] for an image {color_space}, got {list(shape)}")
    if color_space == "GRAYSCALE_FLOAT16":
        with np.errstate(over="ignore"):
            return image.fromarray(array[0].astype(np.float16).astype(np.float32))
    rounded = np.rint(np.clip(np.nan_to_num(array, nan=0.0), 0, 255)).astype(np.uint8)
    if channels == 1:
        return image.fromarray(rounded[0])
    planes = rounded[::-1] if color_space == "BGR" else rounded
    return image.fromarray(np.dstack([*planes, np.full(planes.shape[1:], 255, np.uint8)]))


# Reading: to an upright Pillow image of mode L or RGB, or a list of float planes -------------------------------------


def _is_pillow(value: Any) -> bool:
    module = sys.modules.get("PIL.Image")  # such an image exists only if this is imported
    return module is not None and isinstance(value, module.Image)


def _opened(value: Any, constraint: ImageConstraint) -> Any:
    """A decompressed Pillow image if the value is an image file or its bytes; any other value unchanged."""
    if isinstance(value, str | os.PathLike):
        name = f"the image {os.fspath(value)!r}"
        try:
            with open_regular(_path(value)) as file:
                return _unpacked(file, name, constraint)
        except (OSError, ValueError) as error:  # ValueError: a name with a null character
            raise FeatureError(f"{name} cannot be read: {reason(error)}") from None
    if isinstance(value, bytes | bytearray) or (isinstance(value, memoryview) and value.ndim == 1):
        return _unpacked(io.BytesIO(value), "the image", constraint)
    if isinstance(value, io.TextIOBase):
        raise FeatureError("the image is a file that was opened as text; open it in binary mode, 'rb'")
    return _unpacked(value, "the image", constraint) if hasattr(value, "read") else value


def _path(value: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """The path, also of a file:// URL."""
    text = os.fspath(value)
    if not isinstance(text, str) or not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        return value
    url = urlsplit(text)
    if url.scheme.lower() != "file" or url.netloc not in ("", "localhost"):
        raise FeatureError(
            f"cannot read the image {text!r}: the only URLs that can be read are file:/// on this machine"
        )
    return url2pathname(url.path)


def _unpacked(file: Any, name: str, constraint: ImageConstraint) -> Any:
    image = need("PIL.Image", "images")
    try:
        with _opening, warnings.catch_warnings():  # Pillow's own limit; ours is checked next
            warnings.simplefilter("ignore", image.DecompressionBombWarning)
            opened = image.open(file, formats=FORMATS)
        _check_pixels(opened.size, name, constraint)
        opened.load()
    except image.DecompressionBombError as error:
        raise FeatureError(f"{name} is suspiciously large: {error} (PIL.Image.MAX_IMAGE_PIXELS)") from None
    except image.UnidentifiedImageError:
        raise FeatureError(f"{name} cannot be read: it is not one of {', '.join(FORMATS)}, or it is damaged") from None
    except FeatureError:
        raise
    except Exception as error:  # decoders raise errors of any type for damaged bytes
        raise FeatureError(f"{name} cannot be read: {reason(error)}") from None
    return opened


def _check_pixels(size: Size, name: str, constraint: ImageConstraint) -> None:
    width, height = size
    if width * height > constraint.most_pixels:
        raise FeatureError(
            f"{name} is suspiciously large: {width} x {height} pixels; at most {constraint.most_pixels} are allowed, "
            "see max_image_pixels of ModelConfiguration"
        )


def _from_pillow(image, constraint: ImageConstraint):
    """An upright image of mode L or RGB; a list of one float plane for modes with more than 8 bits."""
    _check_pixels(image.size, "the image", constraint)  # it may not have been decompressed yet
    try:
        image = need("PIL.ImageOps", "images").exif_transpose(image)
        if image.mode in ("F", "I") or image.mode.startswith("I;16"):
            plane = np.asarray(image).astype(np.float32)
            return [plane / np.float32(257)] if image.mode.startswith("I;16") else [plane]
        return image.convert("L" if constraint.channels == 1 else "RGB")
    except Exception as error:  # decoders raise errors of any type for damaged bytes
        raise FeatureError(f"the image cannot be read: {reason(error)}") from None


def _from_array(array: np.ndarray, constraint: ImageConstraint):
    """A list of planes in the order red, green, blue or one grey plane; uint8 or float32."""
    shape = list(array.shape)
    if array.dtype.kind not in "biuf" and not array.dtype.name.startswith("bfloat"):
        raise FeatureError(f"cannot read an array of {array.dtype} as an image; expected integers or floats")
    while array.ndim > 3 and array.shape[0] == 1:
        array = array[0]
    if array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype != np.uint8:
        array = array.astype(np.float32)
    if 0 in array.shape:
        raise FeatureError(f"cannot read an array of shape {shape} as an image: it is empty")
    if array.ndim == 2:
        return [array]
    if constraint.channels == 1 and array.ndim == 3 and _is_stack(array.shape, constraint):
        raise FeatureError(f"an array of shape {shape} has {array.shape[0]} grey images; expected one, [height, width]")
    if array.shape != constraint.shape and array.ndim == 3 and array.shape[2] in (1, 3, 4):
        return [array[:, :, i] for i in range(min(array.shape[2], 3))]
    if array.ndim == 3 and array.shape[0] in (1, 3, 4):
        planes = [array[i] for i in range(min(array.shape[0], 3))]
        return planes[::-1] if constraint.color_space == "BGR" else planes
    raise FeatureError(
        f"cannot read an array of shape {shape} as an image; expected [height, width], [height, width, 1 | 3 | 4] or "
        "[1 | 3 | 4, height, width]"
    )


def _is_stack(shape: tuple[int, ...], constraint: ImageConstraint) -> bool:
    """Whether an array for a grey image may be a stack of three or four images, and not one with channels last."""
    count, height, width = shape
    return count in (3, 4) and (width not in (1, 3, 4) or constraint.size_for((width, height)) == (width, height))


# Cropping and scaling ------------------------------------------------------------------------------------------------


def _fitted(image, constraint: ImageConstraint, options: ImageOptions):
    """The image, or the planes, in an allowed size."""
    planes = isinstance(image, list)
    height, width = image[0].shape if planes else image.size[::-1]
    box = _crop_box((width, height), options.crop_rect)
    mode = options.crop_and_scale
    turned = mode in (CropAndScale.SCALE_FIT_ROTATE_90_CCW, CropAndScale.SCALE_FILL_ROTATE_90_CCW)
    across, down = max(1, round(box[2] - box[0])), max(1, round(box[3] - box[1]))
    target = constraint.size_for((down, across) if turned else (across, down))
    if (width, height) == target and box == (0, 0, width, height) and not turned:
        return image
    parts = [_pillow_plane(plane) for plane in image] if planes else [image]
    parts = [_placed(part, box, target, mode, turned) for part in parts]
    return [np.asarray(part) for part in parts] if planes else parts[0]


def _pillow_plane(plane: np.ndarray):
    return need("PIL.Image", "images").fromarray(np.ascontiguousarray(plane))  # mode L for uint8, F for float32


def _crop_box(size: Size, rect) -> tuple[float, float, float, float]:
    """Left, top, right, bottom in pixels."""
    if rect is None:
        return 0, 0, *size
    x, y, width, height = rect
    if not (0 <= x < 1 and 0 <= y < 1 and 0 < width <= 1 - x + 1e-6 and 0 < height <= 1 - y + 1e-6):
        raise FeatureError(f"crop_rect {tuple(rect)} is not x, y, width, height inside the unit square")
    right, bottom = min(x + width, 1), min(y + height, 1)
    return x * size[0], y * size[1], right * size[0], bottom * size[1]


def _placed(image, box, target: Size, mode: CropAndScale, turned: bool):
    """A Pillow image resampled from `box`, rotated, and cropped or placed on black to have the size `target`."""
    pillow = need("PIL.Image", "images")
    across, down = box[2] - box[0], box[3] - box[1]
    upright = target[::-1] if turned else target
    size = upright
    scales = upright[0] / across, upright[1] / down
    if mode is CropAndScale.CENTER_CROP:
        size = max(size[0], round(across * max(scales))), max(size[1], round(down * max(scales)))
    elif mode in (CropAndScale.SCALE_FIT, CropAndScale.SCALE_FIT_ROTATE_90_CCW):
        size = max(1, round(across * min(scales))), max(1, round(down * min(scales)))
    scaled = image.resize(size, pillow.Resampling.BILINEAR, box=box, reducing_gap=_REDUCING_GAP)
    scaled = scaled.transpose(pillow.Transpose.ROTATE_90) if turned else scaled
    if scaled.size == target:
        return scaled
    if mode is CropAndScale.CENTER_CROP:
        left, top = (scaled.size[0] - target[0]) // 2, (scaled.size[1] - target[1]) // 2
        return scaled.crop((left, top, left + target[0], top + target[1]))
    canvas = pillow.new(image.mode, target)
    canvas.paste(scaled, ((target[0] - scaled.size[0]) // 2, (target[1] - scaled.size[1]) // 2))
    return canvas


# Colours -------------------------------------------------------------------------------------------------------------


def _planes(image, constraint: ImageConstraint) -> np.ndarray:
    """[channels, height, width] in the order of the feature."""
    if not isinstance(image, list):
        array = np.asarray(image)
        image = [array] if array.ndim == 2 else [array[:, :, i] for i in range(3)]
    if constraint.channels == 1 and len(image) == 3:
        return np.tensordot(LUMA, np.stack(image).astype(np.float32), 1)[None]
    if constraint.channels == 3:
        image = image * 3 if len(image) == 1 else image
        image = image[::-1] if constraint.color_space == "BGR" else image
    return np.stack(image)


def _stored(array: np.ndarray, constraint: ImageConstraint) -> np.ndarray:
    if constraint.color_space == "GRAYSCALE_FLOAT16":
        with np.errstate(over="ignore"):
            array = array.astype(np.float16)
    return array.astype(np.float32, copy=False)
