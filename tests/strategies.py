"""All Hypothesis strategies.

``lengths``         tokens of waiting jobs, the most urgent first; short ones are more likely
``costs``           warm shapes of a real ladder, with arbitrary seconds
``backlogs``        lengths and costs of which some shape holds the most urgent job
``encodings``       tokens of one item, with or without token types
``requests``        one request: lane, class, caller, deadline and lengths, arrival still open
``turns``           lanes with shares, and what each takes of an engine when it is its turn
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from goldcrest.names import PRIORITIES
from goldcrest.packing.ladder import ladder
from goldcrest.values import Encoding, Job, Shape, Urgency

SHAPES = ladder(512)

_one_length = st.one_of(st.integers(1, 40), st.integers(1, 128), st.integers(1, 512))
_awkward_length = st.sampled_from([20, 24, 40, 44])
"""Two fill a row of 64, or leave a third of it empty: the order of packing decides."""

seconds = st.floats(0.001, 0.1)
"""What a grid may take."""


LANES = ("bert", "distilbert", "minilm")


@dataclass(frozen=True)
class RequestSketch:
    """A request before it arrives."""

    lane: str
    urgency: Urgency
    lengths: tuple[int, ...]

    @property
    def encodings(self) -> list[Encoding]:
        return [Encoding(np.arange(n_tokens, dtype=np.int32)) for n_tokens in self.lengths]


def lengths(*, max_size: int = 80) -> st.SearchStrategy[list[int]]:
    """Tokens per job, in order of rank; at least one job."""
    return st.one_of(
        st.lists(_one_length, min_size=1, max_size=max_size),
        st.lists(_awkward_length, min_size=1, max_size=8),
    )


def costs() -> st.SearchStrategy[dict[Shape, float]]:
    """Some shapes of the ladder; larger ones may well be cheaper, as noise has it."""
    return st.one_of(
        st.dictionaries(st.sampled_from(SHAPES), seconds, min_size=1, max_size=12),
        st.dictionaries(st.builds(Shape, st.integers(1, 4), st.just(64)), seconds, min_size=1),
    )


@st.composite
def backlogs(draw: st.DrawFn) -> tuple[list[int], dict[Shape, float]]:
    """Lengths in order of rank, and costs; the widest shape holds the first job."""
    table = draw(costs())
    waiting = draw(lengths())
    widest = max(shape.width for shape in table)
    return [min(waiting[0], widest), *waiting[1:]], table


@st.composite
def encodings(draw: st.DrawFn) -> Encoding:
    """Distinct ids above 0, so that no token can pass for another or for an empty slot."""
    n_tokens = draw(_one_length)
    first = draw(st.integers(1, 10_000))
    ids = np.arange(first, first + n_tokens, dtype=np.int32)
    return Encoding(ids, token_types=ids % 2 if draw(st.booleans()) else None)


def requests() -> st.SearchStrategy[RequestSketch]:
    """Requests of 1 to 6 items by one of three callers to one of three lanes."""
    return st.builds(
        RequestSketch,
        lane=st.sampled_from(LANES),
        urgency=st.builds(
            Urgency,
            st.sampled_from(PRIORITIES),
            st.none() | st.floats(0.0, 10.0),
            st.sampled_from(["", "a", "b"]),
        ),
        lengths=st.lists(_one_length, min_size=1, max_size=6).map(tuple),
    )


def turns() -> st.SearchStrategy[tuple[dict[str, float], list[float]]]:
    """Shares by lane, and the seconds of one grid after the other."""
    shares = st.dictionaries(
        st.sampled_from(LANES), st.sampled_from([0.5, 1.0, 2.0, 5.0]), min_size=1
    )
    return st.tuples(shares, st.lists(seconds, min_size=1, max_size=60))


def total(waiting: Sequence[Job]) -> int:
    """The tokens of some jobs."""
    return sum(job.n_tokens for job in waiting)
