"""How soon a thread runs after it has woken."""

from __future__ import annotations

import os
import platform
import sys
import threading

import pytest

from goldcrest.prompt import GIVE_WAY, TURN_S, give_way, run_promptly, turn_of_thread_s


def in_a_thread_of_its_own() -> tuple[float | None, bool, float | None]:
    """The turn before, what `run_promptly` says, and the turn after."""
    found: list[tuple[float | None, bool, float | None]] = []

    def work() -> None:
        before = turn_of_thread_s()
        found.append((before, run_promptly(), turn_of_thread_s()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found[0]


def has_short_turns() -> bool:
    release = tuple(map(int, platform.release().split(".")[:2]))
    return sys.platform.startswith("linux") and release >= (6, 12)


@pytest.mark.skipif(not has_short_turns(), reason="the system knows no turns of one thread")
def test_a_thread_gets_the_turn_that_it_asks_for():
    _, was_taken, after = in_a_thread_of_its_own()

    assert was_taken
    assert after == TURN_S


def test_other_threads_keep_theirs():
    before = turn_of_thread_s()

    in_a_thread_of_its_own()

    assert before == turn_of_thread_s()


def test_a_machine_without_such_calls_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(platform, "machine", lambda: "vax")

    assert run_promptly() is False
    assert turn_of_thread_s() is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads share one niceness")
def test_what_gives_way_takes_along_the_threads_that_it_starts_and_no_others():
    found: list[int] = []

    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def work() -> None:
        give_way()
        child = threading.Thread(target=lambda: found.append(niceness()))
        child.start()
        child.join()

    before = niceness()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert [min(19, before + GIVE_WAY)] == found
    assert before == niceness()
