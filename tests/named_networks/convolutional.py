"""Networks of convolutions: classification, detection, segmentation, style."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from named_networks.twins import Finished, Twins


def _image(channels: int, size: int) -> np.ndarray:
    return np.random.default_rng(3).standard_normal((1, channels, size, size)).astype(np.float32)


def _classified(net: Twins, x: str, channels: int) -> Finished:
    flat = net.reshape(net.mean_of_pixels(x), 1, channels)
    return net.finished(net.softmax(net.dense(flat, channels, 5), axis=-1))


def inception_block() -> Finished:
    """Four parallel branches: 1x1, 1x1-3x3, 1x1-5x5, pooling-1x1."""
    net = Twins(x=_image(6, 12))
    one = net.conv("x", 6, 4)
    three = net.conv(net.relu(net.conv("x", 6, 5)), 5, 8, (3, 3))
    five = net.conv(net.relu(net.conv("x", 6, 3)), 3, 4, (5, 5))
    pooled = net.conv(net.pool("x", "MAX", 3, 1, pad=1), 6, 4)
    joined = net.concat(*(net.relu(branch) for branch in (one, three, five, pooled)), axis=1)
    return _classified(net, net.pool(joined, "MAX", 3, 2), 20)


def dense_block() -> Finished:
    """Every layer reads all before it; a transition halves channels and pixels."""
    net, channels, grow = Twins(x=_image(6, 12)), 6, 4
    x = "x"
    for _ in range(3):
        y = net.conv(net.relu(net.batch_norm(x, channels)), channels, 2 * grow)
        y = net.conv(net.relu(net.batch_norm(y, 2 * grow)), 2 * grow, grow, (3, 3))
        x, channels = net.concat(x, y, axis=1), channels + grow
    x = net.conv(net.relu(net.batch_norm(x, channels)), channels, channels // 2)
    return _classified(net, net.pool(x, "AVERAGE", 2, 2), channels // 2)


def residual_block() -> Finished:
    """ResNet: a strided bottleneck with a projection shortcut, then one with an identity shortcut."""
    net = Twins(x=_image(8, 12))
    x = "x"
    for read, stride in ((8, 2), (16, 1)):
        y = net.relu(net.batch_norm(net.conv(x, read, 4), 4))
        y = net.relu(net.batch_norm(net.conv(y, 4, 4, (3, 3), stride=(stride, stride)), 4))
        y = net.batch_norm(net.conv(y, 4, 16), 16)
        shortcut = x if stride == 1 else net.batch_norm(net.conv(x, read, 16, stride=(stride, stride)), 16)
        x = net.relu(net.add(y, shortcut))
    return _classified(net, x, 16)


def mobile_block() -> Finished:
    """MobileNet v2: 1x1 convolutions around a depthwise one, a linear bottleneck and ReLU6."""
    net, x = Twins(x=_image(6, 11)), "x"
    for stride in (1, 2):
        y = net.clip(net.batch_norm(net.conv(x, 6, 24), 24), 0, 6)
        y = net.clip(net.batch_norm(net.conv(y, 24, 24, (3, 3), stride=(stride, stride), groups=24), 24), 0, 6)
        y = net.batch_norm(net.conv(y, 24, 6), 6)
        x = net.add(x, y) if stride == 1 else y
    return _classified(net, x, 6)


def ssd() -> Finished:
    """Single-shot detector: heads on two feature maps, prior boxes, non-maximum suppression of the decoded boxes."""
    net, classes, kinds = Twins(x=_image(3, 16)), 4, 2
    fine = net.relu(net.conv("x", 3, 8, (3, 3), stride=(2, 2)))
    coarse = net.relu(net.conv(fine, 8, 8, (3, 3), stride=(2, 2)))
    places, scores, priors = [], [], []
    for features, size in ((fine, 8), (coarse, 4)):
        count = kinds * size * size
        head = net.transpose(net.conv(features, 8, 4 * kinds, (3, 3)), 0, 2, 3, 1)
        places.append(net.reshape(head, 1, count, 4))
        head = net.transpose(net.conv(features, 8, classes * kinds, (3, 3)), 0, 2, 3, 1)
        scores.append(net.reshape(head, 1, count, classes))
        centres = (np.stack(np.meshgrid(*[np.arange(size)] * 2)[::-1], -1) + 0.5) / size
        for width, height in ((1.5, 1.5), (2.0, 1.0)):
            priors.append(np.insert(centres.reshape(-1, 2), 2, [[width / size], [height / size]], axis=1))
    centre, extent = np.split(np.concatenate(priors)[None], 2, axis=-1)
    move, grow = net.split(net.concat(*places, axis=1), 2, 2, axis=-1)
    middle = net.add(net.multiply(move, 0.1 * extent), centre)
    boxes = net.concat(middle, net.multiply(net.exp(net.multiply(grow, 0.2)), extent), axis=-1)
    _, named = net.split(net.softmax(net.concat(*scores, axis=1), axis=-1), 1, classes - 1, axis=-1)
    return net.finished(*_suppressed(net, boxes, named, most=6), boxes, named)


def _suppressed(net: Twins, boxes: str, scores: str, most: int) -> list[str]:
    """The `most` best boxes, their scores and indices. There must be so many: ONNX does not fill up."""
    results = [net.new() for _ in range(3)]
    limits = {"iou_threshold": 0.3, "score_threshold": 0.01, "max_boxes": most}
    net.layer("NonMaximumSuppression", [boxes, scores], results, **limits)
    best = net.node("ReduceMax", [scores, [-1]])  # [1, boxes, 1]: the node would judge class by class
    best = net.node("Transpose", [best], perm=[0, 2, 1])
    constants = [[most], 0.3, 0.01]
    chosen = net.node("NonMaxSuppression", [boxes, best, *constants], center_point_box=1)
    index = net.node("Gather", [chosen, 2], axis=1)
    net.node("Gather", [boxes, index], results[:1], axis=1)
    net.node("Gather", [scores, index], results[1:2], axis=1)
    wide = net.node("Unsqueeze", [index, [0]])
    net.node("Cast", [wide], results[2:], to=TensorProto.FLOAT)
    return results


def fully_convolutional() -> Finished:
    """FCN: a score map, enlarged by transposed convolutions and joined with the cropped one of a finer level."""
    net = Twins(x=_image(3, 18))
    fine = net.pool(net.relu(net.conv("x", 3, 6, (3, 3))), "MAX", 2, 2)
    coarse = net.pool(net.relu(net.conv(fine, 6, 8, (3, 3))), "MAX", 2, 2)
    larger = net.deconv(net.conv(coarse, 8, 4), 4, 4, window=4, stride=2, crop=1)
    skipped, cropped = net.conv(fine, 6, 4), net.new()
    net.layer("crop", [skipped, larger], [cropped], offset=(1, 0))
    net.node("Slice", [skipped, [1, 0], [9, 8], [2, 3]], [cropped])
    y = net.deconv(net.add(larger, cropped), 4, 4, window=2, stride=2, crop=0)
    return net.finished(net.softmax(y, axis=1))


def yolo() -> Finished:
    """YOLO v2: leaky ReLU, a pass-through that turns pixels into channels, boxes relative to cells and anchors."""
    net, classes, anchors = Twins(x=_image(3, 16)), 3, np.array([[1.2, 0.8], [2.5, 3.0]])

    def block(x: str, read: int, channels: int, window: int) -> str:
        x = net.batch_norm(net.conv(x, read, channels, (window, window)), channels)
        return net.activation(x, "leakyReLU", alpha=0.1)

    fine = block(net.pool(block("x", 3, 6, 3), "MAX", 2, 2), 6, 8, 3)
    deep = block(net.pool(fine, "MAX", 2, 2), 8, 12, 3)
    fields = {"mode": "SPACE_TO_DEPTH", "block_size": 2}
    through = net.both("reorganizeData", "SpaceToDepth", fine, fields=fields, blocksize=2)
    y = net.conv(block(net.concat(through, deep, axis=1), 44, 10, 1), 10, len(anchors) * (5 + classes))
    y = net.transpose(net.reshape(y, len(anchors), 5 + classes, 4, 4), 0, 2, 3, 1)
    place, extent, sure, kind = net.split(y, 2, 2, 1, classes, axis=-1)
    cells = np.stack(np.meshgrid(np.arange(4), np.arange(4)), -1)[None]
    middle = net.multiply(net.add(net.activation(place, "sigmoid"), cells), 0.25)
    sizes = net.multiply(net.exp(extent), anchors[:, None, None] / 4)
    scores = net.multiply(net.activation(sure, "sigmoid"), net.softmax(kind, axis=-1))
    boxes = net.reshape(net.concat(middle, sizes, axis=-1), -1, 4)
    return net.finished(boxes, net.reshape(scores, -1, classes))


def style_transfer() -> Finished:
    """Down, residual blocks, up, with instance normalization, mirrored borders and a bridge from down to up."""
    net = Twins(x=_image(3, 12))

    def block(x: str, read: int, channels: int, window: int, stride: int = 1) -> str:
        x = net.conv(
            net.mirrored(x, window // 2), read, channels, (window,) * 2, stride=(stride,) * 2, pad=((0, 0),) * 2
        )
        return net.instance_norm(x, channels)

    fine = net.relu(block("x", 3, 6, 5))
    x = net.relu(block(fine, 6, 10, 3, stride=2))
    for _ in range(2):
        x = net.add(x, block(net.relu(block(x, 10, 10, 3)), 10, 10, 3))
    x = net.relu(block(net.larger(x, 2), 10, 6, 3))
    x = net.activation(block(net.concat(x, fine, axis=1), 12, 3, 5), "tanh")
    return net.finished(net.add(net.multiply(x, 127.5), 127.5))


CONVOLUTIONAL = {
    make.__name__: make
    for make in (
        inception_block,
        dense_block,
        residual_block,
        mobile_block,
        ssd,
        fully_convolutional,
        yolo,
        style_transfer,
    )
}
