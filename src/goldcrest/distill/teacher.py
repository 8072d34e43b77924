"""What the teacher says of every text: computed once where it stays the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from goldcrest.distill.batches import Indices, Ragged, sorted_batches
from goldcrest.distill.device import Device
from goldcrest.distill.losses import pooled
from goldcrest.names import Pooling, Readable

Tensor = Any
Progress = Callable[[int, int], None]
"""Told how many tokens of how many are done."""

_BATCH_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Encoded:
    """Texts as a model reads them.

    Attributes:
        ids: token ids, special ones included.
        types: token types, or None where the model has none, or all are 0.
        pad: what fills up rows.
    """

    ids: Ragged
    types: Ragged | None
    pad: int

    def inputs(self, rows: Indices, device: Device) -> dict[str, Tensor]:
        """The arguments of a model's forward for these rows."""
        found = {
            "input_ids": torch.from_numpy(self.ids.padded(rows, self.pad)),
            "attention_mask": torch.from_numpy(self.ids.mask(rows).astype(np.int64)),
        }
        if self.types is not None:
            found["token_type_ids"] = torch.from_numpy(self.types.padded(rows, 0))
        return {name: tensor.to(device.name) for name, tensor in found.items()}


@dataclass(frozen=True, slots=True)
class Said:
    """What a teacher says of one batch.

    Attributes:
        outputs: logits, or vectors of length 1. *Shape:* ``(n, n_outputs)``.
        states: of the layers that are mirrored, for each real token, row after row.
            *Shape:* ``(n_tokens, n_layers, width)``; None where nobody wants them.
    """

    outputs: Tensor
    states: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Teacher:
    """A trained model that answers.

    Attributes:
        model: a `transformers.PreTrainedModel`, in evaluation.
        task: what it is read for.
        layers: whose hidden states are wanted, from 0; none for no states.
        pooling: of an embedder.
    """

    model: Any
    task: Readable
    device: Device
    layers: tuple[int, ...] = ()
    pooling: Pooling = "mean"

    def say(self, inputs: dict[str, Tensor]) -> Said:
        """Answer for one batch."""
        # Not inference mode: a student's backward pass keeps these states.
        with torch.no_grad(), self.device.autocast():
            out = self.model(**inputs, output_hidden_states=bool(self.layers))
        mask = inputs["attention_mask"]
        outputs = (
            pooled(out.last_hidden_state, mask, self.pooling)
            if self.task == "embed"
            else out.logits.float()
        )
        if not self.layers:
            return Said(outputs)
        return Said(outputs, chosen(out.hidden_states, self.layers, mask))


def chosen(states: Sequence[Tensor], layers: Sequence[int], mask: Tensor) -> Tensor:
    """The states of real tokens after these layers. *Shape:* ``(n_tokens, n_layers, width)``."""
    is_real = mask.bool()
    return torch.stack([states[layer + 1][is_real] for layer in layers], dim=1)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the teacher said of every text.

    Attributes:
        outputs: *Shape:* ``(n_rows, n_outputs)``.
        states: in bf16. *Shape:* ``(n_tokens, n_layers, width)``; None where they are not kept.
    """

    outputs: Tensor
    states: Tensor | None


def ask(
    teacher: Teacher, encoded: Encoded, *, keeps_states: bool, progress: Progress = lambda *_: None
) -> Remembered:
    """Ask the teacher about every text, in batches of similar length."""
    lengths = encoded.ids.lengths
    n_tokens, n_done = int(lengths.sum()), 0
    asked = (
        teacher
        if keeps_states
        else Teacher(teacher.model, teacher.task, teacher.device, (), teacher.pooling)
    )
    outputs, states = None, None
    for rows in sorted_batches(lengths, tokens=_BATCH_TOKENS, rows=512):
        said = asked.say(encoded.inputs(rows, teacher.device))
        if outputs is None:
            outputs = torch.empty(len(lengths), said.outputs.shape[1])
        outputs[torch.from_numpy(rows)] = said.outputs.cpu()
        if said.states is not None:
            if states is None:
                states = torch.empty(n_tokens, *said.states.shape[1:], dtype=torch.bfloat16)
            states[torch.from_numpy(encoded.ids.places(rows))] = said.states.cpu().bfloat16()
        n_done += int(lengths[rows].sum())
        progress(n_done, n_tokens)
    return Remembered(outputs, states)


def states_mib(n_tokens: int, n_layers: int, width: int) -> float:
    """What hidden states take in memory, in MiB."""
    return n_tokens * n_layers * width * 2 / 2**20
