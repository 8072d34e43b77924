"""What a step minimises: the student's answer to a batch, held against what it should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from goldcrest.distill import losses
from goldcrest.distill.batches import Indices
from goldcrest.distill.device import Device
from goldcrest.distill.targets import Labelling
from goldcrest.distill.teacher import Encoded, Remembered, Teacher, chosen

Tensor = Any
Losses = dict[str, Tensor]
Found = Mapping[str, Tensor | None]


class Objective(Protocol):
    """The losses of a kind."""

    def losses(self, rows: Indices, step: int) -> Losses:
        """Name -> loss of these rows, each times its weight.

        Args:
            rows: of the data.
            step: from 0; what is drawn at random for a batch is drawn from it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Hidden:
    """What the student's hidden states are held against.

    Attributes:
        layers: the teacher's, one for each of the student's.
        agrees: *Shape:* ``(n_rows,)``; whether both cut a text into the same tokens.
        link: a linear map from the student's width to the teacher's; None where they agree.
    """

    layers: tuple[int, ...]
    agrees: Any
    link: Any = None

    def loss(self, student: Tensor, said: Tensor) -> Tensor:
        """How far states point apart, averaged over layers and tokens.

        Args:
            student: *Shape:* ``(n_tokens, n_layers, width)``.
            said: the teacher's. *Shape:* ``(n_tokens, n_layers, teacher_width)``.
        """
        ours = student.float() if self.link is None else self.link(student.float())
        return losses.angle(ours, said)

    def states(self, answer: Any, mask: Tensor) -> Tensor:
        """The student's states of all its layers at the tokens of a mask."""
        return chosen(answer.hidden_states, range(len(self.layers)), mask)


@dataclass(frozen=True, slots=True)
class Pupil:
    """The student and what it reads.

    Attributes:
        model: a `transformers.PreTrainedModel`.
        encoded: the texts as it reads them.
        hidden: what its hidden states are held against, if they are.
    """

    model: Any
    encoded: Encoded
    device: Device
    hidden: Hidden | None = None

    def inputs(self, rows: Indices) -> dict[str, Tensor]:
        """What it reads of these rows."""
        return self.encoded.inputs(rows, self.device)

    def run(self, inputs: Mapping[str, Tensor]) -> Any:
        """Its forward."""
        with self.device.autocast():
            return self.model(**inputs, output_hidden_states=self.hidden is not None)


@dataclass(frozen=True, slots=True)
class Lesson:
    """The teacher, and what it said before.

    Attributes:
        encoded: the texts as the teacher reads them.
        said: of every text; without its states where they are computed anew each time.
    """

    teacher: Teacher
    encoded: Encoded
    said: Remembered

    def states(self, rows: Indices) -> Tensor:
        """Its hidden states of these rows. *Shape:* ``(n_tokens, n_layers, width)``."""
        if self.said.states is not None:
            places = torch.from_numpy(self.encoded.ids.places(rows))
            return self.said.states.index_select(0, places)
        return self.teacher.say(self.encoded.inputs(rows, self.teacher.device)).states

    def hidden_loss(self, pupil: Pupil, rows: Indices, answer: Any, mask: Tensor) -> Tensor | None:
        """The loss of hidden states, over the rows whose tokens agree; None if not wanted."""
        hidden = pupil.hidden
        if hidden is None:
            return None
        agrees = hidden.agrees[rows]
        if not agrees.any():
            return answer.hidden_states[-1].sum() * 0
        here = mask * torch.from_numpy(agrees).to(mask.device)[:, None]
        return hidden.loss(hidden.states(answer, here), self.states(rows[agrees]).to(mask.device))


@dataclass(frozen=True, slots=True)
class FromLabels:
    """Plain fine-tuning of a classifier.

    Attributes:
        targets: what the outputs of each row should be.
        labelling: what they are.
    """

    pupil: Pupil
    targets: Tensor
    labelling: Labelling
    weights: Mapping[str, float]

    def losses(self, rows: Indices, step: int) -> Losses:
        del step
        answer = self.pupil.run(self.pupil.inputs(rows))
        targets = self.targets[torch.from_numpy(rows)].to(answer.logits.device)
        hard = losses.hard(answer.logits, targets, self.labelling.labels_are)
        return weighted({"hard": hard}, self.weights)


@dataclass(frozen=True, slots=True)
class FromClassifier:
    """The triple loss of DistilBERT, with the task's labels in place of the masked words.

    Attributes:
        targets: what the outputs of each row should be, where that is known.
        labelling: what they are.
    """

    pupil: Pupil
    lesson: Lesson
    targets: Tensor
    labelling: Labelling
    weights: Mapping[str, float]
    temperature: float

    def losses(self, rows: Indices, step: int) -> Losses:
        del step
        inputs = self.pupil.inputs(rows)
        answer, places = self.pupil.run(inputs), torch.from_numpy(rows)
        logits = answer.logits.float()
        said = self.lesson.said.outputs[places].to(logits.device)
        targets = self.targets[places].to(logits.device)
        mask = inputs["attention_mask"]
        found: Found = {
            "soft": losses.learnt(logits, said, self.labelling.problem, self.temperature),
            "cosine": self.lesson.hidden_loss(self.pupil, rows, answer, mask),
            "hard": losses.hard(logits, targets, self.labelling.labels_are),
        }
        return weighted(found, self.weights)


@dataclass(frozen=True, slots=True)
class FromEmbedder:
    """Regression of sentence vectors.

    Attributes:
        targets: the teacher's vectors, of length 1 and of the student's width.
    """

    pupil: Pupil
    lesson: Lesson
    targets: Tensor
    weights: Mapping[str, float]

    def losses(self, rows: Indices, step: int) -> Losses:
        del step
        inputs = self.pupil.inputs(rows)
        answer, mask = self.pupil.run(inputs), inputs["attention_mask"]
        vectors = losses.pooled(answer.last_hidden_state, mask)
        targets = self.targets[torch.from_numpy(rows)].to(vectors.device)
        found: Found = {
            "vector": losses.angle(vectors, targets),
            "similarity": losses.similarity(vectors, targets),
            "cosine": self.lesson.hidden_loss(self.pupil, rows, answer, mask),
        }
        return weighted(found, self.weights)


def weighted(found: Found, weights: Mapping[str, float]) -> Losses:
    """Each loss times its weight, without those that are not there or do not count."""
    return {
        name: weights[name] * loss
        for name, loss in found.items()
        if loss is not None and name in weights
    }
