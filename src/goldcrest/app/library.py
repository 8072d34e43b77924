"""Models in a Python program: load one, classify or embed with it."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import msgspec

from goldcrest.app.site import Threads, open_model, open_site
from goldcrest.app.source import Progress
from goldcrest.config import Config, ModelConfig, Precision
from goldcrest.errors import UnsupportedTask
from goldcrest.model.opening import Site
from goldcrest.model.version import Version
from goldcrest.values import Answer, EncodeOptions, Floats, Item, Overflow, Task, Urgency


@dataclass(frozen=True, slots=True)
class Classification:
    """What a classifier makes of one text.

    Attributes:
        label: the likeliest.
        score: its probability; the bare value of a regression.
        scores: of every label.
        truncated: whether the text was longer than the limit and lost its end.
    """

    label: str
    score: float
    scores: Mapping[str, float] = field(repr=False)
    truncated: bool = False


class Model:
    """A model that is loaded; `load` makes one. Safe to share between threads and tasks.

    Use it as a context manager, or call ``close``, to free its memory early.
    """

    def __init__(self, version: Version, site: Site) -> None:
        self._version = version
        self._closer = weakref.finalize(self, _close, version, site)

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
    def task(self) -> Task:
        """What the model does: "classify" or "embed"."""
        return self._version.artifact.manifest.task

    @property
    def labels(self) -> tuple[str, ...]:
        """A classifier's labels, in the order of its outputs."""
        return self._version.head.labels

    @property
    def precision(self) -> str:
        """What runs: "f32", "bf16" or "int8"."""
        return self._version.precision

    @property
    def max_length(self) -> int:
        """Tokens per text, special ones included."""
        return self._version.tokenizer.max_length

    def classify(
        self,
        texts: Sequence[Item],
        *,
        max_length: int | None = None,
        overflow: Overflow = "truncate",
    ) -> list[Classification]:
        """Classify texts, or pairs of texts.

        Args:
            texts: any number of them; they are packed together.
            max_length: tokens per text; longer ones are cut, and say so.
            overflow: "reject" raises instead of cutting.

        Raises:
            UnsupportedTask: the model is no classifier.
            InvalidRequest: a text cannot be answered, such as one too long with "reject".
        """
        self._expect("classify")
        return self._classified(self._infer(texts, EncodeOptions(max_length, overflow)))

    async def classify_async(
        self,
        texts: Sequence[Item],
        *,
        max_length: int | None = None,
        overflow: Overflow = "truncate",
    ) -> list[Classification]:
        """Do the same without blocking the event loop; calls that overlap share batches."""
        self._expect("classify")
        options = EncodeOptions(max_length, overflow)
        return self._classified(await self._version.infer(texts, options, Urgency()))

    def embed(
        self,
        texts: Sequence[Item],
        *,
        max_length: int | None = None,
        normalize: bool | None = None,
        dimensions: int | None = None,
    ) -> Floats:
        """Embed texts.

        Args:
            texts: any number of them; they are packed together.
            max_length: tokens per text; longer ones are cut.
            normalize: whether vectors have length 1; None means as the model was made.
            dimensions: keep only the first so many of each vector.

        Returns:
            *Shape:* ``(n_texts, dimensions)``.

        Raises:
            UnsupportedTask: the model is no embedder.
            InvalidRequest: a text cannot be answered.
        """
        self._expect("embed")
        answers = self._infer(texts, EncodeOptions(max_length))
        return self._present(answers, normalize=normalize, dimensions=dimensions)

    async def embed_async(
        self,
        texts: Sequence[Item],
        *,
        max_length: int | None = None,
        normalize: bool | None = None,
        dimensions: int | None = None,
    ) -> Floats:
        """Do the same without blocking the event loop; calls that overlap share batches."""
        self._expect("embed")
        options = EncodeOptions(max_length)
        answers = await self._version.infer(texts, options, Urgency())
        return self._present(answers, normalize=normalize, dimensions=dimensions)

    def _expect(self, task: Task) -> None:
        if self.task != task:
            raise UnsupportedTask(f"{self._version.name!r} does {self.task}, not {task}")

    def _infer(self, texts: Sequence[Item], options: EncodeOptions) -> list[Answer]:
        """Answer texts a few at a time, so that any number stays below the queue's limit."""
        answers: list[Answer] = []
        for start in range(0, len(texts), 64):
            part = texts[start : start + 64]
            answers += self._version.infer_and_wait(part, options, Urgency())
        return answers

    def _present(self, answers: Sequence[Answer], **options: Any) -> Floats:
        return self._version.head.present([answer.values for answer in answers], options)

    def _classified(self, answers: Sequence[Answer]) -> list[Classification]:
        if not answers:
            return []
        table = self._present(answers)
        return [
            _classification(self.labels, row.tolist(), truncated=answer.n_dropped > 0)
            for row, answer in zip(table, answers, strict=True)
        ]


def load(
    source: str,
    config: Config | None = None,
    *,
    precision: Precision | None = None,
    max_length: int = 0,
    progress: Progress = lambda _: None,
) -> Model:
    """Load a model into this process.

    Args:
        source: a folder (an artifact or a checkpoint), a built-in name such as "sentiment", or
            the id of a Hugging Face Hub repository, with ``@revision`` if wanted. A checkpoint
            is compiled on first use and kept in the cache folder.
        config: settings; None means the defaults and the environment.
        precision: "auto" measures what is the fastest here; or "f32", "bf16", "int8"; None means
            what the settings say.
        max_length: tokens per text; 0 means the model's own limit.
        progress: told of each step of a compilation.

    Raises:
        CheckpointError: the model cannot be found or read.
        ArtifactError: it is not whole, or cannot be compiled or run here.
    """
    config = _patient(config or _environment())
    site = open_site(config, Threads())
    model = ModelConfig(
        source=source,
        name=source,
        max_length=max_length,
        precision=precision or config.engine.precision,
    )
    try:
        return Model(open_model(model, config, site, progress), site)
    except BaseException:
        site.batcher.close()
        raise


def _patient(config: Config) -> Config:
    """Refuse no caller: in a program, one that must wait is back-pressure enough."""
    batch = msgspec.structs.replace(config.batch, max_waiting_tokens=100_000_000)
    return msgspec.structs.replace(config, batch=batch)


def _environment() -> Config:
    import os

    from goldcrest.config import load as load_config

    return load_config({}, environ=os.environ).config


def _close(version: Version, site: Site) -> None:
    try:
        site.batcher.close()
        version.close()
    finally:
        site.aside.shutdown(wait=False)


def _classification(
    labels: Sequence[str], row: Sequence[float], *, truncated: bool
) -> Classification:
    best = max(range(len(row)), key=row.__getitem__)
    return Classification(labels[best], row[best], dict(zip(labels, row, strict=True)), truncated)
