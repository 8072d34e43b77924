"""What a driver is told to send, and what it saw: the words it shares with its parent."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

T = TypeVar("T")


class Fate(IntEnum):
    """How a request ended, as far as its connection tells; answers are judged afterwards."""

    SILENT = 0  # still waiting when patience was at its end
    ANSWERED = 1
    BROKEN = 2  # the connection was closed or reset before a whole answer came
    UNCONNECTED = 3  # no connection could be made
    VANISHED = 4  # this client left on purpose
    DOUBLED = 5  # more came back than one answer


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """Requests of one kind.

    Attributes:
        bodies: the different bodies.
        order: which of them goes out as the first, second, ... request; it is begun anew at its
            end, so an open loop may send any number.
        rate: arrivals a second, a Poisson process; 0 for a closed loop.
        clients: of a closed loop, each of which waits for its answer before it asks again.
        begin_s: when the first is due, after the start of the plan.
        seconds: how long requests are due from then on.
        n_most: requests at most; 0 for no bound.
        vanishing: share of requests whose client leaves before it has its answer.
        vanish_s: it leaves within this time after it began to send.
    """

    name: str
    bodies: tuple[str, ...]
    order: tuple[int, ...] = ()
    path: str = "/classify"
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    rate: float = 0.0
    clients: int = 0
    begin_s: float = 0.0
    seconds: float = 10.0
    n_most: int = 0
    vanishing: float = 0.0
    vanish_s: float = 0.03
    seed: int = 1

    def body_of(self, number: int) -> int:
        """The index of the body that this request sends."""
        if self.order:
            return self.order[number % len(self.order)]
        return number % len(self.bodies)

    def arrivals(self) -> npt.NDArray[np.float64]:
        """When the requests of an open loop are due, in seconds after the start of the plan."""
        n = int(self.rate * self.seconds * 1.2 + 50)
        gaps = np.random.default_rng(self.seed).exponential(1 / self.rate, n)
        moments = np.cumsum(gaps)
        due = moments[moments < self.seconds] + self.begin_s
        return due[: self.n_most] if self.n_most else due


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a driver.

    Attributes:
        patience_s: once no more requests are due, how long none may end before all that are still
            open are given up as lost.
        most_connections: of all streams together; an open loop that needs more waits for one,
            and its latency counts from when its request was due.
        progress_s: how often a line is printed; 0 for never.
    """

    port: int
    streams: tuple[Stream, ...]
    patience_s: float = 30.0
    most_connections: int = 1024
    progress_s: float = 0.0


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the requests of one stream, a column for each fact, a row for each request.

    Times are seconds after the start of the plan. ``status`` is 0 where no answer came,
    ``server_ms`` and ``retry_after`` are -1 where the answer did not tell.
    """

    name: str
    sent_body: list[int]
    due: list[float]
    sent: list[float]
    done: list[float]
    fate: list[int]
    status: list[int]
    server_ms: list[float]
    retry_after: list[float]
    body: list[bytes]

    @property
    def n(self) -> int:
        return len(self.due)

    def latencies_ms(self, *, status: int = 200, since: float = 0.0) -> npt.NDArray[np.float64]:
        """From when each was due until its answer, of those with this status due since then."""
        done, due = np.array(self.done), np.array(self.due)
        answered = (np.array(self.status) == status) & (np.array(self.fate) == Fate.ANSWERED)
        chosen = answered & (due >= since)
        found: npt.NDArray[np.float64] = (done - due)[chosen] * 1e3
        return found

    def lateness_ms(self) -> npt.NDArray[np.float64]:
        """How long after it was due each was sent: what the driver itself added."""
        found: npt.NDArray[np.float64] = (np.array(self.sent) - np.array(self.due)) * 1e3
        return found


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver saw: its streams, and what it cost.

    Attributes:
        began: when its plan began, in seconds since 1970, to hold against what others noted.
        n_stray: answers, or pieces of them, that nobody had asked for.
        cpu_s: processor time of the driver while it ran.
    """

    streams: tuple[Seen, ...]
    began: float
    wall_s: float
    cpu_s: float
    n_stray: int
    n_connections: int

    def stream(self, name: str) -> Seen:
        return next(stream for stream in self.streams if stream.name == name)


def write(file: Path, value: msgspec.Struct) -> None:
    """Writes a plan or what was seen."""
    file.write_bytes(msgspec.msgpack.encode(value))


def read(file: Path, kind: type[T]) -> T:
    """Reads what ``write`` wrote."""
    return msgspec.msgpack.decode(file.read_bytes(), type=kind)
