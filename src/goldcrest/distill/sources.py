"""Checkpoints that a stage learns or begins from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from goldcrest.checkpoint import locate, read
from goldcrest.distill.targets import Labelling
from goldcrest.distill.vocabulary import vocabulary_of
from goldcrest.errors import UnsupportedModel
from goldcrest.models import Encoder, readout_of, resolve
from goldcrest.text.vocabulary import build_tokenizer, special_tokens


@dataclass(frozen=True)
class Source:
    """A checkpoint: its encoder and its tokenizer."""

    encoder: Encoder

    @property
    def folder(self) -> Path:
        return self.encoder.checkpoint.folder

    @cached_property
    def tokenizer(self) -> str:
        """The text of its ``tokenizer.json``."""
        return build_tokenizer(self.folder)

    @cached_property
    def tokens(self) -> Mapping[str, int]:
        """Token -> id."""
        return vocabulary_of(json.loads(self.tokenizer))

    @cached_property
    def special(self) -> Mapping[str, str]:
        """What a token is for, such as "mask_token" -> the token."""
        return special_tokens(self.folder)

    @property
    def pad_id(self) -> int:
        """Of the token that fills up rows.

        Raises:
            UnsupportedModel: there is none.
        """
        if "pad_token" not in self.special:
            raise UnsupportedModel(f"the tokenizer of {self.folder} has no padding token")
        return self.tokens[self.special["pad_token"]]

    @cached_property
    def labelling(self) -> Labelling:
        """What its outputs are, as a classifier.

        Raises:
            NoTrainedHead: it is none.
            CheckpointError: its head and its config do not fit each other.
        """
        found = readout_of(self.encoder, "classify")
        problem = found.problem_type or "single_label_classification"
        is_bare = problem == "regression" != self.encoder.checkpoint.config.get("problem_type")
        return Labelling(found.labels, problem, is_bare)


def open_source(name: str) -> Source:
    """Read a checkpoint, by its folder or Hub id.

    Raises:
        CheckpointError: it is not there, not whole, or of a family that we do not have.
    """
    return Source(resolve(read(locate(name), name)))
