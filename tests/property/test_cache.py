"""Whatever callers and versions do, and in whatever order: each caller hears once, and the truth."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from goldcrest.errors import DeadlineExceeded, EmptyInput, Overloaded
from goldcrest.names import Priority
from goldcrest.serving.cache import Answers, Cached
from goldcrest.serving.cache_bytes import read, write
from goldcrest.serving.cache_keys import Keys
from goldcrest.testing import ManualClock
from goldcrest.values import (
    AS_IT_COMES,
    Answer,
    EncodeOptions,
    Encoding,
    Item,
    Origins,
    Urgency,
)

TEXTS = ("a", "b", "c", "bad")
PRIORITIES: tuple[Priority | None, ...] = (None, "interactive", "bulk")
Ending = Literal["answer", "refuse", "expire"]


@dataclass(frozen=True)
class Ask:
    """Somebody asks."""

    items: tuple[str, ...]
    priority: Priority | None
    is_kept_fine: bool


@dataclass(frozen=True)
class Leave:
    """A caller who still waits leaves; counted around."""

    which: int


@dataclass(frozen=True)
class End:
    """A call of the version that is under way ends; counted around."""

    which: int
    how: Ending


steps = st.lists(
    st.one_of(
        st.builds(
            Ask,
            st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3).map(tuple),
            st.sampled_from(PRIORITIES),
            st.sampled_from([True, True, True, False]),
        ),
        st.builds(Leave, st.integers(0, 9)),
        st.builds(End, st.integers(0, 9), st.sampled_from(["answer", "refuse", "expire"])),
    ),
    max_size=25,
)


def number(text: Item) -> float:
    return float(TEXTS.index(str(text)))


class Scripted:
    """A version whose calls end when told to; a bad text is refused as soon as one does."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[Ending]] = []
        self.raised: dict[int, asyncio.Task[Any] | None] = {}

    async def __call__(
        self, items: Sequence[Item], options: EncodeOptions, urgency: Urgency
    ) -> Sequence[Answer]:
        end: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.waiting.append(end)
        try:
            how = await end
        finally:
            self.waiting.remove(end)
        if how == "refuse":
            raise self.noted(Overloaded("full", 1.0))
        if how == "expire":
            raise self.noted(DeadlineExceeded(1.0))
        if "bad" in items:
            raise self.noted(EmptyInput(f"item {list(items).index('bad')} is bad"))
        ids = np.zeros(2, np.int32)
        return [Answer((np.full(2, number(item), np.float32),), (Encoding(ids),)) for item in items]

    def noted(self, error: Exception) -> Exception:
        self.raised[id(error)] = asyncio.current_task()
        return error


async def ticks() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


class Stage:
    """Where a script is played."""

    def __init__(self) -> None:
        self.version = Scripted()
        self.answers = Answers(2**20, ttl_s=10.0, clock=ManualClock())
        self.cached = Cached(self.version, Keys(("d",)), self.answers, "m")
        self.callers: list[tuple[asyncio.Future[Sequence[Answer]], Ask]] = []
        self.left = set[asyncio.Future[Sequence[Answer]]]()

    async def play(self, script: Sequence[Ask | Leave | End]) -> None:
        """Take every step, let the rest end well, and see what everybody heard."""
        for step in script:
            self.take(step)
            await ticks()
        while any(not task.done() for task, _ in self.callers):
            assert self.version.waiting, "somebody waits for nobody"
            for number in range(len(self.version.waiting)):
                self.take(End(number, "answer"))
            await ticks()
        for task, asked in self.callers:
            check(task, asked, self.version, has_left=task in self.left)
        assert 0 == len(self.answers.flights)

    def take(self, step: Ask | Leave | End) -> None:
        if isinstance(step, Ask):
            urgency = Urgency(priority=step.priority, is_kept_fine=step.is_kept_fine)
            work = self.cached(step.items, AS_IT_COMES, urgency)
            self.callers.append((asyncio.ensure_future(work), step))
        elif isinstance(step, End) and self.version.waiting:
            end = self.version.waiting[step.which % len(self.version.waiting)]
            if not end.done():
                end.set_result(step.how)
        elif isinstance(step, Leave) and self.callers:
            task, _ = self.callers[step.which % len(self.callers)]
            if task.cancel():
                self.left.add(task)


def check(
    task: asyncio.Future[Sequence[Answer]], asked: Ask, version: Scripted, *, has_left: bool
) -> None:
    if task.cancelled():
        assert has_left
        return
    error = task.exception()
    if error is None:
        found = [float(answer.windows[0][0]) for answer in task.result()]
        assert [number(item) for item in asked.items] == found
    elif isinstance(error, EmptyInput):
        assert f"item {asked.items.index('bad')} is bad" == str(error)
    else:
        assert version.raised[id(error)] is task  # refused or expired himself, not for another


@given(steps)
@settings(max_examples=300, deadline=None)
def test_each_caller_is_answered_exactly_once_with_what_is_true(script):
    async def play() -> None:
        await Stage().play(script)

    asyncio.run(play())


floats = st.floats(width=32, allow_nan=False)
ints = st.integers(-(2**31), 2**31 - 1)


def arrays(of: st.SearchStrategy[Any], kind: type, *shape: int) -> st.SearchStrategy[Any]:
    n = int(np.prod(shape))
    return st.lists(of, min_size=n, max_size=n).map(
        lambda all_: np.array(all_, kind).reshape(shape)
    )


@st.composite
def windows(draw: st.DrawFn) -> tuple[Any, Encoding]:
    n_tokens, n_picks, n = draw(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 4)))
    maybe = st.booleans()
    shape = (n,) if draw(maybe) else (n_tokens, n)
    tokens = arrays(ints, np.int32, n_tokens)
    offsets = arrays(ints, np.int32, n_tokens, 2)
    origins = st.builds(Origins, offsets, tokens, tokens)
    encoding = Encoding(
        draw(tokens),
        draw(tokens) if draw(maybe) else None,
        draw(st.integers(0, 2**31)),
        draw(arrays(ints, np.int32, n_picks)) if draw(maybe) else None,
        draw(origins) if draw(maybe) else None,
    )
    return draw(arrays(floats, np.float32, *shape)), encoding


def plain(value: Any) -> Any:
    """Arrays as lists with their shapes, so that they can be compared."""
    if isinstance(value, np.ndarray):
        return value.shape, value.tolist()
    if isinstance(value, Encoding | Origins | Answer):
        return [plain(getattr(value, name)) for name in value.__slots__]
    return [plain(one) for one in value] if isinstance(value, tuple) else value


@given(st.lists(windows(), min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_an_answer_comes_back_from_bytes_as_it_was(drawn):
    answer = Answer(tuple(window for window, _ in drawn), tuple(one for _, one in drawn))
    written = write(answer)

    assert written is not None
    assert plain(answer) == plain(read(written))


@given(st.lists(windows(), min_size=1, max_size=2), st.data())
@settings(max_examples=100, deadline=None)
def test_bytes_that_are_cut_or_changed_are_refused_or_read_and_nothing_else(drawn, data):
    written = write(Answer(tuple(w for w, _ in drawn), tuple(one for _, one in drawn)))
    assert written is not None
    broken = bytearray(written[: data.draw(st.integers(0, len(written)))])
    for _ in range(data.draw(st.integers(0, 3)) if broken else 0):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ValueError):
        read(bytes(broken))
