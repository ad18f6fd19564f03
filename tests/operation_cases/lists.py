"""Lists are arrays whose first axis is the list, so Python's own lists answer."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation

_LIST = numbers(3, 2)
_UNKNOWN = np.zeros((3, 0), np.float32)
_TYPED = {"list": "a list itself has no type, its elements do"}
_NO_HALF = "a list keeps its type, which is not a type of the format that the law could change"
_UNLIKE = {"": "its lists have neither values nor shapes"}
_NAMES = {"fp32": "float32", "fp16": "float16"}


def _made(i, a):
    length = 1 if i["init_length"] is None else int(i["init_length"])
    known = all(isinstance(size, int) and size > 0 for size in a["elem_shape"])
    return np.zeros((length, *(a["elem_shape"] if known else (0,))), _NAMES.get(a["dtype"], a["dtype"]))


def _make(*shape, **others):
    length = {"init_length": np.int32(others.pop("init_length"))} if "init_length" in others else {}
    return Case(length, {"elem_shape": shape, "grows": False, **others})


operation(
    "make_list",
    15,
    oracle=_made,
    base=_make(2, 3),
    vary={
        "init_length": [_make(2, 3, init_length=4), _make(2, 3, init_length=0)],
        "elem_shape": [(5,), (), (0, 514), ("is0", 2), (-1,)],
        "dtype": ["int32", "bool"],
    },
    draw=st.builds(lambda n: _make(n, 2, init_length=n), st.integers(0, 3)),
    unlike_coremltools=_UNLIKE,
    worked=[
        (_make(2, init_length=2), [[0, 0], [0, 0]]),
        (_make(init_length=3, dtype="int32"), [0, 0, 0]),
        (_make(1, dtype="fp16"), [[0]]),
        (_make(0, 3, init_length=2), [[], []]),  # elements of unknown shape
    ],
    refuse=[
        (_make(2, init_length=-1), "sizes must not be negative"),
        (_make(2, init_length=[1, 2]), "init_length has shape [2]; it must be a single number"),
    ],
    gives=lambda a: (a["dtype"],),
    unseen={
        "dynamic_length": "the front end reads it; the operation has `grows`",
        "grows": "it matters where elements are written, not where the list is made",
    },
)

operation(
    "list_length",
    15,
    oracle=lambda i, a: np.int32(len(i["ls"])),
    base=Case({"ls": _LIST}),
    vary={"ls": [numbers(5, 1)]},
    draw=st.builds(lambda x: Case({"ls": x}), arrays((4, 2))),
    typed=_TYPED,
    unlike_coremltools=_UNLIKE,
    worked=[(Case({"ls": _UNKNOWN}), 3)],
)


# Reading -------------------------------------------------------------------------------------------------------------


def _near(index, n):
    return min(max(int(index), 0), n - 1)


def _read(ls, index):
    return Case({"ls": ls, "index": np.int32(index)})


operation(
    "list_read",
    15,
    oracle=lambda i, a: list(i["ls"])[_near(i["index"], len(i["ls"]))],
    base=_read(_LIST, 1),
    vary={"index": [np.asarray(np.int32(2))], "outside": [_read(_LIST, 9), _read(_LIST, -2)]},
    draw=st.builds(_read, arrays((3, 2)), st.integers(-1, 4)),
    typed=_TYPED,
    unlike_coremltools=_UNLIKE,
    worked=[
        (_read(np.float32([[1, 2], [3, 4]]), 1), [3, 4]),
        (_read(np.float32([5, 6]), 0), 5),
        (_read(np.float32([5, 6]), -1), 5),  # it does not count from the end
    ],
    refuse=[
        (_read(_LIST, [0, 1]), "index has shape [2]; it must be a single number"),
        (_read(numbers(0, 2), 0), "read from an axis without elements"),
    ],
)


def _gather(ls, indices):
    return Case({"ls": ls, "indices": np.int32(indices)})


operation(
    "list_gather",
    15,
    oracle=lambda i, a: np.array([i["ls"][_near(k, len(i["ls"]))] for k in i["indices"]], i["ls"].dtype),
    base=_gather(_LIST, [2, 0]),
    vary={"indices": [_gather(_LIST, [0, 1, 2, 1]), _gather(_LIST, [-4, 9])]},
    draw=st.builds(lambda x, k: _gather(x, [k, 0]), arrays((3, 2)), st.integers(-1, 4)),
    typed=_TYPED,
    unlike_coremltools=_UNLIKE,
    worked=[(_gather(np.float32([[1, 2], [3, 4]]), [1, 1, 0]), [[3, 4], [3, 4], [1, 2]])],
    refuse=[(_gather(numbers(0, 2), [0]), "read from an axis without elements")],
)


# Writing -------------------------------------------------------------------------------------------------------------


def _written(ls, grows, pairs, element):
    """The list once elements are written at indices."""
    items = [np.zeros(element, ls.dtype) if 0 in ls.shape[1:] else item for item in ls]
    while grows and len(items) <= max((index for index, _ in pairs), default=-1):
        items.append(np.zeros(element, ls.dtype))
    for index, value in pairs:
        if 0 <= index < len(items):
            items[index] = value.astype(ls.dtype)
    return np.array(items).reshape(len(items), *element).astype(ls.dtype)


def _write(ls, index, value, grows=False):
    return Case({"ls": ls, "index": np.int32(index), "value": value}, {"grows": grows})


_NEW = np.float32([8, 9])

operation(
    "list_write",
    15,
    oracle=lambda i, a: _written(i["ls"], a["grows"], [(int(i["index"]), i["value"])], i["value"].shape),
    base=_write(_LIST, 1, _NEW),
    vary={
        "index": [_write(_LIST, 2, _NEW)],
        "outside": [_write(_LIST, 3, _NEW), _write(_LIST, -1, _NEW)],
        "unknown": [_write(_UNKNOWN, 2, numbers(2, 2))],
        "grows": [
            _write(_LIST, 4, _NEW, True),
            _write(_LIST, 3, _NEW, True),
            _write(numbers(0, 2), 0, _NEW, True),
            _write(np.zeros((1, 0), np.float32), 1, np.float32(3), True),
        ],
    },
    draw=st.builds(lambda x, k: _write(x, k, x[0] + 5), arrays((3, 2)), st.integers(-1, 4)),
    no_half=_NO_HALF,
    typed=_TYPED,
    unlike_coremltools=_UNLIKE,
    worked=[
        (_write(np.float32([[1, 2], [3, 4]]), 0, _NEW), [[8, 9], [3, 4]]),
        (_write(np.float32([5]), 2, np.float32(7), True), [5, 0, 7]),
        (_write(np.float32([5]), 2, np.float32(7)), [5]),
    ],
    refuse=[
        (_write(_LIST, 0, numbers(3)), "the list holds elements of shape [2], not [3]"),
        (_write(_LIST, [0], numbers(2, 2)), "the list holds elements of shape [2], not [2, 2]"),
        (_write(_LIST, [0, 1], _NEW), "index has shape [2]; it must be a single number"),
    ],
)


def _scatter(ls, indices, value, grows=False):
    return Case({"ls": ls, "indices": np.int32(indices), "value": value}, {"grows": grows})


def _scattered(i, a):
    pairs = list(zip(map(int, i["indices"]), i["value"], strict=True))
    return _written(i["ls"], a["grows"], pairs, i["value"].shape[1:])


operation(
    "list_scatter",
    15,
    oracle=_scattered,
    base=_scatter(_LIST, [2, 0], numbers(2, 2, low=5, high=9)),
    vary={
        "indices": [_scatter(_LIST, [1, 2], numbers(2, 2, low=5, high=9)), _scatter(_LIST, [-1, 3], numbers(2, 2))],
        "unknown": [_scatter(_UNKNOWN, [0, 1, 2], numbers(3, 4))],
        "grows": [
            _scatter(_LIST, [4, 0], numbers(2, 2), True),
            _scatter(np.zeros((0, 0), np.float32), [0, 1], numbers(2, 3), True),
        ],
    },
    draw=st.builds(lambda x, k: _scatter(x, [k, 0 if k else 1], x[:2] + 5), arrays((3, 2)), st.integers(-1, 4)),
    no_half=_NO_HALF,
    typed=_TYPED,
    unlike_coremltools=_UNLIKE,
    worked=[
        (_scatter(np.float32([1, 2, 3]), [2, 0], np.float32([8, 9])), [9, 2, 8]),
        (_scatter(np.float32([1]), [2, 1], np.float32([8, 9]), True), [1, 9, 8]),
    ],
    refuse=[
        (_scatter(_LIST, [0, 1], numbers(1, 2)), "value has shape [1, 2]; its length must be that of indices, [2]"),
        (_scatter(_LIST, [0], numbers(1, 3)), "the list holds elements of shape [2], not [3]"),
    ],
)
