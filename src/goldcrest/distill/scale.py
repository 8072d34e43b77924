"""Scores are trained around 0 and with a spread of 1; in the end the head takes mean and spread back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

Tensor = Any


@dataclass(frozen=True, slots=True)
class Scale:
    """A mean and a standard deviation.

    A head that begins near 0 would take a training to reach scores that are far from it, and
    their squares would drown every other loss.
    """

    mean: float
    deviation: float

    @classmethod
    def of(cls, scores: Tensor) -> Scale:
        """That of scores; those that are not known (NaN) are left out."""
        known = scores[~scores.isnan()].double()
        deviation = float(known.std(correction=0))
        return cls(float(known.mean()), deviation if deviation > 0 else 1.0)

    def apart(self, scores: Tensor) -> Tensor:
        """Scores without it."""
        return ((scores.double() - self.mean) / self.deviation).float()

    def take_from(self, head: Any) -> None:
        """Let a linear layer that gives scores give them without it."""
        with torch.no_grad():
            head.bias.sub_(self.mean).div_(self.deviation)
            head.weight.div_(self.deviation)

    def give_to(self, head: Any) -> None:
        """The other way round."""
        with torch.no_grad():
            head.weight.mul_(self.deviation)
            head.bias.mul_(self.deviation).add_(self.mean)
