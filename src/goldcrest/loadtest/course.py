"""What a load test is to do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from math import ceil
from urllib.parse import SplitResult, urlsplit

from goldcrest.errors import ConfigError
from goldcrest.loadtest.arrivals import Spike
from goldcrest.loadtest.profiles import Profile
from goldcrest.loadtest.protocols import protocol
from goldcrest.loadtest.replay import Recorded
from goldcrest.loadtest.result import Mode, Slo

_RATE_PER_PROCESS = 3000.0
MAX_RATE = 1e7


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A load test, decided.

    Attributes:
        url: of the server; a path in it replaces the protocol's own.
        key_variable: the environment variable that holds a key; empty for none.
        timeout_ms: from when a request is due.
        tells_timeout: whether the server is told of it.
        is_kept_fine: whether an answer will do that the server kept from earlier.
        mode: how requests arrive.
        rates: of the steps, in requests a second; none in a closed loop, or for a search alone.
        clients: of the steps of a closed loop.
        ramps: whether the rate rises evenly from each of ``rates`` to the next.
        recorded: arrivals to replay.
        seconds: per step.
        warm_up_s: before the first step; 0 for none.
        slo: to judge by.
        finds_max: whether the highest rate within ``slo`` is looked for.
        max_steps: of that search.
        n_processes: that send; 0: as many as it takes.
        max_connections: of all of them.
        command: that repeats this test, without secrets.
    """

    url: str
    profile: Profile
    api: str = "classify"
    model: str = ""
    key_variable: str = ""
    timeout_ms: float = 30_000.0
    tells_timeout: bool = False
    is_kept_fine: bool = True
    mode: Mode = "poisson"
    rates: tuple[float, ...] = ()
    clients: tuple[int, ...] = ()
    ramps: bool = False
    spike: Spike | None = None
    recorded: Recorded | None = None
    seconds: float = 10.0
    warm_up_s: float = 2.0
    slo: Slo | None = None
    finds_max: bool = False
    max_steps: int = 16
    n_processes: int = 0
    max_connections: int = 4096
    seed: int = 1
    command: tuple[str, ...] = ()

    @property
    def parts(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def host(self) -> str:
        return self.parts.hostname or ""

    @property
    def port(self) -> int:
        return self.parts.port or (443 if self.is_tls else 80)

    @property
    def is_tls(self) -> bool:
        return self.parts.scheme == "https"

    @property
    def route(self) -> str:
        return self.parts.path if self.parts.path.strip("/") else protocol(self.api).route

    @property
    def base(self) -> str:
        """The server without a path, nor anything secret that the URL may hold."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.parts.scheme}://{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        return is_loopback(self.host)

    @property
    def processes(self) -> int:
        """How many send, decided."""
        if self.n_processes:
            return self.n_processes
        cores = len(os.sched_getaffinity(0))
        if self.finds_max:
            return max(1, min(4, cores // 2))
        factor = self.spike.factor if self.spike else 1.0
        highest = max(self.rates, default=0.0) * factor
        return max(1, min(cores, ceil(highest / _RATE_PER_PROCESS)))

    def per_process(self, n: int) -> Sequence[int]:
        """Share n of something out among the processes."""
        count = self.processes
        return [n // count + (part < n % count) for part in range(count)]


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or address alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def check(course: Course) -> None:
    """Refuse what cannot be done, before anything is sent.

    Raises:
        ConfigError: the parts of a test do not go together.
    """
    check_url(course.url)
    if course.parts.username or course.parts.password:
        raise ConfigError("a URL must hold no user nor password; name a variable with --key-env")
    if course.parts.query or course.parts.fragment:
        raise ConfigError(f"{course.base}: a URL must end with its path; ? and # are not sent")
    if course.key_variable and not os.environ.get(course.key_variable):
        raise ConfigError(f"--key-env {course.key_variable}: that variable is not set")
    _check_load(course)
    _check_numbers(course)
    if course.max_connections < course.processes:
        raise ConfigError(
            f"--max-connections {course.max_connections} is less than one for each of "
            f"{course.processes} processes"
        )


def check_url(url: str) -> None:
    """Refuse what is not the URL of a server.

    Raises:
        ConfigError: it has no host or another scheme than HTTP, or its port is not valid.
    """
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port out of range, a bracket that is not closed
        is_valid = False
    if not is_valid:
        without_password = url.rpartition("@")[2]
        raise ConfigError(
            f"{without_password!r} is not the URL of a server; see http://127.0.0.1:8000"
        )


def _check_load(course: Course) -> None:
    if course.finds_max and course.slo is None:
        raise ConfigError("--find-max needs an objective, as in --slo 'p99<50ms,errors<0.1%'")
    if course.mode in ("closed", "replay") and (course.finds_max or course.rates):
        raise ConfigError(
            "--clients and --replay have no rate to choose: leave out --rate, --steps and --find-max"
        )
    if course.recorded and course.clients:
        raise ConfigError("--clients and --replay are two ways to send; give one of them")
    if course.spike and (course.ramps or not course.rates):
        raise ConfigError("--spike is of a rate: give --rate or --steps, and no --ramp")
    if course.ramps and len(course.rates) < 2:
        raise ConfigError("--ramp goes from rate to rate; give two or more, as in --steps 10,100")
    if course.mode != "closed" and not (course.rates or course.finds_max or course.recorded):
        raise ConfigError("say how much: --rate R, --steps A,B,C, --clients N or --find-max")


def _check_numbers(course: Course) -> None:
    for rate in course.rates:
        if not 0 < rate < MAX_RATE:
            raise ConfigError(
                f"a rate of {rate:g} requests/s is not valid; it must be above 0 and below "
                f"{MAX_RATE:,.0f}"
            )
    for clients in course.clients:
        if not 0 < clients <= course.max_connections:
            raise ConfigError(
                f"--clients {clients} is not valid; each needs a connection, and --max-connections "
                f"allows 1 to {course.max_connections:,}"
            )
    if course.spike and course.spike.at >= course.seconds:
        raise ConfigError(
            f"--spike begins after {course.spike.at:g} s, but a step ends after "
            f"{course.seconds:g} s; give more --seconds"
        )
