"""The end of the graph: what is read from the states, and what the answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from goldcrest.checkpoint import Checkpoint
from goldcrest.errors import NoTrainedHead, TensorProblem, UnsupportedModel
from goldcrest.models.encoder import Ops, T
from goldcrest.models.resolve import Encoder, resolve
from goldcrest.models.weights import check_tensor
from goldcrest.values import Pooling, ProblemType, Task

_OTHER_HEADS = ("ForTokenClassification", "ForMultipleChoice", "ForQuestionAnswering")


@dataclass(frozen=True, slots=True)
class Readout:
    """What a graph puts out.

    Attributes:
        labels: the names of the logits, in order; empty for embeddings.
        problem_type: how logits become probabilities; None for embeddings.
        pooling: how states become one vector; None for classification.
        normalize: whether that vector is scaled to length 1.
    """

    task: Task
    labels: tuple[str, ...] = ()
    problem_type: ProblemType | None = None
    pooling: Pooling | None = None
    normalize: bool = False

    @property
    def output(self) -> str:
        """The name of the graph's output."""
        return "logits" if self.task == "classify" else "states"

    @property
    def uses_picks(self) -> bool:
        """Whether the graph reads states at ``picks``, rather than all of them."""
        return self.task == "classify" or self.pooling == "cls"


def task_of(checkpoint: Checkpoint) -> Task:
    """``classify`` if the checkpoint has a trained classifier of whole texts, else ``embed``.

    Raises:
        CheckpointError: as `resolve`.
    """
    return _task_of(resolve(checkpoint))


def readout_of(
    encoder: Encoder,
    task: Task | None = None,
    *,
    pooling: Pooling | None = None,
    normalize: bool | None = None,
) -> Readout:
    """The readout for a task; by default for the one that the checkpoint was trained for.

    Args:
        encoder: as `resolve` returns it.
        task: None means ``classify`` if there is a trained classifier, else ``embed``.
        pooling: as for `embedding`; nothing to classification.
        normalize: as for `embedding`; nothing to classification.

    Raises:
        CheckpointError: as `classification`.
    """
    if (task or _task_of(encoder)) == "classify":
        return classification(encoder)
    return embedding(encoder, pooling=pooling, normalize=normalize)


def classification(encoder: Encoder) -> Readout:
    """The readout of a sequence classifier.

    Raises:
        NoTrainedHead: the checkpoint has none.
        TensorProblem: its tensors do not fit the config.
        UnsupportedModel: its ``problem_type`` is unknown.
    """
    checkpoint, lack = encoder.checkpoint, _lack(encoder)
    if lack:
        raise NoTrainedHead(
            f"{checkpoint.source} {lack}, so it cannot classify: it was never fine-tuned for that, "
            "as distilbert-base-uncased was not; `embed` works with it"
        )
    width, names = encoder.spec.width, encoder.weights.names
    n_labels = next(iter(checkpoint.tensors.shape(names["head.output.bias"])), 0)
    shapes = {"dense": (width, width), "output": (n_labels, width)}
    for layer, shape in shapes.items():
        check_tensor(checkpoint, names[f"head.{layer}.weight"], shape=shape)
        check_tensor(checkpoint, names[f"head.{layer}.bias"], shape=shape[:1])
    return Readout(
        task="classify",
        labels=_labels(checkpoint, n_labels),
        problem_type=_problem_type(checkpoint.config, n_labels),
    )


def embedding(
    encoder: Encoder, *, pooling: Pooling | None = None, normalize: bool | None = None
) -> Readout:
    """The readout of an embedder.

    Args:
        encoder: its checkpoint may say itself how it pools.
        pooling: overrides what the checkpoint says; ``mean`` if neither says anything, as
            sentence-transformers does.
        normalize: overrides what the checkpoint says.
    """
    checkpoint = encoder.checkpoint
    return Readout(
        task="embed",
        pooling=pooling or checkpoint.pooling or "mean",
        normalize=checkpoint.normalize if normalize is None else normalize,
    )


def read_out(ops: Ops[T], encoder: Encoder, readout: Readout, *, states: T, picks: T | None) -> T:
    """The end of the forward: states in, ``logits`` or flat ``states`` out."""
    flat = ops.flatten(states, encoder.spec.width)
    if picks is None:
        return flat
    picked = ops.gather(flat, picks)
    if readout.task == "embed":
        return picked
    hidden = ops.activate(ops.linear(picked, "head.dense"), encoder.family.head_activation)
    return ops.linear(hidden, "head.output")


def _task_of(encoder: Encoder) -> Task:
    return "embed" if _lack(encoder) else "classify"


def _lack(encoder: Encoder) -> str:
    """Say what a classifier of whole texts would need and this checkpoint lacks."""
    for architecture in encoder.checkpoint.config.get("architectures") or ():
        if str(architecture).endswith(_OTHER_HEADS):
            return f"is a {architecture}"
    needed = encoder.family.head_names()
    missing = [theirs for ours, theirs in needed.items() if ours not in encoder.weights]
    return f"has no trained classifier ({', '.join(missing)})" if missing else ""


def _labels(checkpoint: Checkpoint, n_labels: int) -> tuple[str, ...]:
    stated = checkpoint.config.get("id2label")
    if not stated:
        return tuple(f"LABEL_{index}" for index in range(n_labels))
    names = {str(index): str(name) for index, name in stated.items()}
    indices = [str(index) for index in range(n_labels)]
    if sorted(names) != sorted(indices):
        raise TensorProblem(
            f"{checkpoint.source}: the classifier has {n_labels} outputs, but id2label in "
            f"config.json names {', '.join(names)}"
        )
    return tuple(names[index] for index in indices)


def _problem_type(config: Mapping[str, Any], n_labels: int) -> ProblemType:
    stated = config.get("problem_type")
    if stated is None:
        return "regression" if n_labels == 1 else "single_label_classification"
    for known in get_args(ProblemType):
        if stated == known:
            return known  # type: ignore[no-any-return]  # get_args is untyped
    raise UnsupportedModel(
        f"config.json gives problem_type as {stated!r}; supported are "
        f"{', '.join(get_args(ProblemType))}"
    )
