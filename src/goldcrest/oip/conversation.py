"""A question through the service, and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from goldcrest.oip.answering import chosen, outputs
from goldcrest.oip.asking import Urge, asked
from goldcrest.oip.inference import Question
from goldcrest.oip.metadata import served
from goldcrest.oip.tensor import Tensor
from goldcrest.serving.apart import OBJECT, apart
from goldcrest.serving.service import Service
from goldcrest.serving.urgency import urgency
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
    urge: Urge = urgency,
) -> Answered:
    """Answer a question.

    Args:
        question: to one of the models.
        service: answers.
        limit: items that the question may have.
        urge: says how urgent the question is, given what it says of that itself.

    Raises:
        ServingError: whatever keeps it from being answered.
    """
    model = served(service.catalogue, question.model, question.version)
    asks = asked(question, model, limit=limit, urge=urge)
    request = asks.request
    reply = await service.predict(request)
    labels = request.task.labels if isinstance(request.task, ZeroShot) else reply.labels

    def tell() -> tuple[Tensor, ...]:
        tensors = outputs(request.task.name, reply, labels, asks.top_k)
        return chosen(tensors, question.outputs, labels)

    return Answered(await apart(tell, size=_size(reply.outputs)), reply, len(request.items))


def _size(found: Any) -> int:
    """How much there is to write as texts; arrays are only passed on."""
    if isinstance(found, np.ndarray) or not found or isinstance(found[0], np.ndarray):
        return 0
    return sum(map(len, found)) * OBJECT
