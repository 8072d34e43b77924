"""The loop: steps in an order that is fixed beforehand, so that a run can go on where it ended."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from goldcrest.distill.batches import Indices
from goldcrest.distill.config import Stage
from goldcrest.distill.objective import Objective
from goldcrest.distill.schedule import rate_at
from goldcrest.errors import TrainingError

Tensor = Any
_CURVE_POINTS = 200
_STRIDE = 1_000_003


@dataclass(frozen=True, slots=True)
class Moment:
    """How far a run is.

    Attributes:
        losses: means over the last stretch of steps.
        tokens_per_s: real tokens, padding not counted, since this process began.
    """

    step: int
    losses: Mapping[str, float]
    tokens_per_s: float


@dataclass(slots=True)
class History:
    """What is known of a run so far; it goes into checkpoints.

    Attributes:
        step: steps that are done.
        curve: a point for each stretch of steps: the step, and the mean of each loss.
        seconds: in training, all processes together.
    """

    step: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0


def optimizer(parameters: Iterable[tuple[str, Tensor]], stage: Stage) -> Any:
    """AdamW without decay for biases and norms."""
    trained = [p for _, p in parameters if p.requires_grad]
    decayed = {"params": [p for p in trained if p.ndim > 1], "weight_decay": stage.weight_decay}
    spared = {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0}
    return torch.optim.AdamW([decayed, spared], lr=stage.learning_rate, fused=True)


@dataclass(frozen=True, slots=True)
class Trainer:
    """A run: everything that a step needs.

    Attributes:
        modules: what is trained: the student, and the maps that are dropped at the end.
        batches: the rows of each, in their order.
        lengths: of each row, in tokens.
    """

    stage: Stage
    modules: Mapping[str, Any]
    objective: Objective
    batches: Sequence[Indices]
    optimizer: Any
    lengths: Indices

    def parameters(self) -> list[Tensor]:
        return [p for m in self.modules.values() for p in m.parameters() if p.requires_grad]

    def run(
        self, history: History, *, seen: Callable[[Moment], None], save: Callable[[History], bool]
    ) -> bool:
        """Go on from where the history stands.

        Args:
            history: brought up to date as steps are done.
            seen: told of every step's losses now and then.
            save: called after every step; writes a checkpoint if it is time, and says whether
                the run must end here.

        Returns:
            Whether all steps are done.

        Raises:
            TrainingError: a loss is no number any more.
        """
        for module in self.modules.values():
            module.train()
        parameters = self.parameters()
        pace = _Pace(history, len(self.batches))
        while history.step < len(self.batches):
            rows = self.batches[history.step]
            found = self._step(rows, history.step, parameters)
            history.step += 1
            moment = pace.count(found, int(self.lengths[rows].sum()))
            if moment is not None:
                seen(moment)
            if save(history):
                return history.step == len(self.batches)
        return True

    def _step(self, rows: Indices, step: int, parameters: Sequence[Tensor]) -> dict[str, Tensor]:
        # Every step draws from a seed of its own, so that a resumed run draws the same.
        torch.manual_seed(self.stage.seed * _STRIDE + step)
        rate = self.stage.learning_rate * rate_at(step, len(self.batches), self.stage.warm_up)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        losses = self.objective.losses(rows, step)
        torch.stack(list(losses.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        self.optimizer.step()
        return {name: loss.detach() for name, loss in losses.items()}


class _Pace:
    """Gathers losses without waiting for each, and knows how fast it goes."""

    def __init__(self, history: History, n_steps: int) -> None:
        self._history, self._n_steps = history, n_steps
        self._stretch = max(1, n_steps // _CURVE_POINTS)
        self._losses: list[dict[str, Tensor]] = []
        self._began = self._last = time.monotonic()
        self._n_tokens = 0

    def count(self, losses: dict[str, Tensor], n_tokens: int) -> Moment | None:
        history, now = self._history, time.monotonic()
        history.seconds += now - self._last
        self._last = now
        self._n_tokens += n_tokens
        self._losses.append(losses)
        if history.step % self._stretch and history.step != self._n_steps:
            return None
        means = _means(self._losses)
        self._losses.clear()
        if not all(map(math.isfinite, means.values())):
            raise TrainingError(
                f"the losses are no numbers by step {history.step:,}; lower the learning rate"
            )
        history.curve.append({"step": float(history.step), **means})
        return Moment(history.step, means, self._n_tokens / max(1e-9, now - self._began))


def _means(losses: Sequence[Mapping[str, Tensor]]) -> dict[str, float]:
    names = dict.fromkeys(name for one in losses for name in one)
    return {
        name: float(torch.stack([one[name] for one in losses if name in one]).mean())
        for name in names
    }
