"""The end of the graph: what is read from the states, and what the answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from goldcrest.checkpoint import Checkpoint
from goldcrest.errors import NoTrainedHead, TensorProblem, UnsupportedModel
from goldcrest.models.encoder import Ops, T
from goldcrest.models.resolve import Encoder, resolve
from goldcrest.models.steps import head_shapes
from goldcrest.models.weights import check_tensor
from goldcrest.names import Pooling, ProblemType, Readable

_HEADS: dict[str, Readable] = {
    "ForSequenceClassification": "classify",
    "ForTokenClassification": "tokens",
    "ForQuestionAnswering": "span",
    "ForMaskedLM": "fill",
}
_OTHER_HEADS = ("ForMultipleChoice", "ForNextSentencePrediction", "ForPreTraining")
_DOES: dict[Readable, str] = {
    "classify": "classify texts",
    "tokens": "classify tokens",
    "span": "answer questions",
    "fill": "fill masks",
}
_BOUNDS = 2  # logits of a span: that a token is its first, that it is its last


@dataclass(frozen=True, slots=True)
class Readout:
    """What a graph puts out.

    Attributes:
        width: numbers per row of the output.
        labels: the names of the logits, in order; empty where they have none.
        problem_type: how the logits of whole texts become numbers; None for the others.
        pooling: how states become one vector; None where they do not.
        normalize: whether that vector is scaled to length 1.
    """

    task: Readable
    width: int
    labels: tuple[str, ...] = ()
    problem_type: ProblemType | None = None
    pooling: Pooling | None = None
    normalize: bool = False

    @property
    def output(self) -> str:
        """The name of the graph's output."""
        return "states" if self.task == "embed" else "logits"

    @property
    def uses_picks(self) -> bool:
        """Whether the graph reads states at ``picks``, rather than all of them."""
        return self.task in ("classify", "fill")


def task_of(checkpoint: Checkpoint) -> Readable:
    """What a checkpoint was trained for; ``embed`` where it has no trained head.

    Raises:
        CheckpointError: as `resolve`.
    """
    return _task_of(resolve(checkpoint))


def readout_of(
    encoder: Encoder,
    task: Readable | None = None,
    *,
    pooling: Pooling | None = None,
    normalize: bool | None = None,
) -> Readout:
    """The readout for a task; by default for the one that the checkpoint was trained for.

    Args:
        encoder: as `resolve` returns it.
        task: every checkpoint can ``embed``; one that was pretrained can ``fill`` if its head for
            that is there.
        pooling: as for `embedding`; nothing to the others.
        normalize: as for `embedding`; nothing to the others.

    Raises:
        NoTrainedHead: the checkpoint lacks the head.
        TensorProblem: its tensors do not fit the config.
        UnsupportedModel: its ``problem_type`` is unknown.
    """
    task = task or _task_of(encoder)
    if task == "embed":
        return embedding(encoder, pooling=pooling, normalize=normalize)
    _refuse_untrained(encoder, task)
    width = _check_head(encoder, task)
    if task == "fill":
        return Readout(task, width)
    if task == "span":
        return _span(encoder, width)
    labels = _labels(encoder.checkpoint, width)
    if task == "tokens":
        return Readout(task, width, labels)
    return Readout(task, width, labels, _problem_type(encoder.checkpoint.config, width))


def readouts_of(encoder: Encoder) -> tuple[Readable, ...]:
    """Every task that has a readout here; what the checkpoint was trained for comes first."""
    tasks: tuple[Readable, ...] = get_args(Readable)
    others = (task for task in tasks if task == "embed" or not _lack(encoder, task))
    return tuple(dict.fromkeys((_task_of(encoder), *others)))


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
        width=encoder.spec.width,
        pooling=pooling or checkpoint.pooling or "mean",
        normalize=checkpoint.normalize if normalize is None else normalize,
    )


def read_out(ops: Ops[T], encoder: Encoder, readout: Readout, *, states: T, picks: T | None) -> T:
    """The end of the forward: states in, flat ``logits`` or ``states`` out."""
    states = ops.flatten(states, encoder.spec.width)
    if picks is not None:
        states = ops.gather(states, picks)
    for step in encoder.family.head(readout.task, encoder.checkpoint.config):
        states = step.run(ops, encoder.spec, states, readout.task)
    return states


def _task_of(encoder: Encoder) -> Readable:
    """What the architecture says, if its head is there; else what the tensors say.

    One that sentence-transformers pools is an embedder, whatever head was left in it.
    """
    architecture = _architecture(encoder.checkpoint)
    stated = _stated(architecture)
    if encoder.checkpoint.pooling or architecture.endswith(_OTHER_HEADS):
        return "embed"
    candidates: tuple[Readable, ...] = (stated,) if stated else ("classify", "span")
    return next((task for task in candidates if not _lack(encoder, task)), "embed")


def _architecture(checkpoint: Checkpoint) -> str:
    """The class that the config names; empty where it names none."""
    return next(map(str, checkpoint.config.get("architectures") or ()), "")


def _stated(architecture: str) -> Readable | None:
    return next((task for end, task in _HEADS.items() if architecture.endswith(end)), None)


def _lack(encoder: Encoder, task: Readable) -> str:
    """Say what a task would need and this checkpoint lacks.

    A layer called ``classifier`` is what the architecture says; scores for tokens can only be one
    thing.
    """
    architecture = _architecture(encoder.checkpoint)
    other = _stated(architecture) not in (task, None) or architecture.endswith(_OTHER_HEADS)
    if other and task != "fill":
        return f"is a {architecture}"
    steps = encoder.family.head(task, encoder.checkpoint.config)
    needed = {ours: names[0] for step in steps for ours, names in step.names().items()}
    missing = [name for ours, name in needed.items() if f"{task}.{ours}" not in encoder.weights]
    if missing or not steps:
        return f"has no trained head for that ({', '.join(missing) or 'nor has its family'})"
    return ""


def _refuse_untrained(encoder: Encoder, task: Readable) -> None:
    lack = _lack(encoder, task)
    if lack:
        raise NoTrainedHead(
            f"{encoder.checkpoint.source} {lack}, so it cannot {_DOES[task]}: it was never "
            "fine-tuned for that, as distilbert-base-uncased was not; `embed` works with it"
        )


def _check_head(encoder: Encoder, task: Readable) -> int:
    """See that a head's tensors fit the config and each other; how many logits it gives.

    Raises:
        TensorProblem: names the tensor that does not.
    """
    checkpoint, names = encoder.checkpoint, encoder.weights.names
    steps = encoder.family.head(task, checkpoint.config)
    bias = names["fill.decoder.bias" if task == "fill" else f"{task}.output.bias"]
    width = next(iter(checkpoint.tensors.shape(bias)), 0)
    for ours, shape in head_shapes(steps, encoder.spec, n_labels=width).items():
        check_tensor(checkpoint, names[f"{task}.{ours}"], shape=shape)
    return width


def _span(encoder: Encoder, width: int) -> Readout:
    if width != _BOUNDS:
        raise TensorProblem(
            f"{encoder.checkpoint.source}: the head for spans has {width} outputs; it must have "
            f"{_BOUNDS}, for the first token and the last"
        )
    return Readout("span", width)


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
    """What the config says; a single label has no other to share probability with."""
    stated = config.get("problem_type")
    if stated not in (None, *get_args(ProblemType)):
        raise UnsupportedModel(
            f"config.json gives problem_type as {stated!r}; supported are "
            f"{', '.join(get_args(ProblemType))}"
        )
    if stated == "regression" or (stated is None and n_labels == 1 and _is_bare(config)):
        return "regression"
    if stated == "multi_label_classification" or n_labels == 1:
        return "multi_label_classification"
    return "single_label_classification"


def _is_bare(config: Mapping[str, Any]) -> bool:
    """Whether sentence-transformers leaves the score of a cross-encoder as it comes."""
    newer = config.get("sentence_transformers")
    stated = newer.get("activation_fn") if isinstance(newer, Mapping) else None
    stated = stated or config.get("sbert_ce_default_activation_function") or ""
    return str(stated).endswith("Identity")
