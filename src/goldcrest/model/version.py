"""One version: items in, answers out (`Infer`)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from goldcrest.artifact import Artifact
from goldcrest.batching.batcher import Batcher
from goldcrest.batching.claims import LONG, Claim
from goldcrest.batching.lane import Lane
from goldcrest.engine import Engine
from goldcrest.errors import Draining, InvalidRequest, TooManyCharacters, TooManyTokens
from goldcrest.heads.choice import Heads
from goldcrest.model.footprint import Footprint
from goldcrest.names import TaskName
from goldcrest.text.fitting import Allowance
from goldcrest.text.tokenizer import MAX_MASKS, Tokenizer
from goldcrest.values import Answer, EncodeOptions, Encoding, Floats, Item, Urgency

T = TypeVar("T")

LOGITS = 2**26
"""Logits of masks that one request may keep in memory until it is answered: 256 MiB of them."""

_PIECE = 16_384
"""Characters that are tokenised at a time off the event loop: some 6 milliseconds of work."""
_PIECE_ITEMS = 256
"""Items of such a piece: each costs a little too."""
_N_SPECIAL = 2
"""Special tokens that most texts get."""

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
        copy_engine: as its engine does.
        close: frees the engine and keeps what was measured.
        footprint: what it takes in memory.
        arithmetic: graph and hint that run, such as "int8+bf16"; another rounds otherwise.
    """

    artifact: Artifact
    tokenizer: Tokenizer
    heads: Heads
    precision: str
    lane: Lane
    batcher: Batcher
    aside: Executor
    limit_tokens: int
    copy_engine: Callable[[Path, Callable[[float], object]], Engine]
    close: Callable[[], None]
    footprint: Footprint = field(default_factory=Footprint)
    arithmetic: str = ""

    @property
    def name(self) -> str:
        return self.lane.model

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
        sizes = _sizes(items)
        n_characters = sum(sizes)
        limit = _CHARACTERS_PER_TOKEN * self.limit_tokens
        if n_characters > limit:
            raise TooManyCharacters(n_characters, limit)
        lane = self.lane
        least = partial(self._least_tokens, sizes, options)
        with self.batcher.claim(lane.name, n_characters, urgency, least) as claim:
            if n_characters < LONG:
                encoded = self._encode(items, options)
            else:
                encoded = await self._encode_aside(items, sizes, options, claim)
            jobs = self._jobs(encoded)
            self._check_masks(jobs)
            if type(items[0]) is str and not jobs[0].n_dropped:
                lane.density.saw(sizes[0], jobs[0].n_tokens - _N_SPECIAL)
            outputs = await self.batcher.submit(lane.name, jobs, urgency, claim=claim)
            return _answers(encoded, outputs)

    async def apart(self, work: Callable[[], T], *, rank: float = float("-inf")) -> T:
        """Do long work on another thread, so that the event loop stays free.

        Args:
            work: up to some milliseconds of it, for others may wait for the same thread.
            rank: the lowest goes first; what only presents an answer goes before all others.

        Raises:
            Draining: the version was closed.
        """
        try:
            begun = self.batcher.beside(self.aside).submit(work, rank=rank)
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
        return _answers(encoded, self.batcher.submit_and_wait(self.lane.name, jobs, urgency))

    def _encode(self, items: Sequence[Item], options: EncodeOptions) -> list[Windows]:
        return self.tokenizer.encode_all(items, options, limit_tokens=self.limit_tokens)

    async def _encode_aside(
        self, items: Sequence[Item], sizes: Sequence[int], options: EncodeOptions, claim: Claim
    ) -> list[Windows]:
        """Tokenise on the other thread, piece by piece, so that others come in between."""
        encoded: list[Windows] = []
        allowance = Allowance(self.limit_tokens)
        for first, stop in _pieces(sizes):
            work = partial(
                self.tokenizer.encode_some,
                items[first:stop],
                options,
                first=first,
                allowance=allowance,
            )
            windows, seconds = await self.apart(partial(_timed, work), rank=claim.rank)
            encoded += windows
            claim.read(sum(sizes[first:stop]), seconds)
        return encoded

    def _least_tokens(self, sizes: Sequence[int], options: EncodeOptions) -> int:
        if options.overflow == "window":
            longest = self.limit_tokens
        else:
            longest = min(
                options.max_length or self.tokenizer.max_length, self.tokenizer.max_length
            )
        return self.lane.density.least_tokens(sizes, longest)

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


def _pieces(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cut a request into runs of items of about ``_PIECE`` characters; first and last plus one."""
    first = n_characters = 0
    for index, size in enumerate(sizes):
        n_characters += size
        if n_characters >= _PIECE or index + 1 - first >= _PIECE_ITEMS:
            yield first, index + 1
            first, n_characters = index + 1, 0
    if first < len(sizes):
        yield first, len(sizes)


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def _sizes(items: Sequence[Item]) -> list[int]:
    """Characters of each item."""
    return [
        len(item) if isinstance(item, str) else sum(map(_n_characters_of, item)) for item in items
    ]


def _n_characters_of(part: str | int) -> int:
    return len(part) if isinstance(part, str) else 1
