"""What INT8 is calibrated on: full packed grids, as they run under load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise

import numpy as np

from goldcrest.names import Readable
from goldcrest.packing.grid import fill
from goldcrest.packing.plan import first_fit
from goldcrest.text.tokenizer import Tokenizer
from goldcrest.values import EncodeOptions, Encoding, Grid, Item, Plan, Shape

SHAPE = Shape(4, 128)


def default_texts() -> list[str]:
    """Everyday English of many kinds and lengths, for those who give no texts of their own."""
    return (files("goldcrest.compile") / "calibration.txt").read_text("utf-8").splitlines()


def encodings_for(
    task: Readable, tokenizer: Tokenizer, items: Sequence[Item], *, mask: str = ""
) -> list[Encoding]:
    """Encode items as a task will see them: pairs for spans, masks to fill.

    Args:
        task: the readout's.
        tokenizer: of the artifact.
        items: texts or pairs; blank texts are left out.
        mask: the token that is to be found, for ``fill``.
    """
    kept: list[Item] = [item for item in items if not isinstance(item, str) or item.strip()]
    texts = [item for item in kept if isinstance(item, str)]
    if task == "span" and len(texts) > 1:
        kept = [*(item for item in kept if not isinstance(item, str)), *pairwise(texts)]
    options = EncodeOptions(max_length=min(SHAPE.width, tokenizer.max_length))
    encodings = [tokenizer.encode(item, options) for item in kept]
    if task != "fill":
        return encodings
    (mask_id,) = tokenizer.ids(mask)
    return [masked(encoding, mask_id) for encoding in encodings]


def masked(encoding: Encoding, mask_id: int) -> Encoding:
    """Put masks in place of tokens, one in seven as in pretraining, and pick them."""
    picks = np.arange(min(3, encoding.n_tokens - 1), encoding.n_tokens, 7, dtype=np.int32)
    ids = encoding.ids.copy()
    ids[picks] = mask_id
    return replace(encoding, ids=ids, picks=picks)


def packed_grids(encodings: Sequence[Encoding], shape: Shape = SHAPE) -> list[Grid]:
    """Pack encodings, in the order given, into grids of one shape; longer ones are left out.

    Positions and gaps are as in production, so the ranges that are measured are those that will
    occur. The last grid may be part empty.
    """
    return list(_grids([e for e in encodings if e.n_tokens <= shape.width], shape))


def _grids(left: list[Encoding], shape: Shape) -> Iterator[Grid]:
    while left:
        rows = first_fit([encoding.n_tokens for encoding in left], shape.width, shape.rows)
        plan = Plan(shape, tuple(map(tuple, rows)))
        yield fill(plan, left)
        taken = set(plan.chosen)
        left = [encoding for place, encoding in enumerate(left) if place not in taken]
