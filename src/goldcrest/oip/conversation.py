"""A question through the service, and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from goldcrest.oip.answering import chosen, outputs
from goldcrest.oip.asking import asked
from goldcrest.oip.inference import Question
from goldcrest.oip.metadata import served
from goldcrest.oip.tensor import Tensor
from goldcrest.serving.service import Service
from goldcrest.tasks import Reply, ZeroShot


@dataclass(frozen=True, slots=True)
class Answered:
    """What a question got.

    Attributes:
        tensors: the outputs that were wanted.
        reply: what the service said.
        n_items: that were asked.
    """

    tensors: tuple[Tensor, ...]
    reply: Reply[Any]
    n_items: int


async def answer(
    question: Question,
    service: Service,
    *,
    limit: int,
    caller: str = "",
    deadline_s: float | None = None,
) -> Answered:
    """Answer a question.

    Args:
        question: to one of the models.
        service: answers.
        limit: items that the question may have.
        caller: the name of the key that was shown.
        deadline_s: seconds that the carrier of the question waits; None means forever.

    Raises:
        ServingError: whatever keeps it from being answered.
    """
    model = served(service.catalogue, question.model, question.version)
    asks = asked(question, model, limit=limit, caller=caller, deadline_s=deadline_s)
    request = asks.request
    reply = await service.predict(request)
    labels = request.task.labels if isinstance(request.task, ZeroShot) else reply.labels
    tensors = outputs(request.task.name, reply, labels, asks.top_k)
    return Answered(chosen(tensors, question.outputs, labels), reply, len(request.items))
