"""From what a stage works with to what it trains: the student, the teacher, and the objective."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from goldcrest.distill.device import Device
from goldcrest.distill.language import FromLanguageModel
from goldcrest.distill.masking import Masking
from goldcrest.distill.material import Material
from goldcrest.distill.objective import (
    FromClassifier,
    FromEmbedder,
    FromLabels,
    Hidden,
    Lesson,
    Objective,
    Pupil,
)
from goldcrest.distill.reading import agreement
from goldcrest.distill.scale import Scale
from goldcrest.distill.shapes import READS, mirrored
from goldcrest.distill.starting import principal
from goldcrest.distill.student import Student, load
from goldcrest.distill.targets import targets
from goldcrest.distill.teacher import Encoded, Teacher, ask, states_mib
from goldcrest.distill.vocabulary import vocabulary_of
from goldcrest.distill.watch import MustEnd, Watch
from goldcrest.errors import TrainingEnded, TrainingError, UnsupportedModel

Tensor = Any

_HEAD = "classifier.weight"


@dataclass(frozen=True, slots=True)
class Classroom:
    """What an objective is made of.

    Attributes:
        student: before its first step.
        config: what ``config.json`` says of it.
    """

    material: Material
    student: Student
    config: Mapping[str, Any]
    device: Device
    watch: Watch
    must_end: MustEnd

    @property
    def encoded(self) -> Encoded:
        """The texts as the student reads them."""
        read, has_types = self.material.read, self.config["model_type"] == "bert"
        return Encoded(read.ids, read.types if has_types else None, self.config["pad_token_id"])


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is trained, and by what.

    Attributes:
        modules: the student, and what is dropped at the end.
        teacher: None where labels alone teach.
        basis: what the teacher's vectors are projected onto; None where they stay as they are.
            *Shape:* ``(teacher_width, width)``
        scale: that scores are trained without; None of all else.
    """

    objective: Objective
    modules: Mapping[str, Any] = field(default_factory=dict)
    teacher: Teacher | None = None
    basis: Tensor | None = None
    scale: Scale | None = None


def prepare(room: Classroom) -> Prepared:
    """Make the objective of a stage; asks the teacher everything that stays the same.

    Raises:
        TrainingError: the sizes of student and teacher do not fit each other.
        TrainingEnded: it was told to end meanwhile.
    """
    stage = room.material.stage
    model = room.student.model.to(room.device.name)
    model.set_attn_implementation(room.device.attention)
    if stage.kind == "labels":
        known, labelling = _targets(room), room.material.labelling
        scale = _scale(room, known)
        pupil = Pupil(model, room.encoded, room.device)
        labels = FromLabels(
            pupil, scale.apart(known) if scale else known, labelling, stage.weights()
        )
        return Prepared(labels, {"model": model}, scale=scale)
    hidden = _hidden(room) if "cosine" in stage.weights() else None
    pupil = Pupil(model, room.encoded, room.device, hidden)
    modules = {"model": model} | ({"link": hidden.link} if hidden and hidden.link else {})
    teacher = _teacher(room, hidden)
    if stage.kind == "masked-lm":
        return Prepared(_from_language_model(room, pupil, teacher), modules, teacher)
    lesson = _lesson(room, teacher)
    if stage.kind == "embedding":
        basis = _basis(model.config.hidden_size, lesson.said.outputs)
        targets = lesson.said.outputs
        if basis is not None:
            targets = torch.nn.functional.normalize(targets @ basis, dim=-1)
        return Prepared(
            FromEmbedder(pupil, lesson, targets, stage.weights()), modules, teacher, basis
        )
    known, said = _targets(room), lesson.said
    if scale := _scale(room, said.outputs):
        known, said = scale.apart(known), replace(said, outputs=scale.apart(said.outputs))
    objective = FromClassifier(
        pupil,
        replace(lesson, said=said),
        known,
        room.material.labelling,
        stage.weights(),
        stage.temperature,
    )
    return Prepared(objective, modules, teacher, scale=scale)


def _scale(room: Classroom, scores: Tensor) -> Scale | None:
    """That of scores, which the student's head loses if it is not fresh; None of all else.

    Bare logits keep theirs: 0 has a meaning there.
    """
    labelling = room.material.labelling
    if labelling.labels_are != "regression":
        return None
    scale = Scale.of(scores)
    if _HEAD not in room.student.fresh:
        scale.take_from(room.student.head)
    return scale


def _targets(room: Classroom) -> Tensor:
    return torch.from_numpy(targets(room.material.divided.train, room.material.labelling))


def _teacher(room: Classroom, hidden: Hidden | None) -> Teacher:
    source, task = room.material.teacher, READS[room.material.stage.kind]
    model = load(source.folder, task).to(room.device.name)
    model.set_attn_implementation(room.device.attention)
    return Teacher(
        model,
        task,
        room.device,
        hidden.layers if hidden else (),
        source.encoder.checkpoint.pooling or "mean",
    )


def _hidden(room: Classroom) -> Hidden:
    material, config = room.material, room.student.model.config
    spec = material.teacher.encoder.spec
    link = None
    if config.hidden_size != spec.width:
        torch.manual_seed(material.stage.seed)
        link = torch.nn.Linear(config.hidden_size, spec.width).to(room.device.name)
    return Hidden(
        mirrored(config.num_hidden_layers, spec.n_layers),
        agreement(material.read.ids, material.taught.ids, material.to_teacher()),
        link,
    )


def _lesson(room: Classroom, teacher: Teacher) -> Lesson:
    material, watch = room.material, room.watch
    source, read = material.teacher, material.taught
    types = read.types if source.encoder.spec.n_token_types > 1 else None
    encoded = Encoded(read.ids, types, source.pad_id)
    needed = states_mib(len(read.ids.values), len(teacher.layers), source.encoder.spec.width)
    keeps_states = needed <= material.stage.keep_mib
    if not keeps_states:
        watch.say(
            f"the teacher's hidden states would take {needed:,.0f} MiB, more than keep_mib = "
            f"{material.stage.keep_mib:,}; they are computed anew at each step"
        )

    def progress(done: int, total: int) -> None:
        del total
        watch.advance(done, "")
        if room.must_end():
            raise TrainingEnded("ended while the teacher was asked; no step was done since", 0)

    watch.begin(f"{material.stage.name}: asking the teacher, tokens", len(read.ids.values))
    said = ask(teacher, encoded, keeps_states=keeps_states, progress=progress)
    return Lesson(teacher, encoded, said)


def _basis(width: int, vectors: Tensor) -> Tensor | None:
    """What the teacher's vectors are projected onto, so that dot products stay as they were."""
    n_given = vectors.shape[1]
    if width > n_given:
        raise TrainingError(f"width = {width} is more than the {n_given} of the teacher's vectors")
    return torch.from_numpy(principal(vectors.numpy(), width)) if width < n_given else None


def _from_language_model(room: Classroom, pupil: Pupil, teacher: Teacher) -> FromLanguageModel:
    material, stage = room.material, room.material.stage
    own = vocabulary_of(json.loads(material.tokenizer))
    special = material.begins.special
    if "mask_token" not in special:
        raise UnsupportedModel(f"the tokenizer of {material.begins.folder} has no mask token")
    table = material.to_teacher()
    if (table < 0).any():
        raise TrainingError(
            f"{(table < 0).sum():,} tokens of the student are not among the teacher's; a language "
            "model is distilled into its own vocabulary"
        )
    masking = Masking(
        mask_id=own[special["mask_token"]],
        special=tuple(sorted(own[token] for token in special.values())),
        n_ids=material.n_tokens,
        share=stage.mask_share,
        seed=stage.seed,
    )
    to_teacher = torch.from_numpy(table).to(room.device.name)
    return FromLanguageModel(
        pupil, teacher, to_teacher, masking, stage.weights(), stage.temperature
    )
