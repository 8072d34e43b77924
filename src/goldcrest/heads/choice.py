"""Which tasks a model can be asked for, and the head for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from goldcrest.artifact import Manifest
from goldcrest.heads.classify import ClassifyHead
from goldcrest.heads.embed import EmbedHead, Prompts, SimilarityHead, StatesHead
from goldcrest.heads.fill import FillHead
from goldcrest.heads.plain import Head
from goldcrest.heads.rerank import RerankHead
from goldcrest.heads.span import SpanHead
from goldcrest.heads.tokens import TokensHead
from goldcrest.heads.zero_shot import entailing
from goldcrest.names import Readable, TaskName
from goldcrest.tasks import Vocabulary

Heads = Mapping[TaskName, Head[Any, Any]]


def heads_of(manifest: Manifest, vocabulary: Vocabulary, *, limit: int) -> Heads:
    """The heads that can present what an artifact's graph puts out; its own task comes first.

    Args:
        manifest: says what the graph puts out and what its labels are.
        vocabulary: the artifact's own.
        limit: fillings of masks that one request may ask for.
    """
    match manifest.task:
        case "classify":
            return _of_classifier(manifest)
        case "embed":
            return _of_embedder(manifest)
        case "tokens":
            return {"tokens": TokensHead(manifest.labels, vocabulary)}
        case "span":
            return {"span": SpanHead()}
        case "fill":
            return {"fill": FillHead(vocabulary, limit=limit)}


def tasks_of(task: Readable, labels: Sequence[str]) -> tuple[TaskName, ...]:
    """What `heads_of` has a head for, as far as the task and the labels tell: all of it."""
    match task:
        case "classify":
            reranks = ("rerank",) if len(labels) == 1 else ()
            compares = ("zero_shot",) if entailing(tuple(labels)) else ()
            return ("classify", *reranks, *compares)
        case "embed":
            return ("embed", "similarity", "states")
        case _:
            return (task,)


def _of_classifier(manifest: Manifest) -> Heads:
    heads: dict[TaskName, Head[Any, Any]] = {
        "classify": ClassifyHead(manifest.labels, manifest.problem_type)
    }
    if len(manifest.labels) == 1:
        heads["rerank"] = RerankHead()
    if zero_shot := entailing(manifest.labels):
        heads["zero_shot"] = zero_shot
    return heads


def _of_embedder(manifest: Manifest) -> Heads:
    prompts = Prompts(manifest.prompts, manifest.default_prompt)
    return {
        "embed": EmbedHead(manifest.normalize, manifest.dimensions, prompts),
        "similarity": SimilarityHead(prompts),
        "states": StatesHead(prompts),
    }
