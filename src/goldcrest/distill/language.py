"""Distillation of a language model: DistilBERT's triple loss over masked words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from goldcrest.distill import losses
from goldcrest.distill.batches import Indices
from goldcrest.distill.masking import Masking, masked
from goldcrest.distill.objective import Found, Losses, Pupil, weighted
from goldcrest.distill.teacher import Teacher, chosen

Tensor = Any


@dataclass(frozen=True, slots=True)
class FromLanguageModel:
    """Soft targets, hidden states and the masked words themselves (Sanh et al., 2019).

    Teacher and student read the same masked text, and their distributions are compared at the
    tokens to be found.

    Attributes:
        teacher: asked anew at each step, for the masks change.
        to_teacher: *Shape:* ``(n_tokens,)``; the student's id -> the teacher's.
        masking: which tokens may be masked, and by what.
    """

    pupil: Pupil
    teacher: Teacher
    to_teacher: Tensor
    masking: Masking
    weights: Mapping[str, float]
    temperature: float

    def losses(self, rows: Indices, step: int) -> Losses:
        encoded, place = self.pupil.encoded, self.pupil.device.name
        ids = encoded.ids.padded(rows, encoded.pad)
        rng = np.random.default_rng([self.masking.seed, step])
        shown, picks = masked(ids, encoded.ids.mask(rows), self.masking, rng)
        inputs = self.pupil.inputs(rows) | {"input_ids": torch.from_numpy(shown).to(place)}
        at = torch.from_numpy(picks).to(place)
        states, logits = _read(self.pupil, self.pupil.model, inputs, at)
        words = torch.from_numpy(ids[picks]).to(place)
        found: Found = {"hard": functional.cross_entropy(logits, words)}
        if {"soft", "cosine"} & set(self.weights):
            found = {**found, **self._taught(inputs, at, states, logits)}
        return weighted(found, self.weights)

    def _taught(
        self, inputs: Mapping[str, Tensor], at: Tensor, states: Any, logits: Tensor
    ) -> Found:
        hidden, table, mask = self.pupil.hidden, self.to_teacher, inputs["attention_mask"]
        own = {**inputs, "input_ids": table[inputs["input_ids"]]}
        with torch.no_grad():
            theirs, said = _read(self.pupil, self.teacher.model, own, at)
        soft = losses.soft(logits, said[:, table], self.temperature)
        if hidden is None:
            return {"soft": soft}
        taught = chosen(theirs, hidden.layers, mask)
        return {
            "soft": soft,
            "cosine": hidden.loss(chosen(states, range(len(hidden.layers)), mask), taught),
        }


def _read(pupil: Pupil, model: Any, inputs: Mapping[str, Tensor], at: Tensor) -> tuple[Any, Tensor]:
    """The hidden states of a batch, and the scores over the vocabulary at some of its tokens."""
    with pupil.device.autocast():
        answer = model.base_model(**inputs, output_hidden_states=pupil.hidden is not None)
        return answer.hidden_states, decoded(model, answer.last_hidden_state[at]).float()


def decoded(model: Any, states: Tensor) -> Tensor:
    """Scores over the vocabulary for single states, as the model's own head gives them."""
    if hasattr(model, "vocab_transform"):  # DistilBERT has no module for its head
        lifted = model.vocab_layer_norm(model.activation(model.vocab_transform(states)))
        return model.vocab_projector(lifted)
    head = model.cls if hasattr(model, "cls") else model.lm_head
    return head(states)
