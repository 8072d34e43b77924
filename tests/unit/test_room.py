"""What a door takes in at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldcrest.errors import Overloaded
from goldcrest.serving.room import Room


def test_one_request_too_many_is_refused_with_a_time_to_come_back():
    room = Room(2, 1000)
    room.enter()
    room.enter()

    with pytest.raises(Overloaded, match="2 requests are being answered") as refused:
        room.enter()

    assert 1.0 == refused.value.retry_after_s


def test_who_leaves_makes_room():
    room = Room(1, 1000)
    room.enter()
    room.leave(0)

    room.enter()

    assert room.is_full


def test_bytes_that_do_not_fit_are_refused_before_they_come():
    room = Room(9, 1000)
    room.enter()
    room.hold(900)

    with pytest.raises(Overloaded, match="900 bytes of requests are held; 200 more"):
        room.check(200)


def test_bytes_that_were_not_declared_are_refused_as_they_come():
    room = Room(9, 1000)
    room.enter()
    room.hold(900)

    with pytest.raises(Overloaded):
        room.hold(200)


def test_an_empty_room_takes_a_request_of_any_size():
    room = Room(9, 1000)

    room.enter()
    room.check(5000)
    room.hold(5000)

    assert 5000 == room.n_bytes


def test_who_only_says_that_much_will_come_takes_no_room_from_others():
    room = Room(9, 1000)
    room.enter()
    room.check(1000)

    room.check(1000)

    assert 0 == room.n_bytes


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 600)), max_size=60))
def test_it_is_empty_when_all_have_left_and_never_holds_more_than_it_may(sizes):
    room = Room(5, 1000)
    inside: list[int] = []
    for n_declared, n_bytes in sizes:
        held = 0
        try:
            room.enter()
        except Overloaded:
            room.leave(inside.pop())
            continue
        try:
            room.check(n_declared)
            room.hold(n_bytes)
            held = n_bytes
        except Overloaded:
            held = 0
        inside.append(held)
        assert room.n_requests <= 5
        assert room.n_bytes <= 1000
    for held in inside:
        room.leave(held)
    assert (0, 0) == (room.n_requests, room.n_bytes)
