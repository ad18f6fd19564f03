"""Why graphml takes more than 1.5 times as long as the better of the others, for the rows where it does."""

from __future__ import annotations

from collections.abc import Mapping

_BYTES = "truth values are float32 in the format and bytes elsewhere: four times the memory"
_ORDER = (
    "a single layer includes conversions from and to channels first, but XLA's kernels need channels last; inside "
    "networks they stay last"
)
_VIEW = "the selected channels are contiguous, so torch returns a view; here a result is a copy"
_CALL = "a call of XLA takes a few microseconds, up to half of the time; large arrays are as fast or faster"
_BORDERS = "two passes over the image, one for each axis: XLA joins strips along one axis at a time"
_FOLDS = "two kernels reduce slices, so that XLA vectorizes; its own reduction takes ten times as long"
_PLACES = "XLA copies x and the updates before it writes"

SLOWER: Mapping[str, str] = {
    **dict.fromkeys(("logicalAnd", "logicalOr", "logicalXor", "logicalNot"), _BYTES),
    **{
        f"convolution {name}": _ORDER
        for name in ("1x1", "3x3", "3x3/2", "3x3 dilated", "depthwise 3x3", "depthwise 5x5/2")
    },
    "convolution 3x3 in 8 groups": "XLA has no kernel for groups on CPUs: in dense blocks, 3 of 4 products are zero",
    "convolution 7x7/2": "three channels do not fill the vectors; XLA's other library is twice as fast here and slower "
    "in nearly all other cases, and a program can use only one",
    "convolution3d": "XLA has no kernel for volumes on CPUs: three slices are copied side by side for a 2-D one",
    "argSort": "XLA sorts pairs of value and position, and calls a comparison for every two",
    "topK 5": "XLA does not vectorize it, and -0 is first replaced by 0, because XLA orders them differently",
    "topK 5 of many": "XLA does not vectorize it, and -0 is first replaced by 0, because XLA orders them differently",
    "cumSum": "sums within blocks, then the sums of the preceding blocks: two vectorized passes over memory",
    "NonMaximumSuppression": "a loop with one iteration for each selected box, and several small kernels in each",
    "categoricalDistribution": "cumulative sums and their search are several kernels, so that no draw is impossible",
    "fillLike": "only the overhead of a call, and JAX's is a few microseconds larger",
    "activation sigmoid": "an exponential and a division, which stay accurate for small probabilities",
    **dict.fromkeys(
        ("randomNormalLike", "randomUniformLike"),
        "random bits that depend on the key only, on every machine, take more work",
    ),
    "atanh": "for accuracy near 0, XLA's log1p has two forms, and it computes both",
    "sinh": "for accuracy near 0, XLA's expm1 has two forms, and it computes both",
    **dict.fromkeys(("slice", "split"), _VIEW),
    **dict.fromkeys(("padding reflection", "padding replication"), _BORDERS),
    **dict.fromkeys(("pooling MAX global", "reduceMax pixels"), _FOLDS),
    **dict.fromkeys(("scatter ADD", "scatterAlongAxis"), _PLACES),
    **dict.fromkeys(("reduceMax columns", "reduceSum columns", "reduceSum rows"), _CALL),
    **dict.fromkeys(("crop", "reverse", "concatND", "reduceMax rows"), _CALL),
    "gather": "an index that is out of range gives NaN: a second pass over the result",
    "permute": "XLA's transpose takes as long as torch's",
    "softmaxND rows": "maximum, exponentials, their sum and the division each pass over memory",
}
