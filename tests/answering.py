"""A service without engines, for the tests of protocols: answers from a table, keeps what it asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
import numpy as np

from goldcrest.artifact import Artifact
from goldcrest.config import WebConfig
from goldcrest.errors import ServingError, UnknownModel, UnsupportedTask
from goldcrest.metrics import Metrics
from goldcrest.names import Readable, TaskName
from goldcrest.serving.keys import Keys
from goldcrest.serving.service import Service
from goldcrest.tasks import Reply, Request
from goldcrest.text.tokenizer import Tokenizer
from goldcrest.values import ServedModel
from goldcrest.web.app import create


def tokenizer_of(artifact: Artifact) -> Tokenizer:
    """The tokenizer that a model of this artifact would use."""
    return Tokenizer.load(artifact.tokenizer, max_length=64, has_token_types=True)


def model(name: str, task: Readable, *tasks: TaskName) -> ServedModel:
    """A model that does some tasks, and first of all that of its own name."""
    return ServedModel(
        name=name,
        task=task,
        tasks=(task, *tasks),
        labels=("no", "maybe", "yes") if task == "classify" else (),
        dimensions=4 if task == "embed" else 0,
        pooling="",
        precision="f32",
        max_length=64,
        digest="d",
        source="s",
        family="bert",
        is_ready=True,
        defaults=(),
    )


@dataclass
class Answering:
    """What a service stands on.

    Attributes:
        served: the models, in order.
        outputs: what a task gives back for a single item; arrays are repeated for several.
        n_dropped: tokens that every item loses.
        asked: every request so far.
        error: raised instead of an answer.
    """

    served: Sequence[ServedModel]
    outputs: Mapping[TaskName, Any]
    n_dropped: int = 0
    asked: list[Request[Any]] = field(default_factory=list)
    error: ServingError | None = None
    words: Tokenizer | None = None
    is_ready: bool = True

    @property
    def expected(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.served)

    def models(self) -> tuple[ServedModel, ...]:
        return tuple(self.served)

    def tokenizer(self, name: str | None) -> Tokenizer:
        if name not in (None, *self.expected):
            raise UnknownModel(str(name), self.expected)
        assert self.words is not None
        return self.words

    async def load(self, name: str) -> None: ...

    async def unload(self, name: str) -> None: ...

    async def predict(self, request: Request[Any]) -> Reply[Any]:
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        task, n = request.task.name, len(request.items)
        if request.model not in (None, *self.expected):
            raise UnknownModel(str(request.model), self.expected)
        able = [one for one in self.served if task in one.tasks]
        if not able:
            raise UnsupportedTask(f"no model served here does {task}")
        chosen = next((one for one in able if one.name == request.model), able[0])
        row = self.outputs[task]
        outputs = np.stack([row] * n) if isinstance(row, np.ndarray | np.generic) else [row] * n
        return Reply(chosen.name, outputs, chosen.labels, (5,) * n, (self.n_dropped,) * n, (1,) * n)


def talking_to(
    answering: Answering, keys: Keys | None = None, **settings: Any
) -> httpx2.AsyncClient:
    """A client of the door of a service that stands on this."""
    service = Service(answering.predict, answering)
    app = create(service, WebConfig(**settings), Metrics(version="1"), keys)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test")
