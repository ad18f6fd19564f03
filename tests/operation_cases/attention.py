"""Attention, answered query by query."""

import numpy as np
from hypothesis import strategies as st

from operation_cases import Case, arrays, numbers, operation


def _attention(i, a):
    query, key, value = (np.float64(i[name]) for name in ("query", "key", "value"))
    mask = i["attn_mask"]
    batch = np.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    query, key, value = (np.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (query, key, value))
    scores = (*batch, query.shape[-2], key.shape[-2])
    added = np.zeros(scores)
    if mask is not None:
        added = np.broadcast_to(np.where(mask, 0, -np.inf) if mask.dtype == bool else np.float64(mask), scores)
    y = np.zeros((*query.shape[:-1], value.shape[-1]))
    for place in np.ndindex(*query.shape[:-1]):
        matches = key[place[:-1]] @ query[place] / np.sqrt(query.shape[-1]) + added[place]
        powers = np.exp(matches - matches.max())
        y[place] = powers / powers.sum() @ value[place[:-1]]
    return y


@st.composite
def _draw(draw):
    batch = draw(st.sampled_from([(2,), (1, 2)]))
    inputs = {
        "query": draw(arrays((*batch, 3, 4))),
        "key": draw(arrays((*batch, 5, 4))),
        "value": draw(arrays((*batch, 5, 2))),
    }
    masks = [None, np.arange(15).reshape(3, 5) % 4 != 1, numbers(*batch[:-1], 1, 3, 5)]
    return Case(inputs).but(attn_mask=draw(st.sampled_from(masks)))


_BASE = Case(
    {
        "query": numbers(2, 3, 4),
        "key": numbers(2, 5, 4, seed=1),
        "value": numbers(2, 5, 6, seed=2),
        "attn_mask": numbers(3, 5, seed=3),
    }
)
_ONE = np.float32([[[1]]])
_KEYS = np.float32([[[0], [np.log(3)]]])
_VALUES = np.float32([[[4, 0], [8, 1]]])

operation(
    "scaled_dot_product_attention",
    18,
    oracle=_attention,
    base=_BASE,
    vary={
        "attn_mask": [
            None,
            np.array([[True, False, True, True, False]] * 3),
            np.array([True, True, False, False, True]),
            numbers(2, 1, 5),
            np.where(np.arange(15).reshape(3, 5) % 3, np.float32(1), np.float32(-np.inf)),
        ],
        "key": [
            Case({"query": numbers(2, 3, 2, 4), "key": numbers(1, 3, 5, 4), "value": numbers(2, 1, 5, 3)}),
            Case({"query": 30 * numbers(1, 2, 4), "key": 30 * numbers(1, 3, 4), "value": numbers(1, 3, 2)}),
        ],
    },
    draw=_draw(),
    worked=[
        (Case({"query": _ONE, "key": _KEYS, "value": _VALUES}), [[[7, 0.75]]]),
        # four features: the scores are halved
        (
            Case(
                {
                    "query": np.float32([[[2, 0, 0, 0]]]),
                    "key": np.float32([[[0, 9, 9, 9], [np.log(3), 0, 0, 0]]]),
                    "value": _VALUES,
                }
            ),
            [[[7, 0.75]]],
        ),
        (Case({"query": _ONE, "key": _KEYS, "value": _VALUES, "attn_mask": np.float32([np.log(3), 0])}), [[[6, 0.5]]]),
        (Case({"query": _ONE, "key": _KEYS, "value": _VALUES, "attn_mask": np.array([True, False])}), [[[4, 0]]]),
        # a query for which no key counts
        (
            Case(
                {
                    "query": np.float32([[[1], [1]]]),
                    "key": _KEYS,
                    "value": _VALUES,
                    "attn_mask": np.array([[False, False], [True, False]]),
                }
            ),
            [[[np.nan, np.nan], [4, 0]]],
        ),
    ],
    refuse=[
        (_BASE.but(query=numbers(2, 3, 5)), "query has 5 features, key has 4"),
        (_BASE.but(value=numbers(2, 4, 6)), "there are 5 keys and 4 values"),
        (_BASE.but(query=numbers(3, 4)), "query has shape [3, 4]"),
        (_BASE.but(attn_mask=numbers(3, 4)), "its last axis must have size 1 or 5"),
    ],
    smooth={"key": "the second of the two has shares so near 0 and 1 that differences are nothing but rounding"},
)
