"""What a student is held against: each loss is a mean over texts or tokens, as a scalar tensor."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from goldcrest.names import ProblemType

Tensor = Any

SHARPNESS = 0.05
"""What similarities are divided by before they become a distribution over neighbours."""


def soft(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """How far the student's softened distribution is from the teacher's.

    The square keeps the gradient's size when the temperature changes (Hinton et al., 2015,
    https://arxiv.org/abs/1503.02531).

    Args:
        student: logits. *Shape:* ``(n, n_labels)``.
        teacher: logits of the same shape.
        temperature: that divides both.
    """
    return temperature**2 * functional.kl_div(
        functional.log_softmax(student.float() / temperature, dim=-1),
        functional.log_softmax(teacher.float() / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )


def soft_each(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """The same where several outputs may fit: of each by itself, summed, averaged over the texts.

    Args:
        student: logits. *Shape:* ``(n, n_labels)``.
        teacher: logits of the same shape.
        temperature: that divides both.
    """
    theirs = teacher.float() / temperature
    found = functional.binary_cross_entropy_with_logits(
        student.float() / temperature, theirs.sigmoid(), reduction="sum"
    )
    least = functional.binary_cross_entropy_with_logits(theirs, theirs.sigmoid(), reduction="sum")
    return temperature**2 * (found - least) / len(theirs)


def squared(student: Tensor, teacher: Tensor) -> Tensor:
    """The mean of squared differences."""
    return functional.mse_loss(student.float(), teacher.float())


def learnt(student: Tensor, teacher: Tensor, problem: ProblemType, temperature: float) -> Tensor:
    """How far a student's outputs are from its teacher's, by what they are.

    Args:
        student: outputs as they come. *Shape:* ``(n, n_outputs)``.
        teacher: outputs of the same shape.
        problem: a temperature means nothing to scores.
        temperature: that softens probabilities.
    """
    if problem == "regression":
        return squared(student, teacher)
    softened = soft_each if problem == "multi_label_classification" else soft
    return softened(student, teacher, temperature)


def hard(outputs: Tensor, targets: Tensor, problem: ProblemType) -> Tensor:
    """How far outputs are from labels, averaged over the rows that have one.

    Args:
        outputs: as they come. *Shape:* ``(n, n_outputs)``.
        targets: as `targets.targets` gives them; rows without a label do not count.
        problem: what they are.
    """
    outputs = outputs.float()
    if problem == "single_label_classification":
        n_known = (targets >= 0).sum().clamp(min=1)
        return functional.cross_entropy(outputs, targets, reduction="sum") / n_known
    known = ~targets.isnan().any(-1)
    if not known.any():
        return outputs.sum() * 0
    if problem == "regression":
        return squared(outputs[known], targets[known])
    return functional.binary_cross_entropy_with_logits(outputs[known], targets[known])


def angle(student: Tensor, teacher: Tensor) -> Tensor:
    """1 minus the cosine between vectors, averaged over all but their last dimension."""
    return (1 - functional.cosine_similarity(student.float(), teacher.float(), dim=-1)).mean()


def similarity(student: Tensor, teacher: Tensor) -> Tensor:
    """How far the student's nearness of texts within a batch is from the teacher's.

    Every text has a distribution over the others by their cosines; what counts is the divergence
    of one from the other, so that near neighbours matter most (as in SEED, Fang et al., 2021,
    https://arxiv.org/abs/2101.04731).

    Args:
        student: vectors of length 1. *Shape:* ``(n, width)``.
        teacher: vectors of length 1. *Shape:* ``(n, width)``.
    """
    if len(student) < 3:  # a text with one neighbour or none has no choice
        return student.sum() * 0
    ours, theirs = _neighbours(student.float()), _neighbours(teacher.float())
    return functional.kl_div(ours, theirs, reduction="batchmean", log_target=True)


def _neighbours(vectors: Tensor) -> Tensor:
    n = len(vectors)
    cosines = vectors @ vectors.T / SHARPNESS
    others = cosines.masked_select(~torch.eye(n, dtype=torch.bool, device=vectors.device))
    return functional.log_softmax(others.view(n, n - 1), dim=-1)


def pooled(states: Tensor, mask: Tensor, pooling: str = "mean") -> Tensor:
    """One vector of length 1 for each text.

    Args:
        states: *Shape:* ``(n, width, features)``.
        mask: 1 for tokens, 0 for padding. *Shape:* ``(n, width)``.
        pooling: mean, cls or max.
    """
    states, real = states.float(), mask[:, :, None].float()
    if pooling == "cls":
        vectors = states[:, 0]
    elif pooling == "max":
        vectors = states.masked_fill(real == 0, -torch.inf).amax(1)
    else:
        vectors = (states * real).sum(1) / real.sum(1)
    return functional.normalize(vectors, dim=-1)
