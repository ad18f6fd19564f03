"""From files, Pillow images and arrays to pixels, and back."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphml.build import NeuralNetworkBuilder, array, image
from graphml.descriptions import ImageConstraint, describe_feature
from graphml.errors import FeatureError, ShapeError
from graphml.models import ModelConfiguration, load
from graphml.models.interface.images import CropAndScale, ImageOptions, picture, pixels
from graphml.models.interface.values import FeatureValue
from graphml.spec import FeatureDescription as Message
from graphml.spec import ImageFeatureType

Image = pytest.importorskip("PIL.Image", reason="reading images needs Pillow, which is not installed")

RGB, BGR, GRAY = (ImageConstraint(3, 2, color) for color in ("RGB", "BGR", "GRAYSCALE"))
# two rows of three pixels, every value its own
SMALL = np.arange(18, dtype=np.uint8).reshape(2, 3, 3) * 10


def options(crop_and_scale: CropAndScale, crop_rect=None) -> ImageOptions:
    return ImageOptions(crop_rect=crop_rect, crop_and_scale=crop_and_scale)


# Colours -------------------------------------------------------------------------------------------------------------


def test_planes_come_in_the_order_of_the_feature():
    np.testing.assert_array_equal(pixels(Image.fromarray(SMALL), RGB), SMALL.transpose(2, 0, 1))
    np.testing.assert_array_equal(pixels(Image.fromarray(SMALL), BGR), SMALL.transpose(2, 0, 1)[::-1])
    np.testing.assert_array_equal(pixels(SMALL, BGR), SMALL.transpose(2, 0, 1)[::-1])
    value = pixels(SMALL, RGB)
    assert value.dtype == np.float32
    assert value.shape == (3, 2, 3)


def test_channels_first_arrays_are_in_the_feature_s_own_order():
    planes = SMALL.transpose(2, 0, 1)
    np.testing.assert_array_equal(pixels(planes, BGR), planes)
    once = pixels(SMALL, BGR)
    assert pixels(once, BGR) is once  # what a check returns passes the next one unchanged


def test_where_both_readings_are_possible_the_exact_shape_wins_and_else_channels_are_last():
    both = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    np.testing.assert_array_equal(pixels(both, ImageConstraint(3, 4)), both)
    np.testing.assert_array_equal(pixels(both, ImageConstraint(4, 3)), both.transpose(2, 0, 1))


def test_grey_of_colours_is_luma():
    value = pixels(SMALL.astype(np.float32), GRAY)
    np.testing.assert_allclose(value[0], SMALL @ [0.299, 0.587, 0.114], rtol=1e-6)
    np.testing.assert_allclose(pixels(Image.fromarray(SMALL), GRAY)[0], SMALL @ [0.299, 0.587, 0.114], atol=1)


@pytest.mark.parametrize("shape", [(2, 5), (2, 5, 1), (1, 2, 5), (1, 1, 2, 5), (1, 1, 1, 2, 5)])
def test_grey_arrays_fill_every_plane(shape):
    gray = np.arange(10, dtype=np.float64).reshape(shape)
    plane = np.arange(10).reshape(1, 2, 5)
    np.testing.assert_array_equal(pixels(gray, ImageConstraint(5, 2, "GRAYSCALE")), plane)
    np.testing.assert_array_equal(pixels(gray, ImageConstraint(5, 2)), np.tile(plane, (3, 1, 1)))


@pytest.mark.parametrize("last", [True, False])
def test_alpha_is_ignored(last):
    wide = np.arange(40, dtype=np.uint8).reshape(2, 5, 4)
    value = pixels(wide if last else wide.transpose(2, 0, 1), ImageConstraint(5, 2))
    np.testing.assert_array_equal(value, wide.transpose(2, 0, 1)[:3])
    np.testing.assert_array_equal(pixels(Image.fromarray(wide), ImageConstraint(5, 2)), value)


def test_float_arrays_keep_their_values():
    values = np.array([[-1.5, 0.25, 300.0], [1.0, np.inf, 0.0]], np.float32)
    np.testing.assert_array_equal(pixels(values, GRAY)[0], values)
    np.testing.assert_array_equal(pixels(values.astype(np.float64), GRAY)[0], values)


def test_truth_values_are_black_and_white():
    np.testing.assert_array_equal(pixels(np.eye(2, 3, dtype=bool), GRAY)[0], np.eye(2, 3) * 255)


@pytest.mark.parametrize(
    ("mode", "make", "expected"),
    [
        ("1", lambda: Image.new("1", (3, 2), 1), 255),
        ("L", lambda: Image.new("L", (3, 2), 7), 7),
        ("LA", lambda: Image.new("LA", (3, 2), (7, 0)), 7),
        ("P", lambda: Image.new("RGB", (3, 2), (9, 9, 9)).convert("P", palette=Image.Palette.ADAPTIVE), 9),
        ("RGBA", lambda: Image.new("RGBA", (3, 2), (9, 9, 9, 3)), 9),
        ("CMYK", lambda: Image.new("CMYK", (3, 2), (0, 0, 0, 155)), 100),
        ("I;16", lambda: Image.fromarray(np.full((2, 3), 257 * 100, np.uint16)), 100),
        ("I", lambda: Image.fromarray(np.full((2, 3), 42, np.int32)), 42),
        ("F", lambda: Image.fromarray(np.full((2, 3), 0.5, np.float32)), 0.5),
    ],
)
@pytest.mark.parametrize("constraint", [RGB, GRAY], ids=["rgb", "gray"])
def test_every_mode_is_converted(mode, make, expected, constraint):
    image = make()
    assert image.mode == mode
    np.testing.assert_allclose(pixels(image, constraint), np.full(constraint.shape, expected), atol=0.01)


def test_float16_grey_has_the_precision_of_float16():
    constraint = ImageConstraint(1, 1, "GRAYSCALE_FLOAT16")
    value = pixels(np.array([[0.1]]), constraint)
    assert value.dtype == np.float32
    assert value.item() == np.float32(np.float16(0.1))


# Files ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(tmp_path, orientation):
    upright = np.array([[0, 255], [128, 128], [128, 128]], np.uint8)  # dark corner top left, bright top right
    # the stored picture is the upright one with the inverse of the transformation that the tag asks for
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    image = Image.fromarray(np.kron(stored, np.ones((8, 8), np.uint8)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.jpg"
    image.save(path, exif=exif, quality=95)
    with Image.open(path) as opened:
        values = [pixels(source, ImageConstraint(16, 24, "GRAYSCALE")) for source in (path, str(path), opened)]
    for value in values:
        np.testing.assert_allclose(value[0], np.kron(upright, np.ones((8, 8))), atol=8)


def test_unreadable_files_are_refused(tmp_path):
    with pytest.raises(FeatureError, match=r"missing\.png' cannot be read"):
        pixels(tmp_path / "missing.png", RGB)
    text = tmp_path / "text.png"
    text.write_text("no image")
    with pytest.raises(FeatureError, match=r"text\.png' cannot be read"):
        pixels(str(text), RGB)
    whole = tmp_path / "whole.png"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(whole)
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole.read_bytes()[:4000])
    with pytest.raises(FeatureError, match=r"cut\.png' cannot be read"):
        pixels(cut, RGB)
    with Image.open(cut) as image, pytest.raises(FeatureError, match="cannot be read"):
        pixels(image, RGB)


def test_decompression_bombs_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "large.png"
    Image.new("L", (100, 100)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4000)
    with pytest.raises(FeatureError, match="suspiciously large"):
        pixels(path, GRAY)


def _encoded(picture, format="PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


class _Pipe(io.RawIOBase):
    """A file that cannot go back."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return self._file.readinto(buffer)


@pytest.mark.parametrize("constraint", [RGB, ImageConstraint(2, 2)], ids=["as it is", "scaled"])
def test_pictures_come_as_paths_urls_bytes_and_files(tmp_path, constraint):
    path = tmp_path / "a b%.png"
    Image.fromarray(SMALL).save(path)
    data = path.read_bytes()
    expected = pixels(Image.fromarray(SMALL), constraint)
    with open(path, "rb") as opened:
        sources = [
            *(path, str(path), path.as_uri(), path.as_uri().replace("file://", "FILE://localhost")),
            *(data, bytearray(data), memoryview(data), opened, io.BytesIO(data), _Pipe(data)),
        ]
        for source in sources:
            np.testing.assert_array_equal(pixels(source, constraint), expected)
        np.testing.assert_array_equal(pixels(opened, constraint), expected)  # once more
    np.testing.assert_array_equal(FeatureValue.from_image(data, constraint).value, expected)


def test_a_network_takes_a_picture_in_any_form():
    builder = NeuralNetworkBuilder({"x": image(3, 2)}, {"y": array(3, 2, 3)})
    builder.add("activation", "same", ["x"], ["y"], linear={"alpha": 1.0})
    model = load(builder.spec)
    np.testing.assert_array_equal(model.predict({"x": _encoded(Image.fromarray(SMALL))})["y"], SMALL.transpose(2, 0, 1))
    with pytest.raises(FeatureError, match=r"'x' takes an image RGB 3 x 2, .*: the array holds an image 3 x 3 "):
        model.predict({"x": np.zeros((3, 3, 3, 1))[..., 0]})


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_formats_that_are_read(format):
    assert pixels(_encoded(Image.fromarray(SMALL[:, :, 0]), format), GRAY).shape == (1, 2, 3)


@pytest.mark.parametrize("format", ["PPM", "TGA", "ICO", "PCX", "EPS"])
def test_formats_that_are_not_read(format):
    data = _encoded(Image.fromarray(SMALL).convert("RGB"), format)
    with pytest.raises(FeatureError, match="cannot be read: it is not one of PNG, JPEG, GIF, BMP, TIFF, WEBP"):
        pixels(data, RGB)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("https://example.com/a.png", "the only URLs that can be read are file:/// on this machine"),
        ("file://elsewhere/a.png", "the only URLs that can be read are file:/// on this machine"),
        ("file:///no/such/a.png", "cannot be read"),
        ("a\0.png", "cannot be read: embedded null"),
        (b"", "cannot be read"),
        (b"\x89PNG\r\n\x1a\n", "cannot be read"),
        (io.StringIO("text"), "open it in binary mode, 'rb'"),
    ],
)
def test_other_sources_are_refused(source, words):
    with pytest.raises(FeatureError, match=words):
        pixels(source, RGB)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_do_not_block(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(FeatureError, match=r"cannot be read: .*the file a\.png is not a regular file"):
        pixels(tmp_path / "a.png", RGB)


def _bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header promises that many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(8192, 8193), (10_000, 10_000), (30_000, 30_000), (2**31 - 1, 2**31 - 1)])
def test_pictures_that_would_fill_the_memory_are_refused_before_they_are_unpacked(size):
    with warnings.catch_warnings(record=True) as warned, pytest.raises(FeatureError, match="suspiciously large"):
        warnings.simplefilter("always")
        pixels(_bomb(*size), RGB)
    assert not warned
    if max(size) < 20_000:
        warns = pytest.warns(Image.DecompressionBombWarning) if size[0] == 10_000 else nullcontext()
        with (
            warns,
            Image.open(io.BytesIO(_bomb(*size))) as lazy,
            pytest.raises(FeatureError, match="suspiciously large"),
        ):
            pixels(lazy, RGB)


def test_a_configuration_sets_how_large_pictures_may_be():
    builder = NeuralNetworkBuilder({"x": image(3, 2)}, {"y": array(3, 2, 3)})
    builder.add("activation", "same", ["x"], ["y"], linear={"alpha": 1.0})
    large = _encoded(Image.new("RGB", (60, 40), (9, 9, 9)))
    narrow = load(builder.spec, configuration=ModelConfiguration(max_image_pixels=2399))
    with pytest.raises(FeatureError, match="60 x 40 pixels; at most 2399 are allowed, see max_image_pixels"):
        narrow.predict({"x": large})
    wide = load(builder.spec, configuration=ModelConfiguration(max_image_pixels=2400))
    assert (wide.predict({"x": large})["y"] == 9).all()
    assert pixels(large, replace(RGB, most_pixels=2400)).shape == (3, 2, 3)


# Arrays --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4, 4), (2, 4, 3), (3, 3, 3), (1, 3, 2), (3, 1, 1), (4, 2, 4)])
def test_arrays_of_another_size_are_refused_and_scaled_on_request(shape):
    with pytest.raises(
        FeatureError, match=r"which is not an allowed size\. Arrays are only scaled if they are passed as"
    ):
        pixels(np.zeros(shape), RGB)
    assert FeatureValue.from_image(np.zeros(shape), RGB, ImageOptions()).value.shape == (3, 2, 3)


@pytest.mark.parametrize("shape", [(3, 28, 28), (4, 28, 28), (1, 3, 28, 28)])
@pytest.mark.parametrize("asked", [None, ImageOptions()], ids=["as it is", "scaled"])
def test_a_stack_of_grey_pictures_is_never_read_as_colours(shape, asked):
    digit = ImageConstraint(28, 28, "GRAYSCALE")
    with pytest.raises(FeatureError, match=r"has [34] grey images; expected one, \[height, width\]"):
        pixels(np.zeros(shape), digit, asked)
    assert pixels(np.zeros((28, 28, 3)), digit).shape == (1, 28, 28)


def test_the_smallest_stacks_are_told_from_colours_by_their_size():
    stack = np.zeros((3, 4, 3))  # three pictures of 4 rows and 3 columns, or colours of 3 rows and 4 columns
    with pytest.raises(FeatureError, match="has 3 grey images"):
        pixels(stack, ImageConstraint(3, 4, "GRAYSCALE"))
    assert pixels(stack, ImageConstraint(4, 3, "GRAYSCALE")).shape == (1, 3, 4)
    with pytest.raises(FeatureError, match="has 3 grey images"):
        pixels(np.zeros((3, 3, 3)), ImageConstraint(3, 3, "GRAYSCALE"))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            np.zeros((2, 3, 3, 3)),
            r"cannot read an array of shape \[2, 3, 3, 3\] as an image; expected \[height, width\], ",
        ),
        (np.zeros(6), r"an array of shape \[6\] as an image"),
        (np.zeros((0, 3)), "is empty"),
        (np.array([["a"]]), "cannot read an array of <U1 as an image"),
        (np.zeros((2, 3), complex), "cannot read an array of complex128 as an image"),
        (None, "cannot read an array of object as an image"),
    ],
)
def test_what_is_not_an_image_is_refused(value, words):
    with pytest.raises(FeatureError, match=words):
        pixels(value, RGB)


# Sizes ---------------------------------------------------------------------------------------------------------------


def test_center_crop_without_scaling_cuts_both_sides():
    wide = np.arange(5, dtype=np.uint8).reshape(1, 5) * 10
    assert pixels(wide, ImageConstraint(1, 1, "GRAYSCALE"), ImageOptions()).tolist() == [[[20]]]
    # an odd margin: one pixel more is cut off at the end, and nothing is blurred
    square = ImageConstraint(2, 2, "GRAYSCALE")
    assert pixels(np.arange(8).reshape(2, 4), square, ImageOptions()).tolist() == [[[1, 2], [5, 6]]]
    assert pixels(np.arange(10).reshape(2, 5), square, ImageOptions()).tolist() == [[[1, 2], [6, 7]]]


def test_center_crop_scales_the_shorter_side():
    # 2 x 6 becomes 1 x 3, of which the middle is left; at this scale the filter reaches two pixels beyond it
    strip = np.array([[90, 0, 10, 20, 90, 90], [90, 0, 30, 40, 90, 90]], np.float32)
    rows = [0.25 * 0 + 0.75 * 10 + 0.75 * 20 + 0.25 * 90, 0.25 * 0 + 0.75 * 30 + 0.75 * 40 + 0.25 * 90]
    assert pixels(strip, ImageConstraint(1, 1, "GRAYSCALE"), ImageOptions()).item() == pytest.approx(sum(rows) / 2 / 2)


def test_scale_fit_centres_on_black():
    white = np.full((2, 4), 255, np.uint8)
    value = pixels(white, ImageConstraint(4, 4, "GRAYSCALE"), options(CropAndScale.SCALE_FIT))[0]
    assert value.tolist() == [[0] * 4, [255] * 4, [255] * 4, [0] * 4]
    value = pixels(white.T, ImageConstraint(2, 2, "GRAYSCALE"), options(CropAndScale.SCALE_FIT))[0]
    assert value.tolist() == [[255, 0], [255, 0]]


def test_scale_fill_stretches():
    halves = np.array([[0, 0, 200, 200]], np.float32)
    value = pixels(halves, ImageConstraint(2, 3, "GRAYSCALE"), options(CropAndScale.SCALE_FILL))[0]
    # in reach of each result are both pixels of its half (weight 3/4) and one of the other (weight 1/4)
    expected = [200 * 0.25 / 1.75, 200 * 1.5 / 1.75]
    np.testing.assert_allclose(value, [expected] * 3, rtol=1e-5)


def test_rotated_scaling_rotates_counterclockwise():
    corner = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    turned = np.rot90(corner)  # counter-clockwise
    fill = pixels(corner, ImageConstraint(2, 3, "GRAYSCALE"), options(CropAndScale.SCALE_FILL_ROTATE_90_CCW))
    np.testing.assert_array_equal(fill[0], turned)
    fit = pixels(corner, ImageConstraint(4, 3, "GRAYSCALE"), options(CropAndScale.SCALE_FIT_ROTATE_90_CCW))
    np.testing.assert_array_equal(fit[0], np.pad(turned, ((0, 0), (1, 1))))


def test_rotation_happens_even_where_the_size_fits():
    square = np.array([[1, 2], [3, 4]], np.float32)
    constraint = ImageConstraint(2, 2, "GRAYSCALE")
    turned = pixels(square[None], constraint, options(CropAndScale.SCALE_FILL_ROTATE_90_CCW))
    assert turned.tolist() == [[[2, 4], [1, 3]]]


def test_crop_rect_is_a_fraction_from_the_top_left_corner():
    square = np.arange(16, dtype=np.uint8).reshape(4, 4)
    constraint = ImageConstraint(2, 1, "GRAYSCALE")
    value = pixels(square, constraint, ImageOptions(crop_rect=(0.5, 0.25, 0.5, 0.25)))
    assert value.tolist() == [[[6, 7]]]


@pytest.mark.parametrize("rect", [(0, 0, 0, 1), (0.5, 0, 0.6, 1), (-0.1, 0, 1, 1), (0, 1, 1, 1)])
def test_crop_rects_outside_the_image_are_refused(rect):
    with pytest.raises(FeatureError, match="inside the unit square"):
        pixels(SMALL, RGB, ImageOptions(crop_rect=rect))


@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(1, 12), st.integers(1, 12), st.sampled_from(list(CropAndScale))
)
def test_any_size_becomes_the_wanted_one(width, height, wanted_width, wanted_height, mode):
    for dtype in (np.uint8, np.float32):
        constraint = ImageConstraint(wanted_width, wanted_height, "RGB")
        value = pixels(np.full((height, width, 3), 100, dtype), constraint, options(mode))
        assert value.shape == constraint.shape
        assert set(np.unique(np.rint(value))) <= {0, 100}
        if "FIT" not in mode.name:
            np.testing.assert_allclose(value, 100, rtol=1e-5)


def test_resampling_is_antialiased():
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    value = pixels(Image.fromarray(stripes), ImageConstraint(8, 8, "GRAYSCALE"))
    np.testing.assert_allclose(value, 127.5, atol=6)


def test_flexible_sizes_keep_what_is_allowed():
    ranged = ImageConstraint(4, 4, "GRAYSCALE", width_range=(2, 6), height_range=(3, None))
    assert pixels(np.zeros((9, 5)), ranged).shape == (1, 9, 5)
    assert pixels(np.zeros((2, 8)), ranged, ImageOptions()).shape == (1, 3, 6)
    listed = ImageConstraint(4, 4, "GRAYSCALE", sizes=((4, 4), (8, 2)))
    assert pixels(np.zeros((2, 8)), listed).shape == (1, 2, 8)
    assert pixels(np.zeros((5, 8)), listed, ImageOptions()).shape == (1, 4, 4)
    for constraint, shape in ((ranged, (2, 8)), (ranged, (9, 7)), (listed, (5, 8)), (listed, (8, 2))):
        with pytest.raises(FeatureError, match="not an allowed size"):
            pixels(np.zeros(shape), constraint)
    turned = pixels(np.zeros((8, 2)), listed, options(CropAndScale.SCALE_FILL_ROTATE_90_CCW))
    assert turned.shape == (1, 2, 8)


def test_constraints_are_read_from_the_wire():
    message = Message(name="x")
    image = message.type.imageType
    image.colorSpace = ImageFeatureType.BGR
    for width, height in ((8, 2), (4, 4)):
        image.enumeratedSizes.sizes.add(width=width, height=height)
    description = describe_feature(message)
    assert description.image == ImageConstraint(8, 2, "BGR", sizes=((8, 2), (4, 4)))
    assert description.takes == "an image BGR 8 x 2 or 4 x 4"
    image.imageSizeRange.widthRange.lowerBound, image.imageSizeRange.widthRange.upperBound = 2, -1
    image.imageSizeRange.heightRange.lowerBound, image.imageSizeRange.heightRange.upperBound = 3, 9
    description = describe_feature(message)
    assert description.image == ImageConstraint(2, 3, "BGR", width_range=(2, None), height_range=(3, 9))
    assert description.takes == "an image BGR 2 x 3 (width 2 to any, height 3 to 9)"


def test_an_image_of_no_declared_size_is_refused():
    with pytest.raises(FeatureError, match="declares no size"):
        pixels(SMALL, ImageConstraint(0, 0))


# Pictures ------------------------------------------------------------------------------------------------------------


def test_pictures_have_an_opaque_alpha_channel():
    image = picture(SMALL.transpose(2, 0, 1), "RGB")
    assert image.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(image)[..., :3], SMALL)
    assert (np.asarray(image)[..., 3] == 255).all()
    np.testing.assert_array_equal(np.asarray(picture(SMALL.transpose(2, 0, 1)[::-1], "BGR"))[..., :3], SMALL)


def test_pictures_are_clipped_and_rounded():
    values = np.array([[-3.0, 0.4, 0.6], [254.6, 999.0, np.nan]])
    image = picture(values[None, None], "GRAYSCALE")
    assert image.mode == "L"
    assert np.asarray(image).tolist() == [[0, 0, 1], [255, 255, 0]]


def test_float16_pictures_keep_their_values():
    image = picture(np.array([[[0.1, 300.0]]]), "GRAYSCALE_FLOAT16")
    assert image.mode == "F"
    assert np.asarray(image).tolist() == [[np.float16(0.1), 300.0]]


@pytest.mark.parametrize(("shape", "color"), [((2, 2, 3), "RGB"), ((3, 2, 2), "GRAYSCALE"), ((2, 3, 2, 2), "RGB")])
def test_arrays_of_other_shapes_are_not_images(shape, color):
    with pytest.raises(
        ShapeError, match=rf"expected \[{3 if color == 'RGB' else 1}, height, width\] for an image {color}"
    ):
        picture(np.zeros(shape), color)
