"""A model that is loaded, and everything that it can be asked."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Unpack

from goldcrest.app.asking import Encode, awaited, options
from goldcrest.app.questions import Questions
from goldcrest.model.version import Version
from goldcrest.names import ProblemType, Readable, TaskName
from goldcrest.serving.served import Served
from goldcrest.tasks import O, Reply, Request, Task
from goldcrest.values import Item


class Model(Questions):
    """A model that is loaded; `load` makes one. Safe to share between threads and tasks.

    Use it as a context manager, or call ``close``, to free its memory early.

    `Questions` lists what it can be asked; ``aio`` has the same methods for an event loop.
    """

    def __init__(self, version: Version, close: Callable[[], None]) -> None:
        self._version = version
        self._closer = weakref.finalize(self, close)

    def __enter__(self) -> Model:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the model; it answers nothing afterwards."""
        self._closer()

    @property
    def task(self) -> Readable:
        """What the model was trained for, such as "classify" or "embed"."""
        return self._version.artifact.manifest.task

    @property
    def tasks(self) -> tuple[TaskName, ...]:
        """Everything it can be asked for; what it was trained for comes first."""
        return self._version.tasks

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of its outputs, in order."""
        return self._version.artifact.manifest.labels

    @property
    def problem_type(self) -> ProblemType | None:
        """How the logits of a classifier become numbers; None for others."""
        manifest = self._version.artifact.manifest
        return manifest.problem_type if manifest.task == "classify" else None

    @property
    def precision(self) -> str:
        """What runs, such as "f32", "bf16" or "int8"."""
        return self._version.precision

    @property
    def max_length(self) -> int:
        """Tokens per text, special ones included."""
        return self._version.tokenizer.max_length

    @property
    def aio(self) -> AsyncModel:
        """The same model for an event loop: ``await model.aio.classify(texts)``."""
        return AsyncModel(self)

    def predict(self, task: Task[O], items: Sequence[Item], **encode: Unpack[Encode]) -> Reply[O]:
        """Ask anything, and see the whole reply: tokens run and dropped, windows, labels.

        Args:
            task: of `goldcrest.tasks`.
            items: texts, pairs of texts, or token ids.
            **encode: as in `Encode`.
        """
        return Served(self._version).wait(Request(task, items, encode=options(encode)))


class AsyncModel:
    """A model whose answers are awaited; calls that overlap share batches."""

    def __init__(self, model: Model) -> None:
        self._model = model

    async def predict(
        self, task: Task[O], items: Sequence[Item], **encode: Unpack[Encode]
    ) -> Reply[O]:
        """Ask anything, as `Model.predict` does."""
        if not items:
            return self._model.predict(task, items, **encode)
        request = Request(task, items, encode=options(encode))
        return await Served(self._model._version)(request)

    classify = awaited(Questions.classify)
    zero_shot = awaited(Questions.zero_shot)
    rerank = awaited(Questions.rerank)
    embed = awaited(Questions.embed)
    similarity = awaited(Questions.similarity)
    states = awaited(Questions.states)
    tag = awaited(Questions.tag)
    answer = awaited(Questions.answer)
    fill = awaited(Questions.fill)
