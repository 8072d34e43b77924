"""A server's replicas under a load, in virtual time, with the scheduler that serves it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goldcrest.batching.policy import Policy
from goldcrest.loadtest.load import Load
from goldcrest.loadtest.measured import Measured
from goldcrest.loadtest.replica import ANSWERED, EXPIRED, REFUSED, Replica, Runs

AS_SET = Policy()


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a simulation saw.

    Attributes:
        latencies_s: of the answered requests, in order of their times.
        sent: requests.
        seconds: from the first request to the last answer.
        fresh: runs of engines that had nothing to do before, all replicas together.
        steady: runs that followed another at once.
        loop_s: seconds of event loops, all replicas together.
        n_wakes: how often event loops began to work after a pause.
        n_replicas: that served.
        waiting_tokens: tokens that waited whenever a grid was formed.
    """

    latencies_s: NDArray[np.float64]
    sent: int
    refused: int
    expired: int
    seconds: float
    fresh: Runs
    steady: Runs
    loop_s: float
    n_wakes: int
    n_replicas: int
    waiting_tokens: NDArray[np.int64]

    @property
    def answered(self) -> int:
        return len(self.latencies_s)

    @property
    def engine_s(self) -> float:
        """Seconds that engines were busy, all replicas together."""
        return self.fresh.seconds + self.steady.seconds

    @property
    def n_grids(self) -> int:
        return self.fresh.n + self.steady.n

    @property
    def busy_share(self) -> float:
        """Share of the time that an engine is busy."""
        return self.engine_s / max(self.seconds * self.n_replicas, 1e-9)

    @property
    def loop_share(self) -> float:
        """Share of the time that an event loop is busy."""
        return self.loop_s / max(self.seconds * self.n_replicas, 1e-9)

    def quantile_s(self, share: float) -> float:
        """Latency that this share of the answers stayed within; 0 where there are none."""
        return float(np.quantile(self.latencies_s, share)) if self.answered else 0.0


def simulate(
    measured: Measured,
    load: Load,
    *,
    n_replicas: int = 1,
    policy: Policy = AS_SET,
    seed: int = 0,
    warm_up: float = 0.0,
) -> Foreseen:
    """Let replicas serve a load; each request goes to one of them at random.

    Args:
        measured: what each replica takes for its work.
        load: the requests.
        n_replicas: that share it.
        policy: how work of each class waits.
        seed: the same seed gives the same outcome.
        warm_up: share of the requests, the first ones, whose latencies do not count.

    Raises:
        ValueError: if there are no replicas.
    """
    if n_replicas < 1:
        raise ValueError(f"a load is served by at least 1 replica, not {n_replicas}")
    goes_to = np.random.default_rng(seed).integers(n_replicas, size=load.n)
    replicas = []
    latencies = np.zeros(load.n)
    became = np.zeros(load.n, np.int8)
    for number in range(n_replicas):
        own = np.flatnonzero(goes_to == number)
        replica = Replica(measured, policy, load.part(own), seed=seed + number)
        replica.run()
        latencies[own] = replica.ended - load.times[own] + measured.outside_s
        became[own] = replica.became
        replicas.append(replica)
    counts = np.arange(load.n) >= warm_up * load.n
    return Foreseen(
        latencies_s=latencies[(became == ANSWERED) & counts],
        sent=int(counts.sum()),
        refused=int(((became == REFUSED) & counts).sum()),
        expired=int(((became == EXPIRED) & counts).sum()),
        seconds=max(replica.ended_at for replica in replicas),
        fresh=sum((replica.runs[True] for replica in replicas), Runs()),
        steady=sum((replica.runs[False] for replica in replicas), Runs()),
        loop_s=sum(replica.loop_s for replica in replicas),
        n_wakes=sum(replica.n_wakes for replica in replicas),
        n_replicas=n_replicas,
        waiting_tokens=np.concatenate([replica.waiting_tokens for replica in replicas]),
    )
