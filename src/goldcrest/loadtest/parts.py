"""What each sending process is given to do: its setup, and its part of the arrivals of a step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from goldcrest.loadtest.arrivals import Curve, even, level, poisson, ramp, with_spike
from goldcrest.loadtest.course import Course
from goldcrest.loadtest.orders import Prepare, Setup

_FIRST_CONNECTIONS = 8


def setups(course: Course) -> Sequence[Setup]:
    """The first message to each process."""
    connections = course.per_process(course.max_connections)
    return [
        Setup(
            host=course.host,
            port=course.port,
            is_tls=course.is_tls,
            route=course.route,
            protocol=course.api,
            model=course.model,
            key_variable=course.key_variable,
            timeout_ms=course.timeout_ms,
            tells_timeout=course.tells_timeout,
            is_kept_fine=course.is_kept_fine,
            profile=course.profile,
            seed=course.seed,
            part=part,
            n_parts=course.processes,
            max_connections=connections[part],
            n_first_connections=min(_FIRST_CONNECTIONS, connections[part]),
        )
        for part in range(course.processes)
    ]


def replayed(course: Course) -> Sequence[Prepare]:
    """Recorded arrivals, dealt out."""
    recorded, n = course.recorded, course.processes
    if recorded is None:
        return ()
    return [
        Prepare(
            offsets=recorded.offsets[part::n].tobytes(),
            texts=recorded.texts[part::n],
            tokens=recorded.tokens[part::n],
            classes=recorded.classes[part::n],
        )
        for part in range(n)
    ]


def curve(course: Course, number: int) -> Curve:
    """The rate over the time of a step."""
    rate = course.rates[number]
    if course.ramps:
        return ramp(rate, course.rates[number + 1], course.seconds)
    if course.spike:
        return with_spike(rate, course.seconds, course.spike)
    return level(rate, course.seconds)


def drawn(course: Course, wanted: Curve, dice: np.random.Generator) -> Sequence[Prepare]:
    """The arrivals of a step, a part for each process."""
    n = course.processes
    if course.mode == "even":
        offsets = [even(wanted, part=part, n_parts=n) for part in range(n)]
    else:  # arrivals that know nothing of each other can be drawn apart and mixed
        offsets = [poisson(wanted.scaled(1 / n), dice) for _ in range(n)]
    return [Prepare(offsets=one.tobytes()) for one in offsets]


def clients(course: Course, count: int, *, n_ahead: int) -> Sequence[Prepare]:
    """The clients of a closed loop, shared out; so many requests are made before it begins."""
    return [
        Prepare(clients=share, n_ahead=n_ahead // course.processes)
        for share in course.per_process(count)
    ]
