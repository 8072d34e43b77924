"""Long work beside the event loop, on one thread: the most urgent piece goes first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf
from typing import Any, TypeVar

T = TypeVar("T")

_PATIENCE_S = 0.005
"""How long a piece lets grids of urgent work go before it; each takes a millisecond or a few."""

_Piece = tuple[float, int, "Future[Any]", Callable[[], Any]]
"""Rank, number, where the outcome goes, the work; no two have one number."""


class Aside:
    """Pieces of work that wait for a thread; whoever has long work brings it in pieces.

    Args:
        executor: whose thread does the work, one piece at a time.
        calm: waits until no grid of urgent work runs, for so many seconds at most.
    """

    def __init__(
        self, executor: Executor, calm: Callable[[float], object] = lambda _: None
    ) -> None:
        self._executor, self._calm = executor, calm
        self._pieces: list[_Piece] = []
        self._lock = threading.Lock()
        self._numbers = count()

    def submit(self, work: Callable[[], T], *, rank: float) -> Future[T]:
        """Have work done when it is its turn: the lowest rank first.

        Work of any rank but the least lets a grid of urgent work go before it: half a processor for
        some milliseconds would stretch that grid, and all who wait for it, to a multiple.

        Raises:
            RuntimeError: the executor was shut down.
        """
        future: Future[T] = Future()
        piece = (rank, next(self._numbers), future, work)
        with self._lock:
            heappush(self._pieces, piece)
        try:
            self._executor.submit(self._do_next)
        except RuntimeError:
            self._drop(piece)
            raise
        future.add_done_callback(partial(self._forget, piece))
        return future

    def _do_next(self) -> None:
        with self._lock:
            may_wait = bool(self._pieces) and self._pieces[0][0] > -inf
        if may_wait:
            self._calm(_PATIENCE_S)
        with self._lock:
            if not self._pieces:  # its caller has left
                return
            _, _, future, work = heappop(self._pieces)
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001  # handed to whoever waits for it
            future.set_exception(error)

    def _forget(self, piece: _Piece, future: Future[Any]) -> None:
        if future.cancelled():
            self._drop(piece)

    def _drop(self, piece: _Piece) -> None:
        with self._lock:
            if piece in self._pieces:
                self._pieces.remove(piece)
                heapify(self._pieces)
