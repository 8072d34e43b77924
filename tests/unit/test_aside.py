"""Long work beside the event loop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from goldcrest.batching.aside import Aside


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def test_the_most_urgent_piece_goes_first_and_others_in_the_order_they_came(
    executor: ThreadPoolExecutor,
):
    aside, done, gate = Aside(executor), list[str](), threading.Event()
    aside.submit(gate.wait, rank=0.0)
    begun = [
        aside.submit(lambda name=name: done.append(name), rank=rank)  # type: ignore[misc]
        for name, rank in (("late", 3.0), ("a", 1.0), ("b", 1.0), ("first", -1.0))
    ]

    gate.set()
    for future in begun:
        future.result()

    assert ["first", "a", "b", "late"] == done


def test_a_piece_whose_caller_left_is_not_done(executor: ThreadPoolExecutor):
    aside, done, gate = Aside(executor), list[str](), threading.Event()
    aside.submit(gate.wait, rank=0.0)
    gone = aside.submit(lambda: done.append("gone"), rank=1.0)
    last = aside.submit(lambda: done.append("last"), rank=2.0)

    gone.cancel()
    gate.set()
    last.result()

    assert ["last"] == done


def test_what_only_presents_an_answer_does_not_wait_for_urgent_grids(
    executor: ThreadPoolExecutor,
):
    seen = list[object]()
    aside = Aside(executor, calm=lambda _most_s: seen.append("calm"))

    for name, rank in (("tokenised", 7.0), ("presented", float("-inf"))):
        aside.submit(lambda name=name: seen.append(name), rank=rank).result()  # type: ignore[misc]

    assert ["calm", "tokenised", "presented"] == seen


def test_what_presents_an_answer_goes_first_even_if_it_comes_while_tokenising_waits(
    executor: ThreadPoolExecutor,
):
    done = list[str]()

    def calm(_most_s: float) -> None:
        if not presented:
            presented.append(aside.submit(lambda: done.append("presented"), rank=float("-inf")))

    aside, presented = Aside(executor, calm=calm), list[Future[None]]()
    aside.submit(lambda: done.append("tokenised"), rank=7.0).result()

    assert ["presented", "tokenised"] == done


def test_what_a_piece_raises_is_its_callers(executor: ThreadPoolExecutor):
    aside = Aside(executor)

    failed = aside.submit(lambda: 1 / 0, rank=0.0)

    with pytest.raises(ZeroDivisionError):
        failed.result()
    assert 2 == aside.submit(lambda: 2, rank=0.0).result()


def test_an_executor_that_was_shut_down_takes_nothing(executor: ThreadPoolExecutor):
    executor.shutdown()

    with pytest.raises(RuntimeError):
        Aside(executor).submit(lambda: 1, rank=0.0)
