"""A question of the protocol as a request of the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from goldcrest.errors import InvalidRequest, TooManyItems
from goldcrest.names import Overflow, TaskName
from goldcrest.oip.inference import Question
from goldcrest.oip.items import items, split
from goldcrest.oip.options import Options
from goldcrest.serving.urgency import Wish, urgency
from goldcrest.tasks import (
    Aggregation,
    Classify,
    Embed,
    Fill,
    Numbers,
    Request,
    Rerank,
    Scores,
    Similarity,
    Span,
    States,
    Task,
    Tokens,
    ZeroShot,
)
from goldcrest.values import EncodeOptions, Item, ServedModel, Urgency

Urge = Callable[[Wish], Urgency]
"""What a question says of its urgency -> how urgent it is, all else that is said heard."""

_MICRO = 1e-6
_MOST_BEST, _MOST_TARGETS = 1000, 1024
"""Answers per item where there could be millions, and words that may compete for a mask."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and what is wanted of its reply.

    Attributes:
        top_k: labels per item, best first; None means the best alone.
    """

    request: Request[Any]
    top_k: int | None


def asked(
    question: Question,
    model: ServedModel,
    *,
    limit: int,
    urge: Urge = urgency,
) -> Asked:
    """Read a question to a model.

    The parameter ``task`` says what is asked for. Without it, candidate labels ask for zero-shot
    classification, pairs of texts for a rerank where the model does that, and all else for what
    the model was trained for.

    Args:
        question: to this model.
        model: as the service describes it.
        limit: items that it may have.
        urge: says how urgent the question is, given what it says of that itself.

    Raises:
        InvalidRequest: an input or a parameter is at fault.
    """
    options = Options(question.parameters)
    inputs, labels = split(question.inputs)
    labels = labels or options.words("labels", "candidate_labels") or ()
    found = items(inputs, limit=limit)
    name = _task_name(options, model, found, has_labels=bool(labels))
    task = _zero_shot(options, labels) if name == "zero_shot" else _TASKS[name](options)
    if len(found) * task.n_parts > limit:
        raise TooManyItems(len(found) * task.n_parts, limit)
    return Asked(
        Request(
            task=task,
            items=found,
            model=question.model,
            encode=_encode(options, name),
            urgency=urge(Wish(options.priority(), _timeout_s(options))),
        ),
        top_k=options.number("top_k"),
    )


def _task_name(
    options: Options, model: ServedModel, found: Sequence[Item], *, has_labels: bool
) -> TaskName:
    given = options.word("task")
    if given is not None:
        return _known(given)
    if has_labels:  # a model that does not do it says so
        return "zero_shot"
    if "rerank" in model.tasks and _is_pair(found[0]):
        return "rerank"
    return model.task


def _known(given: str) -> TaskName:
    for name in get_args(TaskName):
        if given == name:
            return name  # type: ignore[no-any-return]  # get_args loses what it is a literal of
    raise InvalidRequest(
        f"the parameter 'task' is {given!r}; it must be one of {', '.join(get_args(TaskName))}"
    )


def _is_pair(item: Item) -> bool:
    return isinstance(item, tuple) and bool(item) and isinstance(item[0], str)


def _classify(options: Options) -> Task[Any]:
    return Classify(options.choice("scores", "function_to_apply", allowed=get_args(Scores)))


def _rerank(options: Options) -> Task[Any]:
    return Rerank(raw=options.flag("raw", "raw_scores") or False)


def _zero_shot(options: Options, labels: tuple[str, ...]) -> Task[Any]:
    if not labels:
        raise InvalidRequest("zero_shot needs candidate labels: the parameter or input 'labels'")
    return ZeroShot(
        labels,
        template=options.word("template", "hypothesis_template") or ZeroShot().template,
        multi_label=options.flag("multi_label") or False,
    )


def _embed(options: Options) -> Task[Any]:
    return Embed(
        normalize=options.flag("normalize"),
        dimensions=options.number("dimensions"),
        numbers=options.choice("numbers", "encoding_format", allowed=get_args(Numbers)),
        prompt=options.word("prompt", "prompt_name"),
    )


def _similarity(options: Options) -> Task[Any]:
    return Similarity(prompt=options.word("prompt", "prompt_name"))


def _states(options: Options) -> Task[Any]:
    return States(prompt=options.word("prompt", "prompt_name"))


def _tokens(options: Options) -> Task[Any]:
    ignored = options.words("ignored", "ignore_labels")
    return Tokens(
        options.choice("aggregation", "aggregation_strategy", allowed=get_args(Aggregation)),
        Tokens().ignored if ignored is None else ignored,
    )


def _span(options: Options) -> Task[Any]:
    default = Span()
    return Span(
        n_best=options.number("n_best", "top_k", most=_MOST_BEST) or default.n_best,
        max_answer_tokens=options.number("max_answer_tokens", "max_answer_len")
        or default.max_answer_tokens,
        allow_none=options.flag("allow_none", "handle_impossible_answer") or False,
    )


def _fill(options: Options) -> Task[Any]:
    targets = options.words("targets") or ()
    if len(targets) > _MOST_TARGETS:
        raise InvalidRequest(f"there are {len(targets)} targets, more than the {_MOST_TARGETS}")
    return Fill(options.number("top_k", most=_MOST_BEST) or Fill().top_k, targets)


_TASKS: Mapping[TaskName, Callable[[Options], Task[Any]]] = {
    "classify": _classify,
    "rerank": _rerank,
    "embed": _embed,
    "similarity": _similarity,
    "states": _states,
    "tokens": _tokens,
    "span": _span,
    "fill": _fill,
}


def _encode(options: Options, name: TaskName) -> EncodeOptions:
    return EncodeOptions(
        max_length=options.number("max_length"),
        overflow=_overflow(options, name),
        stride=options.number("stride", least=0),
    )


def _overflow(options: Options, name: TaskName) -> Overflow:
    """What is asked for; else a context is read whole, and other texts are cut."""
    cuts = options.flag("truncate", "truncation")
    if options.word("overflow") is not None:
        overflow: Overflow = options.choice("overflow", allowed=get_args(Overflow))
        return overflow
    if cuts is None:
        return "window" if name == "span" else "truncate"
    return "truncate" if cuts else "reject"


def _timeout_s(options: Options) -> float | None:
    """Triton's limit, in microseconds; 0 stands for none."""
    timeout = options.number("timeout", least=0)
    return timeout * _MICRO if timeout else None
