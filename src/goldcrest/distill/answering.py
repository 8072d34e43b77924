"""A model of PyTorch that can be asked as a served one can, so that both are judged alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from goldcrest.distill.batches import sorted_batches
from goldcrest.distill.device import Device
from goldcrest.distill.language import decoded
from goldcrest.distill.losses import pooled
from goldcrest.distill.reading import Read, tokenised
from goldcrest.distill.sources import Source, open_source
from goldcrest.distill.student import load
from goldcrest.distill.targets import Labelling
from goldcrest.distill.teacher import Encoded
from goldcrest.errors import UnsupportedTask
from goldcrest.heads.classify import as_trained
from goldcrest.names import Overflow, ProblemType, Readable, TaskName
from goldcrest.tasks import Classify, Embed, Fill, Filling, O, Reply, Task
from goldcrest.values import Floats, Item

_F32 = Device("cpu", is_bf16=False)
_BATCH_TOKENS = 4096

Run = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class TorchModel:
    """Answers in f32, without padding more than it must.

    Attributes:
        model: a `transformers.PreTrainedModel`, in evaluation.
        source: its tokenizer and its config.
        task: what it is read for.
        labelling: what the outputs of a classifier are.
        max_length: tokens per text, special ones included.
        basis: what an embedder's vectors are projected onto; None for what they are.
            *Shape:* ``(width, n_dimensions)``
    """

    model: Any
    source: Source
    task: Readable
    labelling: Labelling
    max_length: int
    basis: Any = None

    @property
    def tasks(self) -> tuple[TaskName, ...]:
        return (self.task,)

    @property
    def labels(self) -> tuple[str, ...]:
        return self.labelling.names

    @property
    def problem_type(self) -> ProblemType | None:
        return self.labelling.problem_type

    def predict(
        self, task: Task[O], items: Sequence[Item], *, overflow: Overflow = "truncate"
    ) -> Reply[O]:
        """Answer as a served model does; what is too long is cut.

        Raises:
            UnsupportedTask: it is asked for something else than it is read for.
        """
        del overflow
        read = tokenised(self.source.tokenizer, items, max_length=self.max_length)
        outputs = cast("O", self._outputs(task, read))
        n_tokens = tuple(read.ids.lengths.tolist())
        n_dropped = tuple(read.cut.astype(int).tolist())
        return Reply("", outputs, self.labels, n_tokens, n_dropped, (1,) * len(items))

    def _outputs(self, task: Task[Any], read: Read) -> Any:
        if isinstance(task, Classify) and self.task == "classify":
            logits = self._rows(read, lambda inputs: self.model(**inputs).logits)
            return logits if task.scores == "none" else as_trained(logits, self.labelling.problem)
        if isinstance(task, Embed) and self.task == "embed":
            return self._rows(read, self._vectors)
        if isinstance(task, Fill) and self.task == "fill":
            return self._fillings(read)
        raise UnsupportedTask(f"this model is read for {self.task}, not for {task.name}")

    def _encoded(self, read: Read) -> Encoded:
        types = read.types if self.source.encoder.spec.n_token_types > 1 else None
        return Encoded(read.ids, types, self.source.pad_id)

    def _rows(self, read: Read, run: Run) -> Floats:
        encoded, found = self._encoded(read), dict[int, Floats]()
        for rows in sorted_batches(read.ids.lengths, tokens=_BATCH_TOKENS, rows=512):
            with torch.inference_mode():
                outputs = run(encoded.inputs(rows, _F32)).numpy()
            found |= zip(rows.tolist(), outputs, strict=True)
        return np.stack([found[row] for row in range(len(found))])

    def _vectors(self, inputs: dict[str, Any]) -> Any:
        pooling = self.source.encoder.checkpoint.pooling or "mean"
        states = self.model(**inputs).last_hidden_state
        vectors = pooled(states, inputs["attention_mask"], pooling)
        if self.basis is None:
            return vectors
        return torch.nn.functional.normalize(vectors @ self.basis, dim=-1)

    def _fillings(self, read: Read) -> list[tuple[tuple[Filling, ...], ...]]:
        mask_id = self.source.tokens[self.source.special["mask_token"]]
        names = {index: token for token, index in self.source.tokens.items()}
        encoded, found = self._encoded(read), dict[int, tuple[tuple[Filling, ...], ...]]()
        for rows in sorted_batches(read.ids.lengths, tokens=_BATCH_TOKENS, rows=512):
            inputs = encoded.inputs(rows, _F32)
            at = inputs["input_ids"] == mask_id
            with torch.inference_mode():
                states = self.model.base_model(**inputs).last_hidden_state[at]
                best = decoded(self.model, states).softmax(-1).max(-1)
            fillings = iter(
                (Filling(names[index], index, score, ""),)
                for index, score in zip(best.indices.tolist(), best.values.tolist(), strict=True)
            )
            for row, n_masks in zip(rows.tolist(), at.sum(-1).tolist(), strict=True):
                found[row] = tuple(next(fillings) for _ in range(n_masks))
        return [found[row] for row in range(len(found))]


def open_torch(folder: Path, task: Readable, *, max_length: int, basis: Any = None) -> TorchModel:
    """Open a checkpoint to be asked.

    Args:
        folder: as `checkpoint.locate` finds it.
        task: what it is read for.
        max_length: tokens per text, if the model can take as many.
        basis: as in `TorchModel`.
    """
    source = open_source(str(folder))
    limit = min(max_length, source.encoder.spec.max_positions)
    labelling = source.labelling if task == "classify" else Labelling()
    return TorchModel(load(folder, task).to("cpu"), source, task, labelling, limit, basis)
