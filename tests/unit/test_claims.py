"""What is refused before it is tokenised."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from goldcrest.batching.batcher import Batcher
from goldcrest.batching.claims import LONG, TOKENIZE_S, Claim
from goldcrest.batching.lane import Lane
from goldcrest.batching.policy import Policy
from goldcrest.errors import Overloaded, Unloaded
from goldcrest.names import Priority
from goldcrest.packing.cost import CostTable
from goldcrest.packing.ladder import ladder
from goldcrest.testing import FakeEngine, ManualClock
from goldcrest.values import Encoding, Urgency


class Bench:
    """A batcher whose engine waits, so that what is pushed stays in the queue."""

    def __init__(self) -> None:
        self.gate, self.clock = threading.Event(), ManualClock()
        engine = FakeEngine(gate=self.gate)
        policy = Policy(limit_tokens=100, limit_bytes=10_000)
        self.batcher = Batcher(policy=policy, clock=self.clock)
        self.batcher.open(
            Lane(
                "m",
                lambda grid: engine.run(grid)["logits"],
                ladder=ladder(128),
                costs=CostTable(),
                objective_s=1.0,
                n_first=2,
            )
        )
        engine.entered.wait()

    def claim(
        self,
        n_characters: int,
        priority: Priority = "default",
        *,
        least_tokens: int = 0,
        deadline_s: float | None = None,
    ) -> Claim:
        urgency = Urgency(priority, deadline_s)
        return self.batcher.claim("m", n_characters, urgency, lambda: least_tokens)

    async def waiting(self, n_tokens: int) -> asyncio.Task[object]:
        encoding = Encoding(np.ones(n_tokens, np.int32))
        task = asyncio.create_task(self.batcher.submit("m", [encoding], Urgency()))
        await asyncio.sleep(0)
        return task

    def figures(self, key: str) -> dict[tuple[str, ...], float]:
        return {labels: n for name, labels, n in self.batcher.samples() if name == key and n}


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.gate.set()
    bench.batcher.close()


def test_bytes_wait_from_the_claim_until_it_is_released(bench: Bench) -> None:
    with bench.claim(700):
        during = bench.figures("waiting_bytes")

    assert {("default",): 700} == during
    assert {} == bench.figures("waiting_bytes")


def test_a_claim_is_released_once_though_it_is_left_twice(bench: Bench) -> None:
    with bench.claim(700) as claim, claim:
        pass

    assert {} == bench.figures("waiting_bytes")


def test_more_bytes_of_a_class_than_the_limit_are_refused(bench: Bench) -> None:
    with bench.claim(9_900), pytest.raises(Overloaded, match="9900 bytes of text are waiting"):
        bench.claim(200)

    assert {("bytes", "default"): 1} == bench.figures("refusals")


def test_bytes_of_bulk_work_take_no_room_from_interactive_work(bench: Bench) -> None:
    with bench.claim(9_900, "bulk"), bench.claim(9_900, "interactive"):
        assert 2 == len(bench.figures("waiting_bytes"))


def test_what_finds_nothing_waiting_is_admitted_however_large(bench: Bench) -> None:
    with bench.claim(1_000_000):
        assert {} == bench.figures("refusals")


async def test_a_request_is_refused_by_the_tokens_that_it_will_have_at_least(bench: Bench) -> None:
    await bench.waiting(80)

    with pytest.raises(Overloaded, match="80 tokens are waiting; 30 more"):
        bench.claim(150, least_tokens=30)
    assert {("tokens", "default"): 1} == bench.figures("refusals")


async def test_a_refused_claim_leaves_nothing_behind(bench: Bench) -> None:
    await bench.waiting(80)
    with pytest.raises(Overloaded):
        bench.claim(150, least_tokens=30)

    assert {} == bench.figures("waiting_bytes")


def test_the_thread_that_tokenises_has_work_for_a_bounded_time_before_it(bench: Bench) -> None:
    bench.gate.set()
    with bench.claim(LONG) as claim:
        claim.read(1, 0.0)
        for _ in range(200):  # a character takes a millisecond
            claim.read(1, 0.001)
        left = claim.n_characters - 201

        with pytest.raises(Overloaded, match=f"{left} characters are waiting to be tokenised"):
            bench.claim(LONG)
        assert left * 0.001 > TOKENIZE_S
        with bench.claim(LONG - 1):  # is tokenised at once, on the loop
            pass

    assert {("tokenizer", "default"): 1} == bench.figures("refusals")


def test_what_is_to_be_tokenised_of_bulk_work_is_behind_interactive_work(bench: Bench) -> None:
    with bench.claim(9_000, "bulk") as claim:
        for _ in range(200):
            claim.read(1, 0.001)

        with bench.claim(LONG, "interactive"):
            pass

    assert {} == bench.figures("refusals")


def test_an_unknown_version_is_refused_before_anything_else(bench: Bench) -> None:
    with pytest.raises(Unloaded):
        bench.batcher.claim("gone", 10, Urgency())


async def test_jobs_count_as_having_arrived_with_their_claim(bench: Bench) -> None:
    with bench.claim(10, deadline_s=1.0) as claim:
        bench.clock.advance(0.75)
        encoding = Encoding(np.ones(3, np.int32))
        urgency = Urgency(deadline_s=1.0)
        task = asyncio.create_task(bench.batcher.submit("m", [encoding], urgency, claim=claim))
        await asyncio.sleep(0)
        bench.clock.advance(0.5)
        bench.gate.set()

        with pytest.raises(Exception, match=r"waited 1\.250 s"):
            await task
