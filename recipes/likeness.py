"""How close an embedder comes to its teacher: by vectors, by neighbours, by similarities; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""*Shape:* ``(n_texts, n_dimensions)``; of length 1."""

N_NEIGHBOURS = 10


@dataclass(frozen=True, slots=True)
class Likeness:
    """A student beside its teacher, on texts that it never saw.

    Attributes:
        n_texts: each of which is also searched for among all the others, of all sources.
        cosine: of the student's vector with the teacher's; the mean.
        cosine_p5: the same; one text in twenty lies below.
        overlap: share of the teacher's ten nearest texts that are among the student's ten.
        same_first: share of texts whose nearest is the teacher's nearest.
        first_in_five: share of texts whose five nearest hold the teacher's nearest.
        spearman: rank correlation of the similarities of random pairs.
    """

    n_texts: int
    cosine: float
    cosine_p5: float
    overlap: float
    same_first: float
    first_in_five: float
    spearman: float


@dataclass(frozen=True, slots=True)
class _PerText:
    cosines: NDArray[np.float64]
    overlaps: NDArray[np.float64]
    same_first: NDArray[np.bool_]
    first_in_five: NDArray[np.bool_]


def likeness(
    teacher: Vectors, student: Vectors, sources: Mapping[str, slice]
) -> dict[str, Likeness]:
    """Compare the vectors of the same texts.

    Args:
        teacher: its vectors.
        student: its vectors.
        sources: where the texts of each source lie.

    Returns:
        By source, and of all texts under ``all``.
    """
    theirs, ours = nearest(teacher), nearest(student)
    per_text = _PerText(
        (teacher.astype(np.float64) * student).sum(axis=1),
        (theirs[:, :, None] == ours[:, None, :]).any(axis=2).mean(axis=1),
        theirs[:, 0] == ours[:, 0],
        (theirs[:, :1] == ours[:, :5]).any(axis=1),
    )
    places = {**sources, "all": slice(0, len(teacher))}
    return {
        name: _summary(per_text, place, _pair_spearman(teacher[place], student[place]))
        for name, place in places.items()
    }


def _summary(per_text: _PerText, place: slice, spearman: float) -> Likeness:
    cosines = per_text.cosines[place]
    return Likeness(
        n_texts=len(cosines),
        cosine=float(cosines.mean()),
        cosine_p5=float(np.percentile(cosines, 5)),
        overlap=float(per_text.overlaps[place].mean()),
        same_first=float(per_text.same_first[place].mean()),
        first_in_five=float(per_text.first_in_five[place].mean()),
        spearman=spearman,
    )


def nearest(vectors: Vectors) -> NDArray[np.int64]:
    """Return the places of each text's nearest others, the nearest first."""
    found = []
    for start in range(0, len(vectors), 1024):
        similarities = vectors[start : start + 1024] @ vectors.T
        rows = np.arange(len(similarities))
        similarities[rows, start + rows] = -np.inf  # a text is not its own neighbour
        found.append(np.argsort(-similarities, axis=1, kind="stable")[:, :N_NEIGHBOURS])
    return np.concatenate(found)


def _pair_spearman(teacher: Vectors, student: Vectors, *, n_pairs: int = 20_000) -> float:
    """Return the rank correlation of the similarities of random pairs of texts."""
    rng = np.random.default_rng(0)
    one = rng.integers(0, len(teacher), n_pairs)
    other = (one + rng.integers(1, len(teacher), n_pairs)) % len(teacher)
    ranks = [_ranks((vectors[one] * vectors[other]).sum(axis=1)) for vectors in (teacher, student)]
    return float(np.asarray(np.corrcoef(ranks))[0, 1])


def _ranks(values: Vectors) -> NDArray[np.float64]:
    # A pair that is drawn twice has two equal values; whose rank is which moves nothing.
    return np.argsort(np.argsort(values)).astype(np.float64)
