"""The result cache around a scripted version: what is asked of it, what is kept, who waits."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from goldcrest.errors import (
    DeadlineExceeded,
    EmptyInput,
    EngineFailed,
    InputTooLong,
    Overloaded,
)
from goldcrest.records import Sample
from goldcrest.serving.cache import Answers, Cached
from goldcrest.serving.cache_bytes import read, write
from goldcrest.serving.cache_keys import Keys
from goldcrest.serving.cache_room import Room
from goldcrest.serving.shared_value import Kept
from goldcrest.testing import ManualClock
from goldcrest.values import AS_IT_COMES, AT_ONCE, Answer, EncodeOptions, Encoding, Item, Urgency

MIB = 2**20
ANEW = Urgency(is_kept_fine=False)
INTERACTIVE = Urgency(priority="interactive")
BULK = Urgency(priority="bulk")


def number_of(item: Item) -> float:
    """What the scripted version answers for an item."""
    return float(sum(map(ord, item)) if isinstance(item, str) else len(item))


def answer_to(item: Item, *, width: int = 2) -> Answer:
    grid = np.full((8, width), number_of(item), np.float32)  # a row of it is the answer
    return Answer((grid[3],), (Encoding(np.arange(4, dtype=np.int32)),))


class Scripted:
    """A version that answers when its gate is open, fails as told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[Item, ...]] = []
        self.urgencies: list[Urgency] = []
        self.n_cancelled = 0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.width = 2

    async def __call__(
        self, items: Sequence[Item], options: EncodeOptions, urgency: Urgency
    ) -> Sequence[Answer]:
        self.calls.append(tuple(items))
        self.urgencies.append(urgency)
        error = self.error
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.n_cancelled += 1
            raise
        if error is not None:
            raise error
        if "" in items:
            raise InputTooLong(9, 8, index=list(items).index(""))
        return [answer_to(item, width=self.width) for item in items]


class Far:
    """A second level that is a dictionary."""

    def __init__(self, kept: Mapping[bytes, Kept] | None = None) -> None:
        self.kept, self.written = dict(kept or {}), dict[bytes, bytes]()
        self.asked: list[tuple[bytes, ...]] = []

    async def fetch(self, keys: Collection[bytes]) -> Mapping[bytes, Kept]:
        self.asked.append(tuple(keys))
        return {key: self.kept[key] for key in keys if key in self.kept}

    def keep(self, key: bytes, answer: bytes) -> None:
        self.written[key] = answer

    def samples(self) -> Iterator[Sample]:
        return iter(())

    async def aclose(self) -> None: ...


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def version() -> Scripted:
    return Scripted()


@pytest.fixture
def answers(clock) -> Answers:
    return Answers(MIB, ttl_s=100.0, clock=clock)


@pytest.fixture
def cached(version, answers) -> Cached:
    return of(version, answers)


def of(version: Scripted, answers: Answers, model: str = "m") -> Cached:
    return Cached(version, Keys(("digest",)), answers, model)


async def ask(cached: Cached, *items: Item, urgency: Urgency = AT_ONCE) -> list[float]:
    found = await cached(items, AS_IT_COMES, urgency)
    return [float(answer.windows[0][0]) for answer in found]


def begin(cached: Cached, *items: Item, urgency: Urgency = AT_ONCE) -> asyncio.Task[list[float]]:
    return asyncio.create_task(ask(cached, *items, urgency=urgency))


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def figures(answers: Answers, key: str) -> dict[str, float]:
    """The samples of a metric by their last label, those of nothing left out."""
    return {labels[-1]: value for name, labels, value in answers.samples() if name == key and value}


async def test_an_answer_that_may_not_be_kept_is_kept_nowhere(version, clock):
    far = Far()
    answers = Answers(MIB, ttl_s=100.0, clock=clock, shared=far)

    await ask(of(version, answers), "a", urgency=Urgency(is_kept_fine=False, may_be_kept=False))

    assert (0, {}) == (len(answers.room), far.written)


async def test_what_was_answered_once_is_not_asked_again(cached, version):
    assert [97.0] == await ask(cached, "a")
    assert [97.0] == await ask(cached, "a")
    assert [("a",)] == version.calls


async def test_only_unseen_items_are_asked_for_and_all_come_back_in_order(cached, version):
    await ask(cached, "b", "d")

    assert [97.0, 98.0, 99.0, 100.0] == await ask(cached, "a", "b", "c", "d")
    assert ("a", "c") == version.calls[-1]


async def test_an_item_that_a_request_holds_twice_is_computed_once(cached, version):
    assert [97.0, 98.0, 97.0] == await ask(cached, "a", "b", "a")
    assert [("a", "b")] == version.calls


async def test_other_encode_options_are_other_answers(cached, version):
    await cached(["a"], AS_IT_COMES, AT_ONCE)
    await cached(["a"], EncodeOptions(max_length=4), AT_ONCE)

    assert 2 == len(version.calls)


async def test_who_wants_it_anew_gets_it_anew_and_refreshes_what_is_kept(cached, version, clock):
    await ask(cached, "a")
    clock.advance(60.0)
    await ask(cached, "a", urgency=ANEW)
    clock.advance(60.0)
    await ask(cached, "a")

    assert 2 == len(version.calls)


async def test_an_answer_is_kept_no_longer_than_its_time(cached, version, clock, answers):
    await ask(cached, "a")
    clock.advance(100.0)
    await ask(cached, "a")

    assert 2 == len(version.calls)
    assert {"old": 1.0} == figures(answers, "cache_evictions")


async def test_two_models_on_one_artifact_share_their_answers(answers, version):
    await ask(of(version, answers, "one"), "a")
    await ask(of(version, answers, "two"), "a")

    assert 1 == len(version.calls)


async def test_a_kept_answer_cannot_be_changed_and_holds_on_to_no_grid(cached):
    await ask(cached, "a")
    (kept,) = await cached(["a"], AS_IT_COMES, AT_ONCE)

    window = kept.windows[0]
    assert not window.flags.writeable
    assert isinstance(np.asarray(window.base).base, bytes)


async def test_an_answer_that_is_too_large_is_given_and_not_kept(cached, version, answers):
    version.width = answers.room.largest // 4

    assert [97.0] == await ask(cached, "a")
    assert 0 == len(answers.room)


async def test_what_was_unused_for_longest_makes_room(version, clock):
    answers = Answers(2048, ttl_s=100.0, clock=clock)
    answers.room.capacity = MIB  # the largest answer depends on it
    cached = of(version, answers)
    for text in "abcdefgh":
        await ask(cached, text)
        await ask(cached, "a")

    assert answers.n_bytes <= 2048
    assert figures(answers, "cache_evictions")["full"] > 0
    assert 1 == version.calls.count(("a",))


async def test_a_cache_that_shrinks_lets_answers_go_and_grows_back(cached, answers):
    for text in "abcdefgh":
        await ask(cached, text)
    answers.shrink(answers.n_bytes / 2 / MIB)

    assert 4 == len(answers.room)
    assert {"memory": 4.0} == figures(answers, "cache_evictions")
    answers.shrink(1.0)
    for text in "abcdefgh":
        await ask(cached, text)
    assert 8 == len(answers.room)


async def test_a_cleared_cache_holds_nothing(cached, answers):
    await ask(cached, "a")
    answers.clear()

    assert (0, 0) == (answers.n_bytes, len(answers.room))


async def test_twins_in_flight_are_computed_once(cached, version):
    version.gate.clear()
    twins = [begin(cached, "a") for _ in range(5)]
    await settle()
    version.gate.set()

    assert [[97.0]] * 5 == await asyncio.gather(*twins)
    assert [("a",)] == version.calls


async def test_twins_share_what_is_too_large_to_be_kept(cached, version, answers):
    version.width = answers.room.largest
    version.gate.clear()
    twins = [begin(cached, "a") for _ in range(2)]
    await settle()
    version.gate.set()

    assert [[97.0]] * 2 == await asyncio.gather(*twins)
    assert [("a",)] == version.calls


async def test_a_twin_does_not_suffer_when_the_first_caller_leaves(cached, version):
    version.gate.clear()
    first, second, third = (begin(cached, "a") for _ in range(3))
    await settle()
    first.cancel()
    await settle()
    version.gate.set()

    assert [[97.0]] * 2 == [await second, await third]
    assert (2, 1) == (len(version.calls), version.n_cancelled)


async def test_when_the_last_one_leaves_the_work_is_cancelled(cached, version, answers):
    version.gate.clear()
    twins = [begin(cached, "a") for _ in range(3)]
    await settle()
    for twin in reversed(twins):
        twin.cancel()
    await asyncio.wait(twins)
    await settle()

    assert (1, 1, 0) == (len(version.calls), version.n_cancelled, len(answers.flights))


@pytest.mark.parametrize(
    "error", [Overloaded("full", 1.0), DeadlineExceeded(1.0), EngineFailed("broken")]
)
async def test_a_twin_computes_by_itself_when_the_first_one_fails(cached, version, error):
    version.gate.clear()
    version.error = error
    first, second = begin(cached, "a"), begin(cached, "a")
    await settle()
    version.error = None
    version.gate.set()

    with pytest.raises(type(error)):
        await first
    assert [97.0] == await second


async def test_an_error_is_not_kept(cached, version):
    version.error = EngineFailed("broken")
    with pytest.raises(EngineFailed):
        await ask(cached, "a")
    version.error = None

    assert [97.0] == await ask(cached, "a")


async def test_what_is_wrong_with_a_text_is_told_to_its_twins(cached, version):
    version.gate.clear()
    twins = [begin(cached, "") for _ in range(3)]
    await settle()
    version.gate.set()
    errors = await asyncio.gather(*twins, return_exceptions=True)

    assert [InputTooLong] * 3 == [type(error) for error in errors]
    assert 1 == len(version.calls)


async def test_what_is_wrong_with_a_text_is_not_told_to_its_neighbours_twin(cached, version):
    version.gate.clear()
    both, twin = begin(cached, "a", ""), begin(cached, "a")
    await settle()
    version.gate.set()

    assert [97.0] == await twin
    with pytest.raises(InputTooLong):
        await both


async def test_an_error_names_the_place_of_the_item_in_its_own_request(cached):
    await ask(cached, "a", "b")

    with pytest.raises(InputTooLong, match="item 2"):
        await ask(cached, "a", "b", "")


async def test_an_error_of_a_twin_is_told_with_the_place_in_ones_own_request(cached, version):
    version.gate.clear()
    first, second = begin(cached, ""), begin(cached, "a", "")
    await settle()
    version.gate.set()

    with pytest.raises(InputTooLong, match="item 1"):
        await second
    with pytest.raises(InputTooLong, match="item 0"):
        await first


async def test_nobody_joins_a_flight_that_is_less_urgent(cached, version):
    version.gate.clear()
    twins = [begin(cached, "a", urgency=urgency) for urgency in (BULK, INTERACTIVE, AT_ONCE, BULK)]
    await settle()
    version.gate.set()
    await asyncio.gather(*twins)

    assert [BULK, INTERACTIVE] == version.urgencies  # the others joined the more urgent one


async def test_the_end_of_a_less_urgent_flight_leaves_the_more_urgent_one_to_be_joined(
    cached, version
):
    version.gate.clear()
    bulk = begin(cached, "a", urgency=BULK)
    await settle()
    interactive = begin(cached, "a", urgency=INTERACTIVE)
    await settle()
    bulk.cancel()
    await settle()
    last = begin(cached, "a", urgency=INTERACTIVE)
    await settle()
    version.gate.set()

    assert [[97.0]] * 2 == [await interactive, await last]
    assert [BULK, INTERACTIVE] == version.urgencies


async def test_who_wants_it_anew_joins_nobody(cached, version):
    version.gate.clear()
    twins = [begin(cached, "a"), begin(cached, "a", urgency=ANEW)]
    await settle()
    version.gate.set()
    await asyncio.gather(*twins)

    assert 2 == len(version.calls)


async def test_a_twin_waits_no_longer_than_its_own_deadline(cached, version):
    version.gate.clear()
    first = begin(cached, "a")
    await settle()
    with pytest.raises(DeadlineExceeded):
        await ask(cached, "a", urgency=Urgency(deadline_s=0.0))
    version.gate.set()

    assert [97.0] == await first


async def test_a_twin_that_must_compute_by_itself_has_only_the_rest_of_its_time(
    cached, version, clock
):
    version.gate.clear()
    first = begin(cached, "a")
    await settle()
    second = begin(cached, "a", urgency=Urgency(deadline_s=5.0))
    await settle()
    clock.advance(3.0)
    first.cancel()
    version.gate.set()
    await second

    assert 2.0 == version.urgencies[-1].deadline_s


async def test_two_requests_that_wait_for_each_other_are_both_answered(cached, version):
    version.gate.clear()
    one, other = begin(cached, "a", "b"), begin(cached, "c", "b", "a")
    await settle()
    third = begin(cached, "c", "d")
    await settle()
    version.gate.set()

    assert [[97.0, 98.0], [99.0, 98.0, 97.0], [99.0, 100.0]] == [
        await one,
        await other,
        await third,
    ]
    assert [("a", "b"), ("c",), ("d",)] == version.calls


@pytest.mark.parametrize(
    "item", ["half a pair \ud800", ("a", "b", "c"), (1.5, 2), (2**70,), ("a", 1)], ids=repr
)
async def test_what_is_no_item_goes_to_the_version_which_says_so(cached, version, item):
    version.error = EmptyInput("as it says")

    with pytest.raises(EmptyInput):
        await cached([item], AS_IT_COMES, AT_ONCE)
    assert [(item,)] == version.calls


async def test_a_request_that_is_very_long_is_not_even_looked_up(cached, version, answers):
    await ask(cached, "a" * MIB, "b")

    assert [2] == [len(call) for call in version.calls]
    assert 0 == len(answers.room)


async def test_every_item_is_counted_once(cached, version, answers):
    await ask(cached, "a", "b")
    version.gate.clear()
    twins = [begin(cached, "a", "c"), begin(cached, "c", "d")]
    await settle()
    version.gate.set()
    await asyncio.gather(*twins)

    assert {"hit": 1.0, "joined": 1.0, "miss": 4.0} == figures(answers, "cache_lookups")


def far_with(text: str, ttl_s: float, cached: Cached) -> dict[bytes, Kept]:
    keys = cached._keys.of([text], AS_IT_COMES)
    written = write(answer_to(text))
    assert keys is not None
    assert written is not None
    return {keys[0]: Kept(written, read(written), ttl_s)}


@pytest.fixture
def far(answers) -> Far:
    found = answers.shared = Far()
    return found


async def test_the_second_level_is_asked_for_all_that_is_missing_at_once(version, answers, far):
    cached = of(version, answers)
    await ask(cached, "a")
    far.asked.clear()
    await ask(cached, "a", "b", "c")

    assert [2] == [len(keys) for keys in far.asked]


async def test_what_the_second_level_has_is_neither_computed_nor_asked_for_again(
    version, answers, far
):
    cached = of(version, answers)
    far.kept = far_with("a", 50.0, cached)

    assert [97.0, 98.0] == await ask(cached, "a", "b")
    assert [97.0] == await ask(cached, "a")
    assert [("b",)] == version.calls
    assert {"shared": 1.0, "miss": 1.0, "hit": 1.0} == figures(answers, "cache_lookups")


async def test_what_comes_from_the_second_level_lives_no_longer_for_it(
    version, answers, far, clock
):
    cached = of(version, answers)
    far.kept = far_with("a", 50.0, cached)
    await ask(cached, "a")
    far.kept = {}
    clock.advance(50.0)
    await ask(cached, "a")

    assert [("a",)] == version.calls


async def test_what_is_computed_goes_to_the_second_level(version, answers, far):
    await ask(of(version, answers), "a")

    assert [97.0] == [float(read(written).windows[0][0]) for written in far.written.values()]


async def test_who_wants_it_anew_does_not_ask_the_second_level_and_refreshes_it(
    version, answers, far
):
    cached = of(version, answers)
    far.kept = far_with("a", 50.0, cached)
    await ask(cached, "a", urgency=ANEW)

    assert ([], 1, 1) == (far.asked, len(version.calls), len(far.written))


def keys_of(*items: Any, options: EncodeOptions = AS_IT_COMES, identity: Any = ("d",)) -> Any:
    return Keys(identity).of(items, options)


def test_items_that_look_alike_have_keys_of_their_own():
    items: list[Any] = ["ab", ("a", "b"), ("", "ab"), ("ab", ""), (97, 98), (97,), (98, 97), "", ()]

    assert len(items) == len(set(keys_of(*items)))


@pytest.mark.parametrize(
    "options",
    [
        EncodeOptions(max_length=8),
        EncodeOptions(overflow="window"),
        EncodeOptions(stride=1),
        EncodeOptions(wants_states=True),
        EncodeOptions(splits_first=True),
    ],
    ids=repr,
)
def test_every_encode_option_is_part_of_the_key(options):
    assert keys_of("a") != keys_of("a", options=options)


def test_the_version_is_part_of_the_key():
    assert keys_of("a", identity=("d", 1)) != keys_of("a", identity=("d1",))


def test_options_of_any_number_take_no_more_than_some_room():
    keys = Keys(("d",))
    for length in range(1000):
        keys.of(["a"], EncodeOptions(max_length=length))

    assert len(keys._begun) <= 256


def test_what_the_answers_take_is_what_they_are_said_to_take():
    """Within a third: tables are half empty after they have grown."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        room = Room(64 * MIB, ttl_s=1.0)
        for number in range(20_000):
            room.keep(number.to_bytes(32, "big"), bytes(200), 0.0)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()

    assert taken <= room.n_bytes <= taken * 4 / 3


def test_a_room_full_of_old_answers_is_cleared_little_by_little():
    room = Room(MIB, ttl_s=1.0)
    for number in range(1000):
        room.keep(number.to_bytes(32, "big"), b"answer", 0.0)
    room.keep(b"new", b"answer", 2.0)

    assert 990 <= len(room) <= 1000  # one request does not pay for all of them


def test_a_room_never_takes_more_than_it_may():
    room = Room(MIB, ttl_s=1.0)
    for number in range(5000):
        room.keep(number.to_bytes(32, "big"), bytes(number % 1000), number / 1e4)

        assert room.n_bytes <= MIB
