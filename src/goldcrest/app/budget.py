"""What models may take in memory, and which of them close so that another can open; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Headroom:
    """What the process may still take, read at the moment of asking.

    Attributes:
        room: bytes by which it may grow.
        is_refusing: whether memory is so short that no work is taken.
        passing: bytes that come and go, such as answers that are kept.
    """

    room: Callable[[], float] = lambda: inf
    is_refusing: Callable[[], bool] = lambda: False
    passing: Callable[[], int] = lambda: 0


@dataclass(frozen=True, slots=True)
class Tenant:
    """A model that is open, or is being opened.

    Attributes:
        n_bytes: what it takes in memory.
        last_turn: the lowest was used least recently.
        may_go: whether it may be closed: it is opened on demand, and nobody waits for it.
    """

    name: str
    n_bytes: int
    last_turn: int
    may_go: bool


def to_close(n_bytes: int, tenants: Sequence[Tenant], limit: float) -> tuple[str, ...] | None:
    """The names of the models to close so that ``n_bytes`` more stay within the limit.

    Those used least recently go first, and no more than must. None: it would not fit even then.

    Args:
        n_bytes: what is to be opened.
        tenants: what is there.
        limit: bytes that all may take together.
    """
    excess = sum(tenant.n_bytes for tenant in tenants) + n_bytes - limit
    names: list[str] = []
    for tenant in sorted(tenants, key=lambda one: one.last_turn):
        if excess <= 0:
            break
        if tenant.may_go:
            names.append(tenant.name)
            excess -= tenant.n_bytes
    return None if excess > 0 else tuple(names)
