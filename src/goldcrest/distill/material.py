"""What a stage works with: checkpoints, texts and tokens, read before anything is trained."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from goldcrest.distill.batches import Indices
from goldcrest.distill.config import Stage
from goldcrest.distill.data import Divided, divide
from goldcrest.distill.reading import Read, counts, single_texts, tokenised
from goldcrest.distill.sources import Source, open_source
from goldcrest.distill.targets import Labelling, check_labelled, class_names, problem_of, targets
from goldcrest.distill.vocabulary import trim, vocabulary_of
from goldcrest.errors import ConfigError, TrainingError
from goldcrest.evaluate import TextSet, read_set

_UNLABELLED = ("embedding", "masked-lm")
_INERT = ("name", "checkpoint_minutes", "keep_mib", "teacher", "start", "data", "held_back")
"""Keys that change nothing, or whose content is counted in their place."""


@dataclass(frozen=True, slots=True)
class Material:
    """What a stage works with.

    Attributes:
        teacher: what its student learns from.
        begins: what its student begins from; the same unless the stage says otherwise.
        labelling: what the student's outputs are, if it is a classifier.
        tokenizer: the text of the student's ``tokenizer.json``.
        kept: *Shape:* ``(n_tokens,)``; the student's id -> that of ``begins``; None: the same.
        read: the training texts as the student reads them.
        taught: the same as the teacher reads them.
    """

    stage: Stage
    teacher: Source
    begins: Source
    divided: Divided
    labelling: Labelling
    tokenizer: str
    kept: Indices | None
    read: Read
    taught: Read

    @property
    def n_tokens(self) -> int:
        """Rows of the student's token table."""
        return self.begins.encoder.spec.vocab_size if self.kept is None else len(self.kept)

    def to_teacher(self) -> Indices:
        """*Shape:* ``(n_tokens,)``; the student's id -> the teacher's; -1 where it has none."""
        if self.begins is self.teacher:
            return np.arange(self.n_tokens) if self.kept is None else self.kept
        table = np.full(self.n_tokens, -1, np.int64)
        for token, index in vocabulary_of(json.loads(self.tokenizer)).items():
            table[index] = self.teacher.tokens.get(token, -1)
        return table

    def digest(self) -> str:
        """SHA-256, in hex, of everything that the student's weights depend on."""
        stage = self.stage
        said = {  # a key that is not given changes nothing, even if it is new
            field.name: getattr(stage, field.name)
            for field in msgspec.structs.fields(stage)
            if field.name not in _INERT and getattr(stage, field.name) != field.default
        }
        total = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
        total.update(self.tokenizer.encode())
        total.update(self.read.ids.values.tobytes())
        total.update(repr([row.label for row in self.divided.train.rows]).encode())
        total.update(repr(self.labelling).encode())
        for source in (self.teacher, self.begins):
            total.update(source.encoder.checkpoint.digest().encode())
        return total.hexdigest()


def gather(stage: Stage) -> Material:
    """Read everything that a stage names.

    Raises:
        CheckpointError: a checkpoint cannot be read.
        ConfigError: texts may be longer than it can take.
        DataProblem: a file of texts cannot be used, or its labels cannot.
        TrainingError: too few texts are left.
        UnsupportedModel: its vocabulary cannot be trimmed.
    """
    teacher = open_source(stage.teacher)
    begins = open_source(stage.start) if stage.start else teacher
    _check_length(stage, (teacher, begins))
    given = read_texts(stage)
    divided = divided_by(stage, *given)
    labelling = _labelling(stage, teacher, [*given[0], *given[1]])
    for part in (divided.train, *divided.held_back) if labelling.names else ():
        targets(part, labelling)  # now, rather than when a long training is over
    items = divided.train.items
    tokenizer, kept = begins.tokenizer, None
    read = tokenised(tokenizer, items, max_length=stage.max_length)
    taught = read
    if stage.trim_vocabulary is not None:
        n_needed = counts(read.ids, begins.encoder.spec.vocab_size)
        trimmed = trim(json.loads(tokenizer), n_needed, stage.trim_vocabulary)
        tokenizer, kept = trimmed.text, trimmed.kept
        read = tokenised(tokenizer, items, max_length=stage.max_length)
    if begins is not teacher and stage.kind in ("task", "embedding"):
        taught = tokenised(teacher.tokenizer, items, max_length=stage.max_length)
    return Material(
        stage=stage,
        teacher=teacher,
        begins=begins,
        divided=divided,
        labelling=labelling,
        tokenizer=tokenizer,
        kept=kept,
        read=read,
        taught=taught,
    )


def _check_length(stage: Stage, sources: Sequence[Source]) -> None:
    for source in sources:
        if stage.max_length > (limit := source.encoder.spec.max_positions):
            raise ConfigError(
                f"max_length = {stage.max_length} is more than the {limit} tokens that "
                f"{source.folder} can take"
            )


def read_texts(stage: Stage) -> tuple[list[TextSet], list[TextSet]]:
    """The files of data, and those that are held back.

    Raises:
        DataProblem: one cannot be used.
    """
    data, held_back = (
        [
            read_set(Path(file), text=stage.text, second=stage.second, label=stage.label)
            for file in files
        ]
        for files in (stage.data, stage.held_back)
    )
    return data, held_back


def divided_by(stage: Stage, data: Sequence[TextSet], held_back: Sequence[TextSet]) -> Divided:
    """The texts of a stage, divided as it says.

    Raises:
        TrainingError: fewer than two texts are left to train on.
    """
    divided = divide(
        [single_texts(part) for part in data] if stage.kind in _UNLABELLED else data,
        held_back,
        held_back_share=stage.held_back_share,
        max_rows=stage.max_rows,
        seed=stage.seed,
    )
    if (n := len(divided.train.rows)) < 2:
        raise TrainingError(f"too few texts are left to train on: {n}; at least 2 are needed")
    return divided


def _labelling(stage: Stage, teacher: Source, parts: Sequence[TextSet]) -> Labelling:
    """What a classifier's outputs are: as the texts are labelled, or as the teacher's."""
    if stage.kind == "labels":
        check_labelled(parts)
        problem = stage.problem_type or problem_of(parts)
        return Labelling(tuple(class_names(stage.labels, parts, problem)), problem)
    if stage.kind != "task":
        return Labelling()
    theirs = teacher.labelling
    if stage.labels and stage.labels != theirs.names:
        raise TrainingError(
            f"labels = {list(stage.labels)} are not those of the teacher: {list(theirs.names)}"
        )
    if stage.problem_type not in ("", theirs.problem):
        raise TrainingError(
            f"problem_type = {stage.problem_type} is not that of the teacher: {theirs.problem}"
        )
    if theirs.problem == "regression" and len(theirs.names) > 1:
        raise TrainingError(f"the teacher gives {len(theirs.names)} scores; a student learns one")
    return theirs
