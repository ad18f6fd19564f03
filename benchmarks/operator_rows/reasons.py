"""Why graphml takes more than 1.5 times as long as the better of the others, for the rows where it does."""

from __future__ import annotations

from collections.abc import Mapping

_BYTES = "truth values are float32 numbers in the format and bytes elsewhere: four times the memory"
_ORDER = (
    "alone, XLA also computes in the order of the result, channels first, and its kernels want them last; inside "
    "networks they stay last"
)
_VIEW = "the channels wanted lie in one piece, of which torch hands out a view; here a result has memory of its own"
_CALL = "a call of XLA takes some microseconds, up to half of this; large arrays are as fast or faster"
_BORDERS = "two passes over the image, one for each axis: XLA joins strips along one axis at a time"
_FOLDS = "slices of an image are read side by side, so that XLA uses vectors; its own reduction takes ten times as long"
_PLACES = "XLA copies x and the updates before it writes"

SLOWER: Mapping[str, str] = {
    **dict.fromkeys(("logicalAnd", "logicalOr", "logicalXor", "logicalNot"), _BYTES),
    **{
        f"convolution {name}": _ORDER
        for name in ("1x1", "3x3", "3x3/2", "3x3 dilated", "depthwise 3x3", "depthwise 5x5/2")
    },
    "convolution 3x3 in 8 groups": "XLA has no kernel for groups on CPUs: dense blocks multiply zeros, three in four",
    "convolution 7x7/2": "three channels leave vectors empty; XLA's other library is twice as fast here and slower on "
    "nearly all else, and a program has one",
    "convolution3d": "XLA has no kernel for volumes on CPUs: three slices are copied side by side for a flat one",
    "argSort": "XLA sorts pairs of number and position by calling a comparison for each two",
    "topK 5": "XLA has no vectors for it, and -0 is first made equal to 0, which it is not for XLA",
    "topK 5 of many": "XLA has no vectors for it, and -0 is first made equal to 0, which it is not for XLA",
    "cumSum": "sums of blocks, then what stands before each block: twice over the memory, in vectors",
    "NonMaximumSuppression": "a loop with one iteration for each box taken, of several small kernels",
    "categoricalDistribution": "running sums and their search are several kernels, so that no draw is impossible",
    "fillLike": "nothing but a call, and JAX's takes some microseconds more",
    "activation sigmoid": "an exponential and a quotient, which keep the digits of small probabilities",
    **dict.fromkeys(
        ("randomNormalLike", "randomUniformLike"),
        "bits that follow from the key alone, on every machine, take more work",
    ),
    "atanh": "XLA's log1p keeps small numbers exact by two forms, of which it computes both",
    "sinh": "XLA's expm1 keeps small numbers exact by two forms, of which it computes both",
    **dict.fromkeys(("slice", "split"), _VIEW),
    **dict.fromkeys(("padding reflection", "padding replication"), _BORDERS),
    **dict.fromkeys(("pooling MAX global", "reduceMax pixels"), _FOLDS),
    **dict.fromkeys(("scatter ADD", "scatterAlongAxis"), _PLACES),
    **dict.fromkeys(("reduceMax columns", "reduceSum columns", "reduceSum rows"), _CALL),
    **dict.fromkeys(("crop", "reverse", "concatND", "reduceMax rows"), _CALL),
    "gather": "an index that is missing gives NaN: each element is chosen, not copied",
    "permute": "XLA's transpose takes as long as torch's",
    "softmaxND rows": "maximum, exponentials, their sum and the division each pass over memory",
}
