"""All Hypothesis strategies.

``lengths``         tokens of waiting jobs, the most urgent first; short ones are more likely
``costs``           warm shapes of a real ladder, with arbitrary seconds
``backlogs``        lengths and costs of which some shape holds the most urgent job
``encodings``       tokens of one item, with or without token types
``requests``        jobs of one request: lane, head start, deadline and lengths, arrival still open
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from goldcrest.packing.ladder import ladder
from goldcrest.values import Encoding, Job, Shape

SHAPES = ladder(512)

_one_length = st.one_of(st.integers(1, 40), st.integers(1, 128), st.integers(1, 512))
_awkward_length = st.sampled_from([20, 24, 40, 44])
"""Two fill a row of 64, or leave a third of it empty: the order of packing decides."""

seconds = st.floats(0.001, 0.1)
"""What a grid may take."""


@dataclass(frozen=True)
class RequestSketch:
    """A request before it arrives: becomes jobs once the time is known."""

    lane: str
    head_start_s: float
    deadline_s: float | None
    lengths: tuple[int, ...]

    def jobs(self, arrival: float) -> list[Job]:
        return [
            Job(
                Encoding(np.arange(n_tokens, dtype=np.int32)),
                lane=self.lane,
                arrival=arrival,
                rank=arrival - self.head_start_s,
                expires=None if self.deadline_s is None else arrival + self.deadline_s,
            )
            for n_tokens in self.lengths
        ]


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
    """Requests of 1 to 6 items to one of three lanes."""
    return st.builds(
        RequestSketch,
        lane=st.sampled_from(["bert", "distilbert", "minilm"]),
        head_start_s=st.sampled_from([0.0, 0.5, 5.0]),
        deadline_s=st.none() | st.floats(0.0, 10.0),
        lengths=st.lists(_one_length, min_size=1, max_size=6).map(tuple),
    )


def total(waiting: Sequence[Job]) -> int:
    """The tokens of some jobs."""
    return sum(job.n_tokens for job in waiting)
