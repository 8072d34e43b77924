"""What must be known of one replica to foretell how it bears a load."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from goldcrest.packing.cost import CostTable

GRID_S, JOB_S = 140e-6, 6e-6
"""What a slot's own work takes on a server's core: choosing, filling and handing over a grid, and
the same for each text in it. No metric tells it apart from the event loop's, and it varies little
beside a run of the engine."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What one replica takes for each piece of work; seconds of a processor that is its own.

    Attributes:
        costs: seconds of the engine by shape, such as "4x64", while nothing else runs.
        fresh: what runs took over the cost of their shape where the engine had nothing to do
            before, equally likely; empty: as the table says.
        steady: the same where a run follows another at once.
        request_s: of the event loop, to read a request, tokenise its texts and queue them.
        answer_s: of the event loop, to write the answer.
        wake_s: of the event loop, each time that it begins to work after a pause.
        grid_s: of a slot's thread around a run: choosing the grid, filling it, handing over.
        job_s: the same for each text in it.
        outside_s: what a request takes beside all this: the way to the server and back, wake-ups.
        client_s: processor time that the sender of the load takes from this machine per request.
        cores: that the replica has.
        threads: of its engine.
        objective_s: the longest that a grid should take.
        resident_bytes: memory of the process under load; 0 where unknown.
        start_s: from the start of the process until it is ready.
    """

    costs: Mapping[str, float]
    fresh: tuple[float, ...] = ()
    steady: tuple[float, ...] = ()
    request_s: float = 0.0
    answer_s: float = 0.0
    wake_s: float = 0.0
    grid_s: float = GRID_S
    job_s: float = JOB_S
    outside_s: float = 0.0
    client_s: float = 0.0
    cores: int = 1
    threads: int = 1
    objective_s: float = 0.05
    resident_bytes: int = 0
    start_s: float = 5.0

    @property
    def unrest(self) -> float:
        """How much longer one run in twenty took than the middle one: on a quiet machine, little.

        Both kinds of runs are asked, and the one that varies less answers: a few of either may be
        out of the ordinary without anything being wrong.
        """
        spreads = [spread for spread in (self.fresh, self.steady) if spread]
        return min([_unrest(spread) for spread in spreads], default=1.0)

    def table(self) -> CostTable:
        """A cost table of its own, to be corrected by the runs of a simulation.

        Raises:
            ValueError: if there is no shape at all, or one that is not like ``4x64``.
        """
        if not self.costs:
            raise ValueError("a replica without the cost of a single shape cannot be simulated")
        return CostTable.from_json(self.costs)


def _unrest(spread: tuple[float, ...]) -> float:
    ordered = sorted(spread)
    return ordered[int(0.95 * len(ordered))] / ordered[len(ordered) // 2]
