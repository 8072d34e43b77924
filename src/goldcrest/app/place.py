"""One model of the settings: closed, open, or on its way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock

from goldcrest.breaker import Guard, Tolerance
from goldcrest.config import ModelConfig
from goldcrest.model.version import Version
from goldcrest.values import ServedModel

_GUESS_S = 2.0
"""How long an opening takes, as far as nobody has seen one."""

_TOLERANCE = Tolerance(in_a_row=1, share=1.0, rest_s=5.0, longest_s=300.0, trial_s=3600.0)
"""A model that cannot be opened is tried again after 5 s, then 10 s, and so on."""


@dataclass(eq=False)
class Place:
    """What is known of one model.

    Attributes:
        moving: held by whoever opens, closes or replaces it.
        version: what is open; None while nothing is.
        described: what it said of itself, or will say, when it is open.
        is_wanted: False once a caller took it out of service.
        opening: the opening that is under way or was the last.
        n_waiting: requests that wait for it to open.
        took_s: how long the last opening took.
        opened_at: when that was, on the catalogue's clock.
        tried_at: when it was last opened, or given a fresh engine in vain.
        reserved_bytes: memory that is set aside for it while it opens.
        is_down: it is closed against everybody's wish, and to be opened as soon as that works.
        n_hangs: engines that hung, one after the other.
        hung_at: when the last did.
        trouble: why it could not be opened.
        guard: keeps it from being opened in vain again and again.
    """

    settings: ModelConfig
    clock: Callable[[], float]
    moving: Lock = field(default_factory=Lock)
    version: Version | None = None
    described: ServedModel | None = None
    is_wanted: bool = True
    opening: Future[None] | None = None
    n_waiting: int = 0
    took_s: float = _GUESS_S
    opened_at: float = 0.0
    tried_at: float = 0.0
    reserved_bytes: int = 0
    is_down: bool = False
    n_hangs: int = 0
    hung_at: float = float("-inf")
    trouble: str = ""

    def __post_init__(self) -> None:
        self.forgive()

    def forgive(self) -> None:
        """Forget failures: somebody says that it may be opened now."""
        self.guard = Guard(
            f"model {self.name}", (Exception,), tolerance=_TOLERANCE, clock=self.clock
        )

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def is_lazy(self) -> bool:
        return self.settings.load == "lazy"

    @property
    def n_bytes(self) -> int:
        """What it takes in memory, or will take when it is open."""
        version = self.version
        return self.reserved_bytes if version is None else version.footprint.n_bytes
