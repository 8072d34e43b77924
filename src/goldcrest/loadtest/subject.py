"""What a load test was of: the client, the target, the server, and the machine of each."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """A processor and what a process may use of it.

    Attributes:
        features: those that decide how fast a precision is, such as "amx_int8".
        cores: usable ones; 0 where unknown.
    """

    processor: str = ""
    features: tuple[str, ...] = ()
    cores: int = 0


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """Who sent the load."""

    machine: Machine
    n_processes: int
    max_connections: int
    version: str
    """Of Goldcrest."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where the load went.

    Attributes:
        protocol: a key of ``protocols.PROTOCOLS``, such as "classify" or "openai".
        model: as named in the requests; empty for the server's default.
    """

    url: str
    protocol: str
    route: str
    model: str = ""
    is_local: bool = True


class Constraint(msgspec.Struct, frozen=True, kw_only=True):
    """What a server that the test started was held to, by which means, and what that leaves open."""

    cpus: float = 0.0
    memory_mib: int = 0
    means: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()


class LaneCost(msgspec.Struct, frozen=True, kw_only=True):
    """What the server's cost table says of one version of a model.

    Attributes:
        seconds_per_token: the pace of the best warm shape if it were full.
        costs: seconds per shape, such as "4x64".
    """

    lane: str
    model: str
    seconds_per_token: float
    costs: Mapping[str, float] = {}


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """What the server says of itself; what it does not say is empty or 0.

    Attributes:
        settings: a summary, never a secret.
        resident_bytes: after the test.
        engine_cpu_share: processor seconds of an engine per second that it is busy (its threads).
        outside_cpu_s_per_request: processor seconds of the server per request that are not the
            engine's: HTTP, tokenising, scheduling; over all steps that count.
        tokens_per_request: real tokens that ran per answered request.
        grid_fill: real tokens per slot of the grids.
        start_s: from the start of its process until it was ready; 0 where the test did not see it.
    """

    name: str = ""
    version: str = ""
    machine: Machine = Machine()
    settings: Mapping[str, str] = {}
    resident_bytes: int = 0
    lanes: tuple[LaneCost, ...] = ()
    engine_cpu_share: float = 0.0
    outside_cpu_s_per_request: float = 0.0
    tokens_per_request: float = 0.0
    grid_fill: float = 0.0
    n_workers: int = 1
    constraint: Constraint | None = None
    start_s: float = 0.0
