"""The steps that a head is made of: what stands between the states and the logits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from goldcrest.models.encoder import (
    Activation,
    Ops,
    Shapes,
    Spec,
    T,
    linear_shapes,
    norm_shapes,
)

Names = dict[str, tuple[str, ...]]
"""Our name of a tensor -> the names that checkpoints give it, the likeliest first."""


class Step(Protocol):
    """One step of a head. Our names of its tensors stand alone; a head puts its own before them."""

    def is_on(self, config: Mapping[str, Any]) -> bool:
        """Whether a model of this config has the step."""
        ...

    def names(self) -> Names:
        """The names of its tensors."""
        ...

    def n_out(self, spec: Spec, n_in: int, n_labels: int) -> int:
        """Features that it puts out, of those that it takes."""
        ...

    def shapes(self, spec: Spec, n_in: int, n_labels: int) -> Shapes:
        """The shapes of its tensors as a checkpoint stores them."""
        ...

    def run(self, ops: Ops[T], spec: Spec, states: T, head: str) -> T:
        """Take the step; ``head`` stands before the names of its tensors."""
        ...


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear layer, and the activation after it.

    Attributes:
        ours: what we call it.
        theirs: what a checkpoint calls it.
        to: what its output is as wide as: the states, the embeddings of tokens, or the labels.
        then: the activation; "own" is that of the encoder's layers.
        switch: a key of the config that takes the layer out where it is false.
    """

    ours: str
    theirs: str
    to: Literal["states", "embeddings", "labels"] = "states"
    then: Activation | Literal["own"] | None = None
    switch: str = ""

    def is_on(self, config: Mapping[str, Any]) -> bool:
        return not self.switch or config.get(self.switch, True) is not False

    def names(self) -> Names:
        return _names(self.ours, self.theirs)

    def n_out(self, spec: Spec, n_in: int, n_labels: int) -> int:
        return {
            "states": spec.width,
            "embeddings": table_width(spec),
            "labels": n_labels,
        }[self.to]

    def shapes(self, spec: Spec, n_in: int, n_labels: int) -> Shapes:
        return linear_shapes(self.ours, self.n_out(spec, n_in, n_labels), n_in)

    def run(self, ops: Ops[T], spec: Spec, states: T, head: str) -> T:
        states = ops.linear(states, f"{head}.{self.ours}")
        if self.then is None:
            return states
        return ops.activate(states, spec.activation if self.then == "own" else self.then)


@dataclass(frozen=True, slots=True)
class Norm:
    """Layer normalisation.

    Attributes:
        ours: what we call it.
        theirs: what a checkpoint calls it.
    """

    ours: str
    theirs: str

    def is_on(self, config: Mapping[str, Any]) -> bool:
        return True

    def names(self) -> Names:
        return _names(self.ours, self.theirs)

    def n_out(self, spec: Spec, n_in: int, n_labels: int) -> int:
        return n_in

    def shapes(self, spec: Spec, n_in: int, n_labels: int) -> Shapes:
        return norm_shapes(self.ours, n_in)

    def run(self, ops: Ops[T], spec: Spec, states: T, head: str) -> T:
        return ops.norm(states, f"{head}.{self.ours}", spec.norm_eps)


@dataclass(frozen=True, slots=True)
class Decoder:
    """A score for every token of the vocabulary.

    Its weight is the table of the tokens' embeddings, unless the checkpoint holds another.

    Attributes:
        theirs: what a checkpoint calls it.
        bias: another name for its bias.
        rest: the columns, stored as rows, that such a weight has beyond the table's; see `joined`.
    """

    theirs: str
    bias: str = ""
    rest: str = ""

    def is_on(self, config: Mapping[str, Any]) -> bool:
        return True

    def names(self) -> Names:
        names: Names = {
            "decoder.weight": (f"{self.theirs}.weight",),
            "decoder.bias": tuple(name for name in (f"{self.theirs}.bias", self.bias) if name),
        }
        return names | ({"decoder.rest": (self.rest,)} if self.rest else {})

    def n_out(self, spec: Spec, n_in: int, n_labels: int) -> int:
        return spec.vocab_size

    def shapes(self, spec: Spec, n_in: int, n_labels: int) -> Shapes:
        n_tokens = spec.vocab_size
        n_stored = table_width(spec) if self.rest else n_in
        shapes = linear_shapes("decoder", n_tokens, n_stored)
        return shapes | ({"decoder.rest": (n_in - n_stored, n_tokens)} if self.rest else {})

    def run(self, ops: Ops[T], spec: Spec, states: T, head: str) -> T:
        return ops.linear(states, f"{head}.decoder")


def head_shapes(steps: tuple[Step, ...], spec: Spec, n_labels: int) -> Shapes:
    """The shapes of all tensors of a head as a checkpoint stores them."""
    shapes, width = Shapes(), spec.width
    for step in steps:
        shapes |= step.shapes(spec, width, n_labels)
        width = step.n_out(spec, width, n_labels)
    return shapes


def table_width(spec: Spec) -> int:
    """Features of a token's embedding, before anything widens it."""
    return spec.shapes()["embed.tokens.weight"][1]


def _names(ours: str, theirs: str) -> Names:
    return {f"{ours}.{part}": (f"{theirs}.{part}",) for part in ("weight", "bias")}


TOKENS: tuple[Step, ...] = (Linear("output", "classifier", to="labels"),)
"""The head of token classification, the same in every family."""

SPAN: tuple[Step, ...] = (Linear("output", "qa_outputs", to="labels"),)
"""The head of extractive question answering, the same in every family."""
