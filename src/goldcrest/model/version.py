"""One version: items in, answers out (`Infer`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from goldcrest.artifact import Artifact
from goldcrest.batching.batcher import Batcher
from goldcrest.batching.lane import Lane
from goldcrest.errors import Draining, InvalidRequest, TooManyCharacters, TooManyTokens
from goldcrest.heads.choice import Heads
from goldcrest.names import TaskName
from goldcrest.text.tokenizer import MAX_MASKS, Tokenizer
from goldcrest.values import Answer, EncodeOptions, Encoding, Floats, Item, Urgency

T = TypeVar("T")

LOGITS = 2**26
"""Logits of masks that one request may keep in memory until it is answered: 256 MiB of them."""

LONG = 4096
"""Characters from which a request is tokenised off the event loop: about a millisecond of work."""

_CHARACTERS_PER_TOKEN = 64
"""More than any text has; a body of texts stays below it, a text paired with a thousand does not."""

Windows = tuple[Encoding, ...]
"""The encodings of one item: one, unless it was split."""


@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """An artifact that is open under a name.

    Attributes:
        artifact: its manifest says what it was trained for.
        heads: what it can be asked for, and who presents it.
        precision: what runs.
        lane: where its jobs wait; open in the batcher.
        batcher: shared by all versions.
        aside: where long texts are tokenised, and long answers presented.
        limit_tokens: tokens that one call of ``infer`` may bring.
        close: frees the engine and keeps what was measured.
    """

    artifact: Artifact
    tokenizer: Tokenizer
    heads: Heads
    precision: str
    lane: Lane
    batcher: Batcher
    aside: Executor
    limit_tokens: int
    close: Callable[[], None]

    @property
    def name(self) -> str:
        return self.lane.name

    @property
    def tasks(self) -> tuple[TaskName, ...]:
        """What it can be asked for; what it was trained for comes first."""
        return tuple(self.heads)

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
            TooManyTokens: the items have more of them than one call may bring.
            TooManyCharacters: they are not worth tokenising.
            InvalidRequest: they hold more masks than one call may bring.
        """
        if not items:
            return []
        n_characters = _n_characters(items)
        limit = _CHARACTERS_PER_TOKEN * self.limit_tokens
        if n_characters > limit:
            raise TooManyCharacters(n_characters, limit)
        if n_characters < LONG:
            encoded = self._encode(items, options)
        else:
            encoded = await self.apart(partial(self._encode, items, options))
        jobs = self._jobs(encoded)
        self._check_masks(jobs)
        return _answers(encoded, await self.batcher.submit(self.name, jobs, urgency))

    async def apart(self, work: Callable[[], T]) -> T:
        """Do long work on another thread, so that the event loop stays free.

        Raises:
            Draining: the version was closed.
        """
        try:
            begun = self.aside.submit(work)
        except RuntimeError as error:  # the executor's word for having been shut down
            raise Draining(f"{self.name} was closed") from error
        return await asyncio.wrap_future(begun)

    def infer_and_wait(
        self, items: Sequence[Item], options: EncodeOptions, urgency: Urgency
    ) -> Sequence[Answer]:
        """Do the same for a caller without an event loop."""
        if not items:
            return []
        encoded = self._encode(items, options)
        jobs = self._jobs(encoded)
        return _answers(encoded, self.batcher.submit_and_wait(self.name, jobs, urgency))

    def _encode(self, items: Sequence[Item], options: EncodeOptions) -> list[Windows]:
        return self.tokenizer.encode_all(items, options, limit_tokens=self.limit_tokens)

    def _check_masks(self, jobs: Sequence[Encoding]) -> None:
        if not self.tokenizer.mask:
            return
        limit = max(MAX_MASKS, LOGITS // self.tokenizer.n_ids)
        n_masks = sum([0 if job.picks is None else len(job.picks) for job in jobs])
        if n_masks > limit:
            raise InvalidRequest(
                f"the request holds {n_masks} {self.tokenizer.mask}, more than the limit of {limit}"
            )

    def _jobs(self, encoded: Sequence[Windows]) -> list[Encoding]:
        jobs = [encoding for windows in encoded for encoding in windows]
        n_tokens = sum([encoding.n_tokens for encoding in jobs])
        if n_tokens > self.limit_tokens:
            raise TooManyTokens(n_tokens, self.limit_tokens)
        return jobs


def _answers(encoded: Sequence[Windows], outputs: Sequence[Floats]) -> list[Answer]:
    """Give every item what was read for its windows."""
    if len(outputs) == len(encoded):
        return [
            Answer((output,), windows) for windows, output in zip(encoded, outputs, strict=True)
        ]
    return list(_regrouped(encoded, outputs))


def _regrouped(encoded: Sequence[Windows], outputs: Sequence[Floats]) -> Iterator[Answer]:
    start = 0
    for windows in encoded:
        yield Answer(tuple(outputs[start : start + len(windows)]), windows)
        start += len(windows)


def _n_characters(items: Sequence[Item]) -> int:
    return sum(
        [len(item) if isinstance(item, str) else sum(map(_n_characters_of, item)) for item in items]
    )


def _n_characters_of(part: str | int) -> int:
    return len(part) if isinstance(part, str) else 1
