"""How urgent a call is, from all that is said of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldcrest.errors import InvalidRequest
from goldcrest.names import PRIORITIES
from goldcrest.serving.urgency import NO_WISH, Wish, is_lowered, read_wish, urgency
from goldcrest.values import Urgency

WISHES = st.lists(
    st.builds(
        Wish,
        st.none() | st.sampled_from(PRIORITIES),
        st.none() | st.floats(0.001, 3600),
        st.booleans(),
    ),
    max_size=4,
)
CEILINGS = st.none() | st.sampled_from(PRIORITIES)


def test_who_says_nothing_wishes_nothing():
    assert NO_WISH is read_wish(None, None, None)


@pytest.mark.parametrize("text", ["bulk", " BULK "])
def test_a_class_is_read_whatever_its_case(text):
    assert Wish("bulk") == read_wish(text, None, None)


@pytest.mark.parametrize(("text", "seconds"), [("250", 0.25), ("1.5", 0.0015), ("1e3", 1.0)])
def test_a_limit_is_a_number_of_milliseconds(text, seconds):
    assert pytest.approx(seconds) == read_wish(None, text, None).timeout_s


@pytest.mark.parametrize("text", ["", "soon", "0", "0.9", "-1", "nan", "inf", "3600001", "1 s"])
def test_a_limit_that_is_none_is_told_with_what_is_allowed(text):
    with pytest.raises(InvalidRequest, match=r"x-goldcrest-timeout-ms is .* from 1 to 3600000"):
        read_wish(None, text, None)


def test_a_class_that_is_none_is_told_with_those_that_are():
    with pytest.raises(InvalidRequest, match="'urgent'; it must be one of interactive, default"):
        read_wish("urgent", None, None)


@pytest.mark.parametrize(
    ("text", "is_fine"),
    [
        ("no-cache", False),
        ("No-Store", False),
        ("max-age=0, private", False),
        ("max-age=60", True),
        ("private", True),
    ],
)
def test_cache_control_says_whether_a_kept_answer_will_do(text, is_fine):
    assert is_fine is read_wish(None, None, text).is_kept_fine


@pytest.mark.parametrize(("text", "may_be"), [("max-age=0, No-Store", False), ("no-cache", True)])
def test_cache_control_says_whether_the_answer_may_be_kept(text, may_be):
    assert may_be is urgency(NO_WISH, read_wish(None, None, text)).may_be_kept


def test_what_is_left_of_a_limit_is_passed_on():
    assert 0.75 == pytest.approx(urgency(Wish(timeout_s=1.0), waited_s=0.25).deadline_s)


def test_the_class_of_a_key_is_that_of_calls_that_name_none():
    assert Urgency("bulk", caller="a") == urgency(NO_WISH, caller="a", ceiling="bulk")


@pytest.mark.parametrize(
    ("wished", "ceiling", "given", "lowered"),
    [
        ("interactive", "default", "default", True),
        ("bulk", "default", "bulk", False),
        ("default", "default", "default", False),
        ("interactive", None, "interactive", False),
    ],
)
def test_more_than_the_key_allows_is_lowered(wished, ceiling, given, lowered):
    found = urgency(Wish(wished), ceiling=ceiling)

    assert (given, lowered) == (found.priority, is_lowered(found, Wish(wished)))


@given(WISHES, CEILINGS, st.floats(0, 10))
def test_nobody_who_says_less_is_overruled(wishes, ceiling, waited_s):
    found = urgency(*wishes, ceiling=ceiling, waited_s=waited_s)

    said = [wish.priority for wish in wishes if wish.priority] + ([ceiling] if ceiling else [])
    assert found.priority in (said or [None])
    for priority in said:
        assert PRIORITIES.index(found.priority) >= PRIORITIES.index(priority)
    for wish in wishes:
        assert wish.timeout_s is None or found.deadline_s <= wish.timeout_s - waited_s
        assert wish.is_kept_fine or not found.is_kept_fine


@given(WISHES, CEILINGS)
def test_the_order_in_which_it_is_said_changes_nothing(wishes, ceiling):
    assert urgency(*wishes, ceiling=ceiling) == urgency(*reversed(wishes), ceiling=ceiling)
