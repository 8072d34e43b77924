"""One version: items in, answers out (`Infer`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, Protocol

from goldcrest.artifact import Artifact
from goldcrest.batching.batcher import Batcher
from goldcrest.batching.lane import Lane
from goldcrest.errors import Draining
from goldcrest.text.tokenizer import Tokenizer
from goldcrest.values import Answer, EncodeOptions, Encoding, Floats, Item, Urgency

LONG = 4096
"""Characters from which a request is tokenised off the event loop: about a millisecond of work."""


class Head(Protocol):
    """What turns answers into what a caller sees."""

    @property
    def labels(self) -> tuple[str, ...]: ...

    def present(self, values: Sequence[Floats], options: Mapping[str, Any]) -> Floats:
        """Present the answers of one request. *Shape:* ``(n_items, n_values)``."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """An artifact that is open under a name.

    Attributes:
        artifact: its manifest says what it does.
        precision: what runs.
        lane: where its jobs wait; open in the batcher.
        batcher: shared by all versions.
        aside: where long texts are tokenised.
        close: frees the engine and keeps what was measured.
    """

    artifact: Artifact
    tokenizer: Tokenizer
    head: Head
    precision: str
    lane: Lane
    batcher: Batcher
    aside: Executor
    close: Callable[[], None]

    @property
    def name(self) -> str:
        return self.lane.name

    @property
    def is_ready(self) -> bool:
        """Whether the smallest shapes are warm."""
        return self.lane.is_ready

    async def infer(
        self, items: Sequence[Item], options: EncodeOptions, urgency: Urgency
    ) -> Sequence[Answer]:
        """Answer items, in order.

        Raises:
            ServingError: as the tokenizer and the batcher do.
        """
        if not items:
            return []
        if _n_characters(items) < LONG:
            encodings = self._encode(items, options)
        else:
            encodings = await asyncio.wrap_future(self._encode_aside(items, options))
        return await self.batcher.submit(self.name, encodings, urgency)

    def _encode_aside(
        self, items: Sequence[Item], options: EncodeOptions
    ) -> Future[list[Encoding]]:
        try:
            return self.aside.submit(self._encode, items, options)
        except RuntimeError as error:  # the executor's word for having been shut down
            raise Draining(f"{self.name} was closed") from error

    def infer_and_wait(
        self, items: Sequence[Item], options: EncodeOptions, urgency: Urgency
    ) -> Sequence[Answer]:
        """Do the same for a caller without an event loop."""
        if not items:
            return []
        encodings = self._encode(items, options)
        return self.batcher.submit_and_wait(self.name, encodings, urgency)

    def _encode(self, items: Sequence[Item], options: EncodeOptions) -> list[Encoding]:
        return [
            self.tokenizer.encode(item, options, index=index) for index, item in enumerate(items)
        ]


def _n_characters(items: Sequence[Item]) -> int:
    return sum(
        len(item) if isinstance(item, str) else sum(map(_n_characters_of, item)) for item in items
    )


def _n_characters_of(part: str | int) -> int:
    return len(part) if isinstance(part, str) else 1
