"""How urgent a call is: what its headers, its body and its key say, put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from goldcrest.errors import InvalidRequest
from goldcrest.names import PRIORITIES, Priority
from goldcrest.values import AT_ONCE, Urgency

PRIORITY, TIMEOUT = "x-goldcrest-priority", "x-goldcrest-timeout-ms"
"""Headers of HTTP, and metadata of gRPC."""
LEAST_MS, MOST_MS = 1, 3_600_000
"""How long a caller may say that it waits: up to an hour."""
_FRESH = {"no-cache", "no-store", "max-age=0"}
"""Words of ``Cache-Control`` to which a kept answer will not do."""
_PRIVATE = "no-store"
"""The one that keeps an answer from being kept."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What one place of a call says of its urgency: its headers, or its body.

    Attributes:
        priority: the class that is asked for, if one is.
        timeout_s: seconds after the arrival of the call past which nobody wants the answer.
        is_kept_fine: whether an answer that was kept from earlier will do.
        may_be_kept: whether the answer may be kept for others.
    """

    priority: Priority | None = None
    timeout_s: float | None = None
    is_kept_fine: bool = True
    may_be_kept: bool = True


NO_WISH = Wish()


def read_wish(priority: str | None, timeout_ms: str | None, cache_control: str | None) -> Wish:
    """Read the headers of those names; None where there is none.

    Raises:
        InvalidRequest: one says what nobody understands.
    """
    if priority is None and timeout_ms is None and cache_control is None:
        return NO_WISH
    said = () if cache_control is None else cache_control.lower().split(",")
    words = {word.strip() for word in said}
    return Wish(
        None if priority is None else _class_of(priority),
        None if timeout_ms is None else _seconds(timeout_ms),
        _FRESH.isdisjoint(words),
        _PRIVATE not in words,
    )


def urgency(
    *wishes: Wish, caller: str = "", ceiling: Priority | None = None, waited_s: float = 0.0
) -> Urgency:
    """Put together what several places say: the least urgent class and the shortest limit hold.

    So nobody on the way can be overruled: not a gateway that sets headers, not a caller who sends
    a body, and not the settings, which say what a key may ask for.

    Args:
        wishes: what was said.
        caller: the name of the key that was shown.
        ceiling: the most urgent class that this key may ask for, and the class of its calls that
            name none; None: it may ask for any.
        waited_s: seconds that have passed since the arrival; what is left of the limit is passed
            on, and may be less than nothing.
    """
    named = [wish.priority for wish in wishes if wish.priority is not None]
    limits = [wish.timeout_s for wish in wishes if wish.timeout_s is not None]
    if ceiling is not None:
        named.append(ceiling)
    return Urgency(
        priority=max(named, key=PRIORITIES.index, default=None),
        deadline_s=min(limits) - waited_s if limits else None,
        caller=caller,
        is_kept_fine=all(wish.is_kept_fine for wish in wishes),
        may_be_kept=all(wish.may_be_kept for wish in wishes),
    )


class Asking(Protocol):
    """What a door notes of a call.

    Attributes:
        caller: the name of the key that was shown.
        wish: what its headers say.
        lowered_to: the class that it was given, if that is less urgent than the one asked for.
    """

    caller: str
    wish: Wish
    lowered_to: str

    @property
    def seconds(self) -> float:
        """Since it arrived."""
        ...


def urge(asking: Asking, ceiling: Priority | None, wish: Wish = NO_WISH) -> Urgency:
    """How urgent a call is now; notes if that is less than it asked for.

    Args:
        asking: the call.
        ceiling: of its key, as for ``urgency``.
        wish: what its body says.
    """
    if asking.wish is NO_WISH and wish is NO_WISH and ceiling is None:
        return Urgency(caller=asking.caller) if asking.caller else AT_ONCE
    wishes = (asking.wish, wish)
    given = urgency(*wishes, caller=asking.caller, ceiling=ceiling, waited_s=asking.seconds)
    if given.priority is not None and is_lowered(given, *wishes):
        asking.lowered_to = given.priority
    return given


def is_lowered(given: Urgency, *wishes: Wish) -> bool:
    """Whether a less urgent class was given than all that was asked for."""
    named = [wish.priority for wish in wishes if wish.priority is not None]
    return bool(named) and given.priority not in named


def _class_of(text: str) -> Priority:
    for known in PRIORITIES:
        if text.strip().lower() == known:
            return known
    raise InvalidRequest(
        f"the header {PRIORITY} is {text!r}; it must be one of {', '.join(PRIORITIES)}"
    )


def _seconds(text: str) -> float:
    try:
        milliseconds = float(text)
    except ValueError:
        milliseconds = 0.0
    if not LEAST_MS <= milliseconds <= MOST_MS:
        raise InvalidRequest(
            f"the header {TIMEOUT} is {text!r}; "
            f"it must be a number of milliseconds from {LEAST_MS} to {MOST_MS}"
        )
    return milliseconds / 1e3
