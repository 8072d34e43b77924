"""A stage from its settings to its result: what is read, made, trained and written."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldcrest.distill.config import Stage
from goldcrest.distill.device import Device, choose
from goldcrest.distill.lessons import Classroom, Prepared, prepare
from goldcrest.distill.material import Material, gather
from goldcrest.distill.result import Training, machine, versions, write
from goldcrest.distill.saving import check_state, has_state, load_state, save_result, save_state
from goldcrest.distill.schedule import plan
from goldcrest.distill.shapes import READS, family_of, student_config
from goldcrest.distill.sidecars import sidecars
from goldcrest.distill.starting import first_weights, head_weights, their_names
from goldcrest.distill.student import Student, new_student
from goldcrest.distill.training import History, Moment, Trainer, optimizer
from goldcrest.distill.watch import MustEnd, Watch
from goldcrest.errors import TrainingEnded, TrainingError
from goldcrest.names import ProblemType

_ARE: Mapping[ProblemType, str] = {
    "single_label_classification": "of which one fits",
    "multi_label_classification": "of which several may fit, or none",
    "regression": "scores",
}
_RUN = "run"
_RECORD = "training.json"


@dataclass(frozen=True, slots=True)
class Order:
    """A stage that is to be run.

    Attributes:
        out: the folder of its result.
        resumes: whether an interrupted run goes on.
        must_end: asked after every step.
        clock: seconds.
    """

    stage: Stage
    out: Path
    resumes: bool = False
    must_end: MustEnd = lambda: False
    clock: Callable[[], float] = time.monotonic

    @property
    def state(self) -> Path:
        """The folder of its checkpoints."""
        return self.out / _RUN


@dataclass(frozen=True, slots=True)
class Finished:
    """A stage that ran to its end.

    Attributes:
        trained: what was trained, and the teacher.
    """

    order: Order
    material: Material
    trained: Prepared
    training: Training


def run(order: Order, watch: Watch) -> Finished:
    """Run a stage to its end, or until it must end.

    Raises:
        TrainingError: the folder holds another run, or a result.
        TrainingEnded: it ended before its last step.
        GoldcrestError: a checkpoint or a file of texts cannot be used.
    """
    check_folder(order)
    watch.begin(f"{order.stage.name}: reading", 0)
    material = gather(order.stage)
    digest = material.digest()
    check_state(order.state, digest)
    student, config = begin(material)
    device = choose(order.stage.precision)
    watch.say(summary(material, student, device))
    room = Classroom(material, student, config, device, watch, order.must_end)
    prepared = prepare(room)
    history = _train(order, _trainer(material, prepared), digest, watch)
    if prepared.scale is not None:
        prepared.scale.give_to(student.head)
    _write(order, material, student, config)
    training = _record(order, material, history, student, device)
    write(training, order.out / _RECORD)
    shutil.rmtree(order.state, ignore_errors=True)
    return Finished(order, material, prepared, training)


def is_finished(out: Path) -> bool:
    """Whether a folder holds the result of a stage that ran to its end."""
    return (out / _RECORD).is_file()


def check_folder(order: Order) -> None:
    """Refuse a folder that holds a result, or a run that was not asked to go on.

    Raises:
        TrainingError: it does.
    """
    if is_finished(order.out):
        raise TrainingError(f"{order.out} holds a finished run; give another --out")
    if has_state(order.state) and not order.resumes:
        raise TrainingError(
            f"{order.out} holds a run that was interrupted; --resume goes on with it, or give "
            "another --out"
        )


def begin(material: Material) -> tuple[Student, Mapping[str, Any]]:
    """The student before its first step, and what ``config.json`` says of it."""
    stage, begins = material.stage, material.begins
    source = begins.encoder
    family, task = family_of(stage, source), READS[stage.kind]
    config = student_config(
        stage,
        source,
        n_tokens=material.n_tokens,
        pad_id=_pad_id(material),
        labelling=material.labelling,
    )
    ours = first_weights(family.read_spec(config), source, material.kept)
    ours |= head_weights(family, source, config, material.kept)
    first = their_names(family, config, task, ours)
    student = new_student(config, task, first, seed=stage.seed, dropout=stage.dropout)
    if stage.freeze_tokens:
        student.model.get_input_embeddings().weight.requires_grad_(False)  # noqa: FBT003  # torch's
    return student, config


def _pad_id(material: Material) -> int:
    old = material.begins.pad_id
    return old if material.kept is None else int(material.kept.searchsorted(old))


def _trainer(material: Material, prepared: Prepared) -> Trainer:
    stage, lengths = material.stage, material.read.ids.lengths
    named = [pair for module in prepared.modules.values() for pair in module.named_parameters()]
    return Trainer(
        stage,
        prepared.modules,
        prepared.objective,
        plan(stage, lengths),
        optimizer(named, stage),
        lengths,
    )


def _train(order: Order, trainer: Trainer, digest: str, watch: Watch) -> History:
    has_begun = has_state(order.state)
    history = load_state(order.state, trainer) if has_begun else History()
    n_steps = len(trainer.batches)
    watch.begin(f"{order.stage.name}: training", n_steps)
    if has_begun:
        watch.say(f"goes on after step {history.step:,} of {n_steps:,}")
    is_done = trainer.run(
        history,
        seen=lambda moment: watch.advance(moment.step, figures(moment)),
        save=_Saver(order, trainer, digest, order.clock()).after,
    )
    if not is_done:
        raise TrainingEnded(
            f"ended after step {history.step:,} of {n_steps:,}; its checkpoint is in "
            f"{order.state}, and --resume goes on",
            history.step,
        )
    return history


@dataclass(slots=True)
class _Saver:
    """Writes checkpoints when it is time."""

    order: Order
    trainer: Trainer
    digest: str
    last_s: float

    def after(self, history: History) -> bool:
        """Write one if it is time; whether the run must end."""
        must_end, now = self.order.must_end(), self.order.clock()
        if must_end or now - self.last_s >= self.order.stage.checkpoint_minutes * 60:
            save_state(self.order.state, self.trainer, history, self.digest)
            self.last_s = now
        return must_end


def figures(moment: Moment) -> str:
    """A moment of a run in words."""
    losses = ", ".join(f"{name} {value:.4f}" for name, value in moment.losses.items())
    return f"{losses}; {moment.tokens_per_s:,.0f} tokens/s"


def summary(material: Material, student: Student, device: Device) -> str:
    """What is about to be trained, and on what, in a few sentences."""
    divided, read, labelling = material.divided, material.read, material.labelling
    n_held_back = sum(len(part) for part in divided.held_back)
    left_out = {
        "duplicates": divided.n_duplicates,
        "contradicting": divided.n_contradicting,
        "held back too": divided.n_shared,
        "beyond max_rows": divided.n_beyond,
    }
    said = ", ".join(f"{n:,} {why}" for why, n in left_out.items() if n)
    fresh = f"{', '.join(student.fresh[:4])}{', ...' if len(student.fresh) > 4 else ''}"
    parts = {
        f"{len(divided.train):,} texts of {len(read.ids.values):,} tokens to train on": True,
        f"{n_held_back:,} held back": True,
        f"{len(labelling.names)} outputs, {_ARE[labelling.problem]}": labelling.names,
        f"left out: {said}": said,
        f"{read.n_cut:,} texts were cut to {material.stage.max_length} tokens": read.n_cut,
        f"{student.n_parameters / 1e6:.2f} M parameters, {material.n_tokens:,} tokens": True,
        f"{len(student.fresh)} tensors begin at random: {fresh}": student.fresh,
        f"{device.name}, {device.arithmetic}": True,
    }
    return "; ".join(part for part, is_said in parts.items() if is_said)


def _write(order: Order, material: Material, student: Student, config: Mapping[str, Any]) -> None:
    is_embedder = order.stage.kind == "embedding"
    files = sidecars(
        material.tokenizer,
        material.begins.special,
        family=config["model_type"],
        max_length=order.stage.max_length if is_embedder else config["max_position_embeddings"],
        width=student.model.config.hidden_size if is_embedder else 0,
    )
    save_result(order.out, student.model.to("cpu"), material.tokenizer, files)


def _record(
    order: Order, material: Material, history: History, student: Student, device: Device
) -> Training:
    divided = material.divided
    return Training(
        stage=order.stage,
        labels=material.labelling.names,
        problem_type=material.labelling.problem_type,
        n_rows=len(divided.train),
        n_tokens=len(material.read.ids.values),
        n_held_back={part.name: len(part) for part in divided.held_back},
        n_duplicates=divided.n_duplicates,
        n_contradicting=divided.n_contradicting,
        n_shared=divided.n_shared,
        n_cut=material.read.n_cut,
        n_parameters=student.n_parameters,
        vocabulary=material.n_tokens,
        fresh=student.fresh,
        steps=history.step,
        seconds=round(history.seconds, 1),
        curve=tuple(history.curve),
        arithmetic=device.arithmetic,
        machine=machine(device.name),
        versions=versions(),
    )
